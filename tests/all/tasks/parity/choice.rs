//! Choice, against NeuroGym 2.3.1 and pyrl.

use ndarray::{Axis, s};
use psychrnn::prelude::*;
use psychrnn::task::Sensory;
use psychrnn::tasks::{
    Bins, Clicks, ContextDecision, EconomicChoice, Flashes, HierarchicalReasoning, ManyDots, Modality, MultiChoice,
    Offers, ParametricComparison, PostDecisionWager, ProbabilisticReasoning, PulseAccumulation, RateDecision, Rates,
    Shapes, TwoFrequencies, TwoModalities, Wager,
};
use serde_json::Value as Json;

use super::Check;
use super::theirs::{Theirs, each, shown};
use crate::case::{Case, Outcome};

/// What compares the case of this name, if it is one of these.
pub(super) fn check(name: &str) -> Option<Check> {
    Some(match name {
        "ngym_perceptual_decision" | "ngym_perceptual_decision_delay_response" => perceptual_decision,
        "ngym_pulse_decision" => pulse_decision,
        "ngym_delay_comparison" => delay_comparison,
        "ngym_economic_choice" => economic_choice,
        "ngym_post_decision_wager" => post_decision_wager,
        "ngym_probabilistic_reasoning" => probabilistic_reasoning,
        "ngym_hierarchical_reasoning" => hierarchical_reasoning,
        "pyrl_rdm_fixed" | "pyrl_rdm_rt" => rdm,
        "pyrl_mante" => mante,
        "pyrl_multisensory" => multisensory,
        "pyrl_romo" => romo,
        "pyrl_padoaschioppa2006" => padoa_schioppa,
        "pyrl_postdecisionwager" => wager,
        _ => return None,
    })
}

fn quiet() -> Sensory {
    Sensory::default()
}

/// Their cue to fixate ends with the fixation where there is no delay.
fn perceptual_decision(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs| {
        let task = MultiChoice::default().choices(2).fixation(theirs.lasts("fixation")?);
        let task = task.stimulus(theirs.lasts("stimulus")?).delay(theirs.lasts("delay")?);
        let task = task.decision(theirs.lasts("decision")?).dt(theirs.dt).sensory(quiet());
        // The truth is counted from 0 in one of the two, and from 1 in the other: what is right in the decision is not.
        let right = theirs.right(case)?;
        let direction = right.last().copied().unwrap_or(f64::NAN) as usize - 1;
        let ours = task.of(&[ManyDots { coherence: theirs.number("coh")? / 100.0, direction }], Seed(1))?;
        theirs.inputs(case, &shown(&ours), |_, channel| channel != 0)?;
        theirs.answers(case, &ours)
    })
}

/// The pulses are in the inputs; the cue lasts a step.
fn pulse_decision(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs| {
        let every = theirs.start("cue1")? - theirs.start("cue0")?;
        let side = theirs.number("ground_truth")?;
        let task = PulseAccumulation::default().bins(Bins { number: 6, every, probabilities: (0.3, 0.7) });
        let task = task.click(theirs.lasts("cue0")?).fixation(theirs.lasts("fixation")?);
        let task = task.decision(theirs.lasts("decision")?).dt(theirs.dt).sensory(quiet());
        let pulses = theirs.peek(case)?;
        let times = |channel: usize| -> Outcome<Vec<f32>> {
            let mut times = Vec::new();
            for bin in 0..6 {
                let start = theirs.start(&format!("cue{bin}"))?;
                if pulses[[(start / theirs.dt) as usize, channel]] == 1.0 {
                    times.push(start - theirs.start("cue0")?);
                }
            }
            Ok(times)
        };
        let ours = task.of(&[Clicks::of(&times(1)?, &times(2)?, 6.0 * every)], Seed(1))?;
        case.equal("side", ours.values.numbers("side")?, vec![f64::from(side)]);
        theirs.whole(case, &ours)
    })
}

fn delay_comparison(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs| {
        let task = ParametricComparison::default().fixation(theirs.lasts("fixation")?);
        let task = task.first(theirs.lasts("stimulus1")?).delay(theirs.lasts("delay")?);
        let task = task.second(theirs.lasts("stimulus2")?).decision(theirs.lasts("decision")?);
        let (f1, f2) = (theirs.number("v1")?, theirs.number("v2")?);
        let ours = task.dt(theirs.dt).sensory(quiet()).of(&[TwoFrequencies { f1, f2, higher: 0 }], Seed(1))?;
        theirs.whole(case, &ours)
    })
}

/// The offer of a trial of either program, of B and of A, and where A is.
fn offers(theirs: &Theirs<'_>) -> Offers {
    let offer = theirs.list("offer");
    let left = theirs.said("juice")[0].as_str().unwrap_or_default().to_lowercase();
    Offers::of(offer[0], offer[1], usize::from(left != "a"))
}

fn economic_choice(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs| {
        let task = EconomicChoice::default().fixation(theirs.lasts("fixation")?).offer(theirs.lasts("offer_on")?);
        let task = task.decision(theirs.lasts("decision")?).dt(theirs.dt).sensory(quiet());
        let ours = task.of(&[offers(theirs)], Seed(1))?;
        theirs.inputs(case, &shown(&ours), |_, _| true)
    })
}

/// What theirs takes for right is right; what it pays for is not, and is left out.
fn post_decision_wager(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs| {
        let task = PostDecisionWager::default().fixation(theirs.lasts("fixation")?);
        let task = task.decision(theirs.lasts("decision")?).dt(theirs.dt).sensory(quiet());
        let sure = match theirs.number("wager")? > 0.0 {
            true => Some(theirs.lasts("pre_sure")?),
            false => None,
        };
        let ours = task.of(
            &[Wager {
                coherence: theirs.number("coh")? / 100.0,
                direction: theirs.number("ground_truth")? as usize,
                stimulus: theirs.lasts("stimulus")?,
                delay: theirs.lasts("delay")?,
                sure,
            }],
            Seed(1),
        )?;
        theirs.whole(case, &ours)
    })
}

fn probabilistic_reasoning(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs| {
        let task = ProbabilisticReasoning::default().fixation(theirs.lasts("fixation")?);
        let task = task.stimulus(theirs.lasts("stimulus0")?).delay(theirs.lasts("delay")?);
        let task = task.decision(theirs.lasts("decision")?).dt(theirs.dt).sensory(quiet());
        let (places, shapes) = (theirs.list("locs"), theirs.list("shapes"));
        let side = theirs.number("ground_truth")? as usize;
        let ours = task.of(&[Shapes::of(&places, &shapes, side)], Seed(1))?;
        let log_odds = ours.values.numbers("log_odds")?[0];
        case.close("log odds", &[log_odds], &[f64::from(theirs.number("log_odd")?)], super::NEAR);
        theirs.whole(case, &ours)
    })
}

/// Theirs takes another boundary, so that what counts as long is given here, and shows the cue to fixate while the rule is asked for.
fn hierarchical_reasoning(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs| {
        let task = HierarchicalReasoning::default().fixation(theirs.lasts("fixation")?).feedback(0.0);
        let task = task.rule_target(theirs.lasts("rule_target")?).fixation2(theirs.lasts("fixation2")?);
        let task = task.flash(theirs.lasts("flash1")?).decision(theirs.lasts("decision")?);
        let interval = theirs.start("flash2")? - theirs.start("flash1")?;
        let long = theirs.number("long_interval")? > 0.0;
        let task = task.boundary(if long { interval - 1.0 } else { interval + 1.0 }).dt(theirs.dt).sensory(quiet());
        let (rule, side) = (theirs.number("rule")? as usize, theirs.number("stimulus")? as usize);
        let ours = task.of(&[Flashes { rule, side, interval, long, choice_side: 0 }], Seed(1))?;
        let asked = theirs.start("rule_target")?..theirs.start("fixation2")?;
        let is_asked = |step: usize| asked.contains(&(step as f32 * theirs.dt));
        let shown = shown(&ours).slice(s![.., ..5]).to_owned();
        theirs.inputs(case, &shown, |step, channel| channel != 0 || !is_asked(step))?;
        theirs.answers(case, &ours)
    })
}

/// The direction of pyrl's -1 and 1.
fn direction(theirs: &Theirs<'_>) -> Outcome<usize> {
    Ok(usize::from(theirs.number("left_right")? > 0.0))
}

fn rdm(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs| {
        let free = theirs.start("decision").is_err();
        let task = if free { MultiChoice::pyrl_reaction_time() } else { MultiChoice::pyrl() };
        let task = task.fixation(theirs.lasts("fixation")?).stimulus(theirs.lasts("stimulus")?);
        let coherence = theirs.number("coh")? / 100.0;
        let trial = ManyDots { coherence, direction: direction(theirs)? };
        theirs.next_inputs(case, &task.dt(theirs.dt).sensory(quiet()).of(&[trial], Seed(1))?)
    })
}

/// The cue to fixate of pyrl's is the cue that tells the context, which ends with it; ours lasts.
fn mante(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs| {
        let task = ContextDecision::default().fixation(theirs.lasts("fixation")?).stimulus(theirs.lasts("stimulus")?);
        let task = task.delay(theirs.lasts("delay")?).dt(theirs.dt).sensory(quiet());
        let direction = |name: &str| -> Outcome<usize> { Ok(usize::from(theirs.number(name)? > 0.0)) };
        let trial = TwoModalities {
            context: usize::from(theirs.text("context") == "c"),
            coherence0: theirs.number("coh_m")? / 100.0,
            direction0: direction("left_right_m")?,
            coherence1: theirs.number("coh_c")? / 100.0,
            direction1: direction("left_right_c")?,
            direction: 0,
        };
        let mut ours = task.of(&[trial], Seed(1))?;
        // Theirs begin with the cues.
        ours.inputs = ours.inputs.select(Axis(2), &[5, 6, 1, 2, 3, 4]);
        let go = (theirs.start("decision")? / theirs.dt) as usize;
        ours.inputs.slice_mut(s![.., go.., ..2]).fill(0.0);
        theirs.next_inputs(case, &ours)
    })
}

fn multisensory(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs| {
        let task = RateDecision::pyrl().fixation(theirs.lasts("fixation")?).stimulus(theirs.lasts("stimulus")?);
        let modality = match theirs.text("mod").as_str() {
            "v" => Modality::Visual,
            "a" => Modality::Auditory,
            _ => Modality::Multisensory,
        };
        let trial = Rates { modality, rate: theirs.number("freq")?, high: false };
        theirs.next_inputs(case, &task.dt(theirs.dt).sensory(quiet()).of(&[trial], Seed(1))?)
    })
}

fn romo(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs| {
        let task = ParametricComparison::pyrl().fixation(theirs.lasts("fixation")?).first(theirs.lasts("f1")?);
        let task = task.delay(theirs.lasts("delay")?).second(theirs.lasts("f2")?);
        let pair = theirs.list("fpair");
        let (high, low) = (pair[0] as f32, pair[1] as f32);
        let (f1, f2) = if theirs.text("gt_lt") == ">" { (high, low) } else { (low, high) };
        let ours = task.dt(theirs.dt).sensory(quiet()).of(&[TwoFrequencies { f1, f2, higher: 0 }], Seed(1))?;
        theirs.next_inputs(case, &ours)
    })
}

fn padoa_schioppa(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs| {
        let task = EconomicChoice::pyrl().fixation(theirs.lasts("fixation")?).offer(theirs.lasts("offer-on")?);
        theirs.next_inputs(case, &task.dt(theirs.dt).sensory(quiet()).of(&[offers(theirs)], Seed(1))?)
    })
}

fn wager(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs| {
        let task = PostDecisionWager::pyrl().fixation(theirs.lasts("fixation")?);
        let offered = theirs.said("wager").as_bool().ok_or("whether there is a wager is not said")?;
        let ours = task.dt(theirs.dt).sensory(quiet()).of(
            &[Wager {
                coherence: theirs.number("coh")? / 100.0,
                direction: direction(theirs)?,
                stimulus: theirs.lasts("stimulus")?,
                delay: theirs.lasts("delay")?,
                sure: if offered { Some(theirs.number("sure_onset")?) } else { None },
            }],
            Seed(1),
        )?;
        theirs.next_inputs(case, &ours)
    })
}
