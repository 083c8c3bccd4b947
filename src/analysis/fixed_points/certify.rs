//! Proofs that there is a fixed point next to where one was computed, and one only.

use ndarray::{Array1, Array2, Axis};

use super::pieces::Pieces;
use super::still::{Leaky, Still, length};
use crate::dynamics::Transfer;

/// The largest size of the curvature `f''` of a tanh, a sigmoid and a softplus: `4/√27`, `1/√108` and a quarter.
const OF_TANH: f64 = 0.769_800_358_919_501;
const OF_SIGMOID: f64 = 0.096_225_044_864_937_63;
const OF_SOFTPLUS: f64 = 0.25;

/// A distance from `x` within which there is a fixed point, and one only; `None` if that is not proved. `inverse` is that of the
/// Jacobian of the residual at `x`.
///
/// With `β = ‖J⁻¹‖`, `η = ‖J⁻¹ G‖` and `K = ‖W‖ max |f''|` there is one within `(1 - √(1 - 2 β η K)) / (β K)` if `β η K ≤ ½` (Newton and
/// Kantorovich); to the residual is added what rounding may have made of it. In a region in which the network is linear it is `η`, if the
/// boundary is further away.
pub(super) fn certified(still: &Still, pieces: Option<&Pieces>, x: &Array1<f64>, inverse: &Array2<f64>) -> Option<f64> {
    let leaky = still.leaky()?;
    let residual = still.residual(x.view());
    let beta = bound_of_norm(inverse);
    let eta = length(&inverse.dot(&residual)) + beta * rounding(&leaky, x);
    let to_kink = x.iter().fold(f64::INFINITY, |least, x| least.min(x.abs()));
    if let Some(pieces) = pieces {
        return (!pieces.rectified || eta < to_kink).then_some(eta);
    }
    let curvature = match leaky.transfer {
        Transfer::Tanh | Transfer::RectifiedTanh => OF_TANH,
        Transfer::Sigmoid => OF_SIGMOID,
        Transfer::Softplus => OF_SOFTPLUS,
        _ => return None,
    };
    let k = leaky.norm * curvature;
    let product = 2.0 * beta * eta * k;
    let radius = 2.0 * eta / (1.0 + (1.0 - product).sqrt());
    let smooth = *leaky.transfer != Transfer::RectifiedTanh || radius < to_kink;
    (product <= 1.0 && smooth).then_some(radius)
}

/// What rounding may do to the residual at `x`.
fn rounding(leaky: &Leaky<'_>, x: &Array1<f64>) -> f64 {
    let rates = x.mapv(|x| leaky.transfer.exact(x)[0].abs());
    let sums = leaky.recurrent.mapv(f64::abs).dot(&rates) + x.mapv(f64::abs) + leaky.drive.mapv(f64::abs);
    f64::EPSILON * (x.len() + 4) as f64 * length(&sums)
}

/// No less than `‖A‖₂`.
fn bound_of_norm(matrix: &Array2<f64>) -> f64 {
    let largest_sum = |axis| matrix.mapv(f64::abs).sum_axis(axis).fold(0.0_f64, |most, &sum| most.max(sum));
    (largest_sum(Axis(0)) * largest_sum(Axis(1))).sqrt()
}
