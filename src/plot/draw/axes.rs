//! What a panel shows: checked, with its scales and its colors.

use super::geometry::{Point, Rect};
use super::ticks::{Scale, drawable, span};
use crate::error::{Error, Result};
use crate::plot::color::{Color, Colormap};
use crate::plot::panel::{Axis, Heatmap, Mark, Panel};
use crate::plot::style::Legend;

/// How far the axes reach beyond the data, as a fraction of its range.
const ROOM: f64 = 0.05;

/// A panel that was checked, with the scales of its axes and a color for each mark.
pub(super) struct Axes<'a> {
    pub(super) panel: &'a Panel,
    pub(super) x: Scale,
    pub(super) y: Scale,
    pub(super) colors: Vec<Color>,
    /// Where the legend stands.
    pub(super) legend: Legend,
    /// How wide and how high it may be.
    pub(super) room: (f64, f64),
    /// The heatmap that the color bar belongs to, and the range of its colors.
    pub(super) bar: Option<(&'a Heatmap, Scale)>,
}

impl<'a> Axes<'a> {
    pub(super) fn new(panel: &'a Panel) -> Result<Self> {
        check(panel)?;
        let bar = panel.marks.iter().rev().find_map(|mark| match mark {
            Mark::Heatmap(map) => Some((map, Scale { range: color_range(map), log: false })),
            _ => None,
        });
        let (x, y) = (scale(panel, &panel.x, false), scale(panel, &panel.y, true));
        Ok(Self { panel, x, y, colors: colors(panel), legend: panel.legend, room: (f64::INFINITY, f64::INFINITY), bar })
    }

    /// Why there is nothing to see on axes that have something to show.
    pub(super) fn emptiness(&self) -> Option<&'static str> {
        let unit = Rect { left: 0.0, top: 0.0, right: 1.0, bottom: 1.0 }.grown(1e-6);
        let (mut shown, mut values, mut numbers) = (false, false, false);
        for mark in &self.panel.marks {
            // A line without a width is no more than a name in the legend.
            if mark.style().is_some_and(|style| style.width == Some(0.0)) {
                continue;
            }
            let (x, ends): (&Vec<f64>, [&Vec<f64>; 2]) = match mark {
                Mark::Line { x, y, .. } | Mark::Points { x, y, .. } => (x, [y, y]),
                Mark::Intervals { x, low, high, .. } | Mark::Band { x, low, high, .. } => (x, [low, high]),
                Mark::Heatmap(map) => {
                    (shown, values) = (true, values | !map.cells.is_empty());
                    numbers |= map.cells.iter().any(|cell| cell.is_finite());
                    continue;
                }
                _ => continue,
            };
            shown = true;
            values |= !x.is_empty();
            let place = |x: f64, y: f64| Some((self.x.fraction(x)?, self.y.fraction(y)?));
            let raised = |end: f64| {
                if matches!(mark, Mark::Intervals { .. } | Mark::Band { .. }) { self.y.raised(end) } else { end }
            };
            let rows: Vec<Option<[Point; 2]>> = x
                .iter()
                .zip(ends[0].iter().zip(ends[1]))
                .map(|(x, (low, high))| Some([place(*x, raised(*low))?, place(*x, raised(*high))?]))
                .collect();
            numbers |= rows.iter().any(Option::is_some);
            let is_seen = |row: &[Point; 2]| unit.contains(row[0]) || !unit.clip_line(row).is_empty();
            let joined = matches!(mark, Mark::Line { .. } | Mark::Band { .. });
            let between = |pair: &[Option<[Point; 2]>]| match pair {
                [Some(one), Some(next)] => {
                    joined && (0..2).any(|end| !unit.clip_line(&[one[end], next[end]]).is_empty())
                }
                _ => false,
            };
            if rows.iter().flatten().any(is_seen) || rows.windows(2).any(between) {
                return None;
            }
        }
        match (shown, values, numbers) {
            (false, ..) => None,
            (_, false, _) => Some("nothing to show: there are no values"),
            (_, _, false) => Some("nothing to show: no value is a number that can be drawn"),
            _ if self.bar.is_some() => None,
            _ => Some("nothing to show: all values are outside the axes"),
        }
    }
}

/// Finds what cannot be drawn, and says so in the caller's terms.
fn check(panel: &Panel) -> Result<()> {
    for mark in &panel.marks {
        let (what, x, others): (_, _, &[(&str, &Vec<f64>)]) = match mark {
            Mark::Line { x, y, .. } => ("line", x, &[("y", y)]),
            Mark::Points { x, y, .. } => ("points", x, &[("y", y)]),
            Mark::Intervals { x, low, high, .. } => ("intervals", x, &[("low", low), ("high", high)]),
            Mark::Band { x, low, high, .. } => ("band", x, &[("low", low), ("high", high)]),
            Mark::Heatmap(map) => {
                for (name, range) in [("Heatmap::x_extent", map.x), ("Heatmap::y_extent", map.y)] {
                    check_range(name, range, false)?;
                }
                check_range("Heatmap::range", map.range, false)?;
                for (name, colors, n) in
                    [("row", &map.row_colors, map.rows), ("column", &map.column_colors, map.columns)]
                {
                    if !(colors.is_empty() || colors.len() == n) {
                        let expected = format!("as many as the matrix has {name}s, {n}");
                        return Err(Error::argument(format!("Heatmap::{name}_colors"), expected, colors.len()));
                    }
                }
                if let Some((low, high)) = map.range.filter(|(low, high)| low > high) {
                    return Err(Error::argument("Heatmap::range", "from low to high", format!("{low} to {high}")));
                }
                continue;
            }
            _ => continue,
        };
        for (name, values) in others {
            if values.len() != x.len() {
                let expected = format!("as long as `x` ({} values)", x.len());
                return Err(Error::argument(
                    format!("{name} of {what}"),
                    expected,
                    format!("{} values long", values.len()),
                ));
            }
        }
    }
    check_range("x_range", panel.x.range, panel.x.log)?;
    check_range("y_range", panel.y.range, panel.y.log)
}

fn check_range(name: &str, range: Option<(f64, f64)>, log: bool) -> Result<()> {
    match range {
        Some((from, to)) if !(drawable(from, log) && drawable(to, log) && from != to) => {
            let positive = if log { "positive" } else { "finite" };
            Err(Error::argument(name, format!("two different {positive} numbers"), format!("{from} and {to}")))
        }
        _ => Ok(()),
    }
}

/// The scale of one axis: what the user asked for, or the extent of the heatmap, or what holds all data.
fn scale(panel: &Panel, axis: &Axis, upright: bool) -> Scale {
    // A value at 0 or below has no place on a logarithmic axis, and must not vanish unless a range says so.
    let below = |values: &[f64]| values.iter().any(|value| drawable(*value, false) && !drawable(*value, true));
    let is_below = |mark: &Mark| match mark {
        Mark::Line { x, y, .. } | Mark::Points { x, y, .. } => below(if upright { y } else { x }),
        Mark::Intervals { x, .. } | Mark::Band { x, .. } => !upright && below(x),
        Mark::Heatmap(map) => {
            let (x, y) = map.extent();
            let (from, to) = if upright { y } else { x };
            below(&[from, to])
        }
        _ => false,
    };
    let log = axis.log && !(axis.range.is_none() && panel.marks.iter().any(is_below));
    let extent = || {
        panel.marks.iter().find_map(|mark| match mark {
            Mark::Heatmap(map) if map.rows > 0 && map.columns > 0 => {
                let (x, (top, bottom)) = map.extent();
                let range = if upright { (bottom, top) } else { x };
                (drawable(range.0, log) && drawable(range.1, log)).then_some(range)
            }
            _ => None,
        })
    };
    // Lines run from edge to edge of the x axis; points keep clear of it.
    let loose = upright || panel.marks.iter().any(|mark| matches!(mark, Mark::Points { .. } | Mark::Intervals { .. }));
    let data = || span(data(panel, upright), if loose { ROOM } else { 0.0 }, log);
    Scale { range: axis.range.or_else(extent).unwrap_or_else(data), log }
}

/// All the values that an axis has to show.
fn data(panel: &Panel, upright: bool) -> Vec<f64> {
    let mut all = Vec::new();
    for mark in &panel.marks {
        match mark {
            Mark::Line { x, y, .. } | Mark::Points { x, y, .. } => all.extend(if upright { y } else { x }),
            Mark::Intervals { low, high, .. } | Mark::Band { low, high, .. } if upright => {
                all.extend(low.iter().chain(high));
            }
            Mark::Intervals { x, .. } | Mark::Band { x, .. } => all.extend(x),
            Mark::HLine { y, .. } if upright => all.push(*y),
            Mark::VLine { x, .. } if !upright => all.push(*x),
            Mark::Shade { x, .. } if !upright => all.extend([x.start, x.end]),
            _ => (),
        }
    }
    all
}

/// The color of each mark: its own, or the next of the cycle, or that of the mark it belongs to.
fn colors(panel: &Panel) -> Vec<Color> {
    let mut used = 0;
    let mut last = None;
    let mut color = |mark: &Mark| match mark {
        Mark::Line { style, .. } | Mark::Points { style, .. } => {
            let color = style.color.unwrap_or_else(|| {
                used += 1;
                Color::cycle(used - 1)
            });
            last = Some(color);
            color
        }
        Mark::Intervals { style, .. } | Mark::Band { style, .. } => {
            style.color.or(last).unwrap_or_else(|| Color::cycle(used))
        }
        Mark::VLine { style, .. } | Mark::HLine { style, .. } | Mark::Shade { style, .. } => {
            style.color.unwrap_or(Color::GRAY)
        }
        Mark::Text { style, .. } => style.color.unwrap_or(Color::BLACK),
        Mark::Heatmap(_) => Color::BLACK,
    };
    panel.marks.iter().map(&mut color).collect()
}

pub(super) fn color_range(map: &Heatmap) -> (f64, f64) {
    map.range.unwrap_or_else(|| {
        let (low, high) = span(map.cells.iter().copied(), 0.0, false);
        let reach = low.abs().max(high.abs());
        if map.colormap == Colormap::Diverging { (-reach, reach) } else { (low, high) }
    })
}
