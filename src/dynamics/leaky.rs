//! The leaky recurrent network.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, Array3, ArrayView3, ArrayViewMut3, Axis, s};
use serde::{Deserialize, Serialize};

use super::Transfer;
use crate::weights::Weights;
use crate::{Error, Result, threads};

/// Trials that one thread carries through a whole sequence. The partition is the same for any number of threads.
const BLOCK: usize = 32;

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
    leak: Leak,
    alpha: Array1<f32>,
    w_in: Array2<f32>,
    w_rec: Array2<f32>,
    w_out: Array2<f32>,
    b_rec: Array1<f32>,
    b_out: Array1<f32>,
    init_state: Array1<f32>,
}

impl LeakyRnn {
    /// The network with these effective weights: `W_in` `[n_rec, n_in]`, `W_rec` `[n_rec, n_rec]`, `W_out`
    /// `[n_out, n_rec]`, `b_rec`, `init_state` `[n_rec]`, `b_out` `[n_out]`.
    ///
    /// # Errors
    /// If an array is missing, has the wrong shape or holds NaN, or if the constants make no sense.
    pub fn new(weights: &Weights, leak: Leak) -> Result<Self> {
        let w_rec = weights.matrix("W_rec")?;
        let w_in = weights.matrix("W_in")?;
        let w_out = weights.matrix("W_out")?;
        let (n_rec, n_in, n_out) = (w_rec.nrows(), w_in.ncols(), w_out.nrows());
        if n_rec == 0 || n_out == 0 {
            return Err(Error::shape("W_out", "[n_out, n_rec], none of them 0", w_out.shape()));
        }
        let network = Self {
            alpha: leak.alpha(n_rec)?,
            leak,
            w_in,
            w_rec,
            w_out,
            b_rec: weights.vector("b_rec")?,
            b_out: weights.vector("b_out")?,
            init_state: weights.vector("init_state")?,
        };
        let shapes = [
            ("W_rec", network.w_rec.shape(), vec![n_rec, n_rec], "[n_rec, n_rec]"),
            ("W_in", network.w_in.shape(), vec![n_rec, n_in], "[n_rec, n_in]"),
            ("W_out", network.w_out.shape(), vec![n_out, n_rec], "[n_out, n_rec]"),
            ("b_rec", network.b_rec.shape(), vec![n_rec], "[n_rec]"),
            ("b_out", network.b_out.shape(), vec![n_out], "[n_out]"),
            ("init_state", network.init_state.shape(), vec![n_rec], "[n_rec]"),
        ];
        for (name, shape, expected, meaning) in shapes {
            if shape != expected {
                return Err(Error::shape(name, format!("{meaning} = {expected:?}"), shape));
            }
        }
        weights.check_finite()?;
        Ok(network)
    }

    /// The constants of the dynamics.
    #[must_use]
    pub fn leak(&self) -> &Leak {
        &self.leak
    }

    /// The number of input channels, of units and of output channels.
    #[must_use]
    pub fn sizes(&self) -> (usize, usize, usize) {
        (self.w_in.ncols(), self.w_rec.nrows(), self.w_out.nrows())
    }

    /// Runs the network on inputs `[n_batch, n_steps, n_in]`, with unit Gaussian `noise` `[n_batch, n_steps, n_rec]` if
    /// it is to be noisy. Gives states `x` `[n_batch, n_steps, n_rec]` and outputs `z` `[n_batch, n_steps, n_out]`.
    ///
    /// # Errors
    /// If the shapes do not fit.
    pub fn forward(
        &self,
        inputs: ArrayView3<'_, f32>,
        noise: Option<ArrayView3<'_, f32>>,
    ) -> Result<(Array3<f32>, Array3<f32>)> {
        let (n_in, n_rec, n_out) = self.sizes();
        let (n_batch, n_steps, _) = inputs.dim();
        if inputs.len_of(Axis(2)) != n_in {
            return Err(Error::shape("inputs", format!("[n_batch, n_steps, n_in = {n_in}]"), inputs.shape()));
        }
        if let Some(noise) = noise.filter(|noise| noise.dim() != (n_batch, n_steps, n_rec)) {
            let expected = format!("[n_batch, n_steps, n_rec] = [{n_batch}, {n_steps}, {n_rec}]");
            return Err(Error::shape("noise", expected, noise.shape()));
        }
        let mut states = Array3::zeros((n_batch, n_steps, n_rec));
        let mut outputs = Array3::zeros((n_batch, n_steps, n_out));
        let blocks: Vec<_> = inputs
            .axis_chunks_iter(Axis(0), BLOCK)
            .zip(states.axis_chunks_iter_mut(Axis(0), BLOCK))
            .zip(outputs.axis_chunks_iter_mut(Axis(0), BLOCK))
            .enumerate()
            .map(|(i, ((inputs, states), outputs))| {
                let noise =
                    noise.map(|noise| noise.slice_move(s![i * BLOCK..i * BLOCK + inputs.len_of(Axis(0)), .., ..]));
                (inputs, noise, states, outputs)
            })
            .collect();
        threads::map(blocks, |(inputs, noise, states, outputs)| {
            self.forward_block(inputs, noise, states, outputs);
            Ok(())
        })?;
        Ok((states, outputs))
    }

    /// One block of trials through the whole sequence.
    fn forward_block(
        &self,
        inputs: ArrayView3<'_, f32>,
        noise: Option<ArrayView3<'_, f32>>,
        mut states: ArrayViewMut3<'_, f32>,
        mut outputs: ArrayViewMut3<'_, f32>,
    ) {
        let (n_batch, n_steps, _) = inputs.dim();
        let (_, n_rec, n_out) = self.sizes();
        let noise_sd = self.leak.noise_sd(&self.alpha);
        let mut x = Array2::zeros((n_batch, n_rec));
        x.assign(&self.init_state);
        let mut rates = x.mapv(|x| self.leak.transfer.rate(x));
        let mut drive = Array2::zeros((n_batch, n_rec));
        let mut z = Array2::zeros((n_batch, n_out));
        for t in 0..n_steps {
            drive.assign(&self.b_rec);
            general_mat_mul(1.0, &inputs.index_axis(Axis(1), t), &self.w_in.t(), 1.0, &mut drive);
            general_mat_mul(1.0, &rates, &self.w_rec.t(), 1.0, &mut drive);
            for (trial, (mut x, drive)) in x.rows_mut().into_iter().zip(drive.rows()).enumerate() {
                for (unit, (x, &drive)) in x.iter_mut().zip(drive).enumerate() {
                    let alpha = self.alpha[unit];
                    *x = (1.0 - alpha) * *x + alpha * drive;
                    if let Some(noise) = &noise {
                        *x += noise_sd[unit] * noise[[trial, t, unit]];
                    }
                }
            }
            rates.zip_mut_with(&x, |rate, &x| *rate = self.leak.transfer.rate(x));
            z.assign(&self.b_out);
            general_mat_mul(1.0, &rates, &self.w_out.t(), 1.0, &mut z);
            states.index_axis_mut(Axis(1), t).assign(&x);
            outputs.index_axis_mut(Axis(1), t).assign(&z);
        }
    }
}
