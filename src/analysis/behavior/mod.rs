//! What a subject does: choices, detections, reaction times.

mod chronometric;
mod counts;
mod detection;
mod history;
mod psychometric;

pub use chronometric::Chronometric;
pub use counts::Counts;
pub use detection::Detection;
pub use history::{
    ChoiceHistory, HistoryKernels, HistoryWeight, HistoryWeights, SerialDependence, SerialDependenceFit, about_switches,
};
pub use psychometric::{
    Curve, Estimate, LikelihoodRatio, Psychometric, PsychometricBootstrap, PsychometricFit, Rate, Resampling,
};
