//! Cross-validation: decoders fitted to some trials at one time, and tried on the others at all times.

use ndarray::{Array2, ArrayView2, Axis};

use super::classifier::{Classifier, Decoder, auc, fit, largest};
use super::data::Data;
use crate::random::Seed;
use crate::{Error, Result};

/// How decoders do on one set of trials `[n_test_times]`: the share that they tell correctly and the area under the curve.
pub(super) type Scored = (Vec<f64>, Vec<f64>);

impl Data {
    /// The decoder of some trials at one time.
    pub(super) fn decoder(&self, how: (Classifier, f64), time: usize, rows: &[usize], y: &[usize]) -> Result<Decoder> {
        let of_rows: Vec<usize> = rows.iter().map(|&row| y[row]).collect();
        fit(how, self.activity.index_axis(Axis(0), time).select(Axis(0), rows), &of_rows, &self.classes)
    }

    /// How a decoder does on samples `[n_times n_rows, n_units]` of trials of these classes.
    pub(super) fn scored(&self, decoder: &Decoder, samples: ArrayView2<'_, f64>, y: &[usize]) -> Scored {
        let n_classes = self.classes.len();
        let ranks = decoder.ranks(samples);
        let of_time = |ranks: ArrayView2<'_, f64>| {
            let correct = ranks.outer_iter().zip(y).filter(|(row, class)| largest(row.iter()) == **class).count();
            let of_class = |class: usize| {
                let own: Vec<bool> = y.iter().map(|&own| own == class).collect();
                auc(&ranks.column(class).to_vec(), &own)
            };
            // Of two classes both are the same.
            let first = if n_classes == 2 { 1 } else { 0 };
            let areas: Vec<f64> = (first..n_classes).map(of_class).filter(|area| !area.is_nan()).collect();
            (correct as f64 / y.len() as f64, areas.iter().sum::<f64>() / areas.len() as f64)
        };
        ranks.axis_chunks_iter(Axis(0), y.len()).map(of_time).unzip()
    }
}

/// Which trials each fold trains and which it tests, with the activity of the latter.
pub(super) struct Fold {
    pub(super) train: Vec<usize>,
    pub(super) test: Vec<usize>,
    /// `[n_times n_test, n_units]`
    pub(super) samples: Array2<f64>,
}

/// The folds by the number of each trial's fold, of trials of these classes.
pub(super) fn folds(data: &Data, fold_of: &[usize], y: &[usize]) -> Vec<Fold> {
    let n_folds = fold_of.iter().max().map_or(0, |most| most.saturating_add(1));
    let one = |fold: usize| {
        let (test, train): (Vec<usize>, Vec<usize>) = (0..y.len()).partition(|&row| fold_of[row] == fold);
        let samples = data.stacked(&test);
        Fold { train, test, samples }
    };
    (0..n_folds).map(one).collect()
}

/// A fold for each trial: of each class about as many trials in one as in another.
pub(super) fn stratified(data: &Data, n_folds: usize, seed: Seed) -> Result<Vec<usize>> {
    let counts = data.counts();
    let rarest = (0..counts.len()).min_by_key(|&class| counts[class]).unwrap_or(0);
    if n_folds < 2 || n_folds > counts[rarest] {
        let expected = format!(
            "from 2 to {}, the trials of the rarest class, {}{}",
            counts[rarest],
            data.classes[rarest],
            if counts[rarest] < 2 { " (a column of many values may be taken together in a few by `with`)" } else { "" }
        );
        return Err(Error::argument("folds", expected, n_folds));
    }
    let (mut fold_of, mut next) = (vec![0; data.y.len()], 0);
    for class in 0..counts.len() {
        let mut rows: Vec<usize> = (0..data.y.len()).filter(|&row| data.y[row] == class).collect();
        shuffle(&mut rows, seed.child("folds"), class as u64);
        for row in rows {
            fold_of[row] = next % n_folds;
            next += 1;
        }
    }
    Ok(fold_of)
}

/// An error unless there are two folds at least, and all classes are among the training trials of each.
pub(super) fn check_folds(data: &Data, fold_of: &[usize]) -> Result<()> {
    let n_folds = fold_of.iter().max().map_or(0, |most| most.saturating_add(1));
    for fold in 0..n_folds.max(2) {
        let is_tested = fold_of.contains(&fold);
        let has = |&class: &usize| data.y.iter().zip(fold_of).any(|(&own, &of)| own == class && of != fold);
        let lacking = (0..data.classes.len()).find(|class| !has(class));
        if !is_tested || lacking.is_some() {
            let got = match lacking {
                Some(class) if is_tested => format!("without {} outside fold {fold}", data.classes[class]),
                _ => format!("without trials in fold {fold}"),
            };
            return Err(Error::argument(
                "fold_of",
                "two folds or more, numbered from 0, with every class outside each",
                got,
            ));
        }
    }
    Ok(())
}

/// Puts a list in a random order.
pub(super) fn shuffle<T>(list: &mut [T], seed: Seed, number: u64) {
    let mut rng = seed.stream(number);
    (1..list.len()).rev().for_each(|i| list.swap(i, rng.index(i + 1)));
}
