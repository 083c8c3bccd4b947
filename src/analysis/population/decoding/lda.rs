//! Linear discriminant analysis with a shrunk covariance.

use linfa_linalg::eigh::Eigh;
use ndarray::{Array1, Array2, Axis};

use super::linear::Linear;
use crate::{Error, Result};

/// The scores `Σ⁻¹ m_k · x - ½ m_k Σ⁻¹ m_k + ln π_k` of classes with means `m_k` and shares `π_k` of the samples `[n_samples, n_units]`; of two
/// classes the difference of both. `Σ = Σ_k π_k Σ_k` is made of the classes' covariances (divided by their numbers of samples), each
/// shrunk by Ledoit and Wolf's formula in units of the class's standard deviations. It is inverted where it is not 0.
pub(super) fn fit(x: &Array2<f64>, y: &[usize], n_classes: usize) -> Result<Linear> {
    let (n, n_units) = x.dim();
    let mut covariance = Array2::<f64>::zeros((n_units, n_units));
    let (mut means, mut shares) = (Array2::zeros((n_classes, n_units)), Vec::new());
    for class in 0..n_classes {
        let rows: Vec<usize> = (0..n).filter(|&row| y[row] == class).collect();
        let mut own = x.select(Axis(0), &rows);
        let mean = own.sum_axis(Axis(0)) / rows.len() as f64;
        own -= &mean;
        let share = rows.len() as f64 / n as f64;
        covariance.scaled_add(share, &shrunk(own));
        means.row_mut(class).assign(&mean);
        shares.push(share);
    }
    let no = |got: String| Error::argument("activity", "one that varies within classes, as this decoder needs it", got);
    let (variances, directions) = covariance.eigh().map_err(|error| no(error.to_string()))?;
    let largest = variances.fold(0.0_f64, |most, &variance| most.max(variance));
    if largest <= 0.0 {
        return Err(no("the same in all trials of each class: take another decoder".into()));
    }
    let inverse = variances.mapv(|variance| if variance > 1e-13 * largest { 1.0 / variance } else { 0.0 });
    let weights = (means.dot(&directions) * &inverse).dot(&directions.t());
    let intercept = |class: usize| shares[class].ln() - 0.5 * weights.row(class).dot(&means.row(class));
    let intercepts: Array1<f64> = (0..n_classes).map(intercept).collect();
    if n_classes > 2 {
        return Ok(Linear { weights, intercepts });
    }
    let difference = (&weights.row(1) - &weights.row(0)).insert_axis(Axis(0));
    Ok(Linear { weights: difference, intercepts: Array1::from_elem(1, intercepts[1] - intercepts[0]) })
}

/// The covariance of samples about their mean, shrunk in units of their standard deviations: `(1 - δ) S + δ (tr S / n_units) I`, with the
/// share `δ` of Ledoit and Wolf.
pub(in crate::analysis::population) fn shrunk(mut x: Array2<f64>) -> Array2<f64> {
    let (n, n_units) = (x.nrows() as f64, x.ncols() as f64);
    let sd = x.mapv(|x| x * x).sum_axis(Axis(0)).mapv(|sum| if sum > 0.0 { (sum / n).sqrt() } else { 1.0 });
    x /= &sd;
    let mut covariance = x.t().dot(&x) / n;
    let mean = covariance.diag().sum() / n_units;
    let squares = covariance.iter().map(|x| x * x).sum::<f64>();
    // How far samples' products are from the covariance, and the covariance from its target.
    let lengths = x.outer_iter().map(|row| row.dot(&row).powi(2)).sum::<f64>();
    let scatter = (lengths / n - squares) / (n * n_units);
    let far = squares / n_units - mean * mean;
    let share = if scatter.min(far) > 0.0 { scatter.min(far) / far } else { 0.0 };
    covariance *= 1.0 - share;
    covariance.diag_mut().mapv_inplace(|x| x + share * mean);
    covariance * &sd * sd.view().insert_axis(Axis(1))
}
