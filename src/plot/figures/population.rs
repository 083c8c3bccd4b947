//! Population activity: averages over trials, components, tuning.

use ndarray::s;

use super::{column_of, ends};
use crate::analysis::{Averages, DiffusionCoordinates, LinearTuning, Pca, TargetedAxes, Trajectories, Tuning};
use crate::plot::draw::brief;
use crate::plot::{Color, Figure, Legend, Marker, Panel, Style};
use crate::simulate::Signal;
use crate::table::{Table, Value};
use crate::{Error, Result};

impl Averages {
    /// The averages of a unit (or of an output) over time, a line for each condition with its interval as a band.
    ///
    /// # Errors
    /// If there is no such unit, or if it was not recorded.
    pub fn plot_unit(&self, unit: usize) -> Result<Figure> {
        self.plot_units([unit])
    }

    /// The averages of several units, a panel for each.
    ///
    /// # Errors
    /// If there is no such unit, if it was not recorded, or if none is asked for.
    pub fn plot_units(&self, units: impl IntoIterator<Item = usize>) -> Result<Figure> {
        let panels = units.into_iter().map(|unit| self.unit_panel(unit)).collect::<Result<Vec<_>>>()?;
        if panels.is_empty() {
            return Err(Error::argument("units", "at least one", "none"));
        }
        let one = panels.len() == 1;
        // One legend is enough.
        let last = panels.len().saturating_sub(1);
        let panels = panels
            .into_iter()
            .enumerate()
            .map(|(i, panel)| panel.legend(if i == last { Legend::Outside } else { Legend::None }));
        let figure = Figure::new().panels(panels);
        Ok(if one { figure.size(480.0, 280.0) } else { figure })
    }

    fn unit_panel(&self, unit: usize) -> Result<Panel> {
        let column = column_of("unit", &self.units, unit)?;
        let what = match self.signal {
            Signal::States => "State x of unit",
            Signal::Rates => "Rate of unit",
            Signal::Outputs => "Output",
        };
        let from = self.event.as_ref().map_or("Time (ms)".to_owned(), |event| format!("Time from {event} (ms)"));
        let panel = Panel::new().x_label(from).y_label(format!("{what} {unit}"));
        let (mut panel, labels) = legend(panel, &self.by, &self.conditions);
        if self.times.first().is_some_and(|&first| first < 0.0) {
            panel = panel.vline(0.0, ());
        }
        for (i, color) in colors(&self.conditions).into_iter().enumerate() {
            let of = |array: &ndarray::Array3<f64>| array.slice(s![i, .., column]).to_vec();
            panel = panel.band(&self.times, of(&self.low), of(&self.high), color).line(
                &self.times,
                of(&self.mean),
                Style::new().color(color).label(&labels[i]),
            );
        }
        Ok(panel)
    }
}

impl Trajectories {
    /// The way of each condition through two components, counted from 0: an open circle where it begins, a dot where it
    /// ends.
    ///
    /// # Errors
    /// If there is no such component.
    pub fn plot(&self, x: usize, y: usize) -> Result<Figure> {
        Ok(self.panel(x, y)?.figure().size(440.0, 300.0))
    }

    pub(super) fn panel(&self, x: usize, y: usize) -> Result<Panel> {
        let n = self.names.len();
        if let Some(component) = [x, y].into_iter().find(|&component| component >= n) {
            return Err(Error::argument("component", format!("below the number of components, {n}"), component));
        }
        let label = |component: usize| match self.shares.get(component) {
            Some(share) => format!("{} ({:.0} %)", self.names[component], 100.0 * share),
            None => self.names[component].clone(),
        };
        let panel = Panel::new().x_label(label(x)).y_label(label(y)).legend(Legend::Outside);
        let (mut panel, labels) = legend(panel, &self.by, &self.conditions);
        for (i, color) in colors(&self.conditions).into_iter().enumerate() {
            let along = |component: usize| self.points.slice(s![i, .., component]).to_vec();
            let way: Vec<(f64, f64)> =
                along(x).into_iter().zip(along(y)).filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
            panel = panel.line(along(x), along(y), Style::new().color(color).label(&labels[i]));
            if let (Some(first), Some(last)) = (way.first(), way.last()) {
                panel = panel.points([first.0], [first.1], Style::new().color(color).marker(Marker::Circle)).points(
                    [last.0],
                    [last.1],
                    Style::new().color(color),
                );
            }
        }
        Ok(panel)
    }
}

impl Pca {
    /// The share of each component in the variance.
    #[must_use]
    pub fn plot_shares(&self) -> Figure {
        let numbers = 1..=self.shares.len();
        Panel::new()
            .x_label("Component")
            .y_label("Share of variance")
            .x_range(0.5, self.shares.len() as f64 + 0.5)
            .y_range(0.0, 1.0)
            .line(numbers.clone(), &self.shares, Color::BLUE)
            .points(numbers, &self.shares, Color::BLUE)
            .figure()
            .size(320.0, 250.0)
    }
}

/// The colors of a map whose states have more numbers than can be told apart.
const SHADES: usize = 8;

impl DiffusionCoordinates {
    /// The states in two coordinates, counted from 0: from light to dark in the order in which they were given, which in a
    /// single trial is that of time. Averages over trials show themselves better by
    /// [`trajectories`](DiffusionCoordinates::trajectories).
    ///
    /// # Errors
    /// If there is no such coordinate.
    pub fn plot(&self, x: usize, y: usize) -> Result<Figure> {
        let n = self.coordinates.nrows();
        let mut panel = self.axes(x, y)?;
        let shades = SHADES.min(n);
        for shade in 0..shades {
            let rows: Vec<usize> = (shade * n / shades..(shade + 1) * n / shades).collect();
            panel = self.states(panel, (x, y), &rows, graded(shade, shades).into());
        }
        Ok(panel.figure().size(360.0, 300.0))
    }

    /// The states in two coordinates, counted from 0, in the colors of a value that each has: its condition, or its time. Many
    /// numbers are taken together in stretches of one color.
    ///
    /// # Errors
    /// If there is no such coordinate, or if there is not one value for each state.
    pub fn plot_by<V: Clone + Into<Value>>(&self, x: usize, y: usize, by: &str, values: &[V]) -> Result<Figure> {
        let n = self.coordinates.nrows();
        if values.len() != n {
            return Err(Error::shape("values", format!("[n_samples = {n}]"), &[values.len()]));
        }
        let mut table = Table::new();
        table.insert(by, values.iter().cloned())?;
        let groups = table.groups(by)?;
        let conditions: Vec<Value> = groups.iter().map(|(value, _)| value.clone()).collect();
        let many = groups.len() > SHADES && levels(&conditions).is_some();
        let groups: Vec<(Value, Vec<usize>)> = if many { stretches(&groups) } else { groups };
        let conditions: Vec<Value> = groups.iter().map(|(value, _)| value.clone()).collect();
        let (mut panel, labels) = legend(self.axes(x, y)?, by, &conditions);
        let color = |i: usize| if many { graded(i, groups.len()) } else { colors(&conditions)[i] };
        for (i, (_, rows)) in groups.iter().enumerate() {
            panel = self.states(panel, (x, y), rows, Style::new().color(color(i)).label(&labels[i]));
        }
        Ok(panel.figure().size(440.0, 300.0))
    }

    fn axes(&self, x: usize, y: usize) -> Result<Panel> {
        let n = self.eigenvalues.len();
        if let Some(coordinate) = [x, y].into_iter().find(|&coordinate| coordinate >= n) {
            return Err(Error::argument("coordinate", format!("below the number of dimensions, {n}"), coordinate));
        }
        Ok(Panel::new().x_label(self.name(x)).y_label(self.name(y)).equal().legend(Legend::Outside))
    }

    fn states(&self, panel: Panel, (x, y): (usize, usize), rows: &[usize], style: Style) -> Panel {
        let of = |coordinate: usize| rows.iter().map(move |&row| self.coordinates[[row, coordinate]]);
        panel.points(of(x), of(y), style.size(4.0))
    }
}

/// The color number `i` of `n` from light to dark.
fn graded(i: usize, n: usize) -> Color {
    Color::SKY.blend(Color::rgb(0, 30, 80), i as f64 / (n.max(2) - 1) as f64)
}

/// Groups of ascending numbers taken together in stretches of equal width, which are named by their ends.
fn stretches(groups: &[(Value, Vec<usize>)]) -> Vec<(Value, Vec<usize>)> {
    let numbers: Vec<f64> = groups.iter().filter_map(|(value, _)| value.number()).collect();
    let (low, high) = (numbers[0], numbers[numbers.len() - 1]);
    let stretch = |number: f64| (((number - low) / (high - low) * SHADES as f64) as usize).min(SHADES - 1);
    let pairs: Vec<(f64, &Vec<usize>)> = numbers.iter().copied().zip(groups.iter().map(|(_, rows)| rows)).collect();
    let chunks = pairs.chunk_by(|a, b| stretch(a.0) == stretch(b.0));
    let name = |from: f64, to: f64| if from == to { brief(from) } else { format!("{} to {}", brief(from), brief(to)) };
    let named = |chunk: &[(f64, &Vec<usize>)]| {
        let rows = chunk.iter().flat_map(|(_, rows)| rows.iter().copied()).collect();
        (Value::from(name(chunk[0].0, chunk[chunk.len() - 1].0)), rows)
    };
    chunks.map(named).collect()
}

impl LinearTuning {
    /// The correlation of the slopes at these times, in milliseconds from the event, with those at all times: a line for each.
    ///
    /// # Errors
    /// If one is not among the times, or there is none.
    pub fn plot_correlation(&self, times: impl IntoIterator<Item = f64>) -> Result<Figure> {
        let panel = self.over_time("Correlation of slopes").y_range(-1.05, 1.05).hline(0.0, ());
        let mut panel = panel.legend(Legend::Outside);
        let mut none = true;
        for (i, time) in times.into_iter().enumerate() {
            let style = Style::from(format!("with {time} ms")).color(Color::cycle(i));
            panel = panel.vline(time, Color::cycle(i)).line(&self.times, self.correlation(time)?, style);
            none = false;
        }
        if none {
            return Err(Error::argument("times", "at least one", "none"));
        }
        Ok(panel.figure().size(520.0, 280.0))
    }

    /// The share of units whose slope differs from 0 with a probability below `alpha`, over time.
    #[must_use]
    pub fn plot_significant(&self, alpha: f64) -> Figure {
        let panel = self.over_time(&format!("Share of units (p < {alpha})")).y_range(-0.03, 1.03);
        panel.line(&self.times, self.share_significant(alpha), Color::BLUE).figure().size(440.0, 280.0)
    }

    /// The slope of each unit at one time against that at another, in milliseconds from the event.
    ///
    /// # Errors
    /// If one is not among the times.
    pub fn plot_slopes(&self, x: f64, y: f64) -> Result<Figure> {
        Ok(scatter(&self.slopes_at(x)?, &self.slopes_at(y)?, [format!("Slope at {x} ms"), format!("Slope at {y} ms")]))
    }

    fn over_time(&self, what: &str) -> Panel {
        let from = self.event.as_ref().map_or("Time (ms)".to_owned(), |event| format!("Time from {event} (ms)"));
        Panel::new().x_label(from).y_label(what)
    }
}

impl TargetedAxes {
    /// The weight of each unit in one axis against that in another, by their numbers, counted from 0.
    ///
    /// # Errors
    /// If there is no such axis.
    pub fn plot_weights(&self, x: usize, y: usize) -> Result<Figure> {
        let n = self.regressors.len();
        if let Some(axis) = [x, y].into_iter().find(|&axis| axis >= n) {
            return Err(Error::argument("axis", format!("below the number of axes, {n}"), axis));
        }
        let label = |axis: usize| format!("Weight in {}", self.regressors[axis]);
        Ok(scatter(&self.axes.row(x).to_vec(), &self.axes.row(y).to_vec(), [label(x), label(y)]))
    }
}

/// A point for each unit, with the two zeros.
fn scatter(x: &[f64], y: &[f64], [x_label, y_label]: [String; 2]) -> Figure {
    let most = x.iter().chain(y).filter(|x| x.is_finite()).fold(0.0_f64, |most, x| most.max(x.abs()));
    let end = if most > 0.0 { 1.1 * most } else { 1.0 };
    Panel::new()
        .x_label(x_label)
        .y_label(y_label)
        .x_range(-end, end)
        .y_range(-end, end)
        .hline(0.0, ())
        .vline(0.0, ())
        .points(x, y, Color::BLUE)
        .equal()
        .figure()
        .size(320.0, 300.0)
}

impl Tuning {
    /// The mean activity of a unit in each condition, with standard errors.
    ///
    /// # Errors
    /// If there is no such unit, or if it was not recorded.
    pub fn plot_unit(&self, unit: usize) -> Result<Figure> {
        let column = column_of("unit", &self.units, unit)?;
        let (mean, sem) = (self.mean.column(column), self.sem.column(column));
        let mut panel = Panel::new().x_label(&self.by).y_label(format!("Activity of unit {unit}"));
        let places: Vec<f64> = match levels(&self.conditions) {
            Some(levels) => levels,
            None => {
                let ticks = self.conditions.iter().enumerate().map(|(i, value)| (i as f64, value.to_string()));
                panel = panel.x_ticks(ticks);
                (0..self.conditions.len()).map(|i| i as f64).collect()
            }
        };
        let (left, right) = ends(&places);
        Ok(panel
            .x_range(left, right)
            .line(&places, mean, Color::BLUE)
            .intervals(&places, &mean - &sem, &mean + &sem, Color::BLACK)
            .points(&places, mean, Color::BLACK)
            .figure()
            .size(320.0, 250.0))
    }
}

/// The names of the conditions in the legend: their values, below the name of the column if there are many.
fn legend(panel: Panel, by: &str, conditions: &[Value]) -> (Panel, Vec<String>) {
    if conditions.len() <= 2 {
        return (panel, conditions.iter().map(|value| format!("{by} {value}")).collect());
    }
    // A line that is not seen has only its name.
    let heading = Style::new().label(by).color(Color::WHITE).width(0.0);
    (panel.line::<f64, f64>([], [], heading), conditions.iter().map(Value::to_string).collect())
}

/// The conditions as numbers, if they are, and finite.
fn levels(conditions: &[Value]) -> Option<Vec<f64>> {
    let number = |value: &Value| match value {
        Value::Bool(_) => None,
        // An infinite level has no place on an axis: all are then texts.
        value => value.number().filter(|number| number.is_finite()),
    };
    conditions.iter().map(number).collect()
}

/// A color for each condition: numbers with signs from red over gray to blue, other numbers from light to dark, else,
/// and for no more than two, the colors of the cycle.
pub(super) fn colors(conditions: &[Value]) -> Vec<Color> {
    let pale = Color::rgb(190, 200, 210);
    match levels(conditions) {
        Some(levels) if levels.len() > 2 => {
            let most = levels.iter().fold(0.0_f64, |most, level| most.max(level.abs()));
            let signed = levels.iter().any(|&level| level < 0.0) && levels.iter().any(|&level| level > 0.0);
            let graded = |(i, &level): (usize, &f64)| match signed {
                true if level < 0.0 => pale.blend(Color::VERMILION, 0.3 + 0.7 * level.abs() / most),
                true if level > 0.0 => pale.blend(Color::BLUE, 0.3 + 0.7 * level / most),
                true => Color::GRAY,
                false => graded(i, levels.len()),
            };
            levels.iter().enumerate().map(graded).collect()
        }
        _ => (0..conditions.len()).map(Color::cycle).collect(),
    }
}
