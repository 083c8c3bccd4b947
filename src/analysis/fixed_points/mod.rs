//! Where the state of a network stands still, and how it moves about there. [`FixedPoints`] says what is done and what is proved.

mod arclength;
mod boxes;
mod branches;
mod certify;
mod continuation;
mod continuum;
mod curve;
mod cycles;
mod family;
mod fibers;
mod found;
mod line;
mod newton;
mod pieces;
mod point;
mod polygon;
mod regions;
mod search;
mod set;
mod sides;
mod slow;
mod stability;
mod starts;
mod still;
#[cfg(test)]
mod tests;

pub use branches::{Bifurcation, BifurcationKind, Branch, BranchEnd, Branches};
pub use cycles::{Cycle, CycleSet, Cycles};
pub use line::LineAttractor;
pub use search::FixedPoints;
pub use set::{Completeness, FixedLine, FixedPoint, FixedPointSet, SlowPoint};

pub use crate::dynamics::Kind;
