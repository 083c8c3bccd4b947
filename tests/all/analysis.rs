//! Analyses against SciPy and NumPy (`data/analysis/make_reference.py`), against theory, and on data that make no sense.

mod behavior;
mod continuation;
mod cycles;
mod decoding;
mod diffusion_map;
mod dpca;
mod figures;
mod fixed_points;
mod history;
mod lesion;
mod lyapunov;
mod parity;
mod population;
mod psychometric;
mod regression;
mod similarity;
mod statistics;

use std::fs::File;
use std::path::{Path, PathBuf};

use ndarray::{ArrayD, IxDyn, OwnedRepr};
use ndarray_npy::NpzReader;
use serde_json::Value as Json;

/// A part of the numbers of SciPy and NumPy.
fn reference(part: &str) -> Vec<Json> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/analysis/reference.json");
    let all: Json = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    match &all[part] {
        Json::Array(cases) => cases.clone(),
        case => vec![case.clone()],
    }
}

/// An array of the truth that analyses are held to (`data/parity/analysis`).
fn truth(file: &str, name: &str) -> ArrayD<f64> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/parity/analysis").join(file);
    let mut npz = NpzReader::new(File::open(path).unwrap()).unwrap();
    match npz.by_name::<OwnedRepr<f64>, IxDyn>(name) {
        Ok(numbers) => numbers,
        Err(_) => match npz.by_name::<OwnedRepr<i64>, IxDyn>(name) {
            Ok(whole) => whole.mapv(|whole| whole as f64),
            Err(_) => npz.by_name::<OwnedRepr<i32>, IxDyn>(name).unwrap().mapv(f64::from),
        },
    }
}

fn number(json: &Json) -> f64 {
    json.as_f64().unwrap()
}

fn numbers(json: &Json) -> Vec<f64> {
    json.as_array().unwrap().iter().map(number).collect()
}

fn whole(json: &Json) -> Vec<usize> {
    json.as_array().unwrap().iter().map(|json| json.as_u64().unwrap() as usize).collect()
}

/// `|ours - theirs| <= tolerance (1 + |theirs|)`.
#[track_caller]
fn close(what: &str, ours: f64, theirs: f64, tolerance: f64) {
    assert!((ours - theirs).abs() <= tolerance * (1.0 + theirs.abs()), "{what}: {ours} against {theirs}");
}

/// Without a card a cell that ends in it is compiled twice, and shows what only programmers read.
#[test]
fn what_an_analysis_is_and_gives_shows_itself_under_a_cell() {
    fn files(folder: &Path) -> Vec<PathBuf> {
        let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
    }
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let cards = std::fs::read_to_string(source.join("cards.rs")).unwrap();
    let cards: Vec<&str> = cards.split(|c: char| !c.is_alphanumeric()).collect();
    for file in files(&source.join("analysis")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let types =
            text.lines().filter_map(|line| line.strip_prefix("pub struct ")?.split([' ', ';', '(', '<']).next());
        for name in types {
            assert!(cards.contains(&name), "{name} is not in src/cards.rs");
        }
    }
}
