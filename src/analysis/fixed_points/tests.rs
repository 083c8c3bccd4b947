//! The engines that follow curves, on networks whose fixed points are known.

use std::path::PathBuf;

use ndarray::{Array1, Array2, ArrayD, ArrayView1, Axis, Ix2, concatenate, s};

use super::arclength::{Zeros, follow};
use super::curve::{Curve, Limits};
use super::polygon::Polygon;
use crate::dynamics::Transfer;
use crate::dynamics::exact::Exact;
use crate::dynamics::linear::Lu;
use crate::npz::Npz;
use crate::random::Seed;
use crate::simulate::Simulator;

/// `G(x) - s c`.
struct Fiber<'a> {
    exact: &'a dyn Exact,
    input: &'a Array1<f64>,
    direction: &'a Array1<f64>,
}

impl Zeros for Fiber<'_> {
    fn value(&self, y: ArrayView1<'_, f64>) -> Array1<f64> {
        let (x, s) = y.split_at(Axis(0), self.direction.len());
        self.exact.residual(x, self.input.view()) - self.direction * s[0]
    }

    fn slopes(&self, y: ArrayView1<'_, f64>) -> Array2<f64> {
        let jacobian = self.exact.residual_jacobian(y.slice(s![..self.direction.len()]), self.input.view());
        concatenate![Axis(1), jacobian, (-self.direction).insert_axis(Axis(1))]
    }
}

impl Fiber<'_> {
    fn follow(&self, x: ArrayView1<'_, f64>, forward: bool) -> Option<Curve> {
        let limits = Limits { range: -100.0..100.0, longest: 1.0, places: 4000, go_on: &|| true };
        let start = concatenate![Axis(0), x, [0.0]];
        match (self.exact.transfer(), self.exact.recurrent()) {
            (Some(Transfer::Relu), Some(recurrent)) => {
                let offset = self.exact.residual(Array1::zeros(x.len()).view(), self.input.view());
                let by = -self.direction;
                Polygon { recurrent, offset, by, rectified: true }.follow(start.view(), forward, &limits)
            }
            _ => follow(self, &start, forward, &limits),
        }
    }

    /// Newton's method, undamped.
    fn zero(&self, mut x: Array1<f64>) -> Option<Array1<f64>> {
        for _ in 0..30 {
            let residual = self.exact.residual(x.view(), self.input.view());
            x -= &Lu::of(self.exact.residual_jacobian(x.view(), self.input.view()))?.solve(residual.view());
        }
        let residual = self.exact.residual(x.view(), self.input.view());
        residual.iter().all(|g| g.abs() < 1e-11).then_some(x)
    }
}

/// Follows fibers in random directions of signs both ways from the first fixed point of the truth. They meet all others, and none besides.
fn meet_all(network: &str, number: usize) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/parity/analysis");
    let truth = |name: &str| {
        let array: ArrayD<f64> =
            Npz::open(&folder.join(format!("{network}.truth.npz"))).unwrap().numbers(name).unwrap();
        array.into_dimensionality::<Ix2>().unwrap()
    };
    let exact = Simulator::load(folder.join(format!("{network}.npz"))).unwrap().exact().unwrap();
    let (input, n) = (truth("inputs").row(number).to_owned(), exact.counts().n_rec);
    let points = truth(&format!("fixed_points_{number}")).slice_move(s![.., ..n]);
    let mut met = vec![false; points.nrows()];
    for fiber in 0..8 {
        let mut rng = Seed(5).stream(fiber);
        let direction = (0..n).map(|_| if rng.chance(0.5) { 1.0 } else { -1.0 } / (n as f64).sqrt()).collect();
        let fiber = Fiber { exact: exact.as_ref(), input: &input, direction: &direction };
        for forward in [true, false] {
            let near = fiber.follow(points.row(0), forward).unwrap().meets(0.0, 0.05);
            for x in near.into_iter().filter_map(|x| fiber.zero(x)) {
                let is_it = |point: ArrayView1<'_, f64>| (&point - &x).iter().all(|apart| apart.abs() < 1e-8);
                let known = points.outer_iter().position(is_it);
                met[known.unwrap_or_else(|| panic!("{network}, input {number}: {x} is not in the truth"))] = true;
            }
        }
    }
    assert!(met.iter().all(|&met| met), "{network}, input {number}: met {met:?}");
}

#[test]
fn fibers_lead_from_one_fixed_point_to_all_others() {
    for network in ["one_tanh", "bistable2_tanh", "product6_tanh", "sigmoid5_tau", "softplus2_tau", "lstm2"] {
        meet_all(network, 0);
    }
    meet_all("flipflop24_tanh", 0);
    meet_all("flipflop32_tanh", 0);
}

#[test]
fn polygons_lead_from_one_fixed_point_to_all_others() {
    for (network, number) in [("relu7", 0), ("relu7", 1), ("relu7", 2), ("relu6_unbounded", 0), ("flipflop40_relu", 0)]
    {
        meet_all(network, number);
    }
}
