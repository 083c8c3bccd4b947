//! One trial, as the paper draws it.

use ndarray::{ArrayView2, Axis, s};

use super::column_of;
use crate::number::decimal;
use crate::plot::{Color, Figure, Heatmap, Legend, Panel, Style};
use crate::simulate::{Session, Signal};
use crate::task::Batch;
use crate::{Error, Result};

/// The width of a trial's figure, and the height of one of its panels, in points.
const SIZE: (f64, f64) = (420.0, 130.0);

/// So many channels can be told apart by their colors; more are shown as a picture, a row for each.
const LINES: usize = 10;

impl Batch {
    /// The inputs and the targets of a trial over time; gray where the mask is 0 for all outputs, and a line where an epoch begins. More
    /// than ten channels, such as those of a ring, are a picture with a row for each, channel 0 at the top.
    ///
    /// # Errors
    /// If there is no such trial.
    pub fn plot_trial(&self, trial: usize) -> Result<Figure> {
        Ok(stacked(self.trial_panels(trial)?))
    }

    fn trial_panels(&self, trial: usize) -> Result<Vec<(Panel, bool)>> {
        let length = self.length(trial)?;
        let part = |array: &ndarray::Array3<f32>| array.slice(s![trial, ..length, ..]).to_owned();
        let shown = [("Input", &self.inputs), ("Target", &self.targets)];
        // A task may have no inputs.
        let shown = shown.into_iter().filter(|(_, array)| array.len_of(Axis(2)) > 0);
        shown.map(|(what, array)| self.channels(what, part(array).view(), trial)).collect()
    }

    fn length(&self, trial: usize) -> Result<usize> {
        self.lengths
            .get(trial)
            .copied()
            .ok_or_else(|| Error::argument("trial", format!("below the number of trials, {}", self.n_trials()), trial))
    }

    /// The channels of `[n_steps, n_channels]` over the time of a trial, and whether each has a line.
    fn channels(&self, what: &str, values: ArrayView2<'_, f32>, trial: usize) -> Result<(Panel, bool)> {
        let (times, end) = (self.times(), self.clock().time(self.length(trial)? as i64));
        let mut panel = Panel::new().y_label(what).x_range(0.0, end);
        let starts = self.epochs[trial].iter().map(|epoch| decimal(epoch.start)).filter(|start| *start > 0.0);
        let is_picture = values.ncols() > LINES;
        if is_picture {
            panel = panel.heatmap(Heatmap::new(&values.t()).x_extent(0.0, end));
        } else {
            for (start, end) in self.unconstrained(trial) {
                panel = panel.shade(start..end, Color::LIGHT_GRAY);
            }
        }
        panel = starts.fold(panel, |panel, start| panel.vline(start, ()));
        for (i, channel) in values.axis_iter(Axis(1)).enumerate().filter(|_| !is_picture) {
            panel = panel.line(&times[..channel.len()], channel, Style::new().label(format!("channel {i}")));
        }
        Ok((panel, !is_picture))
    }

    /// The stretches of a trial, in milliseconds, in which no output is constrained.
    fn unconstrained(&self, trial: usize) -> Vec<(f64, f64)> {
        let mask = self.mask.slice(s![trial, ..self.lengths[trial], ..]);
        let mut stretches: Vec<(f64, f64)> = Vec::new();
        for (k, mask) in mask.rows().into_iter().enumerate() {
            let (start, end) = (self.clock().time(k as i64), self.clock().time(k as i64 + 1));
            if mask.iter().all(|&weight| weight == 0.0) {
                match stretches.last_mut() {
                    Some(last) if last.1 == start => last.1 = end,
                    _ => stretches.push((start, end)),
                }
            }
        }
        stretches
    }
}

impl Session {
    /// The inputs, the targets and the network's outputs of a trial over time; gray where the mask is 0 for all outputs, and a line
    /// where an epoch begins.
    ///
    /// # Errors
    /// If there is no such trial.
    pub fn plot_trial(&self, trial: usize) -> Result<Figure> {
        let mut panels = self.batch.trial_panels(trial)?;
        let outputs = self.outputs.slice(s![trial, ..self.batch.length(trial)?, ..]).to_owned();
        panels.push(self.batch.channels("Output", outputs.view(), trial)?);
        Ok(stacked(panels))
    }

    /// The states of some units in a trial over time.
    ///
    /// # Errors
    /// If there is no such trial or unit, if such a unit was not recorded, or if no unit is asked for.
    pub fn plot_states(&self, trial: usize, units: impl IntoIterator<Item = usize>) -> Result<Figure> {
        let length = self.batch.length(trial)?;
        let states = self.signal(Signal::States)?;
        let times = self.batch.times();
        let mut panel =
            Panel::new().x_label("Time (ms)").y_label("State x").x_range(0.0, self.batch.clock().time(length as i64));
        for epoch in self.batch.epochs[trial].iter().skip(1) {
            panel = panel.vline(decimal(epoch.start), ());
        }
        let mut units = units.into_iter().peekable();
        if units.peek().is_none() {
            return Err(Error::argument("units", "at least one", "none"));
        }
        for unit in units {
            let column = column_of("units", &self.units, unit)?;
            panel = panel.line(&times[..length], states.slice(s![trial, ..length, column]), Style::new().width(1.0));
        }
        Ok(panel.figure().size(SIZE.0, 2.0 * SIZE.1))
    }
}

/// Panels one above the other, over one time axis; those with lines are marked.
fn stacked(panels: Vec<(Panel, bool)>) -> Figure {
    let (n, named) = (panels.len(), panels.iter().position(|(_, has_lines)| *has_lines));
    let panels = panels.into_iter().enumerate().map(|(i, (panel, _))| {
        // The channels' names stand beside the noise, not on it, and once.
        let panel = panel.legend(if named == Some(i) { Legend::Outside } else { Legend::None });
        if i + 1 == n { panel.x_label("Time (ms)") } else { panel }
    });
    Figure::new().panels(panels).columns(1).size(SIZE.0, n as f64 * SIZE.1)
}
