//! What is on the axes: lines, points, bands, pictures.

use plotters::prelude::DrawingBackend;

use super::axes::color_range;
use super::geometry::{Point, Rect, thin};
use super::sheet::{Letters, Pen};
use super::sizes::{SHADES, TICK_SIZE};
use super::ticks::Scale;
use super::{Painter, letters};
use crate::error::Result;
use crate::plot::color::Color;
use crate::plot::panel::{Heatmap, Mark};
use crate::plot::style::{Marker, Style};

/// The width of the strips of colors beside a heatmap, which have room before the color bar and below the title.
const STRIP: f64 = 4.0;

impl<DB: DrawingBackend> Painter<'_, '_, DB> {
    pub(super) fn layer(&self, mark: &Mark) -> usize {
        match mark {
            Mark::Heatmap(_) => 0,
            Mark::Shade { .. } | Mark::Band { .. } => 1,
            Mark::VLine { .. } | Mark::HLine { .. } => 2,
            Mark::Line { .. } => 3,
            Mark::Intervals { .. } => 4,
            Mark::Points { .. } | Mark::Text { .. } => 5,
        }
    }

    pub(super) fn mark(&self, mark: &Mark, color: Color) -> Result<()> {
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

    pub(super) fn x(&self, value: f64) -> Option<f64> {
        self.axes.x.fraction(value).map(|fraction| self.area.left + fraction * self.area.width())
    }

    pub(super) fn y(&self, value: f64) -> Option<f64> {
        self.axes.y.fraction(value).map(|fraction| self.area.bottom - fraction * self.area.height())
    }

    /// The places of points, in runs without gaps.
    pub(super) fn runs(&self, x: &[f64], y: &[f64]) -> Vec<Vec<Point>> {
        let places: Vec<Option<Point>> = x.iter().zip(y).map(|(x, y)| self.x(*x).zip(self.y(*y))).collect();
        let runs = places.split(Option::is_none).map(|run| run.iter().flatten().copied().collect());
        runs.filter(|run: &Vec<Point>| !run.is_empty()).collect()
    }

    fn line(&self, x: &[f64], y: &[f64], pen: Pen) -> Result<()> {
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

    fn rule(&self, ends: Option<[Point; 2]>, pen: Pen) -> Result<()> {
        ends.map_or(Ok(()), |ends| self.sheet.stroke(&self.area.clip_line(&ends), pen))
    }

    pub(super) fn points(&self, places: &[Point], style: &Style, color: Color) -> Result<()> {
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

    fn intervals(&self, x: &[f64], low: &[f64], high: &[f64], pen: Pen) -> Result<()> {
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

    fn band(&self, x: &[f64], low: &[f64], high: &[f64], color: Color, opacity: f64) -> Result<()> {
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

    fn heatmap(&self, map: &Heatmap) -> Result<()> {
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
        let color = |cell: usize| {
            let fraction = scale.fraction(map.cells[cell]).unwrap_or(f64::NAN);
            map.colormap.color((fraction * SHADES).round() / SHADES)
        };
        self.sheet.cells(area, columns, &cells.map(color).collect::<Vec<_>>())?;
        if !map.row_colors.is_empty() {
            let strip = Rect { left: self.area.right + 2.0, right: self.area.right + 2.0 + STRIP, ..area };
            let colors: Vec<Color> = down.iter().map(|row| map.row_colors[*row]).collect();
            self.sheet.cells(strip, 1, &colors)?;
        }
        if !map.column_colors.is_empty() {
            let strip = Rect { top: self.area.top - 2.0 - STRIP, bottom: self.area.top - 2.0, ..area };
            let colors: Vec<Color> = across.iter().map(|column| map.column_colors[*column]).collect();
            self.sheet.cells(strip, columns, &colors)?;
        }
        Ok(())
    }
}

pub(super) fn pen(style: &Style, color: Color, width: f64) -> Pen {
    let width = length(style.width).unwrap_or(width);
    Pen { opacity: style.opacity.unwrap_or(1.0), dashed: style.dashed, ..Pen::new(color, width) }
}

/// A length of a style, if it makes sense.
pub(super) fn length(asked: Option<f64>) -> Option<f64> {
    asked.filter(|length| (0.0..=1000.0).contains(length))
}
