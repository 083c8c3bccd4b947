//! Training: losses, optimizers, progress and the trainer. Needs libtorch.

mod loss;
mod optimizer;
mod progress;
mod report;
mod trainer;

pub use loss::{Loss, MeanSquaredError};
pub use optimizer::{Adam, OptimizerState};
pub use progress::{Observer, Progress, Reporter, Silent};
pub use report::{Stop, Training};
pub use trainer::{Clip, Trainer};
