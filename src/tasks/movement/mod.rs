//! Tasks in which the outputs follow something over time: oscillations, reaches, and where one is.

mod angle_integration;
mod center_out;
mod delayed_reach;
mod oscillation;
mod path_integration;
mod reach;

use crate::number::decimal;
use crate::task::{TaskSpec, TrialRng};
use crate::tasks::catalog::{NEUROGYM, Paper, library};
use crate::{Error, Result};

library! {
    oscillation: Oscillation, Frequency;
    center_out: CenterOut, ReachTarget;
    reach: Reach, Reaching;
    delayed_reach: DelayedReach, DelayedPlace;
    angle_integration: AngleIntegration, Turning;
    path_integration: PathIntegration, Walk;
}

const GEORGOPOULOS: Paper =
    Paper { citation: "Georgopoulos AP, Schwartz AB, Kettner RE (1986)", doi: "10.1126/science.3749885" };
const CUEVA: Paper = Paper { citation: "Cueva CJ, Wei X-X (2018)", doi: "10.48550/arXiv.1803.07770" };

/// A velocity that wanders about 0, a number for each step of a trial: `dv = -v dt / τ + σ √(2 dt / τ) ξ`, an Ornstein-Uhlenbeck process
/// that begins as it goes on. Its solution is taken over a step, not the equation, so that `σ` is the standard deviation for any `dt`.
fn wandering(spec: &TaskSpec, sd: f32, tau: f32, rng: &mut TrialRng) -> Vec<f32> {
    let keep = (-decimal(spec.dt) / decimal(tau)).exp();
    let (keep, fresh) = (keep as f32, sd * (1.0 - keep * keep).sqrt() as f32);
    let mut v = rng.normal(0.0, sd);
    let next = |_| {
        let now = v;
        v = keep * v + rng.normal(0.0, fresh);
        now
    };
    (0..steps(spec)).map(next).collect()
}

/// The steps of a trial, of which the frame was checked.
fn steps(spec: &TaskSpec) -> usize {
    spec.duration.and_then(|duration| spec.n_steps(duration).ok()).unwrap_or(0)
}

/// An error if a value that is given for each step of a trial is not, or is no number.
fn for_each_step(name: &str, values: &[f32], spec: &TaskSpec) -> Result<()> {
    let n = steps(spec);
    if values.len() != n {
        return Err(Error::shape(name, format!("[n_steps = {n}]"), &[values.len()]));
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(step) => {
            Err(Error::NotFinite { name: name.into(), value: values[step].into(), at: format!("step {step}") })
        }
        None => Ok(()),
    }
}
