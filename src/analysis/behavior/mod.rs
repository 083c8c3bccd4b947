//! What a subject does: choices, detections, reaction times.

mod chronometric;
mod counts;
mod detection;
mod psychometric;

pub use chronometric::Chronometric;
pub use counts::Counts;
pub use detection::Detection;
pub use psychometric::{
    Curve, Estimate, LikelihoodRatio, Psychometric, PsychometricBootstrap, PsychometricFit, Rate, Resampling,
};
