//! Every step of the trials of a task, without noise, against what is expected of it.

use ndarray::{ArrayView1, s};
use psychrnn::prelude::*;

/// Inputs, targets and mask of a step.
pub(super) type Expected = (Vec<f64>, Vec<f64>, Vec<f64>);

/// Holds each step of each trial to what is expected at its time.
#[track_caller]
pub(super) fn hold(batch: &Batch, expected: impl Fn(usize, f64) -> Expected) {
    let same = |ours: ArrayView1<'_, f32>, theirs: &[f64]| {
        ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(&a, b)| (f64::from(a) - b).abs() < 1e-5)
    };
    for trial in 0..batch.n_trials() {
        for step in 0..batch.lengths[trial] {
            let t = step as f64 * f64::from(batch.spec.dt);
            let (inputs, targets, mask) = expected(trial, t);
            for (what, ours, theirs) in
                [("inputs", &batch.inputs, inputs), ("targets", &batch.targets, targets), ("mask", &batch.mask, mask)]
            {
                let ours = ours.slice(s![trial, step, ..]);
                assert!(same(ours, &theirs), "{what} of trial {trial} at {t}: {ours}, expected {theirs:?}");
            }
        }
    }
}

/// What is asked for in the usual form: fixation until the answer, which counts from the grace on.
pub(super) fn asked(t: f64, answer: f64, correct: usize, n_out: usize, grace: f64) -> (Vec<f64>, Vec<f64>) {
    let mut targets = vec![0.0; n_out];
    targets[if t < answer { 0 } else { correct }] = 1.0;
    let counts = t >= 100.0 && !(t >= answer && t < answer + grace);
    (targets, vec![f64::from(u8::from(counts)); n_out])
}

/// 1 within a stretch of time.
pub(super) fn within(t: f64, start: f64, end: f64) -> f64 {
    f64::from(u8::from(t >= start && t < end))
}

pub(super) fn numbers(batch: &Batch, column: &str) -> Vec<f64> {
    batch.values.numbers(column).unwrap()
}

/// The share of trials with a value.
pub(super) fn share(numbers: &[f64], of: impl Fn(f64) -> bool) -> f64 {
    numbers.iter().filter(|&&number| of(number)).count() as f64 / numbers.len() as f64
}
