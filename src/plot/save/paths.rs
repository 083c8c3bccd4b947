//! A backend of plotters that makes a path of everything, letters included, and hands it to what paints paths: `raster`
//! and `pdf`.
//!
//! Plotters' own bitmap backend draws lines wider than a pixel without antialiasing, and sets letters side by side
//! without their left bearings and kerning. This one gives the letters of the bundled font, wherever it runs, and others as the
//! machine has them.

use std::convert::Infallible;

use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::HPos;
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle};
use tiny_skia::{Path, PathBuilder, Transform};

use super::text::TextLine;
use crate::error::Result;
use crate::plot::draw::cells::{Cells, Drawn};
use crate::plot::draw::font::Fonts;

/// What paints paths. Lengths are units of the figure, y downwards.
pub(super) trait Surface {
    /// The size.
    fn size(&self) -> (u32, u32);

    /// Fills a path that is put in its place by `place`.
    fn fill(&mut self, path: Path, place: Transform, color: BackendColor);

    /// Draws along a path; corners are round.
    fn stroke(&mut self, path: &Path, width: f32, color: BackendColor);

    /// Draws cells, which must meet without seams.
    fn cells(&mut self, cells: &Cells<'_>);
}

/// The backend.
pub(super) struct Paths<'a, S> {
    surface: &'a mut S,
    fonts: Fonts,
}

impl<'a, S: Surface> Paths<'a, S> {
    pub(super) fn new(surface: &'a mut S) -> Result<Self> {
        Ok(Self { surface, fonts: Fonts::new()? })
    }

    pub(super) fn cells(&mut self, cells: &Cells<'_>) -> Drawn<Self> {
        self.surface.cells(cells);
        Ok(())
    }

    /// Fills a path, or draws its outline.
    fn path(&mut self, path: Option<Path>, style: &impl BackendStyle, fill: bool) -> Drawn<Self> {
        match path {
            Some(path) if fill => self.surface.fill(path, Transform::identity(), style.color()),
            Some(path) => self.surface.stroke(&path, style.stroke_width() as f32, style.color()),
            None => {}
        }
        Ok(())
    }
}

impl<S: Surface> DrawingBackend for Paths<'_, S> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.surface.size()
    }

    fn ensure_prepared(&mut self) -> Drawn<Self> {
        Ok(())
    }

    fn present(&mut self) -> Drawn<Self> {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn<Self> {
        self.fill_polygon([(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)], &color)
    }

    fn draw_line<B: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &B) -> Drawn<Self> {
        self.draw_path([from, to], style)
    }

    fn draw_rect<B: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &B,
        fill: bool,
    ) -> Drawn<Self> {
        let corners = [from, (to.0, from.1), to, (from.0, to.1)];
        if fill { self.fill_polygon(corners, style) } else { self.draw_path(corners.into_iter().chain([from]), style) }
    }

    fn draw_path<B: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        points: I,
        style: &B,
    ) -> Drawn<Self> {
        self.path(lines(points).finish(), style, false)
    }

    fn draw_circle<B: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &B,
        fill: bool,
    ) -> Drawn<Self> {
        self.path(PathBuilder::from_circle(x as f32, y as f32, radius as f32), style, fill)
    }

    fn fill_polygon<B: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &B,
    ) -> Drawn<Self> {
        self.path(lines(corners).finish(), style, true)
    }

    fn draw_text<B: BackendTextStyle>(&mut self, text: &str, style: &B, (x, y): BackendCoord) -> Drawn<Self> {
        let TextLine { size, bold, anchor, down, turned } = TextLine::new(style);
        let left = match anchor {
            HPos::Left => 0.0,
            HPos::Center => -0.5,
            HPos::Right => -1.0,
        };
        let mut outline = Outline { path: PathBuilder::new(), x: 0.0, y: 0.0 };
        let shift = |outline: &mut Outline, x: f64, y: f64| (outline.x, outline.y) = (x as f32, y as f32);
        let scale = self.fonts.outline(text, size, bold, &mut outline, shift) as f32;
        let place = Transform::from_translate(x as f32, y as f32)
            .pre_rotate(turned)
            .pre_translate((left * self.fonts.width(text, size, bold)) as f32, down as f32)
            .pre_scale(scale, -scale);
        if let Some(path) = outline.path.finish() {
            self.surface.fill(path, place, style.color());
        }
        Ok(())
    }
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
    y: f32,
}

impl ttf_parser::OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        self.path.move_to(x + self.x, y + self.y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.path.line_to(x + self.x, y + self.y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.path.quad_to(x1 + self.x, y1 + self.y, x + self.x, y + self.y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.path.cubic_to(x1 + self.x, y1 + self.y, x2 + self.x, y2 + self.y, x + self.x, y + self.y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}
