//! The leaky recurrent network.

use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView1, Axis, s};
use pulp::Simd;
use serde::{Deserialize, Serialize};

use super::{Constants, Units};
use crate::dynamics::block::Stepper;
use crate::dynamics::equation::{After, Back, Before, Equation, First, RowCounts};
use crate::dynamics::exact::{Arrays, Exact};
use crate::dynamics::wiring::{B_OUT, Source, Target, W_OUT, Wire, Wiring};
use crate::dynamics::{Covariance, Readout, Transfer, UnitNoise};
use crate::setters::setters;
use crate::weights::Weights;
use crate::{Error, Result};

/// The leaky recurrent network, `τ dx/dt = -x + W_rec f(x) + W_in u + b_rec + √(2τ) σ ξ`, in steps of `dt`:
///
/// ```text
/// x[t] = (1 - α) x[t-1] + α (W_rec f(x[t-1]) + W_in u[t] + b_rec) + √(2α) σ n[t],   α = dt / τ
/// z[t] = g(W_out f(x[t]) + b_out)
/// ```
///
/// `n` is unit Gaussian noise, independent or, with a [`Covariance`] in place of `σ`, shared; `x[0]` is `init_state`, and the first
/// recorded state is `x[1]`. Ehrlich DB et al. (2021), doi:10.1523/ENEURO.0427-20.2020, equations 1 to 3.
///
/// These are its constants, which the weights alone do not tell. The weights are `W_in` `[n_rec, n_in]`, `W_rec` `[n_rec, n_rec]`
/// (`[post, pre]`), `W_out` `[n_out, n_rec]`, `b_rec` `[n_rec]`, `b_out` `[n_out]`, `init_state` `[1, n_rec]`, or `[n_batch, n_rec]` for
/// a state of its own for each trial. Of a matrix for one channel the axis of length 1 may be missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeakyUnits {
    /// The time step, in milliseconds.
    pub dt: f32,
    /// The time constant, in milliseconds: one for all units, or one a unit.
    pub tau: Vec<f32>,
    /// The transfer function.
    pub transfer: Transfer,
    /// The standard deviation `σ` of the recurrent noise in the equation.
    pub noise: f32,
    /// The noise of each unit, or noise that they share, where not all have the same; `noise` is 0 then.
    #[serde(default)]
    pub unit_noise: Option<UnitNoise>,
    /// The output function.
    #[serde(default)]
    pub readout: Readout,
}

impl LeakyUnits {
    /// All units with this time constant, ReLU, no noise, a linear readout.
    #[must_use]
    pub fn new(dt: f32, tau: f32) -> Self {
        Self { dt, tau: vec![tau], transfer: Transfer::Relu, noise: 0.0, unit_noise: None, readout: Readout::Linear }
    }

    setters! {
        /// The time constant of each unit, in milliseconds.
        tau: &[f32] => tau.to_vec();
        /// The transfer function.
        transfer: Transfer;
        /// The standard deviation of the recurrent noise.
        noise: f32;
        /// The noise of each unit, or noise that they share.
        unit_noise: UnitNoise => Some(unit_noise);
        /// The output function.
        readout: Readout;
    }

    /// `α = dt / τ` of each unit.
    ///
    /// # Errors
    /// If `dt`, a `tau` or the noise makes no sense, or if there are neither 1 nor `n_rec` time constants.
    pub fn alpha(&self, n_rec: usize) -> Result<Array1<f32>> {
        crate::error::positive("dt", self.dt)?;
        self.transfer.check()?;
        self.readout.check()?;
        if self.tau.len() != 1 && self.tau.len() != n_rec {
            return Err(Error::shape("tau", format!("[1] or [n_rec = {n_rec}]"), &[self.tau.len()]));
        }
        for &tau in &self.tau {
            crate::error::positive("tau", tau)?;
            if tau < self.dt {
                let expected = format!("at least `dt` = {} ms, or a step would leap over the leak", self.dt);
                return Err(Error::argument("tau", expected, format!("{tau} ms")));
            }
        }
        self.check_noise(n_rec)?;
        Ok((0..n_rec).map(|unit| self.dt / self.tau[unit % self.tau.len()]).collect())
    }

    /// `sqrt(2 α) σ` of each unit, the standard deviation of the noise that a step adds. Noise that units share has its `σ` already.
    pub(crate) fn noise_sd(&self, alpha: &Array1<f32>) -> Array1<f32> {
        let sd = |unit: usize| match &self.unit_noise {
            None => self.noise,
            Some(UnitNoise::PerUnit(sds)) => sds[unit],
            Some(UnitNoise::Covariance(_)) => 1.0,
        };
        alpha.indexed_iter().map(|(unit, alpha)| (2.0 * alpha * sd(unit) * sd(unit)).sqrt()).collect()
    }

    /// The standard deviation `σ` of the noisiest unit.
    pub(crate) fn largest_noise(&self) -> f32 {
        let largest = |numbers: &mut dyn Iterator<Item = f32>| numbers.fold(0.0, f32::max);
        match &self.unit_noise {
            None => self.noise,
            Some(UnitNoise::PerUnit(sds)) => largest(&mut sds.iter().copied()),
            Some(UnitNoise::Covariance(covariance)) => largest(&mut covariance.matrix().diag().iter().copied()).sqrt(),
        }
    }

    fn check_noise(&self, n_rec: usize) -> Result<()> {
        let (sds, shape) = match &self.unit_noise {
            None => (std::slice::from_ref(&self.noise), None),
            Some(_) if self.noise != 0.0 => {
                let expected = "0 where units have noise of their own (`unit_noise`)";
                return Err(Error::argument("noise", expected, self.noise));
            }
            Some(UnitNoise::PerUnit(sds)) => (sds.as_slice(), (sds.len() != n_rec).then(|| vec![sds.len()])),
            Some(UnitNoise::Covariance(covariance)) => {
                let shape = covariance.matrix().shape();
                ([].as_slice(), (shape != [n_rec, n_rec]).then(|| shape.to_vec()))
            }
        };
        if let Some(shape) = shape {
            let expected = if shape.len() == 1 { "[n_rec]" } else { "[n_rec, n_rec]" };
            return Err(Error::shape("noise of the units", format!("{expected}, n_rec = {n_rec}"), &shape));
        }
        match sds.iter().find(|&&sd| !(sd >= 0.0 && sd.is_finite())) {
            Some(sd) => Err(Error::argument("noise", "0 or a positive number", sd)),
            None => Ok(()),
        }
    }
}

impl Units for LeakyUnits {
    fn name(&self) -> &'static str {
        "a leaky network"
    }

    fn dt(&self) -> f32 {
        self.dt
    }

    fn in_steps_of(&self, dt: f32) -> Result<Constants> {
        Ok(Self { dt, ..self.clone() }.into())
    }

    fn readout(&self) -> Readout {
        self.readout
    }

    fn noise(&self) -> Option<f32> {
        Some(self.largest_noise())
    }

    fn covariance(&self) -> Option<&Covariance> {
        match &self.unit_noise {
            Some(UnitNoise::Covariance(covariance)) => Some(covariance),
            _ => None,
        }
    }

    fn tau(&self) -> Option<f32> {
        match self.tau[..] {
            [tau] => Some(tau),
            _ => None,
        }
    }

    fn wiring(&self, _: usize) -> Wiring {
        let sums = Target::Sums(0);
        let wires = vec![
            Wire::new("W_in", Source::Inputs, sums),
            Wire::new("W_rec", Source::Units, sums),
            W_OUT,
            Wire::new("b_rec", Source::Bias, sums),
            B_OUT,
        ];
        Wiring::new(wires, &["init_state"])
    }

    fn noise_as_current(&self, n_rec: usize) -> Result<Array1<f32>> {
        // A step multiplies what drives a unit by α.
        Ok(self.alpha(n_rec)?.mapv(|alpha| (2.0 / alpha).sqrt()))
    }

    fn check_whole(&self) -> Result<()> {
        if let Some(name) = self.transfer.missing() {
            let expected = format!(
                "given as Transfer::custom(\"{name}\", f, f'): neither a file nor a tensor closure has a form that runs without libtorch"
            );
            return Err(Error::argument("transfer", expected, "missing"));
        }
        Ok(())
    }

    fn check_trained(&self, weights: &Weights) -> Result<()> {
        weights.check_transfer(&self.transfer)
    }

    fn equation(&self, n_rec: usize) -> Result<(Arc<dyn Stepper>, Array1<f32>)> {
        let alpha = self.alpha(n_rec)?;
        let keep = alpha.iter().map(|alpha| 1.0 - alpha).collect();
        let noise_sd = self.noise_sd(&alpha).to_vec();
        Ok((Arc::new(Leaky { transfer: self.transfer.clone(), keep, noise_sd }), alpha))
    }

    fn exact(&self, arrays: Arrays) -> Result<Arc<dyn Exact>> {
        let n_rec = arrays.counts.n_rec;
        self.alpha(n_rec)?;
        let taus = (0..n_rec).map(|unit| f64::from(self.tau[unit % self.tau.len()])).collect();
        let (dt, transfer, readout) = (f64::from(self.dt), self.transfer.clone(), self.readout);
        let recurrent = arrays.recurrent(0).to_owned();
        Ok(Arc::new(ExactLeaky { dt, taus, transfer, readout, recurrent, arrays }))
    }
}

/// The equation. Its state is `x`, its sums are those that drive `x`, and what it keeps are the slopes `f'(x)`, if they do not follow
/// from `f(x)`.
struct Leaky {
    transfer: Transfer,
    /// `1 - α` of each unit.
    keep: Vec<f32>,
    noise_sd: Vec<f32>,
}

impl Leaky {
    /// `f'(x)`, or that from which it follows.
    fn slopes<'a, V>(&self, shown: &'a [V], kept: &'a [V]) -> &'a [V] {
        if self.transfer.keeps_slopes() { kept } else { shown }
    }
}

impl Equation for Leaky {
    const ONTO_STATE: bool = true;

    fn rows(&self) -> RowCounts {
        let n_rec = self.keep.len();
        RowCounts { state: n_rec, sums: n_rec, kept: if self.transfer.keeps_slopes() { n_rec } else { 0 }, carried: 0 }
    }

    #[inline(always)]
    fn begin<S: Simd>(&self, simd: S, at: After<'_, S::f32s>) {
        self.after(simd, at);
    }

    #[inline(always)]
    fn before<S: Simd>(&self, simd: S, at: Before<'_, S::f32s>) {
        // No closures here nor below: see `transfer`.
        for (x, &keep) in at.state.iter_mut().zip(&self.keep) {
            *x = simd.mul_f32s(*x, simd.splat_f32s(keep));
        }
        if let Some(noise) = at.noise {
            for ((x, &n), &sd) in at.state.iter_mut().zip(noise).zip(&self.noise_sd) {
                *x = simd.mul_add_e_f32s(n, simd.splat_f32s(sd), *x);
            }
        }
    }

    #[inline(always)]
    fn after<S: Simd>(&self, simd: S, at: After<'_, S::f32s>) {
        if self.transfer.keeps_slopes() {
            self.transfer.rates_and_slopes(simd, at.state, at.shown, at.kept);
        } else {
            self.transfer.rates(simd, at.state, at.shown);
        }
    }

    #[inline(always)]
    fn back<S: Simd>(&self, simd: S, at: Back<'_, S::f32s>) {
        self.transfer.times_slopes(simd, self.slopes(at.shown, at.kept), at.d_shown);
        for (((delta, &later), &through), &keep) in at.d_sums.iter_mut().zip(at.later).zip(&*at.d_shown).zip(&self.keep)
        {
            *delta = simd.mul_add_e_f32s(later, simd.splat_f32s(keep), through);
        }
        if let Some(direct) = at.direct {
            for (delta, &direct) in at.d_sums.iter_mut().zip(direct) {
                *delta = simd.add_f32s(*delta, direct);
            }
        }
    }

    #[inline(always)]
    fn first<S: Simd>(&self, simd: S, at: First<'_, S::f32s>) {
        self.transfer.times_slopes(simd, self.slopes(at.shown, at.kept), at.d_shown);
        for (((delta, &later), &through), &keep) in
            at.d_state.iter_mut().zip(at.later).zip(&*at.d_shown).zip(&self.keep)
        {
            *delta = simd.mul_add_e_f32s(later, simd.splat_f32s(keep), through);
        }
    }
}

/// The equation in `f64`. Its residual is `G(x) = W f(x) + h - x` with `h = W_in u + b_rec`, and a step moves `x` by `α G`.
struct ExactLeaky {
    dt: f64,
    taus: Array1<f64>,
    transfer: Transfer,
    readout: Readout,
    recurrent: Array2<f64>,
    arrays: Arrays,
}

impl ExactLeaky {
    fn rates(&self, x: ArrayView1<'_, f64>) -> Array1<f64> {
        x.mapv(|x| self.transfer.exact(x)[0])
    }

    fn slopes(&self, x: ArrayView1<'_, f64>) -> Array1<f64> {
        x.mapv(|x| self.transfer.exact(x)[1])
    }

    /// `α` of each unit, as a column.
    fn alpha(&self) -> Array2<f64> {
        (self.dt / &self.taus).insert_axis(Axis(1))
    }
}

impl Exact for ExactLeaky {
    fn arrays(&self) -> &Arrays {
        &self.arrays
    }

    fn with(&self, arrays: Arrays) -> Arc<dyn Exact> {
        let Self { dt, ref taus, ref transfer, readout, .. } = *self;
        let (taus, transfer, recurrent) = (taus.clone(), transfer.clone(), arrays.recurrent(0).to_owned());
        Arc::new(Self { dt, taus, transfer, readout, recurrent, arrays })
    }

    fn n_state(&self) -> usize {
        self.taus.len()
    }

    fn dt(&self) -> f64 {
        self.dt
    }

    fn taus(&self) -> Option<&Array1<f64>> {
        Some(&self.taus)
    }

    fn step(&self, state: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array1<f64> {
        self.residual(state, input) * self.dt / &self.taus + state
    }

    fn jacobian(&self, state: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array2<f64> {
        Array2::<f64>::eye(self.taus.len()) + self.residual_jacobian(state, input) * self.alpha()
    }

    fn input_jacobian(&self, state: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array2<f64> {
        self.residual_input_jacobian(state, input) * self.alpha()
    }

    fn outputs(&self, state: ArrayView1<'_, f64>) -> Array1<f64> {
        self.readout.exact(&self.arrays.to_outputs(self.rates(state).view())).0
    }

    fn output_jacobian(&self, state: ArrayView1<'_, f64>) -> Array2<f64> {
        let (_, slopes) = self.readout.exact(&self.arrays.to_outputs(self.rates(state).view()));
        slopes.dot(&self.arrays.readout.slice(s![.., ..state.len()])) * self.slopes(state)
    }

    fn residual(&self, x: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array1<f64> {
        self.recurrent.dot(&self.rates(x)) + self.arrays.drive(0, input) - x
    }

    fn residual_jacobian(&self, x: ArrayView1<'_, f64>, _: ArrayView1<'_, f64>) -> Array2<f64> {
        &self.recurrent * &self.slopes(x) - Array2::<f64>::eye(x.len())
    }

    fn residual_input_jacobian(&self, _: ArrayView1<'_, f64>, _: ArrayView1<'_, f64>) -> Array2<f64> {
        self.arrays.inputs(0).to_owned()
    }

    fn residual_hessian(
        &self,
        x: ArrayView1<'_, f64>,
        _: ArrayView1<'_, f64>,
        weights: ArrayView1<'_, f64>,
    ) -> Array2<f64> {
        Array2::from_diag(&(self.recurrent.t().dot(&weights) * x.mapv(|x| self.transfer.exact(x)[2])))
    }

    fn state_at_rest(&self, x: ArrayView1<'_, f64>, _: ArrayView1<'_, f64>) -> Array1<f64> {
        x.to_owned()
    }

    fn transfer(&self) -> Option<&Transfer> {
        Some(&self.transfer)
    }

    fn recurrent(&self) -> Option<&Array2<f64>> {
        Some(&self.recurrent)
    }

    fn is_bounded(&self) -> bool {
        matches!(self.transfer, Transfer::Tanh | Transfer::Sigmoid | Transfer::RectifiedTanh)
    }
}
