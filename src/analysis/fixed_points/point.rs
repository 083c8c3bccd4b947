//! What a zero of the residual is, by its linear dynamics.

use ndarray::{Array1, Array2, Axis};

use super::certify::certified;
use super::continuum::NEITHER;
use super::pieces::Pieces;
use super::set::{FixedPoint, Kind};
use super::starts::Starts;
use super::still::{Still, largest, length};
use crate::dynamics::Transfer;
use crate::dynamics::linear::{Lu, eigenvalues};

/// This near to the kink of a transfer function a unit is on it.
const NEAR_KINK: f64 = 1e-9;
/// Of more units on the boundary than this the index is not worked out.
const MOST_ON_BOUNDARY: usize = 8;

/// The fixed point at `x`.
pub(super) fn point(still: &Still, pieces: Option<&Pieces>, starts: &Starts, x: &Array1<f64>) -> FixedPoint {
    let (exact, input) = (&still.exact, still.input.view());
    let state = exact.state_at_rest(x.view(), input);
    let jacobian = still.jacobian(x.view());
    let modes = modes(still, &state, &jacobian);
    let lu = Lu::of(jacobian);
    let inverse = lu.as_ref().map(Lu::inverse);
    let at: Vec<usize> = on_boundary(still, pieces, x);
    let degenerate = modes.kind == Kind::Degenerate;
    let index = match (&lu, pieces) {
        _ if degenerate || at.len() > MOST_ON_BOUNDARY => None,
        (_, Some(pieces)) if !at.is_empty() => pieces.index_on_boundary(x, &at),
        // The residual's Jacobian is that of `1 - W diag f'`, turned round in each of its dimensions.
        (Some(lu), _) => Some(if x.len() % 2 == 0 { lu.sign() } else { -lu.sign() }),
        (None, _) => None,
    };
    let proof = inverse.filter(|_| at.is_empty() && !degenerate);
    FixedPoint {
        outputs: exact.outputs(state.view()),
        kind: modes.kind,
        unstable: modes.unstable,
        unstable_steps: modes.unstable_steps,
        slowest: modes.slowest,
        index: index.unwrap_or(0),
        residual: largest(&still.residual(x.view())),
        certified: proof.and_then(|inverse| certified(still, pieces, x, &inverse)),
        on_boundary: !at.is_empty(),
        outside: length(&(x - &starts.center)) > starts.outside,
        state,
    }
}

/// The units whose slope jumps at their state.
fn on_boundary(still: &Still, pieces: Option<&Pieces>, x: &Array1<f64>) -> Vec<usize> {
    match (pieces, still.leaky().map(|leaky| leaky.transfer)) {
        (Some(pieces), _) => pieces.on_boundary(x),
        (None, Some(Transfer::RectifiedTanh)) => (0..x.len()).filter(|&unit| x[unit].abs() <= NEAR_KINK).collect(),
        _ => Vec::new(),
    }
}

struct Modes {
    kind: Kind,
    unstable: usize,
    unstable_steps: usize,
    slowest: f64,
}

/// What the eigenvalues say.
fn modes(still: &Still, state: &Array1<f64>, jacobian: &Array2<f64>) -> Modes {
    let (exact, dt) = (&still.exact, still.exact.dt());
    let matrix = match exact.taus() {
        Some(taus) => jacobian / &taus.view().insert_axis(Axis(1)),
        None => exact.jacobian(state.view(), still.input.view()),
    };
    let values = eigenvalues(matrix.view()).unwrap_or_default();
    // How fast each grows, per millisecond, and what "neither" is on that scale.
    let (rates, neither): (Vec<f64>, f64) = match exact.taus() {
        Some(taus) => (values.iter().map(|value| value.re).collect(), NEITHER / largest(taus)),
        None => (values.iter().map(|value| value.norm().ln() / dt).collect(), NEITHER / dt),
    };
    let unstable = rates.iter().filter(|&&rate| rate > 0.0).count();
    let unstable_steps = match exact.taus() {
        Some(_) => values.iter().filter(|&&value| (value * dt + 1.0).norm() > 1.0).count(),
        None => unstable,
    };
    let slowest = rates.iter().copied().min_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(f64::NAN);
    let kind = match unstable {
        _ if !(slowest.abs() > neither) => Kind::Degenerate,
        0 if values.iter().any(|value| value.im != 0.0) => Kind::StableFocus,
        0 => Kind::StableNode,
        all if all == rates.len() => Kind::Unstable,
        _ => Kind::Saddle,
    };
    Modes { kind, unstable, unstable_steps, slowest: -1.0 / slowest }
}
