//! PsychRNN's three tasks.

mod delayed_discrimination;
mod match_to_category;
mod perceptual_discrimination;

pub use delayed_discrimination::{DelayedDiscrimination, Frequencies};
pub use match_to_category::{Direction, MatchToCategory};
pub use perceptual_discrimination::{Motion, PerceptualDiscrimination};

/// PsychRNN's standard deviation, a step, of the noise on evidence: `sqrt(2 · 0.01 · sqrt(10) · sqrt(dt)) · noise`.
fn evidence_noise_sd(noise: f32, dt: f32) -> f32 {
    (2.0 * 0.01 * 10_f32.sqrt() * dt.sqrt()).sqrt() * noise
}
