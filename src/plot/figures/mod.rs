//! Figures of what this crate has: one file for each kind of thing, with its `plot` methods.

mod behavior;
mod decoding;
mod dpca;
mod dynamics;
mod fixed_points;
mod history;
mod lesion;
mod population;
mod similarity;
mod table;
#[cfg(feature = "torch")]
mod training;
mod trial;
mod weights;

pub use behavior::{censored_pairs, pairs, shares};

use crate::plot::draw::LARGEST;
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

/// The ends of an axis with a little room about the levels.
fn ends(levels: &[f64]) -> (f64, f64) {
    let (low, high) =
        levels.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)));
    let room = if high > low { 0.06 * (high - low) } else { 1.0 };
    ((low - room).max(-LARGEST), (high + room).min(LARGEST))
}

/// Places from one end of an axis to the other, close enough for a smooth curve.
fn along(left: f64, right: f64) -> Vec<f64> {
    const SMOOTH: usize = 200;
    (0..=SMOOTH).map(|i| left + (right - left) * i as f64 / SMOOTH as f64).collect()
}
