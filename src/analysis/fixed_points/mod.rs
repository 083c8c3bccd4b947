//! Where the state of a network stands still, and how it moves about there.

mod set;

pub use set::{Completeness, FixedPoint, FixedPointSet, Kind, SlowPoint};
