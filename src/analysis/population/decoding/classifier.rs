//! Decoders: what tells the class of a trial by the activity of its units.

use ndarray::{Array1, Array2, ArrayView2, Axis, arr1};
use serde::{Deserialize, Serialize};

use super::linear::Linear;
use super::{lda, logistic, svm};
use crate::table::Value;
use crate::{Error, Result};

/// How a decoder is found. All are linear, and all are the one optimum of their formula.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Classifier {
    /// Logistic regression: the minimum of `½ ‖w‖² + c Σ log(1 + exp(-y (w·x + b)))`, and for more than two classes that of
    /// `½ ‖W‖² + c Σ -log softmax(W x + b)`. Intercepts are not penalized.
    #[default]
    Logistic,
    /// The linear support vector machine: the minimum of `½ ‖w‖² + c Σ max(0, 1 - y (w·x + b))`, for more than two classes one for each two
    /// of them. The intercept is not penalized.
    LinearSvm,
    /// Linear discriminant analysis: the class with the largest `m_k·Σ⁻¹x - ½ m_k·Σ⁻¹m_k + ln π_k`, with the covariance within classes
    /// shrunk in each class by the formula of Ledoit O, Wolf M (2004), doi:10.1016/S0047-259X(03)00096-4. It has no `c`.
    Lda,
}

/// A decoder, of [`Decoding::decoder`](super::Decoding::decoder): the scores of activity `x` are `W ((x - mean) / sd) + b`.
///
/// For two classes there is one score, positive for the second class. For more there is one for each class, or from
/// [`Classifier::LinearSvm`] one for each two classes (0 1, 0 2, …, 1 2, …), positive for the later one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Decoder {
    /// How it was found.
    pub classifier: Classifier,
    /// The classes, ascending.
    pub classes: Vec<Value>,
    /// The mean of each unit over the samples that it was fitted to `[n_units]`.
    #[serde(with = "crate::number")]
    pub mean: Array1<f64>,
    /// Their standard deviation, divided by the number of samples `[n_units]`; units without any are left out.
    #[serde(with = "crate::number")]
    pub sd: Array1<f64>,
    /// The weights `W` of z-scored units `[n_scores, n_units]`.
    #[serde(with = "crate::number")]
    pub weights: Array2<f64>,
    /// The intercepts `b` `[n_scores]`.
    #[serde(with = "crate::number")]
    pub intercepts: Array1<f64>,
}

impl Decoder {
    /// The likely class of samples `[n_samples, n_units]`: that with the largest of [`scores`](Self::scores).
    ///
    /// # Errors
    /// If there are other numbers of units.
    pub fn predict(&self, samples: &Array2<f64>) -> Result<Vec<Value>> {
        let scores = self.scores(samples)?;
        Ok(scores.outer_iter().map(|row| self.classes[largest(row.iter())].clone()).collect())
    }

    /// How much speaks for each class `[n_samples, n_classes]`: the logarithm of its probability, or from [`Classifier::LinearSvm`] the
    /// distance from the plane (of two classes), or the number of classes that it wins against, and where these are equal by how much.
    ///
    /// # Errors
    /// If there are other numbers of units.
    pub fn scores(&self, samples: &Array2<f64>) -> Result<Array2<f64>> {
        if samples.ncols() != self.mean.len() {
            let expected = format!("[n_samples, n_units = {}]", self.mean.len());
            return Err(Error::shape("samples", expected, samples.shape()));
        }
        let scores = self.ranks(samples.view());
        // The logarithm of the probability, without what overflows.
        let logarithm = |x: f64| x.min(0.0) - (-x.abs()).exp().ln_1p();
        let is_distance = self.classes.len() > 2 || self.classifier == Classifier::LinearSvm;
        Ok(if is_distance { scores } else { scores.mapv(logarithm) })
    }

    /// What has the order of the [`scores`](Self::scores), of samples of as many units `[n_samples, n_classes]`.
    pub(super) fn ranks(&self, samples: ArrayView2<'_, f64>) -> Array2<f64> {
        let weights = &self.weights * &inverse(&self.sd);
        let intercepts = &self.intercepts - &weights.dot(&self.mean);
        let mut scores = Array2::zeros((samples.nrows(), weights.nrows()));
        let columns = scores.axis_iter_mut(Axis(1)).zip(weights.outer_iter()).zip(&intercepts);
        columns.for_each(|((mut place, weights), intercept)| place.assign(&(samples.dot(&weights) + *intercept)));
        match (self.classes.len(), self.classifier) {
            (2, _) => scores * &arr1(&[-1.0, 1.0]),
            (n_classes, Classifier::LinearSvm) => duels(n_classes, &scores),
            _ => {
                for mut row in scores.outer_iter_mut() {
                    let most = row.fold(f64::NEG_INFINITY, |most, &score| most.max(score));
                    let sum = row.fold(0.0, |sum, score| sum + (score - most).exp());
                    row -= most + sum.ln();
                }
                scores
            }
        }
    }
}

/// How many others each class wins against `[n_samples, n_classes]`, and less than one for by how much, of the scores of pairs.
fn duels(n_classes: usize, scores: &Array2<f64>) -> Array2<f64> {
    let (mut wins, mut sums) = (Array2::zeros((scores.nrows(), n_classes)), Array2::zeros((scores.nrows(), n_classes)));
    let pairs = (0..n_classes).flat_map(|first| (first + 1..n_classes).map(move |second| (first, second)));
    for (scores, (first, second)) in scores.axis_iter(Axis(1)).zip(pairs) {
        for (sample, &score) in scores.iter().enumerate() {
            wins[[sample, if score > 0.0 { second } else { first }]] += 1.0;
            sums[[sample, first]] -= score;
            sums[[sample, second]] += score;
        }
    }
    wins + sums.mapv(|sum: f64| sum / (3.0 * (sum.abs() + 1.0)))
}

/// A decoder of samples `[n_samples, n_units]`, each of one of the classes, of which all occur.
pub(super) fn fit(
    (classifier, c): (Classifier, f64),
    mut samples: Array2<f64>,
    y: &[usize],
    classes: &[Value],
) -> Result<Decoder> {
    let n = samples.nrows() as f64;
    let mean = samples.sum_axis(Axis(0)) / n;
    samples -= &mean;
    let mut sd = samples.mapv(|x| x * x).sum_axis(Axis(0)).mapv(|sum| (sum / n).sqrt());
    // What is within the rounding of the mean is no variation.
    sd.zip_mut_with(&mean, |sd, mean| *sd = if *sd > 8.0 * f64::EPSILON * mean.abs() { *sd } else { 0.0 });
    samples *= &inverse(&sd);
    let Linear { weights, intercepts } = match classifier {
        Classifier::Logistic => logistic::fit(&samples, y, classes.len(), c)?,
        Classifier::LinearSvm => svm::fit(&samples, y, classes.len(), c)?,
        Classifier::Lda => lda::fit(&samples, y, classes.len())?,
    };
    Ok(Decoder { classifier, classes: classes.to_vec(), mean, sd, weights, intercepts })
}

/// One over each number; 0 for 0.
fn inverse(sd: &Array1<f64>) -> Array1<f64> {
    sd.mapv(|sd| if sd > 0.0 { 1.0 / sd } else { 0.0 })
}

/// The place of the largest number, the first of several.
pub(super) fn largest<'a>(numbers: impl Iterator<Item = &'a f64>) -> usize {
    let most = |(most, place), (i, &x)| if x > most { (x, i) } else { (most, place) };
    numbers.enumerate().fold((f64::NEG_INFINITY, 0), most).1
}

/// The area under the receiver operating characteristic: the probability that a sample of the class has a larger score than another one,
/// half of that of being equal included; NaN if there are none of either kind. It is that of `mann_whitney`, without its test.
pub(super) fn auc(scores: &[f64], of_class: &[bool]) -> f64 {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_unstable_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let (mut others_below, mut pairs) = (0.0, 0.0);
    for equal in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        let own = equal.iter().filter(|&&sample| of_class[sample]).count() as f64;
        let others = equal.len() as f64 - own;
        pairs += own * (others_below + others / 2.0);
        others_below += others;
    }
    pairs / (others_below * (scores.len() as f64 - others_below))
}
