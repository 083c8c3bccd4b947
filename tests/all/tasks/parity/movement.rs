//! Movement, perception and detection.

use ndarray::{Array1, Array2, ArrayView2, s};
use psychrnn::prelude::*;
use psychrnn::task::Sensory;
use psychrnn::tasks::{
    ContextDecision, CueCombination, DelayedPlace, DelayedReach, Reach, Reaching, SizedMotion, SpatialSuppression,
    ToneDetection, ToneTime, TwoCues, TwoModalities,
};
use serde_json::Value as Json;

use super::{Check, NEAR, compare};
use crate::case::{Case, Outcome};

/// What compares the case of this name, if it is one of these. What was rewarded is another matter.
pub(super) fn check(name: &str) -> Option<Check> {
    Some(match name {
        "ngym_context_decision" => |case, index| each(case, index, false, context),
        "ngym_context_decision_implicit" => |case, index| each(case, index, false, context),
        "ngym_multisensory" => |case, index| each(case, index, true, multisensory),
        "ngym_reaching_delay_response" => delayed_reach,
        "ngym_reaching_1d" => reach,
        "ngym_spatial_suppression" => spatial_suppression,
        "ngym_tone_detection" => tone_detection,
        _ => return None,
    })
}

/// A trial of theirs: what the index says of it, and what is right at each step.
struct Given<'a> {
    index: &'a Json,
    dt: f32,
    /// Numbers an input channel of theirs stands for, the cue to fixate among them.
    n_in: usize,
    truth: Vec<usize>,
}

impl Given<'_> {
    fn value(&self, name: &str) -> f32 {
        self.index["values"][name].as_f64().unwrap_or_else(|| panic!("there is no {name}")) as f32
    }

    /// How long an epoch lasts; one that is not there lasts no time.
    fn lasts(&self, epoch: &str) -> f32 {
        let bound = |i: usize| self.index["periods_ms"][epoch][i].as_f64().unwrap_or(0.0);
        (bound(1) - bound(0)) as f32
    }

    /// The direction that is right, counted from 0.
    fn direction(&self) -> usize {
        self.truth.iter().max().unwrap() - 1
    }
}

/// Compares the trials of a task in our form. Without `cue` NeuroGym takes the cue to fixate away when the stimulus comes, so that nothing tells
/// when to answer; ours stays until then.
fn each(case: &mut Case, index: &Json, cue: bool, batch_of: fn(&Given<'_>) -> Outcome<Batch>) -> Outcome {
    case.keep(|name| name.ends_with("_inputs") || name.ends_with("_ground_truth"));
    let dt = index["params"]["dt"].as_f64().ok_or("without dt")? as f32;
    let trials = index["trials"].as_array().ok_or("without trials")?;
    for (trial, index) in trials.iter().enumerate() {
        let (inputs, truth) = (format!("trial{trial}_inputs"), format!("trial{trial}_ground_truth"));
        let (theirs, truth): (Array2<f64>, Array1<f64>) = (case.take(&inputs)?, case.take(&truth)?);
        let truth: Vec<usize> = truth.iter().map(|&action| action as usize).collect();
        let given = Given { index, dt, n_in: theirs.ncols(), truth: truth.clone() };
        let batch = case.timed(|| batch_of(&given))?;
        let ours = batch.inputs.slice(s![0, .., ..]);
        case.equal(&format!("shape of {inputs}"), ours.shape(), theirs.shape());
        let from = usize::from(!cue);
        let same = |all: ArrayView2<'_, f64>| all.slice(s![.., from..]).to_owned();
        case.close("inputs", &same(ours.mapv(f64::from).view()), &same(theirs.view()), NEAR);
        let asked = |step| (0..batch.spec.n_out).find(|&output| batch.targets[[0, step, output]] == 1.0);
        let ours: Vec<_> = (0..batch.n_steps()).filter_map(asked).collect();
        case.equal(&format!("what is right in trial {trial}"), ours, truth);
    }
    if !cue {
        case.note("but for the cue to fixate".to_owned());
    }
    Ok(())
}

fn quiet() -> Sensory {
    Sensory::default()
}

fn context(given: &Given<'_>) -> Outcome<Batch> {
    let (context, other) = (given.value("context") as usize, given.value("other_choice") as usize - 1);
    // With a cue there are two inputs more than without: one for each modality and one to fixate make an odd number either way.
    let cued = given.index["given"].get("context").is_some();
    let n = (given.n_in - 1 - if cued { 2 } else { 0 }) / 2;
    let task = if cued { ContextDecision::default() } else { ContextDecision::implicit(context) };
    let task = task.n(n).sensory(quiet()).dt(given.dt).fixation(given.lasts("fixation"));
    let task = task.stimulus(given.lasts("stimulus")).delay(given.lasts("delay")).decision(given.lasts("decision"));
    let asked = given.direction();
    let [direction0, direction1] = if context == 0 { [asked, other] } else { [other, asked] };
    let [coherence0, coherence1] = ["coh_1", "coh_2"].map(|name| given.value(name) / 100.0);
    let trial = TwoModalities { context, coherence0, direction0, coherence1, direction1, direction: 0 };
    Ok(task.of(&[trial], Seed(1))?)
}

fn multisensory(given: &Given<'_>) -> Outcome<Batch> {
    let task = CueCombination::default().n((given.n_in - 1) / 2).sensory(quiet()).dt(given.dt);
    let task = task.fixation(given.lasts("fixation")).stimulus(given.lasts("stimulus"));
    let (coherence, share) = (given.value("coh") / 100.0, given.value("coh_prop"));
    let trial = TwoCues { direction: given.direction(), coherence, share };
    Ok(task.decision(given.lasts("decision")).of(&[trial], Seed(1))?)
}

/// The numbers of a list of trials.
fn trials<'a>(index: &'a Json, value: &str) -> Outcome<Vec<(&'a Json, f32)>> {
    let number = |trial: &'a Json| {
        let number = trial["given"][value].as_f64().ok_or_else(|| format!("without {value}"))?;
        Ok((trial, number as f32))
    };
    index["trials"].as_array().ok_or("without trials")?.iter().map(number).collect()
}

fn dt(index: &Json) -> Outcome<f32> {
    Ok(index["params"]["dt"].as_f64().ok_or("without dt")? as f32)
}

fn delayed_reach(case: &mut Case, index: &Json) -> Outcome {
    case.keep(|name| name.ends_with("_inputs") || name.ends_with("_ground_truth"));
    for (trial, (index_of, place)) in trials(index, "ground_truth")?.into_iter().enumerate() {
        let given = Given { index: index_of, dt: dt(index)?, n_in: 2, truth: Vec::new() };
        let task = DelayedReach::default().sensory(quiet()).dt(given.dt).stimulus(given.lasts("stimulus"));
        let task = task.delay(given.lasts("delay")).decision(given.lasts("decision"));
        let batch = case.timed(|| task.of(&[DelayedPlace { place }], Seed(1)))?;
        compare(case, &format!("trial{trial}_inputs"), &batch.inputs.slice(s![0, .., ..]), NEAR)?;
        compare(case, &format!("trial{trial}_ground_truth"), &batch.targets.slice(s![0, .., ..]), NEAR)?;
    }
    Ok(())
}

/// Their observations are those after each step.
fn reach(case: &mut Case, index: &Json) -> Outcome {
    case.keep(|name| name.ends_with("_observations") || name.ends_with("_actions"));
    for (trial, (_, target)) in trials(index, "ground_truth")?.into_iter().enumerate() {
        let (actions, name): (Array1<f64>, _) =
            (case.take(&format!("trial{trial}_actions"))?, format!("trial{trial}_observations"));
        let theirs: Array2<f64> = case.take(&name)?;
        let task = Reach::neurogym().dt(dt(index)?).sensory(quiet()).n(theirs.ncols() / 2);
        let start = std::f32::consts::PI;
        let walk = actions.iter().scan(start, |own, &action| {
            *own = task.moved(*own, action as usize);
            Some(*own)
        });
        let path = std::iter::once(start).chain(walk).collect();
        let batch = case.timed(|| task.of(&[Reaching { start, target, path }], Seed(1)))?;
        compare(case, &name, &batch.inputs.slice(s![0, 1..=actions.len(), ..]), NEAR)?;
    }
    Ok(())
}

fn spatial_suppression(case: &mut Case, index: &Json) -> Outcome {
    case.keep(|name| name.ends_with("_inputs") || name.ends_with("_ground_truth") && !name.contains("param"));
    for (trial, (_, contrast)) in trials(index, "contrast")?.into_iter().enumerate() {
        let task = SpatialSuppression::default().dt(dt(index)?);
        let direction = index["trials"][trial]["given"]["direction"].as_u64().ok_or("without direction")? as usize - 1;
        let motion = SizedMotion { large: contrast == task.large, direction };
        let batch = case.timed(|| task.of(&[motion], Seed(1)))?;
        compare(case, &format!("trial{trial}_inputs"), &batch.inputs.slice(s![0, .., ..]), NEAR)?;
        // Some of their probabilities are below 0.
        let mut theirs: Array2<f64> = case.take(&format!("trial{trial}_ground_truth"))?;
        let lowest = theirs.iter().copied().fold(0.0, f64::min);
        theirs.mapv_inplace(|p| p.max(0.0));
        theirs.rows_mut().into_iter().for_each(|mut row| row /= row.sum());
        case.close("probabilities", &batch.targets.slice(s![0, .., ..]).mapv(f64::from), &theirs, NEAR);
        if lowest < 0.0 {
            case.note(format!("theirs go down to {lowest:.3}"));
        }
    }
    Ok(())
}

/// They ask for the answer all along; we do after the stimulus.
fn tone_detection(case: &mut Case, index: &Json) -> Outcome {
    for (trial, (_, condition)) in trials(index, "condition")?.into_iter().enumerate() {
        let truth: Array1<f64> = case.take(&format!("trial{trial}_ground_truth"))?;
        let task = ToneDetection::default().sensory(quiet()).dt(dt(index)?).stimulus(truth.len() as f32 * dt(index)?);
        let batch = case.timed(|| task.of(&[ToneTime { onset: None, number: condition as usize }], Seed(1)))?;
        compare(case, &format!("trial{trial}_inputs"), &batch.inputs.slice(s![0, ..truth.len(), 1..]), NEAR)?;
        let answer = truth.iter().all(|&number| batch.targets[[0, batch.n_steps() - 1, 1 + number as usize]] == 1.0);
        case.equal(&format!("the answer of trial {trial}"), answer, true);
    }
    Ok(())
}
