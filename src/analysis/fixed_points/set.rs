//! What was found.

use std::sync::Arc;

use ndarray::Array1;

use crate::dynamics::exact::Exact;

/// The fixed points of a network at one input, and what is known of whether these are all.
///
/// Fixed points are never mixed with slow points: these have a list of their own.
#[derive(Clone)]
#[non_exhaustive]
pub struct FixedPointSet {
    /// The input `[n_in]`, constant in time.
    pub input: Array1<f64>,
    /// The fixed points: those with the fewest unstable modes first, then by their first numbers.
    pub points: Vec<FixedPoint>,
    /// The slow points, the slowest first, if these were asked for.
    pub slow: Vec<SlowPoint>,
    /// Whether these are all.
    pub completeness: Completeness,
    /// Whether the search was interrupted, so that it is not known whether there are more.
    pub interrupted: bool,
    /// The equation to which they belong.
    pub(crate) exact: Arc<dyn Exact>,
}

/// A state that stands still.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FixedPoint {
    /// The state `[n_state]`: `x` of a leaky network, `h` and after it `c` of an LSTM.
    pub state: Array1<f64>,
    /// The outputs there `[n_out]`.
    pub outputs: Array1<f64>,
    /// What it is.
    pub kind: Kind,
    /// How many modes grow.
    pub unstable: usize,
    /// The time constant of the slowest mode in milliseconds; negative if it grows.
    pub slowest: f64,
    /// The sign of `det(1 - W diag f')`: 1 where an even number of real modes grow, -1 where an odd number does, 0 where one neither
    /// grows nor decays.
    pub index: i8,
    /// `max |G|`, how far from zero the residual is.
    pub residual: f64,
    /// A radius within which there is exactly one fixed point, if that is proved (Newton–Kantorovich, or a region in which the network
    /// is linear).
    pub certified: Option<f64>,
    /// Whether the slope of the transfer function jumps here, so that the linear dynamics are those of one side.
    pub on_boundary: bool,
    /// Whether it lies far outside of the states of the session: further from their mean than ten times their mean distance.
    pub outside: bool,
}

/// What a fixed point is, by its linear dynamics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// All modes decay, none of them rotates.
    StableNode,
    /// All modes decay, and some rotate.
    StableFocus,
    /// Some grow and some decay.
    Saddle,
    /// All grow.
    Unstable,
    /// One neither grows nor decays.
    Degenerate,
}

/// A state where the network moves slowest: a minimum of `½‖G‖²` that is no fixed point.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SlowPoint {
    /// The state `[n_state]`.
    pub state: Array1<f64>,
    /// The outputs there `[n_out]`.
    pub outputs: Array1<f64>,
    /// How fast the state moves, per millisecond.
    pub speed: f64,
    /// How long it takes at this speed to go as far as states spread (root mean square), in milliseconds.
    pub drift_time: f64,
    /// Whether that is longer than the longest trial.
    pub is_slow: bool,
}

/// What is known of whether all fixed points were found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Completeness {
    /// All regions in which the network is linear were gone through: there are no others.
    Proved,
    /// The indices add up to what they must, and the last curves through the state space brought nothing new.
    IndexConsistent {
        /// How many curves were followed.
        curves: usize,
        /// Since how many of them nothing new came.
        last_new: usize,
    },
    /// The indices do not add up to what they must: some are missing.
    Incomplete {
        /// Their sum.
        index_sum: i64,
    },
}
