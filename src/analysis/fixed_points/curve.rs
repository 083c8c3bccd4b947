//! Curves in the space of the unknowns `x` and one number `s`, on which a residual is zero.
//!
//! Where the number is how far the residual is along a direction, the curve is a directional fibre, on which the fixed points lie at
//! 0; where it is an input or a weight, it is a branch of fixed points. `arclength` follows smooth ones, `polygon` those of piecewise
//! linear networks.

use std::fmt;
use std::ops::Range;

use ndarray::{Array1, ArrayView1, s};
use serde::{Deserialize, Serialize};

/// How often a root is looked for, and how narrowly.
const ROUNDS: usize = 100;
const NARROW: f64 = 1e-15;

/// How far a curve is followed.
pub(crate) struct Limits<'a> {
    /// The values of `s` between which it is followed.
    pub(crate) range: Range<f64>,
    /// The longest step.
    pub(crate) longest: f64,
    /// The most places.
    pub(crate) places: usize,
    /// Whether to go on, asked at each place.
    pub(crate) go_on: &'a (dyn Fn() -> bool + Sync),
}

/// A place on a curve.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// `x` and after it `s`, `[n + 1]`.
    pub(crate) y: Array1<f64>,
    /// The direction in which the curve leaves it, of length 1, `[n + 1]`.
    pub(crate) tangent: Array1<f64>,
    /// The sign of the determinant of the residual's derivatives with the tangent below them. It changes where curves cross.
    pub(crate) orientation: i8,
}

impl Place {
    /// The unknowns.
    pub(crate) fn x(&self) -> ArrayView1<'_, f64> {
        self.y.slice(s![..self.y.len() - 1])
    }

    /// The number.
    pub(crate) fn s(&self) -> f64 {
        self.y[self.y.len() - 1]
    }

    /// How the number grows along the curve: 0 where it turns.
    pub(crate) fn ds(&self) -> f64 {
        self.tangent[self.y.len() - 1]
    }
}

/// How a branch of fixed points ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum End {
    /// It leaves the range.
    Out,
    /// It comes back to its start.
    Closed,
    /// It cannot be followed any further: it comes to where there is more than one way on, or none.
    Stuck,
    /// It has as many places as it may have, or the work was interrupted.
    Stopped,
    /// It begins on another branch.
    Crossing,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Out => "end of the range",
            Self::Closed => "where it began",
            Self::Stuck => "not followed further",
            Self::Stopped => "stopped",
            Self::Crossing => "on another branch",
        })
    }
}

/// A curve.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    /// Places along it, the start first.
    pub(crate) places: Vec<Place>,
    /// Why there are no more.
    pub(crate) end: End,
    /// Whether it is straight from each place to the next.
    pub(crate) straight: bool,
}

impl Curve {
    /// The pairs of neighboring places.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&Place, &Place)> {
        self.places.iter().zip(self.places.iter().skip(1))
    }

    /// About where `s` is `level`, or turns nearer to it than `near`: `x` there, along the curve.
    pub(crate) fn meets(&self, level: f64, near: f64) -> Vec<Array1<f64>> {
        let mut met = Vec::new();
        for (a, b) in self.pairs() {
            let between = |at: f64| if self.straight { straight(a, b, at) } else { bent(a, b, at) };
            let s = |at: f64| between(at)[a.y.len() - 1] - level;
            let turns = (a.ds() < 0.0) != (b.ds() < 0.0);
            let turn = match self.straight {
                true => turns.then_some(1.0),
                false => root(0.0, 1.0, |at| Some(slope(a, b, at))).filter(|_| turns),
            };
            let ends: Vec<f64> = [Some(0.0), turn, Some(1.0)].into_iter().flatten().collect();
            let mut found: Vec<f64> =
                ends.windows(2).filter_map(|pair| root(pair[0], pair[1], |at| Some(s(at)))).collect();
            found.extend(turn.filter(|&turn| s(turn).abs() < near));
            met.extend(found.into_iter().map(|at| between(at).slice_move(s![..a.y.len() - 1])));
        }
        met
    }
}

/// On the straight line from one place (0) to the next (1).
fn straight(a: &Place, b: &Place, at: f64) -> Array1<f64> {
    &a.y * (1.0 - at) + &b.y * at
}

/// On the cubic with the tangents of both places from one (0) to the other (1).
pub(super) fn bent(a: &Place, b: &Place, at: f64) -> Array1<f64> {
    let (rest, length) = (1.0 - at, distance(&a.y, &b.y));
    let (from_a, from_b) = (rest * rest * (1.0 + 2.0 * at), at * at * (3.0 - 2.0 * at));
    &a.y * from_a + &b.y * from_b + (&a.tangent * rest - &b.tangent * at) * (at * rest * length)
}

/// The derivative of `s` along that cubic.
fn slope(a: &Place, b: &Place, at: f64) -> f64 {
    let (rest, length) = (1.0 - at, distance(&a.y, &b.y));
    let tangents = a.ds() * rest * (1.0 - 3.0 * at) + b.ds() * at * (3.0 * at - 2.0);
    6.0 * at * rest * (b.s() - a.s()) + tangents * length
}

/// The Euclidean distance.
pub(super) fn distance(a: &Array1<f64>, b: &Array1<f64>) -> f64 {
    (a - b).mapv(|x| x * x).sum().sqrt()
}

/// Where a function is 0 between two places at which its signs differ, by false position with halved weights (the Illinois
/// method). `None` where they do not differ.
pub(super) fn root(low: f64, high: f64, mut of: impl FnMut(f64) -> Option<f64>) -> Option<f64> {
    let ((mut a, mut at_a), (mut b, mut at_b)) = ((low, of(low)?), (high, of(high)?));
    if (at_a < 0.0) == (at_b < 0.0) {
        return None;
    }
    for _ in 0..ROUNDS {
        let c = (a * at_b - b * at_a) / (at_b - at_a);
        // Where it has none, as next to a crossing of curves, no narrower place is known.
        let Some(at_c) = of(c) else { return Some(b) };
        if at_c == 0.0 || (b - a).abs() <= NARROW * (high - low).abs() {
            return Some(c);
        }
        if (at_c < 0.0) == (at_b < 0.0) {
            at_a *= 0.5;
        } else {
            (a, at_a) = (b, at_b);
        }
        // As soon as both ends are the newest, it converges faster than any bisection.
        if (c - b).abs() <= NARROW * (high - low).abs() {
            return Some(c);
        }
        (b, at_b) = (c, at_c);
    }
    Some(b)
}
