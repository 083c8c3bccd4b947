//! Newton's method for a zero of the residual, damped, with Levenberg and Marquardt's steps where it does not come down.

use ndarray::Array1;

use super::still::{Still, length};
use crate::dynamics::linear::Lu;

/// The most iterations.
const ITERATIONS: usize = 60;
/// How often a step is halved.
const HALVINGS: i32 = 8;
/// The part of the decrease that its slope promises with which a step is content.
const ENOUGH: f64 = 1e-4;
/// The tries with a damped matrix, the first damping relative to the mean of its diagonal, and how it changes.
const TRIES: usize = 25;
const DAMPING: f64 = 1e-3;
const LESS: f64 = 0.2;
const MORE: f64 = 4.0;
/// A residual that has not come down to this part in so many iterations will not.
const STALLED: f64 = 0.5;
const PATIENCE: usize = 12;
/// The residual shrinks by this, so that the same derivatives are good for another step.
const FAST: f64 = 0.1;

/// The zero to which Newton's method leads from a state.
pub(super) fn newton(still: &Still, start: &Array1<f64>) -> Option<Array1<f64>> {
    let (mut x, mut residual) = (start.clone(), still.residual(start.view()));
    let mut solver: Option<Lu> = None;
    let (mut damping, mut held) = (None, Vec::with_capacity(ITERATIONS));
    for iteration in 0..ITERATIONS {
        let now = length(&residual);
        if !now.is_finite() || iteration >= PATIENCE && now > STALLED * held[iteration - PATIENCE] {
            return None;
        }
        held.push(now);
        let reused = solver.is_some();
        if still.is_zero(&x, &residual) {
            return Some(polished(still, x, residual));
        }
        let jacobian = if reused { None } else { Some(still.jacobian(x.view())) };
        if let Some(jacobian) = &jacobian {
            solver = Lu::of(jacobian.clone());
        }
        if let Some(lu) = &solver {
            let step = lu.solve(residual.view());
            let halvings = if reused { 0 } else { HALVINGS };
            if let Some((next, next_residual)) = shortened(still, &x, &step, now, halvings, reused) {
                // Close to a zero the derivatives hardly change.
                if length(&next_residual) > FAST * now {
                    solver = None;
                }
                (x, residual) = (next, next_residual);
                continue;
            }
        }
        solver = None;
        // With derivatives of an earlier place, it is tried again with its own.
        let Some(jacobian) = jacobian else { continue };
        let gradient = jacobian.t().dot(&residual);
        let square = jacobian.t().dot(&jacobian);
        let mean = square.diag().sum() / x.len() as f64;
        let mut mu: f64 = damping.unwrap_or(DAMPING * mean);
        let next = (0..TRIES).find_map(|_| {
            let mut damped = square.clone();
            damped.diag_mut().mapv_inplace(|d| d + mu);
            let next = Lu::of(damped).map(|lu| &x - &lu.solve(gradient.view()));
            let next = next.map(|next| (still.residual(next.view()), next)).filter(|(g, _)| length(g) < now);
            mu *= if next.is_some() { LESS } else { MORE };
            next
        });
        damping = Some(mu);
        (residual, x) = next?;
    }
    None
}

/// The step shortened until the residual comes down by what its slope promises.
fn shortened(
    still: &Still,
    x: &Array1<f64>,
    step: &Array1<f64>,
    now: f64,
    halvings: i32,
    reused: bool,
) -> Option<(Array1<f64>, Array1<f64>)> {
    // Other derivatives promise nothing: then it must come down fast.
    let bound = |part: f64| if reused { FAST } else { (1.0 - 2.0 * ENOUGH * part).sqrt() };
    (0..=halvings).map(|halving| 0.5_f64.powi(halving)).find_map(|part| {
        let next = x - &(step * part);
        let residual = still.residual(next.view());
        (length(&residual) <= bound(part) * now).then_some((next, residual))
    })
}

/// The zero, as near as its residual can be told: where derivatives vanish, many states have a small one.
fn polished(still: &Still, mut x: Array1<f64>, mut residual: Array1<f64>) -> Array1<f64> {
    let Some(mut solver) = Lu::of(still.jacobian(x.view())) else { return x };
    for _ in 0..ITERATIONS {
        let now = length(&residual);
        let next = &x - &solver.solve(residual.view());
        let next_residual = still.residual(next.view());
        let after = length(&next_residual);
        if after.is_nan() || after >= now {
            break;
        }
        (x, residual) = (next, next_residual);
        if after > FAST * now {
            match Lu::of(still.jacobian(x.view())) {
                Some(lu) => solver = lu,
                None => break,
            }
        }
    }
    x
}
