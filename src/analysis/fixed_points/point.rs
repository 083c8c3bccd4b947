//! What a zero of the residual is, by its linear dynamics.

use ndarray::{Array1, s};

use super::certify::certified;
use super::pieces::Pieces;
use super::set::FixedPoint;
use super::starts::Starts;
use super::still::{Still, largest, length};
use crate::dynamics::linear::Lu;
use crate::dynamics::{Eigenvalue, Kind, Linearization, Transfer};

/// This near to the kink of a transfer function a unit is on it.
const NEAR_KINK: f64 = 1e-9;
/// Of more units on the boundary than this the index is not worked out.
const MOST_ON_BOUNDARY: usize = 8;

/// The fixed point at `x`, and whether its index is known.
pub(super) fn point(still: &Still, pieces: Option<&Pieces>, starts: &Starts, x: &Array1<f64>) -> (FixedPoint, bool) {
    let (exact, input) = (&still.exact, still.input.view());
    let state = still.state(x.view());
    let jacobian = still.jacobian(x.view());
    let linear = Linearization::of(exact.as_ref(), state.view(), input);
    let values = linear.and_then(|linear| linear.eigenvalues()).unwrap_or_default();
    let kind = Kind::of(values.iter().copied(), exact.tau());
    let lu = Lu::of(jacobian);
    let inverse = lu.as_ref().map(Lu::inverse);
    let at: Vec<usize> = on_boundary(still, pieces, x);
    let degenerate = kind == Kind::Degenerate;
    let index = match (&lu, pieces) {
        _ if degenerate || at.len() > MOST_ON_BOUNDARY => None,
        (_, Some(pieces)) if !at.is_empty() => pieces.index_on_boundary(x, &at),
        // The residual's Jacobian is that of `1 - W diag f'`, turned round in each of its dimensions.
        (Some(lu), _) => Some(if x.len().is_multiple_of(2) { lu.sign() } else { -lu.sign() }),
        (None, _) => None,
    };
    let proof = inverse.filter(|_| at.is_empty() && !degenerate);
    let point = FixedPoint {
        outputs: exact.outputs(state.view()),
        kind,
        unstable: values.iter().filter(|value| value.grows()).count(),
        unstable_steps: values.iter().filter(|value| value.grows_in_steps()).count(),
        slowest: slowest(&values),
        index: index.unwrap_or(0),
        residual: largest(&still.residual(x.view())),
        certified: proof.and_then(|inverse| certified(still, pieces, x, &inverse)),
        on_boundary: !at.is_empty(),
        outside: length(&(&state.slice(s![..x.len()]) - &starts.center)) > starts.outside,
        state,
    };
    (point, index.is_some())
}

/// The units whose slope jumps at their state.
fn on_boundary(still: &Still, pieces: Option<&Pieces>, x: &Array1<f64>) -> Vec<usize> {
    match (pieces, still.leaky().map(|leaky| leaky.transfer)) {
        (Some(pieces), _) => pieces.on_boundary(x),
        (None, Some(Transfer::RectifiedTanh)) => (0..x.len()).filter(|&unit| x[unit].abs() <= NEAR_KINK).collect(),
        _ => Vec::new(),
    }
}

/// The time constant of the slowest mode.
fn slowest(values: &[Eigenvalue]) -> f64 {
    let time_constants = values.iter().map(|value| value.time_constant);
    time_constants.max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(f64::NAN)
}
