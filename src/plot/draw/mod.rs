//! From the plain data of a figure to strokes, fills and letters on a sheet.

pub(crate) mod font;
mod geometry;
pub(crate) mod sheet;
mod ticks;

use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, DrawingBackend};
use plotters::style::text_anchor::HPos;

use self::font::Fonts;
use self::geometry::{Point, Rect, thin};
use self::sheet::{Letters, Pen, Picture, Sheet};
use self::ticks::{Scale, drawable, span};
use crate::error::{Error, Result};
use crate::plot::color::{Color, Colormap};
use crate::plot::figure::{Figure, letter};
use crate::plot::panel::{Axis, Heatmap, Mark, Panel};
use crate::plot::style::{Legend, Marker, Style};

pub(crate) use self::ticks::{LARGEST, brief};

// The look of all figures, in points.
const TICK_SIZE: f64 = 11.0;
const LABEL_SIZE: f64 = 12.0;
const TITLE_SIZE: f64 = 12.5;
const HEADING_SIZE: f64 = 14.0;
const LETTER_SIZE: f64 = 16.0;
/// The height of capitals and digits as a fraction of the size of the letters.
const CAPITAL: f64 = 0.72;
const SPINE: f64 = 1.0;
const TICK: f64 = 4.0;
const MINOR_TICK: f64 = 2.0;
const GAP: f64 = 4.0;
const MARGIN: f64 = 10.0;
/// Between the panels of a grid.
const GUTTER: f64 = 14.0;
const BAR: f64 = 10.0;
/// The width of the strips of colors beside a heatmap, which have room before the color bar and below the title.
const STRIP: f64 = 4.0;
/// The steps from one end of a color map to the other: with missing values fewer than the 256 colors of a palette, and an
/// even number, so that the middle is among them.
const SHADES: f64 = 250.0;
const SWATCH: f64 = 18.0;
const LEGEND_LINE: f64 = 15.0;
/// Between the axes and a legend beside them.
const LEGEND_GAP: f64 = 12.0;
/// Between places at which one looks whether something is covered.
const APART: f64 = 3.0;
/// How far the axes reach beyond the data, as a fraction of its range.
const ROOM: f64 = 0.05;

/// Draws all panels in their grid onto an area, which becomes a page of at least `size` points; see [`Sheet::new`].
pub(crate) fn figure<DB: DrawingBackend>(
    figure: &Figure,
    size: (f64, f64),
    area: &DrawingArea<DB, Shift>,
    pictures: Option<&mut Vec<Picture>>,
) -> Result<()> {
    let fonts = Fonts::new()?;
    let mut sheet = Sheet::new(area, size, pictures);
    let (width, height) = sheet.size();
    let mut page = Rect { left: MARGIN, top: MARGIN, right: width - MARGIN, bottom: height - MARGIN };
    if !figure.title.is_empty() {
        let at = (width / 2.0, page.top + HEADING_SIZE * CAPITAL);
        sheet.text(at, &figure.title, Letters { anchor: HPos::Center, ..letters(HEADING_SIZE) })?;
        page.top += HEADING_SIZE + 8.0;
    }
    let mut axes = figure.panels.iter().map(Axes::new).collect::<Result<Vec<_>>>()?;
    let (rows, columns) = figure.grid();
    for axes in &mut axes {
        axes.room = (0.7 * page.width() / columns as f64, page.height() / rows as f64 - 2.0 * TITLE_SIZE);
    }
    // Axes that make room for a legend beside them may leave no room for another's within, so that this goes on until all fit.
    let areas = loop {
        let areas = layout(figure, &axes, page, &fonts);
        let mut crowded = false;
        for (axes, (cell, area)) in axes.iter_mut().zip(&areas) {
            let painter = Painter { axes, area: *area, fonts: &fonts, sheet: &mut sheet };
            if painter.is_legend_in_the_way(cell.right - area.right) {
                axes.legend = Legend::Outside;
                crowded = true;
            }
        }
        if !crowded {
            break areas;
        }
    };
    if figure.panels.is_empty() {
        let style = Letters { anchor: HPos::Center, color: Color::GRAY, ..letters(LABEL_SIZE) };
        sheet.text(page.center(), "nothing to show: there are no panels", style)?;
    }
    for (index, (axes, (cell, area))) in axes.iter().zip(areas).enumerate() {
        if figure.letters {
            let at = (cell.left, cell.top + LETTER_SIZE * CAPITAL);
            sheet.text(at, &letter(index), Letters { bold: true, ..letters(LETTER_SIZE) })?;
        }
        Painter { axes, area, fonts: &fonts, sheet: &mut sheet }.panel(figure.letters.then_some(cell))?;
    }
    Ok(())
}

/// The panel in words: its title, its axes with their ranges, and what is on them.
pub(crate) fn describe(panel: &Panel) -> String {
    let axes = match Axes::new(panel) {
        Ok(axes) => axes,
        Err(error) => return error.to_string(),
    };
    let axis = |name: &str, axis: &Axis, scale: Scale| {
        let label = if axis.label.is_empty() { String::new() } else { format!(" \"{}\"", axis.label) };
        let log = if scale.log { ", logarithmic" } else { "" };
        format!("{name}{label} {} to {}{log}", brief(scale.range.0), brief(scale.range.1))
    };
    let mut parts = vec![axis("x", &panel.x, axes.x), axis("y", &panel.y, axes.y)];
    if !panel.title.is_empty() {
        parts.insert(0, format!("\"{}\"", panel.title));
    }
    // What has no name is counted.
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for mark in &panel.marks {
        let (what, style) = match mark {
            Mark::Line { x, style: Style { label: Some(label), .. }, .. } if x.is_empty() => {
                parts.push(format!("by \"{label}\":"));
                continue;
            }
            Mark::Line { style, .. } => ("line", style),
            Mark::Points { style, .. } => ("points", style),
            Mark::Intervals { style, .. } => ("intervals", style),
            Mark::Band { style, .. } => ("band", style),
            Mark::VLine { style, .. } => ("vertical rule", style),
            Mark::HLine { style, .. } => ("horizontal rule", style),
            Mark::Shade { style, .. } => ("shade", style),
            Mark::Heatmap(map) => {
                parts.push(describe_heatmap(map));
                continue;
            }
            Mark::Text { text, .. } => {
                parts.push(format!("text \"{text}\""));
                continue;
            }
        };
        match (&style.label, counts.iter_mut().find(|count| count.0 == what)) {
            (Some(label), _) => parts.push(format!("{what} \"{label}\"")),
            (None, Some(count)) => count.1 += 1,
            (None, None) => counts.push((what, 1)),
        }
    }
    parts.extend(axes.emptiness().map(str::to_owned));
    parts.extend(counts.into_iter().map(|(what, n)| if n == 1 { what.to_owned() } else { format!("{n} × {what}") }));
    parts.join(", ")
}

fn describe_heatmap(map: &Heatmap) -> String {
    let (low, high) = color_range(map);
    let label = if map.label.is_empty() { String::new() } else { format!(" of \"{}\"", map.label) };
    let cells = format!("heatmap{label}, {} by {} cells", map.rows, map.columns);
    format!("{cells}, colors {} to {}", brief(low), brief(high))
}

/// A panel that was checked, with the scales of its axes and a color for each mark.
struct Axes<'a> {
    panel: &'a Panel,
    x: Scale,
    y: Scale,
    colors: Vec<Color>,
    /// Where the legend stands.
    legend: Legend,
    /// How wide and how high it may be.
    room: (f64, f64),
    /// The heatmap that the color bar belongs to, and the range of its colors.
    bar: Option<(&'a Heatmap, Scale)>,
}

impl<'a> Axes<'a> {
    fn new(panel: &'a Panel) -> Result<Self> {
        check(panel)?;
        let bar = panel.marks.iter().rev().find_map(|mark| match mark {
            Mark::Heatmap(map) => Some((map, Scale { range: color_range(map), log: false })),
            _ => None,
        });
        let (x, y) = (scale(panel, &panel.x, false), scale(panel, &panel.y, true));
        Ok(Self { panel, x, y, colors: colors(panel), legend: panel.legend, room: (f64::INFINITY, f64::INFINITY), bar })
    }

    /// Why there is nothing to see on axes that have something to show.
    fn emptiness(&self) -> Option<&'static str> {
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

fn color_range(map: &Heatmap) -> (f64, f64) {
    map.range.unwrap_or_else(|| {
        let (low, high) = span(map.cells.iter().copied(), 0.0, false);
        let reach = low.abs().max(high.abs());
        if map.colormap == Colormap::Diverging { (-reach, reach) } else { (low, high) }
    })
}

fn letters(size: f64) -> Letters {
    Letters { size, bold: false, color: Color::BLACK, anchor: HPos::Left, upwards: false }
}

/// How much room the labels of a panel take on each side of its axes.
#[derive(Clone, Copy, Default)]
struct Insets {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

/// The cell of each panel in the grid and, within it, the rectangle of its axes. Axes in one row or column line up.
fn layout(figure: &Figure, axes: &[Axes<'_>], page: Rect, fonts: &Fonts) -> Vec<(Rect, Rect)> {
    let (rows, columns) = figure.grid();
    let width = (page.width() - GUTTER * (columns - 1) as f64) / columns as f64;
    let height = (page.height() - GUTTER * (rows - 1) as f64) / rows as f64;
    // Labels depend on the length of the axes and the other way round: one guess is good enough.
    let guess = Rect { left: 0.0, top: 0.0, right: (width - 70.0).max(1.0), bottom: (height - 50.0).max(1.0) };
    let insets: Vec<Insets> = axes.iter().map(|axes| insets(axes, guess, figure.letters, fonts)).collect();
    let shared = |index: usize| {
        insets.iter().enumerate().fold(Insets::default(), |mut most, (other, insets)| {
            if other % columns == index % columns {
                most.left = most.left.max(insets.left);
                most.right = most.right.max(insets.right);
            }
            if other / columns == index / columns {
                most.top = most.top.max(insets.top);
                most.bottom = most.bottom.max(insets.bottom);
            }
            most
        })
    };
    // Every column has its labels and legends beside axes of one width, and every row axes of one height.
    let (across, down): (Vec<f64>, Vec<f64>) = (
        (0..columns).map(&shared).map(|insets| insets.left + insets.right).collect(),
        (0..rows).map(|row| shared(row * columns)).map(|insets| insets.top + insets.bottom).collect(),
    );
    let (width, height) = (
        (width - across.iter().sum::<f64>() / columns as f64).max(2.0),
        (height - down.iter().sum::<f64>() / rows as f64).max(2.0),
    );
    let cell = |index: usize| {
        let (column, row) = (index % columns, index / columns);
        let left = page.left + across[..column].iter().sum::<f64>() + column as f64 * (width + GUTTER);
        let top = page.top + down[..row].iter().sum::<f64>() + row as f64 * (height + GUTTER);
        Rect { left, top, right: left + across[column] + width, bottom: top + down[row] + height }
    };
    let snap = |place: f64| place.floor() + 0.5;
    let area = |index: usize, axes: &Axes<'_>| {
        let (cell, insets) = (cell(index), shared(index));
        let (left, bottom) = (snap(cell.left + insets.left), snap(cell.bottom - insets.bottom));
        let mut width = width;
        let mut height = (bottom - cell.top - insets.top).max(2.0);
        if axes.panel.equal && !axes.x.log && !axes.y.log {
            let length = |(from, to): (f64, f64)| (to - from).abs();
            let ratio = length(axes.y.range) / length(axes.x.range);
            if ratio.is_finite() && ratio > 0.0 {
                (width, height) = (width.min(height / ratio).max(2.0), height.min(width * ratio).max(2.0));
            }
        }
        // Kept to the top, so that the titles of a row line up.
        let top = snap(cell.top + insets.top);
        let bottom = if axes.panel.equal { snap(top + height) } else { bottom };
        Rect { left, top: bottom - height, right: left + width.floor(), bottom }
    };
    axes.iter().enumerate().map(|(index, axes)| (cell(index), area(index, axes))).collect()
}

fn insets(axes: &Axes<'_>, area: Rect, letters: bool, fonts: &Fonts) -> Insets {
    let widest = |texts: &mut dyn Iterator<Item = &str>| {
        texts.map(|text| fonts.width(text, TICK_SIZE, false)).fold(0.0_f64, f64::max)
    };
    let panel = axes.panel;
    let (x, y) = (x_ticks(axes, area.width(), fonts), y_ticks(axes, area.height()));
    let label = |label: &str| if label.is_empty() { 0.0 } else { LABEL_SIZE + 5.0 };
    let numbers = widest(&mut y.iter().map(|tick| tick.1.as_str()));
    let overhang = x.last().map_or(0.0, |(_, text)| fonts.width(text, TICK_SIZE, false) / 2.0);
    let bar = axes.bar.map_or(0.0, |(map, scale)| {
        let ticks = bar_ticks(scale, area.height());
        BAR + 12.0 + TICK + GAP + widest(&mut ticks.iter().map(|tick| tick.1.as_str())) + label(&map.label)
    });
    let legend = match axes.legend {
        Legend::Outside => LEGEND_GAP + legend_width(axes, fonts),
        _ => 0.0,
    };
    let below = if x.is_empty() { 0.0 } else { TICK_SIZE * CAPITAL + GAP + 2.0 };
    Insets {
        left: TICK + GAP + numbers + label(&panel.y.label),
        // The topmost tick label reaches above the axes, and a letter above both.
        top: match (panel.title.is_empty(), letters) {
            (false, _) => TITLE_SIZE + 10.0,
            (true, true) => LETTER_SIZE + 4.0,
            (true, false) => TICK_SIZE / 2.0,
        },
        right: overhang.max(2.0).max(bar) + legend,
        bottom: TICK + below + label(&panel.x.label),
    }
}

/// Of an axis that counts the rows or columns of a matrix, the ticks that are numbers of these.
fn keep_whole(ticks: &mut Vec<(f64, String)>, whole: bool) {
    if whole {
        ticks.retain(|(value, _)| value.fract() == 0.0);
        ticks.iter_mut().for_each(|(value, label)| *label = value.to_string());
    }
}

fn y_ticks(axes: &Axes<'_>, height: f64) -> Vec<(f64, String)> {
    let (axis, scale) = (&axes.panel.y, axes.y);
    let whole = axes.bar.is_some_and(|(map, _)| map.y.is_none());
    let ticks = axis.ticks.clone().unwrap_or_else(|| {
        let mut ticks = spread(scale, ((height / 32.0) as usize).clamp(2, 8));
        keep_whole(&mut ticks, whole);
        ticks
    });
    placed(ticks, scale, height, |_| TICK_SIZE)
}

/// The ticks of the x axis, as many as stand side by side.
fn x_ticks(axes: &Axes<'_>, width: f64, fonts: &Fonts) -> Vec<(f64, String)> {
    let room = |text: &str| fonts.width(text, TICK_SIZE, false) + 8.0;
    if let Some(ticks) = &axes.panel.x.ticks {
        return placed(ticks.clone(), axes.x, width, room);
    }
    let most = ((width / 45.0) as usize).clamp(2, 8);
    let tries = (1..=most).rev().map(|count| {
        let mut ticks = spread(axes.x, count);
        keep_whole(&mut ticks, axes.bar.is_some_and(|(map, _)| map.x.is_none()));
        ticks
    });
    let fits = |ticks: &Vec<(f64, String)>| {
        let total: f64 = ticks.iter().map(|(_, text)| room(text)).sum();
        total <= width * (ticks.len() as f64 / ticks.len().saturating_sub(1).max(1) as f64)
    };
    let ticks = tries.into_iter().find(fits).unwrap_or_default();
    placed(ticks, axes.x, width, room)
}

fn bar_ticks(scale: Scale, height: f64) -> Vec<(f64, String)> {
    placed(spread(scale, ((height / 60.0) as usize).clamp(2, 4)), scale, height, |_| TICK_SIZE)
}

/// About `count` ticks, and at least two where that is possible: one number alone does not make a scale.
fn spread(scale: Scale, count: usize) -> Vec<(f64, String)> {
    let mut tries = (count..count + 4).map(|count| scale.ticks(count));
    tries.find(|ticks| ticks.len() >= 2).unwrap_or_else(|| scale.ticks(count))
}

/// The ticks that lie on the axis, as fractions of it. A label that would touch the one before it is emptied.
fn placed(ticks: Vec<(f64, String)>, scale: Scale, length: f64, room: impl Fn(&str) -> f64) -> Vec<(f64, String)> {
    let mut placed: Vec<(f64, String)> = ticks
        .into_iter()
        .filter_map(|(value, label)| Some((scale.fraction(value)?, label)))
        .filter(|(fraction, _)| (-1e-6..=1.0 + 1e-6).contains(fraction))
        .collect();
    placed.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut free = f64::NEG_INFINITY;
    for (fraction, label) in &mut placed {
        let half = room(label) / 2.0;
        if *fraction * length - half < free - 1e-6 {
            label.clear();
        } else if !label.is_empty() {
            free = *fraction * length + half;
        }
    }
    placed
}

/// A line of a legend: what is named, if it is one thing, and its name.
type Entry<'a> = (Option<(&'a Mark, &'a Style, Color)>, String);

/// The lines of a legend, as many and as long as there is room for; what is left out is counted.
fn legend_entries<'a>(axes: &'a Axes<'_>, fonts: &Fonts) -> Vec<Entry<'a>> {
    let named = axes.panel.marks.iter().zip(&axes.colors).filter_map(|(mark, color)| {
        let style = mark.style().filter(|_| !matches!(mark, Mark::Text { .. }))?;
        let label = style.label.as_deref().filter(|label| !label.is_empty())?;
        Some((Some((mark, style, *color)), shortened(label, axes.room.0 - SWATCH - 6.0, fonts)))
    });
    let mut entries: Vec<Entry<'a>> = named.collect();
    let most = (axes.room.1 / LEGEND_LINE).max(2.0) as usize;
    if entries.len() > most {
        let more = entries.len() - (most - 1);
        entries.truncate(most - 1);
        entries.push((None, format!("… {more} more")));
    }
    entries
}

/// A text with its end cut off if it is wider than there is room for.
fn shortened(text: &str, room: f64, fonts: &Fonts) -> String {
    if fonts.width(text, TICK_SIZE, false) <= room {
        return text.to_owned();
    }
    let letters: Vec<char> = text.chars().collect();
    let cut = |n: usize| letters[..n].iter().chain(&['…']).collect::<String>();
    // The longest that fits, by halves.
    let (mut fits, mut wide) = (1, letters.len());
    while wide - fits > 1 {
        let middle = fits.midpoint(wide);
        if fonts.width(&cut(middle), TICK_SIZE, false) <= room { fits = middle } else { wide = middle }
    }
    cut(fits.min(letters.len()))
}

fn legend_width(axes: &Axes<'_>, fonts: &Fonts) -> f64 {
    let widths = legend_entries(axes, fonts).into_iter().map(|(_, label)| fonts.width(&label, TICK_SIZE, false));
    let widest = widths.fold(0.0_f64, f64::max);
    if widest > 0.0 { SWATCH + 6.0 + widest } else { 0.0 }
}

/// Draws one panel into the rectangle of its axes.
struct Painter<'a, 's, DB: DrawingBackend> {
    axes: &'a Axes<'a>,
    area: Rect,
    fonts: &'a Fonts,
    sheet: &'a mut Sheet<'s, DB>,
}

impl<DB: DrawingBackend> Painter<'_, '_, DB> {
    fn panel(&mut self, lettered: Option<Rect>) -> Result<()> {
        let axes = self.axes;
        // What is large lies below what is small, whatever the order in which it was added.
        for layer in 0..6 {
            // Points on an axis are whole.
            if layer == 5 {
                self.frame()?;
            }
            for (mark, color) in axes.panel.marks.iter().zip(&axes.colors) {
                if self.layer(mark) == layer {
                    self.mark(mark, *color)?;
                }
            }
        }
        self.title(lettered)?;
        self.color_bar()?;
        self.legend()?;
        self.emptiness()
    }

    /// Says that there is nothing to see.
    fn emptiness(&mut self) -> Result<()> {
        let Some(why) = self.axes.emptiness() else { return Ok(()) };
        // Narrow axes have a line for each half of the sentence.
        let narrow = self.fonts.width(why, LABEL_SIZE, false) > self.area.width();
        let lines: Vec<&str> = if narrow { why.split_inclusive(": ").collect() } else { vec![why] };
        let (center, middle) = self.area.center();
        for (number, line) in lines.iter().enumerate() {
            let at = (center, middle + number as f64 * LEGEND_LINE);
            let style = Letters { anchor: HPos::Center, color: Color::GRAY, ..letters(LABEL_SIZE) };
            self.sheet.text(at, line.trim_end(), style)?;
        }
        Ok(())
    }

    fn layer(&self, mark: &Mark) -> usize {
        match mark {
            Mark::Heatmap(_) => 0,
            Mark::Shade { .. } | Mark::Band { .. } => 1,
            Mark::VLine { .. } | Mark::HLine { .. } => 2,
            Mark::Line { .. } => 3,
            Mark::Intervals { .. } => 4,
            Mark::Points { .. } | Mark::Text { .. } => 5,
        }
    }

    fn mark(&mut self, mark: &Mark, color: Color) -> Result<()> {
        match mark {
            Mark::Line { x, y, style } => self.line(x, y, pen(style, color, 1.5)),
            Mark::Points { x, y, style } => {
                let places: Vec<Point> = self.runs(x, y).into_iter().flatten().collect();
                self.points(&places, style, color)
            }
            Mark::Intervals { x, low, high, style } => self.intervals(x, low, high, pen(style, color, 1.25)),
            Mark::Band { x, low, high, style } => self.band(x, low, high, color, style.opacity.unwrap_or(0.25)),
            Mark::Heatmap(map) => self.heatmap(map),
            Mark::VLine { x, style } => {
                let ends = self.x(*x).map(|x| [(x, self.area.bottom), (x, self.area.top)]);
                self.rule(ends, pen(style, color, 1.0))
            }
            Mark::HLine { y, style } => {
                let ends = self.y(*y).map(|y| [(self.area.left, y), (self.area.right, y)]);
                self.rule(ends, pen(style, color, 1.0))
            }
            Mark::Shade { x, style } => {
                let Some((from, to)) = self.x(x.start).zip(self.x(x.end)) else { return Ok(()) };
                let stretch = Rect { left: from.min(to), right: from.max(to), ..self.area };
                let visible = self.area.clip_polygon(stretch.corners());
                self.sheet.fill(&[visible], color, style.opacity.unwrap_or(0.25))
            }
            Mark::Text { x, y, text, style } => {
                let at = self.x(*x).zip(self.y(*y)).filter(|at| self.area.grown(1.0).contains(*at));
                let size = length(style.size).unwrap_or(TICK_SIZE - 1.0);
                at.map_or(Ok(()), |at| self.sheet.text(at, text, Letters { color, ..letters(size) }))
            }
        }
    }

    fn x(&self, value: f64) -> Option<f64> {
        self.axes.x.fraction(value).map(|fraction| self.area.left + fraction * self.area.width())
    }

    fn y(&self, value: f64) -> Option<f64> {
        self.axes.y.fraction(value).map(|fraction| self.area.bottom - fraction * self.area.height())
    }

    /// The places of points, in runs without gaps.
    fn runs(&self, x: &[f64], y: &[f64]) -> Vec<Vec<Point>> {
        let places: Vec<Option<Point>> = x.iter().zip(y).map(|(x, y)| self.x(*x).zip(self.y(*y))).collect();
        let runs = places.split(Option::is_none).map(|run| run.iter().flatten().copied().collect());
        runs.filter(|run: &Vec<Point>| !run.is_empty()).collect()
    }

    fn line(&mut self, x: &[f64], y: &[f64], pen: Pen) -> Result<()> {
        let mut lines = Vec::new();
        let mut lone = Vec::new();
        for run in self.runs(x, y) {
            match run[..] {
                // A single value between two gaps would be a line of no length.
                [at] if self.area.contains(at) => lone.push(at),
                _ => lines.extend(self.area.clip_line(&thin(run))),
            }
        }
        self.sheet.stroke(&lines, pen)?;
        self.sheet.discs(&lone, pen.width, pen.color, pen.opacity)
    }

    fn rule(&mut self, ends: Option<[Point; 2]>, pen: Pen) -> Result<()> {
        ends.map_or(Ok(()), |ends| self.sheet.stroke(&self.area.clip_line(&ends), pen))
    }

    fn points(&mut self, places: &[Point], style: &Style, color: Color) -> Result<()> {
        let radius = length(style.size).unwrap_or(5.0) / 2.0;
        let opacity = style.opacity.unwrap_or(1.0);
        let mut places: Vec<Point> = places.iter().copied().filter(|at| self.area.grown(0.5).contains(*at)).collect();
        if places.len() > 5000 {
            // Of points on the same pixel one is enough.
            let mut seen = std::collections::HashSet::new();
            places.retain(|(x, y)| seen.insert(((x * 2.0) as i32, (y * 2.0) as i32)));
        }
        let shapes = |corners: &[Point]| -> Vec<Vec<Point>> {
            let around = |(x, y): &Point| corners.iter().map(|(dx, dy)| (x + radius * dx, y + radius * dy)).collect();
            places.iter().map(around).collect()
        };
        match style.marker {
            Marker::Dot => self.sheet.discs(&places, radius, color, opacity),
            Marker::Circle => {
                self.sheet.discs(&places, radius, color, opacity)?;
                self.sheet.discs(&places, (radius - length(style.width).unwrap_or(1.25)).max(0.0), Color::WHITE, 1.0)
            }
            Marker::Square => {
                self.sheet.fill(&shapes(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]), color, opacity)
            }
            Marker::Triangle => self.sheet.fill(&shapes(&[(0.0, -1.15), (1.05, 0.75), (-1.05, 0.75)]), color, opacity),
            Marker::Cross => {
                let mut strokes = shapes(&[(-0.9, -0.9), (0.9, 0.9)]);
                strokes.extend(shapes(&[(-0.9, 0.9), (0.9, -0.9)]));
                self.sheet.stroke(&strokes, pen(style, color, 1.5))
            }
        }
    }

    fn intervals(&mut self, x: &[f64], low: &[f64], high: &[f64], pen: Pen) -> Result<()> {
        let mut bars = Vec::new();
        for ((x, low), high) in x.iter().zip(low).zip(high) {
            if let (Some(x), Some(low), Some(high)) =
                (self.x(*x), self.y(self.axes.y.raised(*low)), self.y(self.axes.y.raised(*high)))
            {
                bars.extend(self.area.clip_line(&[(x, low), (x, high)]));
            }
        }
        self.sheet.stroke(&bars, pen)
    }

    fn band(&mut self, x: &[f64], low: &[f64], high: &[f64], color: Color, opacity: f64) -> Result<()> {
        // A gap in one edge is a gap in the band.
        let end = |value: f64| self.axes.y.raised(value);
        let known = |of: &[f64], other: &[f64]| -> Vec<f64> {
            of.iter()
                .zip(other)
                .map(|(value, other)| if self.y(end(*other)).is_some() { end(*value) } else { f64::NAN })
                .collect()
        };
        let (lower, upper) = (self.runs(x, &known(low, high)), self.runs(x, &known(high, low)));
        let polygons: Vec<Vec<Point>> = lower
            .into_iter()
            .zip(upper)
            .map(|(lower, upper)| {
                let mut outline = thin(upper);
                outline.extend(thin(lower).into_iter().rev());
                self.area.clip_polygon(outline)
            })
            .filter(|polygon| polygon.len() > 2)
            .collect();
        self.sheet.fill(&polygons, color, opacity)
    }

    fn heatmap(&mut self, map: &Heatmap) -> Result<()> {
        let ((left, right), (top, bottom)) = map.extent();
        let corners = self.x(left).zip(self.x(right)).zip(self.y(top).zip(self.y(bottom)));
        let Some(((left, right), (top, bottom))) = corners else { return Ok(()) };
        let area = Rect {
            left: left.min(right).max(self.area.left),
            right: left.max(right).min(self.area.right),
            top: top.min(bottom).max(self.area.top),
            bottom: top.max(bottom).min(self.area.bottom),
        };
        if map.cells.is_empty() || area.width() <= 0.0 || area.height() <= 0.0 {
            return Ok(());
        }
        let scale = Scale { range: color_range(map), log: false };
        let whole = |from: f64, to: f64, low: f64, high: f64| (from - low).abs() < 1e-6 && (to - high).abs() < 1e-6;
        let entire = whole(left, right, area.left, area.right) && whole(top, bottom, area.top, area.bottom);
        // If the matrix is cut off, turned over or finer than anyone sees: as many cells as there are pixels.
        let pixels = |length: f64| (length * 2.0).ceil() as usize;
        let (rows, columns) = (pixels(area.height()), pixels(area.width()));
        let (rows, columns) =
            if entire { (rows.max(1000).min(map.rows), columns.max(1000).min(map.columns)) } else { (rows, columns) };
        let index = |n: usize, of: usize, span: (f64, f64), edges: (f64, f64), count: usize| {
            let place = span.0 + (span.1 - span.0) * (n as f64 + 0.5) / of as f64;
            (((place - edges.0) / (edges.1 - edges.0) * count as f64) as usize).min(count - 1)
        };
        let down: Vec<usize> =
            (0..rows).map(|row| index(row, rows, (area.top, area.bottom), (top, bottom), map.rows)).collect();
        let across: Vec<usize> = (0..columns)
            .map(|column| index(column, columns, (area.left, area.right), (left, right), map.columns))
            .collect();
        let cells = down.iter().flat_map(|row| across.iter().map(move |column| row * map.columns + column));
        let colors = cells.map(|cell| {
            let fraction = scale.fraction(map.cells[cell]).unwrap_or(f64::NAN);
            map.colormap.color((fraction * SHADES).round() / SHADES)
        });
        self.sheet.picture(Picture { area, columns, colors: colors.collect() })?;
        if !map.row_colors.is_empty() {
            let strip = Rect { left: self.area.right + 2.0, right: self.area.right + 2.0 + STRIP, ..area };
            let colors = down.iter().map(|row| map.row_colors[*row]).collect();
            self.sheet.picture(Picture { area: strip, columns: 1, colors })?;
        }
        if !map.column_colors.is_empty() {
            let strip = Rect { top: self.area.top - 2.0 - STRIP, bottom: self.area.top - 2.0, ..area };
            let colors = across.iter().map(|column| map.column_colors[*column]).collect();
            self.sheet.picture(Picture { area: strip, columns, colors })?;
        }
        Ok(())
    }

    /// The two axes with their ticks and labels.
    fn frame(&mut self) -> Result<()> {
        let area = self.area;
        let (x, y) = (x_ticks(self.axes, area.width(), self.fonts), y_ticks(self.axes, area.height()));
        // Half a line longer at the ends, so that the corner and the outermost ticks close.
        let reach = SPINE / 2.0;
        let mut lines = vec![
            vec![(area.left - reach, area.bottom), (area.right + reach, area.bottom)],
            vec![(area.left, area.bottom + reach), (area.left, area.top - reach)],
        ];
        // A picture has an edge also where it is white.
        if self.axes.bar.is_some() {
            lines.push(vec![(area.left, area.top), (area.right, area.top), (area.right, area.bottom + reach)]);
        }
        // On a pixel of the raster: thin lines stay crisp.
        let crisp = |place: f64| (place * 2.0).round() / 2.0;
        let mut widest = 0.0_f64;
        for (fraction, text) in &x {
            let at = crisp(area.left + fraction * area.width());
            lines.push(vec![(at, area.bottom), (at, area.bottom + TICK)]);
            let baseline = area.bottom + TICK + GAP + TICK_SIZE * CAPITAL;
            self.sheet.text((at, baseline), text, Letters { anchor: HPos::Center, ..letters(TICK_SIZE) })?;
        }
        for (fraction, text) in &y {
            let at = crisp(area.bottom - fraction * area.height());
            lines.push(vec![(area.left, at), (area.left - TICK, at)]);
            let place = (area.left - TICK - GAP, at + TICK_SIZE * CAPITAL / 2.0);
            self.sheet.text(place, text, Letters { anchor: HPos::Right, ..letters(TICK_SIZE) })?;
            widest = widest.max(self.fonts.width(text, TICK_SIZE, false));
        }
        let panel = self.axes.panel;
        let minor = |axis: &Axis, scale: Scale| if axis.ticks.is_none() { scale.minor_ticks() } else { Vec::new() };
        for fraction in minor(&panel.x, self.axes.x).into_iter().filter_map(|tick| self.axes.x.fraction(tick)) {
            let at = crisp(area.left + fraction * area.width());
            lines.push(vec![(at, area.bottom), (at, area.bottom + MINOR_TICK)]);
        }
        for fraction in minor(&panel.y, self.axes.y).into_iter().filter_map(|tick| self.axes.y.fraction(tick)) {
            let at = crisp(area.bottom - fraction * area.height());
            lines.push(vec![(area.left, at), (area.left - MINOR_TICK, at)]);
        }
        self.sheet.stroke(&lines, Pen::new(Color::BLACK, SPINE))?;
        let (center, middle) = area.center();
        let below = if x.is_empty() { 0.0 } else { TICK_SIZE * CAPITAL + GAP + 2.0 };
        let baseline = area.bottom + TICK + below + 4.0 + LABEL_SIZE * CAPITAL;
        let style = Letters { anchor: HPos::Center, ..letters(LABEL_SIZE) };
        self.sheet.text((center, baseline), &panel.x.label, style)?;
        let baseline = area.left - TICK - GAP - widest - 7.0;
        self.sheet.text((baseline, middle), &panel.y.label, Letters { upwards: true, ..style })
    }

    fn title(&mut self, lettered: Option<Rect>) -> Result<()> {
        let title = &self.axes.panel.title;
        // Centered over the axes, but clear of the letter.
        let half = self.fonts.width(title, TITLE_SIZE, false) / 2.0;
        let free = lettered.map_or(f64::NEG_INFINITY, |cell| cell.left + LETTER_SIZE + 4.0);
        let at = (self.area.center().0.max(free + half), self.area.top - 9.0);
        self.sheet.text(at, title, Letters { anchor: HPos::Center, ..letters(TITLE_SIZE) })
    }

    fn color_bar(&mut self) -> Result<()> {
        let Some((map, scale)) = self.axes.bar else { return Ok(()) };
        let left = self.area.right + 12.0;
        let bar = Rect { left, right: left + BAR, ..self.area };
        let color = |n: usize| map.colormap.color(1.0 - n as f64 / SHADES);
        self.sheet.picture(Picture { area: bar, columns: 1, colors: (0..=SHADES as usize).map(color).collect() })?;
        let mut outline = bar.corners();
        outline.push((bar.left, bar.top - SPINE / 2.0));
        let mut lines = vec![outline];
        let mut widest = 0.0_f64;
        for (fraction, text) in bar_ticks(scale, bar.height()) {
            let at = ((bar.bottom - fraction * bar.height()) * 2.0).round() / 2.0;
            lines.push(vec![(bar.right, at), (bar.right + TICK - 1.0, at)]);
            let place = (bar.right + TICK + GAP - 1.0, at + TICK_SIZE * CAPITAL / 2.0);
            self.sheet.text(place, &text, letters(TICK_SIZE))?;
            widest = widest.max(self.fonts.width(&text, TICK_SIZE, false));
        }
        self.sheet.stroke(&lines, Pen::new(Color::BLACK, SPINE))?;
        let baseline = bar.right + TICK + GAP + widest + 4.0 + LABEL_SIZE * CAPITAL;
        let style = Letters { anchor: HPos::Center, upwards: true, ..letters(LABEL_SIZE) };
        self.sheet.text((baseline, bar.center().1), &map.label, style)
    }

    /// The size of the legend; both are 0 if there is none.
    fn legend_size(&self) -> (f64, f64) {
        let lines = if self.axes.legend == Legend::None { 0 } else { legend_entries(self.axes, self.fonts).len() };
        if lines == 0 { (0.0, 0.0) } else { (legend_width(self.axes, self.fonts), lines as f64 * LEGEND_LINE) }
    }

    /// Whether the legend would cover data wherever it stood within the axes, and there is room for it beside them: `free` already, or
    /// where the axes can end.
    fn is_legend_in_the_way(&self, free: f64) -> bool {
        let size = self.legend_size();
        self.axes.legend == Legend::Auto
            && size.1 > 0.0
            && self.free_place(size).1.0 > 0
            && LEGEND_GAP + size.0 <= free.max(0.6 * self.area.width())
    }

    /// The place within the axes, of the corners and what lies between them, where a legend covers least, and how much that is:
    /// data, and rules.
    fn free_place(&self, (width, height): (f64, f64)) -> (Point, (usize, usize)) {
        let area = self.area;
        let (left, right) = (area.left + 8.0, area.right - 4.0 - width);
        let (top, bottom) = (area.top + 2.0, area.bottom - 6.0 - height);
        let (center, middle) = ((left + right) / 2.0, (top + bottom) / 2.0);
        let corners = [(right, top), (left, top), (right, bottom), (left, bottom)];
        let between = [(right, middle), (left, middle), (center, top), (center, bottom)];
        let (inked, ruled) = (self.inked(), self.ruled());
        let hidden = |(left, top): Point| {
            let place = Rect { left, top, right: left + width, bottom: top + height }.grown(2.0);
            // What does not fit within the axes covers what is beside them.
            let within = area.grown(4.0).contains((left, top)) && place.bottom <= area.bottom + 4.0;
            let covered = |points: &[Point]| points.iter().filter(|at| place.contains(**at)).count();
            (covered(&inked) + usize::from(!within), covered(&ruled))
        };
        let places = corners.into_iter().chain(between).map(|place| (place, hidden(place)));
        places.min_by_key(|(_, hidden)| *hidden).unwrap_or(((right, top), (0, 0)))
    }

    fn legend(&mut self) -> Result<()> {
        let axes = self.axes;
        let (width, height) = self.legend_size();
        if height == 0.0 {
            return Ok(());
        }
        let area = self.area;
        let (left, right) = (area.left + 8.0, area.right - 4.0 - width);
        let (top, bottom) = (area.top + 2.0, area.bottom - 6.0 - height);
        let (left, top) = match axes.legend {
            Legend::TopRight => (right, top),
            Legend::TopLeft => (left, top),
            Legend::BottomRight => (right, bottom),
            Legend::BottomLeft => (left, bottom),
            Legend::Outside => {
                let bar =
                    if axes.bar.is_some() { insets(axes, area, false, self.fonts).right - width } else { LEGEND_GAP };
                (area.right + bar, top)
            }
            Legend::Auto | Legend::None => self.free_place((width, height)).0,
        };
        let place = Rect { left, top, right: left + width, bottom: top + height };
        self.sheet.fill(&[place.grown(2.0).corners()], Color::WHITE, 0.8)?;
        for (line, (named, label)) in legend_entries(axes, self.fonts).into_iter().enumerate() {
            let middle = top + (line as f64 + 0.5) * LEGEND_LINE;
            if let Some((mark, style, color)) = named {
                self.swatch(mark, style, color, (left, middle))?;
            }
            let at = (left + SWATCH + 6.0, middle + TICK_SIZE * CAPITAL / 2.0);
            self.sheet.text(at, &label, letters(TICK_SIZE))?;
        }
        Ok(())
    }

    fn swatch(&mut self, mark: &Mark, style: &Style, color: Color, (left, middle): Point) -> Result<()> {
        let center = left + SWATCH / 2.0;
        match mark {
            Mark::Points { .. } => {
                // The place of a legend need not be on the axes, which `points` clips to.
                let area =
                    std::mem::replace(&mut self.area, Rect { left, top: middle, right: left + SWATCH, bottom: middle });
                let drawn = self.points(&[(center, middle)], style, color);
                self.area = area;
                drawn
            }
            Mark::Band { .. } | Mark::Shade { .. } => {
                let patch = Rect { left, right: left + SWATCH, top: middle - 4.0, bottom: middle + 4.0 };
                self.sheet.fill(&[patch.corners()], color, style.opacity.unwrap_or(0.25))
            }
            Mark::Intervals { .. } => {
                self.sheet.stroke(&[vec![(center, middle - 5.0), (center, middle + 5.0)]], pen(style, color, 1.25))
            }
            _ => {
                let width = if matches!(mark, Mark::Line { .. }) { 1.5 } else { 1.0 };
                self.sheet.stroke(&[vec![(left, middle), (left + SWATCH, middle)]], pen(style, color, width))
            }
        }
    }

    /// Places where there are data, a few points apart.
    fn inked(&self) -> Vec<Point> {
        let mut inked = Vec::new();
        for mark in &self.axes.panel.marks {
            match mark {
                Mark::Line { x, y, .. } => inked.extend(self.runs(x, y).iter().flat_map(|run| self.along(run))),
                Mark::Points { x, y, .. } => inked.extend(self.runs(x, y).into_iter().flatten()),
                Mark::Intervals { x, low, high, .. } | Mark::Band { x, low, high, .. } => {
                    let end = |value: &f64| self.y(self.axes.y.raised(*value));
                    let bars = x.iter().zip(low.iter().zip(high)).filter_map(|(x, (low, high))| {
                        let x = self.x(*x)?;
                        Some([(x, end(low)?), (x, end(high)?)])
                    });
                    let bars: Vec<[Point; 2]> = bars.collect();
                    // Of bars closer than a point some are enough, and a band has more between them.
                    let every = bars.len() / 1000 + 1;
                    inked.extend(bars.iter().step_by(every).flat_map(|bar| self.along(bar)));
                    for pair in bars.windows(2).filter(|_| matches!(mark, Mark::Band { .. })) {
                        let steps = ((pair[1][0].0 - pair[0][0].0).abs() / APART).ceil().min(1000.0);
                        let at = |end: usize, t: f64| {
                            let [from, to] = [pair[0][end], pair[1][end]];
                            (from.0 + t * (to.0 - from.0), from.1 + t * (to.1 - from.1))
                        };
                        let between = (1..steps as usize).map(|n| n as f64 / steps);
                        inked.extend(between.flat_map(|t| self.along(&[at(0, t), at(1, t)])));
                    }
                }
                Mark::Heatmap(map) if !map.cells.is_empty() => {
                    let ((left, right), (top, bottom)) = map.extent();
                    let corners = self.x(left).zip(self.x(right)).zip(self.y(top).zip(self.y(bottom)));
                    let Some(((left, right), (top, bottom))) = corners else { continue };
                    let down = |x: f64| [(x, top.max(self.area.top)), (x, bottom.min(self.area.bottom))];
                    let (from, to) = (left.max(self.area.left), right.min(self.area.right));
                    let columns = ((to - from) / APART).clamp(0.0, 1e4) as usize;
                    inked.extend((0..=columns).flat_map(|n| self.along(&down(from + n as f64 * APART))));
                }
                Mark::Text { x, y, text, style } => {
                    let Some((x, y)) = self.x(*x).zip(self.y(*y)) else { continue };
                    let size = length(style.size).unwrap_or(TICK_SIZE - 1.0);
                    let middle = y - size * CAPITAL / 2.0;
                    inked.extend(self.along(&[(x, middle), (x + self.fonts.width(text, size, false), middle)]));
                }
                Mark::Heatmap(_) | Mark::VLine { .. } | Mark::HLine { .. } | Mark::Shade { .. } => (),
            }
        }
        inked
    }

    /// Places on rules across the axes.
    fn ruled(&self) -> Vec<Point> {
        let area = self.area;
        let rules = self.axes.panel.marks.iter().filter_map(|mark| match mark {
            Mark::VLine { x, .. } => self.x(*x).map(|x| [(x, area.bottom), (x, area.top)]),
            Mark::HLine { y, .. } => self.y(*y).map(|y| [(area.left, y), (area.right, y)]),
            _ => None,
        });
        rules.flat_map(|rule| self.along(&rule)).collect()
    }

    /// Places along the part of a line that can be seen.
    fn along(&self, line: &[Point]) -> Vec<Point> {
        let mut places = Vec::new();
        for part in self.area.clip_line(&thin(line.to_vec())) {
            for ends in part.windows(2) {
                let (dx, dy) = (ends[1].0 - ends[0].0, ends[1].1 - ends[0].1);
                let steps = (dx.hypot(dy) / APART).ceil().max(1.0);
                places.extend((0..=steps as usize).map(|n| {
                    let t = n as f64 / steps;
                    (ends[0].0 + t * dx, ends[0].1 + t * dy)
                }));
            }
        }
        places
    }
}

fn pen(style: &Style, color: Color, width: f64) -> Pen {
    let width = length(style.width).unwrap_or(width);
    Pen { opacity: style.opacity.unwrap_or(1.0), dashed: style.dashed, ..Pen::new(color, width) }
}

/// A length of a style, if it makes sense.
fn length(asked: Option<f64>) -> Option<f64> {
    asked.filter(|length| (0.0..=1000.0).contains(length))
}
