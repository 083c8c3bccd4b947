//! Movement, perception and detection, against NeuroGym 2.3.1.

use ndarray::{Array1, Array2, s};
use psychrnn::prelude::*;
use psychrnn::task::Sensory;
use psychrnn::tasks::{
    ContextDecision, CueCombination, DelayedPlace, DelayedReach, Reach, Reaching, SizedMotion, SpatialSuppression,
    ToneDetection, ToneTime, TwoCues, TwoModalities,
};
use serde_json::Value as Json;

use super::theirs::{Theirs, each, shown};
use super::{Check, NEAR, compare};
use crate::case::{Case, Outcome};

/// What compares the case of this name, if it is one of these.
pub(super) fn check(name: &str) -> Option<Check> {
    Some(match name {
        "ngym_context_decision" | "ngym_context_decision_implicit" => context_decision,
        "ngym_multisensory" => multisensory,
        "ngym_reaching_delay_response" => delayed_reach,
        "ngym_reaching_1d" => reach,
        "ngym_spatial_suppression" => spatial_suppression,
        "ngym_tone_detection" => tone_detection,
        _ => return None,
    })
}

fn quiet() -> Sensory {
    Sensory::default()
}

/// Their cue to fixate ends when the stimulus comes, so that nothing tells when to answer; ours stays until then.
fn context_decision(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs| {
        let context = theirs.number("context")? as usize;
        // Two modalities and the cue to fixate are an odd number of inputs, and so they are with the two that tell the context.
        let is_cued = index["params"]["use_expl_context"] == true;
        let n = (theirs.peek(case)?.ncols() - 1) / 2 - usize::from(is_cued);
        let task = if is_cued { ContextDecision::default() } else { ContextDecision::implicit(context) };
        let task = task.n(n).dt(theirs.dt).sensory(quiet()).fixation(theirs.lasts("fixation")?);
        let task = task.stimulus(theirs.lasts("stimulus")?).delay(theirs.lasts("delay")?);
        let task = task.decision(theirs.lasts("decision")?);
        let (asked, other) = (theirs.number("ground_truth")? as usize - 1, theirs.number("other_choice")? as usize - 1);
        let [direction0, direction1] = if context == 0 { [asked, other] } else { [other, asked] };
        let (coherence0, coherence1) = (theirs.number("coh_1")? / 100.0, theirs.number("coh_2")? / 100.0);
        let trial = TwoModalities { context, coherence0, direction0, coherence1, direction1, direction: 0 };
        let ours = task.of(&[trial], Seed(1))?;
        theirs.inputs(case, &shown(&ours), |_, channel| channel != 0)?;
        let right: Array1<f64> = theirs.right(case)?;
        case.equal("steps", ours.lengths[0], right.len());
        case.equal("answer", ours.correct_choice(0).map(|choice| choice as f64), right.last().copied());
        Ok(())
    })
}

fn multisensory(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs| {
        let n = (theirs.peek(case)?.ncols() - 1) / 2;
        let task = CueCombination::default().n(n).dt(theirs.dt).sensory(quiet()).fixation(theirs.lasts("fixation")?);
        let task = task.stimulus(theirs.lasts("stimulus")?).decision(theirs.lasts("decision")?);
        let (coherence, share) = (theirs.number("coh")? / 100.0, theirs.number("coh_prop")?);
        let direction = theirs.number("ground_truth")? as usize;
        theirs.whole(case, &task.of(&[TwoCues { direction, coherence, share }], Seed(1))?)
    })
}

fn delayed_reach(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs| {
        let task = DelayedReach::default().dt(theirs.dt).sensory(quiet()).stimulus(theirs.lasts("stimulus")?);
        let task = task.delay(theirs.lasts("delay")?).decision(theirs.lasts("decision")?);
        let ours = task.of(&[DelayedPlace { place: theirs.number("ground_truth")? }], Seed(1))?;
        theirs.inputs(case, &shown(&ours), |_, _| true)?;
        theirs.targets(case, &ours, |there| there)
    })
}

/// Their observations are those after each step.
fn reach(case: &mut Case, index: &Json) -> Outcome {
    case.keep(|name| name.ends_with("_observations") || name.ends_with("_actions"));
    let dt = index["params"]["dt"].as_f64().ok_or("the index does not say dt")? as f32;
    for (trial, given) in index["trials"].as_array().ok_or("the index has no trials")?.iter().enumerate() {
        let actions: Array1<f64> = case.take(&format!("trial{trial}_actions"))?;
        let name = format!("trial{trial}_observations");
        let n = case.take::<ndarray::Ix2>(&name)?.ncols() / 2;
        let task = Reach::neurogym().dt(dt).sensory(quiet()).n(n);
        let start = std::f32::consts::PI;
        let walk = actions.iter().scan(start, |own, &action| {
            *own = task.moved(*own, action as usize);
            Some(*own)
        });
        let path = std::iter::once(start).chain(walk).collect();
        let target = given["given"]["ground_truth"].as_f64().ok_or("the index has no target")? as f32;
        let ours = task.of(&[Reaching { start, target, path }], Seed(1))?;
        compare(case, &name, &ours.inputs.slice(s![0, 1..=actions.len(), ..]), NEAR)?;
    }
    Ok(())
}

/// Some of their probabilities are below 0.
fn spatial_suppression(case: &mut Case, index: &Json) -> Outcome {
    case.keep(|name| !name.contains("_param_"));
    each(case, index, |case, theirs| {
        let task = SpatialSuppression::default().dt(theirs.dt);
        let direction = theirs.number("direction")? as usize - 1;
        let motion = SizedMotion { large: theirs.number("contrast")? == task.large, direction };
        let ours = task.of(&[motion], Seed(1))?;
        theirs.inputs(case, &shown(&ours), |_, _| true)?;
        theirs.targets(case, &ours, |mut there: Array2<f64>| {
            there.mapv_inplace(|p| p.max(0.0));
            there.rows_mut().into_iter().for_each(|mut row| row /= row.sum());
            there
        })
    })
}

/// They ask for the answer all along; we do after the stimulus, and have a cue to fixate.
fn tone_detection(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs: &Theirs<'_>| {
        let task = ToneDetection::default().dt(theirs.dt).sensory(quiet()).stimulus(theirs.lasts("stimulus")?);
        let number = theirs.number("ground_truth")? as usize;
        let ours = task.of(&[ToneTime { onset: None, number }], Seed(1))?;
        theirs.inputs(case, &shown(&ours).slice(s![.., 1..]).to_owned(), |_, _| true)?;
        let right: Array1<f64> = theirs.right(case)?;
        case.equal("the same all along", right.iter().all(|&answer| answer == number as f64), true);
        case.equal("answer", ours.correct_choice(0), Some(1 + number));
        Ok(())
    })
}
