//! Where the state of a network stands still, and how it moves about there.
//!
//! A network that is told nothing new goes to states that stay: memories, choices. Between these lie others that stay only if nothing pushes
//! them, the saddles on which it is decided. All of them are *fixed points*, zeros of what drives the state: `G(x) = W f(x) + W_in u + b - x`
//! in a leaky network, at one input `u`. [`FixedPoints`] finds them, and says what is known of whether these are all
//! ([`Completeness`]); [`FixedPointSet::at`] tells about each how the state moves next to it.
//!
//! # How they are found
//!
//! 1. *From states.* The search begins at states of a session, at such states with noise, and where the network comes to by itself. From
//!    there Newton's method goes to a zero of `G`. It finds stable points, saddles and unstable ones alike, which a run of the network does
//!    not, and to the last digits. A network of rectified units (ReLU) is linear while no unit's state changes its sign: it goes from
//!    region to region by what would stand still there.
//! 2. *Along curves.* States where `G` points in one direction form curves, on which fixed points lie one after the other. From a point that is
//!    known a curve leads to others: to saddles with two or three directions of escape, above all, which states miss. Curves in other
//!    directions are followed until three of them have brought nothing new, and most points were met more than once
//!    ([`FixedPointSet::estimated`]).
//! 3. *By proof*, where there is one: of up to 20 rectified units (28, if asked for) all regions are gone through; of up to three
//!    units with a tanh, sigmoid, rectified tanh or softplus, boxes that cover all states. A linear network has one region.
//!
//! # What is proved, and what is not
//!
//! - That each of them *is* a fixed point. What is given as one has `max |G| <= 1e-12 (1 + max |x|)`, and [`FixedPoint::certified`] is a distance
//!   within which there is exactly one, by a theorem (Newton and Kantorovich). States that only move slowly are never among them:
//!   [`FixedPoints::slow`] asks for these.
//! - That there are *no others*: [`Completeness::Proved`], and only this.
//! - That some are *missing*. Each point has an index, 1 or -1, and where no trajectory runs away these add up to 1, however many there are
//!   (the degree of `-G`). With a tanh, a sigmoid, a rectified tanh and in an LSTM none can; of other transfer functions it is tried with
//!   16 trajectories that begin far out. So if they do not, [`Completeness::Incomplete`] says that the search has not found all: more `curves`,
//!   more `starts`, or a session whose states come closer may. If they do, [`Completeness::IndexConsistent`], nothing is proved: two points
//!   with opposite indices may be missing. In trained networks of up to 100 units with 3 to 27 points none was, as far as others could tell.
//! - Nothing, where trajectories run away or a point is degenerate: [`Completeness::Undecided`].
//!
//! A network may stand still along a *line*: where one of its modes neither grows nor decays, as by design in an integrator. In a piecewise
//! linear network such a line is found as what it is, with its direction and its ends ([`FixedLine`]), to a rate of a millionth of the
//! leak's. That of another network is nearly always a chain of fixed points and slow points, with time constants much longer than
//! that of a unit.
//!
//! [`FixedPointSet::line_attractor`] says of either how fast the state drifts along it.
//!
//! # What becomes of them
//!
//! While an input, a gain of the weights or a lesion changes, fixed points move along branches, and two of them vanish where a branch turns:
//! [`FixedPointSet::along`], [`FixedPointSet::along_gain`] and [`FixedPointSet::towards`] follow these, also around their turns, and give
//! [`Branches`], whose `plot` is the bifurcation diagram.
//!
//! The same seed gives the same bits, for any number of threads. Noise is left out.

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
