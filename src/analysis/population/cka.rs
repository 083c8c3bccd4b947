//! Centered kernel alignment of two populations.

use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};

use super::pca::check_finite;
use crate::dynamics::linear::frobenius;
use crate::setters::setters;
use crate::{Error, Result};

/// The samples from which on the plain estimate serves as well.
const ENOUGH: usize = 50;

/// Centered kernel alignment (CKA) with linear kernels: how alike two populations represent the same conditions, 1 at most. It does not
/// change if the activity of one is rotated or scaled as a whole, and the two may have different numbers of units.
///
/// With the activity `X` and `Y` `[n_conditions, n_units]` about its mean over conditions it is
/// `‖Yᵀ X‖² / (‖Xᵀ X‖ ‖Yᵀ Y‖)` in Frobenius norms, from 0 to 1 (Kornblith S, Norouzi M, Lee H, Hinton G (2019), arXiv:1905.00414).
/// With few conditions and many units that is near 1 for unrelated activity. The **debiased** one is about 0 then, negative by chance: it is
/// `H(K, L) / sqrt(H(K, K) H(L, L))` with the unbiased estimate of Song L, Smola A, Gretton A, Bedo J, Borgwardt K (2012)
/// `H(K, L) = [tr K L + 1ᵀ K 1 1ᵀ L 1 / ((n - 1) (n - 2)) - 2 1ᵀ K L 1 / (n - 2)] / (n (n - 3))`,
/// in which `K = X Xᵀ` and `L = Y Yᵀ` have zeros on their diagonals.
///
/// By default it is the debiased one for fewer than 50 conditions, the plain one from there on, where they hardly differ.
///
/// ```
/// use ndarray::array;
/// use psychrnn::analysis::Cka;
/// let x = array![[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -2.0]];
/// let rotated = x.dot(&array![[0.6, 0.8], [-0.8, 0.6]]);
/// assert!((Cka::default().of(&x, &rotated)? - 1.0).abs() < 1e-12);
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// ```no_run
/// use psychrnn::analysis::Cka;
/// use psychrnn::prelude::*;
/// # let session = Simulator::load("weights.npz")?.run(&PerceptualDiscrimination::default().batch(500, Seed(2))?)?;
/// # let other = session.clone();
/// let activity = |session: &Session| Ok::<_, psychrnn::Error>(Average::by("coherence").of(session)?.samples());
/// let alike = Cka::default().of(&activity(&session)?, &activity(&other)?)?;
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cka {
    /// Whether the estimate is the debiased one; without it, if there are fewer than 50 conditions.
    pub debiased: Option<bool>,
}

impl Cka {
    setters! {
        /// Whether the estimate is the debiased one.
        debiased: bool => Some(debiased);
    }

    /// That of two populations' activity `[n_conditions, n_units]` in the same conditions (or at the same samples), in the same order.
    ///
    /// # Errors
    /// If they have not the same number of conditions, at least 2 and for the debiased one 4, if a number is not finite, or if a
    /// population does not tell the conditions apart.
    pub fn of(&self, x: &Array2<f64>, y: &Array2<f64>) -> Result<f64> {
        let debiased = self.debiased.unwrap_or(x.nrows() < ENOUGH);
        let least = if debiased { 4 } else { 2 };
        check_pair(x, y, least)?;
        let (x, y) = (Centered::of(x), Centered::of(y));
        let between = x.independence(&y, debiased);
        let within = x.independence(&x, debiased) * y.independence(&y, debiased);
        if within > 0.0 {
            return Ok(between / within.sqrt());
        }
        Err(Error::argument(
            "x and y",
            "activity that tells the conditions apart",
            "the same for all, as far as can be told",
        ))
    }
}

/// Activity about its mean, on a scale of 1, and the squared length of each row.
struct Centered {
    x: Array2<f64>,
    lengths: Array1<f64>,
}

impl Centered {
    fn of(x: &Array2<f64>) -> Self {
        let mut x = centered(x);
        let norm = frobenius(&x);
        if norm > 0.0 {
            x /= norm;
        }
        let lengths = x.map_axis(Axis(1), |row| row.dot(&row));
        Self { x, lengths }
    }

    /// The Hilbert-Schmidt independence criterion, but for a factor. Without any `[n, n]` matrix: rows of a centered kernel sum to 0,
    /// so that without their diagonals they sum to what is missing.
    fn independence(&self, other: &Self, debiased: bool) -> f64 {
        let all = self.x.t().dot(&other.x).mapv(|c| c * c).sum();
        if !debiased {
            return all;
        }
        let n = self.lengths.len() as f64;
        let diagonal = self.lengths.dot(&other.lengths);
        let sums = self.lengths.sum() * other.lengths.sum();
        all - diagonal + sums / ((n - 1.0) * (n - 2.0)) - 2.0 * diagonal / (n - 2.0)
    }
}

/// Samples about their mean; exactly 0 where they do not vary.
pub(super) fn centered(x: &Array2<f64>) -> Array2<f64> {
    let from_first = x - &x.row(0);
    let mean = from_first.sum_axis(Axis(0)) / x.nrows() as f64;
    from_first - mean
}

/// An error if two populations were not seen in the same conditions, enough of them.
pub(super) fn check_pair(x: &Array2<f64>, y: &Array2<f64>, least: usize) -> Result<()> {
    if x.nrows() < least || x.ncols() == 0 {
        return Err(Error::shape("x", format!("[n_conditions, n_units], at least [{least}, 1]"), x.shape()));
    }
    if y.nrows() != x.nrows() || y.ncols() == 0 {
        return Err(Error::shape("y", format!("[n_conditions = {}, n_units]", x.nrows()), y.shape()));
    }
    check_finite("x", x)?;
    check_finite("y", y)
}
