//! The leaky recurrent network.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use super::{Block, Transfer, check_shapes};
use crate::weights::Weights;
use crate::{Error, Result};

/// The constants of the leaky dynamics, which weights alone do not tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leak {
    /// The time step, in milliseconds.
    pub dt: f32,
    /// The time constant, in milliseconds: one for all units, or one a unit.
    pub tau: Vec<f32>,
    /// The transfer function.
    pub transfer: Transfer,
    /// The standard deviation `σ` of the recurrent noise in the equation of [`LeakyRnn`].
    pub noise: f32,
}

impl Leak {
    /// All units with this time constant, ReLU, no noise.
    #[must_use]
    pub fn new(dt: f32, tau: f32) -> Self {
        Self { dt, tau: vec![tau], transfer: Transfer::Relu, noise: 0.0 }
    }

    /// The time constant of each unit, in milliseconds.
    #[must_use]
    pub fn tau(mut self, milliseconds: &[f32]) -> Self {
        self.tau = milliseconds.to_vec();
        self
    }

    /// The transfer function.
    #[must_use]
    pub fn transfer(mut self, transfer: Transfer) -> Self {
        self.transfer = transfer;
        self
    }

    /// The standard deviation of the recurrent noise.
    #[must_use]
    pub fn noise(mut self, sd: f32) -> Self {
        self.noise = sd;
        self
    }

    /// `α = dt / τ` of each unit.
    ///
    /// # Errors
    /// If `dt`, a `tau` or the noise makes no sense, or if there are neither 1 nor `n_rec` time constants.
    pub fn alpha(&self, n_rec: usize) -> Result<Array1<f32>> {
        crate::task::positive("dt", self.dt)?;
        if self.tau.len() != 1 && self.tau.len() != n_rec {
            return Err(Error::shape("tau", format!("[1] or [n_rec = {n_rec}]"), &[self.tau.len()]));
        }
        for &tau in &self.tau {
            crate::task::positive("tau", tau)?;
            if tau < self.dt {
                let expected = format!("at least `dt` = {} ms, or a step would leap over the leak", self.dt);
                return Err(Error::argument("tau", expected, format!("{tau} ms")));
            }
        }
        if !(self.noise >= 0.0 && self.noise.is_finite()) {
            return Err(Error::argument("noise", "0 or a positive number", self.noise));
        }
        Ok((0..n_rec).map(|unit| self.dt / self.tau[unit % self.tau.len()]).collect())
    }

    /// `sqrt(2 α) σ` of each unit, the standard deviation of the noise that a step adds.
    pub(crate) fn noise_sd(&self, alpha: &Array1<f32>) -> Array1<f32> {
        alpha.mapv(|alpha| (2.0 * alpha * self.noise * self.noise).sqrt())
    }
}

/// The leaky recurrent network, `τ dx/dt = -x + W_rec f(x) + W_in u + b_rec + √(2τ) σ ξ`, in steps of `dt`:
///
/// ```text
/// x[t] = (1 - α) x[t-1] + α (W_rec f(x[t-1]) + W_in u[t] + b_rec) + √(2α) σ n[t],   α = dt / τ
/// z[t] = W_out f(x[t]) + b_out
/// ```
///
/// `n` is unit Gaussian noise; `x[0]` is `init_state`, and the first recorded state is `x[1]`. Ehrlich DB et al. (2021),
/// doi:10.1523/ENEURO.0427-20.2020, equations 1 to 3.
#[derive(Clone, Debug, PartialEq)]
pub struct LeakyRnn {
    pub(super) leak: Leak,
    alpha: Array1<f32>,
    pub(super) w_in: Array2<f32>,
    w_rec: Array2<f32>,
    pub(super) w_out: Array2<f32>,
    b_rec: Array1<f32>,
    b_out: Array1<f32>,
    pub(super) init_state: Array2<f32>,
}

impl LeakyRnn {
    /// The network with these effective weights: `W_in` `[n_rec, n_in]`, `W_rec` `[n_rec, n_rec]`, `W_out`
    /// `[n_out, n_rec]`, `b_rec` `[n_rec]`, `b_out` `[n_out]`, `init_state` `[1, n_rec]`, or `[n_batch, n_rec]` for a
    /// state of its own for each trial.
    ///
    /// # Errors
    /// If an array is missing, has the wrong shape or holds NaN, or if the constants make no sense.
    pub fn new(weights: &Weights, leak: Leak) -> Result<Self> {
        if let Some(name) = leak.transfer.missing() {
            let expected = format!(
                "given as Transfer::custom(\"{name}\", f, f'): neither a file nor a tensor closure has a form that runs without libtorch"
            );
            return Err(Error::argument("transfer", expected, "missing"));
        }
        let w_rec = weights.matrix("W_rec")?;
        let w_in = weights.matrix("W_in")?;
        let w_out = weights.matrix("W_out")?;
        let (n_rec, n_in, n_out) = (w_rec.nrows(), w_in.ncols(), w_out.nrows());
        check_shapes(
            weights,
            &[
                ("W_out", "[n_out, n_rec]", &[n_out, n_rec]),
                ("W_rec", "[n_rec, n_rec]", &[n_rec, n_rec]),
                ("W_in", "[n_rec, n_in]", &[n_rec, n_in]),
                ("b_rec", "[n_rec]", &[n_rec]),
                ("b_out", "[n_out]", &[n_out]),
            ],
        )?;
        Ok(Self {
            alpha: leak.alpha(n_rec)?,
            leak,
            w_in,
            w_rec,
            w_out,
            b_rec: weights.vector("b_rec")?,
            b_out: weights.vector("b_out")?,
            init_state: weights.rows("init_state", n_rec)?,
        })
    }

    /// One block of trials through the whole sequence.
    pub(super) fn forward_block(&self, block: &mut Block<'_>) {
        let (n_batch, n_steps) = block.dim();
        let (n_rec, n_out) = (self.w_rec.nrows(), self.w_out.nrows());
        let noise_sd = self.leak.noise_sd(&self.alpha);
        let transfer = &self.leak.transfer;
        let mut x = block.initial(&self.init_state);
        let mut rates = x.mapv(|x| transfer.rate(x));
        let mut drive = Array2::zeros((n_batch, n_rec));
        let mut z = Array2::zeros((n_batch, n_out));
        for t in 0..n_steps {
            drive.assign(&self.b_rec);
            general_mat_mul(1.0, &block.input(t), &self.w_in.t(), 1.0, &mut drive);
            match block.gain(t) {
                None => general_mat_mul(1.0, &rates, &self.w_rec.t(), 1.0, &mut drive),
                Some(gain) => general_mat_mul(1.0, &rates, &(&self.w_rec * &gain).t(), 1.0, &mut drive),
            }
            for (trial, (mut x, drive)) in x.rows_mut().into_iter().zip(drive.rows()).enumerate() {
                for (unit, (x, &drive)) in x.iter_mut().zip(drive).enumerate() {
                    let alpha = self.alpha[unit];
                    *x = (1.0 - alpha) * *x + alpha * drive;
                    if let Some(noise) = &block.noise {
                        *x += noise_sd[unit] * noise[[trial, t, unit]];
                    }
                }
            }
            rates.zip_mut_with(&x, |rate, &x| *rate = transfer.rate(x));
            z.assign(&self.b_out);
            general_mat_mul(1.0, &rates, &self.w_out.t(), 1.0, &mut z);
            block.record(t, &x, &z);
        }
    }
}
