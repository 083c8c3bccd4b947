//! What holds for every task of the library.

use std::path::Path;

use ndarray::Array3;
use psychrnn::prelude::*;
use psychrnn::tasks::catalog::{self, Entry};
use psychrnn::threads::with_threads;
use serde_json::Value as Json;

use crate::{flip_flop, models};

/// What holds the trials of each task, without noise, to what its source says. Those of PsychRNN have its own numbers, in `data/parity`.
const HELD: &[(&str, fn())] = &[
    ("random_dots", models::random_dots_are_those_of_the_formula),
    ("random_dots_variable_duration", models::random_dots_are_those_of_the_formula),
    ("random_dots_reaction_time", models::random_dots_are_those_of_the_formula),
    ("context_integration", models::context_integration_is_that_of_the_formula),
    ("multisensory_integration", models::multisensory_integration_is_that_of_the_formula),
    ("parametric_working_memory", models::parametric_working_memory_is_that_of_the_formula),
    ("sequence_execution", models::sequences_are_those_of_the_table),
    ("sine_wave", models::the_sine_wave_is_one_and_needs_no_input),
    ("flip_flop", flip_flop::flip_flops_hold_the_last_pulse),
];

/// The same of those with trials of other programs in `data/parity/tasks`: the case, if it has another name.
const CASES: &[(&str, &str)] = &[("yang", "yang_test_grid")];

fn trials(entry: &Entry, n: u64) -> Batch {
    entry.task().trials(0..n, Seed(3)).unwrap()
}

#[test]
fn every_task_is_held_to_its_source() {
    let parity = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/parity");
    for Entry { name, .. } in catalog::all() {
        let case = CASES.iter().find(|(task, _)| task == name).map_or(*name, |(_, case)| case);
        let is_held = HELD.iter().any(|(held, _)| held == name)
            || parity.join(format!("task_{name}.npz")).exists()
            || parity.join(format!("tasks/{case}.npz")).exists();
        assert!(is_held, "nothing holds a trial of {name} without noise to its source");
    }
    let others = HELD.iter().map(|(name, _)| name).chain(CASES.iter().map(|(name, _)| name));
    others.for_each(|name| assert!(catalog::find(name).is_ok(), "{name}"));
}

#[test]
fn trials_have_the_shapes_that_the_task_says() {
    for entry in catalog::all() {
        let (name, batch) = (entry.name, trials(entry, 7));
        batch.check().unwrap();
        let spec = entry.task().spec().unwrap();
        assert_eq!(batch.spec, spec, "{name}");
        let n_steps = batch.n_steps();
        assert_eq!(batch.inputs.dim(), (7, n_steps, spec.n_in), "{name}");
        assert_eq!(batch.targets.dim(), (7, n_steps, spec.n_out), "{name}");
        assert!(batch.values.iter().all(|(_, column)| column.len() == 7), "{name}");
        assert!(batch.epochs.iter().all(|epochs| epochs.iter().next().is_some()), "{name}");
    }
}

#[test]
fn a_trial_depends_on_its_seed_and_number_alone() {
    for entry in catalog::all() {
        let (name, task) = (entry.name, entry.task());
        let all = trials(entry, 12);
        let some = |threads| with_threads(threads, || task.trials(5..9, Seed(3))).unwrap();
        for some in [some(1), some(3)] {
            assert!(all.select(&[5, 6, 7, 8]).inputs.starts_with(&some), "{name}");
            assert!(all.values.select(&[5, 6, 7, 8]) == some.values && all.epochs[5..9] == some.epochs, "{name}");
        }
        let other = task.trials(0..12, Seed(4)).unwrap();
        assert!(other.inputs != all.inputs || all.inputs.is_empty(), "{name}: all seeds give the same trials");
    }
}

/// Trials that were drawn among longer ones have more padding.
trait StartsWith {
    fn starts_with(&self, batch: &Batch) -> bool;
}

impl StartsWith for Array3<f32> {
    fn starts_with(&self, batch: &Batch) -> bool {
        let n_steps = batch.n_steps();
        self.slice(ndarray::s![.., ..n_steps, ..]) == batch.inputs
            && self.slice(ndarray::s![.., n_steps.., ..]).iter().all(|&u| u == 0.0)
    }
}

#[test]
fn errors_count_or_do_not_and_the_answer_counts() {
    for entry in catalog::all() {
        let (name, batch) = (entry.name, trials(entry, 30));
        assert!(
            batch.mask.iter().all(|&weight| weight >= 0.0)
                && batch.mask.iter().any(|&weight| weight == 0.0 || weight == 1.0),
            "{name}"
        );
        for (trial, &length) in batch.lengths.iter().enumerate() {
            let answer = batch.steps_of(trial, "decision").unwrap_or(length - 1..length);
            let weights = batch.mask.slice(ndarray::s![trial, answer, ..]);
            assert!(!weights.is_empty() && weights.iter().all(|&weight| weight > 0.0), "{name}: trial {trial}");
        }
    }
}

#[test]
fn who_does_what_is_asked_is_right() {
    for entry in catalog::all() {
        let (name, batch) = (entry.name, trials(entry, 200));
        let asks = batch.spec.decision != Decision::none();
        let states = Array3::zeros((batch.n_trials(), batch.n_steps(), 1));
        let session = Session::new(batch.clone(), states.clone(), states, batch.targets.clone()).unwrap();
        let scored = session.correct.iter().flatten();
        assert!(scored.clone().all(|&correct| correct) && (scored.count() > 100) == asks, "{name}");
        if asks {
            batch.check_choices().unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(session.accuracy(), 1.0, "{name}");
        }
        if let Some(criterion) = entry.described().criterion {
            let measure = session.measured_by(&criterion).unwrap();
            assert!(criterion.met(&[measure]), "{name}: {measure}");
        }
    }
}

#[test]
fn arguments_come_back_and_what_is_none_is_named() {
    for entry in catalog::all() {
        let usual = entry.described();
        let again = entry.read(&usual.arguments).unwrap();
        assert_eq!(again.arguments, usual.arguments, "{}", entry.name);
        assert_eq!(
            again.task.trials(2..5, Seed(1)).unwrap(),
            usual.task.trials(2..5, Seed(1)).unwrap(),
            "{}",
            entry.name
        );
        for place in places(&usual.arguments) {
            let mut given = usual.arguments.clone();
            put(&mut given, &place, "a text".into());
            let error = entry.read(&given).map(|_| ()).unwrap_err();
            let path = error.path().to_string().replace(['.', '['], "/").replace(']', "");
            assert!(place[1..].starts_with(path.trim_matches('/')), "{}: {place}: {error}", entry.name);
        }
    }
}

#[test]
fn nonsense_is_refused_or_gives_trials() {
    let nonsense = [Json::from(-1), 0.into(), 1e30.into(), Json::Array(Vec::new())];
    for entry in catalog::all() {
        let usual = entry.described().arguments;
        let refused = |place: &str, value: &Json| {
            let mut given = usual.clone();
            put(&mut given, place, value.clone());
            let Ok(described) = entry.read(&given) else { return true };
            match described.task.batch(2, Seed(1)) {
                Ok(batch) => {
                    batch.check().unwrap();
                    false
                }
                Err(error @ Error::Task { .. }) => panic!("{}: {place} = {value}: {error}", entry.name),
                Err(_) => true,
            }
        };
        for place in places(&usual) {
            for value in &nonsense {
                let is_time = place.ends_with("/dt") || place.ends_with("/tau");
                let must = if value.is_array() {
                    usual.pointer(&place).is_some_and(Json::is_array)
                } else {
                    is_time && value.as_f64().is_some_and(|time| time <= 0.0)
                };
                assert!(refused(&place, value) || !must, "{}: {place} = {value}", entry.name);
            }
        }
    }
}

/// The places of all numbers and lists.
fn places(value: &Json) -> Vec<String> {
    let within = |name: &str, value: &Json| places(value).into_iter().map(|place| format!("/{name}{place}")).collect();
    let below: Vec<String> = match value {
        Json::Object(fields) => {
            fields.iter().flat_map(|(name, value)| -> Vec<String> { within(name, value) }).collect()
        }
        Json::Array(list) => list.iter().take(1).flat_map(|value| -> Vec<String> { within("0", value) }).collect(),
        _ => Vec::new(),
    };
    let itself = (value.is_number() || value.is_array()).then(String::new);
    itself.into_iter().chain(below).collect()
}

fn put(arguments: &mut Json, place: &str, value: Json) {
    *arguments.pointer_mut(place).unwrap() = value;
}
