//! What choices owe to the trials before them, of observers whose rules are known.

use psychrnn::analysis::{
    Alternative, ChoiceHistory, HistoryKernels, HistoryWeights, SerialDependence, about_switches,
};
use psychrnn::prelude::*;

use super::close;
use super::figures::drawn;

/// A table of trials of an observer who chooses right with log odds `odds(stimulus, choices so far, correct so far)`.
fn observer(n: usize, odds: impl Fn(f64, &[f64], &[bool]) -> f64) -> Table {
    let mut rng = Seed(1).stream(0);
    let (mut stimuli, mut choices, mut correct) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..n {
        let stimulus = rng.choice(&[-1.0_f64, -0.3, 0.3, 1.0]);
        let p = 1.0 / (1.0 + (-odds(stimulus, &choices, &correct)).exp());
        let choice = if rng.chance(p as f32) { 1.0 } else { -1.0 };
        stimuli.push(stimulus);
        correct.push(choice * stimulus > 0.0);
        choices.push(choice);
    }
    let mut table = Table::new();
    table.insert("trial", 0..n as u64).unwrap();
    table.insert("stimulus", stimuli).unwrap();
    table.insert("choice", choices.iter().map(|&choice| u64::from(choice > 0.0))).unwrap();
    table.insert("correct", correct).unwrap();
    table
}

fn last<T: Copy>(all: &[T], k: usize) -> Option<T> {
    all.len().checked_sub(k).map(|at| all[at])
}

/// An observer who goes on with a transition after correct choices, and leans to the side of its last choice after errors.
fn biased(n: usize) -> Table {
    observer(n, |stimulus, choices, correct| {
        let mut odds = 0.2 + 1.5 * stimulus;
        if let (Some(one), Some(two), Some(right), Some(before)) =
            (last(choices, 1), last(choices, 2), last(correct, 1), last(correct, 2))
        {
            odds += match (before, right) {
                (true, true) => 0.8 * one * one * two,
                (_, false) => 0.5 * one,
                _ => 0.0,
            };
        }
        odds
    })
}

fn check(weights: &HistoryWeights, expected: impl Fn(&str, usize) -> f64) {
    for one in &weights.weights {
        let lag = one.lag.unwrap_or(0);
        if one.weight.is_nan() {
            continue;
        }
        let expected = expected(&one.regressor, lag);
        assert!((one.weight - expected).abs() < 4.0 * one.se, "{} {lag}: {} ± {}", one.regressor, one.weight, one.se);
        assert!(one.se < 0.5, "{} {lag}: {}", one.regressor, one.se);
    }
}

#[test]
fn kernels_are_those_of_the_observer() {
    let history = ChoiceHistory::of(&biased(40_000)).unwrap();
    let expected = |regressor: &str, lag: usize| match (regressor, lag) {
        ("bias", _) => 0.2,
        ("stimulus", _) => 1.5,
        ("choice-", 1) => 0.5,
        ("transition++", 1) => 0.8,
        _ => 0.0,
    };
    let all = HistoryKernels::default().lags(3).of(&history, "stimulus").unwrap();
    assert_eq!((all.n_trials, all.weights.len()), (40_000, 2 + 6 * 3 - 2));
    assert!(all.weight("choice+", 2).is_err(), "it is what transitions at lag 1 speak for");
    check(&all, expected);
    assert!(all.weight("transition++", 1).unwrap().p < 1e-6 && all.weight("stimulus", 0).unwrap().p < 1e-6);
    // For themselves: what is never there has no weight.
    let after = |correct: bool| HistoryKernels::default().lags(2).after(correct).of(&history, "stimulus").unwrap();
    let (right, wrong) = (after(true), after(false));
    check(&right, expected);
    check(&wrong, expected);
    assert_eq!(right.n_trials + wrong.n_trials, 39_999);
    assert!(right.weight("choice-", 1).unwrap().weight.is_nan() && wrong.weight("choice+", 1).unwrap().weight.is_nan());
    assert!(wrong.weight("transition++", 1).unwrap().p.is_nan());
    drawn("history_kernels", &all.plot().unwrap());
    assert_eq!(all.table().n_rows(), 18);
    assert!(all.weight("choice*", 1).unwrap_err().to_string().contains("transition++"));
}

#[test]
fn a_fit_is_the_maximum_of_its_posterior() {
    let table = biased(300);
    let history = ChoiceHistory::of(&table).unwrap();
    let ridge = 0.7;
    let fit = HistoryKernels::default().lags(1).transitions(false).ridge(ridge).of(&history, "stimulus").unwrap();
    let of = |name: &str, lag| fit.weight(name, lag).unwrap().weight;
    let at = [of("bias", 0), of("stimulus", 0), of("choice+", 1), of("choice-", 1)];
    let column = |name: &str| table.numbers(name).unwrap();
    let (stimuli, choices, correct) = (column("stimulus"), column("choice"), column("correct"));
    // The formula once more.
    let posterior = |w: [f64; 4]| {
        let mut log = -0.5 * ridge * w[1..].iter().map(|w| w * w).sum::<f64>();
        for t in 0..300 {
            let before = |right: f64| if t > 0 && correct[t - 1] == right { 2.0 * choices[t - 1] - 1.0 } else { 0.0 };
            let z = w[0] + w[1] * stimuli[t] + w[2] * before(1.0) + w[3] * before(0.0);
            log -= (1.0 + (if choices[t] == 1.0 { -z } else { z }).exp()).ln();
        }
        log
    };
    let prior = 0.5 * ridge * at[1..].iter().map(|w| w * w).sum::<f64>();
    close("log likelihood", fit.log_likelihood, posterior(at) + prior, 1e-9);
    for place in 0..4 {
        let moved = |by: f64| {
            let mut moved = at;
            moved[place] += by;
            posterior(moved)
        };
        assert!((moved(1e-4) - moved(-1e-4)).abs() / 2e-4 < 1e-5, "{place}");
    }
}

#[test]
fn repetitions_are_counted_by_evidence_outcome_and_history() {
    let mut table = Table::new();
    table.insert("choice", [1, 1, 0, 0, 0, 1, 1, 1]).unwrap();
    table.insert("correct", [true, false, true, true, true, true, true, false]).unwrap();
    table.insert("signed", [0.5, -0.5, -0.5, -0.5, -0.5, 0.5, 0.5, -0.5]).unwrap();
    let history = ChoiceHistory::of(&table).unwrap();
    let (yes, no) = (Some(true), Some(false));
    assert_eq!(history.repetitions(), [None, yes, no, yes, yes, no, yes, yes]);
    assert_eq!(history.share_of_repetitions(None), 5.0 / 7.0);
    assert_eq!((history.share_of_repetitions(true), history.share_of_repetitions(false)), (5.0 / 6.0, 0.0));
    let after = history.repeats_by("signed", true).unwrap();
    // Evidence for repeating: that of trials 1, 3, 4, 5, 6, 7 with the sign of the choice before.
    assert_eq!((after.levels, after.trials, after.hits), (vec![-0.5, 0.5], vec![3, 3], vec![2, 3]));
    let all = history.repeats_after(1).unwrap();
    assert_eq!(all.column("history").unwrap(), ["R".into(), Value::from("A")]);
    assert_eq!((all.numbers("n").unwrap(), all.numbers("repeats").unwrap()), (vec![4.0, 2.0], vec![2.0, 2.0]));
    assert_eq!(history.repeats_after(2).unwrap().column("history").unwrap()[1], "RA".into());
    assert_eq!(history.repeats_after(0).unwrap().numbers("share").unwrap(), [5.0 / 7.0]);
    assert!(history.repeats_after(7).is_err() && history.repeats_after(99).is_err());

    // No transition leads from one session to another, or over a gap.
    table.insert("session", [0, 0, 0, 0, 1, 1, 1, 1]).unwrap();
    assert_eq!(ChoiceHistory::of(&table).unwrap().repetitions()[4], None);
    table.insert("trial", [0, 1, 2, 5, 6, 7, 8, 9]).unwrap();
    assert_eq!(ChoiceHistory::of(&table).unwrap().repetitions()[3..5], [None, None]);

    // An observer who repeats is told from one who does not by the threshold of the curve.
    let repeating = observer(20_000, |stimulus, choices, _| 2.0 * stimulus + 0.8 * last(choices, 1).unwrap_or(0.0));
    let counts = ChoiceHistory::of(&repeating).unwrap().repeats_by("stimulus", None).unwrap();
    let fit = Psychometric::default().curve(Curve::Logistic).guess(0.0).lapse(0.0).fit(&counts).unwrap();
    close("threshold", fit.threshold.value, -0.4, 0.05);
}

#[test]
fn choices_that_make_no_sense_are_refused() {
    let table = |choices: &[Option<u64>]| {
        let mut table = Table::new();
        table.insert("choice", choices.iter().copied()).unwrap();
        table.insert("correct", choices.iter().map(|_| true)).unwrap();
        table.insert("s", choices.iter().map(|_| 1.0)).unwrap();
        table
    };
    let refused = |choices: &[Option<u64>]| ChoiceHistory::of(&table(choices)).unwrap_err().to_string();
    assert!(refused(&[Some(0), Some(1), Some(2)]).contains("3 alternatives"));
    assert!(refused(&[None]).contains("0 alternatives") && refused(&[]).contains("0 alternatives"));
    let one = ChoiceHistory::of(&table(&[Some(1), None, Some(1), Some(1)])).unwrap();
    assert_eq!(one.repetitions(), [None, None, None, Some(true)]);
    assert!(HistoryKernels::default().of(&one, "s").unwrap_err().to_string().contains("each of the two"));
    assert!(one.repeats_by("t", None).is_err() && one.repeats_by("s", false).is_err());
    assert!(HistoryKernels::default().ridge(0.0).of(&one, "s").unwrap_err().to_string().contains("ridge"));
}

#[test]
fn averages_are_aligned_to_the_beginnings_of_blocks() {
    let mut table = Table::new();
    table.insert("session", [0, 0, 0, 0, 0, 1, 1, 1]).unwrap();
    table.insert("block", [0, 0, 1, 1, 2, 0, 0, 1]).unwrap();
    table.insert("block_kind", [0, 0, 1, 1, 0, 1, 1, 0]).unwrap();
    table.insert("x", [Some(1.0), Some(2.0), Some(3.0), None, Some(5.0), Some(6.0), Some(7.0), Some(9.0)]).unwrap();
    let about = about_switches(&table, "x", -2..1).unwrap();
    assert_eq!(about.numbers("block_kind").unwrap(), [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
    assert_eq!(about.numbers("trial").unwrap(), [-2.0, -1.0, 0.0, -2.0, -1.0, 0.0]);
    // Block 2 of the first session and block 1 of the second are of kind 0.
    assert_eq!(about.numbers("n").unwrap(), [2.0, 1.0, 2.0, 1.0, 1.0, 1.0]);
    assert_eq!(about.numbers("mean").unwrap(), [4.5, 7.0, 7.0, 1.0, 2.0, 3.0]);
    assert_eq!(about.numbers("se").unwrap()[0], 1.5);
    assert!(about.numbers("se").unwrap()[1].is_nan());
    assert!(about_switches(&table, "x", 1..1).is_err() && about_switches(&table, "y", 0..1).is_err());
    assert!(about_switches(&table.select(&[0, 1]), "x", 0..1).unwrap_err().to_string().contains("begins"));
}

/// Angles in degrees, and responses that are drawn by `pull` degrees at most, to the one before.
fn responses(n: usize, pull: f64, noise: f32) -> Table {
    let mut rng = Seed(2).stream(0);
    let stimuli: Vec<f64> = (0..n).map(|_| f64::from(rng.uniform(0.0, 360.0))).collect();
    let c = std::f64::consts::SQRT_2 * 0.5_f64.exp();
    let respond = |trial: usize, noise: f64| {
        let x = if trial > 0 { (stimuli[trial - 1] - stimuli[trial] + 540.0) % 360.0 - 180.0 } else { 0.0 };
        let w = 0.02;
        (stimuli[trial] + x * pull * w * c * (-(w * x).powi(2)).exp() + noise + 360.0) % 360.0
    };
    let noises: Vec<f64> = (0..n).map(|_| f64::from(rng.normal(0.0, noise))).collect();
    let mut table = Table::new();
    table.insert("response", (0..n).map(|trial| respond(trial, noises[trial]))).unwrap();
    table.insert("angle", stimuli).unwrap();
    table
}

#[test]
fn attraction_and_repulsion_are_found_and_chance_is_not() {
    let dependence = SerialDependence::default().period(360.0).resamples(300);
    let of = |pull: f64, noise: f32| dependence.of(&responses(2000, pull, noise), "angle", "response").unwrap();
    let clear = of(3.0, 0.0);
    close("amplitude", clear.amplitude, 3.0, 0.02);
    close("peak", clear.peak_at, 1.0 / (2.0_f64.sqrt() * 0.02), 0.2);
    assert!(clear.r_squared > 0.999 && clear.test.p < 0.01);
    close("curve", clear.at(clear.peak_at), clear.amplitude, 1e-9);
    let noisy = of(2.0, 5.0);
    assert!((noisy.amplitude - 2.0).abs() < 0.7 && noisy.test.p < 0.01, "{noisy:?}");
    let away = of(-2.0, 5.0);
    assert!(away.amplitude < -1.3 && away.test.p < 0.01);
    let none = of(0.0, 5.0);
    assert!(none.test.p > 0.05, "{}", none.test.p);
    assert_eq!(noisy.trials.iter().sum::<usize>(), 1999);
    drawn("serial_dependence", &noisy.plot());
    // The same numbers for any number of threads.
    let again = psychrnn::threads::with_threads(3, || of(2.0, 5.0));
    assert_eq!(again, noisy);

    for (differences, errors) in
        [(vec![1.0; 9], vec![1.0; 9]), (vec![0.0; 20], vec![1.0; 20]), (vec![f64::NAN; 20], vec![1.0; 20])]
    {
        assert!(dependence.fit(&differences, &errors).is_err());
    }
    assert!(dependence.fit(&[1.0; 20], &[1.0; 19]).is_err());
    assert!(dependence.bins(0).fit(&[1.0; 20], &[1.0; 20]).is_err());
    assert!(dependence.period(-1.0).fit(&[1.0; 20], &[1.0; 20]).is_err());
    assert!(dependence.of(&responses(20, 1.0, 1.0), "angle", "answer").is_err());
    // Errors of no size are drawn nowhere.
    let flat = dependence.fit(&(0..20).map(f64::from).collect::<Vec<_>>(), &[0.0; 20]).unwrap();
    assert!(flat.amplitude == 0.0 && flat.test.p == 1.0 && flat.r_squared.is_nan());
}

#[test]
fn an_association_is_tested_by_all_orders_where_there_are_few() {
    let product = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum();
    let test =
        Permutation::default().association(&[1.0, 2.0, 3.0, 4.0], &[1.0, 2.0, 4.0, 3.0], Alternative::Greater, product);
    let test = test.unwrap();
    // Of 24 orders only the sorted one has a larger sum, 30, and three have 29.
    assert!(test.exact && test.exchanges == 24);
    close("p", test.p, 4.0 / 24.0, 1e-12);
    let x: Vec<f64> = (0..200).map(f64::from).collect();
    let mut rng = Seed(3).stream(0);
    let y: Vec<f64> = x.iter().map(|x| 0.01 * x + f64::from(rng.normal(0.0, 1.0))).collect();
    let test = Permutation::default().resamples(999).association(&x, &y, Alternative::TwoSided, product).unwrap();
    assert!(!test.exact && test.p < 0.01);
    assert!(Permutation::default().association(&x, &y[1..], Alternative::TwoSided, product).is_err());
}
