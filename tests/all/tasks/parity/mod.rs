//! Tasks of the library, without noise, against trials of other programs.
//!
//! The numbers lie in `data/parity/tasks`, whose `README.md` says what they are, or in the folder that the environment variable
//! `PSYCHRNN_FIXTURES` names. A case is `NAME.npz`, with what `index.json` says about it. Each that is there must be compared.

mod choice;
mod memory;
mod movement;
mod theirs;
mod timing;
mod yang;

use std::path::PathBuf;

use ndarray::{ArrayView, Dimension};
use serde_json::Value as Json;

use crate::case::{self, Case, Outcome};

/// What compares a case, of which it is told what the index says.
type Check = fn(&mut Case, &Json) -> Outcome;

/// Those of each file: what compares the case of a name, if it does.
const CHECKS: [fn(&str) -> Option<Check>; 5] =
    [yang::check, memory::check, timing::check, choice::check, movement::check];

/// What is no trial of a task.
const OTHERS: [&str; 3] = ["ngym_wrappers", "ngym_yang19", "rl_reinforce"];

/// How near inputs and targets must be.
const NEAR: f64 = 1e-6;

/// The folder of fixtures: what `PSYCHRNN_FIXTURES` names, or its part for tasks, or the one that comes with the crate.
fn folder() -> PathBuf {
    let ours = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/parity");
    let named = std::env::var_os("PSYCHRNN_FIXTURES").filter(|path| !path.is_empty());
    let folder = named.map_or_else(ours, PathBuf::from);
    let part = folder.join("tasks");
    if part.is_dir() { part } else { folder }
}

/// Compares an array of ours with the one of a name.
fn compare<D: Dimension>(case: &mut Case, name: &str, ours: &ArrayView<'_, f32, D>, tolerated: f64) -> Outcome {
    let theirs = case.take::<D>(name)?;
    case.equal(&format!("shape of {name}"), ours.shape(), theirs.shape());
    if ours.shape() == theirs.shape() {
        // `run0_inputs` is about inputs.
        let what = name.rsplit_once('_').map_or(name, |(_, what)| what);
        case.far(what, most(&(ours.mapv(f64::from) - theirs)), tolerated);
    }
    Ok(())
}

/// The largest of some differences.
fn most<'a>(differences: impl IntoIterator<Item = &'a f64>) -> f64 {
    let larger = |most: f64, x: &f64| if x.abs() > most || x.is_nan() { x.abs() } else { most };
    differences.into_iter().fold(0.0, larger)
}

#[test]
fn trials_are_those_of_other_programs() {
    let folder = folder();
    let index = std::fs::read_to_string(folder.join("index.json")).unwrap();
    let index: Json = serde_json::from_str(&index).unwrap();
    println!("\nTasks in {}", folder.display());
    let there = |name: &str| folder.join(format!("{name}.npz"));
    let names = index["cases"].as_object().unwrap().keys();
    let names: Vec<&String> = names.filter(|name| there(name).exists() && !OTHERS.contains(&name.as_str())).collect();
    assert!(!names.is_empty(), "there are no cases in {}", folder.display());
    let examine = |name: &&String| {
        Case::examine(name, |case| {
            case.read(&there(name))?;
            let check = CHECKS.iter().find_map(|check| check(name)).ok_or("nothing compares it")?;
            check(case, &index["cases"][name.as_str()])
        })
    };
    case::all_are_equal(names.iter().map(examine));
}
