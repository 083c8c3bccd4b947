//! Tensors by name.

use std::any::Any;
use std::collections::BTreeMap;

use indexmap::IndexMap;
use ndarray::{ArrayBase, ArrayD, Data, Dimension};
use tch::{Kind, Tensor};

use crate::dynamics::Readout;
use crate::weights::Weights;
use crate::{Error, Result};

impl From<tch::TchError> for Error {
    fn from(error: tch::TchError) -> Self {
        // The first line says what is wrong; the rest is a trace through C++.
        Self::Torch(error.to_string().lines().next().unwrap_or_default().to_owned())
    }
}

/// The numbers of a tensor, wherever it is.
pub(crate) fn to_array(tensor: &Tensor) -> Result<ArrayD<f32>> {
    Ok(tensor.try_into()?)
}

/// A tensor with these numbers.
pub(crate) fn to_tensor<S: Data<Elem = f32>, D: Dimension>(array: &ArrayBase<S, D>) -> Result<Tensor> {
    let shape: Vec<i64> = array.shape().iter().map(|&length| length as i64).collect();
    let array = array.as_standard_layout();
    // In standard layout there is a slice.
    let numbers = pulp::bytemuck::cast_slice(array.as_slice().unwrap_or_default());
    Ok(Tensor::f_from_data_size(numbers, &shape, Kind::Float)?)
}

/// The outputs that these sums give.
pub(super) fn read_out(readout: Readout, sums: &Tensor) -> Result<Tensor> {
    Ok(match readout {
        Readout::Linear => sums.shallow_clone(),
        Readout::Rectified => sums.f_relu()?,
        Readout::RectifiedPower { power } => sums.f_relu()?.f_pow_tensor_scalar(f64::from(power))?,
        Readout::Sigmoid => sums.f_sigmoid()?,
        Readout::Softmax => sums.f_softmax(-1, None)?,
    })
}

/// A leaf like `tensor`, on a device.
fn moved(tensor: &Tensor, device: tch::Device) -> Result<Tensor> {
    Ok(tensor.f_detach()?.f_to_device(device)?.f_set_requires_grad(tensor.requires_grad())?)
}

/// Tensors by name, in order.
#[derive(Debug, Default)]
pub struct Tensors(IndexMap<String, Tensor>);

impl Tensors {
    /// No tensors yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tensor, or replaces the one of that name.
    pub fn insert(&mut self, name: &str, tensor: Tensor) {
        self.0.insert(name.to_owned(), tensor);
    }

    /// The tensor of that name.
    ///
    /// # Errors
    /// If there is none.
    pub fn get(&self, name: &str) -> Result<&Tensor> {
        self.0.get(name).ok_or_else(|| missing(name, self.0.keys()))
    }

    /// Moves all of them to a device.
    pub(super) fn move_to(&mut self, device: tch::Device) -> Result<()> {
        self.0.values_mut().try_for_each(|tensor| {
            *tensor = moved(tensor, device)?;
            Ok(())
        })
    }

    /// The tensors in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.0.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }
}

fn missing<'a>(name: &str, present: impl Iterator<Item = &'a String>) -> Error {
    Error::MissingArray { name: name.to_owned(), present: present.cloned().collect(), skipped: Vec::new() }
}

/// One parameter: a tensor, and what of it training changes.
#[derive(Debug)]
pub struct Parameter {
    /// The numbers.
    pub value: Tensor,
    /// Whether training changes them.
    pub trainable: bool,
    /// Which entries training leaves as they are all the same, in the same shape.
    pub frozen_entries: Option<ArrayD<bool>>,
}

/// The parameters of a network, by name, in order, with what training remembers of them.
///
/// The optimizer's memory lives here, so that training which is called again goes on where it was.
#[derive(Debug, Default)]
pub struct Parameters {
    entries: IndexMap<String, Parameter>,
    /// What training remembers.
    pub memory: Memory,
}

/// What training remembers between calls.
#[derive(Debug, Default)]
pub struct Memory {
    /// The optimizer that left these moments; another one starts afresh.
    pub optimizer: String,
    /// The updates that it made.
    pub updates: u64,
    /// The updates that all optimizers made.
    pub total: u64,
    /// The trials that were drawn.
    pub trials: u64,
    /// Its moments, by name: `W_rec/m`, `W_rec/v`.
    pub moments: BTreeMap<String, ArrayD<f32>>,
    /// The parameters that were best in the checks of the last training; none if nothing was checked.
    pub best: BTreeMap<String, ArrayD<f32>>,
    /// The states `[batch_size, n_rec]` in which the trials of the last batch ended, by the name of the initial state in whose place
    /// they are, if they are [carried over](crate::train::Trainer::carry_state).
    pub carried: BTreeMap<String, ArrayD<f32>>,
    /// What the last training did, for [`Training::of`](crate::train::Training::of), whose type is not known here.
    pub(crate) report: Option<Box<dyn Any + Send>>,
}

impl Memory {
    /// Takes a moment of a parameter out, zero at first.
    pub(crate) fn take(&mut self, parameter: &str, moment: &str, shape: &[usize]) -> ArrayD<f32> {
        self.moments.remove(&format!("{parameter}/{moment}")).unwrap_or_else(|| ArrayD::zeros(shape))
    }

    /// Remembers a moment of a parameter.
    pub(crate) fn put(&mut self, parameter: &str, moment: &str, value: ArrayD<f32>) {
        self.moments.insert(format!("{parameter}/{moment}"), value);
    }
}

impl Parameters {
    /// No parameters yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a parameter that training changes, or replaces the one of that name.
    ///
    /// # Errors
    /// What libtorch refuses.
    pub fn insert<S: Data<Elem = f32>, D: Dimension>(&mut self, name: &str, array: &ArrayBase<S, D>) -> Result<()> {
        let value = to_tensor(array)?.f_set_requires_grad(true)?;
        self.entries.insert(name.to_owned(), Parameter { value, trainable: true, frozen_entries: None });
        Ok(())
    }

    /// Leaves a parameter as it is in training.
    ///
    /// # Errors
    /// If there is no such parameter.
    pub fn freeze(&mut self, name: &str) -> Result<()> {
        let parameter = self.parameter(name)?;
        parameter.trainable = false;
        parameter.value = parameter.value.f_set_requires_grad(false)?;
        Ok(())
    }

    /// Leaves those entries of a parameter as they are in training where `entries` is 1; elsewhere it is 0.
    ///
    /// # Errors
    /// If there is no such parameter, or if the shapes differ.
    pub fn freeze_entries<S: Data<Elem = f32>, D: Dimension>(
        &mut self,
        name: &str,
        entries: &ArrayBase<S, D>,
    ) -> Result<()> {
        if let Some(entry) = entries.iter().find(|&&entry| entry != 0.0 && entry != 1.0) {
            return Err(Error::argument(format!("frozen entries of {name}"), "0 or 1", entry));
        }
        let parameter = self.parameter(name)?;
        let shape: Vec<usize> = parameter.value.size().iter().map(|&length| length as usize).collect();
        if entries.shape() != shape {
            return Err(Error::shape(format!("frozen entries of {name}"), format!("{shape:?}"), entries.shape()));
        }
        parameter.frozen_entries = Some(entries.mapv(|entry| entry == 1.0).into_dyn());
        Ok(())
    }

    /// Moves the parameters to a device.
    ///
    /// # Errors
    /// What libtorch refuses.
    pub fn move_to(&mut self, device: tch::Device) -> Result<()> {
        for parameter in self.entries.values_mut() {
            parameter.value = moved(&parameter.value, device)?;
        }
        Ok(())
    }

    /// The parameter of that name.
    ///
    /// # Errors
    /// If there is none.
    pub fn get(&self, name: &str) -> Result<&Tensor> {
        self.entries.get(name).map(|parameter| &parameter.value).ok_or_else(|| missing(name, self.entries.keys()))
    }

    fn parameter(&mut self, name: &str) -> Result<&mut Parameter> {
        if !self.entries.contains_key(name) {
            return Err(missing(name, self.entries.keys()));
        }
        self.entries.get_mut(name).ok_or_else(|| missing(name, std::iter::empty()))
    }

    /// The parameters in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Parameter)> {
        self.entries.iter().map(|(name, parameter)| (name.as_str(), parameter))
    }

    /// The parameters to be changed, and the memory.
    pub(crate) fn split_mut(&mut self) -> (impl Iterator<Item = (&str, &mut Parameter)>, &mut Memory) {
        (self.entries.iter_mut().map(|(name, parameter)| (name.as_str(), parameter)), &mut self.memory)
    }

    /// The numbers of all parameters, by name.
    ///
    /// # Errors
    /// What libtorch refuses.
    pub fn values(&self) -> Result<BTreeMap<String, ArrayD<f32>>> {
        self.iter().map(|(name, parameter)| Ok((name.to_owned(), to_array(&parameter.value)?))).collect()
    }

    /// Puts numbers in the place of those of the parameters with these names.
    ///
    /// # Errors
    /// If there is no such parameter, or if it has another shape; then nothing is changed.
    pub fn set_values(&mut self, values: &BTreeMap<String, ArrayD<f32>>) -> Result<()> {
        let mut checked = Vec::new();
        for (name, value) in values {
            let shape: Vec<usize> = self.get(name)?.size().iter().map(|&length| length as usize).collect();
            if value.shape() != shape {
                return Err(Error::shape(name, format!("{shape:?}"), value.shape()));
            }
            checked.push((name, to_tensor(value)?));
        }
        for (name, value) in checked {
            let parameter = self.parameter(name)?;
            tch::no_grad(|| parameter.value.f_copy_(&value))?;
        }
        Ok(())
    }

    /// Puts the arrays of their names in the place of all parameters, in the shapes of these, and forgets what training remembers.
    pub(super) fn replace(&mut self, raw: &Weights) -> Result<()> {
        let mut values = BTreeMap::new();
        for (name, parameter) in self.iter() {
            let array = raw.array(name)?;
            let shape: Vec<usize> = parameter.value.size().iter().map(|&length| length as usize).collect();
            let of_shape =
                array.to_shape(shape.clone()).map_err(|_| Error::shape(name, format!("{shape:?}"), array.shape()))?;
            values.insert(name.to_owned(), of_shape.into_owned());
        }
        self.set_values(&values)?;
        self.memory = Memory::default();
        Ok(())
    }

    /// The parameters as plain tensors, which share their numbers.
    #[must_use]
    pub fn tensors(&self) -> Tensors {
        let share = |(name, parameter): (&String, &Parameter)| (name.clone(), parameter.value.shallow_clone());
        Tensors(self.entries.iter().map(share).collect())
    }
}
