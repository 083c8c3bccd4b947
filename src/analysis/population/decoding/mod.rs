//! Decoding: what the activity of a population tells about a trial, and when.

mod classifier;
mod data;
pub(super) mod lda;
mod linear;
mod logistic;
mod result;
mod svm;
mod validate;

use std::ops::Range;

use ndarray::{Array2, Array3, Axis};
use serde::{Deserialize, Serialize};

pub use classifier::{Classifier, Decoder};
pub use result::{Cluster, Decoded, Generalized};

use self::data::{Data, classed, of_arrays, select};
use self::validate::{Fold, Scored, check_folds, folds, shuffle, stratified};
use super::aligned::{Aligned, Part};
use crate::random::Seed;
use crate::setters::setters;
use crate::simulate::{Session, Signal};
use crate::table::{Table, Value};
use crate::{Error, Result, interrupt, memory, threads};

/// Decodes a column of [`Session::trials`] (a stimulus, a choice, a context) from the activity of the population, at each time.
///
/// 1. Activity is averaged over bins of time. The classes are the values of the column.
/// 2. Trials are dealt out into folds, each class evenly. Each fold in turn is left out, and at each time a linear decoder
///    ([`Classifier`]) is fitted to the others. Units are z-scored by the mean and the standard deviation of these training trials at
///    that time.
/// 3. Each decoder is tried on the trials left out, at **all** times: the cross-temporal matrix. Its diagonal is decoding over time;
///    decoders that work at other times than their own say that the code lasts. It has the share of trials told correctly, and the area
///    under the receiver operating characteristic (AUC), for more than two classes the mean over classes of that of each class against
///    all others. Both are means over folds.
/// 4. If [`permutations`](Self::permutations) are asked for, all that is done again, at each time, with the classes of trials exchanged at
///    random: what there is by chance.
///
/// Defaults: logistic regression, `c` 1, 5 folds, bins of 50 ms, no permutations (200 are usual, and take about 200 times as long), the
/// states, all times that every trial has from its start, seed 0. Trials without a value or without the event, and those that do not have
/// the whole window, are left out. The same seed gives the same bits, for any number of threads.
///
/// ```
/// use ndarray::Array3;
/// use psychrnn::analysis::Decoding;
/// use psychrnn::random::Seed;
/// // 60 trials, 4 times, 10 units; from time 2 on the first unit knows the side.
/// let side: Vec<&str> = (0..60).map(|trial| if trial % 2 == 0 { "left" } else { "right" }).collect();
/// let mut rng = Seed(1).stream(0);
/// let activity = Array3::from_shape_fn((60, 4, 10), |(trial, time, unit)| {
///     let signal = if time >= 2 && unit == 0 && trial % 2 == 1 { 4.0 } else { 0.0 };
///     signal + f64::from(rng.normal(0.0, 1.0))
/// });
/// let decoded = Decoding::new("side").of_arrays(&activity, &side)?;
/// assert!(decoded.accuracy[[0, 0]] < 0.8 && decoded.accuracy[[3, 3]] > 0.9 && decoded.accuracy[[2, 3]] > 0.9);
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Of a session:
///
/// ```no_run
/// use psychrnn::analysis::{Classifier, Decoding};
/// use psychrnn::prelude::*;
/// # let session = Simulator::load("weights.npz")?.run(&PerceptualDiscrimination::default().batch(500, Seed(2))?)?;
/// let decoding = Decoding::new("choice").signal(Signal::Rates).aligned_to("stimulus").window(-200.0..800.0);
/// let decoded = decoding.classifier(Classifier::LinearSvm).permutations(200).of(&session)?;
/// decoded.plot().save("choice.png")?;
/// decoded.plot_matrix().save("choice-across-times.png")?;
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decoding {
    /// The column whose values are told apart.
    pub column: String,
    /// How decoders are found.
    pub classifier: Classifier,
    /// What a mistake weighs against the length of the weights, see [`Classifier`].
    #[serde(with = "crate::number")]
    pub c: f64,
    /// How many parts the trials are dealt out into.
    pub folds: usize,
    /// The fold of each trial, if they are not dealt out at random.
    pub fold_of: Option<Vec<usize>>,
    /// How long a bin lasts, in milliseconds.
    #[serde(with = "crate::number")]
    pub bin: f64,
    /// From what is decoded.
    pub signal: Signal,
    /// The epoch whose start is time 0; without it, that of the trial.
    pub event: Option<String>,
    /// The first time and the one at which to stop, in milliseconds from the event.
    #[serde(with = "crate::number")]
    pub window: Option<(f64, f64)>,
    /// How often the classes of trials are exchanged.
    pub permutations: usize,
    /// The seed of folds and exchanges.
    pub seed: Seed,
}

impl Decoding {
    /// Decoding of the values of this column.
    #[must_use]
    pub fn new(column: &str) -> Self {
        Self {
            column: column.to_owned(),
            classifier: Classifier::default(),
            c: 1.0,
            folds: 5,
            fold_of: None,
            bin: 50.0,
            signal: Signal::default(),
            event: None,
            window: None,
            permutations: 0,
            seed: Seed(0),
        }
    }

    setters! {
        /// How decoders are found.
        classifier: Classifier;
        /// What a mistake weighs against the length of the weights, see [`Classifier`].
        c: f64;
        /// How many parts the trials are dealt out into, each class evenly.
        folds: usize;
        /// The fold of each trial, numbered from 0, in place of folds dealt out at random: blocks of the experiment, say. Of a session
        /// one for each of its trials.
        fold_of: &[usize] => Some(fold_of.to_vec());
        /// How long a bin lasts, in milliseconds: rounded to steps, one at least. The last steps, if they fill no bin, are left out. Plain
        /// arrays are taken as they are.
        bin: f64;
        /// From what is decoded.
        signal: Signal;
        /// From which time to which, the latter excluded, in milliseconds from the event.
        window: Range<f64> => Some((window.start, window.end));
        /// How often the classes of trials are exchanged at random to see what there is by chance.
        permutations: usize;
        /// The seed of folds and exchanges.
        seed: impl Into<Seed> => seed.into();
    }

    /// The epoch whose start is time 0. Trials without it are left out.
    #[must_use]
    pub fn aligned_to(mut self, epoch: &str) -> Self {
        self.event = Some(epoch.to_owned());
        self
    }

    /// Decodes the column of a session, on all cores. If it is interrupted (see [`interrupt`]), it gives what it has:
    /// the first times, or fewer permutations.
    ///
    /// # Errors
    /// If there is no such column or epoch, if the column has one value only, if a class has fewer trials than there are folds, if no
    /// trial has the whole window, if activity is not finite, or if `c` or `bin` is not positive.
    pub fn of(&self, session: &Session) -> Result<Decoded> {
        let (data, aligned) = self.data(session, &session.trials())?;
        let decoded = self.cross(&data, aligned.times)?;
        let (signal, units) = (Some(self.signal), session.numbers_of(self.signal));
        let left_out = session.n_trials() - aligned.rows.len();
        Ok(Decoded { signal, units, event: self.event.clone(), left_out, ..decoded })
    }

    /// As [`of`](Self::of), from activity `[n_trials, n_times, n_units]` and the class of each trial. Times are numbered from 0. Trials
    /// whose class is missing are left out.
    ///
    /// # Errors
    /// As [`of`](Self::of); also if there is not one class for each trial.
    pub fn of_arrays<V: Clone + Into<Value>>(&self, activity: &Array3<f64>, classes: &[V]) -> Result<Decoded> {
        let (data, rows) = of_arrays(activity, classes, self.fold_of.as_deref())?;
        let times = (0..data.n_times()).map(|time| time as f64).collect();
        Ok(Decoded { left_out: classes.len() - rows.len(), ..self.cross(&data, times)? })
    }

    /// The decoder of samples `[n_samples, n_units]` and the class of each, without cross-validation.
    ///
    /// # Errors
    /// If there is not one class for each sample, if all are of one class, if a number is not finite, or if `c` is not positive.
    pub fn decoder<V: Clone + Into<Value>>(&self, samples: &Array2<f64>, classes: &[V]) -> Result<Decoder> {
        let (data, rows) = of_arrays(&samples.view().insert_axis(Axis(1)).to_owned(), classes, None)?;
        self.check(&data)?;
        data.decoder((self.classifier, self.c), 0, &(0..rows.len()).collect::<Vec<_>>(), &data.y)
    }

    /// Whether the code is the same in other conditions: decoders fitted to the trials with one value of the column `by` (a context,
    /// say) and tried on those with another, at the same time. Within a condition it is cross-validated, as by [`of`](Self::of); to
    /// be tried on another one, a decoder is fitted to all trials. There are no permutations. Accuracy in the other condition as high as
    /// in its own says that what is decoded is represented abstractly (cross-condition generalization; Bernardi S et al. (2020),
    /// doi:10.1016/j.cell.2020.09.031).
    ///
    /// # Errors
    /// As [`of`](Self::of), in each condition; also if there is one condition only, or if the classes are not the same in all.
    pub fn across(&self, session: &Session, by: &str) -> Result<Generalized> {
        let trials = session.trials();
        let (data, aligned) = self.data(session, &trials)?;
        let conditions: Vec<Value> = select(by, trials.column(by)?, &aligned.rows, session.n_trials())?;
        let across = self.between(&data, aligned.times, by, &conditions)?;
        Ok(Generalized { signal: Some(self.signal), event: self.event.clone(), ..across })
    }

    /// As [`across`](Self::across), from activity `[n_trials, n_times, n_units]`, the class of each trial and its condition.
    ///
    /// # Errors
    /// As [`across`](Self::across); also if there is not one of each for each trial.
    pub fn across_arrays<V: Clone + Into<Value>, W: Clone + Into<Value>>(
        &self,
        activity: &Array3<f64>,
        classes: &[V],
        conditions: &[W],
    ) -> Result<Generalized> {
        let (data, rows) = of_arrays(activity, classes, self.fold_of.as_deref())?;
        if conditions.len() != classes.len() {
            return Err(Error::shape("conditions", format!("[n_trials = {}]", classes.len()), &[conditions.len()]));
        }
        let conditions: Vec<Value> = rows.iter().map(|&row| conditions[row].clone().into()).collect();
        let times = (0..data.n_times()).map(|time| time as f64).collect();
        self.between(&data, times, "condition", &conditions)
    }

    fn data(&self, session: &Session, trials: &Table) -> Result<(Data, Aligned)> {
        let wanted: Vec<usize> = trials.groups(&self.column)?.into_iter().flat_map(|(_, rows)| rows).collect();
        let part = Part { signal: self.signal, event: self.event.as_deref(), window: self.window, bin: self.bin };
        let mut wanted = wanted;
        wanted.sort_unstable();
        let mut aligned = part.of(session, &wanted)?;
        let column = trials.column(&self.column)?;
        let labels: Vec<Value> = aligned.rows.iter().map(|&row| column[row].clone()).collect();
        let activity = std::mem::take(&mut aligned.activity);
        let of_rows = |folds| select("fold_of", folds, &aligned.rows, session.n_trials());
        let fold_of = self.fold_of.as_deref().map(of_rows).transpose()?;
        Ok((Data { fold_of, ..classed(&self.column, activity, labels)? }, aligned))
    }

    fn check(&self, data: &Data) -> Result<()> {
        if !(self.c > 0.0 && self.c.is_finite()) {
            return Err(Error::argument("c", "a positive number", self.c));
        }
        if data.classes.len() < 2 {
            return Err(Error::argument(&self.column, "a column of two values or more", data.classes.len()));
        }
        Ok(())
    }

    /// The cross-temporal matrices, and the diagonal with exchanged classes.
    fn cross(&self, data: &Data, times: Vec<f64>) -> Result<Decoded> {
        self.check(data)?;
        let fold_of = match &data.fold_of {
            Some(fold_of) => fold_of.clone(),
            None => stratified(data, self.folds, self.seed)?,
        };
        check_folds(data, &fold_of)?;
        let (n_times, n_trials, n_units) = data.activity.dim();
        let n_folds = fold_of.iter().max().map_or(0, |most| most + 1);
        let needed = memory::floats(&[4 * threads::threads() + 4, n_times, n_trials, n_units])
            .saturating_add(memory::floats(&[4, n_folds, n_times, n_times]));
        memory::check("decoding", needed, "take wider bins, fewer trials or fewer threads")?;
        let work = interrupt::watch();
        let parts = folds(data, &fold_of, &data.y);
        let at =
            |time: usize| parts.iter().map(|fold| self.tried(data, fold, time, &data.y)).collect::<Result<Vec<_>>>();
        let found = threads::map_while((0..n_times).collect(), || !work.is_interrupted(), at)?;
        let there = found.len();
        if there == 0 {
            return Err(Error::other("decoding was interrupted before anything was decoded"));
        }
        let mean = |of: fn(&Scored) -> &Vec<f64>| {
            Array2::from_shape_fn((there, there), |(train, test)| {
                // A fold may have trials of one class only, of which there is no area.
                let values: Vec<f64> = found[train].iter().map(|fold| of(fold)[test]).filter(|x| !x.is_nan()).collect();
                values.iter().sum::<f64>() / values.len() as f64
            })
        };
        let by_fold = Array2::from_shape_fn((n_folds, there), |(fold, time)| found[time][fold].0[time]);
        let permuted = if there < n_times { Array2::zeros((0, there)) } else { self.permuted(data, &fold_of)? };
        Ok(Decoded {
            column: self.column.clone(),
            classifier: self.classifier,
            signal: None,
            units: Vec::new(),
            event: None,
            n_trials: data.counts(),
            left_out: 0,
            classes: data.classes.clone(),
            times: times[..there].to_vec(),
            accuracy: mean(|(accuracy, _)| accuracy),
            auc: mean(|(_, auc)| auc),
            by_fold,
            interrupted: there < n_times || permuted.nrows() < self.permutations,
            permuted,
        })
    }

    /// How the decoder of a fold's training trials at one time does on the others at all times.
    fn tried(&self, data: &Data, fold: &Fold, time: usize, y: &[usize]) -> Result<Scored> {
        let decoder = data.decoder((self.classifier, self.c), time, &fold.train, y)?;
        let of_test: Vec<usize> = fold.test.iter().map(|&row| y[row]).collect();
        Ok(data.scored(&decoder, fold.samples.view(), &of_test))
    }

    /// The accuracy with exchanged classes `[n_permutations, n_times]`; of the first permutations if it is interrupted.
    fn permuted(&self, data: &Data, fold_of: &[usize]) -> Result<Array2<f64>> {
        let (work, n_times) = (interrupt::watch(), data.n_times());
        let once = |number: u64| {
            // Class and fold go together, so that folds keep their numbers of each class.
            let mut order: Vec<usize> = (0..data.y.len()).collect();
            shuffle(&mut order, self.seed.child("permutations"), number);
            let (y, fold_of): (Vec<usize>, Vec<usize>) = order.iter().map(|&row| (data.y[row], fold_of[row])).unzip();
            let parts = folds(data, &fold_of, &y);
            let at = |time: usize| {
                let shares = parts.iter().map(|fold| self.told(data, fold, time, &y)).collect::<Result<Vec<f64>>>()?;
                Ok(shares.iter().sum::<f64>() / shares.len() as f64)
            };
            (0..n_times).map(at).collect::<Result<Vec<f64>>>()
        };
        let go_on = || !work.is_interrupted();
        let found = threads::map_while((0..self.permutations as u64).collect(), go_on, once)?;
        Ok(Array2::from_shape_fn((found.len(), n_times), |(number, time)| found[number][time]))
    }

    /// The share of a fold's trials that are told correctly at one time.
    fn told(&self, data: &Data, fold: &Fold, time: usize, y: &[usize]) -> Result<f64> {
        let decoder = data.decoder((self.classifier, self.c), time, &fold.train, y)?;
        let of_test: Vec<usize> = fold.test.iter().map(|&row| y[row]).collect();
        let n = fold.test.len();
        let samples = fold.samples.slice(ndarray::s![time * n..(time + 1) * n, ..]);
        Ok(data.scored(&decoder, samples, &of_test).0[0])
    }

    /// Decoders of each condition on the trials of each.
    fn between(&self, data: &Data, times: Vec<f64>, by: &str, conditions: &[Value]) -> Result<Generalized> {
        let mut table = Table::new();
        table.insert(by, conditions.iter().cloned())?;
        let groups = table.groups(by)?;
        if groups.len() < 2 {
            return Err(Error::argument(by, "a column of two values or more", groups.len()));
        }
        let within = |(condition, rows): &(Value, Vec<usize>)| {
            let labels = rows.iter().map(|&row| data.classes[data.y[row]].clone()).collect();
            let own = classed(&self.column, data.activity.select(Axis(1), rows), labels)?;
            if own.classes != data.classes {
                let got = format!("another number of values, {}, where {by} is {condition}", own.classes.len());
                return Err(Error::argument(&self.column, "a column with the same values in all conditions", got));
            }
            let fold_of = data.fold_of.as_ref().map(|folds| rows.iter().map(|&row| folds[row]).collect());
            Ok(Data { fold_of, ..own })
        };
        let parts = groups.iter().map(within).collect::<Result<Vec<Data>>>()?;
        let (n, n_times) = (parts.len(), data.n_times());
        let (mut accuracy, mut auc) = (Array3::zeros((n, n, n_times)), Array3::zeros((n, n, n_times)));
        let plain = Self { permutations: 0, ..self.clone() };
        for (train, own) in parts.iter().enumerate() {
            let decoded = plain.cross(own, times.clone())?;
            if decoded.interrupted {
                return Err(Error::other("decoding was interrupted"));
            }
            accuracy.slice_mut(ndarray::s![train, train, ..]).assign(&decoded.accuracy.diag());
            auc.slice_mut(ndarray::s![train, train, ..]).assign(&decoded.auc.diag());
            let all: Vec<usize> = (0..own.y.len()).collect();
            let at = |time: usize| {
                let decoder = own.decoder((self.classifier, self.c), time, &all, &own.y)?;
                let on = |other: &Data| other.scored(&decoder, other.activity.index_axis(Axis(0), time), &other.y);
                Ok(parts.iter().map(on).collect::<Vec<Scored>>())
            };
            for (time, scored) in threads::map((0..n_times).collect(), at)?.into_iter().enumerate() {
                for (test, (share, area)) in scored.into_iter().enumerate().filter(|(test, _)| *test != train) {
                    (accuracy[[train, test, time]], auc[[train, test, time]]) = (share[0], area[0]);
                }
            }
        }
        Ok(Generalized {
            column: self.column.clone(),
            by: by.to_owned(),
            classifier: self.classifier,
            signal: None,
            event: None,
            conditions: groups.into_iter().map(|(condition, _)| condition).collect(),
            classes: data.classes.clone(),
            n_trials: parts.iter().map(Data::counts).collect(),
            times,
            accuracy,
            auc,
        })
    }
}
