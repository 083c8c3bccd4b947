//! What was found.

use std::fmt;
use std::sync::Arc;

use ndarray::{Array1, Array2};

use crate::caught::caught_in;
use crate::dynamics::exact::Exact;
use crate::dynamics::{Kind, Linearization};
use crate::table::{Table, Value};
use crate::{Error, Result};

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
    /// The lines of fixed points, each of which has its middle among the points.
    pub lines: Vec<FixedLine>,
    /// The slow points, the slowest first, if these were asked for.
    pub slow: Vec<SlowPoint>,
    /// Whether these are all.
    pub completeness: Completeness,
    /// How many fixed points there are, as guessed from how often each was met: `S + f₁² / (2 f₂)`, with `S` those that were found, `f₁`
    /// those that only one curve met, or the search from states alone, and `f₂` those that two of these did. Chao A (1987).
    pub estimated: f64,
    /// Whether the search was interrupted, so that it is not known whether there are more.
    pub interrupted: bool,
    /// The equation to which they belong.
    pub(crate) exact: Arc<dyn Exact>,
}

/// A state that stands still.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FixedPoint {
    /// The state `[n_state]`: `x` of a leaky network, `r` in the rate form, `h` and after it `c` of an LSTM.
    pub state: Array1<f64>,
    /// The outputs there `[n_out]`.
    pub outputs: Array1<f64>,
    /// What it is.
    pub kind: Kind,
    /// How many modes grow: of the equation, where it has time constants, else of its steps.
    pub unstable: usize,
    /// How many modes grow in steps of `dt`, which may be too long for modes that decay or rotate fast.
    pub unstable_steps: usize,
    /// The time constant of the slowest mode in milliseconds; negative if it grows.
    pub slowest: f64,
    /// The sign of `det(1 - W diag f')`: 1 where an even number of real modes grow, -1 where an odd number does, 0 where one neither
    /// grows nor decays. Where the slope of the transfer function jumps, it is the sum of those of the points into which a small change of
    /// the drive parts it.
    pub index: i8,
    /// `max |G|`, how far from zero the residual is; in the rate form that of the currents.
    pub residual: f64,
    /// A distance from the state within which there is a fixed point, and one only, if that is proved; in the rate form a distance of
    /// currents from `W r + W_in u + b`.
    pub certified: Option<f64>,
    /// Whether the slope of the transfer function jumps here, so that the linear dynamics are those of one side.
    pub on_boundary: bool,
    /// Whether it lies far outside of the states of the session: further from their mean than ten times their mean distance.
    pub outside: bool,
}

/// States that stand still side by side: on a line, or on a plane and so on if there are several directions.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FixedLine {
    /// Its middle `[n_state]`, or one of its states if it has none.
    pub state: Array1<f64>,
    /// Its directions, of length 1 and at right angles, `[n_directions, n_state]`.
    pub directions: Array2<f64>,
    /// Where it ends `[n_state]`, backward and forward: where a unit falls silent or begins to fire. `None` where it has no end, and where
    /// there are several directions.
    pub ends: [Option<Array1<f64>>; 2],
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
    /// Whether that is longer than the longest trial; without a session, than ten times the longest time constant.
    pub is_slow: bool,
}

/// What is known of whether all fixed points were found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Completeness {
    /// It is proved that there are no others, up to the rounding of double precision: all regions in which the network is linear were gone
    /// through, or boxes that cover all states that can stand still.
    Proved,
    /// The indices add up to 1, as they must, and the last curves through the state space brought nothing new. That is no proof: two
    /// points with opposite indices may be missing.
    IndexConsistent {
        /// How many curves were followed.
        curves: usize,
        /// How many of them, the last ones, brought nothing new.
        last_new: usize,
    },
    /// The indices do not add up to 1, as they must: some points are missing.
    Incomplete {
        /// Their sum.
        index_sum: i64,
    },
    /// Nothing can be said: it is not known what the indices must add up to, since some trajectories run away or a point is degenerate; or
    /// one of the last curves still brought something new; or no curves were followed.
    Undecided {
        /// Their sum, without those that are degenerate.
        index_sum: i64,
        /// How many curves were followed.
        curves: usize,
        /// How many of them, the last ones, brought nothing new.
        last_new: usize,
    },
}

impl fmt::Display for Completeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proved => f.write_str("these are all, which is proved"),
            Self::IndexConsistent { curves, last_new } => {
                write!(f, "the indices add up to 1, and the last {last_new} of {curves} curves brought nothing new")
            }
            Self::Incomplete { index_sum } => {
                write!(f, "some are missing: the indices add up to {index_sum}, and must to 1")
            }
            Self::Undecided { curves: 0, .. } => {
                f.write_str("it is not known whether these are all: no curves were followed")
            }
            Self::Undecided { index_sum, curves, last_new } => write!(
                f,
                "it is not known whether these are all: the indices add up to {index_sum}, and the last {last_new} of {curves} curves \
                 brought nothing new"
            ),
        }
    }
}

impl FixedPoint {
    /// Whether all of its modes decay.
    #[must_use]
    pub fn is_stable(&self) -> bool {
        matches!(self.kind, Kind::StableNode | Kind::StableFocus)
    }
}

impl FixedPointSet {
    /// The sum of the indices.
    #[must_use]
    pub fn index_sum(&self) -> i64 {
        self.points.iter().map(|point| i64::from(point.index)).sum()
    }

    /// The linear dynamics about the fixed point of this number.
    ///
    /// # Errors
    /// If there is none of this number, or if its derivatives are not finite.
    pub fn at(&self, point: usize) -> Result<Linearization> {
        let Some(at) = self.points.get(point) else {
            let expected = format!("the number of one of the {} fixed points, counted from 0", self.points.len());
            return Err(Error::argument("point", expected, point));
        };
        caught_in("the transfer function", || {
            Linearization::of(self.exact.as_ref(), at.state.view(), self.input.view())
        })
    }

    /// One row a fixed point: its number in [`FixedPointSet::points`] (`point`), its `kind`, how many modes are `unstable`, the time
    /// constant of the `slowest (ms)`, its `index`, and its outputs, `output 0` and so on. If modes grow in steps of `dt` that decay in the
    /// equation, there is `unstable in steps`; if one lies far outside of the session's states, `outside`; if one lies on the boundary of
    /// two regions, `on boundary`.
    #[must_use]
    pub fn table(&self) -> Table {
        let points = &self.points;
        let mut table = Table::new();
        // All columns have one row a point, so no insertion can fail.
        let mut add = |name: &str, of: &dyn Fn(usize) -> Value| {
            drop(table.insert(name, (0..points.len()).map(of).collect::<Vec<_>>()));
        };
        add("point", &|point| point.into());
        add("kind", &|point| points[point].kind.to_string().into());
        add("unstable", &|point| points[point].unstable.into());
        if points.iter().any(|point| point.unstable_steps != point.unstable) {
            add("unstable in steps", &|point| points[point].unstable_steps.into());
        }
        add("slowest (ms)", &|point| points[point].slowest.into());
        add("index", &|point| f64::from(points[point].index).into());
        for output in 0..self.exact.counts().n_out {
            add(&format!("output {output}"), &|point| points[point].outputs[output].into());
        }
        if points.iter().any(|point| point.outside) {
            add("outside", &|point| points[point].outside.into());
        }
        if points.iter().any(|point| point.on_boundary) {
            add("on boundary", &|point| points[point].on_boundary.into());
        }
        table
    }
}

impl fmt::Debug for FixedPointSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { input, points, lines, slow, completeness, estimated, interrupted, exact: _ } = self;
        f.debug_struct("FixedPointSet")
            .field("input", input)
            .field("points", points)
            .field("lines", lines)
            .field("slow", slow)
            .field("completeness", completeness)
            .field("estimated", estimated)
            .field("interrupted", interrupted)
            .finish_non_exhaustive()
    }
}
