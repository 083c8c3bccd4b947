//! PNG: a plotters backend on a tiny-skia pixmap.
//!
//! Plotters' own bitmap backend draws lines wider than a pixel without antialiasing, and sets letters side by side
//! without their left bearings and kerning. This one gives smooth lines and the letters of the bundled font, wherever it
//! runs. Rectangles are the exception: their edges are put on whole pixels, so that the cells of a heatmap meet without
//! seams.

use std::convert::Infallible;

use plotters::prelude::{DrawingBackend, FontStyle, FontTransform, IntoDrawingArea};
use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingErrorKind};
use tiny_skia::{FillRule, LineJoin, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, Transform};

use super::figure::{Figure, UNITS};
use super::font::Fonts;
use crate::error::{Error, Result};

/// Pixels along one point of the figure: sharp on high-density screens and, at 96 points to the inch, in print.
const DENSITY: f64 = 2.0;

/// The figure as the bytes of a PNG file.
pub(super) fn png(figure: &Figure, (width, height): (f64, f64)) -> Result<Vec<u8>> {
    let mut pixels = Pixmap::new((width * DENSITY) as u32, (height * DENSITY) as u32)
        .ok_or_else(|| Error::Draw(format!("there is no memory for {width} by {height} points")))?;
    pixels.fill(tiny_skia::Color::WHITE);
    let raster = Raster { pixels: &mut pixels, fonts: Fonts::new()?, scale: (DENSITY / UNITS) as f32 };
    figure.draw(&raster.into_drawing_area())?;
    pixels.encode_png().map_err(|error| Error::Draw(error.to_string()))
}

struct Raster<'a> {
    pixels: &'a mut Pixmap,
    fonts: Fonts,
    /// Pixels to the unit.
    scale: f32,
}

type Drawn = std::result::Result<(), DrawingErrorKind<Infallible>>;

impl Raster<'_> {
    fn transform(&self) -> Transform {
        Transform::from_scale(self.scale, self.scale)
    }

    /// Fills a path, or draws its outline.
    fn path(&mut self, path: Option<Path>, style: &impl BackendStyle, fill: bool) -> Drawn {
        if let Some(path) = path {
            let (paint, transform) = (paint(style.color()), self.transform());
            if fill {
                self.pixels.fill_path(&path, &paint, FillRule::Winding, transform, None);
            } else {
                let width = style.stroke_width() as f32;
                let stroke = Stroke { width, line_join: LineJoin::Round, ..Stroke::default() };
                self.pixels.stroke_path(&path, &paint, &stroke, transform, None);
            }
        }
        Ok(())
    }
}

impl DrawingBackend for Raster<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        let units = |pixels: u32| (pixels as f32 / self.scale).round() as u32;
        (units(self.pixels.width()), units(self.pixels.height()))
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn {
        self.fill_polygon([(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)], &color)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S, fill: bool) -> Drawn {
        if !fill {
            return self.draw_path([from, (to.0, from.1), to, (from.0, to.1), from], style);
        }
        let edge = |units: i32| (units as f32 * self.scale).round();
        if let Some(rect) = Rect::from_ltrb(edge(from.0), edge(from.1), edge(to.0), edge(to.1)) {
            let paint = Paint { anti_alias: false, ..paint(style.color()) };
            self.pixels.fill_rect(rect, &paint, Transform::identity(), None);
        }
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, points: I, style: &S) -> Drawn {
        self.path(lines(points).finish(), style, false)
    }

    fn draw_circle<S: BackendStyle>(&mut self, (x, y): BackendCoord, radius: u32, style: &S, fill: bool) -> Drawn {
        self.path(PathBuilder::from_circle(x as f32, y as f32, radius as f32), style, fill)
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, corners: I, style: &S) -> Drawn {
        self.path(lines(corners).finish(), style, true)
    }

    /// Places text as the SVG backend of plotters does.
    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Drawn {
        let (size, bold) = (style.size() / Fonts::LINE_HEIGHT, matches!(style.style(), FontStyle::Bold));
        let left = match style.anchor().h_pos {
            HPos::Left => 0.0,
            HPos::Center => -0.5,
            HPos::Right => -1.0,
        };
        let down = match style.anchor().v_pos {
            VPos::Top => 0.76,
            VPos::Center => Fonts::X_HEIGHT / 2.0,
            VPos::Bottom => -Fonts::X_HEIGHT / 2.0,
        };
        let turn = match style.transform() {
            FontTransform::None => 0.0,
            FontTransform::Rotate90 => 90.0,
            FontTransform::Rotate180 => 180.0,
            FontTransform::Rotate270 => 270.0,
        };
        let mut outline = Outline { path: PathBuilder::new(), x: 0.0 };
        let shift = |outline: &mut Outline, x: f64| outline.x = x as f32;
        let scale = self.fonts.outline(text, size, bold, &mut outline, shift) as f32;
        let place = self
            .transform()
            .pre_translate(x as f32, y as f32)
            .pre_rotate(turn)
            .pre_translate((left * self.fonts.width(text, size, bold)) as f32, (down * size) as f32)
            .pre_scale(scale, -scale);
        if let Some(path) = outline.path.finish() {
            self.pixels.fill_path(&path, &paint(style.color()), FillRule::Winding, place, None);
        }
        Ok(())
    }
}

fn paint(BackendColor { alpha, rgb: (red, green, blue) }: BackendColor) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color_rgba8(red, green, blue, (alpha * 255.0).round() as u8);
    paint
}

fn lines(points: impl IntoIterator<Item = BackendCoord>) -> PathBuilder {
    let mut path = PathBuilder::new();
    for (x, y) in points {
        match path.is_empty() {
            true => path.move_to(x as f32, y as f32),
            false => path.line_to(x as f32, y as f32),
        }
    }
    path
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
