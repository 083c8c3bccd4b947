//! What the units do, each and together.

mod aligned;
mod average;
mod decoding;
mod diffusion_map;
mod dpca;
mod linear_tuning;
mod pca;
mod targeted;
mod tuning;

pub use average::{Average, Averages, Band};
pub use decoding::{Classifier, Cluster, Decoded, Decoder, Decoding, Generalized};
pub use diffusion_map::{DiffusionCoordinates, DiffusionMap};
pub use dpca::{Demixed, Dpca, DpcaValidation, Marginal};
pub use linear_tuning::LinearTuning;
pub use pca::{Pca, Trajectories};
pub use targeted::{Targeted, TargetedAxes};
pub use tuning::{Tuning, order_by_selectivity};
