//! Intervals, stopping and weights, against formulas, simulated subjects, and data that make no sense.

use ndarray::{Array2, Axis, array};
use psychrnn::analysis::{Countermanding, LogisticRegression, Timing, timing_reward};
use psychrnn::prelude::*;

use super::figures::drawn;

#[track_caller]
fn near(ours: f64, expected: f64, tolerated: f64) {
    assert!((ours - expected).abs() <= tolerated, "{ours}, expected {expected}");
}

#[test]
fn bias_and_variance_are_those_of_the_formula() {
    let intervals = [500.0, 500.0, 700.0, 700.0, 900.0, 900.0, f64::NAN, 900.0];
    let produced = [520.0, 560.0, 700.0, 720.0, 830.0, 850.0, 1.0].map(Some).into_iter().chain([None]);
    let timing = Timing::of_trials(&intervals, &produced.collect::<Vec<_>>()).unwrap();
    assert_eq!((&timing.means[..], &timing.biases()[..]), (&[540.0, 710.0, 840.0][..], &[40.0, 10.0, -60.0][..]));
    near(timing.bias, ((1600.0 + 100.0 + 3600.0) / 3.0_f64).sqrt(), 1e-9);
    // Of two numbers the variance is half the square of how far they are apart.
    near(timing.sd, ((800.0 + 200.0 + 200.0) / 3.0_f64).sqrt(), 1e-9);
    near(timing.slope, (840.0 - 540.0) / 400.0, 1e-12);
    assert_eq!((timing.without, timing.trials.as_slice()), (2, &[2, 2, 2][..]));
    drawn("timing", &timing.plot());
    let one = Timing::of_trials(&[500.0], &[Some(510.0)]).unwrap();
    assert!(one.slope.is_nan() && one.sds[0].is_nan() && one.bias == 10.0);
    assert!(Timing::of_trials(&[500.0], &[]).unwrap_err().to_string().contains("produced"));
    assert!(Timing::of_trials(&[500.0], &[None]).unwrap_err().to_string().contains("produced"));
    assert!(Timing::of_trials(&[], &[]).is_err());
}

#[test]
fn rewards_fall_with_the_error_and_end_at_the_tolerance() {
    // The tolerance is 0.2 · 500 + 25 = 125 ms.
    near(timing_reward(Some(550.0), 500.0, 0.2), (1.0 - 50.0 / 125.0_f64).powf(1.5), 1e-12);
    assert_eq!(timing_reward(Some(376.0), 500.0, 0.2), 0.1);
    assert_eq!([Some(374.0), Some(626.0), Some(f64::NAN), None].map(|t| timing_reward(t, 500.0, 0.2)), [0.0; 4]);
}

#[test]
fn times_are_those_of_steps_after_the_event() {
    let spec = TaskSpec::new(0, 1).dt(20.0).epoch("wait", 100.0).epoch("go", 200.0);
    let mut batch = Batch::from_arrays(
        &spec,
        ndarray::Array3::zeros((2, 15, 0)),
        ndarray::Array3::zeros((2, 15, 1)),
        ndarray::Array3::ones((2, 15, 1)),
    )
    .unwrap();
    batch.epochs = vec![psychrnn::task::Epochs::new().then("wait", 100.0).then("go", 200.0); 2];
    let mut outputs = ndarray::Array3::zeros((2, 15, 1));
    // What is there before the event, and goes away, is no response to it.
    outputs[[0, 2, 0]] = 1.0;
    outputs[[0, 8, 0]] = 1.0;
    let states = ndarray::Array3::zeros((2, 15, 1));
    let session = Session::new(batch, states.clone(), states, outputs).unwrap();
    assert_eq!(session.times_when("go", |z| z[0] >= 1.0).unwrap(), [Some(60.0), None]);
    assert_eq!(session.times_when("wait", |z| z[0] >= 1.0).unwrap(), [Some(40.0), None]);
    assert!(session.times_when("never", |_| true).is_err());
}

#[test]
fn the_time_to_stop_is_that_of_a_race() {
    let mut rng = Seed(1).stream(0);
    let (mut delays, mut times) = (Vec::new(), Vec::new());
    for _ in 0..20_000 {
        let go = f64::from(rng.normal(400.0, 50.0));
        let delay = rng.chance(0.5).then(|| rng.choice(&[100.0, 150.0, 200.0, 250.0, 300.0]));
        times.push(Some(go).filter(|go| delay.is_none_or(|delay| *go < delay + 190.0)));
        delays.push(delay);
    }
    let stopping = Countermanding::of_trials(&delays, &times).unwrap();
    // The share at a delay is that of a normal distribution, which is nearly straight about one half: at 210 ms.
    near(stopping.ssrt, 190.0, 5.0);
    near(stopping.integrated, 190.0, 8.0);
    near(stopping.reaction_time, 400.0, 2.5);
    drawn("countermanding", &stopping.went.plot().unwrap());
    assert_eq!((stopping.omissions, stopping.went.levels.len()), (0, 5));
    // Who always stops, or never, has no delay at which it does so half of the time.
    let always = Countermanding::of_trials(&[None, Some(100.0)], &[Some(300.0), None]).unwrap();
    assert!(always.half.is_nan() && always.ssrt.is_nan());
    assert!(Countermanding::of_trials(&[None], &[Some(300.0)]).is_err());
    assert!(
        Countermanding::of_trials(&[Some(100.0)], &[Some(300.0)]).unwrap_err().to_string().contains("without a stop")
    );
    assert!(Countermanding::of_trials(&[None], &[]).unwrap_err().to_string().contains("times"));
}

/// Of one predictor that is there or not, the weight is the logarithm of the ratio of odds, and its variance the sum of the inverse counts.
#[test]
fn a_weight_of_a_table_of_four_is_the_ratio_of_odds() {
    let counts = [(0.0, false, 30), (0.0, true, 10), (1.0, false, 12), (1.0, true, 24)];
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for (level, answer, n) in counts {
        x.extend(std::iter::repeat_n(level, n));
        y.extend(std::iter::repeat_n(Some(answer), n));
    }
    // What has no answer, or no predictor, is left out.
    x.extend([1.0, f64::NAN]);
    y.extend([None, Some(true)]);
    let x = Array2::from_shape_vec((x.len(), 1), x).unwrap();
    let fit = LogisticRegression::default().fit(&["shown"], &x, &y).unwrap();
    assert_eq!((fit.trials, fit.without), (76, 2));
    near(fit.weight("intercept").unwrap(), (10.0 / 30.0_f64).ln(), 1e-9);
    near(fit.weight("shown").unwrap(), (24.0 / 12.0 * 30.0 / 10.0_f64).ln(), 1e-9);
    near(fit.errors[1], (1.0 / 30.0 + 1.0 / 10.0 + 1.0 / 12.0 + 1.0 / 24.0_f64).sqrt(), 1e-8);
    let likelihood =
        30.0 * 0.75_f64.ln() + 10.0 * 0.25_f64.ln() + 12.0 * (1.0 / 3.0_f64).ln() + 24.0 * (2.0 / 3.0_f64).ln();
    near(fit.log_likelihood, likelihood, 1e-9);
    assert!(fit.weight("hidden").is_err());
}

#[test]
fn a_penalty_makes_weights_what_they_minimize() {
    let mut rng = Seed(2).stream(0);
    let x = Array2::from_shape_simple_fn((300, 3), || f64::from(rng.normal(0.0, 1.0)));
    // The answers follow from the first predictor without error, so that only a penalty determines its weight.
    let y: Vec<Option<bool>> = x.outer_iter().map(|row| Some(row[0] > 0.1)).collect();
    let names = ["a", "b", "c"];
    let error = LogisticRegression::default().fit(&names, &x, &y).unwrap_err().to_string();
    assert!(error.contains("without error"), "{error}");
    let regression = LogisticRegression::default().penalty(0.7);
    let fit = regression.fit(&names, &x, &y).unwrap();
    let cost = |w: &[f64]| {
        let of_trial = |(row, y): (ndarray::ArrayView1<'_, f64>, &Option<bool>)| {
            let score = w[0] + row.iter().zip(&w[1..]).map(|(x, w)| x * w).sum::<f64>();
            (1.0 + (if *y == Some(true) { -score } else { score }).exp()).ln()
        };
        x.outer_iter().zip(&y).map(of_trial).sum::<f64>() + 0.35 * w[1..].iter().map(|w| w * w).sum::<f64>()
    };
    drawn("weights of predictors", &fit.plot());
    let least = cost(&fit.weights);
    for k in 0..4 {
        for step in [-1e-3, 1e-3] {
            let mut moved = fit.weights.clone();
            moved[k] += step;
            assert!(cost(&moved) > least, "{k}");
        }
    }
    // A predictor twice over.
    let twice = ndarray::concatenate(Axis(1), &[x.view(), x.slice(ndarray::s![.., 1..2])]).unwrap();
    let noisy: Vec<Option<bool>> =
        x.outer_iter().map(|row| Some(row[0] + f64::from(rng.normal(0.0, 1.0)) > 0.0)).collect();
    let error = LogisticRegression::default().fit(&["a", "b", "c", "b again"], &twice, &noisy).unwrap_err().to_string();
    assert!(error.contains("penalty"), "{error}");
    let shared = regression.fit(&["a", "b", "c", "b again"], &twice, &noisy).unwrap();
    near(shared.weights[2], shared.weights[4], 1e-6);
    let refused =
        |names: &[&str], x: &Array2<f64>, y: &[Option<bool>]| regression.fit(names, x, y).unwrap_err().to_string();
    assert!(refused(&["a"], &array![[1.0], [2.0]], &[Some(true)]).contains("answers"));
    assert!(refused(&["a"], &array![[1.0], [2.0]], &[Some(true); 2]).contains("answers"));
    assert!(refused(&[], &array![[1.0], [2.0]], &[Some(true); 2]).contains("names"));
    assert!(refused(&["a"], &Array2::zeros((0, 1)), &[]).contains("answers"));
    let none = LogisticRegression::default().penalty(-1.0).fit(&["a"], &array![[1.0]], &[Some(true)]);
    assert!(none.unwrap_err().to_string().contains("penalty"));
}
