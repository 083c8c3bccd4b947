//! A trial of NeuroGym's or of pyrl's, and what the index says of it.

use ndarray::{Array1, Array2, Axis, Ix1, Ix2, s};
use psychrnn::prelude::*;
use serde_json::Value as Json;

use super::NEAR;
use crate::case::{Case, Outcome};

pub(super) struct Theirs<'a> {
    name: String,
    trial: &'a Json,
    pub(super) dt: f32,
}

/// Does something with each trial of a case. Rewards are another matter.
pub(super) fn each(case: &mut Case, index: &Json, compare: impl Fn(&mut Case, &Theirs<'_>) -> Outcome) -> Outcome {
    // Of pyrl's scripts the one that lasts longest.
    case.keep(|name| {
        let inputs = name.ends_with("_inputs") && name.matches('_').count() == 1 || name.ends_with("_fixate_inputs");
        inputs || name.ends_with("_ground_truth")
    });
    let dt = index["params"]["dt"].as_f64().ok_or("the index does not say dt")? as f32;
    let trials = index["trials"].as_array().ok_or("the index has no trials")?;
    trials.iter().enumerate().try_for_each(|(k, trial)| compare(case, &Theirs { name: format!("trial{k}"), trial, dt }))
}

impl Theirs<'_> {
    /// What was given, or else what came out.
    pub(super) fn said(&self, name: &str) -> &Json {
        let given = &self.trial["given"][name];
        if given.is_null() { &self.trial["values"][name] } else { given }
    }

    pub(super) fn number(&self, name: &str) -> Outcome<f32> {
        let number = self.said(name);
        let number = number.as_f64().ok_or_else(|| format!("{name} is {number}"))?;
        Ok(number as f32)
    }

    pub(super) fn text(&self, name: &str) -> String {
        self.said(name).as_str().unwrap_or_default().to_owned()
    }

    pub(super) fn list(&self, name: &str) -> Vec<usize> {
        let list = self.said(name).as_array().cloned().unwrap_or_default();
        list.iter().filter_map(|number| number.as_u64().map(|number| number as usize)).collect()
    }

    /// When an epoch starts and ends, in milliseconds.
    fn times(&self, epoch: &str) -> Outcome<[f32; 2]> {
        let epochs = ["periods_ms", "epochs_ms"].map(|key| &self.trial[key][epoch]);
        let time = |k: usize| epochs.iter().find_map(|epoch| epoch[k].as_f64()).map(|time| time as f32);
        let none = || format!("there is no epoch {epoch}");
        Ok([time(0).ok_or_else(none)?, time(1).ok_or_else(none)?])
    }

    pub(super) fn start(&self, epoch: &str) -> Outcome<f32> {
        Ok(self.times(epoch)?[0])
    }

    pub(super) fn lasts(&self, epoch: &str) -> Outcome<f32> {
        let [start, end] = self.times(epoch)?;
        Ok(end - start)
    }

    /// NeuroGym's inputs against ours, but for those, by step and channel of theirs, that `kept` leaves out.
    pub(super) fn inputs(&self, case: &mut Case, ours: &Array2<f64>, kept: impl Fn(usize, usize) -> bool) -> Outcome {
        let theirs = self.peek(case)?;
        case.equal("channels", ours.ncols(), theirs.ncols());
        let n = ours.nrows().min(theirs.nrows());
        case.equal("at least three steps", n > 2, true);
        let mut theirs = theirs.slice(s![..n, ..]).to_owned();
        let ours = ours.slice(s![..n, ..]);
        theirs.indexed_iter_mut().for_each(|((step, channel), there)| {
            if !kept(step, channel) {
                *there = ours[[step, channel]];
            }
        });
        case.close("inputs", ours, &theirs, NEAR);
        Ok(())
    }

    /// All of a trial of NeuroGym's against one of ours: as many steps, inputs, and what is right in each step.
    pub(super) fn whole(&self, case: &mut Case, ours: &Batch) -> Outcome {
        self.inputs(case, &shown(ours), |_, _| true)?;
        self.answers(case, ours)
    }

    /// What is right in each step of NeuroGym's against what our targets ask for.
    pub(super) fn answers(&self, case: &mut Case, ours: &Batch) -> Outcome {
        let theirs = self.right(case)?;
        case.equal("steps", ours.lengths[0], theirs.len());
        let largest = |step: usize| {
            let targets = ours.targets.slice(s![0, step, ..]);
            let best = targets.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
            best.map_or(f64::NAN, |(output, _)| output as f64)
        };
        let answers: Array1<f64> = (0..ours.lengths[0]).map(largest).collect();
        case.close("answers", &answers, &theirs, 1e-9);
        Ok(())
    }

    /// The inputs of a trial of NeuroGym's.
    pub(super) fn peek(&self, case: &mut Case) -> Outcome<Array2<f64>> {
        case.take::<Ix2>(&format!("{}_inputs", self.name))
    }

    /// What NeuroGym asks for in each step, several numbers as `read`, against our targets.
    pub(super) fn targets(&self, case: &mut Case, ours: &Batch, read: fn(Array2<f64>) -> Array2<f64>) -> Outcome {
        let theirs = read(case.take::<Ix2>(&format!("{}_ground_truth", self.name))?);
        case.equal("steps", ours.lengths[0], theirs.nrows());
        case.close("targets", &ours.targets.index_axis(Axis(0), 0).mapv(f64::from), &theirs, NEAR);
        Ok(())
    }

    /// The right action of each step of NeuroGym's.
    pub(super) fn right(&self, case: &mut Case) -> Outcome<Array1<f64>> {
        case.take::<Ix1>(&format!("{}_ground_truth", self.name))
    }

    /// The inputs of pyrl's: what it calls those of a step reach the network in the next one.
    pub(super) fn next_inputs(&self, case: &mut Case, ours: &Batch) -> Outcome {
        let name = format!("{}_fixate_inputs", self.name);
        let theirs: Array2<f64> = case.take::<Ix2>(&name)?;
        let ours = shown(ours);
        let ours = ours.slice(s![1.., ..]);
        case.equal("channels", ours.ncols(), theirs.ncols());
        // There a trial goes on to the longest time that one can last.
        case.equal("steps", ours.nrows() <= theirs.nrows(), true);
        case.close("inputs", ours, theirs.slice(s![..ours.nrows(), ..]), NEAR);
        Ok(())
    }
}

/// The inputs of the only trial of ours.
pub(super) fn shown(ours: &Batch) -> Array2<f64> {
    ours.inputs.index_axis(Axis(0), 0).mapv(f64::from)
}
