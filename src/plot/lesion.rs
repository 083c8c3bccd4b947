//! What lesions change.

use super::behavior::ends;
use super::{Color, Figure, Legend, Panel, Style};
use crate::analysis::{LesionBehavior, Lesions};
use crate::{Error, Result};

/// Lesions whose names fit below an axis.
const NAMED: usize = 8;
/// The points along a fitted curve.
const SMOOTH: usize = 200;

impl Lesions {
    /// The change in accuracy with each lesion and, if curves were fitted, those in threshold and width, each as a bar from 0;
    /// lesions without a curve have none.
    #[must_use]
    pub fn plot(&self) -> Figure {
        let change = |of: &dyn Fn(&LesionBehavior) -> Option<f64>| -> Vec<f64> {
            let intact = of(&self.intact).unwrap_or(f64::NAN);
            self.lesions.iter().map(|lesion| of(lesion).map_or(f64::NAN, |value| value - intact)).collect()
        };
        let mut panels = vec![self.bars("Change in accuracy", change(&|lesion| Some(lesion.accuracy)))];
        if self.intact.fit.is_some() {
            panels.push(self.bars("Change in threshold", change(&|lesion| Some(lesion.fit.as_ref()?.threshold.value))));
            panels.push(self.bars("Change in width", change(&|lesion| Some(lesion.fit.as_ref()?.width.value))));
        }
        Figure::new().panels(panels)
    }

    fn bars(&self, label: &str, changes: Vec<f64>) -> Panel {
        let n = self.lesions.len();
        let width = (160.0 / n as f64).clamp(2.0, 16.0);
        let panel = Panel::new().x_label("Lesion").y_label(label).x_range(-0.7, n as f64 - 0.3);
        let panel = match n <= NAMED {
            true => panel.x_ticks(self.lesions.iter().enumerate().map(|(i, lesion)| (i as f64, lesion.name.as_str()))),
            false => panel,
        };
        let (low, high): (Vec<f64>, Vec<f64>) =
            changes.iter().map(|&change| (change.min(0.0), change.max(0.0))).unzip();
        panel.hline(0.0, ()).intervals(0..n, low, high, Style::new().color(Color::BLUE).width(width))
    }

    /// The psychometric curves of the intact network (black) and of the lesions with these names.
    ///
    /// # Errors
    /// If there is no lesion of that name, or if it has no curve.
    pub fn plot_curves(&self, names: &[&str]) -> Result<Figure> {
        let mut curves = vec![(&self.intact, Color::BLACK)];
        for (i, name) in names.iter().enumerate() {
            let lesion = self.lesions.iter().find(|lesion| lesion.name == *name);
            let got = || format!("\"{name}\"");
            curves.push((lesion.ok_or_else(|| Error::argument("names", "those of lesions", got()))?, Color::cycle(i)));
        }
        let mut panel = Panel::new().y_range(-0.03, 1.03).legend(Legend::Outside);
        for (lesion, color) in curves {
            let Some(fit) = &lesion.fit else {
                return Err(Error::argument("names", "those of lesions with a psychometric curve", &lesion.name));
            };
            let (left, right) = ends(&fit.counts.levels);
            let along: Vec<f64> = (0..=SMOOTH).map(|i| left + (right - left) * i as f64 / SMOOTH as f64).collect();
            let shares: Vec<f64> = along.iter().map(|&level| fit.at(level)).collect();
            panel = panel
                .x_label(&fit.counts.level_name)
                .y_label(&fit.counts.hit_name)
                .x_range(left, right)
                .line(&along, shares, Style::new().color(color).label(&lesion.name))
                .points(&fit.counts.levels, fit.counts.shares(), color);
        }
        Ok(panel.figure().size(440.0, 280.0))
    }
}
