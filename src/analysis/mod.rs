//! What an experimenter does with a session: behavior, population activity, statistics.
//!
//! Everything here works on plain arrays and on a [`Session`](crate::simulate::Session), without libtorch, in `f64`.
//!
//! | question | answer |
//! | --- | --- |
//! | how do choices depend on the stimulus? | [`Counts`], [`Psychometric`] |
//! | do two networks, or one before and after a lesion, differ? | [`Psychometric::compare`], [`wilcoxon_signed_rank`], [`paired_t`] |
//! | how sure is a number? | [`Bootstrap`] |

mod bootstrap;
mod counts;
mod minimize;
mod paired;
mod psychometric;
mod special;

pub use bootstrap::{Bootstrap, Interval};
pub use counts::Counts;
pub use paired::{Alternative, PairedT, SignedRank, paired_t, wilcoxon_signed_rank};
pub use psychometric::{
    Curve, Estimate, LikelihoodRatio, Psychometric, PsychometricBootstrap, PsychometricFit, Rate, Resampling,
};
