//! Files that PsychRNN's own `save` wrote.

use ndarray::Array1;
use psychrnn::dynamics::LeakyUnits;
use psychrnn::network::Trials;
use psychrnn::prelude::*;

use super::fixture::{Case, Outcome};
use super::model::{array, batch, by_libtorch, n_out, rnn_config, transfer};
use crate::arrays::read_npz;

/// Loads a file that PsychRNN saved, compares its entries, and runs the network in it.
pub(crate) fn check(case: &Case, file: &str) -> Outcome {
    let path = case.folder.join(file);
    let weights = Weights::load(&path)?;
    check_entries(case, &weights)?;
    let plain = read_npz(&path)?;
    for name in case.named("entry_") {
        let (entry, stored) = (format!("entry_{name}"), name.replace("__", "/"));
        if stored == "dale_ratio" {
            let ratio = weights.dale_ratio().flatten().ok_or("no dale_ratio was read")?;
            case.compare_scalar(&entry, "file", ratio)?;
        } else if let Ok(loaded) = weights.array(&stored) {
            case.compare(&entry, "file", loaded)?;
        } else if weights.skipped().contains(&stored) {
            // The moments of the optimizer, which PsychRNN itself does not read again.
            let numbers = plain.get(&stored).ok_or_else(|| format!("the file has no entry {stored}"))?;
            case.compare_wide(&entry, "file, not loaded", numbers.values.clone())?;
        } else {
            return Err(format!("the entry {stored} is neither loaded nor reported as left out").into());
        }
    }
    let batch = batch(case, n_out(case)?)?;
    let tau = case.number_or_size("tau")? as f32;
    let session =
        Simulator::new(&weights, LeakyUnits::new(batch.spec.dt, tau).transfer(transfer(case)?))?.run(&batch)?;
    let network = Rnn::with_weights(&batch, rnn_config(case)?, &weights)?;
    let activity = by_libtorch(&network, &Trials::new(&batch)?)?;
    for suffix in ["", "_reloaded"] {
        let (states, outputs) = (format!("states{suffix}"), format!("outputs{suffix}"));
        if case.has(&states) {
            case.compare(&states, "kernel, from the file", &session.states)?;
            case.compare(&states, "libtorch, from the file", &array(&activity.states)?)?;
        }
        if case.has(&outputs) {
            case.compare(&outputs, "kernel, from the file", &session.outputs)?;
            case.compare(&outputs, "libtorch, from the file", &array(&activity.outputs)?)?;
        }
    }
    Ok(())
}

/// Each entry that the index lists is loaded, or else reported as left out; pickled objects are never loaded.
fn check_entries(case: &Case, weights: &Weights) -> Outcome {
    let listed = |param: &str| -> Vec<&str> {
        let names = case.param(param).and_then(|names| names.as_array()).into_iter().flatten();
        names.filter_map(|name| name.as_str()).collect()
    };
    let objects = listed("object_entries");
    for name in listed("entries") {
        let says_none = name == "dale_ratio" && weights.dale_ratio() == Some(None);
        let says_ratio = name == "dale_ratio" && weights.dale_ratio().flatten().is_some();
        let left_out = weights.skipped().iter().any(|skipped| skipped == name);
        let known = match objects.contains(&name) {
            true => left_out || says_none,
            false => left_out || says_ratio || weights.array(name).is_ok(),
        };
        if !known {
            return Err(format!("the entry {name} of the file is not accounted for").into());
        }
    }
    // A number for each unit at least must have come, or the file was not read at all.
    let b_rec: Array1<f32> = weights.vector("b_rec")?;
    if b_rec.is_empty() { Err("the file holds no units".into()) } else { Ok(()) }
}
