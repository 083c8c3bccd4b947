//! Working memory, against NeuroGym 2.3.1.

use std::f64::consts::PI;

use ndarray::{Array1, Array2, Axis, Ix1, Ix2, s};
use psychrnn::prelude::*;
use psychrnn::task::Sensory;
use psychrnn::tasks::{
    Anti, CuedSample, DelayedMatch, DualDelayedMatch, GoCue, GoNogo, MemorySaccade, PairedAssociation, RepeatedTests,
    RingTuning, Saccade, SampleAndTest, SampleAndTests, StimulusPair, TwoSamples,
};
use serde_json::Value as Json;

use super::{Check, NEAR};
use crate::case::{Case, Outcome};

/// The cosine of NeuroGym's rings, which is negative for half of them.
const COSINE: RingTuning = RingTuning::Cosine { baseline: 0.0, amplitude: 1.0 };

/// What compares the case of this name, if it is one of these.
pub(super) fn check(name: &str) -> Option<Check> {
    Some(match name {
        "ngym_go_nogo" => go_nogo,
        "ngym_anti_reach" => anti_reach,
        "ngym_delay_match_sample" => delay_match_sample,
        "ngym_delay_match_category" => delay_match_category,
        "ngym_delay_match_sample_distractor" => several_tests,
        "ngym_dual_delay_match_sample" => dual_delay_match_sample,
        "ngym_delay_paired_association" => paired_association,
        _ => return None,
    })
}

/// A trial of theirs: what the index says of it.
struct Theirs<'a> {
    prefix: String,
    trial: &'a Json,
    dt: f32,
}

impl Theirs<'_> {
    /// A value of the trial.
    fn value(&self, name: &str) -> f64 {
        self.trial["values"][name].as_f64().unwrap()
    }

    /// How long a period lasts, in milliseconds.
    fn lasts(&self, period: &str) -> f32 {
        let time = |k: usize| self.trial["periods_ms"][period][k].as_f64().unwrap();
        (time(1) - time(0)) as f32
    }

    /// The steps of a period.
    fn steps(&self, period: &str) -> std::ops::Range<usize> {
        let step =
            |k: usize| (self.trial["periods_ms"][period][k].as_f64().unwrap() / f64::from(self.dt)).round() as usize;
        step(0)..step(1)
    }

    fn inputs(&self, case: &mut Case) -> Outcome<Array2<f64>> {
        case.take::<Ix2>(&format!("{}_inputs", self.prefix))
    }

    /// Compares the action that is right at each step with the output that our targets ask for.
    fn compare_answers(&self, case: &mut Case, ours: &Batch) -> Outcome {
        let theirs = case.take::<Ix1>(&format!("{}_ground_truth", self.prefix))?;
        let largest = |row: ndarray::ArrayView1<'_, f32>| {
            let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
            best.map_or(f64::NAN, |(output, _)| output as f64)
        };
        let answers: Array1<f64> = ours.targets.index_axis(Axis(0), 0).outer_iter().map(largest).collect();
        case.close("answers", &answers, &theirs, 0.5);
        Ok(())
    }

    /// Compares inputs, but for those of theirs that `kept` leaves out, and answers.
    fn compare(&self, case: &mut Case, ours: &Batch, kept: impl Fn(usize, usize) -> bool) -> Outcome {
        let theirs = self.inputs(case)?;
        let ours_there = ours.inputs.index_axis(Axis(0), 0).mapv(f64::from);
        case.equal("shape of the inputs", ours_there.shape(), theirs.shape());
        let of = |inputs: &Array2<f64>| -> Vec<f64> {
            let kept = inputs.indexed_iter().filter(|((step, channel), _)| kept(*step, *channel));
            kept.map(|(_, input)| *input).collect()
        };
        case.close("inputs", &of(&ours_there), &of(&theirs), NEAR);
        self.compare_answers(case, ours)
    }
}

/// Does something with each trial of a case. Rewards are another matter.
fn each(case: &mut Case, index: &Json, compare: impl Fn(&mut Case, &Theirs<'_>) -> Outcome) -> Outcome {
    case.keep(|name| name.ends_with("_inputs") || name.ends_with("_ground_truth"));
    let dt = index["params"]["dt"].as_f64().unwrap() as f32;
    let trials = index["trials"].as_array().unwrap();
    trials.iter().enumerate().try_for_each(|(k, trial)| {
        let theirs = Theirs { prefix: format!("trial{k}"), trial, dt };
        compare(case, &theirs)
    })
}

fn everything(_: usize, _: usize) -> bool {
    true
}

fn go_nogo(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs| {
        let task = GoNogo::default().sensory(Sensory::default()).dt(theirs.dt).fixation(theirs.lasts("fixation"));
        let task = task.stimulus(theirs.lasts("stimulus")).delay(theirs.lasts("delay"));
        let task = task.decision(theirs.lasts("decision"));
        let trial = GoCue { go: theirs.value("ground_truth") == 1.0 };
        theirs.compare(case, &task.of(&[trial], Seed(1))?, everything)
    })
}

fn anti_reach(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs| {
        let ring = theirs.inputs(case)?.ncols() - 1;
        let task = MemorySaccade::default().sensory(Sensory::default()).dt(theirs.dt).ring(ring).tuning(COSINE);
        let task = task.anti(Anti::Always).fixation(theirs.lasts("fixation")).cue(theirs.lasts("stimulus"));
        let task = task.delay(theirs.lasts("delay")).response(theirs.lasts("decision"));
        let anti = theirs.value("anti") == 1.0;
        let target = 2.0 * PI * theirs.value("ground_truth") / ring as f64;
        let angle = if anti { target + PI } else { target } % (2.0 * PI);
        let trial = Saccade { angle: angle as f32, anti, target: 0.0 };
        theirs.compare(case, &task.of(&[trial], Seed(1))?, everything)
    })
}

/// The frame of a task with one sample and one test, on a ring of as many channels as theirs.
fn matching(case: &mut Case, theirs: &Theirs<'_>, delay: &str) -> Outcome<DelayedMatch> {
    let task = DelayedMatch::default().sensory(Sensory::default()).dt(theirs.dt).tuning(RingTuning::neurogym());
    let task = task.ring(theirs.inputs(case)?.ncols() - 1).fixation(theirs.lasts("fixation"));
    Ok(task.sample(theirs.lasts("sample")).delay(theirs.lasts(delay)).test(theirs.lasts("test")))
}

fn delay_match_sample(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs| {
        let task = matching(case, theirs, "delay")?.decision(theirs.lasts("decision"));
        let (sample, test) = (theirs.value("sample_theta") as f32, theirs.value("test_theta") as f32);
        theirs.compare(case, &task.of(&[SampleAndTest { sample, test, matches: false }], Seed(1))?, everything)
    })
}

/// The angles are in the inputs alone, and of these only the cosine: two channels are opposite.
fn delay_match_category(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs| {
        let task = matching(case, theirs, "first_delay")?.category(true);
        let inputs = theirs.inputs(case)?;
        let angle = |period: &str, category: usize| {
            let half = (2.0 * inputs[[theirs.steps(period).start, 1]] - 1.0).acos();
            (if category == 0 { half } else { 2.0 * PI - half }) as f32
        };
        let matches = theirs.trial["values"]["ground_truth"] == "match";
        let category = theirs.value("sample_category") as usize;
        let (sample, test) = (angle("sample", category), angle("test", if matches { category } else { 1 - category }));
        theirs.compare(case, &task.of(&[SampleAndTest { sample, test, matches }], Seed(1))?, everything)
    })
}

/// Their cue to fixate goes off with the sample, so that it says nothing of the answer: it is left out.
fn several_tests(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs| {
        let names: Vec<String> =
            (1..).map(|k| format!("test{k}")).take_while(|name| theirs.trial["values"][name].is_number()).collect();
        let task = RepeatedTests::abca().sensory(Sensory::default()).dt(theirs.dt).tuning(COSINE).until_match(true);
        let task = task.ring(theirs.inputs(case)?.ncols() - 1).n_tests(names.len());
        let task = task.fixation(theirs.lasts("fixation")).sample(theirs.lasts("sample"));
        let task = task.delay(theirs.lasts("delay1")).test(theirs.lasts("test1"));
        let tests = names.iter().map(|name| theirs.value(name) as f32).collect();
        let trial = SampleAndTests { sample: theirs.value("sample") as f32, tests, n_matches: 0, first_match: None };
        theirs.compare(case, &task.of(&[trial], Seed(1))?, |_, channel| channel > 0)
    })
}

/// Their rings have two channels, for 0 and π/2: the first two of four. What they show when they test differs: their cues are
/// over, the cue to fixate stays, and only the ring that is asked for shows something, which is compared.
fn dual_delay_match_sample(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs| {
        let task = DualDelayedMatch::default().sensory(Sensory::default()).dt(theirs.dt).ring(4).tuning(COSINE);
        let task = task.fixation(theirs.lasts("fixation")).sample(theirs.lasts("sample")).test(theirs.lasts("test1"));
        let task = task.delay(theirs.lasts("delay1") + theirs.lasts("cue1")).cue(theirs.lasts("cue1"));
        let angle = |name: &str| (PI * theirs.value(name)) as f32;
        let order = [CuedSample::A, CuedSample::B];
        let first = theirs.value("test_order") as usize;
        let trial = TwoSamples {
            sample_a: angle("sample1"),
            sample_b: angle("sample2"),
            cue1: order[first],
            test1_a: angle("test1"),
            test1_b: angle("test2"),
            cue2: order[1 - first],
            test2_a: angle("test1"),
            test2_b: angle("test2"),
            matches1: false,
            matches2: false,
        };
        let batch = task.of(&[trial], Seed(1))?;
        let ours = batch.inputs.index_axis(Axis(0), 0).mapv(f64::from);
        let ours = ours.select(Axis(1), &[0, 1, 2, 5, 6, 9, 10]);
        let inputs = theirs.inputs(case)?;
        case.equal("shape of the inputs", ours.shape(), inputs.shape());
        let tested = [("test1", first), ("test2", 1 - first)];
        let mut compare = |steps: std::ops::Range<usize>, channels: std::ops::Range<usize>| {
            let part = s![steps, channels];
            case.close("inputs", ours.slice(part), inputs.slice(part), NEAR);
        };
        for period in ["fixation", "sample", "delay1", "cue1", "delay2", "cue2"] {
            compare(theirs.steps(period), 0..7);
        }
        for (period, ring) in tested {
            compare(theirs.steps(period), 1 + 2 * ring..3 + 2 * ring);
        }
        theirs.compare_answers(case, &batch)
    })
}

/// Their stimuli are numbered from 1, those that come second after those that come first.
fn paired_association(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs| {
        let n_pairs = (theirs.inputs(case)?.ncols() - 1) / 2;
        let task = PairedAssociation::default().sensory(Sensory::default()).dt(theirs.dt).n_pairs(n_pairs);
        let task = task.fixation(theirs.lasts("fixation")).first(theirs.lasts("stim1"));
        let task = task.delay1(theirs.lasts("delay_btw_stim")).second(theirs.lasts("stim2"));
        let task = task.delay2(theirs.lasts("delay_aft_stim")).decision(theirs.lasts("decision"));
        let number = |k: usize| theirs.trial["given"]["pair"][k].as_u64().unwrap() as usize;
        let trial = StimulusPair { first: number(0) - 1, second: number(1) - 1 - n_pairs, paired: false };
        theirs.compare(case, &task.of(&[trial], Seed(1))?, everything)
    })
}
