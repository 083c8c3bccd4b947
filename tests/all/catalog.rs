//! What holds for every task of the library.

use std::path::Path;

use ndarray::Array3;
use psychrnn::prelude::*;
use psychrnn::tasks::catalog::{self, Entry};
use psychrnn::threads::with_threads;
use serde_json::Value as Json;

use crate::tasks::{choice, memory, movement, perception, timing};
use crate::{flip_flop, models};

/// What holds the trials of each task, without noise, to what its source says. Those of PsychRNN have its own numbers, in `data/parity`.
const HELD: &[(&str, fn())] = &[
    ("random_dots", models::random_dots_are_those_of_the_formula),
    ("random_dots_variable_duration", models::random_dots_are_those_of_the_formula),
    ("random_dots_reaction_time", models::random_dots_are_those_of_the_formula),
    ("context_integration", models::context_integration_is_that_of_the_formula),
    ("multisensory_integration", models::multisensory_integration_is_that_of_the_formula),
    ("parametric_working_memory", models::parametric_working_memory_is_that_of_the_formula),
    ("sequence_execution", models::sequences_are_those_of_the_table),
    ("sine_wave", models::the_sine_wave_is_one_and_needs_no_input),
    ("flip_flop", flip_flop::flip_flops_hold_the_last_pulse),
    ("oscillation", movement::oscillations_are_sines_of_the_frequency_that_is_shown),
    ("center_out", movement::reaches_from_the_center_have_least_jerk),
    ("reach", movement::who_does_what_is_right_reaches_the_target),
    ("delayed_reach", movement::places_are_reached_for_after_the_cue),
    ("angle_integration", movement::angles_add_up_velocities),
    ("path_integration", movement::paths_add_up_steps_and_stay_in_the_box),
    ("categorization", perception::categories_are_sides_of_a_boundary),
    ("context_decision", perception::the_modality_that_counts_is_asked_for),
    ("context_decision_implicit", perception::the_modality_that_counts_is_asked_for),
    ("cue_combination", perception::two_cues_share_the_evidence),
    ("signal_detection", perception::a_signal_says_go),
    ("multimodal_detection", perception::anything_seen_or_heard_is_something),
    ("tone_detection", perception::tones_are_told_by_their_time),
    ("spatial_suppression", perception::large_motion_is_seen_the_wrong_way_around_at_first),
    ("interval_reproduction", timing::intervals_are_reproduced_from_set_on),
    ("interval_reproduction_step", timing::intervals_are_reproduced_from_set_on),
    ("interval_production", timing::intervals_are_produced_after_a_cue),
    ("interval_production_step", timing::intervals_are_produced_after_a_cue),
    ("synchronization", timing::rhythms_are_gone_on_with),
    ("synchronization_step", timing::rhythms_are_gone_on_with),
    ("interval_comparison", timing::the_longer_of_two_stimuli_is_asked_for),
    ("stop_signal", timing::who_is_told_to_stop_is_right_to_fixate),
    ("multi_choice", choice::one_of_many_directions_is_asked_for),
    ("multi_choice_delayed", choice::one_of_many_directions_is_asked_for),
    ("multi_choice_pyrl", choice::one_of_many_directions_is_asked_for),
    ("multi_choice_pyrl_reaction_time", choice::reaction_times_begin_with_the_stimulus),
    ("pulse_accumulation", choice::the_side_with_more_clicks_is_asked_for),
    ("pulse_accumulation_binned", choice::the_side_with_more_clicks_is_asked_for),
    ("parametric_comparison", choice::the_higher_frequency_is_asked_for),
    ("parametric_comparison_pyrl", choice::the_higher_frequency_is_asked_for),
    ("rate_decision_pyrl", choice::rates_above_the_boundary_are_high),
    ("economic_choice", choice::the_offer_that_is_worth_more_is_asked_for),
    ("economic_choice_pyrl", choice::the_offer_that_is_worth_more_is_asked_for),
    ("post_decision_wager", choice::the_sure_reward_has_no_target),
    ("post_decision_wager_pyrl", choice::the_sure_reward_has_no_target),
    ("probabilistic_reasoning", choice::shapes_add_up_to_the_odds_of_a_side),
    ("weather_prediction", choice::cards_add_up_to_the_odds_of_rain),
    ("hierarchical_reasoning", choice::rules_hold_for_a_block),
    ("go_nogo", memory::go_and_no_go_are_told_by_a_cue),
    ("delayed_match", memory::samples_are_matched_after_a_delay),
    ("delayed_match_rotated", memory::samples_are_matched_after_a_delay),
    ("delayed_match_to_category", memory::samples_are_matched_after_a_delay),
    ("memory_saccade", memory::saccades_go_to_the_cue_or_away_from_it),
    ("memory_saccade_anti", memory::saccades_go_to_the_cue_or_away_from_it),
    ("visually_guided_saccade", memory::saccades_go_to_the_cue_or_away_from_it),
    ("direct_saccade", memory::saccades_go_to_the_cue_or_away_from_it),
    ("repeated_tests_abba", memory::each_test_is_compared_with_the_sample),
    ("repeated_tests_abca", memory::each_test_is_compared_with_the_sample),
    ("dual_delayed_match", memory::of_two_samples_the_cued_one_is_tested),
    ("paired_association", memory::pairs_are_told_from_others),
    ("conditional_association", memory::answers_to_stimuli_hold_for_a_block),
    ("distractor", memory::distractors_are_ignored),
    ("delay_estimation", memory::the_color_at_the_probed_location_is_asked_for),
    ("memory_number", memory::digits_are_repeated_in_order),
    ("n_back", memory::items_are_compared_with_those_before),
];

/// The same of those with trials of other programs in `data/parity/tasks`: the case, if it has another name.
const CASES: &[(&str, &str)] = &[("yang", "yang_test_grid")];

fn trials(entry: &Entry, n: u64) -> Batch {
    entry.task().trials(0..n, Seed(3)).unwrap()
}

#[test]
fn every_task_is_held_to_its_source() {
    let parity = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/parity");
    for Entry { name, .. } in catalog::all() {
        let case = CASES.iter().find(|(task, _)| task == name).map_or(*name, |(_, case)| case);
        let is_held = HELD.iter().any(|(held, _)| held == name)
            || parity.join(format!("task_{name}.npz")).exists()
            || parity.join(format!("tasks/{case}.npz")).exists();
        assert!(is_held, "nothing holds a trial of {name} without noise to its source");
    }
    let others = HELD.iter().map(|(name, _)| name).chain(CASES.iter().map(|(name, _)| name));
    others.for_each(|name| assert!(catalog::find(name).is_ok(), "{name}"));
}

#[test]
fn trials_have_the_shapes_that_the_task_says() {
    for entry in catalog::all() {
        let (name, batch) = (entry.name, trials(entry, 7));
        batch.check().unwrap();
        let spec = entry.task().spec().unwrap();
        assert_eq!(batch.spec, spec, "{name}");
        let n_steps = batch.n_steps();
        assert_eq!(batch.inputs.dim(), (7, n_steps, spec.n_in), "{name}");
        assert_eq!(batch.targets.dim(), (7, n_steps, spec.n_out), "{name}");
        assert!(batch.values.iter().all(|(_, column)| column.len() == 7), "{name}");
        assert!(batch.epochs.iter().all(|epochs| epochs.iter().next().is_some()), "{name}");
    }
}

#[test]
fn a_trial_depends_on_its_seed_and_number_alone() {
    for entry in catalog::all() {
        let (name, task) = (entry.name, entry.task());
        let all = trials(entry, 12);
        let some = |threads| with_threads(threads, || task.trials(5..9, Seed(3))).unwrap();
        for some in [some(1), some(3)] {
            assert!(all.select(&[5, 6, 7, 8]).inputs.starts_with(&some), "{name}");
            assert!(all.values.select(&[5, 6, 7, 8]) == some.values && all.epochs[5..9] == some.epochs, "{name}");
        }
        let other = task.trials(0..12, Seed(4)).unwrap();
        assert!(other.inputs != all.inputs || all.inputs.is_empty(), "{name}: all seeds give the same trials");
    }
}

/// Trials that were drawn among longer ones have more padding.
trait StartsWith {
    fn starts_with(&self, batch: &Batch) -> bool;
}

impl StartsWith for Array3<f32> {
    fn starts_with(&self, batch: &Batch) -> bool {
        let n_steps = batch.n_steps();
        self.slice(ndarray::s![.., ..n_steps, ..]) == batch.inputs
            && self.slice(ndarray::s![.., n_steps.., ..]).iter().all(|&u| u == 0.0)
    }
}

#[test]
fn errors_count_or_do_not_and_the_answer_counts() {
    for entry in catalog::all() {
        let (name, batch) = (entry.name, trials(entry, 30));
        assert!(
            batch.mask.iter().all(|&weight| weight >= 0.0)
                && batch.mask.iter().any(|&weight| weight == 0.0 || weight == 1.0),
            "{name}"
        );
        for (trial, &length) in batch.lengths.iter().enumerate() {
            let answer = batch.steps_of(trial, "decision").unwrap_or(length - 1..length);
            // At its start there may be time to react; what is asked for without a choice may be over before the end.
            let late = answer.start + answer.len() / 3..answer.end;
            let late = if batch.spec.decision == Decision::none() { 0..length } else { late };
            let weights = batch.mask.slice(ndarray::s![trial, late, ..]);
            assert!(!weights.is_empty() && weights.iter().any(|&weight| weight > 0.0), "{name}: trial {trial}");
        }
    }
}

#[test]
fn who_does_what_is_asked_is_right() {
    for entry in catalog::all() {
        let (name, batch) = (entry.name, trials(entry, 200));
        let asks = batch.spec.decision != Decision::none();
        let states = Array3::zeros((batch.n_trials(), batch.n_steps(), 1));
        let session = Session::new(batch.clone(), states.clone(), states, batch.targets.clone()).unwrap();
        let scored = session.correct.iter().flatten();
        assert!(scored.clone().all(|&correct| correct) && (scored.count() > 100) == asks, "{name}");
        if asks {
            batch.check_choices().unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(session.accuracy(), 1.0, "{name}");
        }
        if let Some(criterion) = entry.described().criterion {
            let measure = session.measured_by(&criterion).unwrap();
            assert!(criterion.met(&[measure]), "{name}: {measure}");
        }
    }
}

#[test]
fn arguments_come_back_and_what_is_none_is_named() {
    for entry in catalog::all() {
        let usual = entry.described();
        let again = entry.read(&usual.arguments).unwrap();
        assert_eq!(again.arguments, usual.arguments, "{}", entry.name);
        assert_eq!(
            again.task.trials(2..5, Seed(1)).unwrap(),
            usual.task.trials(2..5, Seed(1)).unwrap(),
            "{}",
            entry.name
        );
        for place in places(&usual.arguments) {
            let mut given = usual.arguments.clone();
            put(&mut given, &place, "a text".into());
            let error = entry.read(&given).map(|_| ()).unwrap_err();
            let path = error.path().to_string().replace(['.', '['], "/").replace(']', "");
            assert!(place[1..].starts_with(path.trim_matches('/')), "{}: {place}: {error}", entry.name);
        }
    }
}

#[test]
fn nonsense_is_refused_or_gives_trials() {
    let nonsense = [Json::from(-1), 0.into(), 1e30.into(), Json::Array(Vec::new())];
    for entry in catalog::all() {
        let usual = entry.described().arguments;
        let refused = |place: &str, value: &Json| {
            let mut given = usual.clone();
            put(&mut given, place, value.clone());
            let Ok(described) = entry.read(&given) else { return true };
            match described.task.batch(2, Seed(1)) {
                Ok(batch) => {
                    batch.check().unwrap();
                    false
                }
                Err(error @ Error::Task { .. }) => panic!("{}: {place} = {value}: {error}", entry.name),
                Err(_) => true,
            }
        };
        for place in places(&usual) {
            for value in &nonsense {
                let is_time = place.ends_with("/dt") || place.ends_with("/tau");
                let must = if value.is_array() {
                    usual.pointer(&place).is_some_and(Json::is_array)
                } else {
                    is_time && value.as_f64().is_some_and(|time| time <= 0.0)
                };
                assert!(refused(&place, value) || !must, "{}: {place} = {value}", entry.name);
            }
        }
    }
}

/// The places of all numbers and lists.
fn places(value: &Json) -> Vec<String> {
    let within = |name: &str, value: &Json| places(value).into_iter().map(|place| format!("/{name}{place}")).collect();
    let below: Vec<String> = match value {
        Json::Object(fields) => {
            fields.iter().flat_map(|(name, value)| -> Vec<String> { within(name, value) }).collect()
        }
        Json::Array(list) => list.iter().take(1).flat_map(|value| -> Vec<String> { within("0", value) }).collect(),
        _ => Vec::new(),
    };
    let itself = (value.is_number() || value.is_array()).then(String::new);
    itself.into_iter().chain(below).collect()
}

fn put(arguments: &mut Json, place: &str, value: Json) {
    *arguments.pointer_mut(place).unwrap() = value;
}
