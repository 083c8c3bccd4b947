//! Intervals, stopping and weights, against formulas, simulated subjects, and data that make no sense.

use ndarray::{Array2, Axis, array};
use psychrnn::analysis::{BayesianTiming, Countermanding, LogisticRegression, Timing, timing_reward};
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

/// A subject that measures and produces with this noise, and takes what it measured for the mean of what it may have been.
fn bayesian(prior: &[f64], [w_m, w_p]: [f64; 2], n: usize, seed: u64) -> Timing {
    let mut rng = Seed(seed).stream(0);
    let mut normal = || f64::from(rng.normal(0.0, 1.0));
    let asked: Vec<f64> = prior.iter().copied().cycle().take(n).collect();
    let produced = asked.iter().map(|asked| {
        let measured = asked * (1.0 + w_m * normal());
        let density = |t: f64| (-(measured - t).powi(2) / (2.0 * (w_m * t).powi(2))).exp() / (w_m * t);
        let all: f64 = prior.iter().map(|&t| density(t)).sum();
        let guess: f64 = prior.iter().map(|&t| t * density(t) / all).sum();
        Some(guess * (1.0 + w_p * normal()))
    });
    let produced: Vec<Option<f64>> = produced.collect();
    Timing::of_trials(&asked, &produced).unwrap()
}

#[test]
fn a_bayesian_observer_is_known_by_its_noise() {
    let (short, long) = ([480.0, 560.0, 640.0, 720.0, 800.0], [800.0, 900.0, 1000.0, 1100.0, 1200.0]);
    for (noise, seed) in [([0.1, 0.06], 1), ([0.2, 0.03], 2)] {
        let [w_m, w_p] = noise;
        let (of_short, of_long) = (bayesian(&short, noise, 20_000, seed), bayesian(&long, noise, 20_000, seed + 10));
        let truth = BayesianTiming::new(w_m, w_p).unwrap();
        for (prior, timing) in [(&short, &of_short), (&long, &of_long)] {
            assert!(timing.slope < 0.85);
            for (k, &interval) in prior.iter().enumerate() {
                let (mean, sd) = truth.expected(prior, interval);
                // Four standard errors of 4000 trials.
                near(timing.means[k], mean, 4.0 * sd / 63.0);
                near(timing.sds[k], sd, 4.0 * sd / 80.0);
            }
        }
        let fit = BayesianTiming::fit([&of_short, &of_long]).unwrap();
        near(fit.w_m, w_m, 0.02 * w_m);
        near(fit.w_p, w_p, 0.05 * w_p);
        drawn("bayesian-timing", &fit.plot([("short", &of_short), ("long", &of_long)]).unwrap());
    }
    // Without noise it takes what it measured for the nearest interval that there is.
    let exact = BayesianTiming::new(1e-6, 0.0).unwrap();
    assert_eq!([470.0, 700.0, 1e4].map(|measured| exact.estimate(&short, measured)), [480.0, 720.0, 800.0]);
    near(exact.expected(&short, 560.0).0, 560.0, 1e-9);
    near(exact.expected(&short, 560.0).1, 0.0, 1e-3);
    // With much noise a measurement says no more than the factor `1 / t` of its density.
    let harmonic = 5.0 / short.iter().map(|t| 1.0 / t).sum::<f64>();
    near(BayesianTiming::new(1e6, 0.0).unwrap().estimate(&short, 640.0), harmonic, 1e-6);

    let one = Timing::of_trials(&[500.0; 3], &[Some(480.0), Some(510.0), Some(530.0)]).unwrap();
    for timings in [vec![], vec![&one]] {
        assert!(BayesianTiming::fit(timings).unwrap_err().to_string().contains("two intervals"));
    }
    let negative = Timing::of_trials(&[-500.0, 500.0], &[Some(480.0), Some(510.0)]).unwrap();
    assert!(BayesianTiming::fit([&negative]).unwrap_err().to_string().contains("-500"));
    // Each interval once: without any spread of its own.
    let once = Timing::of_trials(&[500.0, 600.0, 700.0], &[Some(510.0), Some(600.0), Some(690.0)]).unwrap();
    let fit = BayesianTiming::fit([&once]).unwrap();
    assert!(fit.w_m.is_finite() && fit.w_p.is_finite());
    assert!(fit.plot::<&str>([]).is_err());
    for (w_m, w_p) in [(0.0, 0.1), (f64::NAN, 0.1), (0.1, -0.1), (0.1, f64::INFINITY)] {
        assert!(BayesianTiming::new(w_m, w_p).is_err());
    }
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
