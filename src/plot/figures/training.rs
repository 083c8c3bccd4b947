//! What training did.

use crate::plot::{Color, Figure, Panel, Style};
use crate::train::{Check, Training};

impl Training {
    /// The recorded losses over the trials seen before each, on a logarithmic axis if all are above 0. Where a stage of a curriculum ends and the next begins there is a
    /// line.
    #[must_use]
    pub fn plot_loss(&self) -> Figure {
        let trials = self.recorded.iter().map(|update| self.trials_at(update - 1));
        self.over_trials("Loss").line(trials, &self.losses, ()).log_y().figure()
    }

    /// The recorded losses with those of the checks, and the metric of the checks, over the trials seen before each. The best check
    /// is marked (dashed), and where a stage of a curriculum ends and the next begins there is a line.
    #[must_use]
    pub fn plot_checks(&self) -> Figure {
        let of = |value: fn(&Check) -> f64| -> Vec<f64> { self.checks.iter().map(value).collect() };
        let checked: Vec<f64> = self.checks.iter().map(|check| self.trials_at(check.update)).collect();
        let mut panels = [
            self.over_trials("Loss")
                .line(
                    self.recorded.iter().map(|update| self.trials_at(update - 1)),
                    &self.losses,
                    Style::new().color(Color::LIGHT_GRAY).label("trained"),
                )
                .line(&checked, of(|check| check.loss), Style::new().color(Color::BLUE).label("checks"))
                .log_y(),
            self.over_trials("Metric").line(&checked, of(|check| check.value), Color::BLUE),
        ];
        if let Some(best) = self.best {
            let style = Style::new().color(Color::GRAY).dashed().label("best check");
            panels = panels.map(|panel| panel.vline(self.trials_at(best.update), style.clone()));
        }
        Figure::new().panels(panels)
    }

    /// Axes over all trials, with a line at the end of each stage but the last.
    fn over_trials(&self, what: &str) -> Panel {
        let last = self.trials_at(self.updates).max(1.0);
        let mut panel = Panel::new().x_label("Trials").y_label(what).x_range(0.0, last);
        let ends = self.checks.windows(2).filter(|pair| pair[0].stage < pair[1].stage);
        for (i, pair) in ends.enumerate() {
            let style = Style::new().color(Color::VERMILION);
            // One name is enough.
            let style = if i == 0 { style.label("next stage") } else { style };
            panel = panel.vline(self.trials_at(pair[0].update), style);
        }
        panel
    }

    fn trials_at(&self, update: usize) -> f64 {
        (update * self.batch_size) as f64
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plot::panel::Mark;

    #[test]
    fn stages_and_the_best_check_are_marked() {
        let check = |update: usize, stage: usize, passed: bool| json!({ "update": update, "stage": stage, "value": 0.9, "loss": 0.1, "error": 0.3, "passed": passed });
        let checks = [check(10, 0, true), check(20, 1, false), check(30, 1, true), check(40, 2, true)];
        let training: Training = serde_json::from_value(json!({
            "updates": 40, "trials": 2000, "batch_size": 50, "losses": [1.0, 0.5], "recorded": [1, 40], "checks": checks, "best": checks[3],
            "stop": "reached", "path": "kernel", "seconds": 1.0, "seconds_drawing": 0.0, "seed": crate::random::Seed(1),
        }))
        .unwrap();
        let rules = |panel: Panel| -> Vec<f64> {
            let of = |mark: &Mark| if let Mark::VLine { x, .. } = mark { Some(*x) } else { None };
            panel.marks.iter().filter_map(of).collect()
        };
        assert_eq!(rules(training.plot_loss().panels.remove(0)), [500.0, 1500.0]);
        for panel in training.plot_checks().panels {
            assert_eq!(panel.x.range, Some((0.0, 2000.0)));
            assert_eq!(rules(panel), [500.0, 1500.0, 2000.0]);
        }
        assert_eq!(training.plot_checks().to_string().matches("next stage").count(), 2, "once a panel");
    }

    #[test]
    fn losses_of_any_sign_are_seen() {
        let draw = |losses: &[f64]| {
            let recorded: Vec<usize> = (1..=losses.len()).collect();
            let mut training: Training = serde_json::from_value(json!({
                "updates": losses.len(), "trials": 50, "batch_size": 50, "losses": [], "recorded": recorded, "checks": [],
                "best": null, "stop": "finished", "path": "kernel", "seconds": 1.0, "seconds_drawing": 0.0, "seed": crate::random::Seed(1),
            }))
            .unwrap();
            // JSON has no NaN.
            training.losses = losses.to_vec();
            training.plot_loss()
        };
        let texts = |losses: &[f64]| draw(losses).to_string();
        assert!(
            texts(&[1.0, 0.5, 0.1]).ends_with("y \"Loss\" 0.08913 to 1.122, logarithmic, line"),
            "{}",
            texts(&[1.0, 0.5, 0.1])
        );
        for losses in [&[1.0, 0.0][..], &[0.0, 0.0], &[-1.0, -2.0, f64::NAN], &[0.0], &[1.0, -1e-300]] {
            let text = texts(losses);
            assert!(!text.contains("logarithmic") && !text.contains("nothing"), "{losses:?}: {text}");
        }
        for losses in [&[1.0, 1.0][..], &[0.5], &[f64::NAN, 2.0], &[f64::INFINITY, 2.0, 1.0]] {
            let text = texts(losses);
            assert!(text.contains("logarithmic") && !text.contains("nothing"), "{losses:?}: {text}");
        }
        for losses in [&[f64::NAN][..], &[f64::NAN, f64::INFINITY], &[]] {
            let figure = draw(losses);
            assert!(figure.to_string().contains("nothing to show"), "{losses:?}: {figure}");
            assert!(figure.svg().unwrap().replace('\n', "").contains(">nothing to show"), "{losses:?}");
        }
    }
}
