//! Where panels and their ticks stand, and how much room legends take.

use super::axes::Axes;
use super::font::Fonts;
use super::geometry::Rect;
use super::sizes::{
    BAR, CAPITAL, GAP, LABEL_SIZE, LEGEND_GAP, LEGEND_LINE, LETTER_SIZE, SWATCH, TICK, TICK_SIZE, TITLE_SIZE,
};
use super::ticks::Scale;
use crate::plot::color::Color;
use crate::plot::figure::Figure;
use crate::plot::panel::Mark;
use crate::plot::style::{Legend, Style};

/// Between the panels of a grid.
const GUTTER: f64 = 14.0;

/// How much room the labels of a panel take on each side of its axes.
#[derive(Clone, Copy, Default)]
pub(super) struct Insets {
    left: f64,
    top: f64,
    pub(super) right: f64,
    bottom: f64,
}

/// The cell of each panel in the grid and, within it, the rectangle of its axes. Axes in one row or column line up.
pub(super) fn layout(figure: &Figure, axes: &[Axes<'_>], page: Rect, fonts: &Fonts) -> Vec<(Rect, Rect)> {
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

pub(super) fn insets(axes: &Axes<'_>, area: Rect, letters: bool, fonts: &Fonts) -> Insets {
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

pub(super) fn y_ticks(axes: &Axes<'_>, height: f64) -> Vec<(f64, String)> {
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
pub(super) fn x_ticks(axes: &Axes<'_>, width: f64, fonts: &Fonts) -> Vec<(f64, String)> {
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

pub(super) fn bar_ticks(scale: Scale, height: f64) -> Vec<(f64, String)> {
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
pub(super) fn legend_entries<'a>(axes: &'a Axes<'_>, fonts: &Fonts) -> Vec<Entry<'a>> {
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

pub(super) fn legend_width(axes: &Axes<'_>, fonts: &Fonts) -> f64 {
    let widths = legend_entries(axes, fonts).into_iter().map(|(_, label)| fonts.width(&label, TICK_SIZE, false));
    let widest = widths.fold(0.0_f64, f64::max);
    if widest > 0.0 { SWATCH + 6.0 + widest } else { 0.0 }
}
