//! Where the state of a network stands still, and how it moves about there.

mod arclength;
mod boxes;
mod certify;
mod continuum;
mod curve;
mod fibers;
mod newton;
mod pieces;
mod point;
mod polygon;
mod regions;
mod search;
mod set;
mod slow;
mod starts;
mod still;
#[cfg(test)]
mod tests;

pub use search::FixedPoints;
pub use set::{Completeness, FixedLine, FixedPoint, FixedPointSet, SlowPoint};

pub use crate::dynamics::Kind;
