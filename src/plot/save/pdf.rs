//! PDF: one page of the figure's size, with lines and letters as paths, so that it looks the same everywhere.

use miniz_oxide::deflate::compress_to_vec_zlib;
use pdf_writer::types::LineJoinStyle;
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, TextStr};
use plotters::prelude::IntoDrawingArea;
use plotters_backend::BackendColor;
use tiny_skia::{Path, PathSegment, Transform};

use super::paths::{Paths, Surface};
use crate::error::Result;
use crate::plot::draw;
use crate::plot::draw::cells::Cells;
use crate::plot::draw::sheet::UNITS;
use crate::plot::figure::Figure;

/// Points of a PDF, 72 to the inch, along one point of a figure, of which there are 96.
const POINT: f64 = 0.75;
const COMPRESSION: u8 = 6;

/// The figure as the bytes of a PDF file.
pub(super) fn file(figure: &Figure, (width, height): (f64, f64)) -> Result<Vec<u8>> {
    let mut page = Page {
        size: ((width * UNITS) as u32, (height * UNITS) as u32),
        content: Content::new(),
        opacities: Vec::new(),
        images: Vec::new(),
    };
    let (width, height) = ((width * POINT) as f32, (height * POINT) as f32);
    // From units with y downwards to points with y upwards.
    let scale = (POINT / UNITS) as f32;
    page.content.transform([scale, 0.0, 0.0, -scale, 0.0, height]).set_line_join(LineJoinStyle::RoundJoin);
    draw::figure(figure, &Paths::new(&mut page)?.into_drawing_area(), Paths::cells)?;

    let mut numbers = (1..).map(Ref::new);
    let mut next = || numbers.next().unwrap_or(Ref::new(1));
    let [catalog, tree, sheet, content, information] = [(); 5].map(|()| next());
    let images: Vec<Ref> = page.images.iter().map(|_| next()).collect();
    let states: Vec<Ref> = page.opacities.iter().map(|_| next()).collect();

    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(tree);
    pdf.pages(tree).kids([sheet]).count(1);
    pdf.document_info(information).title(TextStr(&figure.title)).creator(TextStr("psychrnn"));
    let mut object = pdf.page(sheet);
    object.media_box(Rect::new(0.0, 0.0, width, height)).parent(tree).contents(content);
    let mut resources = object.resources();
    let mut pairs = resources.x_objects();
    for (number, image) in images.iter().enumerate() {
        pairs.pair(Name(name("I", number).as_bytes()), image);
    }
    pairs.finish();
    let mut pairs = resources.ext_g_states();
    for (number, state) in states.iter().enumerate() {
        pairs.pair(Name(name("G", number).as_bytes()), state);
    }
    pairs.finish();
    resources.finish();
    object.finish();

    pdf.stream(content, &compress_to_vec_zlib(&page.content.finish(), COMPRESSION)).filter(Filter::FlateDecode);
    for (reference, Image { columns, rows, colors }) in images.into_iter().zip(&page.images) {
        let mut image = pdf.image_xobject(reference, colors);
        image.filter(Filter::FlateDecode);
        image.width(*columns as i32).height(*rows as i32).bits_per_component(8).interpolate(false);
        image.color_space().device_rgb();
    }
    for (reference, opacity) in states.into_iter().zip(page.opacities) {
        let opacity = f32::from(opacity) / 255.0;
        pdf.ext_graphics(reference).non_stroking_alpha(opacity).stroking_alpha(opacity);
    }
    Ok(pdf.finish())
}

fn name(kind: &str, number: usize) -> String {
    format!("{kind}{number}")
}

struct Page {
    size: (u32, u32),
    content: Content,
    /// The opacities in use, of 255.
    opacities: Vec<u8>,
    images: Vec<Image>,
}

struct Image {
    columns: usize,
    rows: usize,
    /// Three bytes for each cell, compressed.
    colors: Vec<u8>,
}

impl Page {
    fn opacity(&mut self, alpha: f64) {
        let opacity = (alpha * 255.0).round() as u8;
        let number = self.opacities.iter().position(|known| *known == opacity).unwrap_or_else(|| {
            self.opacities.push(opacity);
            self.opacities.len() - 1
        });
        self.content.set_parameters(Name(name("G", number).as_bytes()));
    }

    fn path(&mut self, path: &Path) {
        let mut at = tiny_skia::Point::default();
        for segment in path.segments() {
            match segment {
                PathSegment::MoveTo(to) => drop(self.content.move_to(to.x, to.y)),
                PathSegment::LineTo(to) => drop(self.content.line_to(to.x, to.y)),
                // PDF has cubic curves only.
                PathSegment::QuadTo(by, to) => {
                    let third = |a: f32, b: f32| a + (b - a) * 2.0 / 3.0;
                    let (x1, y1) = (third(at.x, by.x), third(at.y, by.y));
                    let (x2, y2) = (third(to.x, by.x), third(to.y, by.y));
                    self.content.cubic_to(x1, y1, x2, y2, to.x, to.y);
                }
                PathSegment::CubicTo(by, and, to) => {
                    self.content.cubic_to(by.x, by.y, and.x, and.y, to.x, to.y);
                }
                PathSegment::Close => drop(self.content.close_path()),
            }
            if let PathSegment::MoveTo(to)
            | PathSegment::LineTo(to)
            | PathSegment::QuadTo(_, to)
            | PathSegment::CubicTo(_, _, to) = segment
            {
                at = to;
            }
        }
    }
}

impl Surface for Page {
    fn size(&self) -> (u32, u32) {
        self.size
    }

    fn fill(&mut self, path: Path, place: Transform, color: BackendColor) {
        let Some(path) = path.transform(place) else { return };
        self.opacity(color.alpha);
        let [red, green, blue] = rgb(color);
        self.content.set_fill_rgb(red, green, blue);
        self.path(&path);
        self.content.fill_nonzero();
    }

    fn stroke(&mut self, path: &Path, width: f32, color: BackendColor) {
        self.opacity(color.alpha);
        let [red, green, blue] = rgb(color);
        self.content.set_stroke_rgb(red, green, blue).set_line_width(width);
        self.path(path);
        self.content.stroke();
    }

    fn cells(&mut self, cells: &Cells<'_>) {
        self.opacity(1.0);
        let ends = |edges: &[i32]| (edges[0] as f32, edges[edges.len() - 1] as f32);
        let ((left, right), (top, bottom)) = (ends(&cells.x), ends(&cells.y));
        // An image fills the unit square, upside down for us.
        self.content.save_state().transform([right - left, 0.0, 0.0, top - bottom, left, bottom]);
        self.content.x_object(Name(name("I", self.images.len()).as_bytes())).restore_state();
        let bytes: Vec<u8> = cells.colors.iter().flat_map(|color| [color.red, color.green, color.blue]).collect();
        let (columns, colors) = (cells.columns(), compress_to_vec_zlib(&bytes, COMPRESSION));
        self.images.push(Image { columns, rows: cells.colors.len() / columns, colors });
    }
}

fn rgb(color: BackendColor) -> [f32; 3] {
    [color.rgb.0, color.rgb.1, color.rgb.2].map(|part| f32::from(part) / 255.0)
}
