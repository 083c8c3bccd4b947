//! Targeted dimensionality reduction: the directions in which a population represents what an experimenter varies.

use std::ops::Range;

use indexmap::IndexMap;
use linfa_linalg::eigh::Eigh;
use ndarray::{Array1, Array2, Array3, Axis, s};
use serde::{Deserialize, Serialize};

use super::average::{Averages, Cut, Events};
use super::pca::{Pca, Trajectories, check_source};
use crate::setters::setters;
use crate::simulate::{Session, Signal};
use crate::{Error, Result};

/// Finds the axes along which activity depends on columns of [`Session::trials`]: choice, motion, color, context.
///
/// 1. The activity of each unit is z-scored over all trials and times.
/// 2. At each time it is regressed on the columns: `r(t) = Σ β_v(t) x_v + Σ β_vw(t) x_v x_w + β_0(t)`. A column of two values is
///    -1 and 1, the larger value (or the later text) being 1; any other is divided by its largest size.
/// 3. The coefficients of a time are one vector over units. It is denoised: projected on the first principal components of the
///    averages over trials of each condition, a condition being a combination of values of the columns.
/// 4. For each column the vector is taken at the time at which it is longest.
/// 5. These are made orthogonal, in the order of the columns, and of length 1: the axes.
///
/// Defaults: products of two columns are among the regressors, 12 components (all, if there are fewer), the states, all times
/// that every trial has from its start. Trials in which a column is missing or infinite are left out.
///
/// Mante V, Sussillo D, Shenoy KV, Newsome WT (2013), doi:10.1038/nature12742. PyCog turns the sign of choice, motion and color
/// for each unit, so that they refer to the choice that it prefers, and smooths averages in time; here all units of a network
/// are seen at once, and nothing is turned or smoothed. PyCog also leaves out units that hardly vary; here those that do not vary
/// at all have weight 0.
///
/// ```no_run
/// use psychrnn::analysis::Targeted;
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::ContextIntegration;
/// let batch = ContextIntegration::default().testing().batch(5000, Seed(1))?;
/// let signed = |[coherence, direction]: [f64; 2]| if direction == 0.0 { coherence } else { -coherence };
/// let session = Simulator::load("weights.npz")?.run(&batch)?
///     .with("motion", ["motion_coherence", "motion_direction"], signed)?
///     .with("color", ["color_coherence", "color_direction"], signed)?;
/// let targeted = Targeted::new(["choice", "motion", "color", "context"]).signal(Signal::Rates);
/// let axes = targeted.aligned_to("stimulus").window(0.0..800.0).of(&session)?;
///
/// let attended = session.only("context", "motion")?;
/// let averages = Average::by("motion").signal(Signal::Rates).aligned_to("stimulus").window(0.0..800.0).of(&attended)?;
/// axes.trajectories(&averages.centered())?.plot(0, 1)?; // motion against choice
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Targeted {
    /// The columns.
    pub regressors: Vec<String>,
    /// Whether products of two columns are regressors too.
    pub interactions: bool,
    /// What is regressed.
    pub signal: Signal,
    /// The epoch whose start is time 0; without it, that of the trial.
    pub event: Option<String>,
    /// The first time and the one at which to stop, in milliseconds from the event.
    pub window: Option<(f64, f64)>,
    /// The principal components that coefficients are projected on.
    pub n_components: usize,
}

impl Targeted {
    /// The axes of these columns.
    #[must_use]
    pub fn new<'a>(regressors: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            regressors: regressors.into_iter().map(str::to_owned).collect(),
            interactions: true,
            signal: Signal::default(),
            event: None,
            window: None,
            n_components: 12,
        }
    }

    setters! {
        /// Whether products of two columns are regressors too.
        interactions: bool;
        /// What is regressed.
        signal: Signal;
        /// From which time to which, the latter excluded, in milliseconds from the event.
        window: Range<f64> => Some((window.start, window.end));
        /// The principal components that coefficients are projected on.
        n_components: usize;
    }

    /// The epoch whose start is time 0. Trials without it are left out.
    #[must_use]
    pub fn aligned_to(mut self, epoch: &str) -> Self {
        self.event = Some(epoch.to_owned());
        self
    }

    /// The axes of a session.
    ///
    /// # Errors
    /// If there is no such column or epoch, if a column has one value only or texts of more than two kinds, if at some time
    /// there are too few trials to tell the regressors apart, or if two axes are the same.
    pub fn of(&self, session: &Session) -> Result<TargetedAxes> {
        if self.regressors.is_empty() || self.n_components == 0 {
            let name = if self.n_components == 0 { "n_components" } else { "regressors" };
            return Err(Error::argument(name, "at least one", "none"));
        }
        let columns = self.regressors.iter().map(|name| regressor(session, name)).collect::<Result<Vec<_>>>()?;
        let events = Events::of(session, self.event.as_deref(), self.window)?;
        let known = |&row: &usize| events.times[row].is_some() && columns.iter().all(|column| !column[row].is_nan());
        let rows: Vec<usize> = (0..session.n_trials()).filter(known).collect();
        let steps = events.common(&rows)?;
        let cut = Cut::new(session, self.signal, &rows, &events, &steps)?;
        let (mean, sd, activity) = z_scored(&cut);
        let times: Vec<f64> = steps.map(|step| session.batch.clock().time(step)).collect();

        let design = self.design(&columns, &rows);
        let (n_axes, n_units) = (columns.len(), mean.len());
        let mut coefficients = Array3::zeros((n_axes, times.len(), n_units));
        for (time, activity) in activity.axis_iter(Axis(1)).enumerate() {
            let there = &design * &cut.there.slice(s![.., time]).insert_axis(Axis(1));
            let beta = solve(&there.t().dot(&there), &there.t().dot(&activity)).ok_or_else(|| {
                let expected = "told apart by the trials: none may follow from the others";
                Error::argument("regressors", expected, format!("not so at {} ms", times[time]))
            })?;
            coefficients.slice_mut(s![.., time, ..]).assign(&beta.slice(s![..n_axes, ..]));
        }

        let samples = averaged(&activity, &cut.there, &design.slice(s![.., ..n_axes]).to_owned());
        let most = n_units.min(samples.nrows().saturating_sub(1)).max(1);
        let components = Pca::fit(&samples, self.n_components.min(most))?.components;
        let (mut axes, mut best_times) = (Array2::<f64>::zeros((n_axes, n_units)), Vec::new());
        for (axis, beta) in coefficients.outer_iter().enumerate() {
            let denoised = beta.dot(&components.t()).dot(&components);
            let length = |time: &usize| denoised.row(*time).mapv(|b| b * b).sum();
            let best = (0..times.len()).max_by(|a, b| length(a).total_cmp(&length(b))).unwrap_or(0);
            let mut vector = denoised.row(best).to_owned();
            let before = vector.dot(&vector).sqrt();
            // Twice, since once leaves what rounding makes of nearly parallel vectors.
            for _ in 0..2 {
                for earlier in axes.outer_iter().take(axis) {
                    let along = vector.dot(&earlier);
                    vector.scaled_add(-along, &earlier);
                }
            }
            let left = vector.dot(&vector).sqrt();
            if left.is_nan() || left <= 1e-9 * before {
                let got = format!("\"{}\", which has none", self.regressors[axis]);
                return Err(Error::argument("regressors", "ones with directions of their own in the activity", got));
            }
            axes.row_mut(axis).assign(&(vector / left));
            best_times.push(times[best]);
        }
        let (regressors, signal, units) = (self.regressors.clone(), self.signal, session.numbers_of(self.signal));
        let (n_trials, left_out) = (rows.len(), session.n_trials() - rows.len());
        Ok(TargetedAxes {
            regressors,
            signal,
            units,
            n_trials,
            left_out,
            times,
            coefficients,
            best_times,
            axes,
            mean,
            sd,
        })
    }

    /// The regressors of some trials `[n_trials, n_regressors]`: columns, products, the constant.
    fn design(&self, columns: &[Vec<f64>], rows: &[usize]) -> Array2<f64> {
        let n = columns.len();
        let mut pairs: Vec<(usize, usize)> = Vec::new();
        if self.interactions {
            pairs.extend((0..n).flat_map(|v| (v + 1..n).map(move |w| (v, w))));
        }
        Array2::from_shape_fn((rows.len(), n + pairs.len() + 1), |(place, i)| {
            let of = |column: usize| columns[column][rows[place]];
            match i.checked_sub(n) {
                None => of(i),
                Some(pair) => pairs.get(pair).map_or(1.0, |&(v, w)| of(v) * of(w)),
            }
        })
    }
}

/// A column as a regressor, NaN where it is missing or infinite.
fn regressor(session: &Session, name: &str) -> Result<Vec<f64>> {
    let table = session.trials();
    let mut groups = table.groups(name)?;
    groups.retain(|(value, _)| value.number().is_none_or(f64::is_finite));
    if groups.len() < 2 {
        return Err(Error::argument(name, "a column of two values or more", groups.len()));
    }
    if groups.len() == 2 {
        let mut values = vec![f64::NAN; table.n_rows()];
        for (sign, (_, rows)) in [-1.0, 1.0].into_iter().zip(&groups) {
            rows.iter().for_each(|&row| values[row] = sign);
        }
        return Ok(values);
    }
    let numbers = table.numbers(name)?;
    // Zero with a sign is zero.
    let finite = |x: f64| if x.is_finite() { x } else { f64::NAN };
    let largest = numbers.iter().fold(0.0_f64, |largest, &x| largest.max(finite(x).abs()));
    Ok(numbers.into_iter().map(|x| finite(x) / largest + 0.0).collect())
}

/// Mean and standard deviation of each unit over all trials and times, and the activity about the one in units of the other; 0
/// for a unit that does not vary, and where a trial has no such time.
fn z_scored(cut: &Cut) -> (Array1<f64>, Array1<f64>, Array3<f64>) {
    let there = cut.there.view().insert_axis(Axis(2));
    let n = cut.there.sum();
    let total = |activity: &Array3<f64>| activity.sum_axis(Axis(0)).sum_axis(Axis(0));
    let mean = total(&cut.activity) / n;
    let mut activity = (&cut.activity - &mean) * there;
    let sd = (total(&activity.mapv(|x| x * x)) / n).mapv(f64::sqrt);
    activity *= &inverse(&sd);
    (mean, sd, activity)
}

/// One over each number; 0 for 0.
fn inverse(numbers: &Array1<f64>) -> Array1<f64> {
    numbers.mapv(|x| if x > 0.0 { 1.0 / x } else { 0.0 })
}

/// `A⁻¹ B` of a symmetric matrix, or nothing if it has no inverse.
fn solve(a: &Array2<f64>, b: &Array2<f64>) -> Option<Array2<f64>> {
    let (values, vectors) = a.eigh().ok()?;
    let largest = values.fold(0.0_f64, |largest, x| largest.max(x.abs()));
    if !values.iter().all(|&value| value > 1e-10 * largest) {
        return None;
    }
    Some((&vectors / &values).dot(&vectors.t().dot(b)))
}

/// The averages over the trials of each condition, one time below the other: `[n_conditions n_times, n_units]`. Times without
/// trials are left out.
fn averaged(activity: &Array3<f64>, there: &Array2<f64>, conditions: &Array2<f64>) -> Array2<f64> {
    let mut groups: IndexMap<Vec<u64>, Vec<usize>> = IndexMap::new();
    for (row, condition) in conditions.outer_iter().enumerate() {
        groups.entry(condition.iter().map(|x| x.to_bits()).collect()).or_default().push(row);
    }
    let n_units = activity.len_of(Axis(2));
    let mut samples = Array2::zeros((0, n_units));
    for rows in groups.values() {
        let n = there.select(Axis(0), rows).sum_axis(Axis(0));
        let sums = activity.select(Axis(0), rows).sum_axis(Axis(0));
        for (sum, &n) in sums.outer_iter().zip(&n) {
            if n > 0.0 {
                // The row has as many numbers as the samples.
                let _ = samples.push_row((&sum / n).view());
            }
        }
    }
    samples
}

/// The axes of columns of the trials in the activity of a population, of [`Targeted::of`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TargetedAxes {
    /// The columns.
    pub regressors: Vec<String>,
    /// What was regressed.
    pub signal: Signal,
    /// The numbers of the units in the network, or of the outputs `[n_units]`.
    #[serde(default)]
    pub units: Vec<usize>,
    /// The trials that were regressed on.
    #[serde(default)]
    pub n_trials: usize,
    /// The trials that were left out since they have no such event, or no finite value in one of the columns.
    #[serde(default)]
    pub left_out: usize,
    /// The times, in milliseconds from the event.
    #[serde(with = "crate::number")]
    pub times: Vec<f64>,
    /// The coefficients of the columns `[n_regressors, n_times, n_units]`, of z-scored activity, before they are denoised.
    #[serde(with = "crate::number")]
    pub coefficients: Array3<f64>,
    /// The time at which the denoised coefficients of each column are largest, in milliseconds from the event.
    #[serde(with = "crate::number")]
    pub best_times: Vec<f64>,
    /// The axes `[n_regressors, n_units]`, each of length 1, orthogonal to each other.
    #[serde(with = "crate::number")]
    pub axes: Array2<f64>,
    /// The mean activity of each unit `[n_units]`.
    #[serde(with = "crate::number")]
    pub mean: Array1<f64>,
    /// The standard deviation of each unit `[n_units]`.
    #[serde(with = "crate::number")]
    pub sd: Array1<f64>,
}

impl TargetedAxes {
    /// Averages of the same units, z-scored as the activity was, along the axes.
    ///
    /// # Errors
    /// If there are other units, or if the averages are those of another signal.
    pub fn trajectories(&self, averages: &Averages) -> Result<Trajectories> {
        check_source(self.signal, &self.units, averages)?;
        let (n_conditions, n_times, n_units) = averages.mean.dim();
        if n_units != self.mean.len() {
            let expected = format!("[n_conditions, n_times, n_units = {}]", self.mean.len());
            return Err(Error::shape("averages", expected, averages.mean.shape()));
        }
        let scale = inverse(&self.sd);
        let scaled = if averages.centered { &averages.mean * &scale } else { (&averages.mean - &self.mean) * &scale };
        let mut points = Array3::zeros((n_conditions, n_times, self.axes.nrows()));
        for (mut place, averages) in points.outer_iter_mut().zip(scaled.outer_iter()) {
            place.assign(&averages.dot(&self.axes.t()));
        }
        let samples = averages.samples();
        let total = (&samples * &scale).var_axis(Axis(0), 0.0).sum();
        let along = (samples * &scale).dot(&self.axes.t()).var_axis(Axis(0), 0.0) / total;
        Ok(Trajectories {
            by: averages.by.clone(),
            conditions: averages.conditions.clone(),
            times: averages.times.clone(),
            names: self.regressors.clone(),
            points,
            shares: along.to_vec(),
        })
    }
}
