//! Where the state of a network stands still, and how it moves about there.

mod arclength;
mod curve;
mod polygon;
mod set;
#[cfg(test)]
mod tests;

pub use set::{Completeness, FixedPoint, FixedPointSet, Kind, SlowPoint};
