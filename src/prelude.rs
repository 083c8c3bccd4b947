//! The names that a notebook needs: `use psychrnn::prelude::*;`

#[cfg(feature = "torch")]
pub use crate::network::{Network, Rnn, RnnConfig};
pub use crate::random::{Seed, TrialRng};
pub use crate::simulate::{Session, Simulator};
pub use crate::task::{
    Batch, Decision, Duration, Epochs, PerceptualDiscrimination, Step, Table, Task, TaskSpec, Trial, TrialSource, Value,
};
#[cfg(feature = "torch")]
pub use crate::train::{Trainer, Training};
pub use crate::weights::Weights;
pub use crate::{Error, Result};
