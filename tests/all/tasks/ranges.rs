//! Many trials of each task of the catalog inside the ranges that its documentation states.

use std::collections::BTreeSet;
use std::f64::consts::TAU;

use psychrnn::prelude::*;
use psychrnn::tasks::catalog;

/// How many trials, and how many at a time.
const MANY: u64 = 10_000;
const AT_ONCE: u64 = 500;

/// What the columns of tasks hold: values, all of which come up, or `low..high`; `?` where a trial may have none. `p` is π, and `8/p` are
/// eight directions from 0 on. Those of `yang_` are of each rule that begins so; what stands first counts.
const STATED: &str = "
perceptual_discrimination: coherence 0.1 0.3 0.5 0.7; direction 0 1
delayed_discrimination parametric_comparison: f1 10 14 18 22 26 30 34; f2 10 14 18 22 26 30 34; higher 0 1
parametric_comparison_pyrl: f1 10 14 18 22 26 30 34; f2 10 14 18 22 26 30 34; higher 0 1
parametric_working_memory: f1 10 14 18 22 26 30 34 ?; f2 10 14 18 22 26 30 34 ?; catch false true
match_to_category: angle 0..2p; category 0 1
random_dots random_dots_variable_duration: coherence 0.032 0.064 0.128 0.256 0.512 ?; direction 0 1 ?; catch false true
random_dots_reaction_time: coherence 0.032 0.064 0.128 0.256 0.512 ?; direction 0 1 ?; catch false true
context_integration: context motion color ?; motion_coherence 0.05 0.15 0.5 ?; motion_direction 0 1 ?; color_coherence 0.05 0.15 0.5 ?; \
    color_direction 0 1 ?; catch false true
multisensory_integration: modality visual auditory multisensory ?; rate 9 10 11 12 13 14 15 16 ?; catch false true
rate_decision_pyrl: modality visual auditory multisensory; rate 9 10 11 12 13 14 15 16; high false true
sequence_execution: sequence 1 2 3 4 5 6 7 8
sine_wave:
flip_flop: flips 3..192
interval_reproduction interval_reproduction_step: prior 0 1; sample 480 560 640 720 800 900 1000 1100 1200; gain 1; \
    interval 480 560 640 720 800 900 1000 1100 1200
interval_production interval_production_step: interval 800 1500
synchronization synchronization_step: interval 600 700 800 900 1000
interval_comparison: first 300 360 420 480 540 600; second 300 360 420 480 540 600; longer 0 1
stop_signal: side 0 1; delay 50 100 150 200 250 300 350 ?
multi_choice: coherence 0 0.064 0.128 0.256 0.512; direction 0 1 2 3
multi_choice_delayed multi_choice_pyrl: coherence 0 0.064 0.128 0.256 0.512; direction 0 1
multi_choice_pyrl_reaction_time: coherence 0 0.032 0.064 0.128 0.256 0.512; direction 0 1
pulse_accumulation: log_ratio -2 -1 -0.5 -0.1 0.1 0.5 1 2; duration 500..1000; n_left 0..100; n_right 0..100; difference -100..100; side 0 1
pulse_accumulation_binned: log_ratio -0.84729785 0.84729785; duration 1500; n_left 0 1 2 3 4 5 6; n_right 0 1 2 3 4 5 6; \
    difference -6 -5 -4 -3 -2 -1 1 2 3 4 5 6; side 0 1
economic_choice economic_choice_pyrl: n_a 0 1 2 3; n_b 0 1 2 3 4 6; side_of_a 0 1; better 0 1; \
    log_ratio -1.0986123 -0.6931472 0 0.6931472 1.0986123 1.3862944 1.7917595 ?
post_decision_wager post_decision_wager_pyrl: coherence 0 0.032 0.064 0.128 0.256 0.512; direction 0 1; stimulus 100..900; \
    delay 1200..1800; sure 500..750 ?
probabilistic_reasoning: log_odds -40..40; side 0 1; sequence *
weather_prediction: log_odds -1.7917595 -1.3862944 -0.9808292 -0.4054651 0 0.4054651 0.9808292 1.3862944 1.7917595; weather 0 1; pattern *
hierarchical_reasoning: rule 0 1; side 0 1; interval 530 610 690 770 850 930 1010 1090 1170; long false true; choice_side 0 1; \
    session 0..99; block 0..10; block_kind 0 1; trial_in_block 0..19
categorization: angle 0.2617994 0.7853982 1.308997 1.8325957 2.3561945 2.8797934 3.403392 3.926991 4.4505897 4.9741883 5.4977875 6.021386; \
    category 0 1; distance -1.308997 -0.7853982 -0.2617994 0.2617994 0.7853982 1.308997
context_decision: context 0 1; coherence0 0.05 0.15 0.5; direction0 0 1; coherence1 0.05 0.15 0.5; direction1 0 1; direction 0 1
context_decision_implicit: context 0; coherence0 0.05 0.15 0.5; direction0 0 1; coherence1 0.05 0.15 0.5; direction1 0 1; direction 0 1
cue_combination: direction 0 1; coherence 0.05 0.15 0.5; share 0..1
signal_detection: stimulus 500..1500; onset 0..1400 ?
multimodal_detection: visual 0.8 0.9 1 ?; auditory 0.8 0.9 1 ?; present false true
tone_detection: onset 500 1000 1500 ?; number 0 1 2 3
spatial_suppression: large false true; direction 0 1 2 3
oscillation: frequency 1..5
center_out: angle 8/p
reach: start 0..2p; target 0..2p
delayed_reach: place 0..1
angle_integration: start 0..2p; end *
path_integration: length 0..9; end_x -1..1; end_y -1..1
go_nogo: go false true
delayed_match delayed_match_rotated delayed_match_to_category: sample 8/p; test 8/p; matches false true
memory_saccade visually_guided_saccade direct_saccade: angle 8/p; anti false; target 8/p
memory_saccade_anti: angle 8/p; anti false true; target 8/p
repeated_tests_abba repeated_tests_abca: sample 8/p; n_matches 0 1 2 3; first_match 1 2 3 ?
dual_delayed_match: sample_a 8/p; sample_b 8/p; cue1 A B; cue2 A B; test1_a 8/p; test1_b 8/p; test2_a 8/p; test2_b 8/p; \
    matches1 false true; matches2 false true
paired_association: first 0 1; second 0 1; paired false true
conditional_association: stimulus 0 1 2 3; correct_answer 0 1 2 3; session 0..39; block 0 1 2 3; block_kind 0 1; trial_in_block 0..63
distractor: angle 8/p; distractor 8/p ?
delay_estimation: probed 0 1 2 3; n_items 1 2 3 4; target 0..2p
memory_number: number 0..999
n_back: n_matches 0 1 2 3 4; n_lures 0 1 2 3 4
yang_dmc: rule *; angle1 10/o; angle2 10/o; strength11 1 ?; strength12 1 ?; strength21 1 ?; strength22 1 ?; modality1 1 2; modality2 1 2; \
    target 10/o ?
yang_dms: rule *; angle1 0..2p; angle2 0..2p; strength11 1 ?; strength12 1 ?; strength21 1 ?; strength22 1 ?; modality1 1 2; \
    modality2 1 2; target 0..2p ?
yang_dm yang_contextdm: rule *; angle1 0..2p; angle2 0..2p; strength11 0.72..1.28 ?; strength12 0.72..1.28 ?; strength21 0.72..1.28 ?; \
    strength22 0.72..1.28 ?; modality1 ?; modality2 ?; target 0..2p
yang_multidm: rule *; angle1 0..2p; angle2 0..2p; strength11 0.432..1.792; strength12 0.432..1.792; strength21 0.432..1.792; \
    strength22 0.432..1.792; modality1 ?; modality2 ?; target 0..2p
yang_delaydm yang_contextdelaydm: rule *; angle1 0..2p; angle2 0..2p; strength11 0.48..1.52 ?; strength12 0.48..1.52 ?; \
    strength21 0.48..1.52 ?; strength22 0.48..1.52 ?; modality1 ?; modality2 ?; target 0..2p
yang_multidelaydm: rule *; angle1 0..2p; angle2 0..2p; strength11 0.288..2.128; strength12 0.288..2.128; strength21 0.288..2.128; \
    strength22 0.288..2.128; modality1 ?; modality2 ?; target 0..2p
yang_fd yang_react yang_delay: rule *; angle1 0..2p; angle2 ?; strength11 1 ?; strength12 1 ?; strength21 ?; strength22 ?; modality1 1 2; \
    modality2 ?; target 0..2p
yang: rule *; angle1 0..2p; angle2 0..2p ?; strength11 0.288..2.128 ?; strength12 0.288..2.128 ?; strength21 0.288..2.128 ?; \
    strength22 0.288..2.128 ?; modality1 1 2 ?; modality2 1 2 ?; target 0..2p ?
";

/// What a column may hold.
struct Stated {
    values: Vec<String>,
    range: Option<(f64, f64)>,
    missing: bool,
    any: bool,
}

impl Stated {
    fn of(words: &[&str]) -> Self {
        let mut stated = Self { values: Vec::new(), range: None, missing: false, any: false };
        let end = |text: &str| {
            text.strip_suffix('p').map_or_else(|| text.parse().unwrap(), |k| k.parse::<f64>().unwrap() * TAU / 2.0)
        };
        for &word in words {
            match word {
                "?" => stated.missing = true,
                "*" => stated.any = true,
                _ => match (word.split_once(".."), word.split_once('/')) {
                    (Some((low, high)), _) => stated.range = Some((end(low), end(high))),
                    (_, Some((n, from))) => {
                        // From 0 on, or from half of a step.
                        let (n, half) = (n.parse::<usize>().unwrap(), if from == "o" { 0.5 } else { 0.0 });
                        let of = |k: usize| ((k as f64 + half) * TAU / n as f64) as f32;
                        stated.values.extend((0..n).map(|k| of(k).to_string()));
                    }
                    _ => stated.values.push(word.to_owned()),
                },
            }
        }
        stated
    }

    /// Whether a value is one of the stated, which are known to few digits, or in the range.
    fn place(&self, value: &psychrnn::table::Value) -> Option<usize> {
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-6 * b.abs().max(1.0);
        let is = |stated: &String| match (value.number(), stated.parse::<f64>()) {
            (Some(ours), Ok(stated)) if ours.is_finite() => near(ours, stated),
            _ => value.to_string() == *stated,
        };
        self.values.iter().position(is)
    }
}

fn stated(entry: &str) -> Vec<(&'static str, Stated)> {
    let whole = |name: &&str| **name == *entry;
    let begins = |name: &&str| name.starts_with("yang_") && entry.starts_with(*name);
    let lines = || {
        STATED
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(names, columns)| (names.split(' ').collect::<Vec<_>>(), columns))
    };
    let (_, columns) = lines()
        .find(|(names, _)| names.iter().any(whole))
        .or_else(|| lines().find(|(names, _)| names.iter().any(begins)))
        .unwrap_or_default();
    let column = |column: &'static str| {
        let mut words = column.split_whitespace();
        words.next().map(|name| (name, Stated::of(&words.collect::<Vec<_>>())))
    };
    columns.split(';').filter_map(column).collect()
}

/// What is not as it is stated of a task.
fn faults(name: &str, task: &impl TrialSource, stated: &[(&str, Stated)]) -> BTreeSet<String> {
    let spec = task.spec().unwrap();
    let (mut faults, mut columns) = (BTreeSet::new(), BTreeSet::new());
    let mut seen = vec![BTreeSet::new(); stated.len()];
    let mut missing = vec![false; stated.len()];
    for from in (0..MANY).step_by(AT_ONCE as usize) {
        let batch = task.trials(from..from + AT_ONCE, Seed(5)).unwrap();
        for column in batch.values.names() {
            columns.insert(column.to_owned());
            let Some(place) = stated.iter().position(|(stated, _)| *stated == column) else {
                faults.insert(format!("{name}: nothing is stated of {column}"));
                continue;
            };
            let (_, of) = &stated[place];
            for value in batch.values.column(column).unwrap() {
                let at = of.place(value);
                let is_missing =
                    at.is_none() && (value.to_string().is_empty() || value.number().is_some_and(f64::is_nan));
                missing[place] |= is_missing;
                let is_in =
                    |(low, high): (f64, f64)| value.number().is_some_and(|x| low - 1e-6 <= x && x <= high + 1e-6);
                let fits = if is_missing { of.missing } else { of.any || at.is_some() || of.range.is_some_and(is_in) };
                if !fits {
                    faults.insert(format!("{name}: {column} is {value}"));
                }
                if let Some(at) = at {
                    seen[place].insert((at, value.to_string()));
                }
            }
        }
        // What is left of a trial of given duration is the last one's.
        let n = spec.epochs.len() - usize::from(spec.duration.is_some());
        for (epoch, duration) in &spec.epochs[..n] {
            let (low, high) = duration.range();
            // One that only some trials have is named and lasts 0 ms.
            if high == 0.0 {
                continue;
            }
            // Where epochs last whole steps they are cut to these.
            let (low, high) = (f64::from(low - spec.dt), f64::from(high) + 1e-3);
            let lasts: Vec<f64> = batch.durations(epoch).into_iter().flatten().flatten().collect();
            if let Some(lasts) = lasts.iter().find(|&&lasts| !(low < lasts && lasts < high)) {
                faults.insert(format!("{name}: {epoch} lasts {lasts} ms, not {low} to {high}"));
            }
        }
    }
    for ((column, of), (seen, missing)) in stated.iter().zip(seen.iter().zip(missing)) {
        // A line may be about tasks of which some have a column.
        if !columns.contains(*column) {
            continue;
        }
        // Each value comes up, and always as the same number.
        if seen.len() != of.values.len() {
            faults.insert(format!("{name}: {column} should be each of {:?}, and is {seen:?}", of.values));
        }
        // Which values a rule of Yang's leaves out is not said of each.
        if missing != of.missing && !name.starts_with("yang") {
            faults.insert(format!("{name}: {column} is missing, or should be"));
        }
    }
    faults
}

#[test]
fn trials_are_inside_the_ranges_that_are_stated() {
    let of = |entry: &catalog::Entry| faults(entry.name, &entry.task(), &stated(entry.name));
    let faults: Vec<String> = catalog::all().flat_map(of).take(100).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
