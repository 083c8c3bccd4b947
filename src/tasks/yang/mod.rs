//! The twenty tasks of Yang et al. (2019), which one network learns.

mod entries;
mod grid;
mod rule;
mod task;
mod trial;

pub use rule::Rule;
pub use task::{Cost, Targets, Yang};
pub use trial::{YangTiming, YangTrial};

use crate::tasks::catalog::Entry;

/// The entries of each task.
pub(crate) const ENTRIES: &[&[Entry]] = &[entries::ENTRIES];
