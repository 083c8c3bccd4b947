//! Time, against NeuroGym 2.3.1.

use psychrnn::prelude::*;
use psychrnn::task::Sensory;
use psychrnn::tasks::{
    CuedInterval, IntervalComparison, IntervalProduction, IntervalReproduction, Rhythm, SampleInterval,
    Synchronization, TwoIntervals,
};
use serde_json::Value as Json;

use super::Check;
use super::theirs::{Theirs, each, shown};
use crate::case::{Case, Outcome};

/// What compares the case of this name, if it is one of these.
pub(super) fn check(name: &str) -> Option<Check> {
    Some(match name {
        "ngym_ready_set_go" => ready_set_go,
        "ngym_motor_timing" => motor_timing,
        "ngym_one_two_three_go" => one_two_three_go,
        "ngym_interval_discrimination" => interval_discrimination,
        _ => return None,
    })
}

/// The step in which to go is right, for the first time: that of ours, and that of theirs, where it is right in this one alone.
fn go(case: &mut Case, theirs: &Theirs<'_>, ours: &Batch) -> Outcome<[Option<usize>; 2]> {
    let ours = (0..ours.lengths[0]).find(|&step| ours.targets[[0, step, 1]] == 1.0);
    Ok([ours, theirs.right(case)?.iter().position(|&action| action == 1.0)])
}

/// Theirs begins the sample at the end of the fixation, so that this is what is reproduced, whatever was given; and it is right to go
/// when the interval after the end of set is over.
fn ready_set_go(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs| {
        let (fixation, pulse, sample) = (theirs.lasts("fixation")?, theirs.lasts("ready")?, theirs.lasts("measure")?);
        let task = IntervalReproduction::step().priors(&[&[sample]]).fixation(fixation).pulse(pulse);
        let task = task.dt(theirs.dt).sensory(Sensory::default());
        let interval = theirs.number("production")?;
        let ours = task.of(&[SampleInterval { prior: 0, sample, gain: 1.0, interval }], Seed(1))?;
        case.equal("interval", ours.values.numbers("interval")?, vec![f64::from(interval)]);
        theirs.inputs(case, &shown(&ours), |_, _| true)?;
        let [ours, there] = go(case, theirs, &ours)?;
        case.equal("go", ours.map(|step| step + (pulse / theirs.dt) as usize), there);
        Ok(())
    })
}

/// Theirs has no pulse, in the place of which it takes the cue to fixate away, and it cuts the interval to whole steps.
fn motor_timing(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs| {
        let cut = |interval: f32| (interval / theirs.dt).floor() * theirs.dt;
        let task = IntervalProduction::step().intervals(&[800.0, 1500.0].map(cut)).fixation(theirs.lasts("fixation")?);
        let task = task.cue(theirs.lasts("cue")?).dt(theirs.dt).sensory(Sensory::default());
        let ours = task.of(&[CuedInterval { interval: cut(theirs.number("production")?) }], Seed(1))?;
        let set = (theirs.start("set")? / theirs.dt) as usize;
        theirs.inputs(case, &shown(&ours), |step, channel| step < set || (channel != 0 && channel != 3))?;
        let [ours, there] = go(case, theirs, &ours)?;
        case.equal("go", ours, there);
        Ok(())
    })
}

/// Their interval is that between pulses. Their cue to fixate stays.
fn one_two_three_go(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs| {
        let interval = theirs.start("s2")? - theirs.start("s1")?;
        case.equal("interval", interval, theirs.number("interval")? + theirs.lasts("s1")?);
        let task = Synchronization::step().fixation(theirs.lasts("fixation")?).target(theirs.lasts("target")?);
        let task = task.pulse(theirs.lasts("s1")?).dt(theirs.dt).sensory(Sensory::default());
        let ours = task.of(&[Rhythm { interval }], Seed(1))?;
        let over = ((theirs.start("s3")? + theirs.lasts("s3")?) / theirs.dt) as usize;
        theirs.inputs(case, &shown(&ours), |step, channel| step < over || channel != 0)?;
        let [ours, there] = go(case, theirs, &ours)?;
        case.equal("go", ours, there);
        Ok(())
    })
}

fn interval_discrimination(case: &mut Case, index: &Json) -> Outcome {
    each(case, index, |case, theirs| {
        let task = IntervalComparison::default().durations(&[300.0, 600.0]).fixation(theirs.lasts("fixation")?);
        let task = task.delay1(theirs.lasts("delay1")?).delay2(theirs.lasts("delay2")?);
        let task = task.decision(theirs.lasts("decision")?).dt(theirs.dt).sensory(Sensory::default());
        let [first, second] = [theirs.number("duration1")?, theirs.number("duration2")?];
        let ours = task.of(&[TwoIntervals { first, second, longer: 0 }], Seed(1))?;
        theirs.whole(case, &ours)
    })
}
