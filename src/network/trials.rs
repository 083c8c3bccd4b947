//! What goes into a network's graph and what comes out of it.

use ndarray::Array3;
use tch::{Kind, Tensor};

use super::to_tensor;
use crate::dynamics::standard_normal;
use crate::random::Seed;
use crate::task::Batch;
use crate::{Error, Result};

/// The sizes of a network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizes {
    /// Input channels.
    pub n_in: usize,
    /// Units.
    pub n_rec: usize,
    /// Output channels.
    pub n_out: usize,
    /// The time step, in milliseconds.
    pub dt: f32,
}

/// What a network did on a batch, as tensors.
#[derive(Debug)]
pub struct Activity {
    /// The states `[n_batch, n_steps, n_rec]`, before the transfer function; in the rate form the rates.
    pub states: Tensor,
    /// The rates `[n_batch, n_steps, n_rec]`.
    pub rates: Tensor,
    /// The outputs `[n_batch, n_steps, n_out]`.
    pub outputs: Tensor,
}

/// A batch of trials as tensors.
#[derive(Debug)]
pub struct Trials {
    /// `[n_batch, n_steps, n_in]`
    pub inputs: Tensor,
    /// `[n_batch, n_steps, n_out]`
    pub targets: Tensor,
    /// `[n_batch, n_steps, n_out]`
    pub mask: Tensor,
    /// The steps of each trial; what comes after them is padding.
    pub lengths: Vec<usize>,
    numbers: Vec<u64>,
    seed: Seed,
    /// Noise that was given, in place of what the seed gives.
    noise: Option<Tensor>,
}

impl Trials {
    /// The tensors of a batch.
    ///
    /// # Errors
    /// If its parts do not fit each other or hold NaN, see [`Batch::check`].
    pub fn new(batch: &Batch) -> Result<Self> {
        batch.check()?;
        Ok(Self {
            inputs: to_tensor(&batch.inputs)?,
            targets: to_tensor(&batch.targets)?,
            mask: to_tensor(&batch.mask)?,
            lengths: batch.lengths.clone(),
            numbers: batch.numbers.clone(),
            seed: batch.seed,
            noise: None,
        })
    }

    /// The same trials with this unit noise `[n_batch, n_steps, n_units]` instead of what their seed gives: to repeat what
    /// another program drew.
    ///
    /// # Errors
    /// If there are other numbers of trials or steps.
    pub fn with_noise(mut self, noise: &Array3<f32>) -> Result<Self> {
        let (n_batch, n_steps) = self.dim();
        if (noise.dim().0, noise.dim().1) != (n_batch, n_steps) {
            let expected = format!("[n_batch = {n_batch}, n_steps = {n_steps}, n_units]");
            return Err(Error::shape("noise", expected, noise.shape()));
        }
        self.noise = Some(to_tensor(noise)?);
        Ok(self)
    }

    /// The same trials on another device.
    ///
    /// # Errors
    /// What libtorch refuses.
    pub fn on(mut self, device: tch::Device) -> Result<Self> {
        for tensor in [&mut self.inputs, &mut self.targets, &mut self.mask].into_iter().chain(&mut self.noise) {
            *tensor = tensor.f_to_device(device)?;
        }
        Ok(self)
    }

    /// The same trials with other inputs, for a network that works on its inputs before the recurrent part.
    #[must_use]
    pub fn with_inputs(&self, inputs: Tensor) -> Self {
        Self {
            inputs,
            targets: self.targets.shallow_clone(),
            mask: self.mask.shallow_clone(),
            lengths: self.lengths.clone(),
            numbers: self.numbers.clone(),
            seed: self.seed,
            noise: self.noise.as_ref().map(Tensor::shallow_clone),
        }
    }

    /// The number of trials and of steps of the longest trial.
    #[must_use]
    pub fn dim(&self) -> (usize, usize) {
        let size = self.inputs.size();
        (self.lengths.len(), size.get(1).map_or(0, |&steps| steps as usize))
    }

    /// Unit Gaussian noise `[n_batch, n_steps, n_units]`, the same at every call and in the simulator.
    ///
    /// # Errors
    /// If other noise was given, for another number of units; what libtorch refuses.
    pub fn noise(&self, n_units: usize) -> Result<Tensor> {
        if let Some(noise) = &self.noise {
            let shape: Vec<usize> = noise.size().iter().map(|&length| length as usize).collect();
            return match shape.last() {
                Some(&n) if n == n_units => Ok(noise.shallow_clone()),
                _ => Err(Error::shape("noise", format!("[n_batch, n_steps, n_units = {n_units}]"), &shape)),
            };
        }
        let noise = to_tensor(&standard_normal(self.seed, &self.numbers, self.dim().1, n_units))?;
        Ok(noise.f_to_device(self.inputs.device())?)
    }

    /// The steps of all trials together, without padding.
    #[must_use]
    pub fn n_valid_steps(&self) -> usize {
        self.lengths.iter().sum()
    }

    /// 1 for each step of a trial and 0 for padding, `[n_batch, n_steps, 1]`; `None` if there is no padding.
    ///
    /// # Errors
    /// What libtorch refuses.
    pub fn valid(&self) -> Result<Option<Tensor>> {
        let (n_batch, n_steps) = self.dim();
        if self.lengths.iter().all(|&length| length == n_steps) {
            return Ok(None);
        }
        let lengths: Vec<i64> = self.lengths.iter().map(|&length| length as i64).collect();
        let steps = Tensor::f_arange(n_steps as i64, (Kind::Int64, tch::Device::Cpu))?.f_unsqueeze(0)?;
        let valid = steps.f_lt_tensor(&Tensor::f_from_slice(&lengths)?.f_reshape([n_batch as i64, 1])?)?;
        Ok(Some(valid.f_to_kind(Kind::Float)?.f_unsqueeze(-1)?.f_to_device(self.inputs.device())?))
    }
}
