//! PNG: paths painted by tiny-skia, with smooth lines. The cells of a heatmap are the exception: their edges are put on whole
//! pixels, so that they meet without seams.

use plotters::prelude::IntoDrawingArea;
use plotters_backend::BackendColor;
use png::{BitDepth, ColorType, Encoder, PixelDimensions, Unit};
use tiny_skia::{FillRule, LineJoin, Paint, Path, Pixmap, Rect, Stroke, Transform};

use super::paths::{Paths, Surface};
use crate::error::{Error, Result};
use crate::memory;
use crate::plot::draw;
use crate::plot::draw::cells::Cells;
use crate::plot::draw::sheet::UNITS;
use crate::plot::figure::Figure;

/// Pixels along one point of the figure: sharp on high-density screens and, at 96 points to the inch, in print.
const DENSITY: f64 = 2.0;
/// The most square points of a picture: a poster has fewer, and more take a gigabyte and half a minute.
const MOST: f64 = 2.5e7;

/// The figure as the bytes of a PNG file.
pub(super) fn file(figure: &Figure, (width, height): (f64, f64)) -> Result<Vec<u8>> {
    if width * height > MOST {
        let expected =
            format!("at most {MOST:e} square points, as 5000 by 5000, as a PNG; an SVG or a PDF may be larger");
        return Err(Error::argument("size", expected, format!("{width} by {height}")));
    }
    // The canvas, its colors without their opacity, and the file, which in the worst case is as long.
    let needed = (width * DENSITY * height * DENSITY * 10.0) as u64;
    memory::check(
        format!("a PNG of {width} by {height} points"),
        needed,
        "make it smaller, or save it as an SVG or a PDF",
    )?;
    let mut pixels = Pixmap::new((width * DENSITY) as u32, (height * DENSITY) as u32)
        .ok_or_else(|| Error::Draw(format!("there is no memory for {width} by {height} points")))?;
    pixels.fill(tiny_skia::Color::WHITE);
    let mut raster = Raster { pixels, scale: (DENSITY / UNITS) as f32 };
    draw::figure(figure, &Paths::new(&mut raster)?.into_drawing_area(), Paths::cells)?;
    encode(&raster.pixels).map_err(|error| Error::Draw(error.to_string()))
}

/// The file says how large the picture is in print, so that text programs set it at the size that was asked for.
fn encode(pixels: &Pixmap) -> Result<Vec<u8>, png::EncodingError> {
    let to_the_meter = (96.0 * DENSITY / 0.0254).round() as u32;
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, pixels.width(), pixels.height());
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_pixel_dims(Some(PixelDimensions { xppu: to_the_meter, yppu: to_the_meter, unit: Unit::Meter }));
    // The page is opaque.
    let colors: Vec<u8> = pixels.pixels().iter().flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]).collect();
    encoder.write_header()?.write_image_data(&colors)?;
    Ok(file)
}

struct Raster {
    pixels: Pixmap,
    /// Pixels to the unit.
    scale: f32,
}

impl Raster {
    fn transform(&self) -> Transform {
        Transform::from_scale(self.scale, self.scale)
    }
}

impl Surface for Raster {
    fn size(&self) -> (u32, u32) {
        let units = |pixels: u32| (pixels as f32 / self.scale).round() as u32;
        (units(self.pixels.width()), units(self.pixels.height()))
    }

    fn fill(&mut self, path: Path, place: Transform, color: BackendColor) {
        let transform = self.transform().pre_concat(place);
        self.pixels.fill_path(&path, &paint(color), FillRule::Winding, transform, None);
    }

    fn stroke(&mut self, path: &Path, width: f32, color: BackendColor) {
        let stroke = Stroke { width, line_join: LineJoin::Round, ..Stroke::default() };
        self.pixels.stroke_path(path, &paint(color), &stroke, self.transform(), None);
    }

    fn cells(&mut self, cells: &Cells<'_>) {
        let edge = |units: i32| (units as f32 * self.scale).round();
        for (from, to, color) in cells.runs() {
            if let Some(rect) = Rect::from_ltrb(edge(from.0), edge(from.1), edge(to.0), edge(to.1)) {
                let paint = Paint { anti_alias: false, ..paint(color) };
                self.pixels.fill_rect(rect, &paint, Transform::identity(), None);
            }
        }
    }
}

fn paint(BackendColor { alpha, rgb: (red, green, blue) }: BackendColor) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color_rgba8(red, green, blue, (alpha * 255.0).round() as u8);
    paint
}
