//! What a subject does: choices, detections, reaction times.

mod bayesian_timing;
mod chronometric;
mod countermanding;
mod counts;
mod detection;
mod evidence;
mod history;
mod psychometric;
mod timing;

pub use bayesian_timing::BayesianTiming;
pub use chronometric::Chronometric;
pub use countermanding::Countermanding;
pub use counts::Counts;
pub use detection::Detection;
pub use history::{
    ChoiceHistory, HistoryKernels, HistoryWeight, HistoryWeights, SerialDependence, SerialDependenceFit, about_switches,
};
pub use psychometric::{
    Curve, Estimate, LikelihoodRatio, Psychometric, PsychometricBootstrap, PsychometricFit, Rate, Resampling,
};
pub use timing::{Timing, timing_reward};
