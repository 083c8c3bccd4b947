//! Training: losses, penalties, optimizers, curricula, progress, the trainer and ensembles. Needs libtorch.
//!
//! ```no_run
//! use psychrnn::prelude::*;
//! let task = PerceptualDiscrimination::default();
//! let mut network = Rnn::new(&task, RnnConfig::default().units(50).seed(1))?;
//! let trainer = Trainer::default()
//!     .trials(100_000)
//!     .learning_rate(0.002)
//!     .regularizer(L2Rates::new(0.01))
//!     .validation(task.batch(1000, Seed(2))?)
//!     .until(0.9);
//! let training = trainer.train(&mut network, &task)?;
//! println!("{} after {} updates", training.stop, training.updates);
//! training.plot_loss().save("loss.png")?;
//! # Ok::<(), psychrnn::Error>(())
//! ```
//!
//! | to have | write |
//! | --- | --- |
//! | a network trained on a task, and what came of it | [`Trainer::train`], which gives a [`Training`] |
//! | another loss, penalties | [`Trainer::loss`], [`Trainer::regularizer`]; a closure is a [`Loss`] or a [`Regularizer`] |
//! | another optimizer, learning rate, clipping | [`Trainer::optimizer`], [`Trainer::schedule`], [`Trainer::clip`] |
//! | checks on the way, an end when it has learned, the best weights | [`Trainer::validation`], [`Trainer::until`] with a [`Goal`], [`Trainer::metric`] |
//! | harder tasks one after the other | [`Curriculum`], [`Trainer::train_curriculum`] |
//! | states and what was before carried from trial to trial, as an animal does them | [`Trainer::consecutive`], [`Trainer::carry_state`] |
//! | many networks at once | [`Ensemble`] |
//! | runs of days that may be killed | [`Trainer::checkpoint`], [`Trainer::resume`] |
//! | libtorch in place of the kernel, an NVIDIA card | [`Trainer::backend`], [`Trainer::device`] |

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
mod rows;
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
