//! What a subject does: choices, detections, reaction times.

mod chronometric;
mod countermanding;
mod counts;
mod detection;
mod evidence;
mod psychometric;
mod timing;

pub use chronometric::Chronometric;
pub use countermanding::Countermanding;
pub use counts::Counts;
pub use detection::Detection;
pub use psychometric::{
    Curve, Estimate, LikelihoodRatio, Psychometric, PsychometricBootstrap, PsychometricFit, Rate, Resampling,
};
pub use timing::{Timing, timing_reward};
