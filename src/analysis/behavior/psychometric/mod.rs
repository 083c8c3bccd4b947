//! Psychometric curves: how the share of one answer rises or falls with the level of the stimulus.

mod bootstrap;
mod curve;
mod fit;
mod model;
mod search;

pub use bootstrap::{PsychometricBootstrap, Resampling};
pub use curve::Curve;
pub use fit::{Estimate, LikelihoodRatio, PsychometricFit};
pub use model::{Psychometric, Rate};
