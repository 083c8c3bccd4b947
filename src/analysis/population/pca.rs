//! Principal components of population activity.

use linfa_linalg::eigh::{EigSort, Eigh};
use ndarray::{Array1, Array2, Array3, ArrayViewMut1, Axis};
use serde::{Deserialize, Serialize};

use super::average::Averages;
use crate::simulate::{Session, Signal, numbered};
use crate::table::Value;
use crate::{Error, Result, memory};

/// The principal components of activity: the directions, orthogonal to each other, along which it varies most.
///
/// They are the eigenvectors of the covariance `Xᵀ X / (n_samples - 1)` of the centered samples `X`
/// `[n_samples, n_units]`, and the variances along them its eigenvalues: an exact decomposition, not an iterative one. The sign of a
/// component, which is arbitrary, is such that its largest weight is positive.
///
/// Such decompositions by iteration are fast for matrices of thousands of units, and can fail without a word. That of
/// linfa-reduction 0.8.1, of 1000 samples of 100 units with 5 dimensions and a little noise, panics when asked for 3 components,
/// and of 10 the last is another (an error of 1.2 where 1.4 is a right angle, and up to 0.007 in the four before it), while 1, 2,
/// 4 and 5 are right. Its variances are divided by the number of components instead of that of samples, and its shares add up to
/// 1 over the components that were asked for.
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
    /// What the samples are of; `None` if they came as a plain array, of which nothing is known.
    #[serde(default)]
    pub signal: Option<Signal>,
    /// The numbers of the units in the network, or of the outputs `[n_units]`; empty if the samples came as a plain array.
    #[serde(default)]
    pub units: Vec<usize>,
    /// The mean of the samples `[n_units]`.
    #[serde(with = "crate::number")]
    pub mean: Array1<f64>,
    /// The components `[n_components, n_units]`, each of length 1, that of the largest variance first.
    #[serde(with = "crate::number")]
    pub components: Array2<f64>,
    /// The variance of the samples along each component `[n_components]`.
    #[serde(with = "crate::number")]
    pub variances: Array1<f64>,
    /// The share of each component in the variance of all units together `[n_components]`.
    #[serde(with = "crate::number")]
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
        check_finite("samples", samples)?;
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
        components.outer_iter_mut().for_each(orient);
        // Rounding can make a variance of zero a little less than that.
        let variances = variances.slice(ndarray::s![..n_components]).mapv(|variance| variance.max(0.0));
        Ok(Self { signal: None, units: Vec::new(), mean, components, shares: &variances / total, variances })
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

impl Averages {
    /// The principal components of the averages, all conditions and times together.
    ///
    /// # Errors
    /// As [`Pca::fit`].
    pub fn pca(&self, n_components: usize) -> Result<Pca> {
        let pca = Pca::fit(&self.samples(), n_components)?;
        Ok(Pca { signal: Some(self.signal), units: self.units.clone(), ..pca })
    }

    /// The averages in the space of components, which may have been fitted to others.
    ///
    /// # Errors
    /// If there are other units, or if the components are those of another signal.
    pub fn trajectories(&self, pca: &Pca) -> Result<Trajectories> {
        pca.signal.map_or(Ok(()), |signal| check_source(signal, &pca.units, self))?;
        let (n_conditions, n_times, _) = self.mean.dim();
        let mut points = Array3::zeros((n_conditions, n_times, pca.components.nrows()));
        for (mut place, averages) in points.outer_iter_mut().zip(self.mean.outer_iter()) {
            place.assign(&pca.project(&averages.to_owned())?);
        }
        Ok(Trajectories {
            by: self.by.clone(),
            conditions: self.conditions.clone(),
            times: self.times.clone(),
            names: (1..=pca.components.nrows()).map(|component| format!("PC {component}")).collect(),
            points,
            shares: pca.shares_of(&self.samples())?.to_vec(),
        })
    }
}

impl Session {
    /// The principal components of the activity at all steps of all trials. Those of averages over trials, as figures
    /// mostly show them, are those of [`Averages::pca`].
    ///
    /// # Errors
    /// As [`Pca::fit`].
    pub fn pca(&self, signal: Signal, n_components: usize) -> Result<Pca> {
        let pca = Pca::fit(&self.samples(signal)?, n_components)?;
        Ok(Pca { signal: Some(signal), units: self.numbers_of(signal), ..pca })
    }
}

/// An error if what was fitted to one signal, or to some units, meets another: there can be as many numbers, which look alike.
pub(super) fn check_source(signal: Signal, units: &[usize], came: &Averages) -> Result<()> {
    if signal != came.signal {
        let expected = format!("averages of the {}, to which the components or axes were fitted", signal.name());
        let got = format!("of the {}: give both the same `.signal(Signal::...)`", came.signal.name());
        return Err(Error::argument("averages", expected, got));
    }
    // Older files do not name the units.
    if units != came.units && !units.is_empty() && !came.units.is_empty() {
        let expected = format!("those of units {}, to which the components or axes were fitted", numbered(units));
        return Err(Error::argument("averages", expected, format!("of units {}", numbered(&came.units))));
    }
    Ok(())
}

/// Turns the sign of a vector such that its largest number is positive.
pub(super) fn orient(mut vector: ArrayViewMut1<'_, f64>) {
    let largest = vector.iter().copied().fold(0.0_f64, |most, x| if x.abs() > most.abs() { x } else { most });
    vector *= largest.signum();
}

/// An error that says where, if a sample is not finite.
pub(super) fn check_finite(name: &str, samples: &Array2<f64>) -> Result<()> {
    match samples.indexed_iter().find(|(_, value)| !value.is_finite()) {
        None => Ok(()),
        Some(((sample, unit), &value)) => {
            Err(Error::NotFinite { name: name.into(), value, at: format!("sample {sample}, unit {unit}") })
        }
    }
}

/// Averages over trials in the space of principal components, of
/// [`Averages::trajectories`](super::Averages::trajectories), along other axes, of
/// [`TargetedAxes::trajectories`](super::TargetedAxes::trajectories), or in the coordinates of a map, of
/// [`DiffusionCoordinates::trajectories`](super::DiffusionCoordinates::trajectories).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Trajectories {
    /// The column whose values are the conditions.
    pub by: String,
    /// The conditions, ascending.
    pub conditions: Vec<Value>,
    /// The times, in milliseconds from the event.
    #[serde(with = "crate::number")]
    pub times: Vec<f64>,
    /// The names of the components.
    pub names: Vec<String>,
    /// The places `[n_conditions, n_times, n_components]`; NaN where no trial has such a time.
    #[serde(with = "crate::number")]
    pub points: Array3<f64>,
    /// The share of each component in the variance of these averages; of [`TargetedAxes`](super::TargetedAxes), of their
    /// z-scores; of [`DiffusionCoordinates`](super::DiffusionCoordinates), which have none, empty.
    #[serde(with = "crate::number")]
    pub shares: Vec<f64>,
}

#[cfg(test)]
mod tests {
    use linfa::DatasetBase;
    use linfa::traits::Fit;

    use super::*;
    use crate::caught::caught;
    use crate::random::Seed;

    /// The largest distance of a component from an eigenvector of length 1 with a residual of 0: `|C w - λ w| / λ`.
    fn error(samples: &Array2<f64>, components: &Array2<f64>) -> f64 {
        let centered = samples - &samples.sum_axis(Axis(0)) / samples.nrows() as f64;
        let covariance = centered.t().dot(&centered) / (samples.nrows() - 1) as f64;
        let residual = |component: ndarray::ArrayView1<'_, f64>| {
            let turned = covariance.dot(&component);
            let value = component.dot(&turned);
            (&turned - &(value * &component)).mapv(|d| d * d).sum().sqrt() / value
        };
        components.outer_iter().map(residual).fold(0.0, f64::max)
    }

    /// If this fails, linfa-reduction has become reliable: look whether it can take the place of the decomposition here.
    #[test]
    fn components_are_exact_where_those_of_linfa_reduction_are_not() {
        let mut rng = Seed(1).stream(0);
        let mut normal =
            |shape: (usize, usize)| Array2::from_shape_simple_fn(shape, || f64::from(rng.normal(0.0, 1.0)));
        let samples = normal((1000, 5)).dot(&normal((5, 100))) + 0.1 * normal((1000, 100));
        let (mut panics, mut wrong) = (0, 0);
        for n in [3, 5, 10] {
            let ours = error(&samples, &Pca::fit(&samples, n).unwrap().components);
            assert!(ours < 1e-10, "{n} components: {ours}");
            let data = DatasetBase::from(samples.clone());
            match caught(|| linfa_reduction::Pca::params(n).fit(&data).map(|pca| pca.components().clone())) {
                Err(_) => panics += 1,
                Ok(Ok(components)) if components.nrows() == n && error(&samples, &components) < 1e-3 => (),
                Ok(_) => wrong += 1,
            }
        }
        assert!(panics > 0 && wrong > 0, "{panics} panics, {wrong} wrong");
    }
}
