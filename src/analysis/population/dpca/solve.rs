//! The components of one part of the activity.

use linfa_linalg::eigh::{EigSort, Eigh};
use ndarray::{Array1, Array2, Array3, ArrayView2, s};

use super::design::{Design, Trials, centered, flat};
use crate::analysis::population::pca::orient;
use crate::{Error, Result};

/// Averages, their parts, and what the components are computed with.
pub(super) struct Problem {
    /// The mean of each unit.
    pub(super) mean: Array1<f64>,
    /// The averages about it, one below the other: `Xᵀ`, `[n_conditions n_times, n_units]`.
    pub(super) x: Array2<f64>,
    /// Their parts, alike.
    pub(super) parts: Vec<Array2<f64>>,
    /// The variances and directions of `X Xᵀ` and the noise, with `X Xᵀ` alone for MATLAB's rule.
    variances: Array1<f64>,
    directions: Array2<f64>,
    squares: Array2<f64>,
    /// Whether the components are the minimum of the formula, or those of the MATLAB package.
    exact: bool,
}

/// Decoders `[n_components, n_units]` and encoders `[n_units, n_components]`.
pub(super) struct Axes {
    pub(super) decoder: Array2<f64>,
    pub(super) encoder: Array2<f64>,
}

impl Problem {
    pub(super) fn new(
        design: &Design,
        averages: &Array3<f64>,
        noise: Option<&Array2<f64>>,
        exact: bool,
    ) -> Result<Self> {
        let (mean, about) = centered(averages);
        let parts = design.parted(&about).iter().map(flat).collect();
        let x = flat(&about);
        let squares = x.t().dot(&x);
        if squares.diag().sum() <= 0.0 {
            return Err(Error::argument("activity", "one that varies with conditions or time", "the same in all"));
        }
        let total = noise.map_or_else(|| squares.clone(), |noise| &squares + noise);
        let (variances, directions) = decomposed(&total)?;
        Ok(Self { mean, x, parts, variances, directions, squares, exact })
    }

    /// Of trials, with their noise if that is wanted.
    pub(super) fn of(design: &Design, trials: &Trials, with_noise: bool, exact: bool) -> Result<Self> {
        let noise = with_noise.then(|| trials.noise());
        Self::new(design, &trials.averages(), noise.as_ref(), exact)
    }

    /// `‖X‖²`
    pub(super) fn total(&self) -> f64 {
        self.squares.diag().sum()
    }

    /// What is added to `X Xᵀ`.
    pub(super) fn penalty(&self, lambda: f64) -> f64 {
        (lambda * self.total()).powi(2)
    }

    /// The first components of a part, fewer if it has fewer dimensions: with `S = X Xᵀ + C + μ 1` and `A = X_φ Xᵀ S⁻¹`, the encoders are the
    /// first eigenvectors of `A S Aᵀ`, and `D = Fᵀ A`.
    pub(super) fn axes(&self, part: usize, lambda: f64, n_components: usize) -> Result<Axes> {
        let shifted = &self.variances + self.penalty(lambda);
        let largest = shifted.fold(0.0_f64, |most, &variance| most.max(variance));
        // Without a penalty there may be directions of no variance, in which nothing is decoded.
        let inverse = shifted.mapv(|variance| if variance > 1e-13 * largest { 1.0 / variance } else { 0.0 });
        let along = self.parts[part].t().dot(&self.x).dot(&self.directions);
        let to_part = (&along * &inverse).dot(&self.directions.t());
        let matrix = match self.exact {
            true => (&along * &inverse).dot(&along.t()),
            false => to_part.dot(&self.squares).dot(&to_part.t()),
        };
        let (values, vectors) = decomposed(&((&matrix + &matrix.t()) / 2.0))?;
        let n = values.iter().take(n_components).take_while(|&&value| value > 1e-13 * values[0].max(0.0)).count();
        let mut encoder = vectors.slice(s![.., ..n]).to_owned();
        for mut component in encoder.columns_mut() {
            let sign: f64 = component.iter().map(|x| if *x == 0.0 { 0.0 } else { x.signum() }).sum();
            match sign {
                0.0 => orient(component),
                _ => component *= sign.signum(),
            }
        }
        Ok(Axes { decoder: encoder.t().dot(&to_part), encoder })
    }

    /// The share of the variance of all that component `c` explains, and its share in each part, of parts' `X_φ X_φᵀ`.
    pub(super) fn explained(&self, axes: &Axes, parts: &[Array2<f64>]) -> (Array1<f64>, Array2<f64>) {
        let n = axes.decoder.nrows();
        let of = |squares: &Array2<f64>, component: usize| {
            let (d, f) = (axes.decoder.row(component), axes.encoder.column(component));
            let seen = squares.dot(&d);
            (2.0 * seen.dot(&f) - f.dot(&f) * seen.dot(&d)) / self.total()
        };
        let all = (0..n).map(|component| of(&self.squares, component)).collect();
        (all, Array2::from_shape_fn((n, parts.len()), |(component, part)| of(&parts[part], component)))
    }

    /// How far each part is from what other averages `[n_conditions n_times, n_units]`, about their own mean, give for it: the sum over
    /// parts of `‖X_φ - F D Y‖²`, as a share of `‖X‖²`.
    pub(super) fn error(&self, other: ArrayView2<'_, f64>, lambda: f64, n_components: usize) -> Result<f64> {
        let mut sum = 0.0;
        for part in 0..self.parts.len() {
            let axes = self.axes(part, lambda, n_components)?;
            let rebuilt = other.dot(&axes.decoder.t()).dot(&axes.encoder.t());
            sum += (&self.parts[part] - &rebuilt).mapv(|x| x * x).sum();
        }
        Ok(sum / self.parts.iter().map(|part| part.mapv(|x| x * x).sum()).sum::<f64>())
    }
}

/// Eigenvalues, the largest first, and eigenvectors of a symmetric matrix.
fn decomposed(matrix: &Array2<f64>) -> Result<(Array1<f64>, Array2<f64>)> {
    let problem = |error| Error::argument("activity", "one whose covariance can be decomposed", error);
    Ok(matrix.eigh().map_err(problem)?.sort_eig_desc())
}
