//! Delayed match to sample.

use std::f64::consts::PI;

use psychrnn::task::Sensory;
use psychrnn::tasks::{DelayedMatch, Report, SampleAndTest};

use super::*;

#[test]
pub(crate) fn samples_are_matched_after_a_delay() {
    let quiet = |task: DelayedMatch| task.sensory(Sensory::default());
    let trial = |sample: f64, test: f64| SampleAndTest { sample: sample as f32, test: test as f32, matches: false };
    // By direction, a quarter turn from it, and by half of the circle.
    for (task, sample, test, matches) in [
        (DelayedMatch::default(), PI, PI, true),
        (DelayedMatch::default(), PI, PI / 4.0, false),
        (DelayedMatch::rotated(), 1.75 * PI, 0.25 * PI, true),
        (DelayedMatch::rotated(), 0.0, 1.5 * PI, false),
        (DelayedMatch::to_category(), PI, 1.75 * PI, true),
        (DelayedMatch::to_category(), 0.75 * PI, PI, false),
        (DelayedMatch::to_category().rotation(PI as f32), 0.0, 0.75 * PI, false),
    ] {
        let batch = quiet(task.clone()).of(&[trial(sample, test)], Seed(1)).unwrap();
        let shown = [(25..50, 1, masse(sample, 24)), (100..125, 1, masse(test, 24))];
        hold(&batch, 0, &shown, &[output(100..125, if matches { 1 } else { 2 }, 3)], 3);
        assert_eq!(numbers(&batch, "matches"), [f64::from(u8::from(matches))]);
        alternatives(&task);
    }
    for (report, of_match, of_other) in [(Report::Match, 1, 0), (Report::NonMatch, 0, 1)] {
        let task = quiet(DelayedMatch::default().report(report).decision(400));
        let batch = task.of(&[trial(0.0, 0.0), trial(0.0, PI)], Seed(1)).unwrap();
        for (trial, right, test) in [(0, of_match, 0.0), (1, of_other, PI)] {
            let shown = [(25..50, 1, masse(0.0, 24)), (100..125, 1, masse(test, 24))];
            hold(&batch, trial, &shown, &[output(125..145, right, 2)], 3);
        }
    }
    let pointing = quiet(DelayedMatch::default().report(Report::Location));
    let batch = pointing.of(&[trial(1.0, 1.0), trial(1.0, 2.0)], Seed(1)).unwrap();
    let shown = |test| [(25..50, 1, masse(1.0, 24)), (100..125, 1, masse(test, 24))];
    hold(&batch, 0, &shown(1.0), &[toward(100..125, 1.0, 24)], 3);
    hold(&batch, 1, &shown(2.0), &[output(100..125, 0, 25)], 3);
    assert!((column(&batch, "response")[0] - 1.0).abs() < 1e-3);
}

#[test]
fn samples_and_tests_are_drawn_as_they_should() {
    let batch = drawn(&DelayedMatch::rotated().delay(Duration::choice(&[500.0, 1500.0])));
    let pairs = || numbers(&batch, "sample").into_iter().zip(numbers(&batch, "test"));
    assert!(pairs().all(|(sample, test)| is_of(sample, 8) && is_of(test, 8)));
    for k in 0..8 {
        let turn = PI / 4.0 * f64::from(k);
        share(pairs().map(|(sample, test)| apart(sample + turn, test) < 1e-3), if k == 2 { 0.5 } else { 0.5 / 7.0 });
        share(pairs().map(|(sample, _)| apart(sample, turn) < 1e-3), 1.0 / 8.0);
    }
    let batch = drawn(&DelayedMatch::to_category());
    let half = |angle: f64| angle > PI - 1e-3;
    share(numbers(&batch, "sample").into_iter().zip(numbers(&batch, "test")).map(|(a, b)| half(a) == half(b)), 0.5);
    refused(&DelayedMatch::to_category().directions(7), "directions");
    refused(&DelayedMatch::default().directions(1), "directions");
    refused(&DelayedMatch::default().ring(1), "ring");
    refused(&DelayedMatch::default().rotation(f32::NAN), "rotation");
    refused(&DelayedMatch::default().hi(-1.0), "hi");
    has_no_trial(&DelayedMatch::default(), SampleAndTest { sample: 0.0, test: f32::NAN, matches: false }, "test");
}
