//! What the units do, each and together.

mod average;
mod diffusion_map;
mod linear_tuning;
mod pca;
mod targeted;
mod tuning;

pub use average::{Average, Averages, Band};
pub use diffusion_map::{DiffusionCoordinates, DiffusionMap};
pub use linear_tuning::LinearTuning;
pub use pca::{Pca, Trajectories};
pub use targeted::{Targeted, TargetedAxes};
pub use tuning::{Tuning, order_by_selectivity};
