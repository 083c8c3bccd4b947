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
    for case in reference("psychometric").into_iter().chain(reference("psychometric_of_any_kind")) {
        let rate = |name: &str| match &case[name] {
            serde_json::Value::Array(bounds) => Rate::UpTo(number(&bounds[1])),
            serde_json::Value::String(_) => Rate::Tied,
            fixed => Rate::Fixed(number(fixed)),
        };
        let curve: Curve = serde_json::from_value(case["curve"].clone()).unwrap();
        let counts =
            Counts::new("x", &numbers(&case["levels"]), &whole(&case["trials"]), &whole(&case["hits"])).unwrap();
        let model = Psychometric::default().curve(curve).guess(rate("guess")).lapse(rate("lapse"));
        let model = model.threshold(case["threshold"].as_f64()).width(case["width"].as_f64());
        let fit = model.fit(&counts).unwrap();
        assert_eq!(fit.falling, case["falling"] == true);
        assert_eq!(model.falling(fit.falling).fit(&counts).unwrap().threshold, fit.threshold);
        if let Some(share) = case["share"].as_f64() {
            for (name, ours) in [("level", fit.level_at(share).unwrap()), ("slope_there", fit.slope_at(share).unwrap())]
            {
                let theirs = numbers(&case[name]);
                close(name, ours.value, theirs[0], 1e-4);
                close("its error", ours.se.unwrap(), theirs[1], 1e-3);
            }
        }
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
fn a_plateau_of_steep_curves_does_not_hide_the_summit() {
    // Between the first two levels nothing is known, so that all steep curves there are equally likely, and a little less so than
    // a shallow one.
    let levels = [0.18, 0.98, 1.04, 1.06, 1.7, 1.73, 1.82];
    let counts =
        Counts::new("x", &levels, &[190, 87, 131, 116, 85, 132, 102], &[23, 85, 123, 114, 85, 128, 99]).unwrap();
    let model = Psychometric::default().curve(Curve::Weibull).lapse(Rate::Tied);
    let fit = model.fit(&counts).unwrap();
    assert!(fit.width.value < 3.0 && fit.width.se.is_some(), "{}", fit.table());
    let steep = model.width(5.0).fit(&counts).unwrap();
    assert!(fit.log_likelihood > steep.log_likelihood + 0.3);
    // Where there is none but the plateau, no width is surer than another.
    let counts = Counts::new("x", &[0.0, 1.0, 3.0, 4.0], &[100; 4], &[5, 5, 95, 95]).unwrap();
    let fit = Psychometric::default().fit(&counts).unwrap();
    assert!(fit.width.se.is_none_or(|se| se < 10.0) && fit.threshold.se.is_none_or(|se| se < 10.0), "{}", fit.table());
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
            let level = fit.level_at(share).unwrap().value;
            close("share", fit.at(level), share, 1e-9);
            let rise = fit.at(level + 1e-5) - fit.at(level - 1e-5);
            close("slope there", fit.slope_at(share).unwrap().value, rise / 2e-5, 1e-6);
        }
        for share in [0.0, 1.0, f64::NAN, -2.0] {
            assert!(fit.level_at(share).unwrap_err().to_string().contains("`share`"));
            assert!(fit.slope_at(share).is_err());
        }
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
    assert!(refused(Counts::of_trials("x", &[f64::INFINITY], &[Some(true)])).contains("`levels`"));
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
    assert!(refused(model.guess(Rate::UpTo(-0.1)), &good()).contains("`guess`"));
    assert!(refused(model.guess(Rate::Tied).lapse(Rate::Tied), &good()).contains("tied"));
    assert!(refused(model.guess(Rate::Tied).lapse(Rate::UpTo(0.5)), &good()).contains("guess + lapse"));
    assert!(refused(model.width(-0.1), &good()).contains("`width`"));
    assert!(refused(model.threshold(f64::INFINITY), &good()).contains("`threshold`"));
    let positive = Counts::new("x", &[0.0, 1.0, 2.0], &[9; 3], &[1, 5, 8]).unwrap();
    assert!(refused(model.curve(Curve::Weibull).threshold(0.0), &positive).contains("`threshold`"));
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
    let falling = Psychometric::default().fit(&counts([60, 60, 60, 60, 60, 0, 0, 0, 0])).unwrap();
    assert!(falling.falling && falling.width.at_bound && falling.slope.at_bound && falling.slope.value < -10.0);
    assert!(0.0 < falling.threshold.value && falling.threshold.value < 0.1);
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

#[test]
fn curves_that_fall_are_those_that_rise_seen_from_the_other_side() {
    let falling = Counts::new("delay", &[0.0, 1.0, 2.0, 3.0, 4.0], &[50; 5], &[48, 40, 25, 9, 2]).unwrap();
    let model = Psychometric::default();
    for curve in [Curve::Gaussian, Curve::Logistic, Curve::Weibull] {
        let fit = model.curve(curve).fit(&falling).unwrap();
        assert!(fit.falling && fit.width.value > 0.0 && fit.slope.value < 0.0);
        let middle = if curve == Curve::Weibull { 2.0..2.8 } else { 1.9..2.1 };
        assert!(middle.contains(&fit.threshold.value), "{curve:?}: {}", fit.threshold.value);
        assert!(fit.deviance_p().unwrap() > 0.05 && !fit.threshold.at_bound && !fit.width.at_bound);
        assert!(fit.at(0.0) > 0.9 && fit.at(4.0) < 0.1, "the guess rate is the lower end");
        fit.plot().unwrap().svg().unwrap();
        // A direction that is given holds, however badly it fits.
        let wrong = model.curve(curve).falling(false).fit(&falling).unwrap();
        assert!(!wrong.falling && wrong.log_likelihood < fit.log_likelihood - 50.0);
    }
    // Turned about 0: the same curve, with its threshold and its slope on the other side.
    let turned = Counts::new("x", &LEVELS.map(|level| -level), &[60; 9], &[3, 4, 12, 22, 31, 42, 50, 57, 58]).unwrap();
    let (rises, falls) = (model.fit(&good()).unwrap(), model.fit(&turned).unwrap());
    assert!(falls.falling && !rises.falling);
    close("threshold", falls.threshold.value, -rises.threshold.value, 1e-5);
    close("slope", falls.slope.value, -rises.slope.value, 1e-4);
    for (of_one, of_other) in [(falls.width, rises.width), (falls.guess, rises.guess), (falls.lapse, rises.lapse)] {
        close("value", of_one.value, of_other.value, 1e-4);
        close("error", of_one.se.unwrap(), of_other.se.unwrap(), 1e-4);
    }
    // The other answer is counted: the rates are exchanged.
    let misses = counts([3, 4, 12, 22, 31, 42, 50, 57, 58].map(|hits| 60 - hits));
    let other = model.fit(&misses).unwrap();
    assert!(other.falling);
    close("guess", other.guess.value, rises.lapse.value, 1e-4);
    close("lapse", other.lapse.value, rises.guess.value, 1e-4);
    close("level", other.level_at(0.25).unwrap().value, rises.level_at(0.75).unwrap().value, 1e-5);

    let bootstrap = Bootstrap::default().resamples(300).seed(3);
    let found = falls.bootstrap(Resampling::Parametric, &bootstrap).unwrap();
    assert_eq!(found.model.falling, Some(true));
    assert!(found.threshold.0 < falls.threshold.value && falls.threshold.value < found.threshold.1);
    assert!(found.slope.1 < 0.0 && found.deviance_p.unwrap() > 0.05);
    // A rising and a falling curve are two curves; two that fall alike are one.
    assert!(model.compare(&good(), &misses).unwrap().p < 1e-20);
    assert!(model.compare(&misses, &misses).unwrap().p > 0.99);
    // Without a trend neither direction is the likelier one, and the curve is a rising one.
    assert!(!model.fit(&counts([30; 9])).unwrap().falling);
}

#[test]
fn what_is_fixed_or_tied_is_no_degree_of_freedom() {
    let model = Psychometric::default();
    let all = model.fit(&good()).unwrap();
    for (simpler, free) in [
        (model.guess(Rate::Tied), 3),
        (model.lapse(Rate::Tied), 3),
        (model.threshold(0.0), 3),
        (model.width(0.2), 3),
        (model.threshold(0.0).width(0.2), 2),
        (model.guess(0.05).lapse(Rate::Tied), 2),
        (model.threshold(0.0).width(0.2).guess(Rate::Tied), 1),
        (model.threshold(0.0).width(0.2).guess(0.02).lapse(0.02), 0),
    ] {
        let fit = simpler.fit(&good()).unwrap();
        assert_eq!((fit.n_free, fit.dof), (free, 9 - free));
        assert!(fit.log_likelihood <= all.log_likelihood + 1e-9);
        assert!(all.log_likelihood - fit.log_likelihood < 3.0, "all of these fit");
        let test = all.compare(&fit).unwrap();
        assert_eq!(test.dof, 4 - free);
        close("statistic", test.statistic, fit.deviance - all.deviance, 1e-6);
        assert!(fit.compare(&all).is_err());
        let apart = simpler.compare(&good(), &good());
        assert_eq!(apart.map(|test| test.dof).unwrap_or(0), free);
        for (known, estimate) in [(simpler.threshold, fit.threshold), (simpler.width, fit.width)] {
            assert_eq!(known.is_some(), estimate.se.is_none());
            assert!(known.is_none_or(|known| known == estimate.value));
        }
        let drawn = fit.bootstrap(Resampling::NonParametric, &Bootstrap::default().resamples(20)).unwrap();
        assert_eq!(drawn.samples.nrows(), 20);
        if simpler.guess == Rate::Tied || simpler.lapse == Rate::Tied {
            assert_eq!(fit.guess, fit.lapse);
            assert_eq!(drawn.samples.column(2), drawn.samples.column(3));
        }
        if let Some(width) = simpler.width {
            assert_eq!(drawn.width, (width, width));
        }
    }
    // Only a model that is part of the other can be held against it.
    let fit = |model: Psychometric| model.fit(&good()).unwrap();
    let refused = |full: Psychometric, simple: Psychometric| {
        fit(full).compare(&fit(simple)).is_err_and(|error| error.to_string().contains("`simpler`"))
    };
    assert!(refused(model.threshold(0.0), model.guess(0.0).lapse(0.0)));
    assert!(refused(model.lapse(0.02), model.guess(Rate::Tied).width(0.2)));
    assert!(refused(model.guess(Rate::Tied), model.guess(0.02).lapse(0.03)));
    assert!(refused(model.falling(false), model.falling(true).guess(0.0)));
    assert!(!refused(model.guess(Rate::Tied), model.guess(0.02).lapse(0.02)));
    assert!(!refused(model.threshold(0.0), model.threshold(0.0).lapse(0.01)));
    assert!(all.compare(&model.fit(&counts([30; 9])).unwrap()).unwrap_err().to_string().contains("same counts"));
    // One level is enough where only one of the two is to be found, and all answers may be the same where it is not the threshold.
    let one = Counts::new("x", &[1.0], &[100], &[80]).unwrap();
    let fit = model.width(0.5).guess(0.0).lapse(0.0).falling(false).fit(&one).unwrap();
    close("threshold", fit.threshold.value, 1.0 - 0.5 * 0.841_621_233_6, 1e-6);
    let fit = model.threshold(0.0).guess(0.0).lapse(0.0).fit(&one).unwrap();
    close("width", fit.width.value, 1.0 / 0.841_621_233_6, 1e-6);
    assert_eq!((fit.threshold.value, fit.dof), (0.0, 0));
    assert!(model.threshold(0.0).fit(&counts([60; 9])).unwrap().deviance_p().unwrap() < 1e-6);
    assert!(model.threshold(1.0).fit(&one).unwrap_err().to_string().contains("`levels`"));
}

#[test]
fn levels_of_a_share_have_intervals_of_any_confidence() {
    let model = Psychometric::default().guess(Rate::UpTo(0.05)).lapse(Rate::Tied);
    for counts in [good(), counts([58, 56, 49, 40, 30, 18, 9, 4, 2])] {
        let fit = model.fit(&counts).unwrap();
        let drawn = fit.bootstrap(Resampling::Parametric, &Bootstrap::default().resamples(400).seed(1)).unwrap();
        let level = fit.level_at(0.75).unwrap();
        let mut before = 0.0;
        for (confidence, z) in [(0.68, 0.994_457_883), (0.95, 1.959_963_985), (0.99, 2.575_829_304)] {
            let (low, high) = level.interval(confidence).unwrap();
            close("half", high - level.value, z * level.se.unwrap(), 1e-8);
            close("half", level.value - low, z * level.se.unwrap(), 1e-8);
            let (from, to) = drawn.level_at(0.75, confidence).unwrap();
            assert!(from < level.value && level.value < to && to - from > before);
            assert!(((to - from) / (high - low) - 1.0).abs() < 0.25, "{} {}", to - from, high - low);
            before = to - from;
        }
        let (from, to) = drawn.slope_at(0.75, 0.95).unwrap();
        let slope = fit.slope_at(0.75).unwrap();
        assert!(from < slope.value && slope.value < to && (slope.value < 0.0) == fit.falling);
        assert!(drawn.level_at(0.75, 95.0).is_err() && drawn.level_at(1.5, 0.95).is_err());
        // Where no fit comes to a share there is no end.
        let (from, to) = drawn.level_at(0.9999, 0.95).unwrap();
        assert_eq!(
            (from, to),
            if fit.falling { (f64::NEG_INFINITY, from.max(to)) } else { (from.min(to), f64::INFINITY) }
        );
        assert!(level.interval(0.0).is_err());
        assert!(fit.table().to_string().contains("threshold"));
        let read: psychrnn::analysis::PsychometricFit =
            serde_json::from_str(&serde_json::to_string(&fit).unwrap()).unwrap();
        close("read", read.level_at(0.75).unwrap().se.unwrap(), level.se.unwrap(), 1e-9);
    }
    let steep = model.fit(&counts([0, 0, 0, 0, 60, 60, 60, 60, 60])).unwrap().level_at(0.75).unwrap();
    assert!(steep.at_bound && steep.interval(0.95).unwrap_err().to_string().contains("bootstrap"));
}

#[test]
fn trials_without_a_finite_level_are_left_out_and_counted() {
    use psychrnn::analysis::Chronometric;
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    let levels = [-inf, -1.0, 0.0, 1.0, inf, nan, 1.0, inf];
    let hits = [true, false, true, true, true, true, true, false].map(Some);
    let mut some = hits;
    (some[2], some[7]) = (None, None);
    let counts = Counts::of_trials("log odds", &levels, &some).unwrap();
    assert_eq!((counts.levels.as_slice(), counts.without_level, counts.without_answer), ([-1.0, 1.0].as_slice(), 4, 1));
    let whole = Counts::new("log odds", &levels, &[10; 8], &[1, 2, 5, 8, 9, 9, 8, 9]).unwrap();
    assert_eq!((whole.levels.as_slice(), whole.without_level), ([-1.0, 0.0, 1.0].as_slice(), 40));
    assert_eq!(whole.binned(2).unwrap().without_level, 40);
    Psychometric::default().fit(&whole).unwrap().plot().unwrap().svg().unwrap();
    whole.plot().unwrap().svg().unwrap();

    let times = [300.0, 200.0, 210.0, 250.0, 270.0, 260.0, nan, 100.0].map(Some);
    let curve = Chronometric::of_trials("log odds", &levels, &times, 0.95).unwrap();
    assert_eq!(
        (curve.levels.as_slice(), curve.means.as_slice()),
        ([-1.0, 0.0, 1.0].as_slice(), [200.0, 210.0, 250.0].as_slice())
    );
    assert_eq!((curve.without_level, curve.without_reaction), (4, 1));
    curve.plot().svg().unwrap();
    let none = Chronometric::of_trials("x", &[inf, 1.0], &[Some(1.0), None], 0.95).unwrap_err().to_string();
    assert!(none.contains("1 trials have no finite level, 1 no time"), "{none}");
}

#[test]
fn a_mirrored_curve_is_as_likely() {
    let levels = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0];
    let counts =
        |levels: &[f64]| Counts::new("x", levels, &[31, 36, 8, 27, 13, 19, 6], &[30, 34, 6, 17, 4, 4, 0]).unwrap();
    let fit = |levels: &[f64]| Psychometric::default().fit(&counts(levels)).unwrap();
    let (fit, turned) = (fit(&levels), fit(&levels.map(|level| -level)));
    assert!((turned.log_likelihood - fit.log_likelihood).abs() < 1e-6);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever the counts and whatever is fixed or tied, a fit is finite and keeps what is fixed, and a model that is part of another
    /// one is no likelier than that.
    #[test]
    fn simpler_models_are_no_likelier(
        trials in prop::array::uniform7(1_usize..40), share in prop::array::uniform7(0.0..=1.0),
        falls in prop::bool::ANY,
        curve in prop::sample::select(vec![Curve::Gaussian, Curve::Logistic, Curve::Weibull]),
        fixed in prop::array::uniform4(prop::bool::ANY), tied in prop::bool::ANY,
    ) {
        let levels = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0];
        let mut share: [f64; 7] = share;
        share.sort_by(|a, b| if falls { b.total_cmp(a) } else { a.total_cmp(b) });
        let hits: Vec<usize> = trials.iter().zip(share).map(|(&n, share)| (n as f64 * share) as usize).collect();
        let Ok(counts) = Counts::new("x", &levels, &trials, &hits) else { return Ok(()) };
        let full = Psychometric::default().curve(curve);
        // Not so wide that a threshold is sought farther from the levels than without it.
        let width = if curve == Curve::Weibull { 3.0 } else { 0.8 };
        let mut simple = full.threshold(fixed[0].then_some(1.2)).width(fixed[1].then_some(width));
        simple.guess = if fixed[2] { Rate::Fixed(0.03) } else { simple.guess };
        simple.lapse = if tied { Rate::Tied } else if fixed[3] { Rate::Fixed(0.05) } else { simple.lapse };
        let (Ok(full), Ok(simple)) = (full.fit(&counts), simple.fit(&counts)) else { return Ok(()) };
        if curve != Curve::Weibull {
            let turned = Counts::new("x", &levels.map(|level| -level), &trials, &hits).unwrap();
            let turned = Psychometric::default().curve(curve).fit(&turned).unwrap();
            prop_assert!((turned.log_likelihood - full.log_likelihood).abs() < 1e-3);
        }
        let four = |fit: &psychrnn::analysis::PsychometricFit| [fit.threshold, fit.width, fit.guess, fit.lapse, fit.slope];
        for estimate in four(&full).into_iter().chain(four(&simple)) {
            prop_assert!(estimate.value.is_finite() && estimate.se.is_none_or(|se| se > 0.0 && se.is_finite()));
        }
        prop_assert!(simple.log_likelihood <= full.log_likelihood + 1e-3, "{} {}", simple.log_likelihood, full.log_likelihood);
        prop_assert!(!fixed[0] || simple.threshold.value == 1.2);
        prop_assert!(!fixed[1] || simple.width.value == width);
        prop_assert!(!tied || simple.guess == simple.lapse);
        prop_assert_eq!(simple.slope.value < 0.0, simple.falling);
    }

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
