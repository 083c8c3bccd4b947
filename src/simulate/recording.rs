//! What a session keeps of a run.

use serde::{Deserialize, Serialize};

use super::Units;
use crate::Result;
use crate::dynamics::Rows;

/// What a [`Session`](super::Session) keeps of the units of a network; its outputs it always keeps.
///
/// States and rates of all units are `8 n_batch n_steps n_rec` bytes, which for long trials is far more than a machine has. A network
/// runs as well without them:
///
/// ```no_run
/// use psychrnn::prelude::*;
/// # let batch = PerceptualDiscrimination::default().batch(500, Seed(2))?;
/// let simulator = Simulator::load("weights.npz")?;
/// let behavior = simulator.clone().record(Recording::outputs()).run(&batch)?;
/// let ten_units = simulator.record(Recording::rates(0..10)).run(&batch)?;
/// assert_eq!(ten_units.rates.dim().2, 10);
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// Whether the states are kept.
    pub states: bool,
    /// Whether the rates are kept.
    pub rates: bool,
    /// Of which units, in ascending order in the session.
    pub units: Units,
}

/// The numbers of units, ascending ones that follow each other as "3 to 9".
pub(crate) fn numbered(units: &[usize]) -> String {
    let runs = units.chunk_by(|a, b| a + 1 == *b).map(|run| match run {
        [first, _, .., last] => format!("{first} to {last}"),
        few => few.iter().map(usize::to_string).collect::<Vec<_>>().join(", "),
    });
    runs.collect::<Vec<_>>().join(", ")
}

impl Default for Recording {
    fn default() -> Self {
        Self::of(..)
    }
}

impl Recording {
    /// States and rates of these units; of all, `..`, by default.
    pub fn of(units: impl Into<Units>) -> Self {
        Self { states: true, rates: true, units: units.into() }
    }

    /// The rates of these units.
    pub fn rates(units: impl Into<Units>) -> Self {
        Self { states: false, ..Self::of(units) }
    }

    /// The states of these units.
    pub fn states(units: impl Into<Units>) -> Self {
        Self { rates: false, ..Self::of(units) }
    }

    /// Nothing but the outputs.
    #[must_use]
    pub fn outputs() -> Self {
        Self { states: false, rates: false, units: Units::All }
    }

    /// The recorded units of a network with so many; none if only outputs are.
    pub(super) fn among(&self, n_rec: usize) -> Result<Vec<usize>> {
        match self.states || self.rates {
            true => self.units.among(n_rec, "units to record"),
            false => Ok(Vec::new()),
        }
    }

    /// The rows that the kernel is to show of states and of rates, where these units are recorded.
    pub(super) fn rows(&self, units: &[usize]) -> [Rows; 2] {
        let rows = match self.units {
            Units::All => Rows::All,
            _ => Rows::These(units.into()),
        };
        [self.states, self.rates].map(|kept| if kept { rows.clone() } else { Rows::None })
    }
}
