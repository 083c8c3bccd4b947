//! What the units do, each and together.

mod aligned;
mod alignment;
mod average;
mod cka;
mod clusters;
mod decoding;
mod diffusion_map;
mod dimension;
mod dsa;
mod jpca;
mod linear_tuning;
mod pca;
mod procrustes;
mod rdm;
mod tangling;
mod targeted;
mod task_variance;
mod tuning;

pub use alignment::alignment_index;
pub use average::{Average, Averages, Band};
pub use cka::Cka;
pub use clusters::{KMeans, KMeansClusters};
pub use decoding::{Classifier, Cluster, Decoded, Decoder, Decoding, Generalized};
pub use diffusion_map::{DiffusionCoordinates, DiffusionMap};
pub use dimension::Dimension;
pub use dsa::{DelayModel, Dsa, DsaDistance};
pub use jpca::{Jpca, JpcaPlanes};
pub use linear_tuning::LinearTuning;
pub use pca::{Pca, Trajectories};
pub use procrustes::Procrustes;
pub use rdm::{Comparison, Dissimilarity, Noise, Rdm};
pub use tangling::Tangling;
pub use targeted::{Targeted, TargetedAxes};
pub use task_variance::{TaskClusters, TaskVariance, TaskVariances};
pub use tuning::{Tuning, order_by_selectivity};
