//! The leaky recurrent network, in its two forms.

mod current;
mod rate;

use std::fmt;
use std::sync::Arc;

use ndarray::Array1;
use serde::{Deserialize, Serialize};

use self::current::{Current, ExactCurrent};
use self::rate::{ExactRate, Rate};
use super::{Constants, Units};
use crate::dynamics::block::Stepper;
use crate::dynamics::exact::{Arrays, Exact};
use crate::dynamics::wiring::{B_OUT, Source, Target, W_OUT, Wire, Wiring};
use crate::dynamics::{Covariance, Readout, Transfer, UnitNoise};
use crate::setters::setters;
use crate::weights::Weights;
use crate::{Error, Result};

/// Which variable of a leaky network leaks, and so is its state: the current that drives a unit, or its rate. Both are in use, and
/// [`LeakyUnits`] has both equations.
///
/// With the same weights and a constant input both stand still at the same rates. With one time constant and inputs that are passed
/// through the same leak, the currents of the one form are `W_rec r + W_in u + b_rec` of the other: Miller KD, Fumarola F (2012),
/// doi:10.1162/NECO_a_00221, whose v-equation and r-equation these are. Where units have time constants of their own, or where inputs
/// change, they are different networks: weights that were trained in one form are not those of the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeakyForm {
    /// The state is the current `x`, of which `r = f(x)` is the rate, and noise is added to it: as in PsychRNN and PyCog.
    #[default]
    Current,
    /// The state is the rate `r`, toward which `f` of the current drives it, and noise is within `f`: as in Yang GR et al. (2019),
    /// doi:10.1038/s41593-018-0310-2.
    Rate,
}

impl fmt::Display for LeakyForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Current => "current",
            Self::Rate => "rate",
        })
    }
}

/// The leaky recurrent network. In the [current form](LeakyForm::Current), by default, its state is the current `x`, with
/// `τ dx/dt = -x + W_rec f(x) + W_in u + b_rec + √(2τ) σ ξ`, in steps of `dt`:
///
/// ```text
/// x[t] = (1 - α) x[t-1] + α (W_rec f(x[t-1]) + W_in u[t] + b_rec) + √(2α) σ n[t],   α = dt / τ
/// z[t] = g(W_out f(x[t]) + b_out)
/// ```
///
/// In the [rate form](LeakyForm::Rate) its state is the rate `r`, with `τ dr/dt = -r + f(W_rec r + W_in u + b_rec + √(2τ) σ ξ)`:
///
/// ```text
/// r[t] = (1 - α) r[t-1] + α f(W_rec r[t-1] + W_in u[t] + b_rec + √(2/α) σ n[t])
/// z[t] = g(W_out r[t] + b_out)
/// ```
///
/// `n` is unit Gaussian noise, independent or, with a [`Covariance`] in place of `σ`, shared; the state begins with `init_state`, and the
/// first recorded state is that after one step. Ehrlich DB et al. (2021), doi:10.1523/ENEURO.0427-20.2020, equations 1 to 3, have the
/// current form; Yang GR et al. (2019), doi:10.1038/s41593-018-0310-2, the rate form.
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
    /// Whether the state is the current or the rate.
    #[serde(default)]
    pub form: LeakyForm,
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
    /// All units with this time constant, in the current form, ReLU, no noise, a linear readout.
    #[must_use]
    pub fn new(dt: f32, tau: f32) -> Self {
        let (form, transfer, readout) = (LeakyForm::Current, Transfer::Relu, Readout::Linear);
        Self { dt, tau: vec![tau], form, transfer, noise: 0.0, unit_noise: None, readout }
    }

    setters! {
        /// The time constant of each unit, in milliseconds.
        tau: &[f32] => tau.to_vec();
        /// Whether the state is the current or the rate.
        form: LeakyForm;
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

    /// The standard deviation of the noise that a step adds to each unit, `√(2α) σ` to its current where that is the state and `√(2/α) σ`
    /// within the transfer function. Noise that units share has its `σ` already.
    pub(crate) fn noise_sd(&self, alpha: &Array1<f32>) -> Array1<f32> {
        let sd = |unit: usize| match &self.unit_noise {
            None => self.noise,
            Some(UnitNoise::PerUnit(sds)) => sds[unit],
            Some(UnitNoise::Covariance(_)) => 1.0,
        };
        let sd_of = |(unit, &alpha): (usize, &f32)| match self.form {
            LeakyForm::Current => (2.0 * alpha * sd(unit) * sd(unit)).sqrt(),
            LeakyForm::Rate => (2.0 / alpha).sqrt() * sd(unit),
        };
        alpha.indexed_iter().map(sd_of).collect()
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
        match self.form {
            LeakyForm::Current => "a leaky network",
            LeakyForm::Rate => "a leaky network in the rate form",
        }
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
        weights.check_transfer(&self.transfer)?;
        match weights.known_form() {
            Some(trained) if trained != self.form => {
                let expected = format!("{trained}, in which the weights were trained");
                Err(Error::argument("form", expected, self.form))
            }
            _ => Ok(()),
        }
    }

    fn equation(&self, n_rec: usize) -> Result<(Arc<dyn Stepper>, Array1<f32>)> {
        let alpha = self.alpha(n_rec)?;
        let (transfer, keep) = (self.transfer.clone(), alpha.iter().map(|alpha| 1.0 - alpha).collect());
        let noise_sd = self.noise_sd(&alpha).to_vec();
        Ok(match self.form {
            LeakyForm::Current => (Arc::new(Current { transfer, keep, noise_sd }), alpha),
            LeakyForm::Rate => {
                (Arc::new(Rate { transfer, keep, alpha: alpha.to_vec(), noise_sd }), Array1::ones(n_rec))
            }
        })
    }

    fn exact(&self, arrays: Arrays) -> Result<Arc<dyn Exact>> {
        let n_rec = arrays.counts.n_rec;
        self.alpha(n_rec)?;
        let taus = (0..n_rec).map(|unit| f64::from(self.tau[unit % self.tau.len()])).collect();
        let (dt, transfer, readout) = (f64::from(self.dt), self.transfer.clone(), self.readout);
        let recurrent = arrays.recurrent(0).to_owned();
        let current = ExactCurrent { dt, taus, transfer, readout, recurrent, arrays };
        Ok(match self.form {
            LeakyForm::Current => Arc::new(current),
            LeakyForm::Rate => Arc::new(ExactRate(current)),
        })
    }
}

/// In which form weights were trained.
impl Weights {
    /// Says in which form the weights are used.
    #[cfg(feature = "torch")]
    pub(crate) fn set_form(&mut self, form: LeakyForm) {
        self.form = Some(form.to_string());
    }

    /// The form in which they were trained, if that is known.
    fn known_form(&self) -> Option<LeakyForm> {
        serde_json::from_value(self.form.as_deref()?.into()).ok()
    }
}
