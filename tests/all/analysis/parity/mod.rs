//! Networks as dynamical systems and populations, against numbers of other programs: what we find beside what is true.
//!
//! The numbers lie in `data/parity/analysis`, whose `README.md` says what they are, or in the folder that the environment variable
//! `PSYCHRNN_FIXTURES` names. Networks are `NAME.npz` with `NAME.truth.npz` beside it and perhaps `NAME.states.npz`, states of trials; what a
//! case is about is told by the arrays that its truth has. Each of these must be compared.

mod case;
mod curves;
mod points;
mod population;

use std::path::{Path, PathBuf};

use case::{Case, Outcome};

/// The folder of fixtures: what `PSYCHRNN_FIXTURES` names, or its part for analyses, or the one that comes with the crate.
fn folder() -> PathBuf {
    let ours = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/parity");
    let named = std::env::var_os("PSYCHRNN_FIXTURES").filter(|path| !path.is_empty());
    let folder = named.map_or_else(ours, PathBuf::from);
    let part = folder.join("analysis");
    if part.is_dir() { part } else { folder }
}

/// Checks all that a case holds.
fn check(case: &mut Case) -> Outcome {
    points::check(case)?;
    curves::check(case)
}

#[test]
fn what_is_true_of_networks_is_found() {
    let folder = folder();
    let mut names: Vec<String> = files(&folder).into_iter().filter_map(|name| Some(name.strip_suffix(".truth.npz")?.into())).collect();
    names.sort();
    assert!(!names.is_empty(), "there is no truth in {}", folder.display());
    println!("\nNetworks in {}", folder.display());
    let cases = names.iter().map(|name| Case::examine(name, |case| {
        case.open(&folder)?;
        check(case)
    }));
    case::all_are_equal(cases);
}

#[test]
fn what_is_true_of_populations_is_found() {
    let folder = folder();
    if !folder.join("population.npz").exists() {
        return;
    }
    println!("\nPopulations in {}", folder.display());
    case::all_are_equal(population::cases(&folder));
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
}
