//! The two surfaces that figures are drawn on: pixels for PNG, and SVG.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use tiny_skia::{
    FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, PremultipliedColorU8, Stroke, StrokeDash, Transform,
};

use super::color::Color;
use super::font::Fonts;
use super::geometry::{Point, Rect};
use crate::error::{Error, Result};
use crate::notebook::escape;

/// How a line is drawn. All measures are in points.
#[derive(Debug, Clone, Copy)]
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

    /// The lengths of dashes and of the gaps between them.
    fn dashes(&self) -> (f64, f64) {
        (self.width.max(1.0) * 3.5, self.width.max(1.0) * 2.0)
    }
}

/// How a line of text is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Letters {
    pub(super) size: f64,
    pub(super) bold: bool,
    pub(super) color: Color,
    pub(super) anchor: Anchor,
    /// Reads upwards instead of to the right.
    pub(super) upwards: bool,
}

/// Which part of a text stands at its place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A grid of colored cells, row by row from the top left.
pub(super) struct Cells {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) colors: Vec<Color>,
}

/// What a figure needs of a surface.
pub(super) trait Canvas {
    /// Lines through points.
    fn stroke(&mut self, lines: &[Vec<Point>], pen: Pen);
    /// Filled polygons.
    fn fill(&mut self, polygons: &[Vec<Point>], color: Color, opacity: f64);
    /// Filled circles.
    fn discs(&mut self, centers: &[Point], radius: f64, color: Color, opacity: f64);
    /// A grid of cells that fills a rectangle.
    fn cells(&mut self, area: Rect, cells: &Cells);
    /// A line of text whose baseline goes through `at`.
    fn text(&mut self, at: Point, text: &str, letters: Letters);
}

/// Pixels.
pub(super) struct Raster {
    pixels: Pixmap,
    fonts: Fonts,
    density: f64,
}

impl Raster {
    /// A white surface of this size in points, with `density` pixels to the point.
    pub(super) fn new(width: f64, height: f64, density: f64) -> Result<Self> {
        let mut pixels = Pixmap::new((width * density) as u32, (height * density) as u32)
            .ok_or_else(|| Error::Draw(format!("there is no memory for {width} by {height} points")))?;
        pixels.fill(tiny_skia::Color::WHITE);
        Ok(Self { pixels, fonts: Fonts::new()?, density })
    }

    /// The bytes of a PNG file.
    pub(super) fn finish(self) -> Result<Vec<u8>> {
        self.pixels.encode_png().map_err(|error| Error::Draw(error.to_string()))
    }

    fn fill_path(&mut self, path: Option<Path>, color: Color, opacity: f64, transform: Transform) {
        if let Some(path) = path {
            self.pixels.fill_path(&path, &paint(color, opacity), FillRule::Winding, transform, None);
        }
    }

    fn scale(&self) -> Transform {
        Transform::from_scale(self.density as f32, self.density as f32)
    }
}

impl Canvas for Raster {
    fn stroke(&mut self, lines: &[Vec<Point>], pen: Pen) {
        let (dash, gap) = pen.dashes();
        let stroke = Stroke {
            width: pen.width as f32,
            line_cap: LineCap::Butt,
            line_join: LineJoin::Round,
            dash: if pen.dashed { StrokeDash::new(vec![dash as f32, gap as f32], 0.0) } else { None },
            ..Stroke::default()
        };
        if let Some(path) = path(lines, false) {
            self.pixels.stroke_path(&path, &paint(pen.color, pen.opacity), &stroke, self.scale(), None);
        }
    }

    fn fill(&mut self, polygons: &[Vec<Point>], color: Color, opacity: f64) {
        self.fill_path(path(polygons, true), color, opacity, self.scale());
    }

    fn discs(&mut self, centers: &[Point], radius: f64, color: Color, opacity: f64) {
        for &(x, y) in centers {
            let circle = PathBuilder::from_circle(x as f32, y as f32, radius as f32);
            self.fill_path(circle, color, opacity, self.scale());
        }
    }

    fn cells(&mut self, area: Rect, cells: &Cells) {
        // Each pixel has the color of the cell at its center: edges between cells stay sharp.
        let (width, height) = (self.pixels.width() as usize, self.pixels.height() as usize);
        let pixels = |from: f64, to: f64, limit: usize| {
            let edge = |place: f64| ((place * self.density).round().max(0.0) as usize).min(limit);
            edge(from)..edge(to)
        };
        let (columns, rows) = (pixels(area.left, area.right, width), pixels(area.top, area.bottom, height));
        let cell = |pixel: usize, from: f64, length: f64, count: usize| {
            let fraction = ((pixel as f64 + 0.5) / self.density - from) / length;
            ((fraction * count as f64) as usize).min(count.saturating_sub(1))
        };
        let across: Vec<usize> = columns.clone().map(|x| cell(x, area.left, area.width(), cells.columns)).collect();
        for y in rows {
            let row = cell(y, area.top, area.height(), cells.rows) * cells.columns;
            let line = &mut self.pixels.pixels_mut()[y * width..][columns.clone()];
            for (pixel, column) in line.iter_mut().zip(&across) {
                let color = cells.colors.get(row + column).copied().unwrap_or(Color::LIGHT_GRAY);
                *pixel = premultiplied(color);
            }
        }
    }

    fn text(&mut self, at: Point, text: &str, letters: Letters) {
        let mut outline = Outline { path: PathBuilder::new(), x: 0.0 };
        let shift = |outline: &mut Outline, x: f64| outline.x = x as f32;
        let scale = self.fonts.outline(text, letters.size, letters.bold, &mut outline, shift) as f32;
        let width = self.fonts.width(text, letters.size, letters.bold) as f32;
        let start = match letters.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -width / 2.0,
            Anchor::End => -width,
        };
        let turn = if letters.upwards { -90.0 } else { 0.0 };
        let place = self
            .scale()
            .pre_translate(at.0 as f32, at.1 as f32)
            .pre_rotate(turn)
            .pre_translate(start, 0.0)
            .pre_scale(scale, -scale);
        self.fill_path(outline.path.finish(), letters.color, 1.0, place);
    }
}

fn paint(color: Color, opacity: f64) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color_rgba8(color.red, color.green, color.blue, (opacity.clamp(0.0, 1.0) * 255.0).round() as u8);
    paint
}

fn premultiplied(color: Color) -> PremultipliedColorU8 {
    tiny_skia::ColorU8::from_rgba(color.red, color.green, color.blue, 255).premultiply()
}

fn path(lines: &[Vec<Point>], closed: bool) -> Option<Path> {
    let mut path = PathBuilder::new();
    for line in lines {
        for (index, &(x, y)) in line.iter().enumerate() {
            match index {
                0 => path.move_to(x as f32, y as f32),
                _ => path.line_to(x as f32, y as f32),
            }
        }
        if closed {
            path.close();
        }
    }
    path.finish()
}

/// Takes the outline of one letter after another, each moved to its place.
struct Outline {
    path: PathBuilder,
    x: f32,
}

impl ttf_parser::OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        self.path.move_to(x + self.x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.path.line_to(x + self.x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.path.quad_to(x1 + self.x, y1, x + self.x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.path.cubic_to(x1 + self.x, y1, x2 + self.x, y2, x + self.x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

/// SVG. One point of the figure is one unit.
pub(super) struct Svg {
    text: String,
    /// A picture of cells that could not be packed; reported at the end.
    problem: Option<Error>,
}

impl Svg {
    /// A white surface of this size with a description for those who do not see it.
    pub(super) fn new(width: f64, height: f64, description: &str) -> Self {
        // The bundled letters have the measures of Arial and Helvetica, so that the layout fits those of the viewer.
        let text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" \
             font-family=\"Arial, Helvetica, 'Liberation Sans', Arimo, sans-serif\">\n\
             <desc>{}</desc>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
            escape(description)
        );
        Self { text, problem: None }
    }

    /// The text of an SVG file.
    pub(super) fn finish(mut self) -> Result<String> {
        self.text.push_str("</svg>\n");
        self.problem.map_or(Ok(self.text), Err)
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a `String` does not fail.
        let _ = writeln!(self.text, "{line}");
    }
}

impl Canvas for Svg {
    fn stroke(&mut self, lines: &[Vec<Point>], pen: Pen) {
        let (dash, gap) = pen.dashes();
        let dashes =
            if pen.dashed { format!(" stroke-dasharray=\"{} {}\"", short(dash), short(gap)) } else { "".into() };
        self.line(format_args!(
            "<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" stroke-linejoin=\"round\"{dashes}{}/>",
            path_data(lines, ""),
            pen.color.hex(),
            short(pen.width),
            see_through("stroke", pen.opacity),
        ));
    }

    fn fill(&mut self, polygons: &[Vec<Point>], color: Color, opacity: f64) {
        self.line(format_args!(
            "<path d=\"{}\" fill=\"{}\"{}/>",
            path_data(polygons, "Z"),
            color.hex(),
            see_through("fill", opacity)
        ));
    }

    fn discs(&mut self, centers: &[Point], radius: f64, color: Color, opacity: f64) {
        self.line(format_args!("<g fill=\"{}\"{}>", color.hex(), see_through("fill", opacity)));
        for &(x, y) in centers {
            self.line(format_args!("<circle cx=\"{}\" cy=\"{}\" r=\"{}\"/>", short(x), short(y), short(radius)));
        }
        self.line(format_args!("</g>"));
    }

    fn cells(&mut self, area: Rect, cells: &Cells) {
        match packed(cells) {
            Ok(png) => self.line(format_args!(
                "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" \
                 style=\"image-rendering:pixelated\" href=\"data:image/png;base64,{}\"/>",
                short(area.left),
                short(area.top),
                short(area.width()),
                short(area.height()),
                BASE64.encode(png)
            )),
            Err(error) => self.problem = Some(error),
        }
    }

    fn text(&mut self, (x, y): Point, text: &str, letters: Letters) {
        let anchor = match letters.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let (x, y) = (short(x), short(y));
        let turn = if letters.upwards { format!(" transform=\"rotate(-90 {x} {y})\"") } else { String::new() };
        self.line(format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\" fill=\"{}\"{anchor}{turn}{}>{}</text>",
            short(letters.size),
            letters.color.hex(),
            if letters.bold { " font-weight=\"bold\"" } else { "" },
            escape(text),
        ));
    }
}

/// The cells as a PNG. Each is several pixels wide, so that viewers that smooth pictures leave it nearly sharp.
fn packed(cells: &Cells) -> Result<Vec<u8>> {
    const SHARP: usize = 1000;
    let zoom = (SHARP / cells.columns.max(cells.rows).max(1)).max(1);
    let (width, height) = (cells.columns * zoom, cells.rows * zoom);
    let area = Rect { left: 0.0, top: 0.0, right: width as f64, bottom: height as f64 };
    let mut raster = Raster::new(area.right, area.bottom, 1.0)?;
    raster.cells(area, cells);
    raster.finish()
}

fn path_data(lines: &[Vec<Point>], end: &str) -> String {
    let mut data = String::new();
    for line in lines {
        for (index, &(x, y)) in line.iter().enumerate() {
            let command = if index == 0 { "M" } else { "L" };
            let _ = write!(data, "{command}{} {}", short(x), short(y));
        }
        data.push_str(end);
    }
    data
}

fn see_through(what: &str, opacity: f64) -> String {
    if opacity < 1.0 { format!(" {what}-opacity=\"{}\"", short(opacity.clamp(0.0, 1.0))) } else { String::new() }
}

/// A number to a hundredth, without trailing zeros.
fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}
