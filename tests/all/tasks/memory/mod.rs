//! Tasks of working memory: each step of a trial without noise against what its documentation says, written out once more, and
//! drawn trials against the ranges that it gives.

mod conditional_association;
mod delay_estimation;
mod delayed_match;
mod distractor;
mod dual_delayed_match;
mod go_nogo;
mod memory_number;
mod memory_saccade;
mod n_back;
mod paired_association;
mod repeated_tests;

pub(crate) use conditional_association::answers_to_stimuli_hold_for_a_block;
pub(crate) use delay_estimation::the_color_at_the_probed_location_is_asked_for;
pub(crate) use delayed_match::samples_are_matched_after_a_delay;
pub(crate) use distractor::distractors_are_ignored;
pub(crate) use dual_delayed_match::of_two_samples_the_cued_one_is_tested;
pub(crate) use go_nogo::go_and_no_go_are_told_by_a_cue;
pub(crate) use memory_number::digits_are_repeated_in_order;
pub(crate) use memory_saccade::saccades_go_to_the_cue_or_away_from_it;
pub(crate) use n_back::items_are_compared_with_those_before;
pub(crate) use paired_association::pairs_are_told_from_others;
pub(crate) use repeated_tests::each_test_is_compared_with_the_sample;

use std::f64::consts::TAU;
use std::ops::Range;

use ndarray::{Axis, s};
use psychrnn::prelude::*;

/// What an output shows when it is asked for in some steps.
struct Asked {
    /// The steps of the answer.
    steps: Range<usize>,
    /// The targets of all outputs in it.
    targets: Vec<f64>,
}

/// One output of `n` is asked for.
fn output(steps: Range<usize>, output: usize, n: usize) -> Asked {
    Asked { steps, targets: (0..n).map(|k| f64::from(u8::from(k == output))).collect() }
}

/// A direction is asked for, on a ring of `n` outputs after that for fixation.
fn toward(steps: Range<usize>, angle: f64, n: usize) -> Asked {
    Asked { steps, targets: [0.0].into_iter().chain(bump(angle, n)).collect() }
}

/// How far two angles are apart.
fn apart(a: f64, b: f64) -> f64 {
    let apart = (a - b).rem_euclid(TAU);
    apart.min(TAU - apart)
}

/// Yang's bump: `0.8 exp(-d² / 2)`, in units of π/8.
fn bump(angle: f64, n: usize) -> Vec<f64> {
    let of = |k: usize| 0.8 * (-0.5 * (apart(TAU * k as f64 / n as f64, angle) / (TAU / 16.0)).powi(2)).exp();
    (0..n).map(of).collect()
}

/// Masse's tuning: `4 exp(2 (cos d - 1))`.
fn masse(angle: f64, n: usize) -> Vec<f64> {
    (0..n).map(|k| 4.0 * (2.0 * ((TAU * k as f64 / n as f64 - angle).cos() - 1.0)).exp()).collect()
}

/// Holds each step of a trial, of 20 ms, to what is shown beside the cue to fixate, and to what is asked: that cue is off, and
/// errors do not count in the first steps of an answer, `grace`, nor in the first 100 ms.
#[track_caller]
fn hold(batch: &Batch, trial: usize, shown: &[(Range<usize>, usize, Vec<f64>)], asked: &[Asked], grace: usize) {
    let n_out = batch.spec.n_out;
    for step in 0..batch.lengths[trial] {
        let mut inputs = vec![0.0; batch.spec.n_in];
        for (steps, first, values) in shown {
            if steps.contains(&step) {
                inputs[*first..first + values.len()].iter_mut().zip(values).for_each(|(input, value)| *input += value);
            }
        }
        let answer = asked.iter().find(|answer| answer.steps.contains(&step));
        inputs[0] += f64::from(u8::from(answer.is_none()));
        let fixate = output(0..0, 0, n_out).targets;
        let targets = answer.map_or(&fixate, |answer| &answer.targets);
        let is_early = step < 5 || answer.is_some_and(|answer| step < answer.steps.start + grace);
        let near = |ours: ndarray::ArrayView1<'_, f32>, theirs: &[f64]| {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(&a, b)| (f64::from(a) - b).abs() < 2e-6)
        };
        let row = s![trial, step, ..];
        assert!(
            near(batch.inputs.slice(row), &inputs),
            "inputs at {step}: {}, not {inputs:?}",
            batch.inputs.slice(row)
        );
        assert!(near(batch.targets.slice(row), targets), "targets at {step}: {}", batch.targets.slice(row));
        let mask = f32::from(u8::from(!is_early));
        assert!(
            batch.mask.slice(row).iter().all(|&weight| weight == mask),
            "mask at {step}: {}",
            batch.mask.slice(row)
        );
    }
}

/// As many trials as the ranges are held to.
const MANY: usize = 2000;

fn drawn(task: &impl TrialSource) -> Batch {
    task.batch(MANY, Seed(11)).unwrap()
}

fn numbers(batch: &Batch, column: &str) -> Vec<f64> {
    batch.values.numbers(column).unwrap()
}

/// Holds a share of the trials to a probability, within 4 standard errors.
#[track_caller]
fn share(is: impl IntoIterator<Item = bool>, expected: f64) {
    let is: Vec<bool> = is.into_iter().collect();
    let share = is.iter().filter(|&&is| is).count() as f64 / is.len() as f64;
    let error = (expected * (1.0 - expected) / is.len() as f64).sqrt();
    assert!((share - expected).abs() <= 4.0 * error, "{share} of {}, not {expected}", is.len());
}

/// Whether an angle is one of `n` evenly spaced ones.
fn is_of(angle: f64, n: usize) -> bool {
    (0..n).any(|k| apart(angle, TAU * k as f64 / n as f64) < 1e-4)
}

/// Holds the durations of an epoch to a range, of which both ends are nearly reached, in whole steps of 20 ms.
#[track_caller]
fn lasts(batch: &Batch, epoch: &str, low: f64, high: f64) {
    let durations: Vec<f64> = batch.durations(epoch).unwrap().into_iter().flatten().collect();
    assert_eq!(durations.len(), batch.n_trials(), "{epoch}");
    let (least, most) =
        (durations.iter().copied().fold(f64::MAX, f64::min), durations.iter().copied().fold(0.0, f64::max));
    assert!(durations.iter().all(|duration| duration % 20.0 == 0.0), "{epoch}");
    assert!(least >= low && most <= high && least <= low + 40.0 && most >= high - 40.0, "{epoch}: {least} to {most}");
}

/// What a task that is set up so says.
#[track_caller]
fn refused(task: &impl TrialSource, argument: &str) {
    let error = task.batch(1, Seed(1)).unwrap_err();
    assert!(error.to_string().contains(&format!("`{argument}`")), "{error}");
}

/// What a task says to given values.
#[track_caller]
fn has_no_trial<T: Task>(task: &T, values: T::Trial, argument: &str) {
    let error = task.of(&[values], Seed(1)).unwrap_err();
    assert!(error.to_string().contains(&format!("`{argument}`")), "{error}");
}

/// Trials that are drawn for an alternative have that answer, also when everything that follows is computed anew; all
/// alternatives come about equally often, where they do.
#[track_caller]
fn alternatives<T: psychrnn::task::Alternatives>(task: &T) {
    let n = task.n_choices();
    for number in 0..200 {
        let mut trial = task.draw_for(number % n, &mut Seed(2).stream(number as u64));
        assert_eq!(task.answer(&trial), Some(number % n));
        task.complete(&mut trial).unwrap();
        assert_eq!(task.answer(&trial), Some(number % n));
    }
    let answers: Vec<Option<usize>> =
        (0..MANY as u64).map(|number| task.answer(&task.draw(&mut Seed(3).stream(number)))).collect();
    for choice in 0..n {
        share(answers.iter().map(|&answer| answer == Some(choice)), 1.0 / n as f64);
    }
}

/// What the outputs of a session say, if they are the targets: everything is right.
fn column(batch: &Batch, name: &str) -> Vec<f64> {
    let states = ndarray::Array3::zeros((batch.n_trials(), batch.n_steps(), 1));
    let session = Session::new(batch.clone(), states.clone(), states, batch.targets.clone()).unwrap();
    assert_eq!(session.accuracy(), 1.0);
    session.trials().numbers(name).unwrap()
}

/// The largest channel of some at a step, counted from the first of them; missing if all are 0.
fn largest(batch: &Batch, trial: usize, step: usize, channels: Range<usize>) -> Option<usize> {
    let row = batch.inputs.index_axis(Axis(0), trial);
    let row = row.slice(s![step, channels]);
    let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
    (*best.1 > 0.0).then_some(best.0)
}
