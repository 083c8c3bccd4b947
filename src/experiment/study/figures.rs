//! The training of all runs in one picture.

use super::folder::Study;
use crate::plot::{Color, Figure, Panel, Style};
use crate::table::Value;
use crate::train::Training;
use crate::{Error, Result};

impl Study {
    /// What training did in each run that has ended, with the names of the runs.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn trainings(&self) -> Result<Vec<(&str, Training)>> {
        let there = self.plan.runs.iter().map(|run| (run.name.as_str(), self.place(run).join("training.json")));
        let there = there.filter(|(_, path)| path.exists());
        there.map(|(name, path)| Ok((name, Training::load(path)?))).collect()
    }

    /// The learning curves of all runs over the trials seen: losses, and what was checked on the way if all were checked. Those with
    /// the same value of a column of [`Study::table`] have one color; without a column all have.
    ///
    /// # Errors
    /// If no run has been trained, if there is no such column, or if the folder cannot be read.
    pub fn plot_learning(&self, by: Option<&str>) -> Result<Figure> {
        let trainings = self.trainings()?;
        if trainings.is_empty() {
            return Err(Error::argument("study", "one with a run that was trained", "one without"));
        }
        let table = self.table()?;
        let groups = by.map_or(Ok(vec![(Value::Missing, (0..table.n_rows()).collect())]), |by| table.groups(by))?;
        let checked = trainings.iter().all(|(_, training)| !training.checks.is_empty());
        let axes = |what: &str| Panel::new().x_label("Trials").y_label(what);
        let (mut losses, mut metrics) = (axes("Loss").log_y(), axes("Metric"));
        for (i, (value, rows)) in groups.iter().enumerate() {
            let color = Style::new().color(Color::cycle(i)).opacity(0.7);
            // One name is enough for all of a color.
            let mut style = by.map_or_else(|| color.clone(), |by| color.clone().label(format!("{by} {value}")));
            for &row in rows {
                let name = &self.plan.runs[row].name;
                let Some((_, training)) = trainings.iter().find(|(other, _)| other == name) else { continue };
                let trials = |update: usize| (update * training.batch_size) as f64;
                let seen = training.recorded.iter().map(|&update| trials(update - 1));
                losses = losses.line(seen, &training.losses, style.clone());
                let (at, values): (Vec<f64>, Vec<f64>) =
                    training.checks.iter().map(|check| (trials(check.update), check.value)).unzip();
                metrics = metrics.line(at, values, style);
                style = color.clone();
            }
        }
        let panels = if checked { vec![losses, metrics] } else { vec![losses] };
        Ok(Figure::new().panels(panels))
    }
}
