//! Where a backend of ours puts the letters that plotters hands it.

use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters_backend::{BackendTextStyle, FontStyle, FontTransform};

use crate::plot::draw::font::Fonts;

/// A line of text in units of a backend.
pub(super) struct TextLine {
    pub(super) size: f64,
    pub(super) bold: bool,
    /// Which part of it is at its place.
    pub(super) anchor: HPos,
    /// How far its baseline is below its place.
    pub(super) down: f64,
    /// How it is turned about its place, clockwise in degrees.
    pub(super) turned: f32,
}

impl TextLine {
    /// Measures as plotters means them: the size is that of a line with its leading.
    pub(super) fn new(style: &impl BackendTextStyle) -> Self {
        let size = style.size() / Fonts::LINE_HEIGHT;
        let Pos { h_pos: anchor, v_pos } = style.anchor();
        let down = match v_pos {
            VPos::Top => 0.76,
            VPos::Center => Fonts::X_HEIGHT / 2.0,
            VPos::Bottom => -Fonts::X_HEIGHT / 2.0,
        };
        let turned = match style.transform() {
            FontTransform::None => 0.0,
            FontTransform::Rotate90 => 90.0,
            FontTransform::Rotate180 => 180.0,
            FontTransform::Rotate270 => 270.0,
        };
        Self { size, bold: matches!(style.style(), FontStyle::Bold), anchor, down: down * size, turned }
    }
}
