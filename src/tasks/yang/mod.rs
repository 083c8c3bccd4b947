//! The twenty tasks of Yang et al. (2019), which one network learns.

mod cost;
mod entries;
mod grid;
mod rule;
mod task;
mod trial;

pub use cost::{Cost, Targets};
pub use rule::Rule;
pub use task::Yang;
pub use trial::{YangTiming, YangTrial};

use crate::tasks::catalog::Entry;

/// The entries of each task.
pub(crate) const ENTRIES: &[&[Entry]] = &[entries::ENTRIES];
