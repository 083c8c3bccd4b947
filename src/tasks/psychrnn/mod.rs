//! PsychRNN's three tasks.

mod delayed_discrimination;
mod match_to_category;
mod perceptual_discrimination;

use crate::tasks::catalog::{Paper, library};

library! {
    perceptual_discrimination: PerceptualDiscrimination, Motion;
    delayed_discrimination: DelayedDiscrimination, Frequencies;
    match_to_category: MatchToCategory, Direction;
}

const EHRLICH: Paper = Paper { citation: "Ehrlich DB et al. (2021)", doi: "10.1523/ENEURO.0427-20.2020" };

/// PsychRNN's standard deviation, a step, of the noise on evidence: `sqrt(2 · 0.01 · sqrt(10) · sqrt(dt)) · noise`.
fn evidence_noise_sd(noise: f32, dt: f32) -> f32 {
    (2.0 * 0.01 * 10_f32.sqrt() * dt.sqrt()).sqrt() * noise
}
