//! Tasks of the library's own form about what is perceived: categories, evidence in several modalities, and whether there is anything.

mod categorization;
mod context_decision;
mod cue_combination;
mod multimodal_detection;
mod signal_detection;
mod spatial_suppression;
mod tone_detection;

use crate::tasks::catalog::{NEUROGYM, library};

library! {
    categorization: Categorization, Category;
    context_decision: ContextDecision, TwoModalities;
    cue_combination: CueCombination, TwoCues;
    signal_detection: SignalDetection, SignalOnset;
    multimodal_detection: MultimodalDetection, Modalities;
    tone_detection: ToneDetection, ToneTime;
    spatial_suppression: SpatialSuppression, SizedMotion;
}
