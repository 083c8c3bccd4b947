//! The leaky recurrent network.

use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use super::tape::{Block, Gradients, Matrix, Steps, initial_gradient, multiply};
use super::{Transfer, check_shapes};
use crate::setters::setters;
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

    setters! {
        /// The time constant of each unit, in milliseconds.
        tau: &[f32] => tau.to_vec();
        /// The transfer function.
        transfer: Transfer;
        /// The standard deviation of the recurrent noise.
        noise: f32;
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

    /// One block of trials forward through the whole sequence.
    pub(super) fn forward_block(&self, block: Block<'_>) -> LeakyTape {
        let (n_steps, n_trials) = block.dim();
        let (n_rec, n_out) = (self.w_rec.nrows(), self.w_out.nrows());
        let keep = self.alpha.mapv(|alpha| 1.0 - alpha);
        let noise_sd = self.leak.noise_sd(&self.alpha);
        let transfer = &self.leak.transfer;
        let mut states = Steps::unwritten(block.pool(), n_steps + 1, n_trials, n_rec);
        let mut rates = Steps::unwritten(block.pool(), n_steps + 1, n_trials, n_rec);
        let initial = block.initial(&self.init_state);
        states.step_mut(0).iter_mut().zip(&initial).for_each(|(x, &start)| *x = start);
        transfer.rates(states.step(0), rates.step_mut(0));
        // What the inputs drive does not wait for the states: one product for all steps.
        let mut drive = Steps::unwritten(block.pool(), n_steps, n_trials, n_rec);
        multiply(block.inputs.all(), self.w_in.t(), 0.0, &mut drive.data);
        for t in 0..n_steps {
            let now = Matrix::new(n_trials, n_rec, rates.step(t));
            match block.gain(t) {
                None => multiply(now, self.w_rec.t(), 1.0, drive.step_mut(t)),
                Some(gain) => multiply(now, (&self.w_rec * &gain).t(), 1.0, drive.step_mut(t)),
            }
            let (before, after) = states.step_pair(t);
            let rows =
                after.chunks_exact_mut(n_rec).zip(before.chunks_exact(n_rec)).zip(drive.step(t).chunks_exact(n_rec));
            for (trial, ((after, before), drive)) in rows.enumerate() {
                let constants = keep.iter().zip(&self.alpha).zip(&self.b_rec);
                for (((x, before), drive), ((keep, alpha), b)) in after.iter_mut().zip(before).zip(drive).zip(constants)
                {
                    *x = keep * before + alpha * (drive + b);
                }
                if let Some(noise) = &block.noise {
                    let noise = noise.slice(ndarray::s![trial, t, ..]);
                    after.iter_mut().zip(noise).zip(&noise_sd).for_each(|((x, n), sd)| *x += sd * n);
                }
            }
            transfer.rates(states.step(t + 1), rates.step_mut(t + 1));
        }
        let mut outputs = Steps::unwritten(block.pool(), n_steps, n_trials, n_out);
        outputs.data.chunks_exact_mut(n_out).for_each(|z| z.iter_mut().zip(&self.b_out).for_each(|(z, b)| *z = *b));
        multiply(rates.rows(1, n_steps + 1), self.w_out.t(), 1.0, &mut outputs.data);
        LeakyTape { first: block.first, inputs: block.inputs, states, rates, outputs }
    }

    /// One block of trials backward through time: from the gradients with respect to outputs, and to states if the loss
    /// depends on them by itself, to those with respect to the effective weights.
    ///
    /// With `δ[t] = dL/dx[t]` and `a[t] = α δ[t]`:
    ///
    /// ```text
    /// δ[t] = f'(x[t]) · (W_outᵀ dL/dz[t] + W_recᵀ a[t+1]) + (1 - α) δ[t+1] + ∂L/∂x[t]
    /// dL/dW_rec = Σ a[t] f(x[t-1])ᵀ,  dL/dW_in = Σ a[t] u[t]ᵀ,  dL/db_rec = Σ a[t],  dL/dW_out = Σ dL/dz[t] f(x[t])ᵀ
    /// ```
    pub(super) fn backward_block(&self, tape: &LeakyTape, d_outputs: &Steps, d_states: Option<&Steps>) -> Gradients {
        let (n_steps, n_trials, n_rec) = (tape.outputs.n_steps, tape.outputs.n_trials, self.w_rec.nrows());
        let size = n_trials * n_rec;
        let keep = self.alpha.mapv(|alpha| 1.0 - alpha);
        let mut through_rates = Steps::unwritten(d_outputs.pool(), n_steps, n_trials, n_rec);
        multiply(d_outputs.all(), self.w_out.view(), 0.0, &mut through_rates.data);
        // adjoints holds a[t]; delta is δ of the step that was last worked on.
        let mut adjoints = Steps::unwritten(d_outputs.pool(), n_steps, n_trials, n_rec);
        let mut delta = vec![0.0; size];
        let mut slopes = vec![0.0; size];
        let mut first_rates = vec![0.0; size];
        for t in (0..n_steps).rev() {
            if t + 1 < n_steps {
                let after = Matrix::new(n_trials, n_rec, adjoints.step(t + 1));
                multiply(after, self.w_rec.view(), 1.0, through_rates.step_mut(t));
            }
            self.leak.transfer.slopes(tape.states.step(t + 1), tape.rates.step(t + 1), &mut slopes);
            back_step(&mut delta, through_rates.step(t), &slopes, &keep);
            if let Some(direct) = d_states {
                delta.iter_mut().zip(direct.step(t)).for_each(|(delta, direct)| *delta += direct);
            }
            for (a, delta) in adjoints.step_mut(t).chunks_exact_mut(n_rec).zip(delta.chunks_exact(n_rec)) {
                a.iter_mut().zip(delta).zip(&self.alpha).for_each(|((a, delta), alpha)| *a = alpha * delta);
            }
        }
        multiply(Matrix::new(n_trials, n_rec, adjoints.step(0)), self.w_rec.view(), 0.0, &mut first_rates);
        self.leak.transfer.slopes(tape.states.step(0), tape.rates.step(0), &mut slopes);
        back_step(&mut delta, &first_rates, &slopes, &keep);
        let initial = Array2::from_shape_fn((n_trials, n_rec), |(trial, unit)| delta[trial * n_rec + unit]);
        let a = adjoints.all();
        let z = d_outputs.all();
        Gradients::from([
            ("W_in".to_owned(), a.transposed_times(tape.inputs.all()).into_dyn()),
            ("W_rec".to_owned(), a.transposed_times(tape.rates.rows(0, n_steps)).into_dyn()),
            ("W_out".to_owned(), z.transposed_times(tape.rates.rows(1, n_steps + 1)).into_dyn()),
            ("b_rec".to_owned(), Array1::from(a.column_sums()).into_dyn()),
            ("b_out".to_owned(), Array1::from(z.column_sums()).into_dyn()),
            ("init_state".to_owned(), initial_gradient(&self.init_state, tape.first, initial)),
        ])
    }
}

/// `δ = f'(x) · g + (1 - α) δ`, in place.
fn back_step(delta: &mut [f32], through_rates: &[f32], slopes: &[f32], keep: &Array1<f32>) {
    let n_rec = keep.len();
    let rows = delta.chunks_exact_mut(n_rec).zip(through_rates.chunks_exact(n_rec)).zip(slopes.chunks_exact(n_rec));
    for ((delta, g), slope) in rows {
        for (((delta, g), slope), keep) in delta.iter_mut().zip(g).zip(slope).zip(keep) {
            *delta = slope * g + keep * *delta;
        }
    }
}

/// What a forward run of one block leaves behind.
#[derive(Debug)]
pub(super) struct LeakyTape {
    pub(super) first: usize,
    inputs: Steps,
    /// `x[0]` to `x[n_steps]`.
    pub(super) states: Steps,
    /// `f(x[0])` to `f(x[n_steps])`.
    rates: Steps,
    pub(super) outputs: Steps,
}
