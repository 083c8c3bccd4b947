//! Oscillations, reaches and integration against what the tasks say, written out once more.

use std::f64::consts::{PI, TAU};

use psychrnn::prelude::*;
use psychrnn::task::Sensory;
use psychrnn::tasks::{Oscillation};

/// A number of a batch, in double precision.
macro_rules! at {
    ($array:expr, $trial:expr, $step:expr, $channel:expr) => {
        f64::from($array[[$trial, $step, $channel]])
    };
}

#[track_caller]
fn near(ours: f64, expected: f64, what: &str) {
    assert!((ours - expected).abs() < 2e-5, "{what}: {ours}, expected {expected}");
}

fn quiet() -> Sensory {
    Sensory::default()
}

#[test]
pub(crate) fn oscillations_are_sines_of_the_frequency_that_is_shown() {
    let task = Oscillation::default().sensory(quiet());
    let batch = task.grid().over([1.0, 3.0, 5.0], |trial, f| trial.frequency = f).batch(Seed(1)).unwrap();
    for (trial, (frequency, input)) in [(1.0, 0.25), (3.0, 0.75), (5.0, 1.25)].into_iter().enumerate() {
        for step in 0..100 {
            near(at!(batch.inputs, trial, step, 0), input, "input");
            near(at!(batch.targets, trial, step, 0), (TAU * frequency * 0.02 * step as f64).sin(), "target");
        }
    }
    let drawn = task.batch(1000, Seed(2)).unwrap().values.numbers("frequency").unwrap();
    let level = |f: f64| (f - 1.0) / 4.0 * 50.0;
    assert!(drawn.iter().all(|&f| (level(f) - level(f).round()).abs() < 1e-4));
    assert_eq!((drawn.iter().copied().fold(9.0, f64::min), drawn.iter().copied().fold(0.0, f64::max)), (1.0, 5.0));
    let refused = |task: Oscillation| task.batch(1, Seed(1)).unwrap_err().to_string();
    assert!(refused(task.clone().levels(1)).contains("levels"));
    assert!(refused(task.clone().lowest(6.0)).contains("lowest"));
    assert!(refused(task.clone().highest(30.0)).contains("highest"));
    let nan = task.grid().over([f32::NAN], |trial, f| trial.frequency = f).batch(Seed(1));
    assert!(nan.unwrap_err().to_string().contains("frequency"));
}
