//! Tests of pairs, and intervals by resampling.

use proptest::prelude::*;
use psychrnn::analysis::{Alternative, Bootstrap, paired_t, wilcoxon_signed_rank};
use psychrnn::threads::with_threads;

use super::{close, number, numbers, reference};

const ALTERNATIVES: [Alternative; 3] = [Alternative::TwoSided, Alternative::Greater, Alternative::Less];

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn sd(values: &[f64]) -> f64 {
    let center = mean(values);
    (values.iter().map(|value| (value - center).powi(2)).sum::<f64>() / (values.len() - 1) as f64).sqrt()
}

#[test]
fn signed_ranks_are_scipys_and_those_of_brute_force() {
    for case in reference("wilcoxon") {
        let (first, second) = (numbers(&case["first"]), numbers(&case["second"]));
        for (alternative, p) in ALTERNATIVES.into_iter().zip(numbers(&case["p"])) {
            let test = wilcoxon_signed_rank(&first, &second, alternative).unwrap();
            assert_eq!((test.n as u64, test.w_plus), (case["n"].as_u64().unwrap(), number(&case["w_plus"])));
            assert_eq!(test.w_plus + test.w_minus, (test.n * (test.n + 1)) as f64 / 2.0);
            assert_eq!(test.exact, test.n <= 50);
            close(&format!("{alternative:?}, n {}", test.n), test.p, p, 1e-9);
        }
    }
}

#[test]
fn paired_t_is_scipys() {
    for case in reference("paired_t") {
        let (first, second) = (numbers(&case["first"]), numbers(&case["second"]));
        for (alternative, p) in ALTERNATIVES.into_iter().zip(numbers(&case["p"])) {
            let test = paired_t(&first, &second, alternative, 0.9).unwrap();
            close("t", test.t, number(&case["t"]), 1e-9);
            close("p", test.p, p, 1e-9);
            let interval = numbers(&case["interval_90"]);
            close("low", test.interval.0, interval[0], 1e-7);
            close("high", test.interval.1, interval[1], 1e-7);
        }
    }
}

#[test]
fn pairs_that_make_no_sense_are_refused_by_name() {
    let wilcoxon = |a: &[f64], b: &[f64]| wilcoxon_signed_rank(a, b, Alternative::TwoSided).unwrap_err().to_string();
    let t = |a: &[f64], b: &[f64]| paired_t(a, b, Alternative::TwoSided, 0.95).unwrap_err().to_string();
    for refused in [&wilcoxon as &dyn Fn(&[f64], &[f64]) -> String, &t] {
        assert!(refused(&[], &[]).contains("`first`"));
        assert!(refused(&[1.0, 2.0], &[1.0]).contains("`second`"));
        assert!(refused(&[1.0, f64::NAN], &[1.0, 2.0]).contains("`first`"));
        assert!(refused(&[1.0, 1.0], &[1.0, 1.0]).contains("`pairs`"));
    }
    assert!(t(&[1.0], &[2.0]).contains("`pairs`"));
    assert!(paired_t(&[1.0, 2.0], &[0.0, 3.0], Alternative::Less, 95.0).is_err());
}

#[test]
fn bootstrap_intervals_are_scipys() {
    for case in reference("bootstrap") {
        let data = numbers(&case["data"]);
        let statistic = if case["statistic"] == "mean" { mean } else { sd };
        let bootstrap = Bootstrap::default().resamples(40_000).seed(5);
        let size = number(&case["se"]);
        for (interval, name) in [
            (bootstrap.percentile(&data, statistic).unwrap(), "percentile"),
            (bootstrap.bca(&data, statistic).unwrap(), "bca"),
        ] {
            let expected = numbers(&case[name]);
            // The ends of 40,000 resamples scatter by some hundredths of a standard error.
            assert!((interval.low - expected[0]).abs() < 0.1 * size, "{name}: {interval:?} {expected:?}");
            assert!((interval.high - expected[1]).abs() < 0.1 * size, "{name}: {interval:?} {expected:?}");
            close("se", interval.se, size, 0.02);
            assert_eq!(interval.estimate, statistic(&data));
        }
    }
}

#[test]
fn the_bootstrap_repeats_for_any_number_of_threads_and_refuses_nonsense() {
    let data: Vec<(f64, f64)> = (0..20).map(|i| (f64::from(i), f64::from(i * i % 7))).collect();
    let ratio = |pairs: &[(f64, f64)]| {
        pairs.iter().map(|pair| pair.1).sum::<f64>() / (1.0 + pairs.iter().map(|pair| pair.0).sum::<f64>())
    };
    let bootstrap = Bootstrap::default().resamples(300).seed(1);
    let [one, three] = [1, 3].map(|n| with_threads(n, || bootstrap.bca(&data, ratio)).unwrap());
    assert_eq!(one, three);
    assert_ne!(one, bootstrap.clone().seed(2).bca(&data, ratio).unwrap());

    let data = [1.0, 2.0, 3.0];
    assert!(bootstrap.percentile(&data[..0], mean).unwrap_err().to_string().contains("`data`"));
    assert!(bootstrap.clone().resamples(0).percentile(&data, mean).unwrap_err().to_string().contains("`resamples`"));
    assert!(bootstrap.clone().confidence(95.0).bca(&data, mean).unwrap_err().to_string().contains("`confidence`"));
    assert!(bootstrap.percentile(&data, |_| f64::NAN).unwrap_err().to_string().contains("`statistic`"));
    let constant = bootstrap.percentile(&[2.0; 5], mean).unwrap();
    assert_eq!((constant.low, constant.high, constant.se), (2.0, 2.0, 0.0));
    assert!(bootstrap.bca(&[2.0; 5], mean).unwrap_err().to_string().contains("percentile"));
}

proptest! {
    /// To exchange the samples is to exchange the two sides; the exact and the normal probability are close.
    #[test]
    fn signed_ranks_have_two_equal_sides(pairs in prop::collection::vec((-5_i32..5, -5_i32..5), 40..70)) {
        let (first, second): (Vec<f64>, Vec<f64>) = pairs.iter().map(|&(a, b)| (f64::from(a), f64::from(b))).unzip();
        prop_assume!(first != second);
        let p = |alternative| wilcoxon_signed_rank(&first, &second, alternative).unwrap().p;
        let mirrored = |alternative| wilcoxon_signed_rank(&second, &first, alternative).unwrap().p;
        prop_assert!((p(Alternative::TwoSided) - mirrored(Alternative::TwoSided)).abs() < 1e-12);
        prop_assert!((p(Alternative::Greater) - mirrored(Alternative::Less)).abs() < 1e-12);
        prop_assert!((0.0..=1.0).contains(&p(Alternative::TwoSided)));
        let doubled: Vec<f64> = first.iter().chain(&first).copied().collect();
        let other: Vec<f64> = second.iter().chain(&second).copied().collect();
        prop_assert!(wilcoxon_signed_rank(&doubled, &other, Alternative::TwoSided).unwrap().p <= p(Alternative::TwoSided) + 0.02);
    }
}
