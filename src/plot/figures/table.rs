//! Means of a column of a table over others.

use ndarray::Array2;

use super::ends;
use crate::analysis::Chronometric;
use crate::plot::{Color, Colormap, Figure, Heatmap, Panel, Style};
use crate::table::{Table, Value};
use crate::{Error, Result};

/// The confidence of the intervals of means.
const CONFIDENCE: f64 = 0.95;
/// So many levels have a tick each.
const TICKED: usize = 12;

/// The levels of a column, with their places on an axis: themselves, or their numbers if they are texts.
#[derive(Clone)]
struct Levels {
    name: String,
    values: Vec<Value>,
    places: Vec<f64>,
    /// The level of each row.
    of_rows: Vec<Option<usize>>,
}

impl Levels {
    fn of(table: &Table, column: &str) -> Result<Self> {
        let groups = table.groups(column)?;
        if groups.is_empty() {
            return Err(Error::argument("by", "a column with values", format!("\"{column}\", which has none")));
        }
        let mut of_rows = vec![None; table.n_rows()];
        for (level, (_, rows)) in groups.iter().enumerate() {
            rows.iter().for_each(|&row| of_rows[row] = Some(level));
        }
        let values: Vec<Value> = groups.into_iter().map(|(value, _)| value).collect();
        let numbers: Option<Vec<f64>> = values.iter().map(Value::number).collect();
        let places = numbers.unwrap_or_else(|| (0..values.len()).map(|level| level as f64).collect());
        Ok(Self { name: column.to_owned(), values, places, of_rows })
    }

    fn places_of_rows(&self) -> Vec<f64> {
        self.of_rows.iter().map(|level| level.map_or(f64::NAN, |level| self.places[level])).collect()
    }

    /// What stands at the levels where they are not evident by themselves.
    fn ticks(&self, places: impl Iterator<Item = f64>) -> Vec<(f64, String)> {
        places.zip(self.values.iter().map(Value::to_string)).collect()
    }

    fn along_x(&self, panel: Panel) -> Panel {
        let (left, right) = ends(&self.places);
        let panel = panel.x_label(&self.name).x_range(left, right);
        match self.values.len() <= TICKED || self.values.iter().any(|value| matches!(value, Value::Text(_))) {
            true => panel.x_ticks(self.ticks(self.places.iter().copied())),
            false => panel,
        }
    }
}

impl Table {
    /// The mean of a column at each value of another one, with its 95 % interval of Student's t, and a point for each row: accuracy over
    /// the noise of networks, a point for each seed. Rows without a number in the column are left out.
    ///
    /// # Errors
    /// If there is no such column, if `column` holds text, or if there is nothing to show.
    pub fn plot_means(&self, column: &str, by: &str) -> Result<Figure> {
        let levels = Levels::of(self, by)?;
        let numbers = self.numbers(column)?;
        let panel = levels.along_x(Panel::new().y_label(column));
        let panel = panel.points(levels.places_of_rows(), &numbers, Style::new().color(Color::LIGHT_GRAY));
        Ok(curve(panel, &levels, &numbers, Style::new().color(Color::BLUE))?.figure().size(360.0, 280.0))
    }

    /// As [`Table::plot_means`], with a curve for each value of a third column.
    ///
    /// # Errors
    /// As [`Table::plot_means`].
    pub fn plot_means_of(&self, column: &str, by: &str, of: &str) -> Result<Figure> {
        let levels = Levels::of(self, by)?;
        let mut panel = levels.along_x(Panel::new().y_label(column));
        for (i, (value, rows)) in self.groups(of)?.into_iter().enumerate() {
            let part = self.select(&rows);
            let numbers = part.numbers(column)?;
            // What has no number at all has no curve.
            if numbers.iter().any(|number| number.is_finite()) {
                let style = Style::new().color(Color::cycle(i)).label(format!("{of} {value}"));
                panel = curve(
                    panel,
                    &Levels { of_rows: rows.iter().map(|&row| levels.of_rows[row]).collect(), ..levels.clone() },
                    &numbers,
                    style,
                )?;
            }
        }
        Ok(panel.figure().size(440.0, 280.0))
    }

    /// The mean of a column at each pair of values of two others, as colors; gray where there is none.
    ///
    /// # Errors
    /// As [`Table::plot_means`].
    pub fn plot_means_map(&self, column: &str, x: &str, y: &str) -> Result<Figure> {
        let (across, up, numbers) = (Levels::of(self, x)?, Levels::of(self, y)?, self.numbers(column)?);
        let size = (up.values.len(), across.values.len());
        let (mut sums, mut counts) = (Array2::<f64>::zeros(size), Array2::<f64>::zeros(size));
        for (row, number) in numbers.iter().enumerate().filter(|(_, number)| number.is_finite()) {
            if let (Some(column), Some(line)) = (across.of_rows[row], up.of_rows[row]) {
                sums[[line, column]] += number;
                counts[[line, column]] += 1.0;
            }
        }
        let means = sums / counts;
        if means.iter().all(|mean| mean.is_nan()) {
            return Err(Error::argument("column", "one with numbers", format!("\"{column}\", which has none")));
        }
        let numbered = |levels: &Levels| levels.ticks((0..levels.values.len()).map(|level| level as f64));
        let map = Heatmap::new(&means).colormap(Colormap::Sequential).label(column);
        let panel = Panel::new().x_label(x).y_label(y).x_ticks(numbered(&across)).y_ticks(numbered(&up)).heatmap(map);
        Ok(panel.figure().size(400.0, 300.0))
    }
}

/// The means at each level, joined by a line, with their intervals.
fn curve(panel: Panel, levels: &Levels, numbers: &[f64], style: Style) -> Result<Panel> {
    let values: Vec<Option<f64>> =
        numbers.iter().map(|&number| Some(number).filter(|number| number.is_finite())).collect();
    let means = Chronometric::of_trials(&levels.name, &levels.places_of_rows(), &values, CONFIDENCE)
        .map_err(|_| Error::argument("column", "one with a number in some row", "one without"))?;
    let (low, high): (Vec<f64>, Vec<f64>) = means.intervals.iter().copied().unzip();
    let plain = style.clone().label("");
    let panel = panel.line(&means.levels, &means.means, style);
    Ok(panel.intervals(&means.levels, low, high, plain.clone()).points(&means.levels, &means.means, plain))
}
