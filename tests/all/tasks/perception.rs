//! Categories, evidence in two modalities, and detection, against what the tasks say, written out once more.

use std::f64::consts::{PI, TAU};

use ndarray::s;
use psychrnn::prelude::*;
use psychrnn::task::{Alternatives, Sensory};
use psychrnn::tasks::{
    Categorization, ContextDecision, CueCombination, MultimodalDetection, SignalDetection, SignalOnset,
    SpatialSuppression, ToneDetection,
};

#[track_caller]
fn near(ours: f32, expected: f64, what: &str) {
    assert!((f64::from(ours) - expected).abs() < 2e-6, "{what}: {ours}, expected {expected}");
}

fn numbers(batch: &Batch, column: &str) -> Vec<f64> {
    batch.values.numbers(column).unwrap()
}

/// Holds cue, targets and mask to the form: from `go` ms on that output is asked for, or none.
#[track_caller]
fn form(batch: &Batch, trial: usize, go: Option<f64>, output: usize, cue_ends: bool) {
    for step in 0..batch.lengths[trial] {
        let t = step as f64 * f64::from(batch.spec.dt);
        let answers = go.is_some_and(|go| t >= go);
        let cue = f64::from(u8::from(!(answers && cue_ends)));
        near(batch.inputs[[trial, step, 0]], cue, "cue");
        let grace = go.is_some_and(|go| (go..go + 100.0).contains(&t));
        for channel in 0..batch.spec.n_out {
            let asked = channel == if answers { output } else { 0 };
            near(batch.targets[[trial, step, channel]], f64::from(u8::from(asked)), "target");
            let mask = if t < 100.0 || grace { 0.0 } else { 1.0 };
            near(batch.mask[[trial, step, channel]], mask, &format!("mask at {t}"));
        }
    }
}

/// Each alternative is that of the trials drawn for it, and all of them come up.
fn alternatives<T: Alternatives>(task: &T) {
    let n = task.n_choices();
    for number in 0..200 {
        let choice = number % n;
        let mut trial = task.draw_for(choice, &mut Seed(1).stream(number as u64));
        task.complete(&mut trial).unwrap();
        assert_eq!(task.answer(&trial), Some(choice));
    }
}

fn quiet() -> Sensory {
    Sensory::default()
}

#[test]
pub(crate) fn categories_are_sides_of_a_boundary() {
    let task = Categorization::default().sensory(quiet()).boundary(0.5);
    let batch = task.batch(1000, Seed(1)).unwrap();
    assert_eq!(batch.inputs.dim(), (1000, 60, 33));
    let (angle, category, distance) =
        (numbers(&batch, "angle"), numbers(&batch, "category"), numbers(&batch, "distance"));
    for trial in 0..1000 {
        // On the left of a line at the angle of the boundary is category 0.
        let side = (angle[trial] - 0.5).sin();
        assert_eq!(category[trial], f64::from(u8::from(side < 0.0)));
        assert!((distance[trial] + side.asin()).abs() < 1e-5);
        let allowed = [PI / 12.0, PI / 4.0, 5.0 * PI / 12.0];
        assert!(allowed.iter().any(|there| (distance[trial].abs() - there).abs() < 1e-5));
        if trial < 20 {
            form(&batch, trial, Some(800.0), 1 + category[trial] as usize, true);
            for step in 0..60 {
                let shown = f64::from(u8::from((15..40).contains(&step)));
                for k in 0..32 {
                    let apart = (angle[trial] - TAU * k as f64 / 32.0).rem_euclid(TAU);
                    let d = apart.min(TAU - apart) / (PI / 8.0);
                    near(batch.inputs[[trial, step, 1 + k]], shown * 0.8 * (-d * d / 2.0).exp(), "direction");
                }
            }
        }
    }
    assert!((category.iter().sum::<f64>() - 500.0).abs() < 64.0);
    alternatives(&task);
    let refused = |task: Categorization| task.batch(1, Seed(1)).unwrap_err().to_string();
    assert!(refused(task.clone().distances(&[0.0])).contains("distances"));
    assert!(refused(task.clone().distances(&[2.0])).contains("distances"));
    assert!(refused(task.clone().n(2)).contains("`n`") && refused(task.boundary(f32::NAN)).contains("boundary"));
}

#[test]
pub(crate) fn the_modality_that_counts_is_asked_for() {
    for (task, cues) in [(ContextDecision::default(), 2), (ContextDecision::implicit(1), 0)] {
        let task = task.sensory(quiet()).n(3);
        let batch = task.batch(1000, Seed(1)).unwrap();
        assert_eq!(batch.spec.n_in, 7 + cues);
        let of = |name: &str| numbers(&batch, name);
        let (context, asked) = (of("context"), of("direction"));
        let modality = [(of("coherence0"), of("direction0")), (of("coherence1"), of("direction1"))];
        let delays = batch.durations("delay").unwrap();
        for trial in 0..1000 {
            assert_eq!(asked[trial], modality[context[trial] as usize].1[trial]);
            assert!(cues == 2 || context[trial] == 1.0);
            let delay = delays[trial].unwrap();
            assert!((300.0..=3000.0).contains(&delay) && delay % 20.0 == 0.0);
            assert!(modality.iter().all(|(c, _)| [0.05_f32, 0.15, 0.5].contains(&(c[trial] as f32))));
            if trial < 20 {
                form(&batch, trial, Some(1040.0 + delay), 1 + asked[trial] as usize, true);
            }
            for step in (0..batch.lengths[trial]).step_by(7) {
                // 750 ms are 37 whole steps.
                let shown = f64::from(u8::from((15..52).contains(&step)));
                for (which, (coherence, direction)) in modality.iter().enumerate() {
                    for k in 0..3 {
                        let towards = TAU * (k as f64 - direction[trial]) / 3.0;
                        let expected = shown * (0.5 + coherence[trial] / 2.0 * towards.cos());
                        near(batch.inputs[[trial, step, 1 + 3 * which + k]], expected, "evidence");
                    }
                }
                for cue in 0..cues {
                    near(
                        batch.inputs[[trial, step, 7 + cue]],
                        f64::from(u8::from(context[trial] == cue as f64)),
                        "context",
                    );
                }
            }
        }
        alternatives(&task);
    }
    let implicit = ContextDecision::implicit(1);
    let other = implicit.grid().over([0], |trial, context| trial.context = context).batch(Seed(1));
    assert!(other.unwrap_err().to_string().contains("context"));
    assert!(ContextDecision::implicit(2).batch(1, Seed(1)).unwrap_err().to_string().contains("implicit"));
    assert!(ContextDecision::default().n(usize::MAX).batch(1, Seed(1)).is_err());
}

#[test]
pub(crate) fn two_cues_share_the_evidence() {
    let task = CueCombination::default().sensory(quiet()).n(4);
    let batch = task.batch(1000, Seed(1)).unwrap();
    let (direction, coherence, share) =
        (numbers(&batch, "direction"), numbers(&batch, "coherence"), numbers(&batch, "share"));
    for trial in 0..1000 {
        assert!((0.0..1.0).contains(&share[trial]));
        if trial < 20 {
            form(&batch, trial, Some(1040.0), 1 + direction[trial] as usize, true);
        }
        for (which, share) in [share[trial], 1.0 - share[trial]].into_iter().enumerate() {
            for k in 0..4 {
                let towards = TAU * (k as f64 - direction[trial]) / 4.0;
                let expected = 0.5 + share * coherence[trial] / 2.0 * towards.cos();
                near(batch.inputs[[trial, 15, 1 + 4 * which + k]], expected, "evidence");
                near(batch.inputs[[trial, 51, 1 + 4 * which + k]], expected, "evidence");
                near(batch.inputs[[trial, 52, 1 + 4 * which + k]], 0.0, "evidence");
            }
        }
    }
    alternatives(&task);
    let beyond = task.grid().over([1.5], |trial, share| trial.share = share).batch(Seed(1));
    assert!(beyond.unwrap_err().to_string().contains("share"));
}

#[test]
pub(crate) fn a_signal_says_go() {
    let task = SignalDetection::default().sensory(quiet()).strength(0.7);
    let batch = task.batch(1000, Seed(1)).unwrap();
    let onset = numbers(&batch, "onset");
    let mut present = 0;
    for trial in 0..1000 {
        let stimulus = batch.epochs[trial].get("stimulus").unwrap();
        let lasts = f64::from(stimulus.end - stimulus.start);
        assert!((500.0..=1500.0).contains(&lasts) && stimulus.start == 500.0);
        let there = Some(onset[trial]).filter(|onset| !onset.is_nan());
        assert!(there.is_none_or(|onset| onset >= 0.0 && onset + 100.0 <= lasts + 1e-3));
        present += usize::from(there.is_some());
        if trial < 50 {
            form(&batch, trial, there.map(|onset| 500.0 + onset), 1, false);
        }
        let shown = batch.inputs.slice(s![trial, .., 1]);
        assert!(shown.iter().all(|&u| u == 0.0 || u == 0.7));
        assert_eq!(shown.iter().filter(|&&u| u > 0.0).count(), if there.is_some() { 5 } else { 0 });
    }
    assert!((450..550).contains(&present), "{present}");
    let given = [SignalOnset { stimulus: 800.0, onset: Some(200.0) }, SignalOnset { stimulus: 800.0, onset: None }];
    let batch = task.of(&given, Seed(1)).unwrap();
    assert!((0..90).all(|step| (batch.inputs[[0, step, 1]] > 0.0) == (35..40).contains(&step)));
    alternatives(&task);
    let late = SignalOnset { stimulus: 800.0, onset: Some(900.0) };
    assert!(task.of(&[late], Seed(1)).unwrap_err().to_string().contains("onset"));
    assert!(task.clone().pulse(600.0).batch(1, Seed(1)).unwrap_err().to_string().contains("pulse"));
    assert!(task.clone().probability(2.0).batch(1, Seed(1)).unwrap_err().to_string().contains("probability"));
    // There may be no signal in any trial.
    task.probability(0.0).batch(5, Seed(1)).unwrap();
}

#[test]
pub(crate) fn anything_seen_or_heard_is_something() {
    let task = MultimodalDetection::default().sensory(quiet());
    let batch = task.batch(1000, Seed(1)).unwrap();
    let (visual, auditory, present) =
        (numbers(&batch, "visual"), numbers(&batch, "auditory"), numbers(&batch, "present"));
    let mut kinds = [0; 4];
    for trial in 0..1000 {
        let (seen, heard) = (!visual[trial].is_nan(), !auditory[trial].is_nan());
        kinds[usize::from(seen) + 2 * usize::from(heard)] += 1;
        assert_eq!(present[trial] == 1.0, seen || heard);
        for (channel, intensity) in [(1, visual[trial]), (2, auditory[trial])] {
            let intensity = if intensity.is_nan() { 0.0 } else { intensity };
            assert!([0.0_f32, 0.8, 0.9, 1.0].contains(&(intensity as f32)));
            for (step, shown) in [(24, 0.0), (25, intensity), (74, intensity), (75, 0.0)] {
                near(batch.inputs[[trial, step, channel]], shown, "intensity");
            }
        }
        if trial < 20 {
            form(&batch, trial, Some(1500.0), 1 + present[trial] as usize, true);
        }
    }
    // Four standard errors about 1/2 and 1/6.
    assert!((437..563).contains(&kinds[0]) && kinds[1..].iter().all(|n| (119..214).contains(n)), "{kinds:?}");
    alternatives(&task);
    let refused = |task: MultimodalDetection| task.batch(1, Seed(1)).unwrap_err().to_string();
    assert!(refused(task.clone().intensities(&[0.0])).contains("intensities"));
    assert!(refused(task.catch(-0.1)).contains("catch"));
}

#[test]
pub(crate) fn tones_are_told_by_their_time() {
    let task = ToneDetection::default().sensory(quiet());
    let batch = task.batch(1000, Seed(1)).unwrap();
    let (number, onset) = (numbers(&batch, "number"), numbers(&batch, "onset"));
    for trial in 0..1000 {
        let at = [f64::NAN, 500.0, 1000.0, 1500.0][number[trial] as usize];
        assert!(onset[trial] == at || onset[trial].is_nan() && at.is_nan());
        for step in 0..120 {
            // 50 ms hold the steps at 0, 20 and 40 ms after the onset.
            let since = 20.0 * step as f64 - at;
            near(batch.inputs[[trial, step, 1]], f64::from(u8::from((0.0..50.0).contains(&since))), "tone");
        }
        if trial < 20 {
            form(&batch, trial, Some(2000.0), 1 + number[trial] as usize, true);
        }
    }
    assert!((0..4).all(|k| (195..305).contains(&number.iter().filter(|&&n| n == f64::from(k)).count())));
    alternatives(&task);
    assert!(task.clone().onsets(&[1990.0]).batch(1, Seed(1)).unwrap_err().to_string().contains("onsets"));
    let none = task.grid().over([4], |trial, number| trial.number = number).batch(Seed(1));
    assert!(none.unwrap_err().to_string().contains("number"));
}

#[test]
pub(crate) fn large_motion_is_seen_the_wrong_way_around_at_first() {
    let task = SpatialSuppression::default();
    let (sizes, directions) = ([false, true], 0..4);
    let grid = task.grid().over(sizes, |motion, large| motion.large = large);
    let batch = grid.over(directions, |motion, direction| motion.direction = direction).batch(Seed(1)).unwrap();
    assert_eq!(batch.inputs.dim(), (8, 36, 32));
    let opposite = [1, 0, 3, 2];
    for trial in 0..8 {
        let (large, direction) = (trial >= 4, trial % 4);
        let contrast = if large { 0.99 } else { 0.05 };
        for other in 0..4 {
            let share = match other {
                _ if other == direction => 1.0,
                _ if other == opposite[direction] => 0.0,
                _ => 0.5,
            };
            for size in 0..8 {
                let shown = if large || size == 0 { share * contrast } else { 0.0 };
                near(batch.inputs[[trial, 20, 8 * other + size]], shown, "motion");
            }
        }
        for targets in batch.targets.slice(s![trial, .., ..]).rows() {
            assert!((targets.sum() - 1.0).abs() < 1e-6 && targets.iter().all(|&p| p >= 0.0));
        }
        // 60 % on the way from frame 12 to 14, and the end.
        let way =
            |step: usize| batch.targets[[trial, step, direction]] - batch.targets[[trial, step, opposite[direction]]];
        assert!(if large { way(13) < -0.1 } else { way(13) > 0.1 });
        assert!(way(35) > 0.9);
    }
    let drawn = task.batch(1000, Seed(2)).unwrap();
    assert!(
        (0..4)
            .all(|k| (195..305).contains(&numbers(&drawn, "direction").iter().filter(|&&d| d == f64::from(k)).count()))
    );
    alternatives(&task);
    // The curves are over time, not over steps.
    let fine = task.clone().dt(4.15).batch(1, Seed(1)).unwrap();
    assert_eq!(fine.n_steps(), 72);
    let (same, coarse) = (fine.targets.slice(s![0, ..;2, ..]), task.batch(1, Seed(1)).unwrap());
    assert!(same.iter().zip(&coarse.targets).all(|(a, b)| (a - b).abs() < 1e-5));
    assert!(task.large(1.5).batch(1, Seed(1)).unwrap_err().to_string().contains("large"));
}

/// The share of trials in which who adds up the difference of two directions, over the stimulus and over these modalities, is right.
fn adding_up(batch: &Batch, counts: impl Fn(usize, usize) -> bool) -> f64 {
    let direction = numbers(batch, "direction");
    let is_right = |&trial: &usize| {
        let steps = batch.steps_of(trial, "stimulus").unwrap();
        let of = |which: usize| -> f32 {
            let shown = |input: usize| batch.inputs.slice(s![trial, steps.clone(), 1 + 2 * which + input]).sum();
            if counts(trial, which) { shown(0) - shown(1) } else { 0.0 }
        };
        (of(0) + of(1) > 0.0) == (direction[trial] == 0.0)
    };
    (0..batch.n_trials()).filter(is_right).count() as f64 / batch.n_trials() as f64
}

#[test]
fn adding_up_is_as_good_as_the_documentation_says() {
    let batch = ContextDecision::default().delay(300.0).batch(10_000, Seed(1)).unwrap();
    let context = numbers(&batch, "context");
    // Four standard errors.
    let one = adding_up(&batch, |trial, which| context[trial] == which as f64);
    assert!((one - 0.910).abs() < 0.0115, "{one}");
    let batch = CueCombination::default().batch(10_000, Seed(1)).unwrap();
    let (both, alone) = (adding_up(&batch, |_, _| true), adding_up(&batch, |_, which| which == 0));
    assert!((both - 0.870).abs() < 0.0135 && alone < both - 0.04, "{both} {alone}");
}
