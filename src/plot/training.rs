//! What training did.

use super::{Color, Figure, Panel, Style};
use crate::train::{Check, Training};

impl Training {
    /// The recorded losses over the trials seen before each.
    #[must_use]
    pub fn plot_loss(&self) -> Figure {
        let trials = self.recorded.iter().map(|update| ((update - 1) * self.batch_size) as f64);
        Panel::new().x_label("Trials").y_label("Loss").line(trials, &self.losses, ()).log_y().figure()
    }

    /// The recorded losses with those of the checks, and the metric of the checks, over the trials seen before each. The best check
    /// is marked.
    #[must_use]
    pub fn plot_checks(&self) -> Figure {
        let trials_at = |update: usize| (update * self.batch_size) as f64;
        let of = |value: fn(&Check) -> f64| -> Vec<f64> { self.checks.iter().map(value).collect() };
        let checked: Vec<f64> = self.checks.iter().map(|check| trials_at(check.update)).collect();
        let mut panels = [
            Panel::new()
                .x_label("Trials")
                .y_label("Loss")
                .line(
                    self.recorded.iter().map(|update| trials_at(update - 1)),
                    &self.losses,
                    Style::new().color(Color::LIGHT_GRAY).label("trained"),
                )
                .line(&checked, of(|check| check.loss), Style::new().color(Color::BLUE).label("checks"))
                .log_y(),
            Panel::new().x_label("Trials").y_label("Metric").line(&checked, of(|check| check.value), Color::BLUE),
        ];
        if let Some(best) = self.best {
            panels = panels.map(|panel| panel.vline(trials_at(best.update), Style::new().color(Color::GRAY).dashed()));
        }
        Figure::new().panels(panels)
    }
}
