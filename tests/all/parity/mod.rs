//! Equal to PsychRNN, number for number: what we compute against what the real PsychRNN computed.
//!
//! The numbers lie in `data/parity`, or in the folder that the environment variable `PSYCHRNN_FIXTURES` names. Which cases there
//! are, how large, and how close we must be, is read from there. Each array of each case must be compared or be an input.

mod counts;
mod files;
mod fixture;
mod initializers;
mod losses;
mod model;
mod networks;
mod tasks;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use indexmap::IndexMap;
use sha2::{Digest, Sha256};

use crate::arrays::{Kind, Numbers};
use fixture::{Case, Claim, Index, Outcome, Report, folder, write_npz};
use psychrnn::prelude::*;

/// Compares all that a case holds. What a case is about is told by its arrays and parameters.
fn check(case: &Case) -> Outcome {
    if case.has("n_excitatory") {
        counts::check_dale_split(case)
    } else if case.has("training_iters") {
        counts::check_training(case)
    } else if !case.named("sd_").is_empty() {
        tasks::check_noise(case)
    } else if !case.named("param_").is_empty() {
        tasks::check(case)
    } else if case.param("class").is_some() {
        initializers::check_statistics(case)
    } else if case.names().any(|name| name.ends_with("_draw")) {
        initializers::check_exact(case)
    } else if case.has("inputs") {
        networks::check(case)?;
        case.text("saved_file").map_or(Ok(()), |file| files::check(case, file))
    } else if case.has("pred") {
        losses::check(case)
    } else {
        Err("nothing here knows what this case is about".into())
    }
}

/// Checks a case. What panics is an error.
fn examine(case: &Case) -> Report {
    let outcome = catch_unwind(AssertUnwindSafe(|| check(case))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(text.or(panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default().into())
    });
    case.report(outcome)
}

#[test]
fn every_number_of_psychrnn_is_ours() {
    let folder = folder();
    let index = Index::read(&folder).unwrap();
    assert!(!index.cases.is_empty());
    println!("\nPsychRNN's numbers in {}", folder.display());
    let mut failures = String::new();
    for name in index.cases.keys() {
        match index.case(&folder, name) {
            Ok(case) => {
                let report = examine(&case);
                println!("{report}");
                for failure in &report.failures {
                    writeln!(failures, "  {name}: {failure}").unwrap();
                }
            }
            Err(error) => writeln!(failures, "  {name}: {error}").unwrap(),
        }
    }
    assert!(failures.is_empty(), "not equal to PsychRNN:\n{failures}");
}

#[test]
fn every_file_belongs_to_a_case() {
    let folder = folder();
    let index = Index::read(&folder).unwrap();
    let mut known: Vec<String> = index.cases.values().map(|info| info.file.clone()).collect();
    for name in index.cases.keys() {
        known.extend(index.case(&folder, name).unwrap().text("saved_file").map(str::to_owned));
    }
    for entry in std::fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.ends_with(".npz") || known.contains(&name), "{name} belongs to no case of the index");
    }
}

#[test]
fn every_file_is_the_one_that_the_index_describes() {
    let folder = folder();
    let index = Index::read(&folder).unwrap();
    let check = |file: &str, said: Option<&String>| {
        let Some(said) = said else { return };
        let digest = Sha256::digest(std::fs::read(folder.join(file)).unwrap());
        let found: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(&found, said, "{file} was changed");
    };
    for (name, info) in &index.cases {
        check(&info.file, info.sha256.as_ref());
        if let Some(file) = index.case(&folder, name).unwrap().text("saved_file") {
            check(file, info.saved_file_sha256.as_ref());
        }
    }
}

#[test]
fn an_array_more_or_less_fails() {
    let folder = folder();
    let index = Index::read(&folder).unwrap();
    let other = tempfile::tempdir().unwrap();
    for (name, info) in index.cases.iter().filter(|(_, info)| info.summary.is_empty()) {
        let case = index.case(&folder, name).unwrap();
        if let Some(file) = case.text("saved_file") {
            std::fs::copy(folder.join(file), other.path().join(file)).unwrap();
        }
        let failures = |change: &dyn Fn(&mut IndexMap<String, Numbers>)| {
            let mut arrays = case.arrays().clone();
            change(&mut arrays);
            write_npz(&other.path().join(&info.file), &arrays).unwrap();
            examine(&index.case(other.path(), name).unwrap()).failures
        };
        let more = failures(&|arrays| drop(arrays.insert("more".into(), arrays[0].clone())));
        assert!(more.iter().any(|failure| failure == "nothing compares or uses the array more"), "{name}: {more:?}");
        let last = case.names().last().unwrap();
        let less = failures(&|arrays| drop(arrays.shift_remove(last)));
        assert!(less.iter().any(|failure| *failure == format!("the file lacks the array {last}")), "{name}: {less:?}");
    }
}

/// A few places in an array of so many numbers; other ones for another array.
fn places(array: &str, length: usize, n: usize) -> Vec<usize> {
    let mut rng = Seed(5).child(array).stream(0);
    (0..n.min(length)).map(|_| rng.index(length)).collect()
}

#[test]
fn a_changed_number_fails() {
    let folder = folder();
    let index = Index::read(&folder).unwrap();
    let other = tempfile::tempdir().unwrap();
    let mut unnoticed = String::new();
    for (name, info) in &index.cases {
        let case = index.case(&folder, name).unwrap();
        check(&case).unwrap();
        if let Some(file) = case.text("saved_file") {
            std::fs::copy(folder.join(file), other.path().join(file)).unwrap();
        }
        let file_fails = |array: &str, place: usize, change: f64| {
            let mut arrays = case.arrays().clone();
            *arrays[array].values.iter_mut().nth(place).unwrap() += change;
            write_npz(&other.path().join(&info.file), &arrays).unwrap();
            !examine(&index.case(other.path(), name).unwrap()).failures.is_empty()
        };
        // Every array is changed in memory, some of them in a file: in a statistical case, where networks are drawn by the
        // hundred, one.
        let compared: BTreeSet<String> = case.claims().iter().map(|claim| claim.array.clone()).collect();
        let files = if info.summary.is_empty() { 3 } else { 1 };
        let in_file: Vec<&String> = compared.iter().step_by(compared.len().div_ceil(files).max(1)).collect();
        for (array, numbers) in case.arrays() {
            let purpose = format!("{name} {array}");
            let places = |n| places(&purpose, numbers.values.len(), n);
            let claims = case.claims();
            let claims: Vec<_> = claims.iter().filter(|claim| claim.array == *array).collect();
            // What we say contradicts the number as soon as it changes by more than is tolerated.
            for place in places(if claims.is_empty() { 0 } else { 5 }) {
                if let Some(change) = unnoticed_change(&claims, numbers, place) {
                    writeln!(unnoticed, "  {name}: {array}[{place}], by {change}").unwrap();
                }
            }
            if !claims.is_empty() && !in_file.contains(&array) {
                continue;
            }
            // A file with such a number fails.
            let change = |place| match numbers.kind {
                Kind::I64 => 1.0,
                _ => 0.01 * numbers.values.iter().nth(place).map_or(0.0, |number| number.abs()).max(0.1),
            };
            if !claims.is_empty() && places(1).iter().all(|&place| file_fails(array, place, change(place))) {
                continue;
            }
            // An input matters if any of its numbers does: that of an absent connection, for one, does not. Without outputs
            // their bias is without consequence.
            let large = if numbers.kind == Kind::I64 { 50.0 } else { 1000.0 };
            let mut candidates = std::iter::once(0).chain(places(40));
            let matters = case.is_input(array) && candidates.any(|place| file_fails(array, place, large));
            let idle = array == "b_out" && !case.has("outputs") && !case.has("losses");
            if !matters && !idle {
                writeln!(unnoticed, "  {name}: {array} in a file").unwrap();
            }
        }
    }
    assert!(unnoticed.is_empty(), "changes that nobody noticed:\n{unnoticed}");
}

/// The change of a number that the claims on its array should notice, if they do not.
fn unnoticed_change(claims: &[&Claim], numbers: &Numbers, place: usize) -> Option<f64> {
    let n = numbers.values.len();
    let mut changed = numbers.clone();
    let number = changed.values.iter_mut().nth(place)?;
    let change = claims.iter().filter_map(|claim| claim.noticed_change(*number, n)).fold(f64::INFINITY, f64::min);
    *number += change;
    let noticed = change.is_finite() && claims.iter().any(|claim| claim.deviation(&changed).size > 1.0);
    (!noticed).then_some(change)
}
