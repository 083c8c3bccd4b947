//! How outputs are read as a choice.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How the outputs of a trial are read as a choice. A choice is correct if the targets, read in the same way, give the
/// same one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Decision {
    /// The channel whose output, weighted by the mask, is largest on average. A trial whose mask is empty, or whose
    /// targets favor no channel, has no correct choice.
    #[default]
    LargestMean,
    /// The channel whose output is largest at the last step of the trial, whatever the mask: how PyCog scores its
    /// two-alternative tasks. A trial whose targets favor no channel there, such as a catch trial, has no correct choice.
    LargestAtEnd,
    /// The channel whose output is the first to reach a threshold, whatever the mask: how the choices of a reaction-time task
    /// are read. A trial in which none does has no choice, and a trial in which no target does has no correct one.
    FirstToReach {
        /// The threshold.
        threshold: f32,
    },
    /// The task asks for no choice: a waveform, say.
    None,
}

impl Decision {
    pub(crate) fn check(&self) -> Result<()> {
        match self {
            Self::FirstToReach { threshold } if !threshold.is_finite() => {
                Err(Error::argument("threshold of the decision", "finite", threshold))
            }
            _ => Ok(()),
        }
    }
}
