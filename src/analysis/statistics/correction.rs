//! Corrections of the probabilities of many tests.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How the probabilities of many tests are corrected for their number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Correction {
    /// See [`holm`].
    #[default]
    Holm,
    /// See [`benjamini_hochberg`].
    BenjaminiHochberg,
}

impl Correction {
    /// Its name, as it stands in tables and figures.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Holm => "Holm",
            Self::BenjaminiHochberg => "Benjamini-Hochberg",
        }
    }

    /// The corrected probabilities, in the order in which they came.
    ///
    /// # Errors
    /// If one is not between 0 and 1.
    pub fn of(self, p: &[f64]) -> Result<Vec<f64>> {
        match self {
            Self::Holm => holm(p),
            Self::BenjaminiHochberg => benjamini_hochberg(p),
        }
    }
}

/// The probabilities of many tests so corrected that one of them is below `alpha`, where none should be, with probability `alpha`
/// at most: the smallest of `n` times `n`, the next times `n - 1`, ..., none below the one before it. Holm S (1979),
/// doi:10.2307/4615733.
///
/// ```
/// use psychrnn::analysis::holm;
/// assert_eq!(holm(&[0.25, 0.0625, 0.125])?, [0.25, 0.1875, 0.25]);
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// # Errors
/// If one is not between 0 and 1: what could not be tested is no test, and must be left out.
pub fn holm(p: &[f64]) -> Result<Vec<f64>> {
    let order = ascending(p)?;
    let (mut corrected, mut largest) = (vec![0.0; p.len()], 0.0_f64);
    for (rank, &i) in order.iter().enumerate() {
        largest = largest.max(p[i] * (p.len() - rank) as f64).min(1.0);
        corrected[i] = largest;
    }
    Ok(corrected)
}

/// The probabilities of many tests so corrected that, of those below `alpha`, a share of `alpha` at most is expected to be there by
/// chance: the k-th smallest of `n` times `n / k`, none above the one after it. Right for tests that are independent or
/// positively dependent. Benjamini Y, Hochberg Y (1995), doi:10.1111/j.2517-6161.1995.tb02031.x.
///
/// ```
/// use psychrnn::analysis::benjamini_hochberg;
/// assert_eq!(benjamini_hochberg(&[0.25, 0.0625, 0.125])?, [0.25, 0.1875, 0.1875]);
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// # Errors
/// If one is not between 0 and 1: what could not be tested is no test, and must be left out.
pub fn benjamini_hochberg(p: &[f64]) -> Result<Vec<f64>> {
    let order = ascending(p)?;
    let (mut corrected, mut smallest) = (vec![0.0; p.len()], 1.0_f64);
    for (rank, &i) in order.iter().enumerate().rev() {
        smallest = smallest.min(p[i] * (p.len() as f64 / (rank + 1) as f64));
        corrected[i] = smallest;
    }
    Ok(corrected)
}

/// The places of probabilities, that of the smallest first.
fn ascending(p: &[f64]) -> Result<Vec<usize>> {
    if let Some(at) = p.iter().position(|p| !(0.0..=1.0).contains(p)) {
        return Err(Error::argument(format!("p[{at}]"), "a probability, from 0 to 1", p[at]));
    }
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    Ok(order)
}
