//! Tests of pairs and of independent samples, corrections for many tests, and intervals by resampling.

use proptest::prelude::*;
use psychrnn::analysis::{
    Alternative, Bootstrap, Correction, Permutation, benjamini_hochberg, holm, mann_whitney, mcnemar, paired_t,
    welch_t, wilcoxon_signed_rank,
};
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

#[test]
fn rank_sums_are_scipys() {
    for case in reference("mann_whitney") {
        let (first, second) = (numbers(&case["first"]), numbers(&case["second"]));
        for (alternative, p) in ALTERNATIVES.into_iter().zip(numbers(&case["p"])) {
            let test = mann_whitney(&first, &second, alternative).unwrap();
            assert_eq!((test.u_first, test.exact), (number(&case["u"]), case["exact"] == true));
            assert_eq!(test.u_first + test.u_second, (first.len() * second.len()) as f64);
            close(&format!("{alternative:?}"), test.p, p, 1e-9);
            let larger: f64 = first
                .iter()
                .flat_map(|a| second.iter().map(move |b| (a, b)))
                .map(|(a, b)| {
                    if a > b {
                        1.0
                    } else if a == b {
                        0.5
                    } else {
                        0.0
                    }
                })
                .sum();
            close("size", test.superiority, larger / (first.len() * second.len()) as f64, 1e-12);
        }
    }
}

#[test]
fn welch_t_is_scipys() {
    for case in reference("welch_t") {
        let (first, second) = (numbers(&case["first"]), numbers(&case["second"]));
        for (alternative, p) in ALTERNATIVES.into_iter().zip(numbers(&case["p"])) {
            let test = welch_t(&first, &second, alternative, 0.9).unwrap();
            close("t", test.t, number(&case["t"]), 1e-9);
            close("dof", test.dof, number(&case["dof"]), 1e-9);
            close("p", test.p, p, 1e-9);
            let interval = numbers(&case["interval_90"]);
            close("low", test.interval.0, interval[0], 1e-7);
            close("high", test.interval.1, interval[1], 1e-7);
        }
    }
}

#[test]
fn mcnemar_is_exact() {
    for case in reference("mcnemar") {
        let n = |name: &str| case[name].as_u64().unwrap() as usize;
        let of = |a: usize, b: usize| [vec![true; a], vec![false; b], vec![true; 5], vec![false; 7]].concat();
        let (first, second) = (
            of(n("only_first"), n("only_second")),
            [vec![false; n("only_first")], vec![true; n("only_second")], vec![true; 5], vec![false; 7]].concat(),
        );
        for (alternative, p) in ALTERNATIVES.into_iter().zip(numbers(&case["p"])) {
            let test = mcnemar(&first, &second, alternative).unwrap();
            assert_eq!((test.n, test.only_first, test.only_second), (first.len(), n("only_first"), n("only_second")));
            close(&format!("{alternative:?}"), test.p / p, 1.0, 1e-8);
        }
    }
    let alike = mcnemar(&[true, false], &[true, false], Alternative::TwoSided).unwrap();
    assert_eq!((alike.only_first, alike.only_second, alike.p), (0, 0, 1.0));
    assert!(mcnemar(&[], &[], Alternative::Less).unwrap_err().to_string().contains("`first`"));
    assert!(mcnemar(&[true], &[], Alternative::Less).unwrap_err().to_string().contains("`second`"));
}

#[test]
fn corrections_are_those_of_statsmodels() {
    for case in reference("corrected") {
        let p = numbers(&case["p"]);
        for (ours, theirs) in holm(&p).unwrap().iter().zip(numbers(&case["holm"])) {
            close("Holm", *ours, theirs, 1e-12);
        }
        for (ours, theirs) in benjamini_hochberg(&p).unwrap().iter().zip(numbers(&case["benjamini_hochberg"])) {
            close("Benjamini-Hochberg", *ours, theirs, 1e-12);
        }
        assert_eq!(Correction::default().of(&p).unwrap(), holm(&p).unwrap());
    }
    assert!(holm(&[]).unwrap().is_empty());
    for wrong in [f64::NAN, -0.1, 1.5] {
        assert!(holm(&[0.1, wrong]).unwrap_err().to_string().contains("`p[1]`"));
        assert!(benjamini_hochberg(&[wrong]).is_err());
    }
}

#[test]
fn all_exchanges_are_scipys_and_those_that_are_drawn_are_close() {
    for case in reference("permutation") {
        let (first, second) = (numbers(&case["first"]), numbers(&case["second"]));
        let of = |a: &[f64], b: &[f64]| mean(a) - mean(b);
        for (alternative, p) in ALTERNATIVES.into_iter().zip(numbers(&case["p"])) {
            let test = |resamples: usize, seed: u64| {
                let permutation = Permutation::default().resamples(resamples).seed(seed);
                match case["kind"] == "samples" {
                    true => permutation.paired(&first, &second, alternative, of).unwrap(),
                    false => permutation.means(&first, &second, alternative).unwrap(),
                }
            };
            let exact = test(9999, 0);
            close(&format!("{alternative:?}"), exact.p, p, 1e-12);
            assert!(exact.exact && exact.exchanges < 9999 && exact.statistic == of(&first, &second));
            let n = exact.exchanges - 1;
            let drawn: Vec<f64> = (0..60)
                .map(|seed| {
                    let drawn = test(n, seed);
                    assert!(!drawn.exact && drawn.exchanges == n);
                    drawn.p
                })
                .collect();
            if alternative != Alternative::TwoSided {
                let expected = (p * n as f64 + 1.0) / (n + 1) as f64;
                assert!((mean(&drawn) - expected).abs() < 0.03, "{} {expected}", mean(&drawn));
            }
        }
    }
    let (first, second): (Vec<f64>, Vec<f64>) =
        ((0..30).map(|i| f64::from(i * 7 % 13)).collect(), (0..40).map(|i| f64::from(i * 5 % 17)).collect());
    let permutation = Permutation::default().resamples(2000);
    let [one, three] =
        [1, 3].map(|n| with_threads(n, || permutation.means(&first, &second, Alternative::TwoSided)).unwrap());
    assert_eq!(one, three);
    let ranks = mann_whitney(&first, &second, Alternative::TwoSided).unwrap();
    assert!((one.p - ranks.p).abs() < 0.05, "{} {}", one.p, ranks.p);
    // One against many is one exchange for each.
    let lone = permutation.means(&[1e3], &(0..1500).map(f64::from).collect::<Vec<_>>(), Alternative::Greater).unwrap();
    assert!(lone.exact && lone.exchanges == 1501, "{lone:?}");
    close("p", lone.p, 501.0 / 1501.0, 1e-12);
}

#[test]
fn samples_that_make_no_sense_are_refused_by_name() {
    let u = |a: &[f64], b: &[f64]| mann_whitney(a, b, Alternative::TwoSided).unwrap_err().to_string();
    let t = |a: &[f64], b: &[f64]| welch_t(a, b, Alternative::TwoSided, 0.95).unwrap_err().to_string();
    let means = |a: &[f64], b: &[f64]| Permutation::default().means(a, b, Alternative::Less).unwrap_err().to_string();
    for refused in [&u as &dyn Fn(&[f64], &[f64]) -> String, &t, &means] {
        assert!(refused(&[], &[1.0, 2.0]).contains("`first`"));
        assert!(refused(&[1.0, 2.0], &[]).contains("`second`"));
        assert!(refused(&[1.0, f64::NAN], &[1.0, 2.0]).contains("`first`"));
        assert!(refused(&[1.0, 2.0], &[f64::INFINITY, 2.0]).contains("`second`"));
    }
    assert!(t(&[1.0], &[1.0, 2.0]).contains("`first`") && t(&[1.0, 1.0], &[2.0, 2.0]).contains("vary"));
    assert!(u(&[1.0, 1.0], &[1.0]).contains("differ"));
    // What differs by rounding alone does not vary, however it was computed.
    assert!(t(&[0.1; 3], &[0.3; 3]).contains("vary") && t(&[0.3, 0.1 + 0.2], &[0.7; 7]).contains("vary"));
    let paired = paired_t(&[1.1, 2.1, 3.1], &[1.0, 2.0, 3.0], Alternative::TwoSided, 0.95);
    assert!(paired.unwrap_err().to_string().contains("vary"));
    let none = Permutation::default().resamples(0).means(&[1.0], &[2.0], Alternative::Less);
    assert!(none.unwrap_err().to_string().contains("`resamples`"));
    let pairs = Permutation::default().paired(&[1.0], &[2.0, 3.0], Alternative::Less, |_, _| 0.0);
    assert!(pairs.unwrap_err().to_string().contains("`second`"));
    let nan = Permutation::default().unpaired(&[1.0], &[2.0], Alternative::Less, |_, _| f64::NAN);
    assert!(nan.unwrap_err().to_string().contains("`statistic`"));
}

#[test]
fn t_tests_hold_for_numbers_of_any_size() {
    let (first, second) = ([1.0, 2.0, 1.5, 1.75], [3.0, 4.0, 3.25, 2.5]);
    let tests = |scale: f64| {
        let [first, second] = [first, second].map(|sample| sample.map(|x| x * scale));
        let welch = welch_t(&first, &second, Alternative::Less, 0.9).unwrap();
        let paired = paired_t(&first, &second, Alternative::Less, 0.9).unwrap();
        [(welch.t, welch.p, welch.difference, welch.interval), (paired.t, paired.p, paired.difference, paired.interval)]
    };
    for scale in [1000_f64.exp2(), (-1000_f64).exp2()] {
        for (one, other) in tests(1.0).into_iter().zip(tests(scale)) {
            assert_eq!((one.0, one.1, one.2 * scale), (other.0, other.1, other.2));
            assert_eq!((one.3.0 * scale, one.3.1 * scale), other.3);
        }
    }
    let (high, low) = ([1e308, 1.7e308], [-1.7e308, -1.2e308]);
    assert!(welch_t(&high, &low, Alternative::Greater, 0.95).unwrap().p < 0.05);
    assert!(paired_t(&high, &low, Alternative::Greater, 0.95).is_ok_and(|test| test.p < 0.2));
}

proptest! {
    /// To exchange the samples is to exchange the two sides.
    #[test]
    fn rank_sums_have_two_equal_sides(
        first in prop::collection::vec(-20_i32..20, 1..12), second in prop::collection::vec(-20_i32..20, 1..12),
    ) {
        let [first, second] = [first, second].map(|sample| sample.into_iter().map(f64::from).collect::<Vec<_>>());
        prop_assume!(first.iter().chain(&second).any(|&x| x != first[0]));
        let p = |alternative| mann_whitney(&first, &second, alternative).unwrap().p;
        let mirrored = |alternative| mann_whitney(&second, &first, alternative).unwrap().p;
        prop_assert!((p(Alternative::TwoSided) - mirrored(Alternative::TwoSided)).abs() < 1e-9);
        prop_assert!((p(Alternative::Greater) - mirrored(Alternative::Less)).abs() < 1e-9);
        prop_assert!((0.0..=1.0).contains(&p(Alternative::TwoSided)));
    }

    /// No corrected probability is below what it was, Holm's none below that of Benjamini and Hochberg, and all keep their order.
    #[test]
    fn corrections_keep_the_order(p in prop::collection::vec(0.0..=1.0, 1..30)) {
        let (strict, mild) = (holm(&p).unwrap(), benjamini_hochberg(&p).unwrap());
        for i in 0..p.len() {
            prop_assert!(p[i] <= mild[i] && mild[i] <= strict[i] + 1e-12 && strict[i] <= 1.0);
            for j in 0..p.len() {
                prop_assert!(p[i] > p[j] || (strict[i] <= strict[j] && mild[i] <= mild[j]));
            }
        }
    }

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
