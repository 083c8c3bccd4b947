//! What dPCA gives.

use ndarray::{Array1, Array2, Array3, Axis};
use serde::{Deserialize, Serialize};

use super::design::{Design, Trials};
use super::solve::Problem;
use super::validate::{DpcaValidation, Told};
use crate::simulate::Signal;
use crate::table::{Table, Value};
use crate::{Error, Result};

/// Where trials come from.
pub(super) struct Where {
    pub(super) signal: Option<Signal>,
    pub(super) units: Vec<usize>,
    pub(super) event: Option<String>,
    pub(super) times: Vec<f64>,
    pub(super) left_out: usize,
}

impl Where {
    /// From plain arrays.
    pub(super) fn plain(n_times: usize) -> Self {
        let times = (0..n_times).map(|time| time as f64).collect();
        Self { signal: None, units: Vec::new(), event: None, times, left_out: 0 }
    }
}

/// Demixed principal components, of [`Dpca::of`](super::Dpca::of).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Demixed {
    /// The columns.
    pub columns: Vec<String>,
    /// What was demixed; `None` if it came as a plain array.
    pub signal: Option<Signal>,
    /// The numbers of the units in the network, or of the outputs `[n_units]`; empty if activity came as a plain array.
    pub units: Vec<usize>,
    /// The epoch whose start is time 0; without it, that of the trial.
    pub event: Option<String>,
    /// The conditions: the value of each column, those of the last one running fastest.
    pub conditions: Vec<Vec<Value>>,
    /// How many trials each condition has; 1 for averages.
    pub n_trials: Vec<usize>,
    /// The trials that were left out since they lack a column, the event or a part of the window.
    pub left_out: usize,
    /// The middles of the bins, in milliseconds from the event `[n_times]`.
    #[serde(with = "crate::number")]
    pub times: Vec<f64>,
    /// The mean of each unit over conditions and times `[n_units]`.
    #[serde(with = "crate::number")]
    pub mean: Array1<f64>,
    /// How strongly weights were penalized.
    #[serde(with = "crate::number")]
    pub lambda: f64,
    /// How that was chosen, unless it was given.
    pub validation: Option<DpcaValidation>,
    /// The marginals: time, each column, each two, …
    pub marginals: Vec<Marginal>,
    /// Whether the work was interrupted: fewer repetitions or shuffles than asked for.
    pub interrupted: bool,
}

/// The components of the part of the activity that depends on some columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Marginal {
    /// `time`, the column, or the columns with `×` between them.
    pub name: String,
    /// The columns; none for time alone.
    pub columns: Vec<String>,
    /// Its share in the variance of all conditions and times. Those of all marginals add up to 1.
    #[serde(with = "crate::number")]
    pub share: f64,
    /// The decoders `D` `[n_components, n_units]`.
    #[serde(with = "crate::number")]
    pub decoder: Array2<f64>,
    /// The encoders `F` `[n_units, n_components]`, of length 1 and orthogonal to each other.
    #[serde(with = "crate::number")]
    pub encoder: Array2<f64>,
    /// The share of the variance of all that each component explains `[n_components]`.
    #[serde(with = "crate::number")]
    pub explained: Array1<f64>,
    /// How much of that in each marginal `[n_components, n_marginals]`.
    #[serde(with = "crate::number")]
    pub explained_by_marginal: Array2<f64>,
    /// The averages along the components, `D (x - mean)` `[n_components, n_conditions, n_times]`.
    #[serde(with = "crate::number")]
    pub points: Array3<f64>,
    /// The share of held out trials that the first components tell correctly `[n_tested, n_times]`, if there were shuffles.
    #[serde(with = "crate::number")]
    pub accuracy: Option<Array2<f64>>,
    /// The largest such share of any shuffle, of the first component `[n_times]`.
    #[serde(with = "crate::number")]
    pub by_chance: Option<Vec<f64>>,
}

impl Marginal {
    /// Whether each of the first components tells more than any shuffle at each time `[n_tested, n_times]`; `None` without shuffles.
    #[must_use]
    pub fn significant(&self) -> Option<Array2<bool>> {
        let (accuracy, by_chance) = self.accuracy.as_ref().zip(self.by_chance.as_ref())?;
        Some(Array2::from_shape_fn(accuracy.dim(), |(component, time)| {
            accuracy[[component, time]] > by_chance[time] + 1e-12
        }))
    }
}

impl Demixed {
    pub(super) fn new(
        design: &Design,
        trials: &Trials,
        (problem, lambda, n_components): (Problem, f64, usize),
        validation: Option<DpcaValidation>,
        tested: Option<Told>,
        from: Where,
    ) -> Result<Self> {
        let sets = design.marginals();
        let squares: Vec<Array2<f64>> = problem.parts.iter().map(|part| part.t().dot(part)).collect();
        let (n_conditions, n_times) = (design.n_conditions(), from.times.len());
        let marginal = |(part, set): (usize, &Vec<usize>)| {
            let axes = problem.axes(part, lambda, n_components)?;
            let (explained, explained_by_marginal) = problem.explained(&axes, &squares);
            let along = problem.x.dot(&axes.decoder.t());
            let columns: Vec<String> = set.iter().map(|&column| design.columns[column].clone()).collect();
            let of_part =
                |told: &Told| part.checked_sub(1).map(|at| (told.accuracy[at].clone(), told.by_chance[at].clone()));
            let (accuracy, by_chance) = tested.as_ref().and_then(of_part).unzip();
            Ok(Marginal {
                name: if set.is_empty() { "time".to_owned() } else { columns.join(" × ") },
                columns,
                share: squares[part].diag().sum() / problem.total(),
                points: Array3::from_shape_fn((axes.decoder.nrows(), n_conditions, n_times), |(k, condition, time)| {
                    along[[condition * n_times + time, k]]
                }),
                decoder: axes.decoder,
                encoder: axes.encoder,
                explained,
                explained_by_marginal,
                accuracy,
                by_chance,
            })
        };
        let marginals = sets.iter().enumerate().map(marginal).collect::<Result<_>>()?;
        Ok(Self {
            columns: design.columns.clone(),
            signal: from.signal,
            units: from.units,
            event: from.event,
            conditions: (0..n_conditions).map(|condition| design.values(condition)).collect(),
            n_trials: trials.0.iter().map(|trials| trials.len_of(Axis(0))).collect(),
            left_out: from.left_out,
            times: from.times,
            lambda,
            validation,
            marginals,
            interrupted: tested.is_some_and(|told| told.interrupted),
            mean: problem.mean,
        })
    }

    /// The marginal of this name: `time`, a column, or columns with ` × ` between them.
    ///
    /// # Errors
    /// If there is none.
    pub fn marginal(&self, name: &str) -> Result<&Marginal> {
        self.marginals.iter().find(|marginal| marginal.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.marginals.iter().map(|marginal| marginal.name.as_str()).collect();
            Error::argument("marginal", format!("one of {}", names.join(", ")), format!("\"{name}\""))
        })
    }

    /// Other samples `[n_samples, n_units]` along the components of a marginal: `D (x - mean)` `[n_samples, n_components]`.
    ///
    /// # Errors
    /// If there is no such marginal, or if there are other numbers of units.
    pub fn project(&self, marginal: &str, samples: &Array2<f64>) -> Result<Array2<f64>> {
        if samples.ncols() != self.mean.len() {
            let expected = format!("[n_samples, n_units = {}]", self.mean.len());
            return Err(Error::shape("samples", expected, samples.shape()));
        }
        Ok((samples - &self.mean).dot(&self.marginal(marginal)?.decoder.t()))
    }

    /// One row a component: its `marginal`, its number there (`component`, from 1), the share of variance that it `explained`, and how much
    /// of that in each marginal.
    #[must_use]
    pub fn table(&self) -> Table {
        let rows: Vec<(&Marginal, usize)> = self
            .marginals
            .iter()
            .flat_map(|marginal| (0..marginal.explained.len()).map(move |k| (marginal, k)))
            .collect();
        let mut table = Table::new();
        let mut add = |name: &str, of: &dyn Fn(&Marginal, usize) -> Value| {
            // All columns have one row a component, so no insertion can fail.
            drop(table.insert(name, rows.iter().map(|(marginal, k)| of(marginal, *k))));
        };
        add("marginal", &|marginal, _| marginal.name.as_str().into());
        add("component", &|_, k| (k + 1).into());
        add("explained", &|marginal, k| marginal.explained[k].into());
        for (place, other) in self.marginals.iter().enumerate() {
            add(&format!("in {}", other.name), &|marginal, k| marginal.explained_by_marginal[[k, place]].into());
        }
        table
    }
}
