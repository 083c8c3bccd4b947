//! SVG: letters are text, and the cells of a heatmap a small PNG within.

use std::collections::HashMap;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use plotters::prelude::{DrawingBackend, IntoDrawingArea};
use plotters::style::text_anchor::HPos;
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingErrorKind};
use png::EncodingError;

use super::text::TextLine;
use crate::error::Result;
use crate::notebook::escape;
use crate::plot::color::Color;
use crate::plot::draw;
use crate::plot::draw::cells::{Cells, Drawn};
use crate::plot::draw::sheet::UNITS;
use crate::plot::figure::Figure;

/// The figure as the text of an SVG file.
pub(super) fn file(figure: &Figure, (width, height): (f64, f64)) -> Result<String> {
    let size = ((width * UNITS) as u32, (height * UNITS) as u32);
    // The bundled letters have the measures of Arial and Helvetica, so that the layout fits those of the viewer.
    let text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {} {}\" \
         font-family=\"Arial, Helvetica, Liberation Sans, Arimo, sans-serif\" stroke-linejoin=\"round\">\n\
         <desc>{}</desc>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
        size.0,
        size.1,
        escape(&figure.to_string())
    );
    let mut document = Document { size, text };
    draw::figure(figure, &(&mut document).into_drawing_area(), |document, cells| document.cells(cells))?;
    document.text.push_str("</svg>\n");
    Ok(document.text)
}

struct Document {
    size: (u32, u32),
    text: String,
}

impl Document {
    /// Writes an element, unless it is not seen.
    fn element(&mut self, what: &str, color: BackendColor) {
        let opacity = if color.alpha < 1.0 { format!(" opacity=\"{}\"", color.alpha) } else { String::new() };
        if color.alpha > 0.0 {
            // Writing to a `String` does not fail.
            let _ = writeln!(self.text, "<{what}{opacity}/>");
        }
    }

    fn cells(&mut self, cells: &Cells<'_>) -> std::result::Result<(), DrawingErrorKind<EncodingError>> {
        let ends = |edges: &[i32]| (edges[0], edges[edges.len() - 1]);
        let ((left, right), (top, bottom)) = (ends(&cells.x), ends(&cells.y));
        let _ = writeln!(
            self.text,
            "<image x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" \
             style=\"image-rendering:pixelated\" href=\"data:image/png;base64,{}\"/>",
            right - left,
            bottom - top,
            BASE64.encode(png(cells).map_err(DrawingErrorKind::DrawingError)?)
        );
        Ok(())
    }
}

impl DrawingBackend for &mut Document {
    type ErrorType = EncodingError;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn<Self> {
        Ok(())
    }

    fn present(&mut self) -> Drawn<Self> {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn<Self> {
        self.draw_rect((x, y), (x + 1, y + 1), &color, true)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn<Self> {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn<Self> {
        let (width, height) = (right - left, bottom - top);
        let rect = format!("rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\"{}", paint(style, fill));
        self.element(&rect, style.color());
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn<Self> {
        self.element(&format!("polyline points=\"{}\"{}", points(path), paint(style, false)), style.color());
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn<Self> {
        self.element(&format!("circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"{}", paint(style, fill)), style.color());
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Drawn<Self> {
        self.element(&format!("polygon points=\"{}\"{}", points(corners), paint(style, true)), style.color());
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Drawn<Self> {
        let TextLine { size, bold, anchor, down, turned } = TextLine::new(style);
        let anchor = match anchor {
            HPos::Left => "",
            HPos::Center => " text-anchor=\"middle\"",
            HPos::Right => " text-anchor=\"end\"",
        };
        let weight = if bold { " font-weight=\"bold\"" } else { "" };
        let turn = if turned == 0.0 { String::new() } else { format!(" transform=\"rotate({turned}, {x}, {y})\"") };
        let _ = writeln!(
            self.text,
            "<text x=\"{x}\" y=\"{:.0}\"{anchor} font-size=\"{}\"{weight} fill=\"{}\"{turn}>{}</text>",
            f64::from(y) + down,
            (size * 100.0).round() / 100.0,
            hex(style.color()),
            escape(text)
        );
        Ok(())
    }
}

fn points(path: impl IntoIterator<Item = BackendCoord>) -> String {
    path.into_iter().map(|(x, y)| format!("{x},{y}")).collect::<Vec<_>>().join(" ")
}

/// How a shape is filled, or its outline drawn.
fn paint(style: &impl BackendStyle, fill: bool) -> String {
    let color = hex(style.color());
    match fill {
        true => format!(" fill=\"{color}\""),
        false => format!(" fill=\"none\" stroke=\"{color}\" stroke-width=\"{}\"", style.stroke_width()),
    }
}

fn hex(BackendColor { rgb: (red, green, blue), .. }: BackendColor) -> String {
    Color::rgb(red, green, blue).hex()
}

/// The cells as a PNG with a palette: a byte for each cell, before compression. Cells of small matrices are several pixels
/// wide, so that viewers that smooth pictures leave them nearly sharp.
fn png(cells: &Cells<'_>) -> std::result::Result<Vec<u8>, EncodingError> {
    const SHARP: usize = 400;
    let (columns, colors) = (cells.columns(), cells.colors);
    let rows = colors.len() / columns;
    let zoom = SHARP.div_ceil(rows.max(columns));
    let mut palette = colors.to_vec();
    palette.sort_unstable_by_key(|color| (color.red, color.green, color.blue));
    palette.dedup();
    let numbers: HashMap<Color, u8> = palette.iter().copied().zip(0..=u8::MAX).collect();
    let cells: Vec<u8> = colors.iter().map(|color| numbers.get(color).copied().unwrap_or_default()).collect();
    let wide = |row: &[u8]| row.iter().flat_map(|cell| std::iter::repeat_n(*cell, zoom)).collect::<Vec<u8>>();
    let pixels: Vec<u8> = cells.chunks(columns).flat_map(|row| wide(row).repeat(zoom)).collect();

    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, (columns * zoom) as u32, (rows * zoom) as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_palette(palette.iter().flat_map(|color| [color.red, color.green, color.blue]).collect::<Vec<u8>>());
    encoder.set_filter(png::Filter::NoFilter);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(file)
}
