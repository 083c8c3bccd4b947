//! Directional fibers: curves through the fixed points.
//!
//! For nearly each direction `c` the states whose residual is `λ c`, for some number `λ`, form curves, and where `λ` is 0 lie the fixed
//! points. Katz GE, Reggia JA (2017), doi:10.1109/TNNLS.2017.2733544. Directions of signs, `±1/√N`, are followed with the fewest steps, since
//! all units' slopes are small before `λ` is large.

use ndarray::{Array1, Array2, ArrayView1, Axis, s};

use super::arclength::{Zeros, follow, tolerance_of};
use super::curve::{Curve, End, Limits};
use super::newton::newton;
use super::pieces::Pieces;
use super::polygon::Polygon;
use super::starts::reach;
use super::still::{Leaky, Still, length};
use crate::dynamics::Transfer;
use crate::random::{Seed, TrialRng};

/// The most places of a curve in one direction, and the longest step between them.
const PLACES: usize = 4000;
const LONGEST: f64 = 1.0;
/// A turn this near to 0 may have a fixed point on either side.
const NEAR: f64 = 0.05;
/// How far a fiber is followed where no bound is known, relative to how far units may be driven.
const FAR: f64 = 10.0;

/// What fibers need to know of a network.
pub(super) struct Fibers<'a> {
    still: &'a Still,
    pieces: Option<&'a Pieces>,
    /// Beyond these residuals of the units no curve turns, `[n_rec]`.
    bound: Array1<f64>,
    seed: Seed,
}

/// The residual less `λ c`, as a function of `x` and `λ`.
pub(super) struct Fiber<'a> {
    pub(super) still: &'a Still,
    pub(super) direction: Array1<f64>,
}

impl Zeros for Fiber<'_> {
    fn value(&self, y: ArrayView1<'_, f64>) -> Array1<f64> {
        let n = self.direction.len();
        self.still.residual(y.slice(s![..n])) - &self.direction * y[n]
    }

    fn slopes(&self, y: ArrayView1<'_, f64>) -> Array2<f64> {
        let n = self.direction.len();
        let mut slopes = Array2::zeros((n, n + 1));
        slopes.slice_mut(s![.., ..n]).assign(&self.still.jacobian(y.slice(s![..n])));
        slopes.column_mut(n).assign(&-&self.direction);
        slopes
    }

    fn tolerance(&self) -> f64 {
        tolerance_of(self.still.exact.as_ref())
    }
}

impl<'a> Fibers<'a> {
    pub(super) fn new(still: &'a Still, pieces: Option<&'a Pieces>, seed: Seed) -> Self {
        Self { still, pieces, bound: bound(still), seed: seed.child("fibers") }
    }

    /// The fixed points on the fiber with this number, which begins at one of those that are known, if there is any.
    pub(super) fn follow(
        &self,
        number: u64,
        known: &[Array1<f64>],
        go_on: &(dyn Fn() -> bool + Sync),
    ) -> Vec<Array1<f64>> {
        let (n, mut rng) = (self.still.n(), self.seed.stream(number));
        let (x, direction, lambda) = match known.is_empty() {
            false => (known[rng.index(known.len())].clone(), signs(n, &mut rng), 0.0),
            // Any state lies on the fiber in the direction of its residual.
            true => {
                let x = reach(self.still).mapv(|reach| reach * f64::from(rng.uniform(-1.0, 1.0)));
                let residual = self.still.residual(x.view());
                let lambda = length(&residual);
                (x, residual / lambda, lambda)
            }
        };
        let most = (0..n).map(|unit| self.bound[unit] / direction[unit].abs()).fold(0.0, f64::max).max(2.0 * lambda);
        let start: Array1<f64> = x.iter().copied().chain([lambda]).collect();
        let mut found: Vec<Array1<f64>> = if known.is_empty() { Vec::new() } else { vec![x] };
        for forward in [true, false] {
            let Some(curve) = self.curve(&direction, &start, forward, most, go_on) else { continue };
            found.extend(curve.meets(0.0, NEAR).iter().filter_map(|near| self.zero(near)));
            if curve.end == End::Closed {
                break;
            }
        }
        found
    }

    fn curve(
        &self,
        direction: &Array1<f64>,
        start: &Array1<f64>,
        forward: bool,
        most: f64,
        go_on: &(dyn Fn() -> bool + Sync),
    ) -> Option<Curve> {
        let limits = |range| Limits { range, longest: LONGEST, places: PLACES, go_on };
        match self.pieces {
            Some(Pieces { recurrent, drive, rectified }) => {
                let by = -direction;
                let polygon = Polygon { recurrent, offset: drive.clone(), by, rectified: *rectified };
                polygon.follow(start.view(), forward, &limits(f64::NEG_INFINITY..f64::INFINITY))
            }
            None => {
                let fiber = Fiber { still: self.still, direction: direction.clone() };
                follow(&fiber, start, forward, &limits(-most..most))
            }
        }
    }

    /// The zero next to where a curve comes by.
    fn zero(&self, near: &Array1<f64>) -> Option<Array1<f64>> {
        match self.pieces {
            Some(pieces) => {
                let region = pieces.region(near);
                pieces.solve(&region).filter(|x| pieces.is_in(x, &region))
            }
            None => newton(self.still, near),
        }
    }
}

/// `±1/√N` of each unit.
fn signs(n: usize, rng: &mut TrialRng) -> Array1<f64> {
    let size = 1.0 / (n as f64).sqrt();
    (0..n).map(|_| if rng.chance(0.5) { size } else { -size }).collect()
}

/// Beyond these residuals no fiber turns: all states are so far out that all slopes are below `1 / ‖W‖`, so that `W D - 1` has an
/// inverse. Of functions that do not level off on both sides it is only far out.
fn bound(still: &Still) -> Array1<f64> {
    let reach = reach(still);
    let Some(Leaky { transfer, recurrent, drive, norm }) = still.leaky() else { return reach * FAR };
    let slope = 1.0 / norm.max(1.0);
    let level = match transfer {
        Transfer::Tanh => (1.0 - slope).sqrt().atanh(),
        // r (1 - r) is a quarter at the most.
        Transfer::Sigmoid if slope >= 0.25 => 0.0,
        Transfer::Sigmoid => ((1.0 + (1.0 - 4.0 * slope).sqrt()) / (1.0 - (1.0 - 4.0 * slope).sqrt())).ln(),
        _ => return reach * FAR,
    };
    let weights = recurrent.mapv(f64::abs).sum_axis(Axis(1));
    drive.mapv(f64::abs) + weights + level
}
