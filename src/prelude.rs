//! The names that a notebook needs: `use psychrnn::prelude::*;`

pub use crate::analysis::{
    Alternative, Average, Band, Bootstrap, ChoiceHistory, Classifier, Composition, Correction, Curve, Decoding,
    DiffusionMap, Dpca, FixedPoints, HistoryKernels, LesionSweep, Lyapunov, Pca, Permutation, Psychometric, Rate, Rdm,
    Resampling, SerialDependence, TaskVariance, mann_whitney, mcnemar, order_by_selectivity, paired_t, welch_t,
    wilcoxon_signed_rank,
};
pub use crate::areas::Areas;
pub use crate::dynamics::equations::*;
pub use crate::dynamics::{Covariance, Readout, Transfer};
pub use crate::random::{Seed, TrialRng};
pub use crate::simulate::{Effect, Perturbation, Recording, Session, Signal, Simulator, Window};
pub use crate::table::{Csv, Table, Value};
pub use crate::task::{
    Alternatives, Batch, Blocks, Decision, Duration, Epochs, IdealObserver, Mixture, Past, Ring, Senses, Sensory,
    Sessions, SideBias, Step, Task, TaskSpec, Transitions, Trial, TrialSource,
};
pub use crate::tasks::{DelayedDiscrimination, MatchToCategory, PerceptualDiscrimination};
pub use crate::weights::Weights;
pub use crate::{Error, Result};

#[cfg(feature = "torch")]
pub use crate::network::kinds::*;
#[cfg(feature = "torch")]
pub use crate::network::{Balance, Constraints, Dale, Device, Draw, InitialWeights, Network, RadiusOf};
#[cfg(feature = "torch")]
pub use crate::train::{
    Adam, AdamW, BestBy, BinaryCrossEntropy, CategoricalCrossEntropy, Clip, Curriculum, Ensemble, Every, Goal,
    L1Weights, L2Rates, L2Weights, MeanSquaredError, RmsProp, Schedule, Sgd, Trainer, Training, larger_is_better,
    smaller_is_better,
};
