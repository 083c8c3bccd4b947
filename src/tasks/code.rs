//! How a population shows a direction: what unit `k` of `n` on a ring, which prefers `θₖ = 2π k / n`, is.

use std::f64::consts::{PI, TAU};

pub(super) use crate::task::distance;

/// The direction that a unit prefers, in radians.
pub(super) fn preferred(k: usize, n: usize) -> f32 {
    theta(k, n) as f32
}

/// The same in double precision, so that what is shown is right to the last digits of single.
fn theta(k: usize, n: usize) -> f64 {
    TAU * k as f64 / n as f64
}

/// An angle from 0 up to 2π.
pub(super) fn wrapped(angle: f32) -> f32 {
    let angle = angle.rem_euclid(TAU as f32);
    // A little below 0 is rounded to 2π.
    if angle < TAU as f32 { angle } else { 0.0 }
}

/// Adds a direction with a strength, by the cosine: `0.5 + (g / 2) cos(θₖ - φ)`, as NeuroGym has it.
pub(super) fn add_cosine(channels: &mut [f32], angle: f32, strength: f32) {
    let n = channels.len();
    for (k, channel) in channels.iter_mut().enumerate() {
        *channel += 0.5 + strength / 2.0 * (theta(k, n) - f64::from(angle)).cos() as f32;
    }
}

/// Adds a direction with a strength, by a bump: `0.8 g exp(-d² / 2)`, where `d` is the distance in units of π/8. Yang GR, Joglekar MR, Song HF,
/// Newsome WT, Wang X-J (2019), doi:10.1038/s41593-018-0310-2.
pub(super) fn add_bump(channels: &mut [f32], angle: f32, strength: f32) {
    let n = channels.len();
    for (k, channel) in channels.iter_mut().enumerate() {
        let d = distance(theta(k, n), angle) / (PI / 8.0);
        *channel += (0.8 * f64::from(strength) * (-d * d / 2.0).exp()) as f32;
    }
}

/// The unit that prefers the direction nearest to this one; of two the first.
pub(super) fn nearest(angle: f32, n: usize) -> usize {
    let far = |k: &usize| distance(theta(*k, n), angle);
    (0..n).min_by(|a, b| far(a).total_cmp(&far(b))).unwrap_or(0)
}
