//! Psychometric curves.

use proptest::prelude::*;
use psychrnn::analysis::{Bootstrap, Counts, Curve, Psychometric, Rate, Resampling};
use psychrnn::prelude::*;
use psychrnn::threads::with_threads;

use super::{close, number, numbers, reference, whole};

const LEVELS: [f64; 9] = [-0.6, -0.4, -0.2, -0.1, 0.0, 0.1, 0.2, 0.4, 0.6];

fn counts(hits: [usize; 9]) -> Counts {
    Counts::new("coherence", &LEVELS, &[60; 9], &hits).unwrap()
}

fn good() -> Counts {
    counts([3, 4, 12, 22, 31, 42, 50, 57, 58])
}

#[test]
fn fits_are_scipys() {
    for case in reference("psychometric") {
        let rate = |name: &str| match &case[name] {
            serde_json::Value::Array(bounds) => Rate::UpTo(number(&bounds[1])),
            fixed => Rate::Fixed(number(fixed)),
        };
        let curve: Curve = serde_json::from_value(case["curve"].clone()).unwrap();
        let counts =
            Counts::new("x", &numbers(&case["levels"]), &whole(&case["trials"]), &whole(&case["hits"])).unwrap();
        let model = Psychometric::default().curve(curve).guess(rate("guess")).lapse(rate("lapse"));
        let fit = model.fit(&counts).unwrap();
        close("log-likelihood", fit.log_likelihood, number(&case["log_likelihood"]), 1e-9);
        close("deviance", fit.deviance, number(&case["deviance"]), 1e-6);
        assert_eq!(fit.dof as u64, case["dof"].as_u64().unwrap());
        close("p of the deviance", fit.deviance_p().unwrap(), number(&case["deviance_p"]), 1e-6);
        let estimates = [fit.threshold, fit.width, fit.guess, fit.lapse];
        let (values, errors) = (numbers(&case["parameters"]), case["se"].as_array().unwrap());
        for (i, estimate) in estimates.iter().enumerate() {
            close(&format!("{curve:?}, parameter {i}"), estimate.value, values[i], 2e-5);
            match errors[i].as_f64() {
                Some(error) => close(&format!("{curve:?}, error {i}"), estimate.se.unwrap(), error, 2e-5),
                None => assert_eq!(estimate.se, None),
            }
        }
        close("slope", fit.slope.value, number(&case["slope"]), 1e-4);
        close("error of the slope", fit.slope.se.unwrap(), number(&case["slope_se"]), 1e-3);
    }
}

#[test]
fn intervals_of_shares_are_scipys() {
    for case in reference("wilson") {
        let (hits, trials) = (case["hits"].as_u64().unwrap() as usize, case["trials"].as_u64().unwrap() as usize);
        let counts = Counts::new("x", &[0.0], &[trials], &[hits]).unwrap();
        let (low, high) = counts.intervals(number(&case["confidence"])).unwrap()[0];
        let expected = numbers(&case["interval"]);
        close("low", low, expected[0], 1e-9);
        close("high", high, expected[1], 1e-9);
    }
    assert!(good().intervals(1.0).is_err());
}

#[test]
fn levels_and_shares_belong_to_each_other() {
    for curve in [Curve::Gaussian, Curve::Logistic, Curve::Weibull] {
        let counts = Counts::new("x", &[1.0, 2.0, 4.0, 8.0, 16.0], &[50; 5], &[4, 8, 25, 44, 48]).unwrap();
        let fit = Psychometric::default().curve(curve).fit(&counts).unwrap();
        for share in [0.2, 0.5, 0.75] {
            close("share", fit.at(fit.level_at(share).unwrap()), share, 1e-9);
        }
        assert_eq!(fit.level_at(0.0), None);
        assert_eq!(fit.level_at(1.0), None);
        let h = 1e-5;
        let rise = fit.at(fit.threshold.value + h) - fit.at(fit.threshold.value - h);
        close("slope", fit.slope.value, rise / (2.0 * h), 1e-6);
    }
}

#[test]
fn bootstrap_intervals_agree_with_standard_errors_and_repeat() {
    let model = Psychometric::default().guess(0.0).lapse(0.0);
    let fit = model.fit(&counts([0, 1, 6, 17, 33, 46, 55, 60, 60])).unwrap();
    let bootstrap = Bootstrap::default().resamples(600).seed(3);
    for resampling in [Resampling::Parametric, Resampling::NonParametric] {
        let found = fit.bootstrap(resampling, &bootstrap).unwrap();
        for ((low, high), estimate) in [(found.threshold, fit.threshold), (found.width, fit.width)] {
            assert!(low < estimate.value && estimate.value < high);
            let expected = 2.0 * 1.96 * estimate.se.unwrap();
            assert!(((high - low) / expected - 1.0).abs() < 0.25, "{} against {expected}", high - low);
        }
        assert_eq!((found.guess, found.failed, found.samples.dim()), ((0.0, 0.0), 0, (600, 5)));
        let again = with_threads(3, || fit.bootstrap(resampling, &bootstrap)).unwrap();
        assert_eq!(found, again);
        assert_eq!(found.deviance_p.is_some(), resampling == Resampling::Parametric);
    }
    // With many trials at each level the deviance follows its chi-square.
    let simulated = fit.bootstrap(Resampling::Parametric, &bootstrap).unwrap().deviance_p.unwrap();
    assert!((simulated - fit.deviance_p().unwrap()).abs() < 0.15);
    let wrong = model.fit(&counts([20, 1, 6, 17, 33, 46, 55, 60, 40])).unwrap();
    assert!(wrong.deviance_p().unwrap() < 1e-6);
    assert!(wrong.bootstrap(Resampling::Parametric, &bootstrap).unwrap().deviance_p.unwrap() < 0.01);
}

#[test]
fn curves_are_compared_by_their_likelihoods() {
    let model = Psychometric::default();
    let same = model.compare(&good(), &counts([2, 5, 11, 24, 30, 40, 52, 55, 59])).unwrap();
    let shifted = model.compare(&good(), &counts([2, 2, 4, 9, 14, 29, 42, 54, 58])).unwrap();
    assert_eq!(same.dof, 4);
    assert!(same.p > 0.5 && shifted.p < 1e-4, "{} {}", same.p, shifted.p);
    let identical = model.compare(&good(), &good()).unwrap();
    assert!(identical.statistic < 1e-6 && identical.p > 0.999);
}

#[test]
fn counts_that_make_no_sense_are_refused_by_name() {
    let refused = |result: psychrnn::Result<Counts>| result.unwrap_err().to_string();
    assert!(refused(Counts::new("x", &[0.0, 1.0], &[5], &[1, 1])).contains("`trials`"));
    assert!(refused(Counts::new("x", &[0.0], &[5], &[6])).contains("`hits`"));
    assert!(refused(Counts::new("x", &[f64::NAN], &[5], &[1])).contains("`levels`"));
    assert!(refused(Counts::new("x", &[1.0], &[0], &[0])).contains("`trials`"));
    assert!(refused(Counts::of_trials("x", &[1.0], &[None])).contains("`trials`"));

    let refused = |model: Psychometric, counts: &Counts| model.fit(counts).unwrap_err().to_string();
    let model = Psychometric::default();
    assert!(refused(model, &counts([60; 9])).contains("the same in all 540 trials"));
    assert!(refused(model, &counts([0; 9])).contains("the same"));
    assert!(refused(model, &Counts::new("x", &[1.0], &[9], &[4]).unwrap()).contains("`levels`"));
    assert!(refused(model.curve(Curve::Weibull), &good()).contains("Weibull"));
    let one_above_zero = Counts::new("x", &[0.0, 1.0], &[9, 9], &[4, 8]).unwrap();
    assert!(refused(model.curve(Curve::Weibull), &one_above_zero).contains("above 0"));
    assert!(refused(model.guess(-0.1), &good()).contains("`guess`"));
    assert!(refused(model.lapse(f64::NAN), &good()).contains("`lapse`"));
    assert!(refused(model.guess(0.5).lapse(Rate::UpTo(0.5)), &good()).contains("guess + lapse"));
}

#[test]
fn levels_without_trials_and_equal_levels_do_not_matter() {
    let levels = [0.2, -0.2, 0.0, -0.0, 0.5, 0.2];
    let counts = Counts::new("x", &levels, &[10, 10, 5, 5, 0, 10], &[8, 1, 2, 3, 0, 9]).unwrap();
    assert_eq!(counts.levels, [-0.2, 0.0, 0.2]);
    assert_eq!((counts.trials, counts.hits), (vec![10, 10, 20], vec![1, 5, 17]));
}

#[test]
fn a_subject_without_errors_has_a_steep_curve_between_two_levels() {
    let fit = Psychometric::default().fit(&counts([0, 0, 0, 0, 60, 60, 60, 60, 60])).unwrap();
    assert!(-0.1 < fit.threshold.value && fit.threshold.value < 0.0, "{}", fit.threshold.value);
    assert!(fit.width.at_bound && fit.width.se.is_none() && fit.slope.at_bound);
    close("width", fit.width.value, 0.01, 1e-6);
    assert!(fit.deviance < 0.1);
    assert_eq!((fit.guess.value, fit.lapse.value), (0.0, 0.0));
    // Without a trend the width ends on its other bound.
    let flat = Psychometric::default().guess(0.0).lapse(0.0).fit(&counts([30; 9])).unwrap();
    assert!(flat.width.at_bound && flat.width.value > 10.0);
}

#[test]
fn a_network_gives_counts_by_its_columns() {
    let task = PerceptualDiscrimination::default().coherences(&[0.0, 0.2, 0.5]);
    let batch = task.batch(300, Seed(1)).unwrap();
    // A subject that always chooses 1 at a positive coherence, and answers 0 else.
    let outputs = ndarray::Array3::from_shape_fn((300, batch.n_steps(), 2), |(trial, _, channel)| {
        let right = batch.values.numbers("coherence").unwrap()[trial] > 0.0
            && batch.values.numbers("direction").unwrap()[trial] == 1.0;
        f32::from(u8::from(right == (channel == 1)))
    });
    let states = ndarray::Array3::zeros((300, batch.n_steps(), 1));
    let session = Session::new(batch, states.clone(), states, outputs)
        .unwrap()
        .with("signed", ["coherence", "direction"], |[c, d]| if d == 1.0 { c } else { -c })
        .unwrap();
    let counts = session.choices_by("signed", 1).unwrap();
    assert_eq!(counts.levels, [-0.5, -0.2, 0.0, 0.2, 0.5]);
    assert_eq!(counts.shares(), [0.0, 0.0, 0.0, 1.0, 1.0]);
    assert_eq!(counts.trials.iter().sum::<usize>(), 300);
    let correct = session.correct_by("coherence").unwrap();
    assert_eq!(
        (correct.levels.as_slice(), &correct.shares()[1..]),
        ([0.0, 0.2, 0.5].as_slice(), [1.0, 1.0].as_slice())
    );
    assert!(session.choices_by("nothing", 1).unwrap_err().to_string().contains("coherence"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever the counts, the fit is finite, within its bounds, and no worse than other curves.
    #[test]
    fn fits_are_best(
        hits in prop::array::uniform9(0_usize..=60),
        curve in prop::sample::select(vec![Curve::Gaussian, Curve::Logistic]),
        threshold in -0.5..0.5, width in 0.02..2.0, guess in 0.0..0.1, lapse in 0.0..0.1,
    ) {
        let counts = counts(hits);
        let model = Psychometric::default().curve(curve);
        if let Ok(fit) = model.fit(&counts) {
            prop_assert!((0.0..=0.1).contains(&fit.guess.value) && (0.0..=0.1).contains(&fit.lapse.value));
            prop_assert!((-1.8..=1.8).contains(&fit.threshold.value) && fit.width.value > 0.0);
            let likelihood = |at: &dyn Fn(f64) -> f64| -> f64 {
                LEVELS.iter().zip(hits).map(|(&x, k)| k as f64 * at(x).ln() + (60 - k) as f64 * (1.0 - at(x)).ln()).sum()
            };
            let standard = Psychometric { guess: Rate::Fixed(0.0), lapse: Rate::Fixed(0.0), ..model };
            let mut other = standard.fit(&good()).unwrap();
            (other.threshold.value, other.width.value) = (threshold, width);
            (other.guess.value, other.lapse.value) = (guess, lapse);
            let rival = likelihood(&|x| other.at(x));
            prop_assert!(fit.log_likelihood >= rival - 1e-6, "{} below {rival}", fit.log_likelihood);
        } else {
            prop_assert!(hits.iter().all(|&k| k == 0) || hits.iter().all(|&k| k == 60));
        }
    }
}
