//! What lesions change.

use ndarray::Array2;

use super::{along, ends};
use crate::analysis::{LesionBehavior, LesionTest, Lesions};
use crate::plot::{Color, Colormap, Figure, Heatmap, Legend, Panel, Style};
use crate::table::Table;
use crate::{Error, Result};

/// Lesions whose names fit below an axis.
const NAMED: usize = 8;
/// The corrected probability below which a change is marked.
const ALPHA: f64 = 0.05;

impl Lesions {
    /// The change in accuracy with each lesion and, if curves were fitted, those in the share of the choice that is counted, in
    /// threshold and in width, each as a bar from 0; lesions without a curve have none. Changes in accuracy and choice are blue where
    /// the corrected probability is below 0.05, and gray elsewhere; those in threshold and width, which are not tested, are black.
    #[must_use]
    pub fn plot(&self) -> Figure {
        let change = |of: &dyn Fn(&LesionBehavior) -> Option<f64>| -> Vec<f64> {
            let intact = of(&self.intact).unwrap_or(f64::NAN);
            self.lesions.iter().map(|lesion| of(lesion).map_or(f64::NAN, |value| value - intact)).collect()
        };
        let accuracy = change(&|lesion| Some(lesion.accuracy));
        let mut panels = vec![self.marked("Change in accuracy", &accuracy, |lesion| lesion.accuracy_test)];
        if let Some(counts) = &self.intact.counts {
            let label = format!("Change in {}", counts.hit_name.to_lowercase());
            panels.push(self.marked(&label, &change(&LesionBehavior::share_of_choice), |lesion| lesion.choice_test));
            let threshold = change(&|lesion| Some(lesion.fit.as_ref()?.threshold.value));
            let width = change(&|lesion| Some(lesion.fit.as_ref()?.width.value));
            panels.push(self.with_bars(self.panel("Change in threshold"), &threshold, Color::BLACK));
            panels.push(self.with_bars(self.panel("Change in width"), &width, Color::BLACK));
        }
        Figure::new().panels(panels)
    }

    /// The change in accuracy with each lesion, a column, in the trials with each value of a column of theirs, a row: what each cluster of
    /// units is needed for. Many lesions are numbered from 1 in the order of the sweep, few stand with their names. See [`Lesions::by`].
    ///
    /// # Errors
    /// As [`Lesions::by`].
    pub fn plot_by(&self, trials: &Table, column: &str) -> Result<Figure> {
        let table = self.by(trials, column)?;
        let changes = table.numbers("change in accuracy")?;
        let n_values = changes.len() / (self.lesions.len() + 1);
        let of = |(value, lesion): (usize, usize)| changes[(lesion + 1) * n_values + value];
        let cells = Array2::from_shape_fn((n_values, self.lesions.len()), of);
        let most = cells.iter().fold(0.0_f64, |most, &change| most.max(change.abs()));
        let heatmap = Heatmap::new(&cells).colormap(Colormap::Diverging).label("Change in accuracy");
        let heatmap = if most > 0.0 { heatmap.range(-most, most) } else { heatmap };
        let values =
            table.column(column)?[..n_values].iter().enumerate().map(|(i, value)| (i as f64, value.to_string()));
        let panel = Panel::new().x_label("Lesion").y_label(column).heatmap(heatmap).y_ticks(values.collect::<Vec<_>>());
        let n = self.lesions.len();
        let names = self
            .lesions
            .iter()
            .enumerate()
            .map(|(i, lesion)| (i as f64, if n <= NAMED { lesion.name.clone() } else { (i + 1).to_string() }));
        let panel = panel.x_ticks(names.collect::<Vec<_>>());
        Ok(panel.figure().size(440.0, (60.0 + 16.0 * n_values as f64).clamp(220.0, 900.0)))
    }

    /// Bars of which those that a corrected test does not tell from 0 are gray.
    fn marked(&self, label: &str, changes: &[f64], test: fn(&LesionBehavior) -> Option<LesionTest>) -> Panel {
        let only = |wanted: bool| -> Vec<f64> {
            let told = |lesion: &LesionBehavior| test(lesion).is_some_and(|test| test.corrected_p < ALPHA);
            let of = |(lesion, &change)| if told(lesion) == wanted { change } else { f64::NAN };
            self.lesions.iter().zip(changes).map(of).collect()
        };
        let title = format!("Blue: p < {ALPHA} (McNemar, {})", self.correction.name());
        let panel = self.with_bars(self.panel(label).title(title), &only(false), Color::GRAY);
        self.with_bars(panel, &only(true), Color::BLUE)
    }

    fn panel(&self, label: &str) -> Panel {
        let n = self.lesions.len();
        let panel = Panel::new().x_label("Lesion").y_label(label).x_range(-0.7, n as f64 - 0.3);
        let panel = panel.hline(0.0, ());
        match n <= NAMED {
            true => panel.x_ticks(self.lesions.iter().enumerate().map(|(i, lesion)| (i as f64, lesion.name.as_str()))),
            false => panel,
        }
    }

    fn with_bars(&self, panel: Panel, changes: &[f64], color: Color) -> Panel {
        let n = self.lesions.len();
        let width = (160.0 / n as f64).clamp(2.0, 16.0);
        let (low, high): (Vec<f64>, Vec<f64>) =
            changes.iter().map(|&change| (change.min(0.0), change.max(0.0))).unzip();
        panel.intervals(0..n, low, high, Style::new().color(color).width(width))
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
                let why = lesion.no_fit.as_deref().unwrap_or("none was asked for");
                let got = format!("{}, which has none: {why}", lesion.name);
                return Err(Error::argument("names", "those of lesions with a psychometric curve", got));
            };
            let (left, right) = ends(&fit.counts.levels);
            let along = along(left, right);
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
