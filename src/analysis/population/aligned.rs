//! Trials aligned to an event, each with all times: what is looked at trial by trial.

use ndarray::{Array3, Axis, s};

use super::average::{Cut, Events};
use crate::simulate::{Session, Signal};
use crate::{Error, Result, memory};

/// The activity of trials about an event, averaged over bins of time.
pub(super) struct Aligned {
    /// The trials of the session that have the event and all times.
    pub(super) rows: Vec<usize>,
    /// The middles of the bins, in milliseconds from the event.
    pub(super) times: Vec<f64>,
    /// `[n_times, n_trials, n_units]`
    pub(super) activity: Array3<f64>,
}

/// What is taken of a session.
pub(super) struct Part<'a> {
    pub(super) signal: Signal,
    /// The epoch whose start is time 0; without it, that of the trial.
    pub(super) event: Option<&'a str>,
    /// The first time and the one at which to stop, in milliseconds from the event; without it, the times that all trials have.
    pub(super) window: Option<(f64, f64)>,
    /// How long a bin lasts, in milliseconds: rounded to steps, one at least. The last times, if they fill no bin, are left out; if
    /// there are fewer than one bin has, they are the bin.
    pub(super) bin: f64,
}

impl Part<'_> {
    /// Of those trials of a session that are wanted.
    pub(super) fn of(&self, session: &Session, wanted: &[usize]) -> Result<Aligned> {
        let events = Events::of(session, self.event, self.window)?;
        let rows: Vec<usize> = wanted.iter().copied().filter(|&row| events.times[row].is_some()).collect();
        let steps = events.common(&rows)?;
        let (clock, dt) = (session.batch.clock(), f64::from(session.batch.spec.dt));
        if !(self.bin > 0.0 && self.bin.is_finite()) {
            return Err(Error::argument("bin", "a positive number of milliseconds", self.bin));
        }
        let n_steps = steps.end.abs_diff(steps.start) as usize;
        let per_bin = ((self.bin / dt).round() as usize).clamp(1, n_steps);
        let n_units = session.signal(self.signal)?.len_of(Axis(2));
        let needed = memory::floats(&[6, rows.len(), n_steps, n_units]);
        memory::check("the activity trial by trial", needed, "take a shorter window or fewer trials")?;
        let cut = Cut::new(session, self.signal, &rows, &events, &steps)?;
        let whole: Vec<usize> =
            (0..rows.len()).filter(|&place| cut.there.row(place).iter().all(|&there| there > 0.0)).collect();
        if whole.is_empty() {
            return Err(Error::argument(
                "window",
                "a stretch of time that a trial has whole",
                "none that any trial has whole",
            ));
        }
        let times: Vec<f64> = steps.map(|step| clock.time(step)).collect();
        let n_bins = n_steps / per_bin;
        let mut activity = Array3::zeros((n_bins, whole.len(), n_units));
        for (bin, mut place) in activity.outer_iter_mut().enumerate() {
            for (mut place, &trial) in place.outer_iter_mut().zip(&whole) {
                let steps = cut.activity.slice(s![trial, bin * per_bin..(bin + 1) * per_bin, ..]);
                place.assign(&(steps.sum_axis(Axis(0)) / per_bin as f64));
            }
        }
        if let Some(((time, trial, unit), &value)) = activity.indexed_iter().find(|(_, value)| !value.is_finite()) {
            let at = format!("trial {}, unit {unit}, {} ms", rows[whole[trial]], times[time * per_bin]);
            return Err(Error::NotFinite { name: self.signal.name().to_owned(), value, at });
        }
        let middle = |times: &[f64]| times.iter().sum::<f64>() / times.len() as f64;
        Ok(Aligned {
            rows: whole.into_iter().map(|place| rows[place]).collect(),
            times: times.chunks_exact(per_bin).map(middle).collect(),
            activity,
        })
    }
}
