//! Tasks of timing against what they say, written out once more.

use ndarray::Array3;
use psychrnn::analysis::{Timing, timing_reward};
use psychrnn::prelude::*;
use psychrnn::task::Sensory;
use psychrnn::tasks::{
    ContextCode, CuedInterval, GoOrStop, IntervalComparison, IntervalProduction, IntervalReproduction, Production,
    Rhythm, SampleInterval, StopSignal, Synchronization, TwoIntervals,
};

use super::held::{Expected, asked, hold, numbers, share, within};

fn quiet() -> Sensory {
    Sensory::default()
}

/// What is asked for of an interval that begins at `start`: as a ramp, or as a step.
fn produced(form: Production, t: f64, start: f64, interval: f64) -> (Vec<f64>, Vec<f64>) {
    let end = start + interval;
    match form {
        Production::Ramp => {
            let counts = t >= start && t < end + 20.0;
            let z = 3.0 * ((4.0_f64 / 3.0).powf((t - start) / interval) - 1.0);
            (vec![if counts { z.min(1.0) } else { 0.0 }], vec![f64::from(u8::from(counts))])
        }
        Production::Step => {
            let go = f64::from(u8::from(t >= end));
            (vec![1.0 - go, go], vec![f64::from(u8::from(t >= 100.0)); 2])
        }
    }
}

/// The intervals that the targets produce are those that are asked for: on time, rewarded fully.
fn check_times(batch: &Batch, form: Production, pulse: &str) {
    let states = Array3::zeros((batch.n_trials(), batch.n_steps(), 1));
    let session = Session::new(batch.clone(), states.clone(), states, batch.targets.clone()).unwrap();
    let produced = match form {
        Production::Ramp => session.times_when(pulse, |z| z[0] >= 1.0),
        Production::Step => session.times_when(pulse, |z| z[1] > z[0]),
    };
    let (produced, intervals) = (produced.unwrap(), numbers(batch, "interval"));
    for (produced, &interval) in produced.iter().zip(&intervals) {
        // An interval between two steps is over with the second.
        assert_eq!(*produced, Some((interval / 20.0).ceil() * 20.0));
        assert!(timing_reward(*produced, interval, 0.2) > if interval % 20.0 == 0.0 { 0.99999 } else { 0.9 });
    }
    let timing = Timing::of_trials(&intervals, &produced).unwrap();
    assert!(timing.bias < 10.0 && timing.without == 0);
}

#[test]
pub(crate) fn intervals_are_reproduced_from_set_on() {
    let trial = |prior, sample, gain| SampleInterval { prior, sample, gain, interval: f32::NAN };
    let trials = [trial(0, 480.0, 1.0), trial(1, 1200.0, 1.5), trial(1, 910.0, 1.0)];
    for (form, context) in
        [Production::Ramp, Production::Step].into_iter().zip([ContextCode::OneHot, ContextCode::Level])
    {
        let task = IntervalReproduction::default().production(form).context(context).gains(&[1.0, 1.5]);
        let task = task.fixation(600.0).sensory(quiet());
        let batch = task.of(&trials, Seed(1)).unwrap();
        hold(&batch, |number, t| -> Expected {
            let SampleInterval { prior, sample, gain, .. } = &trials[number];
            let (set, interval) = (600.0 + f64::from(*sample), f64::from(sample * gain));
            let mut inputs =
                vec![1.0 - within(t, set + 100.0, 1e9), within(t, 600.0, 700.0), within(t, set, set + 100.0)];
            let contexts = [*prior, usize::from(*gain > 1.0)];
            match context {
                ContextCode::OneHot => contexts.iter().for_each(|&k| inputs.extend([1.0 - k as f64, k as f64])),
                ContextCode::Level => inputs.extend(contexts.map(|k| 0.3 + 0.1 * k as f64)),
            }
            let (targets, mask) = produced(form, t, set, interval);
            (inputs, targets, mask)
        });
        assert_eq!(batch.lengths[0], (600 + 480 + 720) / 20);
        check_times(&batch.select(&[0, 1]), form, "set");
        let drawn = task.batch(1000, Seed(2)).unwrap();
        let (prior, sample) = (numbers(&drawn, "prior"), numbers(&drawn, "sample"));
        let priors = [[480.0, 560.0, 640.0, 720.0, 800.0], [800.0, 900.0, 1000.0, 1100.0, 1200.0]];
        assert!(prior.iter().zip(&sample).all(|(&prior, sample)| priors[prior as usize].contains(sample)));
        assert!(
            (share(&prior, |p| p == 1.0) - 0.5).abs() < 0.05 && (share(&sample, |s| s == 800.0) - 0.2).abs() < 0.04
        );
        check_times(&drawn, form, "set");
        let fixation = task.clone().fixation(Duration::uniform(500.0, 1000.0)).batch(1000, Seed(2)).unwrap();
        let lasts = fixation.durations("fixation").unwrap().into_iter().flatten().collect::<Vec<_>>();
        assert!(lasts.iter().all(|&lasts| (500.0..1000.0).contains(&lasts) && lasts % 20.0 == 0.0));
    }
    // One context needs no input.
    assert_eq!(IntervalReproduction::default().priors(&[&[700.0, 800.0]]).batch(1, Seed(1)).unwrap().inputs.dim().2, 3);
    let refused =
        |trial: SampleInterval| IntervalReproduction::default().of(&[trial], Seed(1)).unwrap_err().to_string();
    assert!(refused(trial(2, 480.0, 1.0)).contains("prior"));
    assert!(refused(trial(0, 480.0, 1.5)).contains("gain"));
    assert!(refused(trial(0, 100.0, 1.0)).contains("sample"));
    assert!(refused(trial(0, f32::NAN, 1.0)).contains("sample"));
    let refused = |task: IntervalReproduction| task.batch(1, Seed(1)).unwrap_err().to_string();
    assert!(refused(IntervalReproduction::default().patience(0.9)).contains("patience"));
    assert!(refused(IntervalReproduction::default().priors(&[&[]])).contains("priors"));
}

#[test]
pub(crate) fn intervals_are_produced_after_a_cue() {
    let intervals = [800.0, 1500.0];
    for form in [Production::Ramp, Production::Step] {
        let task = IntervalProduction::default().production(form).cue(1200.0).sensory(quiet());
        let batch = task.of(&intervals.map(|interval| CuedInterval { interval }), Seed(1)).unwrap();
        hold(&batch, |number, t| {
            let (set, cue) = (1700.0, within(t, 500.0, 1700.0));
            let fixate = 1.0 - within(t, set + 100.0, 1e9);
            let cues = [0, 1].map(|k| if k == number { cue } else { 0.0 });
            let (targets, mask) = produced(form, t, set, f64::from(intervals[number]));
            (vec![fixate, cues[0], cues[1], within(t, set, set + 100.0)], targets, mask)
        });
        assert_eq!(batch.lengths, [(1700 + 1200) / 20, (1700 + 2250 + 10) / 20]);
        let drawn = task.cue(Duration::uniform(1000.0, 3000.0)).batch(1000, Seed(2)).unwrap();
        check_times(&drawn, form, "set");
        assert!((share(&numbers(&drawn, "interval"), |interval| interval == 800.0) - 0.5).abs() < 0.05);
        let lasts = drawn.durations("cue").unwrap();
        assert!(lasts.iter().flatten().all(|&lasts| (1000.0..3000.0).contains(&lasts)));
    }
    let other = IntervalProduction::default().of(&[CuedInterval { interval: 900.0 }], Seed(1));
    assert!(other.unwrap_err().to_string().contains("interval"));
}

#[test]
pub(crate) fn rhythms_are_gone_on_with() {
    let intervals = [600.0, 900.0];
    for form in [Production::Ramp, Production::Step] {
        let task = Synchronization::default().production(form).fixation(400.0).target(1000.0).sensory(quiet());
        let batch = task.of(&intervals.map(|interval| Rhythm { interval }), Seed(1)).unwrap();
        hold(&batch, |number, t| {
            let interval = f64::from(intervals[number]);
            let starts = [0.0, 1.0, 2.0].map(|k| 1400.0 + k * interval);
            let pulse = starts.iter().map(|&start| within(t, start, start + 100.0)).sum();
            let (targets, mask) = produced(form, t, starts[2], interval);
            (vec![1.0 - within(t, starts[2] + 100.0, 1e9), pulse, within(t, 400.0, 1e9)], targets, mask)
        });
        let drawn = Synchronization::default().production(form).batch(1000, Seed(2)).unwrap();
        check_times(&drawn, form, "third");
        assert!((share(&numbers(&drawn, "interval"), |interval| interval == 700.0) - 0.2).abs() < 0.04);
        for (epoch, low, high) in [("fixation", 80.0, 800.0), ("target", 480.0, 1500.0)] {
            let lasts = drawn.durations(epoch).unwrap();
            assert!(lasts.iter().flatten().all(|lasts| (low..=high).contains(lasts)), "{epoch}");
        }
    }
}

#[test]
pub(crate) fn the_longer_of_two_stimuli_is_asked_for() {
    let task = IntervalComparison::default().delay1(900.0).sensory(quiet());
    let trials = [(300.0, 480.0), (600.0, 360.0)].map(|(first, second)| TwoIntervals { first, second, longer: 7 });
    let batch = task.of(&trials, Seed(1)).unwrap();
    hold(&batch, |number, t| {
        let [first, second] = [trials[number].first, trials[number].second].map(f64::from);
        let begins = 300.0 + first + 900.0;
        let decision = begins + second + 500.0;
        let inputs =
            vec![within(t, 0.0, decision), within(t, 300.0, 300.0 + first), within(t, begins, begins + second)];
        let (targets, mask) = asked(t, decision, if first > second { 1 } else { 2 }, 3, 100.0);
        (inputs, targets, mask)
    });
    let drawn = IntervalComparison::default().batch(1000, Seed(2)).unwrap();
    let (first, second, longer) = (numbers(&drawn, "first"), numbers(&drawn, "second"), numbers(&drawn, "longer"));
    for trial in 0..1000 {
        assert!(first[trial] != second[trial] && (longer[trial] == 1.0) == (second[trial] > first[trial]));
        assert!(
            [first[trial], second[trial]].iter().all(|lasts| (300.0..=600.0).contains(lasts) && lasts % 60.0 == 0.0)
        );
    }
    assert!((share(&longer, |longer| longer == 0.0) - 0.5).abs() < 0.05);
    assert!((share(&first, |first| first == 300.0) - 1.0 / 6.0).abs() < 0.04);
    let refused = |task: IntervalComparison| task.batch(1, Seed(1)).unwrap_err().to_string();
    assert!(refused(IntervalComparison::default().durations(&[300.0])).contains("durations"));
    assert!(refused(IntervalComparison::default().durations(&[300.0, 310.0])).contains("time step"));
    let tie = TwoIntervals { first: 300.0, second: 300.0, longer: 0 };
    assert!(IntervalComparison::default().of(&[tie], Seed(1)).unwrap_err().to_string().contains("second"));
}

#[test]
pub(crate) fn who_is_told_to_stop_is_right_to_fixate() {
    let task = StopSignal::default().sensory(quiet());
    let trials = [(0, None), (1, Some(150.0)), (0, Some(350.0))].map(|(side, delay)| GoOrStop { side, delay });
    let batch = task.of(&trials, Seed(1)).unwrap();
    hold(&batch, |number, t| {
        let GoOrStop { side, delay } = &trials[number];
        let go = within(t, 500.0, 1500.0);
        let mut inputs = vec![1.0 - go, 0.0, 0.0, 0.0];
        inputs[1 + side] = go;
        inputs[3] = delay.map(f64::from).map_or(0.0, |delay| within(t, 500.0 + delay, 600.0 + delay));
        let (targets, mask) = asked(t, 500.0, if delay.is_some() { 0 } else { 1 + side }, 3, 100.0);
        (inputs, targets, mask)
    });
    // To go and come back is wrong where there was a stop signal, and right where there was none.
    let mut outputs = batch.targets.clone();
    for trial in 0..3 {
        for step in 30..40 {
            outputs[[trial, step, 0]] = 0.0;
            outputs[[trial, step, 1 + trials[trial].side]] = 1.0;
        }
    }
    let states = Array3::zeros((3, batch.n_steps(), 1));
    let session = Session::new(batch, states.clone(), states, outputs).unwrap();
    assert_eq!(session.correct, [Some(true), Some(false), Some(false)]);
    assert_eq!(session.choices, [Some(1), Some(2), Some(1)]);
    // Who is not sure does not go.
    let unsure = session.outputs.mapv(|output| 0.84 * output);
    let session = Session::new(session.batch, session.states, session.rates, unsure).unwrap();
    assert_eq!(session.choices, [Some(1), Some(0), Some(0)]);
    let drawn = StopSignal::default().batch(1000, Seed(2)).unwrap();
    let delays = numbers(&drawn, "delay");
    assert!((share(&delays, f64::is_nan) - 0.7).abs() < 0.05);
    assert!(delays.iter().all(|delay| delay.is_nan() || (50.0..=350.0).contains(delay) && delay % 50.0 == 0.0));
    let refused = |delay| StopSignal::default().of(&[GoOrStop { side: 0, delay: Some(delay) }], Seed(1)).unwrap_err();
    assert!(refused(900.0).to_string().contains("delay") && refused(f32::NAN).to_string().contains("delay"));
}
