//! Oscillations, reaches and integration against what the tasks say, written out once more.

use std::f64::consts::{PI, TAU};

use psychrnn::prelude::*;
use psychrnn::task::Sensory;
use psychrnn::tasks::{
    AngleIntegration, CenterOut, DelayedReach, Oscillation, PathIntegration, Reach, ReachTarget, Reaching, Turning,
    Walk,
};

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

#[test]
pub(crate) fn reaches_from_the_center_have_least_jerk() {
    let task = CenterOut::default().sensory(quiet()).velocity(true).delay(400.0);
    let angle = 1.0_f64;
    let batch = task.of(&[ReachTarget { angle: 1.0 }], Seed(1)).unwrap();
    assert_eq!(batch.n_steps(), 90);
    for step in 0..90 {
        let t = 20.0 * step as f64;
        let s = ((t - 1000.0) / 600.0).clamp(0.0, 1.0);
        let (place, speed) = (10.0 * s.powi(3) - 15.0 * s.powi(4) + 6.0 * s.powi(5), 30.0 * s * s * (s - 1.0).powi(2));
        let shown = f64::from(u8::from((300.0..600.0).contains(&t)));
        let inputs = [f64::from(u8::from(t < 1000.0)), shown * angle.cos(), shown * angle.sin()];
        let targets = [place * angle.cos(), place * angle.sin(), speed * angle.cos(), speed * angle.sin()];
        inputs.into_iter().enumerate().for_each(|(i, u)| near(at!(batch.inputs, 0, step, i), u, "input"));
        targets.into_iter().enumerate().for_each(|(i, z)| near(at!(batch.targets, 0, step, i), z, "target"));
        assert!(batch.mask.slice(ndarray::s![0, step, ..]).iter().all(|&m| (m == 1.0) == (step >= 5)));
    }
    // What stays is shown from the cue on, also in movement.
    let stays = task.stays(true).of(&[ReachTarget { angle: 0.0 }], Seed(1)).unwrap();
    assert!((0..90).all(|step| stays.inputs[[0, step, 1]] == f32::from(u8::from(step >= 15))));

    let drawn = CenterOut::default().batch(1000, Seed(2)).unwrap();
    let eighth = |angle: &f64| (angle / TAU * 8.0 - (angle / TAU * 8.0).round()).abs() < 1e-5;
    assert!(drawn.values.numbers("angle").unwrap().iter().all(eighth));
    let delays = drawn.durations("delay").unwrap();
    assert!(delays.iter().flatten().all(|&delay| (0.0..=1000.0).contains(&delay) && delay % 20.0 == 0.0));
    let error = CenterOut::default().movement(0.0).batch(1, Seed(1)).unwrap_err().to_string();
    assert!(error.contains("movement"), "{error}");
}

#[test]
pub(crate) fn places_are_reached_for_after_the_cue() {
    let task = DelayedReach::default().sensory(quiet()).delay(1000.0);
    let batch = task.grid().over([0.3], |trial, place| trial.place = place).batch(Seed(1)).unwrap();
    for step in 0..100 {
        let (stimulus, decision) = (step < 25, step >= 75);
        let inputs = [f64::from(u8::from(decision)), if stimulus { 0.3 } else { -0.5 }];
        let targets = if decision { [1.0, 0.3] } else { [-1.0, -0.5] };
        let mask = if (75..80).contains(&step) { 0.0 } else { 1.0 };
        for i in 0..2 {
            near(at!(batch.inputs, 0, step, i), inputs[i], "input");
            near(at!(batch.targets, 0, step, i), targets[i], "target");
            assert_eq!(batch.mask[[0, step, i]], mask);
        }
    }
    let drawn = DelayedReach::default().batch(1000, Seed(2)).unwrap();
    assert!(drawn.values.numbers("place").unwrap().iter().all(|place| (0.0..1.0).contains(place)));
    let delays = drawn.durations("delay").unwrap();
    assert!([0.0, 1000.0, 2000.0].iter().all(|delay| delays.contains(&Some(*delay))));
}

/// How far apart two angles are.
fn apart(a: f64, b: f64) -> f64 {
    (a - b + PI).rem_euclid(TAU) - PI
}

#[test]
pub(crate) fn who_does_what_is_right_reaches_the_target() {
    let task = Reach::default().sensory(quiet());
    let batch = task.batch(1000, Seed(1)).unwrap();
    let (start, target) = (batch.values.numbers("start").unwrap(), batch.values.numbers("target").unwrap());
    for trial in 0..1000 {
        let mut own = start[trial];
        for step in 0..100 {
            let reaches = step >= 25;
            // Where one is, from what is seen of it: a cosine at each unit has the angle as its phase.
            let seen = |ring: usize| {
                let of = |f: fn(f64) -> f64| -> f64 {
                    (0..16).map(|k| at!(batch.inputs, trial, step, ring + k) * f(TAU * k as f64 / 16.0)).sum()
                };
                (of(f64::cos) / 8.0, of(f64::sin) / 8.0)
            };
            let (x, y) = seen(16);
            assert!(apart(y.atan2(x), own).abs() < 1e-4 && (x.hypot(y) - 1.0).abs() < 1e-4);
            let (x, y) = seen(0);
            assert!((x.hypot(y) - f64::from(u8::from(reaches))).abs() < 1e-4);
            assert!(!reaches || apart(y.atan2(x), target[trial]).abs() < 1e-4);
            let asked: Vec<f32> = batch.targets.slice(ndarray::s![trial, step, ..]).to_vec();
            let action = asked.iter().position(|&z| z == 1.0).unwrap();
            assert!(asked.iter().sum::<f32>() == 1.0 && (reaches || action == 0));
            let far = apart(own, target[trial]).abs();
            own += [0.0, 0.06, -0.06][action];
            let after = apart(own, target[trial]).abs();
            assert!(action == 0 || after < far, "a step away from the target");
            assert!(!reaches || action > 0 || after <= 0.03 + 1e-4, "it stays {after} away");
        }
        assert!(apart(own, target[trial]).abs() <= 0.03 + 1e-4, "trial {trial} does not get there");
    }
    // Off the way the shorter way is right.
    let given = Reaching { start: 0.0, target: 1.0, path: vec![0.5, 2.0, 1.01] };
    let batch = task.clone().fixation(0.0).of(std::slice::from_ref(&given), Seed(1)).unwrap();
    let right: Vec<usize> = (0..4).map(|k| (0..3).position(|a| batch.targets[[0, k, a]] == 1.0).unwrap()).collect();
    assert_eq!(right, [1, 2, 0, 0]);
    let one = task.clone().distraction(true).fixation(0.0).of(&[given], Seed(1)).unwrap();
    for k in 0..16 {
        let both = at!(batch.inputs, 0, 0, 16 + k) + 0.3 * at!(batch.inputs, 0, 0, k);
        near(at!(one.inputs, 0, 0, k), both, "one ring");
    }
    let refused = |task: Reach| task.batch(1, Seed(1)).unwrap_err().to_string();
    assert!(refused(task.clone().n(2)).contains("`n`") && refused(task.clone().speed(0.0)).contains("speed"));
    assert!(task.clone().n(usize::MAX).batch(1, Seed(1)).is_err());
}

#[test]
pub(crate) fn angles_add_up_velocities() {
    let task = AngleIntegration::default().sensory(quiet());
    let batch = task.batch(1000, Seed(1)).unwrap();
    let (start, end) = (batch.values.numbers("start").unwrap(), batch.values.numbers("end").unwrap());
    let mut moments = [0.0; 3];
    for trial in 0..1000 {
        let mut angle = start[trial];
        assert!((0.0..TAU).contains(&angle));
        for step in 0..100 {
            near(at!(batch.targets, trial, step, 0), angle.cos(), "cos");
            near(at!(batch.targets, trial, step, 1), angle.sin(), "sin");
            let shown = if step < 10 { [start[trial].cos(), start[trial].sin()] } else { [0.0; 2] };
            near(at!(batch.inputs, trial, step, 1), shown[0], "cos of the start");
            near(at!(batch.inputs, trial, step, 2), shown[1], "sin of the start");
            if step == 99 {
                assert!((angle - end[trial]).abs() < 1e-4);
            }
            angle += 0.02 * at!(batch.inputs, trial, step, 0);
        }
        let (first, last) = (at!(batch.inputs, trial, 0, 0), at!(batch.inputs, trial, 99, 0));
        let later = at!(batch.inputs, trial, 25, 0);
        [first * first, last * last, first * later].iter().zip(&mut moments).for_each(|(x, sum)| *sum += x / 1000.0);
    }
    // A standard deviation of 2 at the start and at the end, a correlation of 1/e after 500 ms. Four standard errors.
    assert!((moments[0] - 4.0).abs() < 0.72 && (moments[1] - 4.0).abs() < 0.72, "{moments:?}");
    assert!((moments[2] - 4.0 / 1.0_f64.exp()).abs() < 0.55, "{moments:?}");
    let short = Turning { velocities: vec![0.0; 3], ..Turning::default() };
    assert!(task.of(&[short], Seed(1)).unwrap_err().to_string().contains("velocities"));
    let nan = Turning { velocities: vec![f32::NAN; 100], ..Turning::default() };
    assert!(task.of(&[nan], Seed(1)).is_err());
}

#[test]
pub(crate) fn paths_add_up_steps_and_stay_in_the_box() {
    let task = PathIntegration::default().sensory(quiet()).speed(1.5);
    let batch = task.batch(300, Seed(1)).unwrap();
    let length = batch.values.numbers("length").unwrap();
    let (mut reflected, mut turns, mut n) = (0, 0.0, 0.0);
    for (trial, &length) in length.iter().enumerate() {
        let (mut place, mut way, mut last) = ([0.0; 2], 0.0, None::<f64>);
        for step in 0..150 {
            let [speed, cos, sin] = [0, 1, 2].map(|i| at!(batch.inputs, trial, step, i));
            assert!(speed >= 0.0 && (cos.hypot(sin) - 1.0).abs() < 1e-5);
            for (axis, place) in place.iter().enumerate() {
                let target = at!(batch.targets, trial, step, axis);
                assert!(target.abs() <= 1.0 + 1e-4 && (target - place).abs() < 1e-3);
            }
            if step == 149 {
                assert!((length - way).abs() < 1e-3);
            }
            place = [place[0] + 0.02 * speed * cos, place[1] + 0.02 * speed * sin];
            way += 0.02 * speed;
            let direction = sin.atan2(cos);
            if let Some(last) = last {
                let turn = apart(direction, last);
                // Far from the walls directions are not reflected.
                if place.iter().all(|x| x.abs() < 0.7) {
                    turns += turn * turn;
                    n += 1.0;
                } else {
                    reflected += i32::from(turn.abs() > 1.5);
                }
            }
            last = Some(direction);
        }
    }
    // 0.5 rad in 100 ms is 0.05 rad² in 20 ms.
    assert!(reflected > 100 && (turns / n - 0.05).abs() < 0.003, "{reflected} {}", turns / n);
    let out = Walk { speeds: vec![5.0; 150], directions: vec![0.0; 150], ..Walk::default() };
    assert!(task.of(&[out], Seed(1)).unwrap_err().to_string().contains("path"));
    assert!(task.speed(20.0).batch(1, Seed(1)).unwrap_err().to_string().contains("speed"));
}
