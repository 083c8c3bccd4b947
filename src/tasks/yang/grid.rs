//! The trials over which the paper's analyses go.

use std::f64::consts::{PI, TAU};

use super::rule::{Kind, Rule};
use super::trial::YangTrial;

/// How many angles there are.
const ANGLES: usize = 20;
/// How many differences of strengths.
const STRENGTHS: usize = 5;

/// The trials of a rule; what is named last changes fastest: angles, and then modalities or strengths.
pub(super) fn trials(rule: Rule) -> Vec<YangTrial> {
    let make: fn(Rule, usize) -> Vec<YangTrial> = match rule.kind() {
        Kind::Go | Kind::ReactGo | Kind::DelayGo => one_stimulus,
        Kind::Decide | Kind::DelayDecide => compared,
        Kind::Match => matched,
    };
    (0..ANGLES).flat_map(|number| make(rule, number)).collect()
}

fn one_stimulus(rule: Rule, number: usize) -> Vec<YangTrial> {
    let trial =
        |modality| YangTrial { angle1: angle(number) as f32, modality1: Some(modality), ..YangTrial::new(rule) };
    [1, 2].map(trial).to_vec()
}

fn compared(rule: Rule, number: usize) -> Vec<YangTrial> {
    let (from, by) = match rule {
        Rule::DelayDm1 | Rule::DelayDm2 => (0.5, 0.2),
        _ => (0.8, 0.08),
    };
    // The first stimulus is as much stronger than 1 as the second one is weaker.
    let pair = |k: usize| {
        let first = from + by * k as f32;
        [Some(first), Some(2.0 - first)]
    };
    let (first, second) = (angle(number) as f32, angle(number + ANGLES / 2) as f32);
    let start = YangTrial { angle1: first, angle2: Some(second), ..YangTrial::new(rule) };
    let trial = |strengths: [[Option<f32>; 2]; 2]| {
        let mut trial = start.clone();
        trial.set_strengths(strengths);
        trial
    };
    match rule.shown_in() {
        [ring] => {
            let of_one =
                |k: usize| pair(k).map(|strength| if *ring == 0 { [strength, None] } else { [None, strength] });
            (0..STRENGTHS).map(|k| trial(of_one(k))).collect()
        }
        _ => {
            let of_both = |k: usize| {
                let ([a1, a2], [b1, b2]) = (pair(k / STRENGTHS), pair(k % STRENGTHS));
                [[a1, b1], [a2, b2]]
            };
            (0..STRENGTHS * STRENGTHS).map(|k| trial(of_both(k))).collect()
        }
    }
}

fn matched(rule: Rule, number: usize) -> Vec<YangTrial> {
    let first = match rule.is_by_category() {
        // Ten in each half, none of them close to its ends.
        true => (0.1 + 0.08 * (number % (ANGLES / 2)) as f64 + (number / (ANGLES / 2)) as f64) * PI,
        false => angle(number),
    };
    let second = if rule.wants_match() { first } else { (first + PI).rem_euclid(TAU) };
    let trial = |(modality1, modality2)| YangTrial {
        angle1: first as f32,
        angle2: Some(second as f32),
        modality1: Some(modality1),
        modality2: Some(modality2),
        ..YangTrial::new(rule)
    };
    [(1, 1), (1, 2), (2, 1), (2, 2)].map(trial).to_vec()
}

fn angle(number: usize) -> f64 {
    (number % ANGLES) as f64 / ANGLES as f64 * TAU
}
