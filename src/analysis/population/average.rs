//! Averages over trials of one condition, aligned to an event.

use std::ops::Range;

use ndarray::{Array1, Array2, Array3, ArrayView1, ArrayView2, Axis, s};
use serde::{Deserialize, Serialize};

use crate::analysis::Bootstrap;
use crate::analysis::statistics::special::middle;
use crate::setters::setters;
use crate::simulate::{Session, Signal};
use crate::table::Value;
use crate::task::time::check_window;
use crate::{Error, Result, memory, threads};

/// How the interval about an average is found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// One standard error of the mean to either side.
    #[default]
    Sem,
    /// The percentile interval over resampled trials.
    Bootstrap(Bootstrap),
}

/// Averages the activity over the trials of each condition: the values of a column of [`Session::trials`].
///
/// Defaults: the states, aligned to the start of the trial, over all times that every trial has, with standard errors.
///
/// ```no_run
/// use psychrnn::analysis::Average;
/// use psychrnn::prelude::*;
/// # let session = Simulator::load("weights.npz")?.run(&PerceptualDiscrimination::default().batch(500, Seed(2))?)?;
/// let average = Average::by("coherence").signal(Signal::Rates).aligned_to("stimulus").window(-200.0..600.0);
/// let averages = average.of(&session.only("correct", true)?)?;
/// averages.plot_unit(0)?;
/// let pca = averages.pca(2)?;
/// averages.trajectories(&pca)?.plot(0, 1)?;
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Average {
    /// The column whose values are the conditions.
    pub by: String,
    /// What is averaged.
    pub signal: Signal,
    /// The epoch whose start is time 0; without it, that of the trial.
    pub event: Option<String>,
    /// The first time and the one at which to stop, in milliseconds from the event.
    pub window: Option<(f64, f64)>,
    /// How the intervals are found.
    pub band: Band,
}

impl Average {
    /// Averages over the trials with the same value in this column.
    #[must_use]
    pub fn by(column: &str) -> Self {
        Self { by: column.to_owned(), signal: Signal::default(), event: None, window: None, band: Band::default() }
    }

    setters! {
        /// What is averaged.
        signal: Signal;
        /// From which time to which, the latter excluded, in milliseconds from the event. Times that a trial does not
        /// have are left out of the average, as long as another trial has them.
        window: Range<f64> => Some((window.start, window.end));
        /// How the intervals are found.
        band: Band;
    }

    /// The epoch whose start is time 0. Trials without it are left out.
    #[must_use]
    pub fn aligned_to(mut self, epoch: &str) -> Self {
        self.event = Some(epoch.to_owned());
        self
    }

    /// The averages of a session.
    ///
    /// # Errors
    /// If there is no such column or epoch, if no trial has a condition, or if no trial reaches into the window.
    pub fn of(&self, session: &Session) -> Result<Averages> {
        let events = Events::of(session, self.event.as_deref(), self.window)?;
        let there = |row: &usize| events.times[*row].is_some();
        let mut groups = session.trials().groups(&self.by)?;
        groups.iter_mut().for_each(|(_, rows)| rows.retain(there));
        groups.retain(|(_, rows)| !rows.is_empty());
        if groups.is_empty() {
            return Err(Error::argument(&self.by, "a value in a trial with that event", "missing in all"));
        }
        let all: Vec<usize> = groups.iter().flat_map(|(_, rows)| rows).copied().collect();
        let steps = events.common(&all)?;
        // The activity of all groups, of which as many as threads are there at once, about their means; and the averages.
        let (n, n_times) = (session.signal(self.signal)?.len_of(Axis(2)), steps.end.abs_diff(steps.start) as usize);
        let needed = memory::floats(&[4, all.len() + 3 * groups.len(), n_times, n]);
        memory::check("averaging", needed, "average over a shorter window, or of a session with fewer units recorded")?;
        let groups: Vec<(usize, (Value, Vec<usize>))> = groups.into_iter().enumerate().collect();
        let averaged = threads::map(groups, |(condition, (value, rows))| {
            let cut = Cut::new(session, self.signal, &rows, &events, &steps)?;
            Ok((value, cut.average(&self.band, condition)?))
        })?;
        let clock = session.batch.clock();
        let stacked = |part: fn(&Averaged) -> &Array2<f64>| {
            let (n_times, n) = averaged.first().map_or((0, 0), |(_, averaged)| averaged.mean.dim());
            let mut all = Array3::zeros((averaged.len(), n_times, n));
            all.outer_iter_mut().zip(&averaged).for_each(|(mut place, (_, averaged))| place.assign(part(averaged)));
            all
        };
        Ok(Averages {
            by: self.by.clone(),
            signal: self.signal,
            units: session.numbers_of(self.signal),
            event: self.event.clone(),
            times: steps.map(|step| clock.time(step)).collect(),
            mean: stacked(|averaged| &averaged.mean),
            low: stacked(|averaged| &averaged.low),
            high: stacked(|averaged| &averaged.high),
            n_trials: averaged.iter().map(|(_, averaged)| averaged.n_trials.clone()).collect(),
            conditions: averaged.into_iter().map(|(value, _)| value).collect(),
            centered: false,
        })
    }
}

/// When an event happens in each trial of a session, and the steps about it that are looked at.
pub(super) struct Events<'a> {
    session: &'a Session,
    /// In milliseconds; `None` for a trial without it.
    pub(super) times: Vec<Option<f64>>,
    window: Option<(f64, f64)>,
}

impl<'a> Events<'a> {
    /// The starts of an epoch, or of the trials, and a window about them.
    pub(super) fn of(session: &'a Session, event: Option<&str>, window: Option<(f64, f64)>) -> Result<Self> {
        session.batch.check_rows()?;
        let times = match event {
            Some(event) => session.batch.starts(event)?,
            None => vec![Some(0.0); session.n_trials()],
        };
        let events = Self { session, times, window };
        if let Some((start, end)) = window {
            check_window("window", start, end, session.batch.spec.dt)?;
            let (clock, n_steps) = (session.batch.clock(), session.batch.n_steps() as i64);
            let inside = clock.last_step(start) >= -n_steps && clock.step(end) <= n_steps;
            let within =
                (0..session.n_trials()).any(|trial| events.steps(trial).is_some_and(|steps| !steps.is_empty()));
            if !inside || !within || start.is_nan() || end.is_nan() {
                let (dt, longest) = (session.batch.spec.dt, clock.time(n_steps));
                let expected = format!(
                    "at least a step of {dt} ms, within {longest} ms, the longest trial, before or after the event"
                );
                return Err(Error::argument("window", expected, format!("{start} to {end}")));
            }
        }
        Ok(events)
    }

    /// The first step of a trial that is not before the event.
    fn step(&self, trial: usize) -> Option<i64> {
        Some(self.session.batch.clock().step(self.times[trial]?))
    }

    /// The steps of a trial whose times are in the window, whether or not the trial has them; without a window, those that it
    /// has.
    fn steps(&self, trial: usize) -> Option<Range<i64>> {
        let event = self.times[trial]?;
        Some(match self.window {
            Some((start, end)) => self.session.batch.clock().steps(event + start, event + end),
            None => 0..self.session.batch.lengths[trial] as i64,
        })
    }

    /// The steps of a trial that are looked at.
    fn within(&self, trial: usize) -> Option<Range<usize>> {
        let length = self.session.batch.lengths[trial] as i64;
        let steps = self.steps(trial)?;
        Some(steps.start.clamp(0, length) as usize..steps.end.clamp(0, length) as usize)
    }

    /// The steps, counted from the event, of all these trials; without a window, those that each of them has.
    pub(super) fn common(&self, rows: &[usize]) -> Result<Range<i64>> {
        let of_trial = |&row: &usize| {
            let (event, steps) = (self.step(row)?, self.steps(row)?);
            Some((steps.start - event, steps.end - event))
        };
        let (starts, ends): (Vec<i64>, Vec<i64>) = rows.iter().filter_map(of_trial).unzip();
        let (starts, ends) = (starts.into_iter(), ends.into_iter());
        let steps = match self.window {
            Some(_) => starts.min().unwrap_or(0)..ends.max().unwrap_or(0),
            None => starts.max().unwrap_or(0)..ends.min().unwrap_or(0),
        };
        let reached = |&row: &usize| self.within(row).is_some_and(|steps| !steps.is_empty());
        if steps.is_empty() || !rows.iter().any(reached) {
            let got = self.window.map_or("empty: give it".to_owned(), |window| format!("{window:?} ms"));
            return Err(Error::argument("window", "a stretch of time that a trial reaches into", got));
        }
        Ok(steps)
    }
}

/// The activity of some trials about an event, with 0 where a trial has no such time.
pub(super) struct Cut {
    /// `[n_trials, n_times, n]`
    pub(super) activity: Array3<f64>,
    /// Which trials have which times: 1 or 0, `[n_trials, n_times]`.
    pub(super) there: Array2<f64>,
}

/// The average of one condition, each `[n_times, n]`.
struct Averaged {
    mean: Array2<f64>,
    low: Array2<f64>,
    high: Array2<f64>,
    n_trials: Vec<usize>,
}

impl Cut {
    pub(super) fn new(
        session: &Session,
        signal: Signal,
        rows: &[usize],
        events: &Events<'_>,
        steps: &Range<i64>,
    ) -> Result<Self> {
        let source = session.signal(signal)?;
        let n_times = (steps.end - steps.start) as usize;
        let mut activity = Array3::zeros((rows.len(), n_times, source.len_of(Axis(2))));
        let mut there = Array2::zeros((rows.len(), n_times));
        for (place, &row) in rows.iter().enumerate() {
            let (Some(event), Some(own)) = (events.step(row), events.within(row)) else { continue };
            for (time, step) in steps.clone().enumerate() {
                let step = usize::try_from(step + event).unwrap_or(usize::MAX);
                if own.contains(&step) {
                    there[[place, time]] = 1.0;
                    activity
                        .slice_mut(s![place, time, ..])
                        .zip_mut_with(&source.slice(s![row, step, ..]), |to, &from| *to = f64::from(from));
                }
            }
        }
        Ok(Self { activity, there })
    }

    /// The average, NaN where there is no trial.
    fn average(&self, band: &Band, condition: usize) -> Result<Averaged> {
        let n = self.there.sum_axis(Axis(0));
        let divided = |sums: Array2<f64>, by: ArrayView1<'_, f64>| sums / by.insert_axis(Axis(1));
        let mean = divided(self.activity.sum_axis(Axis(0)), n.view());
        let (low, high) = match band {
            Band::Sem => {
                let mut squares = Array2::zeros(mean.dim());
                for (trial, there) in self.activity.outer_iter().zip(self.there.outer_iter()) {
                    squares += &((&trial - &mean).mapv(|d| d * d) * there.insert_axis(Axis(1)));
                }
                // NaN of one trial alone: it has no standard error.
                let sem = divided(squares, (&n * &(&n - 1.0)).view()).mapv(f64::sqrt);
                (&mean - &sem, &mean + &sem)
            }
            Band::Bootstrap(bootstrap) => self.bootstrap(bootstrap, condition)?,
        };
        Ok(Averaged { mean, low, high, n_trials: n.iter().map(|&n| n as usize).collect() })
    }

    fn bootstrap(&self, bootstrap: &Bootstrap, condition: usize) -> Result<(Array2<f64>, Array2<f64>)> {
        let (n_trials, n_times, n) = self.activity.dim();
        // How often each resample has each trial: the averages of all resamples are then one product.
        let needed = memory::floats(&[4, bootstrap.resamples, n_trials + n_times]);
        memory::check(format!("{} resamples", bootstrap.resamples), needed, "take fewer `resamples`")?;
        let settings = bootstrap.clone().seed(bootstrap.seed.child(&format!("condition {condition}")));
        let drawn = settings.draw(|rng| {
            let mut times = vec![0.0; n_trials];
            (0..n_trials).for_each(|_| times[rng.index(n_trials)] += 1.0);
            Ok(times)
        })?;
        let weights = Array2::from_shape_fn((drawn.len(), n_trials), |(resample, trial)| drawn[resample][trial]);
        let present: Array2<f64> = weights.dot(&self.there);
        let mut ends = (Array2::zeros((n_times, n)), Array2::zeros((n_times, n)));
        for unit in 0..n {
            let means: Array2<f64> = weights.dot(&self.activity.index_axis(Axis(2), unit)) / &present;
            for (time, column) in means.columns().into_iter().enumerate() {
                let mut there: Vec<f64> = column.iter().copied().filter(|mean| !mean.is_nan()).collect();
                (ends.0[[time, unit]], ends.1[[time, unit]]) = middle(&mut there, bootstrap.confidence);
            }
        }
        Ok(ends)
    }
}

/// Averages over trials, of [`Average::of`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Averages {
    /// The column whose values are the conditions.
    pub by: String,
    /// What was averaged.
    pub signal: Signal,
    /// The numbers of the units in the network, or of the outputs: of each column of the averages `[n]`.
    #[serde(default)]
    pub units: Vec<usize>,
    /// The epoch whose start is time 0; without it, that of the trial.
    pub event: Option<String>,
    /// The conditions, ascending.
    pub conditions: Vec<Value>,
    /// The times, in milliseconds from the event.
    #[serde(with = "crate::number")]
    pub times: Vec<f64>,
    /// The averages `[n_conditions, n_times, n]`; NaN where no trial has such a time.
    #[serde(with = "crate::number")]
    pub mean: Array3<f64>,
    /// The lower ends of their intervals `[n_conditions, n_times, n]`.
    #[serde(with = "crate::number")]
    pub low: Array3<f64>,
    /// The upper ends of their intervals `[n_conditions, n_times, n]`.
    #[serde(with = "crate::number")]
    pub high: Array3<f64>,
    /// How many trials each average is of: for each condition, for each time.
    pub n_trials: Vec<Vec<usize>>,
    /// Whether the mean over conditions has been taken away.
    pub centered: bool,
}

impl Averages {
    /// The averages of all conditions and times, one below the other: `[n_samples, n]`. Times without trials are left
    /// out.
    #[must_use]
    pub fn samples(&self) -> Array2<f64> {
        let n = self.mean.len_of(Axis(2));
        let rows = self.mean.lanes(Axis(2)).into_iter().filter(|row| row.iter().all(|x| !x.is_nan()));
        let rows: Vec<f64> = rows.flatten().copied().collect();
        Array2::from_shape_fn((rows.len() / n.max(1), n), |(row, unit)| rows[row * n + unit])
    }

    /// The averages about their mean over conditions at each time: what differs between conditions, without what happens in all
    /// of them.
    #[must_use]
    pub fn centered(mut self) -> Self {
        for time in 0..self.times.len() {
            let there: Vec<usize> = (0..self.conditions.len()).filter(|&c| self.n_trials[c][time] > 0).collect();
            let of_time = self.mean.index_axis(Axis(1), time);
            let mean = of_time.select(Axis(0), &there).sum_axis(Axis(0)) / there.len() as f64;
            for part in [&mut self.mean, &mut self.low, &mut self.high] {
                let mut of_time = part.index_axis_mut(Axis(1), time);
                of_time -= &mean;
            }
        }
        self.centered = true;
        self
    }
}

impl Session {
    /// The activity at all steps of all trials, one below the other: `[n_samples, n]`, padding left out.
    ///
    /// # Errors
    /// If that was not recorded, or if there is not enough memory.
    pub fn samples(&self, signal: Signal) -> Result<Array2<f64>> {
        let source = self.signal(signal)?;
        let (n_samples, n): (usize, _) = (self.batch.lengths.iter().sum(), source.len_of(Axis(2)));
        let what = format!("the activity of {n} units at {n_samples} steps");
        memory::check(what, 2 * memory::floats(&[n_samples, n]), "take fewer trials, or averages over trials")?;
        let mut samples = Array2::zeros((n_samples, n));
        let mut from = 0;
        for (trial, &length) in source.outer_iter().zip(&self.batch.lengths) {
            samples.slice_mut(s![from..from + length, ..]).assign(&trial.slice(s![..length, ..]).mapv(f64::from));
            from += length;
        }
        Ok(samples)
    }

    /// The value of a column of [`Session::trials`] for each of the [`samples`](Session::samples): that of its trial.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn of_samples(&self, column: &str) -> Result<Vec<Value>> {
        let trials = self.trials();
        let of_trial = trials.column(column)?.iter().zip(&self.batch.lengths);
        Ok(of_trial.flat_map(|(value, &length)| std::iter::repeat_n(value.clone(), length)).collect())
    }

    /// The mean activity of each trial `[n_trials, n]` in a window, in milliseconds from the start of the epoch
    /// `event`, or of the trial if that is `None`. Steps that a trial does not have are left out; a trial without any
    /// is NaN.
    ///
    /// # Errors
    /// If no trial has that epoch, or if the window is empty.
    pub fn mean_activity<'a>(
        &self,
        signal: Signal,
        event: impl Into<Option<&'a str>>,
        window: Range<f64>,
    ) -> Result<Array2<f64>> {
        let events = Events::of(self, event.into(), Some((window.start, window.end)))?;
        let source = self.signal(signal)?;
        let mut means = Array2::from_elem((self.n_trials(), source.len_of(Axis(2))), f64::NAN);
        for (trial, mut means) in means.outer_iter_mut().enumerate() {
            let Some(steps) = events.within(trial) else { continue };
            let part: ArrayView2<'_, f32> = source.slice(s![trial, steps, ..]);
            let mean: Option<Array1<f64>> = part.mapv(f64::from).mean_axis(Axis(0));
            if let Some(mean) = mean {
                means.assign(&mean);
            }
        }
        Ok(means)
    }

    /// The mean activity of each trial `[n_trials, n]` over the whole of an epoch, which may last differently in each. A trial
    /// without any step of it is NaN.
    ///
    /// # Errors
    /// If no trial has that epoch.
    pub fn epoch_activity(&self, signal: Signal, epoch: &str) -> Result<Array2<f64>> {
        self.batch.starts(epoch)?;
        let source = self.signal(signal)?;
        let mut means = Array2::from_elem((self.n_trials(), source.len_of(Axis(2))), f64::NAN);
        for (trial, mut means) in means.outer_iter_mut().enumerate() {
            let Some(steps) = self.batch.steps_of(trial, epoch) else { continue };
            let part: ArrayView2<'_, f32> = source.slice(s![trial, steps, ..]);
            if let Some(mean) = part.mapv(f64::from).mean_axis(Axis(0)) {
                means.assign(&mean);
            }
        }
        Ok(means)
    }
}
