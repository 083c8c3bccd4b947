//! How sure a number is, and whether two differ.

mod bootstrap;
mod correction;
mod logistic;
pub(super) mod minimize;
mod paired;
mod permutation;
pub(super) mod special;
mod unpaired;

pub use bootstrap::{Bootstrap, Interval};
pub use correction::{Correction, benjamini_hochberg, holm};
pub use logistic::{LogisticFit, LogisticRegression};
pub use paired::{Alternative, McNemar, PairedT, SignedRank, mcnemar, paired_t, wilcoxon_signed_rank};
pub use permutation::{Permutation, PermutationTest};
pub use unpaired::{MannWhitney, WelchT, mann_whitney, welch_t};
