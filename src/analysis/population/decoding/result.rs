//! What decoding gives.

use ndarray::{Array2, Array3};
use serde::{Deserialize, Serialize};

use super::classifier::Classifier;
use crate::analysis::statistics::special::{mean, middle, quantile, variance};
use crate::simulate::Signal;
use crate::table::{Table, Value};
use crate::{Error, Result};

/// How well a column is decoded at each time, of [`Decoding::of`](super::Decoding::of).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Decoded {
    /// The column.
    pub column: String,
    /// How decoders were found.
    pub classifier: Classifier,
    /// From what it was decoded; `None` if activity came as a plain array.
    pub signal: Option<Signal>,
    /// The numbers of the units in the network, or of the outputs `[n_units]`; empty if activity came as a plain array.
    pub units: Vec<usize>,
    /// The epoch whose start is time 0; without it, that of the trial.
    pub event: Option<String>,
    /// The classes, ascending.
    pub classes: Vec<Value>,
    /// How many trials each class has.
    pub n_trials: Vec<usize>,
    /// The trials that were left out since they have no class, no such event or not the whole window.
    pub left_out: usize,
    /// The middles of the bins, in milliseconds from the event `[n_times]`.
    #[serde(with = "crate::number")]
    pub times: Vec<f64>,
    /// The share of trials told correctly by decoders of one time at another `[n_times (trained), n_times (tested)]`.
    #[serde(with = "crate::number")]
    pub accuracy: Array2<f64>,
    /// The area under the receiver operating characteristic `[n_times (trained), n_times (tested)]`; 0.5 is chance.
    #[serde(with = "crate::number")]
    pub auc: Array2<f64>,
    /// The share of trials told correctly in each fold, by decoders of the same time `[n_folds, n_times]`.
    #[serde(with = "crate::number")]
    pub by_fold: Array2<f64>,
    /// The same with the classes of trials exchanged, the mean over folds `[n_permutations, n_times]`.
    #[serde(with = "crate::number")]
    pub permuted: Array2<f64>,
    /// Whether the work was interrupted: fewer times or fewer permutations than asked for.
    pub interrupted: bool,
}

/// A stretch of time in which decoding is above chance, of [`Decoded::clusters`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Cluster {
    /// Its first time.
    #[serde(with = "crate::number")]
    pub start: f64,
    /// Its last time.
    #[serde(with = "crate::number")]
    pub end: f64,
    /// The sum over its times of how far the accuracy is above the mean of the permutations.
    #[serde(with = "crate::number")]
    pub mass: f64,
    /// The probability of a stretch of such mass anywhere, if there is nothing to decode.
    #[serde(with = "crate::number")]
    pub p: f64,
}

impl Decoded {
    /// The share told correctly by always saying the most frequent class.
    #[must_use]
    pub fn chance(&self) -> f64 {
        let most = self.n_trials.iter().max().copied().unwrap_or(0);
        most as f64 / self.n_trials.iter().sum::<usize>() as f64
    }

    /// The standard error of the accuracy at each time `[n_times]`, by its standard deviation over folds. Folds share training trials, so
    /// that it is a little small; whether there is anything to decode is told by permutations.
    #[must_use]
    pub fn sem(&self) -> Vec<f64> {
        let of = |folds: ndarray::ArrayView1<'_, f64>| (variance(&folds.to_vec()) / folds.len() as f64).sqrt();
        self.by_fold.columns().into_iter().map(of).collect()
    }

    /// The ends at each time of the middle `confidence` of accuracies with exchanged classes; NaN without permutations.
    #[must_use]
    pub fn by_chance(&self, confidence: f64) -> (Vec<f64>, Vec<f64>) {
        let of = |permuted: ndarray::ArrayView1<'_, f64>| middle(&mut permuted.to_vec(), confidence);
        self.permuted.columns().into_iter().map(of).unzip()
    }

    /// The probability at each time of an accuracy at least as large if there is nothing to decode, `(1 + k) / (1 + n)` for `k` of `n`
    /// permutations with as large a one, not corrected for the number of times; NaN without permutations.
    #[must_use]
    pub fn p(&self) -> Vec<f64> {
        let of = |(time, permuted): (usize, ndarray::ArrayView1<'_, f64>)| {
            let above = permuted.iter().filter(|&&share| share >= self.accuracy[[time, time]] - 1e-12).count();
            if permuted.is_empty() { f64::NAN } else { (1 + above) as f64 / (1 + permuted.len()) as f64 }
        };
        self.permuted.columns().into_iter().enumerate().map(of).collect()
    }

    /// The stretches of time in which the accuracy is above the quantile `1 - alpha` of the permutations at each time, with a probability
    /// that holds for all times together: the share of permutations of which no stretch, found in the same way, has as large a mass
    /// (Maris E, Oostenveld R (2007), doi:10.1016/j.jneumeth.2007.03.024).
    ///
    /// # Errors
    /// If there are no permutations, or unless `alpha` is between 0 and 1.
    pub fn clusters(&self, alpha: f64) -> Result<Vec<Cluster>> {
        let n = self.permuted.nrows();
        if n == 0 {
            return Err(Error::argument("permutations", "asked for, as `.permutations(200)`", "none"));
        }
        if !(alpha > 0.0 && alpha < 1.0) {
            return Err(Error::argument("alpha", "between 0 and 1, both excluded", alpha));
        }
        let columns: Vec<Vec<f64>> = self.permuted.columns().into_iter().map(|column| column.to_vec()).collect();
        let means: Vec<f64> = columns.iter().map(|column| mean(column)).collect();
        let bound = |mut column: Vec<f64>| {
            column.sort_unstable_by(f64::total_cmp);
            quantile(&column, 1.0 - alpha)
        };
        let bounds: Vec<f64> = columns.into_iter().map(bound).collect();
        let stretches = |accuracy: &[f64]| -> Vec<(usize, usize, f64)> {
            let above: Vec<usize> = (0..accuracy.len()).filter(|&time| accuracy[time] > bounds[time] + 1e-12).collect();
            let mass = |times: &[usize]| times.iter().map(|&time| accuracy[time] - means[time]).sum();
            let chunks = above.chunk_by(|&a, &b| b == a + 1);
            chunks.map(|times| (times[0], times[times.len() - 1], mass(times))).collect()
        };
        let largest = |row: ndarray::ArrayView1<'_, f64>| {
            stretches(&row.to_vec()).into_iter().fold(0.0_f64, |most, (_, _, mass)| most.max(mass))
        };
        let by_chance: Vec<f64> = self.permuted.outer_iter().map(largest).collect();
        let cluster = |(start, end, mass): (usize, usize, f64)| {
            let as_large = by_chance.iter().filter(|&&most| most >= mass - 1e-12).count();
            let p = (1 + as_large) as f64 / (1 + n) as f64;
            Cluster { start: self.times[start], end: self.times[end], mass, p }
        };
        Ok(stretches(&self.accuracy.diag().to_vec()).into_iter().map(cluster).collect())
    }

    /// One row a time: `time`, `accuracy` and its standard error `sem`, `auc`, all of decoders of the same time, and if there are permutations
    /// `p`.
    #[must_use]
    pub fn table(&self) -> Table {
        let mut table = Table::new();
        let mut add = |name: &str, values: Vec<f64>| {
            // All columns have one row a time, so no insertion can fail.
            drop(table.insert(name, values));
        };
        add("time", self.times.clone());
        add("accuracy", self.accuracy.diag().to_vec());
        add("sem", self.sem());
        add("auc", self.auc.diag().to_vec());
        if self.permuted.nrows() > 0 {
            add("p", self.p());
        }
        table
    }
}

/// How well decoders of one condition do in another, of [`Decoding::across`](super::Decoding::across).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Generalized {
    /// The column that was decoded.
    pub column: String,
    /// The column whose values are the conditions.
    pub by: String,
    /// How decoders were found.
    pub classifier: Classifier,
    /// From what it was decoded; `None` if activity came as a plain array.
    pub signal: Option<Signal>,
    /// The epoch whose start is time 0; without it, that of the trial.
    pub event: Option<String>,
    /// The conditions, ascending.
    pub conditions: Vec<Value>,
    /// The classes, ascending.
    pub classes: Vec<Value>,
    /// How many trials each class has, in each condition.
    pub n_trials: Vec<Vec<usize>>,
    /// The middles of the bins, in milliseconds from the event `[n_times]`.
    #[serde(with = "crate::number")]
    pub times: Vec<f64>,
    /// The share of trials told correctly `[n_conditions (trained), n_conditions (tested), n_times]`, cross-validated where both are the same.
    #[serde(with = "crate::number")]
    pub accuracy: Array3<f64>,
    /// The area under the receiver operating characteristic `[n_conditions (trained), n_conditions (tested), n_times]`.
    #[serde(with = "crate::number")]
    pub auc: Array3<f64>,
}

impl Generalized {
    /// One row a time and pair of conditions: `time`, `trained`, `tested`, `accuracy`, `auc`.
    #[must_use]
    pub fn table(&self) -> Table {
        let n = self.conditions.len();
        let places: Vec<(usize, usize, usize)> = (0..n)
            .flat_map(|train| (0..n).map(move |test| (train, test)))
            .flat_map(|(train, test)| (0..self.times.len()).map(move |time| (train, test, time)))
            .collect();
        let mut table = Table::new();
        let mut add = |name: &str, of: &dyn Fn((usize, usize, usize)) -> Value| {
            // All columns have one row a place, so no insertion can fail.
            drop(table.insert(name, places.iter().map(|&place| of(place))));
        };
        add("time", &|(_, _, time)| self.times[time].into());
        add("trained", &|(train, _, _)| self.conditions[train].clone());
        add("tested", &|(_, test, _)| self.conditions[test].clone());
        add("accuracy", &|place| self.accuracy[place].into());
        add("auc", &|place| self.auc[place].into());
        table
    }
}
