//! The twenty tasks of Yang et al. (2019): what is drawn, and what is refused.

use std::collections::BTreeMap;
use std::f64::consts::{PI, TAU};

use psychrnn::prelude::*;
use psychrnn::task::Sensory;
use psychrnn::tasks::{Cost, Rule, Yang, YangTrial};

/// How far two angles are apart.
fn apart(a: f64, b: f64) -> f64 {
    let apart = (a - b).rem_euclid(TAU);
    apart.min(TAU - apart)
}

/// From the first to the last of these, or one of the others.
enum Lasts {
    Between(f64, f64),
    OneOf(&'static [f64]),
}
use Lasts::{Between, OneOf};

/// The epochs of a rule as the paper's program draws them.
fn epochs(rule: Rule) -> Vec<(&'static str, Lasts)> {
    let name = rule.to_string();
    let (short, long) = (OneOf(&[200.0, 400.0, 600.0]), OneOf(&[200.0, 400.0, 800.0, 1600.0]));
    let again = || OneOf(&[200.0, 400.0, 600.0]);
    let end = Between(500.0, 500.0);
    match name.as_str() {
        "fdgo" | "fdanti" => {
            vec![("fixation", Between(300.0, 700.0)), ("stimulus1", Between(500.0, 1500.0)), ("response", end)]
        }
        "reactgo" | "reactanti" => vec![("fixation", Between(500.0, 2500.0)), ("response", end)],
        "delaygo" | "delayanti" => {
            vec![("fixation", OneOf(&[300.0, 500.0, 700.0])), ("stimulus1", short), ("delay1", long), ("response", end)]
        }
        name if name.contains("delay") => vec![
            ("fixation", short),
            ("stimulus1", again()),
            ("delay1", long),
            ("stimulus2", again()),
            ("delay2", Between(100.0, 300.0)),
            ("response", end),
        ],
        name if name.starts_with("dms") => {
            vec![("fixation", short), ("stimulus1", again()), ("delay1", long), ("response", end)]
        }
        name if name.starts_with("dmc") => {
            vec![("fixation", short), ("stimulus1", again()), ("delay1", long), ("response", again())]
        }
        _ => {
            vec![("fixation", Between(100.0, 400.0)), ("stimulus1", OneOf(&[400.0, 800.0, 1600.0])), ("response", end)]
        }
    }
}

#[test]
fn what_is_drawn_lies_in_the_ranges_of_the_paper() {
    for rule in Rule::ALL {
        // 10,000 trials in all, each drawn for itself.
        let task = Yang::rule(rule).sensory(Sensory::default()).shared_by(1).ring(8);
        let batch = task.batch(512, Seed(7)).unwrap();
        let name = rule.to_string();
        assert!(batch.values.column("rule").unwrap().iter().all(|one| one.is(name.as_str())));
        let column = |name: &str| batch.values.numbers(name).unwrap();
        let there = |name: &str| column(name).into_iter().filter(|x| !x.is_nan()).count();

        for (epoch, lasts) in epochs(rule) {
            for (trial, duration) in batch.durations(epoch).unwrap().into_iter().enumerate() {
                let duration = duration.unwrap();
                assert_eq!(duration % 20.0, 0.0, "{name}, {epoch}");
                let fits = match lasts {
                    Between(from, to) => from - 20.0 < duration && duration <= to,
                    OneOf(all) => all.contains(&duration),
                };
                assert!(fits, "{name}, {epoch}, trial {trial}: {duration} ms");
            }
            assert!(batch.epochs.iter().all(|one| one.iter().count() == epochs(rule).len()));
        }

        let (first, second) = (column("angle1"), column("angle2"));
        assert!(first.iter().all(|angle| (0.0..TAU).contains(angle)));
        let response = column("target");
        let is_compared = name.contains("dm") && !name.starts_with("dms") && !name.starts_with("dmc");
        let is_match = name.starts_with("dms") || name.starts_with("dmc");
        assert_eq!((there("modality1") == 512, there("modality2") == 512), (!is_compared, is_match), "{name}");
        assert_eq!(there("angle2") == 512, is_compared || is_match);
        if is_compared {
            check_compared(&name, &batch);
        } else if is_match {
            let by_category = name.starts_with("dmc");
            let mut responses = 0;
            for ((a, b), response) in first.iter().zip(&second).zip(&response) {
                let same = match by_category {
                    true => (*a < PI) == (*b < PI),
                    false => apart(*a, *b) < 1e-6,
                };
                if by_category {
                    let place = a / (0.2 * PI) - 0.5;
                    assert!((place - place.round()).abs() < 1e-5, "{name}: {a}");
                } else {
                    assert!(same || apart(*a, *b) > PI / 9.0 - 1e-5, "{name}: {a}, {b}");
                }
                let responds = same != name.ends_with("nogo");
                assert_eq!(responds, !response.is_nan(), "{name}");
                responses += usize::from(responds);
                assert!(!responds || apart(*response, *b) < 1e-6);
            }
            assert!((200..312).contains(&responses), "{name}: {responses}");
        } else {
            let turn = if name.ends_with("anti") { PI } else { 0.0 };
            assert!(first.iter().zip(&response).all(|(a, response)| apart(a + turn, *response) < 1e-6), "{name}");
            assert!(there("strength11") + there("strength12") == 512 && there("strength21") == 0);
        }
    }
}

/// Angles and strengths of two stimuli that are compared, and which of them is the stronger.
fn check_compared(name: &str, batch: &Batch) {
    let column = |name: &str| batch.values.numbers(name).unwrap();
    let (first, second, response) = (column("angle1"), column("angle2"), column("target"));
    let strengths = [["strength11", "strength12"], ["strength21", "strength22"]].map(|of| of.map(column));
    let coherences: &[f64] = if name.contains("delay") { &[0.08, 0.16, 0.32] } else { &[0.01, 0.02, 0.04, 0.08] };
    let shown: &[usize] = match name {
        "dm1" | "delaydm1" => &[0],
        "dm2" | "delaydm2" => &[1],
        _ => &[0, 1],
    };
    let decides = |ring: usize| name.starts_with("multi") || name.ends_with(['1', '2'][ring]);
    let mut signs = 0;
    for trial in 0..batch.n_trials() {
        let distance = apart(first[trial], second[trial]);
        assert!(distance > PI / 2.0 - 1e-6, "{name}: {distance}");
        let [one, other] = [0, 1].map(|stimulus| [0, 1].map(|ring| strengths[stimulus][ring][trial]));
        for ring in [0, 1] {
            assert_eq!(shown.contains(&ring), !one[ring].is_nan() && !other[ring].is_nan(), "{name}");
        }
        let differences: Vec<f64> = if name.starts_with("multi") {
            for stimulus in [one, other] {
                let (mean, d) = ((stimulus[0] + stimulus[1]) / 2.0, (stimulus[0] - stimulus[1]).abs());
                assert!((0.2 - 1e-5..0.8 + 1e-5).contains(&(d / mean)), "{name}: {stimulus:?}");
            }
            vec![(one[0] + one[1] - other[0] - other[1]) / 2.0]
        } else {
            for &ring in shown {
                let mean = (one[ring] + other[ring]) / 2.0;
                assert!((0.8 - 1e-5..1.2 + 1e-5).contains(&mean), "{name}: {mean}");
            }
            shown.iter().map(|&ring| one[ring] - other[ring]).collect()
        };
        for difference in differences {
            let c = difference.abs() / 2.0;
            assert!(coherences.iter().any(|coherence| (c - coherence).abs() < 1e-5), "{name}: {c}");
        }
        let sum = |stimulus: [f64; 2]| (0..2).filter(|&ring| decides(ring)).map(|ring| stimulus[ring]).sum::<f64>();
        let is_first = sum(one) > sum(other);
        signs += usize::from(is_first);
        let asked = if is_first { first[trial] } else { second[trial] };
        assert!(apart(response[trial], asked) < 1e-6, "{name}");
    }
    assert!((200..312).contains(&signs), "{name}: {signs}");
}

#[test]
fn sixty_four_trials_have_one_rule_and_one_timing() {
    let task = Yang::default().ring(3).sensory(Sensory::default());
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for block in 0..1400 {
        let one = task.trials(64 * block + 5..64 * block + 6, Seed(2)).unwrap();
        *counts.entry(one.values.column("rule").unwrap()[0].to_string()).or_default() += 1;
    }
    assert_eq!(counts.len(), 20);
    for (rule, count) in counts {
        // 250 and 50 are expected; four standard deviations.
        let expected = if rule.starts_with("contextdm") { 190..310 } else { 22..79 };
        assert!(expected.contains(&count), "{rule}: {count}");
    }
    let batch = Yang::default().batch(256, Seed(3)).unwrap();
    let mut timings = Vec::new();
    for block in 0..4 {
        let rows = 64 * block..64 * (block + 1);
        let rule = batch.values.column("rule").unwrap();
        assert!(rows.clone().all(|row| rule[row] == rule[64 * block] && batch.epochs[row] == batch.epochs[64 * block]));
        let modality = batch.values.column("modality1").unwrap();
        assert!(rows.clone().all(|row| modality[row] == modality[64 * block]));
        let angles = batch.values.numbers("angle1").unwrap();
        assert!(rows.clone().skip(1).any(|row| angles[row] != angles[64 * block]));
        timings.push(batch.epochs[64 * block].clone());
    }
    assert!(timings[1..].iter().any(|timing| *timing != timings[0]));
    let weighted = Yang::default().only(&[Rule::Dm1, Rule::FdGo]).weights(&[0.0, 2.0]).batch(200, Seed(1)).unwrap();
    assert!(weighted.values.column("rule").unwrap().iter().all(|rule| rule.is("fdgo")));
}

#[test]
fn rule_inputs_are_those_of_the_rules_or_of_an_instruction() {
    let few = [Rule::DmsGo, Rule::FdGo, Rule::FdAnti];
    let task = Yang::default().rules(&few).ring(4).sensory(Sensory::default()).shared_by(1);
    let batch = task.batch(50, Seed(1)).unwrap();
    assert_eq!(batch.spec.n_in, 1 + 8 + 3);
    for (trial, rule) in batch.values.column("rule").unwrap().iter().enumerate() {
        let place = few.iter().position(|one| rule.is(one.to_string())).unwrap();
        for step in 0..batch.lengths[trial] {
            let inputs = [0, 1, 2].map(|k| batch.inputs[[trial, step, 9 + k]]);
            assert_eq!(inputs, [0, 1, 2].map(|k| f32::from(u8::from(k == place))));
        }
    }
    let instructed = task.instructed(&[(Rule::FdAnti, -1.0), (Rule::DmsGo, 0.5)]).batch(5, Seed(1)).unwrap();
    assert_eq!([0, 1, 2].map(|k| instructed.inputs[[0, 3, 9 + k]]), [0.5, 0.0, -1.0]);
    // The response that is asked for stays that of the rule.
    assert_eq!(
        instructed.targets.slice(ndarray::s![0, .., ..]),
        batch.select(&[0, 1, 2, 3, 4]).targets.slice(ndarray::s![0, ..instructed.n_steps(), ..])
    );
}

#[test]
fn easy_trials_differ_more() {
    let differences = |rule: Rule, easy: bool| -> Vec<f64> {
        let batch = Yang::rule(rule).easy(easy).ring(4).shared_by(1).batch(100, Seed(1)).unwrap();
        let (a, b) = (batch.values.numbers("strength11").unwrap(), batch.values.numbers("strength21").unwrap());
        a.iter().zip(b).map(|(a, b)| a - b).collect()
    };
    for (rule, times) in [(Rule::Dm1, 10.0), (Rule::ContextDm2, 10.0), (Rule::DelayDm1, 2.0)] {
        let (hard, easy) = (differences(rule, false), differences(rule, true));
        assert!(hard.iter().zip(easy).all(|(hard, easy)| (easy / hard - times).abs() < 1e-3), "{rule}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let go = || YangTrial { modality1: Some(1), ..YangTrial::new(Rule::FdGo) };
    let task = Yang::default();
    for (trial, name) in [
        (YangTrial::new(Rule::FdGo), "`modality1`"),
        (YangTrial { modality1: Some(3), ..go() }, "`modality1`"),
        (YangTrial { angle1: f32::NAN, ..go() }, "`angle1`"),
        (YangTrial::new(Rule::Dm1), "`angle2`"),
        (YangTrial { angle2: Some(1.0), strength11: Some(1.0), ..YangTrial::new(Rule::Dm1) }, "`strength21`"),
        (YangTrial { modality1: Some(1), modality2: Some(1), ..YangTrial::new(Rule::DmsGo) }, "`angle2`"),
    ] {
        let error = task.of(&[trial], Seed(1)).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
    let mut late = go();
    late.timing.stimulus1 = f32::INFINITY;
    assert!(task.of(&[late], Seed(1)).unwrap_err().to_string().contains("stimulus1"));
    let few = || Yang::default().rules(&[Rule::FdGo]);
    assert!(few().of(&[YangTrial { modality1: Some(1), ..YangTrial::new(Rule::FdAnti) }], Seed(1)).is_err());
    for (task, name) in [
        (Yang::default().rules(&[]), "`rules`"),
        (Yang::default().rules(&[Rule::FdGo, Rule::FdGo]), "twice"),
        (few().only(&[Rule::Dm1]), "`only`"),
        (few().weights(&[1.0, 2.0]), "`weights`"),
        (few().weights(&[0.0]), "`weights`"),
        (few().instructed(&[(Rule::Dm1, 1.0)]), "`instruction`"),
        (few().instructed(&[(Rule::FdGo, f32::NAN)]), "`instruction`"),
        (few().ring(2), "three outputs"),
        (few().shared_by(0), "`shared_by`"),
        (few().cost(Cost { after: -1.0, ..Cost::default() }), "`after`"),
    ] {
        let error = task.batch(1, Seed(1)).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
    assert!("delay".parse::<Rule>().unwrap_err().to_string().contains("delaygo"));
}
