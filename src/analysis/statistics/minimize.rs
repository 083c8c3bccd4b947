//! The place where a function of a few bounded numbers is smallest.

use argmin::core::{CostFunction, Executor, State};
use argmin::solver::neldermead::NelderMead;
use argmin_math::{ArgminAdd, ArgminMul, ArgminSub};

use crate::{Error, Result};

struct Cost<F>(F);

impl<F: Fn(&[f64]) -> f64> CostFunction for Cost<F> {
    type Param = Angles;
    type Output = f64;

    fn cost(&self, at: &Angles) -> Result<f64, argmin::core::Error> {
        Ok((self.0)(&at.0))
    }
}

/// A corner of the simplex. A type of our own, since argmin's support of vectors brings a second `rand`.
#[derive(Clone)]
struct Angles(Vec<f64>);

impl Angles {
    fn with(&self, other: &Self, f: impl Fn(f64, f64) -> f64) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(&a, &b)| f(a, b)).collect())
    }
}

impl ArgminAdd<Self, Self> for Angles {
    fn add(&self, other: &Self) -> Self {
        self.with(other, |a, b| a + b)
    }
}

impl ArgminSub<Self, Self> for Angles {
    fn sub(&self, other: &Self) -> Self {
        self.with(other, |a, b| a - b)
    }
}

impl ArgminMul<f64, Self> for Angles {
    fn mul(&self, factor: &f64) -> Self {
        Self(self.0.iter().map(|angle| angle * factor).collect())
    }
}

/// The arguments within `bounds` at which `cost` is smallest, from a start within them: the simplex of Nelder JA, Mead
/// R (1965), doi:10.1093/comjnl/7.4.308, begun anew where it ends until that gains nothing.
///
/// The search walks over angles whose sines span the bounds: so it never leaves them, and can end on them.
pub(crate) fn minimize(bounds: &[(f64, f64)], start: &[f64], cost: impl Fn(&[f64]) -> f64) -> Result<Vec<f64>> {
    const STEP: f64 = 0.3;
    const RESTARTS: usize = 20;
    let inside = |angles: &[f64]| -> Vec<f64> {
        bounds.iter().zip(angles).map(|(&(low, high), angle)| low + (high - low) * (1.0 + angle.sin()) / 2.0).collect()
    };
    let angle = |(&(low, high), &at): (&(f64, f64), &f64)| {
        if high > low { (2.0 * (at - low) / (high - low) - 1.0).clamp(-0.99, 0.99).asin() } else { 0.0 }
    };
    let mut best = Angles(bounds.iter().zip(start).map(angle).collect());
    let mut least = cost(&inside(&best.0));
    for _ in 0..RESTARTS {
        let corner = |moved: usize| {
            let mut corner = best.clone();
            corner.0[moved] += if corner.0[moved] > 0.0 { -STEP } else { STEP };
            corner
        };
        let simplex = std::iter::once(best.clone()).chain((0..bounds.len()).map(corner)).collect();
        let solver = NelderMead::new(simplex).with_sd_tolerance(1e-13).map_err(problem)?;
        let run = Executor::new(Cost(|angles: &[f64]| cost(&inside(angles))), solver)
            .configure(|state| state.max_iters(2000))
            .timer(false)
            .run()
            .map_err(problem)?;
        let found = run.state.get_best_cost();
        let gain = least - found;
        if let Some(at) = run.state.get_best_param().filter(|_| gain > 0.0) {
            best.clone_from(at);
            least = found;
        }
        if gain <= 1e-10 * (1.0 + least.abs()) {
            break;
        }
    }
    Ok(inside(&best.0))
}

fn problem(error: argmin::core::Error) -> Error {
    Error::argument("the function to be fitted", "one that has a minimum", error)
}
