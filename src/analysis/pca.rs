//! Principal components of population activity.

use linfa_linalg::eigh::{EigSort, Eigh};
use ndarray::{Array1, Array2, Array3, Axis};
use serde::{Deserialize, Serialize};

use crate::task::Value;
use crate::{Error, Result, memory};

/// The principal components of activity: the directions, orthogonal to each other, along which it varies most.
///
/// They are the eigenvectors of the covariance `Xᵀ X / (n_samples - 1)` of the centered samples `X`
/// `[n_samples, n_units]`, and the variances along them its eigenvalues: an exact decomposition, not an iterative one. The sign of a
/// component, which is arbitrary, is such that its largest weight is positive.
///
/// ```
/// use ndarray::array;
/// use psychrnn::analysis::Pca;
/// let samples = array![[1.0, 2.0], [2.0, 4.1], [3.0, 5.9], [4.0, 8.0]];
/// let pca = Pca::fit(&samples, 1)?;
/// assert!(pca.shares[0] > 0.99);
/// assert_eq!(pca.project(&samples)?.dim(), (4, 1));
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Pca {
    /// The mean of the samples `[n_units]`.
    pub mean: Array1<f64>,
    /// The components `[n_components, n_units]`, each of length 1, that of the largest variance first.
    pub components: Array2<f64>,
    /// The variance of the samples along each component `[n_components]`.
    pub variances: Array1<f64>,
    /// The share of each component in the variance of all units together `[n_components]`.
    pub shares: Array1<f64>,
}

impl Pca {
    /// The first components of samples `[n_samples, n_units]`.
    ///
    /// # Errors
    /// If there are fewer than two samples, if they do not vary, if one is not finite, or if `n_components` is 0 or
    /// more than there are units or samples - 1.
    pub fn fit(samples: &Array2<f64>, n_components: usize) -> Result<Self> {
        let (n_samples, n_units) = samples.dim();
        if n_samples < 2 || n_units == 0 {
            return Err(Error::shape("samples", "[n_samples, n_units], at least [2, 1]", samples.shape()));
        }
        check_finite(samples)?;
        let most = n_units.min(n_samples - 1);
        if !(1..=most).contains(&n_components) {
            return Err(Error::argument("n_components", format!("from 1 to {most}"), n_components));
        }
        // Samples about their mean; the covariance, its decomposition and the room that this takes.
        let needed = memory::floats(&[2, n_samples, n_units]).saturating_add(memory::floats(&[8, n_units, n_units]));
        memory::check(format!("the components of {n_units} units"), needed, "take fewer units or samples")?;
        let mean = samples.sum_axis(Axis(0)) / n_samples as f64;
        let centered = samples - &mean;
        let covariance = centered.t().dot(&centered) / (n_samples - 1) as f64;
        let total = covariance.diag().sum();
        if total == 0.0 {
            return Err(Error::argument("samples", "ones that vary", "all the same"));
        }
        let (variances, vectors) = covariance
            .eigh()
            .map_err(|error| Error::argument("samples", "ones whose covariance can be decomposed", error))?
            .sort_eig_desc();
        let mut components = vectors.t().slice(ndarray::s![..n_components, ..]).to_owned();
        for mut component in components.outer_iter_mut() {
            let largest =
                component.iter().copied().fold(0.0_f64, |most, x| if x.abs() > most.abs() { x } else { most });
            component *= largest.signum();
        }
        // Rounding can make a variance of zero a little less than that.
        let variances = variances.slice(ndarray::s![..n_components]).mapv(|variance| variance.max(0.0));
        Ok(Self { mean, components, shares: &variances / total, variances })
    }

    /// Samples `[n_samples, n_units]`, of the same units but maybe of other trials, in the space of the components:
    /// `(x - mean) Wᵀ` `[n_samples, n_components]`.
    ///
    /// # Errors
    /// If there are other numbers of units.
    pub fn project(&self, samples: &Array2<f64>) -> Result<Array2<f64>> {
        if samples.ncols() != self.mean.len() {
            return Err(Error::shape(
                "samples",
                format!("[n_samples, n_units = {}]", self.mean.len()),
                samples.shape(),
            ));
        }
        Ok((samples - &self.mean).dot(&self.components.t()))
    }

    /// The share of each component in the variance of other samples `[n_samples, n_units]`, about their own mean: how
    /// well components hold for trials to which they were not fitted. NaN if these do not vary.
    ///
    /// # Errors
    /// If there are other numbers of units.
    pub fn shares_of(&self, samples: &Array2<f64>) -> Result<Array1<f64>> {
        let total = samples.var_axis(Axis(0), 0.0).sum();
        Ok(self.project(samples)?.var_axis(Axis(0), 0.0) / total)
    }
}

/// An error that says where, if a sample is not finite.
fn check_finite(samples: &Array2<f64>) -> Result<()> {
    match samples.indexed_iter().find(|(_, value)| !value.is_finite()) {
        None => Ok(()),
        Some(((sample, unit), &value)) => {
            Err(Error::NotFinite { name: "samples".into(), value, at: format!("sample {sample}, unit {unit}") })
        }
    }
}

/// Averages over trials in the space of principal components, of
/// [`Averages::trajectories`](super::Averages::trajectories), or along other axes, of
/// [`TargetedAxes::trajectories`](super::TargetedAxes::trajectories).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Trajectories {
    /// The column whose values are the conditions.
    pub by: String,
    /// The conditions, ascending.
    pub conditions: Vec<Value>,
    /// The times, in milliseconds from the event.
    pub times: Vec<f64>,
    /// The names of the components.
    pub names: Vec<String>,
    /// The places `[n_conditions, n_times, n_components]`; NaN where no trial has such a time.
    pub points: Array3<f64>,
    /// The share of each component in the variance of these averages; of [`TargetedAxes`](super::TargetedAxes), of their
    /// z-scores.
    pub shares: Vec<f64>,
}
