//! Tensors by name.

use indexmap::IndexMap;
use ndarray::ArrayD;
use tch::{Kind, Tensor};

use crate::{Error, Result};

impl From<tch::TchError> for Error {
    fn from(error: tch::TchError) -> Self {
        // The first line says what is wrong; the rest is a trace through C++.
        Self::Torch(error.to_string().lines().next().unwrap_or_default().to_owned())
    }
}

/// The numbers of a tensor.
pub(crate) fn to_array(tensor: &Tensor) -> Result<ArrayD<f32>> {
    Ok((&tensor.f_detach()?.f_to_kind(Kind::Float)?.f_contiguous()?).try_into()?)
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
        self.0
            .get(name)
            .ok_or_else(|| Error::MissingArray { name: name.to_owned(), present: self.0.keys().cloned().collect() })
    }

    /// The tensors in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.0.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }
}

/// One parameter: a tensor, and whether training changes it.
#[derive(Debug)]
pub struct Parameter {
    /// The numbers.
    pub value: Tensor,
    /// Whether training changes them.
    pub trainable: bool,
}

/// The parameters of a network, by name, in order.
#[derive(Debug, Default)]
pub struct Parameters(IndexMap<String, Parameter>);

impl Parameters {
    /// No parameters yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a parameter, or replaces the one of that name.
    ///
    /// # Errors
    /// What libtorch refuses.
    pub fn insert<D: ndarray::Dimension>(
        &mut self,
        name: &str,
        array: &ndarray::Array<f32, D>,
        trainable: bool,
    ) -> Result<()> {
        let value = Tensor::try_from(array.as_standard_layout().into_owned())?.f_set_requires_grad(trainable)?;
        self.0.insert(name.to_owned(), Parameter { value, trainable });
        Ok(())
    }

    /// The parameter of that name.
    ///
    /// # Errors
    /// If there is none.
    pub fn get(&self, name: &str) -> Result<&Tensor> {
        self.0
            .get(name)
            .map(|parameter| &parameter.value)
            .ok_or_else(|| Error::MissingArray { name: name.to_owned(), present: self.0.keys().cloned().collect() })
    }

    /// The parameters in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Parameter)> {
        self.0.iter().map(|(name, parameter)| (name.as_str(), parameter))
    }

    /// The parameters in order, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Parameter)> {
        self.0.iter_mut().map(|(name, parameter)| (name.as_str(), parameter))
    }

    /// The parameters as plain tensors, which share their numbers.
    ///
    /// # Errors
    /// Never for parameters that were inserted here.
    pub fn tensors(&self) -> Result<Tensors> {
        Ok(Tensors(self.0.iter().map(|(name, parameter)| (name.clone(), parameter.value.shallow_clone())).collect()))
    }
}
