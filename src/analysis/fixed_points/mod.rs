//! Where the state of a network stands still, and how it moves about there.

mod boxes;
mod certify;
mod continuum;
mod fibers;
mod newton;
mod pieces;
mod point;
mod regions;
mod search;
mod set;
mod slow;
mod starts;
mod still;

pub use search::FixedPoints;
pub use set::{Completeness, FixedLine, FixedPoint, FixedPointSet, Kind, SlowPoint};
