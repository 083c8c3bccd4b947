//! What units take part in: how much each varies in each of several tasks, and which vary in the same.

use std::ops::Range;

use ndarray::{Array1, Array2, Array3, ArrayView2, Axis, s};
use serde::{Deserialize, Serialize};

use super::clusters::{KMeans, KMeansClusters};
use crate::setters::setters;
use crate::simulate::{Session, Signal, numbered};
use crate::{Error, Result, memory};

/// The task variance of units: how much each varies between the trials of each of several tasks (or contexts, or rules) that one
/// network does.
///
/// `TV_i(A)` of unit `i` in task `A` is the variance over trials at each time, averaged over times. Units that do the same in all
/// trials of a task take no part in it. Noise would count as variance: run the tasks without it (`Simulator::noise(false)`,
/// and none in the inputs). Epochs in which nothing is shown yet are left out. Yang GR, Joglekar MR, Song HF, Newsome WT, Wang XJ
/// (2019), doi:10.1038/s41593-018-0310-2.
///
/// Defaults: the states, all epochs, units as active whose variances in all tasks sum to more than 0.001. A time counts if
/// two trials or more have it.
///
/// ```no_run
/// use psychrnn::analysis::{KMeans, TaskVariance};
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::ContextIntegration;
/// let simulator = Simulator::load("weights.npz")?.noise(false);
/// let session = simulator.run(&ContextIntegration::default().batch(1000, Seed(1))?)?;
/// let (motion, color) = (session.only("context", "motion")?, session.only("context", "color")?);
/// let variance = TaskVariance::default().without(["fixation"]).of([("motion", &motion), ("color", &color)])?;
///
/// let fractional = variance.fractional("motion", "color")?; // 1: in motion only, -1: in color only
/// let clusters = variance.clusters(&KMeans::default())?;
/// clusters.plot().save("clusters.png")?;
/// let lesions = LesionSweep::of_groups(clusters.groups(), ..).run(&simulator, &session.batch)?;
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskVariance {
    /// What varies.
    pub signal: Signal,
    /// Epochs that are left out.
    pub without: Vec<String>,
    /// The sum of variances over tasks above which a unit is active.
    pub least: f64,
}

impl Default for TaskVariance {
    fn default() -> Self {
        Self { signal: Signal::default(), without: Vec::new(), least: 1e-3 }
    }
}

impl TaskVariance {
    setters! {
        /// What varies.
        signal: Signal;
        /// The sum of variances over tasks above which a unit is active.
        least: f64;
    }

    /// Epochs that are left out, the fixation for instance.
    #[must_use]
    pub fn without<'a>(mut self, epochs: impl IntoIterator<Item = &'a str>) -> Self {
        self.without = epochs.into_iter().map(str::to_owned).collect();
        self
    }

    /// That of one network in several tasks: pairs of a name and a session. Times are counted from the start of the trial.
    ///
    /// # Errors
    /// If there is no task, if sessions are not of the same units, if no trial of any task has an epoch that is left out, or if a task
    /// has no time that two trials have.
    pub fn of<'a, N: Into<String>>(&self, tasks: impl IntoIterator<Item = (N, &'a Session)>) -> Result<TaskVariances> {
        self.of_sessions(tasks, |name, session| {
            let all = (0..session.n_trials()).map(|trial| 0..session.batch.lengths[trial]).collect();
            vec![(name.to_owned(), all)]
        })
    }

    /// The same with each epoch of each task for itself, named `"task epoch"`, since units may take part in some epochs of a task only. An
    /// epoch that begins or ends at other times in each trial is looked at as long as two trials have it, counted from the start of the trial.
    ///
    /// # Errors
    /// As [`TaskVariance::of`].
    pub fn of_epochs<'a, N: Into<String>>(
        &self,
        tasks: impl IntoIterator<Item = (N, &'a Session)>,
    ) -> Result<TaskVariances> {
        self.of_sessions(tasks, |name, session| {
            let mut epochs: Vec<&str> = Vec::new();
            for epoch in session.batch.epochs.iter().flat_map(|epochs| epochs.iter()) {
                if !epochs.contains(&epoch.name.as_str()) && !self.without.contains(&epoch.name) {
                    epochs.push(&epoch.name);
                }
            }
            let steps = |epoch: &str, trial| session.batch.steps_of(trial, epoch).unwrap_or(0..0);
            let of = |epoch: &str| (0..session.n_trials()).map(|trial| steps(epoch, trial)).collect();
            epochs.into_iter().map(|epoch| (format!("{name} {epoch}"), of(epoch))).collect()
        })
    }

    /// That of parts of tasks, each with its name and the steps of each trial.
    fn of_sessions<'a, N: Into<String>>(
        &self,
        tasks: impl IntoIterator<Item = (N, &'a Session)>,
        parts: impl Fn(&str, &Session) -> Vec<(String, Vec<Range<usize>>)>,
    ) -> Result<TaskVariances> {
        let tasks: Vec<(String, &Session)> = tasks.into_iter().map(|(name, session)| (name.into(), session)).collect();
        let units = tasks.first().map_or_else(Vec::new, |(_, session)| session.numbers_of(self.signal));
        for epoch in &self.without {
            let known = |session: &Session| session.batch.starts(epoch).is_ok();
            if !tasks.iter().any(|(_, session)| known(session)) {
                return Err(Error::argument("without", "epochs of the trials", format!("\"{epoch}\", which none has")));
            }
        }
        let (mut names, mut variance) = (Vec::new(), Vec::new());
        for (name, session) in &tasks {
            session.batch.check_rows()?;
            if session.numbers_of(self.signal) != units {
                let expected = format!("of units {}, as the first", numbered(&units));
                let got = format!("of units {}", numbered(&session.numbers_of(self.signal)));
                return Err(Error::argument(format!("the session of {name}"), expected, got));
            }
            let source = session.signal(self.signal)?;
            let what = format!("the activity of {} units in {name}", units.len());
            memory::check(what, 2 * memory::floats(source.shape()), "take fewer trials")?;
            let activity = source.mapv(f64::from);
            for (part, wanted) in parts(name, session) {
                let mut there = Array2::from_elem((session.n_trials(), session.batch.n_steps()), false);
                for (trial, mut there) in there.outer_iter_mut().enumerate() {
                    there.slice_mut(s![wanted[trial].clone()]).fill(true);
                    for steps in self.without.iter().filter_map(|epoch| session.batch.steps_of(trial, epoch)) {
                        there.slice_mut(s![steps]).fill(false);
                    }
                }
                variance.push(of_task(&part, &activity, &there)?);
                names.push(part);
            }
        }
        self.stacked(names, units, &variance)
    }

    /// That of activity: pairs of the name of a task and its activity `[n_trials, n_times, n_units]`.
    ///
    /// # Errors
    /// If there is no task, if there are other numbers of units in one, if a number is not finite, or if a task has no time or fewer than
    /// two trials.
    pub fn of_arrays<N: Into<String>>(
        &self,
        tasks: impl IntoIterator<Item = (N, Array3<f64>)>,
    ) -> Result<TaskVariances> {
        let (mut names, mut variance, mut n_units) = (Vec::new(), Vec::new(), None);
        for (name, activity) in tasks {
            let (name, (n_trials, n_times, n)) = (name.into(), activity.dim());
            if *n_units.get_or_insert(n) != n {
                let expected = format!("[n_trials, n_times, n_units = {}]", n_units.unwrap_or(n));
                return Err(Error::shape(format!("the activity of {name}"), expected, activity.shape()));
            }
            variance.push(of_task(&name, &activity, &Array2::from_elem((n_trials, n_times), true))?);
            names.push(name);
        }
        self.stacked(names, (0..n_units.unwrap_or(0)).collect(), &variance)
    }

    fn stacked(&self, tasks: Vec<String>, units: Vec<usize>, variance: &[Array1<f64>]) -> Result<TaskVariances> {
        if tasks.is_empty() || units.is_empty() {
            return Err(Error::argument("tasks", "at least one, with units", "none"));
        }
        let variance = Array2::from_shape_fn((units.len(), tasks.len()), |(unit, task)| variance[task][unit]);
        Ok(TaskVariances { tasks, units, variance, least: self.least })
    }
}

/// The variance over the trials that are there, divided by their number, averaged over times `[n_units]`.
fn of_task(name: &str, activity: &Array3<f64>, there: &Array2<bool>) -> Result<Array1<f64>> {
    let mut sum = Array1::zeros(activity.len_of(Axis(2)));
    let mut n_times = 0.0;
    for (now, there) in activity.axis_iter(Axis(1)).zip(there.axis_iter(Axis(1))) {
        let rows: Vec<usize> = (0..there.len()).filter(|&trial| there[trial]).collect();
        if rows.len() > 1 {
            let now: ArrayView2<'_, f64> = now;
            sum += &now.select(Axis(0), &rows).var_axis(Axis(0), 0.0);
            n_times += 1.0;
        }
    }
    if n_times == 0.0 {
        let expected = "a time that two trials have, epochs that are left out aside";
        return Err(Error::argument(format!("the activity of {name}"), expected, "without one"));
    }
    match sum.iter().position(|sum: &f64| !sum.is_finite()) {
        None => Ok(sum / n_times),
        Some(unit) => Err(Error::NotFinite {
            name: format!("the activity of {name}"),
            value: sum[unit],
            at: format!("unit {unit}"),
        }),
    }
}

/// How much each unit varies in each task, of [`TaskVariance::of`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TaskVariances {
    /// The names of the tasks.
    pub tasks: Vec<String>,
    /// The numbers of the units in the network, or of the outputs `[n_units]`.
    pub units: Vec<usize>,
    /// The task variances `[n_units, n_tasks]`.
    #[serde(with = "crate::number")]
    pub variance: Array2<f64>,
    /// The sum of variances over tasks above which a unit is active.
    #[serde(with = "crate::number")]
    pub least: f64,
}

impl TaskVariances {
    /// The fractional task variance `(TV(A) - TV(B)) / (TV(A) + TV(B))` of each unit `[n_units]`, from 1 for one that varies in task `A`
    /// only to -1 for one that varies in `B` only; NaN for one whose variances in these two do not sum to more than
    /// [`least`](TaskVariances::least), which takes part in neither.
    ///
    /// # Errors
    /// If there is no such task.
    pub fn fractional(&self, a: &str, b: &str) -> Result<Array1<f64>> {
        let of = |task: &str| {
            let column = self.tasks.iter().position(|name| name == task);
            let column = column.ok_or_else(|| {
                Error::argument("task", format!("one of {}", self.tasks.join(", ")), format!("\"{task}\""))
            });
            Ok::<_, Error>(self.variance.column(column?))
        };
        let (a, b) = (of(a)?, of(b)?);
        let least = self.least;
        let share = |(&a, &b): (&f64, &f64)| if a + b > least { (a - b) / (a + b) } else { f64::NAN };
        Ok(a.iter().zip(b).map(share).collect())
    }

    /// KMeansClusters of the active units by their variances in all tasks, each divided by its largest. They are ordered by the task in
    /// which they vary most.
    ///
    /// # Errors
    /// If too few units are active, or as [`KMeans::of`].
    pub fn clusters(&self, k_means: &KMeans) -> Result<TaskClusters> {
        let active: Vec<usize> =
            (0..self.units.len()).filter(|&unit| self.variance.row(unit).sum() > self.least).collect();
        if active.len() < 3 {
            let expected = format!("of three active units or more, with a sum above {}", self.least);
            return Err(Error::argument("the task variances", expected, format!("of {}", active.len())));
        }
        let variance = self.variance.select(Axis(0), &active);
        let largest = variance.map_axis(Axis(1), |row| row.fold(0.0_f64, |most, &x| most.max(x)));
        let normalized = variance / largest.insert_axis(Axis(1));
        let clusters = k_means.of(&normalized)?;
        let preferred = |cluster: usize| {
            let center = clusters.centers.row(cluster);
            (0..center.len()).rev().max_by(|&a, &b| center[a].total_cmp(&center[b])).unwrap_or(0)
        };
        let mut order: Vec<usize> = (0..clusters.centers.nrows()).collect();
        order.sort_by_key(|&cluster| preferred(cluster));
        Ok(TaskClusters {
            tasks: self.tasks.clone(),
            units: active.iter().map(|&unit| self.units[unit]).collect(),
            normalized,
            clusters: clusters.reordered(&order),
        })
    }
}

/// KMeansClusters of units that vary in the same tasks, of [`TaskVariances::clusters`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TaskClusters {
    /// The names of the tasks.
    pub tasks: Vec<String>,
    /// The numbers of the active units in the network `[n_active]`.
    pub units: Vec<usize>,
    /// The task variances of the active units, divided by the largest of each `[n_active, n_tasks]`.
    #[serde(with = "crate::number")]
    pub normalized: Array2<f64>,
    /// The clusters of these units.
    pub clusters: KMeansClusters,
}

impl TaskClusters {
    /// The units of each cluster, by their numbers in the network, with a name: what [`LesionSweep::of_groups`](crate::analysis::LesionSweep::of_groups)
    /// takes, which tells what each is needed for.
    #[must_use]
    pub fn groups(&self) -> Vec<(String, Vec<usize>)> {
        let units = |cluster| self.clusters.of_cluster(cluster).into_iter().map(|unit| self.units[unit]).collect();
        (0..self.clusters.centers.nrows()).map(|cluster| (format!("cluster {}", cluster + 1), units(cluster))).collect()
    }
}
