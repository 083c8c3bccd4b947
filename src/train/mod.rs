//! Training: losses, penalties, optimizers, curricula, progress, the trainer and ensembles. Needs libtorch.

// None of these files needs one that needs it: `trainer` has the settings, `validation` the plan of what is trained on and checked, and
// `ready` asks whether both fit the network. `run` goes from update to update, each a step (`update`) down the gradients of an
// `objective`; `ensemble` makes many runs.

mod checkpoint;
mod curriculum;
mod ensemble;
mod goal;
mod loss;
mod metric;
mod objective;
mod optimizer;
mod progress;
mod ready;
mod regularizer;
pub(crate) mod report;
mod run;
mod saves;
mod trainer;
mod update;
mod validation;

pub use curriculum::Curriculum;
pub use ensemble::{Ensemble, EnsembleTraining, Member, MemberTraining};
pub use goal::Goal;
pub use loss::{BinaryCrossEntropy, CategoricalCrossEntropy, Loss, MeanSquaredError};
pub use metric::{Accuracy, Better, Directed, Measured, Metric, larger_is_better, smaller_is_better};
pub use optimizer::{Adam, AdamW, Clip, Epsilon, Optimizer, RmsProp, Schedule, Sgd};
pub use progress::{CheckpointEvent, Observer, Progress, Reporter, Silent};
pub use regularizer::{L1Weights, L2Rates, L2Weights, Regularizer};
pub use report::{Backend, Change, Check, Stop, Training};
pub use trainer::{BestBy, Every, Trainer};
