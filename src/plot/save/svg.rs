//! SVG: what plotters draws, in a document with the figure's size, font and pictures.

use std::collections::HashMap;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use plotters::prelude::{IntoDrawingArea, SVGBackend};

use crate::error::{Error, Result};
use crate::notebook::escape;
use crate::plot::color::Color;
use crate::plot::draw;
use crate::plot::draw::sheet::Picture;
use crate::plot::figure::{Figure, UNITS};

/// The figure as the text of an SVG file.
pub(crate) fn text(figure: &Figure, (width, height): (f64, f64)) -> Result<String> {
    let (across, down) = (width * UNITS, height * UNITS);
    let mut drawn = String::new();
    let mut pictures = Vec::new();
    let area = SVGBackend::with_string(&mut drawn, (across as u32, down as u32)).into_drawing_area();
    draw::figure(figure, (width, height), &area, Some(&mut pictures))?;
    drop(area);

    // The bundled letters have the measures of Arial and Helvetica, so that the layout fits those of the viewer.
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {across} {down}\" \
         font-family=\"Arial, Helvetica, Liberation Sans, Arimo, sans-serif\" stroke-linejoin=\"round\">\n\
         <desc>{}</desc>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
        escape(&figure.to_string())
    );
    // Plotters can put pictures into SVG only pixel by pixel. Nothing is ever below them, so they come first.
    for picture in &pictures {
        let (x, y) = (picture.area.left * UNITS, picture.area.top * UNITS);
        let (width, height) = (picture.area.width() * UNITS, picture.area.height() * UNITS);
        // Writing to a `String` does not fail.
        let _ = writeln!(
            text,
            "<image x=\"{x:.0}\" y=\"{y:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" preserveAspectRatio=\"none\" \
             style=\"image-rendering:pixelated\" href=\"data:image/png;base64,{}\"/>",
            BASE64.encode(png(picture)?)
        );
    }
    // The first line is plotters' header. A label stands on a line of its own: some viewers would show that as spaces.
    for line in drawn.lines().skip(1) {
        text.push_str(&line.replace(" font-family=\"sans-serif\"", ""));
        if line.starts_with('<') && !line.starts_with("<text") {
            text.push('\n');
        }
    }
    Ok(text)
}

/// The cells as a PNG with a palette: a byte for each cell, before compression. Cells of small matrices are several pixels
/// wide, so that viewers that smooth pictures leave them nearly sharp.
fn png(Picture { columns, colors, .. }: &Picture) -> Result<Vec<u8>> {
    const SHARP: usize = 400;
    let rows = colors.len() / columns;
    let zoom = SHARP.div_ceil(rows.max(*columns));
    let mut palette = colors.clone();
    palette.sort_unstable_by_key(|color| (color.red, color.green, color.blue));
    palette.dedup();
    let numbers: HashMap<Color, u8> = palette.iter().copied().zip(0..=u8::MAX).collect();
    let cells: Vec<u8> = colors.iter().map(|color| numbers.get(color).copied().unwrap_or_default()).collect();
    let wide = |row: &[u8]| row.iter().flat_map(|cell| std::iter::repeat_n(*cell, zoom)).collect::<Vec<u8>>();
    let pixels: Vec<u8> = cells.chunks(*columns).flat_map(|row| wide(row).repeat(zoom)).collect();

    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, (columns * zoom) as u32, (rows * zoom) as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_palette(palette.iter().flat_map(|color| [color.red, color.green, color.blue]).collect::<Vec<u8>>());
    encoder.set_filter(png::Filter::NoFilter);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels));
    written.map_err(|error| Error::Draw(error.to_string()))?;
    Ok(file)
}
