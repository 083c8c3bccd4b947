//! Two populations laid upon each other by a rotation.

use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};

use super::cka::{centered, check_pair};
use crate::dynamics::linear::{Svd, frobenius};
use crate::{Error, Result};

/// The rotation (reflections among them) and the scale that lay the activity of one population upon that of another one in the same
/// conditions, of [`Procrustes::of`], and how far apart they stay.
///
/// With the activity `X` `[n_conditions, n_x]` and `Y` `[n_conditions, n_y]` about its mean over conditions, the rotation is
/// `Q = U Vᵀ` of the singular value decomposition `Xᵀ Y = U S Vᵀ`, which makes `‖s X Q - Y‖` smallest (Schönemann PH (1966),
/// doi:10.1007/BF02289451). The shape distance (Williams AH, Kunz E, Kornblith S, Linderman SW (2021), arXiv:2110.14739) is
/// the angle `arccos(tr S / (‖X‖ ‖Y‖))`, from 0 to π/2: a metric, so that distances of networks can be clustered or laid out in a
/// plane. The population with fewer units is taken to have others that do nothing.
///
/// ```
/// use ndarray::array;
/// use psychrnn::analysis::Procrustes;
/// let x = array![[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]];
/// let y = 2.0 * x.dot(&array![[0.0, 1.0], [-1.0, 0.0]]) + 5.0;
/// let aligned = Procrustes::of(&x, &y)?;
/// assert!(aligned.angle < 1e-7 && (aligned.scale - 2.0).abs() < 1e-12);
/// assert!((aligned.align(&x)? - y).iter().all(|difference: &f64| difference.abs() < 1e-12));
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Procrustes {
    /// The angle between the two shapes, in radians: 0 if one is the other rotated, moved and scaled, π/2 if they have nothing in
    /// common.
    #[serde(with = "crate::number")]
    pub angle: f64,
    /// The distance of the shapes with their sizes `‖X‖` and `‖Y‖` made 1, `sqrt(2 - 2 cos angle)`.
    #[serde(with = "crate::number")]
    pub distance: f64,
    /// The squared distance if one of them may be scaled besides, `1 - cos² angle`: the disparity of SciPy.
    #[serde(with = "crate::number")]
    pub disparity: f64,
    /// The scale `s` by which the rotated first is multiplied.
    #[serde(with = "crate::number")]
    pub scale: f64,
    /// The rotation `Q` `[n_x, n_y]`.
    #[serde(with = "crate::number")]
    pub rotation: Array2<f64>,
    /// The means over conditions of the first `[n_x]` and the second `[n_y]`.
    #[serde(with = "crate::number")]
    pub means: (Array1<f64>, Array1<f64>),
}

impl Procrustes {
    /// That of the activity of two populations `[n_conditions, n_units]` in the same conditions (or at the same samples), in the same
    /// order; how many units each has does not matter.
    ///
    /// # Errors
    /// If they have not the same number of conditions, at least 2, if a number is not finite, or if a population does the same in all
    /// conditions.
    pub fn of(x: &Array2<f64>, y: &Array2<f64>) -> Result<Self> {
        check_pair(x, y, 2)?;
        let means = (x.sum_axis(Axis(0)) / x.nrows() as f64, y.sum_axis(Axis(0)) / y.nrows() as f64);
        let (x, y) = (centered(x), centered(y));
        let (size_x, size_y) = (frobenius(&x), frobenius(&y));
        for (name, size) in [("x", size_x), ("y", size_y)] {
            if size == 0.0 {
                return Err(Error::argument(name, "activity that differs between conditions", "the same in all"));
            }
        }
        let (x, y) = (x / size_x, y / size_y);
        let decomposed = Svd::of(x.t().dot(&y).view());
        let decomposed = decomposed
            .ok_or_else(|| Error::argument("x and y", "activity of a size that can be multiplied", "too large"))?;
        let (cosine, rotation) = (decomposed.values.sum(), decomposed.u.dot(&decomposed.vt));
        // Exact also where the cosine is nearly 1; rotating the larger population would lose what the smaller has no room for.
        let distance = match x.ncols() <= y.ncols() {
            true => frobenius(&(x.dot(&rotation) - &y)),
            false => frobenius(&(y.dot(&rotation.t()) - &x)),
        };
        Ok(Self {
            angle: 2.0 * (distance / 2.0).min(1.0).asin(),
            distance,
            disparity: (distance * distance * (1.0 - distance * distance / 4.0)).max(0.0),
            scale: cosine * size_y / size_x,
            rotation,
            means,
        })
    }

    /// Activity of the first population `[n_samples, n_x]`, maybe in other conditions, laid upon the second one:
    /// `s (x - mean_x) Q + mean_y` `[n_samples, n_y]`.
    ///
    /// # Errors
    /// If there are other numbers of units.
    pub fn align(&self, samples: &Array2<f64>) -> Result<Array2<f64>> {
        let (mean_x, mean_y) = &self.means;
        if samples.ncols() != mean_x.len() {
            return Err(Error::shape("samples", format!("[n_samples, n_x = {}]", mean_x.len()), samples.shape()));
        }
        Ok(self.scale * (samples - mean_x).dot(&self.rotation) + mean_y)
    }
}
