//! The leaky recurrent network.

use std::ops::Range;

use ndarray::{Array1, Array2, ArrayView2, Axis, s};
use pulp::{Simd, WithSimd};
use serde::{Deserialize, Serialize};

use super::block::{Direct, Drive, Gradients, Kernel, Seen, Sums, chunk_of, initial_gradient};
use super::lanes::{Pool, Steps, dispatch};
use super::product::{Panels, Product};
use super::{Readout, Transfer, UnitNoise, check_shapes};
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
    /// The noise of each unit, or noise that they share, where not all have the same; `noise` is 0 then.
    #[serde(default)]
    pub unit_noise: Option<UnitNoise>,
    /// The output function.
    #[serde(default)]
    pub readout: Readout,
}

impl Leak {
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

    /// Whether noise is drawn for all steps before a run: that which units share.
    pub(crate) fn draws_all_noise_at_once(&self) -> bool {
        matches!(self.unit_noise, Some(UnitNoise::Covariance(_)))
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

/// The leaky recurrent network, `τ dx/dt = -x + W_rec f(x) + W_in u + b_rec + √(2τ) σ ξ`, in steps of `dt`:
///
/// ```text
/// x[t] = (1 - α) x[t-1] + α (W_rec f(x[t-1]) + W_in u[t] + b_rec) + √(2α) σ n[t],   α = dt / τ
/// z[t] = g(W_out f(x[t]) + b_out)
/// ```
///
/// `n` is unit Gaussian noise, independent or, with a [`Covariance`](super::Covariance) in place of `σ`, shared; `x[0]` is `init_state`, and the first recorded state is `x[1]`. Ehrlich DB et al. (2021),
/// doi:10.1523/ENEURO.0427-20.2020, equations 1 to 3.
#[derive(Clone, Debug, PartialEq)]
pub struct LeakyRnn {
    pub(super) leak: Leak,
    pub(super) alpha: Array1<f32>,
    pub(super) w_in: Array2<f32>,
    pub(super) w_rec: Array2<f32>,
    pub(super) w_out: Array2<f32>,
    b_rec: Array1<f32>,
    b_out: Array1<f32>,
    pub(super) init_state: Array2<f32>,
}

impl LeakyRnn {
    /// The network with these effective weights: `W_in` `[n_rec, n_in]`, `W_rec` `[n_rec, n_rec]`, `W_out`
    /// `[n_out, n_rec]`, `b_rec` `[n_rec]`, `b_out` `[n_out]`, `init_state` `[1, n_rec]`, or `[n_batch, n_rec]` for a
    /// state of its own for each trial. Of a matrix for one channel the axis of length 1 may be missing.
    ///
    /// # Errors
    /// If an array is missing, has the wrong shape or holds NaN, if the constants make no sense, or if the weights were trained with
    /// another transfer function.
    pub fn new(weights: &Weights, leak: Leak) -> Result<Self> {
        if let Some(name) = leak.transfer.missing() {
            let expected = format!(
                "given as Transfer::custom(\"{name}\", f, f'): neither a file nor a tensor closure has a form that runs without libtorch"
            );
            return Err(Error::argument("transfer", expected, "missing"));
        }
        weights.check_transfer(&leak.transfer)?;
        let weights = &*weights.unsqueezed();
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

    /// The same network in steps of `dt`.
    pub(super) fn in_steps_of(mut self, dt: f32) -> Result<Self> {
        self.leak.dt = dt;
        self.alpha = self.leak.alpha(self.w_rec.nrows())?;
        Ok(self)
    }

    /// `W₁ = α W_rec` for the rates, `W₂ = α (b_rec, W_in)` for the constant 1 and the inputs.
    fn pack_forward(&self, gain: Option<ArrayView2<'_, f32>>) -> Panels {
        let (n_rec, n_in) = self.w_in.dim();
        Panels::pack(n_rec, [n_rec, 1 + n_in], |unit, from| {
            self.alpha[unit]
                * match from.checked_sub(n_rec) {
                    None => self.w_rec[[unit, from]] * gain.map_or(1.0, |gain| gain[[unit, from]]),
                    Some(0) => self.b_rec[unit],
                    Some(channel) => self.w_in[[unit, channel - 1]],
                }
        })
    }
}

/// The weights of a leaky network, packed once for all blocks and steps.
pub(super) struct LeakyPanels {
    keep: Vec<f32>,
    noise_sd: Vec<f32>,
    forward: Panels,
    /// `W_out` for the rates, `b_out` for the constant 1.
    outputs: Panels,
    /// `(α W_rec)ᵀ` for the adjoints of the next step, `W_outᵀ` for those of the outputs.
    backward: Panels,
}

/// What a forward run of some steps leaves for the way back.
pub(super) struct LeakyTrace {
    /// `f(x)`, the start first.
    rates: Steps,
    /// `f'(x)`, if it does not follow from `f(x)`.
    slopes: Option<Steps>,
}

impl Kernel for LeakyRnn {
    type Panels = LeakyPanels;
    type Trace = LeakyTrace;

    fn sizes(&self) -> (usize, usize, usize) {
        (self.w_in.ncols(), self.w_in.nrows(), self.w_out.nrows())
    }

    fn pack(&self) -> LeakyPanels {
        let (n_out, n_rec) = self.w_out.dim();
        LeakyPanels {
            keep: self.alpha.iter().map(|alpha| 1.0 - alpha).collect(),
            noise_sd: self.leak.noise_sd(&self.alpha).to_vec(),
            forward: self.pack_forward(None),
            outputs: Panels::pack(n_out, [n_rec, 1], |output, unit| match unit < n_rec {
                true => self.w_out[[output, unit]],
                false => self.b_out[output],
            }),
            backward: Panels::pack(n_rec, [n_rec, n_out], |unit, from| match from.checked_sub(n_rec) {
                None => self.alpha[from] * self.w_rec[[from, unit]],
                Some(output) => self.w_out[[output, unit]],
            }),
        }
    }

    fn state_rows(&self) -> usize {
        self.alpha.len()
    }

    fn trace_rows(&self) -> usize {
        self.alpha.len() * if self.leak.transfer.keeps_slopes() { 2 } else { 1 }
    }

    fn driven_rows(&self) -> usize {
        self.alpha.len()
    }

    fn adjoint_rows(&self) -> usize {
        self.alpha.len()
    }

    fn start(&self, drive: &Drive, state: &mut Steps) {
        state.set(0, 0, &self.init_state, &drive.block);
    }

    fn trace(&self, pool: &Pool, drive: &Drive, n_steps: usize) -> LeakyTrace {
        let steps = || Steps::unwritten(pool, &drive.block, n_steps + 1, self.alpha.len());
        LeakyTrace { rates: steps(), slopes: self.leak.transfer.keeps_slopes().then(steps) }
    }

    fn forward(
        &self,
        panels: &LeakyPanels,
        drive: &Drive,
        steps: Range<usize>,
        state: &mut Steps,
        trace: &mut LeakyTrace,
        seen: Option<&mut Seen<'_>>,
    ) {
        dispatch(Forward { network: self, panels, drive, steps, x: state, trace, seen });
    }

    fn backward(
        &self,
        panels: &LeakyPanels,
        drive: &Drive,
        steps: Range<usize>,
        trace: &LeakyTrace,
        direct: &Direct<'_>,
        adjoint: &mut Steps,
        sums: &mut Sums,
    ) {
        dispatch(Backward { network: self, panels, drive, steps, trace, direct, adjoint, sums });
    }

    fn gradients(
        &self,
        panels: &LeakyPanels,
        drive: &Drive,
        trace: &LeakyTrace,
        mut adjoint: Steps,
        sums: Array2<f32>,
    ) -> Gradients {
        dispatch(FirstAdjoint { network: self, panels, drive, trace, adjoint: &mut adjoint });
        let first = adjoint.by_trial(0, drive.block.trials.len());
        let n_rec = self.alpha.len();
        let (driven, outputs) = sums.view().split_at(Axis(0), n_rec);
        let driven = &driven * &self.alpha.view().insert_axis(Axis(1));
        Gradients::from([
            ("W_in".to_owned(), driven.slice(s![.., n_rec + 1..]).to_owned().into_dyn()),
            ("W_rec".to_owned(), driven.slice(s![.., ..n_rec]).to_owned().into_dyn()),
            ("W_out".to_owned(), outputs.slice(s![.., ..n_rec]).to_owned().into_dyn()),
            ("b_rec".to_owned(), driven.column(n_rec).to_owned().into_dyn()),
            ("b_out".to_owned(), outputs.column(n_rec).to_owned().into_dyn()),
            ("init_state".to_owned(), initial_gradient(&self.init_state, &drive.block, first)),
        ])
    }
}

/// Some steps forward. `x` is the state before, and then after them.
struct Forward<'a, 'b> {
    network: &'a LeakyRnn,
    panels: &'a LeakyPanels,
    drive: &'a Drive,
    steps: Range<usize>,
    x: &'a mut Steps,
    trace: &'a mut LeakyTrace,
    seen: Option<&'a mut Seen<'b>>,
}

impl Forward<'_, '_> {
    /// The rates of the state, as step `i` of the trace.
    #[inline(always)]
    fn rates<S: Simd>(&mut self, simd: S, i: usize) {
        let transfer = &self.network.leak.transfer;
        for v in 0..self.drive.block.vectors {
            let (x, rates) = (self.x.slab::<S>(0, v), self.trace.rates.slab_mut::<S>(i, v));
            match &mut self.trace.slopes {
                None => transfer.rates(simd, x, rates),
                Some(slopes) => transfer.rates_and_slopes(simd, x, rates, slopes.slab_mut::<S>(i, v)),
            }
        }
    }
}

impl WithSimd for Forward<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (drive, panels) = (self.drive, self.panels);
        let vectors = drive.block.vectors;
        let mut noise = Steps::unwritten(drive.pool(), &drive.block, 1, panels.keep.len());
        self.rates(simd, 0);
        for (i, t) in self.steps.clone().enumerate() {
            let noisy = drive.noise.fill(simd, &drive.block, t, &mut noise);
            for v in 0..vectors {
                let x = self.x.slab_mut::<S>(0, v);
                // No closures here nor below: see `transfer`.
                for (x, &keep) in x.iter_mut().zip(&panels.keep) {
                    *x = simd.mul_f32s(*x, simd.splat_f32s(keep));
                }
                if noisy {
                    for ((x, &n), &sd) in x.iter_mut().zip(noise.slab::<S>(0, v)).zip(&panels.noise_sd) {
                        *x = simd.mul_add_e_f32s(n, simd.splat_f32s(sd), *x);
                    }
                }
            }
            let packed = drive.gain(t).map(|gain| self.network.pack_forward(Some(gain)));
            let x = [(&self.trace.rates, i), (&drive.inputs, t)];
            let forward = packed.as_ref().unwrap_or(&panels.forward);
            let soon = Some((&self.trace.rates, i + 1));
            Simd::vectorize(simd, Product { panels: forward, x, to: (self.x, 0), add: true, soon, vectors });
            self.rates(simd, i + 1);
            if let Some(seen) = &mut self.seen {
                let x = [(&self.trace.rates, i + 1), (&drive.inputs, t)];
                let to = seen.outputs(t);
                Simd::vectorize(simd, Product { panels: &panels.outputs, x, to, add: false, soon: None, vectors });
                seen.take(t, (self.x, 0), (&self.trace.rates, i + 1));
            }
        }
    }
}

/// Some steps backward: from the adjoints `δ = dL/dx` after them to those before them, and the sums for the gradients.
/// The equations stand in the documentation of [`dynamics`](super).
struct Backward<'a> {
    network: &'a LeakyRnn,
    panels: &'a LeakyPanels,
    drive: &'a Drive,
    steps: Range<usize>,
    trace: &'a LeakyTrace,
    direct: &'a Direct<'a>,
    adjoint: &'a mut Steps,
    sums: &'a mut Sums,
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { network, panels, drive, steps, trace, direct, adjoint, sums } = self;
        let (block, transfer, n_rec) = (&drive.block, &network.leak.transfer, network.alpha.len());
        let slopes = trace.slopes.as_ref().unwrap_or(&trace.rates);
        let mut on_states = Steps::unwritten(drive.pool(), block, 1, n_rec);
        // δ of a chunk of steps, of the step after them last.
        let chunk = chunk_of(network, block);
        let mut delta = Steps::unwritten(drive.pool(), block, chunk + 1, n_rec);
        let mut end = steps.end;
        while end > steps.start {
            let first = (end - 1) / chunk * chunk;
            delta.copy(end - first, adjoint, 0);
            for t in (first..end).rev() {
                let i = t - first;
                // What comes through the rates; adjoint is the place for it.
                let x = [(&delta, i + 1), (direct.outputs, t + 1)];
                let (to, soon, vectors) = ((&mut *adjoint, 0), Some((slopes, t + 1 - steps.start)), block.vectors);
                Simd::vectorize(simd, Product { panels: &panels.backward, x, to, add: false, soon, vectors });
                let has_direct = direct.states(t, block, &mut on_states);
                for v in 0..block.vectors {
                    let (now, after) = delta.slab_pair::<S>(i, v);
                    let back = adjoint.slab_mut::<S>(0, v);
                    transfer.times_slopes(simd, slopes.slab::<S>(t + 1 - steps.start, v), back);
                    for (((now, &after), &back), &keep) in now.iter_mut().zip(after).zip(&*back).zip(&panels.keep) {
                        *now = simd.mul_add_e_f32s(after, simd.splat_f32s(keep), back);
                    }
                    if has_direct {
                        for (now, &direct) in now.iter_mut().zip(on_states.slab::<S>(0, v)) {
                            *now = simd.add_f32s(*now, direct);
                        }
                    }
                }
            }
            adjoint.copy(0, &delta, 0);
            sums.add(simd, first..end, &delta, (&trace.rates, first - steps.start), drive, direct);
            end = first;
        }
    }
}

/// The adjoint of the state at the start, from that after the first step.
struct FirstAdjoint<'a> {
    network: &'a LeakyRnn,
    panels: &'a LeakyPanels,
    drive: &'a Drive,
    trace: &'a LeakyTrace,
    adjoint: &'a mut Steps,
}

impl WithSimd for FirstAdjoint<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { network, panels, drive, trace, adjoint } = self;
        let block = &drive.block;
        let slopes = trace.slopes.as_ref().unwrap_or(&trace.rates);
        let mut through = Steps::unwritten(drive.pool(), block, 1, network.alpha.len());
        // No output belongs to the start.
        let nothing = Steps::zeros(drive.pool(), block, 1, network.w_out.nrows());
        let x = [(&*adjoint, 0), (&nothing, 0)];
        let (to, vectors) = ((&mut through, 0), block.vectors);
        Simd::vectorize(simd, Product { panels: &panels.backward, x, to, add: false, soon: None, vectors });
        for v in 0..block.vectors {
            let back = through.slab_mut::<S>(0, v);
            network.leak.transfer.times_slopes(simd, slopes.slab::<S>(0, v), back);
            for ((delta, &back), &keep) in adjoint.slab_mut::<S>(0, v).iter_mut().zip(&*back).zip(&panels.keep) {
                *delta = simd.mul_add_e_f32s(*delta, simd.splat_f32s(keep), back);
            }
        }
    }
}
