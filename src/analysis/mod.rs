//! What an experimenter does with a session: behavior, population activity, statistics.
//!
//! Everything here works on plain arrays and on a [`Session`](crate::simulate::Session), without libtorch, in `f64`.
//!
//! | question | answer |
//! | --- | --- |
//! | how do choices depend on the stimulus? | [`Counts`], [`Psychometric`] |
//! | how do reaction times? | [`Session::reaction_times`](crate::simulate::Session::reaction_times), [`Chronometric`] |
//! | what does the population do? | [`Average`], [`Pca`], [`Trajectories`] |
//! | what does a unit respond to? | [`Tuning`], [`Session::selectivity`](crate::simulate::Session::selectivity), [`order_by_selectivity`] |
//! | do two networks, or one before and after a lesion, differ? | [`Psychometric::compare`], [`wilcoxon_signed_rank`], [`paired_t`] |
//! | how sure is a number? | [`Bootstrap`] |

mod bootstrap;
mod chronometric;
mod counts;
mod minimize;
mod paired;
mod pca;
mod population;
mod psychometric;
mod special;
mod tuning;

pub use bootstrap::{Bootstrap, Interval};
pub use chronometric::Chronometric;
pub use counts::Counts;
pub use paired::{Alternative, PairedT, SignedRank, paired_t, wilcoxon_signed_rank};
pub use pca::{Pca, Trajectories};
pub use population::{Average, Averages, Band};
pub use psychometric::{
    Curve, Estimate, LikelihoodRatio, Psychometric, PsychometricBootstrap, PsychometricFit, Rate, Resampling,
};
pub use tuning::{Tuning, order_by_selectivity};
