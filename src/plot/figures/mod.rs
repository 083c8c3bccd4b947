//! Figures of what this crate has: one file for each kind of thing, with its `plot` methods.

mod behavior;
mod lesion;
mod population;
#[cfg(feature = "torch")]
mod training;
mod trial;
mod weights;

pub use behavior::{censored_pairs, pairs, shares};

use crate::simulate::numbered;
use crate::{Error, Result};

/// The column of a unit of the network among those of the units that were recorded.
fn column_of(name: &str, recorded: &[usize], unit: usize) -> Result<usize> {
    recorded.iter().position(|&number| number == unit).ok_or_else(|| {
        let n = recorded.len();
        let all = recorded.iter().copied().eq(0..n);
        let expected = if all {
            format!("below the number of units, {n}")
        } else {
            format!("one of those recorded, {}", numbered(recorded))
        };
        Error::argument(name, expected, unit)
    })
}
