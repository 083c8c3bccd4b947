//! Representational similarity analysis: how far apart a population holds conditions, and whether another one does likewise.

use std::ops::Range;

use linfa_linalg::eigh::Eigh;
use ndarray::{Array2, Array3, ArrayView1, Axis, s};
use serde::{Deserialize, Serialize};

use super::average::Averages;
use super::cka::centered;
use super::decoding::lda::shrunk;
use super::pca::check_finite;
use crate::analysis::statistics::special::{doubled_ranks, pearson};
use crate::simulate::Session;
use crate::table::Value;
use crate::{Error, Result};

/// How far apart the activity in two conditions, `x` and `y` `[n_units]`, is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dissimilarity {
    /// The squared Euclidean distance divided by the number of units, `Σ (x - y)² / n_units`.
    #[default]
    SquaredEuclidean,
    /// One less Pearson's correlation of `x` and `y` over units: from 0 to 2, whatever their means and sizes.
    Correlation,
}

/// The noise in units of which the cross-validated distance is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Noise {
    /// All units alike, in units of activity.
    #[default]
    Ignored,
    /// The variance of each unit: those with much noise weigh little.
    Variances,
    /// The covariance of the units, with correlations shrunk as far as there are too few trials to tell them (Ledoit O, Wolf M (2004),
    /// doi:10.1016/S0047-259X(03)00096-4).
    Covariance,
}

/// How two matrices of dissimilarities are compared, over all pairs of conditions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// The cosine of the angle between them, for which the 0 of dissimilarities means something.
    Cosine,
    /// Pearson's correlation.
    Correlation,
    /// Spearman's correlation of ranks: whether the one grows with the other.
    #[default]
    Spearman,
    /// Kendall's τ-a, `(concordant - discordant) / (m (m - 1) / 2)` of `m` pairs of conditions, which a model with many ties does not
    /// win by.
    TauA,
}

/// A representational dissimilarity matrix: how far apart the activity of a population is in each pair of conditions.
///
/// It knows nothing of units, so that those of two networks, of a network and an animal, or of a network and a hypothesis can be
/// compared: [`Rdm::compare`]. Kriegeskorte N, Mur M, Bandettini P (2008), doi:10.3389/neuro.06.004.2008.
///
/// Noise makes all distances larger. Those of [`Rdm::crossnobis`], in which it has no part on average, may be negative.
///
/// ```
/// use ndarray::array;
/// use psychrnn::analysis::{Comparison, Dissimilarity, Rdm};
/// let activity = array![[0.0, 0.0], [1.0, 0.0], [2.0, 0.1], [0.0, 1.0]];
/// let rdm = Rdm::of(&activity, Dissimilarity::SquaredEuclidean)?;
/// assert_eq!(rdm.distances[[0, 1]], 0.5);
/// let line = Rdm::of(&array![[0.0], [1.0], [2.0], [0.0]], Dissimilarity::SquaredEuclidean)?;
/// assert!(rdm.compare(&line, Comparison::Spearman)? > 0.5);
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// ```no_run
/// use psychrnn::analysis::{Dissimilarity, Noise};
/// use psychrnn::prelude::*;
/// # let session = Simulator::load("weights.npz")?.run(&PerceptualDiscrimination::default().batch(500, Seed(2))?)?;
/// let averages = Average::by("coherence").aligned_to("stimulus").of(&session)?;
/// averages.rdm(200.0..500.0, Dissimilarity::Correlation)?.plot().save("rdm.png")?;
///
/// let activity = session.mean_activity(Signal::Rates, "stimulus", 200.0..500.0)?;
/// session.crossnobis("coherence", &activity, 5, Noise::Covariance)?.plot().save("crossnobis.png")?;
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Rdm {
    /// The column whose values are the conditions; "condition" if they came as a plain array.
    pub by: String,
    /// The conditions, ascending, or their numbers.
    pub conditions: Vec<Value>,
    /// What the dissimilarities are, in words.
    pub measure: String,
    /// The dissimilarities `[n_conditions, n_conditions]`, the same to both sides of a diagonal of 0.
    #[serde(with = "crate::number")]
    pub distances: Array2<f64>,
}

impl Rdm {
    /// That of the activity in each condition `[n_conditions, n_units]`.
    ///
    /// # Errors
    /// If there are fewer than two conditions, if a number is not finite, or for the correlation if all units do the same in one.
    pub fn of(activity: &Array2<f64>, dissimilarity: Dissimilarity) -> Result<Self> {
        let (n_conditions, n_units) = activity.dim();
        if n_conditions < 2 || n_units == 0 {
            let expected = "[n_conditions, n_units], at least [2, 1]";
            return Err(Error::shape("activity", expected, activity.shape()));
        }
        check_finite("activity", activity)?;
        let squared = |x: ArrayView1<'_, f64>, y: ArrayView1<'_, f64>| (&x - &y).mapv(|d| d * d).sum();
        match dissimilarity {
            Dissimilarity::SquaredEuclidean => {
                let distance = |i, j| squared(activity.row(i), activity.row(j)) / n_units as f64;
                Ok(Self::from_pairs(n_conditions, "Squared distance per unit", distance))
            }
            Dissimilarity::Correlation => {
                // Of rows about their mean, of length 1, half the squared distance.
                let mut rows = centered(&activity.t().to_owned()).reversed_axes();
                for (condition, mut row) in rows.outer_iter_mut().enumerate() {
                    let length = row.dot(&row).sqrt();
                    if length == 0.0 {
                        let got = format!("the same in condition {condition}");
                        return Err(Error::argument("activity", "different between units in each condition", got));
                    }
                    row /= length;
                }
                let distance = |i, j| squared(rows.row(i), rows.row(j)) / 2.0;
                Ok(Self::from_pairs(n_conditions, "1 - correlation", distance))
            }
        }
    }

    /// The cross-validated squared distances, of activity that was measured several times `[n_folds, n_conditions, n_units]`:
    /// `Σ_{a ≠ b} δ_aᵀ Σ⁻¹ δ_b / (n_folds (n_folds - 1) n_units)`, where `δ_a` is the difference of two conditions in fold `a` and `Σ`
    /// the noise about the means over folds. Noise that is independent between folds adds nothing on average, so that 0 means no difference.
    /// (Where `Σ` is estimated from few folds a little is left: with the variances `4 / (n_folds (d - 2))`, with
    /// `d = (n_folds - 1) n_conditions`.)
    ///
    /// Walther A, Nili H, Ejaz N, Alink A, Kriegeskorte N, Diedrichsen J (2016), doi:10.1016/j.neuroimage.2015.12.012.
    ///
    /// # Errors
    /// If there are fewer than two folds or conditions, if a number is not finite, or if noise is asked for that a unit has not.
    pub fn crossnobis(folds: &Array3<f64>, noise: Noise) -> Result<Self> {
        let (n_folds, n_conditions, n_units) = folds.dim();
        if n_folds < 2 || n_conditions < 2 || n_units == 0 {
            let expected = "[n_folds, n_conditions, n_units], at least [2, 2, 1]";
            return Err(Error::shape("folds", expected, folds.shape()));
        }
        let residuals = folds - &(folds.sum_axis(Axis(0)) / n_folds as f64);
        let residuals = residuals.to_shape((n_folds * n_conditions, n_units))?.into_owned();
        Self::cross_validated(folds, &residuals, n_conditions, noise)
    }

    /// The same with noise from somewhere else: residuals `[n, n_units]` about so many means.
    fn cross_validated(folds: &Array3<f64>, residuals: &Array2<f64>, n_means: usize, noise: Noise) -> Result<Self> {
        let (n_folds, n_conditions, n_units) = folds.dim();
        let flat = folds.to_shape((n_folds * n_conditions, n_units))?.into_owned();
        check_finite("activity", &flat)?;
        let white = match noise {
            Noise::Ignored => flat,
            Noise::Variances | Noise::Covariance => flat.dot(&whitening(residuals, n_means, noise)?),
        };
        let white = white.to_shape((n_folds, n_conditions, n_units))?;
        let scale = (n_folds * (n_folds - 1) * n_units) as f64;
        let distance = |i: usize, j: usize| {
            let differences = &white.slice(s![.., i, ..]) - &white.slice(s![.., j, ..]);
            let sum = differences.sum_axis(Axis(0));
            (sum.dot(&sum) - differences.mapv(|d| d * d).sum()) / scale
        };
        Ok(Self::from_pairs(n_conditions, "Cross-validated distance", distance))
    }

    fn from_pairs(n: usize, measure: &str, distance: impl Fn(usize, usize) -> f64) -> Self {
        let mut distances = Array2::zeros((n, n));
        for (i, j) in pairs(n) {
            let between = distance(i, j);
            (distances[[i, j]], distances[[j, i]]) = (between, between);
        }
        let conditions = (0..n).map(Value::from).collect();
        Self { by: "condition".into(), conditions, measure: measure.into(), distances }
    }

    fn named(self, by: &str, conditions: Vec<Value>) -> Self {
        Self { by: by.to_owned(), conditions, ..self }
    }

    /// The dissimilarity of each pair of conditions once, in the order 0 and 1, 0 and 2, ..., 1 and 2, ...
    #[must_use]
    pub fn pairs(&self) -> Vec<f64> {
        pairs(self.distances.nrows()).map(|pair| self.distances[pair]).collect()
    }

    /// How alike two matrices of the same conditions are, over all pairs of conditions.
    ///
    /// # Errors
    /// If they are not of the same conditions, or if there are fewer than three or all are equally far apart, so that there is
    /// nothing to compare.
    pub fn compare(&self, other: &Self, comparison: Comparison) -> Result<f64> {
        if self.distances.dim() != other.distances.dim() {
            let expected = format!("{:?}, as the first", self.distances.dim());
            return Err(Error::shape("the other distances", expected, other.distances.shape()));
        }
        let (named, numbered) = (self.by == other.by, |rdm: &Self| rdm.by == "condition");
        if named && self.conditions != other.conditions && !numbered(self) {
            let conditions = |rdm: &Self| rdm.conditions.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
            return Err(Error::argument("the other conditions", conditions(self), conditions(other)));
        }
        let (a, b) = (self.pairs(), other.pairs());
        let value = match comparison {
            Comparison::Cosine => {
                let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                product(&a, &b) / (product(&a, &a) * product(&b, &b)).sqrt()
            }
            Comparison::Correlation => pearson(&a, &b),
            Comparison::Spearman => pearson(&ranks(&a), &ranks(&b)),
            Comparison::TauA => tau_a(&a, &b),
        };
        if value.is_nan() {
            return Err(Error::argument("distances", "ones that differ between pairs of conditions", "all the same"));
        }
        Ok(value)
    }
}

/// Each pair of so many things once.
fn pairs(n: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..n).flat_map(move |i| (i + 1..n).map(move |j| (i, j)))
}

/// A matrix that makes noise alike in all directions: a root of the inverse of its covariance.
fn whitening(residuals: &Array2<f64>, n_means: usize, noise: Noise) -> Result<Array2<f64>> {
    let n = residuals.nrows();
    let none = || Error::argument("noise", "one that every unit has", "none in a unit, or too few trials to tell");
    // Residuals are smaller than noise, since their means were taken from them.
    let scale = n as f64 / n.saturating_sub(n_means) as f64;
    if noise == Noise::Variances {
        let variances = residuals.map_axis(Axis(0), |unit| unit.dot(&unit)) * (scale / n as f64);
        return match variances.iter().all(|&variance| variance > 0.0) {
            true => Ok(Array2::from_diag(&variances.mapv(|variance| 1.0 / variance.sqrt()))),
            false => Err(none()),
        };
    }
    let shrunk = shrunk(residuals.clone()) * scale;
    let (values, vectors) = shrunk.eigh().map_err(|_| none())?;
    let most = values.fold(0.0_f64, |most, &value| most.max(value));
    match values.iter().all(|&value| value > 1e-12 * most) {
        true => Ok(&vectors / &values.mapv(f64::sqrt)),
        false => Err(none()),
    }
}

/// The rank of each number, ties sharing the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    // Zero with a sign is zero.
    order.sort_by(|&i, &j| (values[i] + 0.0).total_cmp(&(values[j] + 0.0)));
    let sorted: Vec<f64> = order.iter().map(|&i| values[i]).collect();
    let mut ranks = vec![0.0; values.len()];
    for (&i, doubled) in order.iter().zip(doubled_ranks(&sorted, |x| x).0) {
        ranks[i] = doubled as f64 / 2.0;
    }
    ranks
}

/// Kendall's τ-a; NaN of fewer than two pairs. In the order of `a` discordant pairs are the inversions of `b`, which sorting counts.
fn tau_a(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (ranks(a), ranks(b));
    let mut both: Vec<(f64, f64)> = a.into_iter().zip(b).collect();
    both.sort_by(|x, y| x.0.total_cmp(&y.0).then(x.1.total_cmp(&y.1)));
    let of = |n: usize| n as f64 * (n as f64 - 1.0) / 2.0;
    let tied_in_a: f64 = both.chunk_by(|x, y| x.0 == y.0).map(|group| of(group.len())).sum();
    let tied_in_both: f64 = both.chunk_by(|x, y| x == y).map(|group| of(group.len())).sum();
    let mut b: Vec<f64> = both.iter().map(|pair| pair.1).collect();
    let discordant = inversions(&mut b);
    let tied_in_b: f64 = b.chunk_by(|x, y| x == y).map(|group| of(group.len())).sum();
    let untied = of(b.len()) - tied_in_a - tied_in_b + tied_in_both;
    (untied - 2.0 * discordant) / of(b.len())
}

/// Sorts, and counts the pairs that were in the wrong order.
fn inversions(values: &mut [f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let (first, second) = values.split_at_mut(values.len() / 2);
    let mut count = inversions(first) + inversions(second);
    let mut merged = Vec::with_capacity(first.len() + second.len());
    let (mut i, mut j) = (0, 0);
    while i < first.len() || j < second.len() {
        if j == second.len() || i < first.len() && first[i] <= second[j] {
            merged.push(first[i]);
            i += 1;
        } else {
            merged.push(second[j]);
            count += (first.len() - i) as f64;
            j += 1;
        }
    }
    values.copy_from_slice(&merged);
    count
}

impl Averages {
    /// The dissimilarities of the conditions, of the mean activity in a window, in milliseconds from the event.
    ///
    /// # Errors
    /// As [`Rdm::of`], and if there is no time in the window at which all conditions have trials.
    pub fn rdm(&self, window: Range<f64>, dissimilarity: Dissimilarity) -> Result<Rdm> {
        let all = |time: usize| self.n_trials.iter().all(|n_trials| n_trials[time] > 0);
        let inside: Vec<usize> =
            (0..self.times.len()).filter(|&time| window.contains(&self.times[time]) && all(time)).collect();
        if inside.is_empty() {
            let expected = "a stretch of time in which all conditions have trials";
            return Err(Error::argument("window", expected, format!("{window:?} ms")));
        }
        let mean = self.mean.select(Axis(1), &inside).sum_axis(Axis(1)) / inside.len() as f64;
        Ok(Rdm::of(&mean, dissimilarity)?.named(&self.by, self.conditions.clone()))
    }
}

impl Session {
    /// The dissimilarities of the values of a column of [`Session::trials`], of the mean activity over trials. `activity`
    /// `[n_trials, n_units]` is that of each trial, see [`Session::mean_activity`]; trials in which it is NaN are left out.
    ///
    /// # Errors
    /// As [`Rdm::of`] and [`Session::tuning`].
    pub fn rdm(&self, column: &str, activity: &Array2<f64>, dissimilarity: Dissimilarity) -> Result<Rdm> {
        let tuning = self.tuning(column, activity)?;
        Ok(Rdm::of(&tuning.mean, dissimilarity)?.named(column, tuning.conditions))
    }

    /// The cross-validated dissimilarities of the values of a column, as [`Rdm::crossnobis`]: the trials of each value are dealt out in
    /// turn to so many folds, and the noise is that of single trials about their means.
    ///
    /// # Errors
    /// As [`Rdm::crossnobis`] and [`Session::tuning`], and if a value has fewer trials than there are folds.
    pub fn crossnobis(&self, column: &str, activity: &Array2<f64>, n_folds: usize, noise: Noise) -> Result<Rdm> {
        let groups = self.activity_by(column, activity)?;
        if let Some((value, rows)) = groups.iter().find(|(_, rows)| rows.len() < n_folds) {
            let expected = format!("at most as many as each value of {column} has trials");
            return Err(Error::argument("n_folds", expected, format!("{n_folds}, and {value} has {}", rows.len())));
        }
        let mut folds = Array3::zeros((n_folds, groups.len(), activity.ncols()));
        let mut residuals = Array2::zeros((0, activity.ncols()));
        for (condition, (_, rows)) in groups.iter().enumerate() {
            let mean_of = |rows: &[usize]| activity.select(Axis(0), rows).sum_axis(Axis(0)) / rows.len() as f64;
            for fold in 0..n_folds {
                let own: Vec<usize> = rows.iter().copied().skip(fold).step_by(n_folds).collect();
                folds.slice_mut(s![fold, condition, ..]).assign(&mean_of(&own));
            }
            residuals.append(Axis(0), (&activity.select(Axis(0), rows) - &mean_of(rows)).view())?;
        }
        if n_folds < 2 || groups.len() < 2 {
            let got = format!("{n_folds} folds of {} values", groups.len());
            return Err(Error::argument("n_folds", "two or more, of a column of two values or more", got));
        }
        let conditions = groups.iter().map(|(value, _)| value.clone()).collect();
        Ok(Rdm::cross_validated(&folds, &residuals, groups.len(), noise)?.named(column, conditions))
    }
}
