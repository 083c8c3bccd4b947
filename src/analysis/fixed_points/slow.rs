//! Where the state moves slowest: minima of `½‖G‖²` that are no zeros.

use linfa_linalg::cholesky::{Cholesky, SolveC};
use ndarray::{Array1, Array2, Axis};

use super::set::SlowPoint;
use super::starts::Starts;
use super::still::{Still, largest, length};
use crate::{Result, threads};

/// The most steps.
const STEPS: usize = 100;
/// How steep a minimum may be, relative to `1 + ‖x‖`, and to `‖G‖`, which tells it from a zero that is near.
const FLAT: f64 = 1e-10;
const FLAT_OF_RESIDUAL: f64 = 1e-6;
/// How near two minima are the same, relative to `1 + ‖x‖`.
const SAME: f64 = 1e-5;
/// How often a step is damped more, the first damping relative to the mean of the diagonal, how it grows and shrinks, and from what on it
/// is none.
const TRIES: usize = 25;
const DAMPING: f64 = 1e-3;
const MORE: f64 = 4.0;
const LESS: f64 = 0.1;
const NONE: f64 = 1e-9;

/// The slow points to which it leads from all states, the slowest first.
pub(super) fn slow_points(still: &Still, starts: &Starts, go_on: &(dyn Fn() -> bool + Sync)) -> Result<Vec<SlowPoint>> {
    let minima = threads::map(starts.unknowns.clone(), |start| Ok(go_on().then(|| minimum(still, &start)).flatten()))?;
    let mut distinct: Vec<Array1<f64>> = Vec::new();
    for x in minima.into_iter().flatten() {
        if !distinct.iter().any(|other| length(&(other - &x)) <= SAME * (1.0 + length(&x))) {
            distinct.push(x);
        }
    }
    let mut slow: Vec<SlowPoint> = distinct.iter().map(|x| slow_point(still, starts, x)).collect();
    slow.sort_by(|a, b| a.speed.total_cmp(&b.speed));
    Ok(slow)
}

fn slow_point(still: &Still, starts: &Starts, x: &Array1<f64>) -> SlowPoint {
    let (exact, input) = (&still.exact, still.input.view());
    let state = still.state(x.view());
    let speed = match exact.taus() {
        Some(_) => length(&exact.flow(state.view(), input)),
        None => length(&(exact.step(state.view(), input) - &state)) / exact.dt(),
    };
    let longest = starts.longest.unwrap_or_else(|| 10.0 * exact.taus().map_or(exact.dt(), largest));
    let drift_time = starts.spread / speed;
    SlowPoint { outputs: exact.outputs(state.view()), speed, drift_time, is_slow: drift_time > longest, state }
}

/// The minimum to which Newton's method on `½‖G‖²` leads from a state, with its exact second derivatives, damped where these are not
/// positive; nothing where it is a zero of `G`, a saddle, or too far.
pub(super) fn minimum(still: &Still, start: &Array1<f64>) -> Option<Array1<f64>> {
    let (mut x, mut residual) = (start.clone(), still.residual(start.view()));
    let mut damping = 0.0;
    for _ in 0..STEPS {
        if still.is_zero(&x, &residual) {
            return None;
        }
        let jacobian = still.jacobian(x.view());
        let gradient = jacobian.t().dot(&residual);
        let curved = still.exact.residual_hessian(x.view(), still.input.view(), residual.view());
        let hessian = jacobian.t().dot(&jacobian) + curved;
        let now = length(&residual);
        if length(&gradient) <= (FLAT * (1.0 + length(&x))).min(FLAT_OF_RESIDUAL * now) {
            return hessian.cholesky().is_ok().then_some(x);
        }
        let first = DAMPING * hessian.diag().mapv(f64::abs).mean()?;
        (x, residual) = (0..TRIES).find_map(|_| {
            let next = step(&hessian, &gradient, damping).map(|step| &x - &step);
            let next = next.map(|next| (still.residual(next.view()), next)).filter(|(g, _)| length(g) < now);
            damping = match &next {
                Some(_) if damping <= NONE * first => 0.0,
                Some(_) => LESS * damping,
                None => (MORE * damping).max(first),
            };
            next.map(|(residual, next)| (next, residual))
        })?;
    }
    None
}

/// `(H + μ)⁻¹ g`, if that matrix is positive.
fn step(hessian: &Array2<f64>, gradient: &Array1<f64>, damping: f64) -> Option<Array1<f64>> {
    let mut damped = hessian.clone();
    damped.diag_mut().mapv_inplace(|d| d + damping);
    let step = damped.solvec(&gradient.view().insert_axis(Axis(1)).to_owned()).ok()?;
    Some(step.index_axis_move(Axis(1), 0))
}
