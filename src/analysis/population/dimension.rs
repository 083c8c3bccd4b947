//! How many dimensions the activity of a population has.

use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};

use super::average::Averages;
use super::pca::Pca;
use crate::simulate::{Session, Signal};
use crate::{Error, Result};

/// How many dimensions activity has, of [`Dimension::of`], [`Averages::dimension`] or [`Session::dimension`].
///
/// The **participation ratio** of the eigenvalues `λ` of the covariance of units is `(Σ λ)² / Σ λ²`: 1 if all activity lies along
/// one line, `n_units` if it varies equally in all directions. Units of large variance weigh most in it. In that of the correlation
/// matrix, which is the covariance of z-scored units, all weigh the same; units that do not vary have no correlation and are left
/// out of it.
///
/// Gao P, Trautmann E, Yu B, Santhanam G, Ryu S, Shenoy K, Ganguli S (2017), doi:10.1101/214262.
///
/// ```
/// use ndarray::array;
/// use psychrnn::analysis::Dimension;
/// // Two units that vary alike and without each other, and a third that does not vary.
/// let samples = array![[1.0, 1.0, 5.0], [1.0, -1.0, 5.0], [-1.0, 1.0, 5.0], [-1.0, -1.0, 5.0]];
/// let dimension = Dimension::of(&samples)?;
/// assert!((dimension.participation_ratio - 2.0).abs() < 1e-12);
/// assert_eq!((dimension.components_to(0.9)?, dimension.n_constant), (2, 1));
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Dimension {
    /// The participation ratio of the covariance.
    #[serde(with = "crate::number")]
    pub participation_ratio: f64,
    /// The participation ratio of the correlation matrix.
    #[serde(with = "crate::number")]
    pub participation_ratio_of_correlation: f64,
    /// The share of each principal component in the variance, the largest first: as many as there are units, or samples less one.
    #[serde(with = "crate::number")]
    pub shares: Array1<f64>,
    /// The units that do not vary.
    pub n_constant: usize,
}

impl Dimension {
    /// That of samples `[n_samples, n_units]`.
    ///
    /// # Errors
    /// If there are fewer than two samples, if they do not vary, or if one is not finite.
    pub fn of(samples: &Array2<f64>) -> Result<Self> {
        let (n_samples, n_units) = samples.dim();
        let shares = Pca::fit(samples, n_units.min(n_samples.saturating_sub(1)).max(1))?.shares;
        let (mean, sd) = (samples.sum_axis(Axis(0)) / n_samples as f64, samples.std_axis(Axis(0), 0.0));
        let varying: Vec<usize> = (0..n_units).filter(|&unit| varies(samples, unit)).collect();
        let z = ((samples - &mean) / &sd).select(Axis(1), &varying);
        let correlation = z.t().dot(&z) / n_samples as f64;
        let n_varying = varying.len() as f64;
        Ok(Self {
            participation_ratio: 1.0 / shares.mapv(|share| share * share).sum(),
            participation_ratio_of_correlation: n_varying * n_varying / correlation.mapv(|r| r * r).sum(),
            shares,
            n_constant: n_units - varying.len(),
        })
    }

    /// How many principal components have this share of the variance, 0.9 for instance, together.
    ///
    /// # Errors
    /// If the share is not above 0 and at most 1.
    pub fn components_to(&self, share: f64) -> Result<usize> {
        if !(share > 0.0 && share <= 1.0) {
            return Err(Error::argument("share", "above 0 and at most 1", share));
        }
        let mut sum = 0.0;
        let reached = self.shares.iter().position(|one| {
            sum += one;
            sum >= share
        });
        // By rounding all of them may have a little less than all.
        Ok(reached.map_or(self.shares.len(), |last| last + 1))
    }
}

/// Whether a unit has two different numbers.
fn varies(samples: &Array2<f64>, unit: usize) -> bool {
    let column = samples.column(unit);
    column.iter().any(|x| *x != column[0])
}

impl Averages {
    /// How many dimensions the averages have, all conditions and times together.
    ///
    /// # Errors
    /// As [`Dimension::of`].
    pub fn dimension(&self) -> Result<Dimension> {
        Dimension::of(&self.samples())
    }
}

impl Session {
    /// How many dimensions the activity at all steps of all trials has, noise included. Without it, see [`Averages::dimension`].
    ///
    /// # Errors
    /// As [`Dimension::of`], and if the signal was not recorded.
    pub fn dimension(&self, signal: Signal) -> Result<Dimension> {
        Dimension::of(&self.samples(signal)?)
    }
}
