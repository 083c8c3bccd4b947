//! A page measured in points, on which everything is drawn with plotters.

use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::{
    Circle, DrawingArea, DrawingBackend, FontDesc, FontFamily, FontStyle, FontTransform, PathElement, Polygon,
    RGBAColor, ShapeStyle, Text,
};
use plotters::style::Color as _;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::cells::{DrawCells, Grid};
use super::font::{Fonts, printed};
use super::geometry::{Point, Rect};
use crate::error::{Error, Result};
use crate::plot::color::Color;

/// Units of our own surfaces along one point: plotters counts in whole units, and these are fine enough.
pub(crate) const UNITS: f64 = 20.0;

/// How a line is drawn. All measures are in points.
#[derive(Clone, Copy)]
pub(super) struct Pen {
    pub(super) color: Color,
    pub(super) width: f64,
    pub(super) opacity: f64,
    pub(super) dashed: bool,
}

impl Pen {
    pub(super) fn new(color: Color, width: f64) -> Self {
        Self { color, width, opacity: 1.0, dashed: false }
    }
}

/// How a line of text is drawn.
#[derive(Clone, Copy)]
pub(super) struct Letters {
    pub(super) size: f64,
    pub(super) bold: bool,
    pub(super) color: Color,
    pub(super) anchor: HPos,
    /// Reads upwards instead of to the right.
    pub(super) upwards: bool,
}

/// The page. Plotters counts in whole units of its backend; this is where points become units.
pub(super) struct Sheet<'a, DB: DrawingBackend> {
    area: &'a DrawingArea<DB, Shift>,
    /// Units to the point.
    unit: f64,
    draw_cells: DrawCells<DB>,
}

impl<'a, DB: DrawingBackend> Sheet<'a, DB> {
    /// A page of at least this size in points that fills the area.
    pub(super) fn new(
        area: &'a DrawingArea<DB, Shift>,
        (width, height): (f64, f64),
        draw_cells: DrawCells<DB>,
    ) -> Self {
        let units = area.dim_in_pixel();
        Self { area, unit: (f64::from(units.0) / width).min(f64::from(units.1) / height), draw_cells }
    }

    /// The size in points.
    pub(super) fn size(&self) -> (f64, f64) {
        let (width, height) = self.area.dim_in_pixel();
        (f64::from(width) / self.unit, f64::from(height) / self.unit)
    }

    fn units(&self, points: f64) -> i32 {
        (points * self.unit).round() as i32
    }

    fn place(&self, (x, y): Point) -> (i32, i32) {
        (self.units(x), self.units(y))
    }

    fn places(&self, points: &[Point]) -> Vec<(i32, i32)> {
        points.iter().map(|at| self.place(*at)).collect()
    }

    /// Draws lines through points.
    pub(super) fn stroke(&self, lines: &[Vec<Point>], pen: Pen) -> Result<()> {
        // Each dash is an element of its own; a line of more dashes than this looks gray in any case.
        const DASHES: f64 = 4000.0;
        if pen.width == 0.0 {
            return Ok(());
        }
        let style = shade(pen.color, pen.opacity).stroke_width(self.units(pen.width).max(1) as u32);
        let (dash, gap) = (pen.width.max(1.0) * 3.5, pen.width.max(1.0) * 2.0);
        for line in lines {
            let points = self.places(line);
            let length: f64 = line.windows(2).map(|ends| (ends[1].0 - ends[0].0).hypot(ends[1].1 - ends[0].1)).sum();
            if pen.dashed && length < DASHES * (dash + gap) {
                let (dash, gap) = (self.units(dash), self.units(gap));
                self.area.draw(&DashedPathElement::new(points, dash, gap, style)).map_err(problem)?;
            } else {
                self.area.draw(&PathElement::new(points, style)).map_err(problem)?;
            }
        }
        Ok(())
    }

    /// Fills polygons.
    pub(super) fn fill(&self, polygons: &[Vec<Point>], color: Color, opacity: f64) -> Result<()> {
        polygons.iter().try_for_each(|polygon| {
            self.area.draw(&Polygon::new(self.places(polygon), shade(color, opacity))).map_err(problem)
        })
    }

    /// Fills circles.
    pub(super) fn discs(&self, centers: &[Point], radius: f64, color: Color, opacity: f64) -> Result<()> {
        let (radius, style) = (self.units(radius), shade(color, opacity));
        centers.iter().try_for_each(|at| self.area.draw(&Circle::new(self.place(*at), radius, style)).map_err(problem))
    }

    /// Fills a rectangle with colored cells, row by row from the top left.
    pub(super) fn cells(&self, area: Rect, columns: usize, colors: &[Color]) -> Result<()> {
        let rows = colors.len() / columns;
        let x = |column: usize| area.left + area.width() * column as f64 / columns as f64;
        let y = |row: usize| area.top + area.height() * row as f64 / rows as f64;
        let across = (0..=columns).map(|column| self.place((x(column), area.top)));
        let down = (0..=rows).map(|row| self.place((area.left, y(row))));
        let edges = across.chain(down).collect();
        self.area.draw(&Grid { edges, columns, colors, draw: self.draw_cells }).map_err(problem)
    }

    /// Draws a line of text whose baseline goes through `at`.
    pub(super) fn text(&self, (x, y): Point, text: &str, letters: Letters) -> Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        // Plotters has no anchor on the baseline: `Center` is half an x-height above it.
        let rise = letters.size * Fonts::X_HEIGHT / 2.0;
        let (at, turn) = match letters.upwards {
            true => ((x - rise, y), FontTransform::Rotate270),
            false => ((x, y - rise), FontTransform::None),
        };
        let style = if letters.bold { FontStyle::Bold } else { FontStyle::Normal };
        let size = letters.size * self.unit * Fonts::LINE_HEIGHT;
        let font = FontDesc::new(FontFamily::SansSerif, size, style).transform(turn);
        let style = font.color(&rgba(letters.color, 1.0)).pos(Pos::new(letters.anchor, VPos::Center));
        self.area.draw(&Text::new(printed(text), self.place(at), style)).map_err(problem)
    }
}

fn rgba(color: Color, opacity: f64) -> RGBAColor {
    // NaN is opaque.
    RGBAColor(color.red, color.green, color.blue, if opacity < 1.0 { opacity.max(0.0) } else { 1.0 })
}

fn shade(color: Color, opacity: f64) -> ShapeStyle {
    rgba(color, opacity).filled()
}

fn problem(error: impl std::error::Error) -> Error {
    Error::Draw(error.to_string())
}
