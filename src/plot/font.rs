//! The letters of figures: measured for layout, and as outlines for PNG.

use ttf_parser::{Face, GlyphId, OutlineBuilder};

use crate::error::{Error, Result};

/// Text as it is printed: the hyphen before a number is a minus sign, and control characters, which XML cannot hold, are
/// replaced.
pub(super) fn printed(text: &str) -> String {
    let forbidden = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
    let mut printed = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        // That of a name ("V1-2") and that of a range ("0-5") is a hyphen; that of an exponent ("1e-5") is a sign.
        let mut before = printed.chars().rev();
        let (last, last_but_one) = (before.next(), before.next());
        let exponent = last == Some('e') && last_but_one.is_some_and(|c| c.is_ascii_digit());
        let free = exponent || !last.is_some_and(|c| c.is_alphanumeric() || c == ')');
        let number = letters.peek().is_some_and(|next| next.is_ascii_digit() || *next == '.');
        printed.push(match letter {
            '-' if free && number => '\u{2212}',
            letter if forbidden(letter) => '\u{fffd}',
            letter => letter,
        });
    }
    printed
}

/// The two faces, parsed from the font files that are part of the crate (their license stands beside them).
pub(super) struct Fonts {
    regular: Face<'static>,
    bold: Face<'static>,
}

impl Fonts {
    /// The height of an x as a fraction of the size of the letters, in these fonts and those that an SVG asks for.
    pub(super) const X_HEIGHT: f64 = 0.52;
    /// What plotters calls the size of a font, as a multiple of the size of the letters.
    pub(super) const LINE_HEIGHT: f64 = 1.24;

    pub(super) fn new() -> Result<Self> {
        let parse = |bytes| Face::parse(bytes, 0).map_err(|error| Error::Draw(format!("the bundled font: {error}")));
        Ok(Self {
            regular: parse(include_bytes!("font/sans-regular.ttf"))?,
            bold: parse(include_bytes!("font/sans-bold.ttf"))?,
        })
    }

    /// The width of a line of text of this size.
    pub(super) fn width(&self, text: &str, size: f64, bold: bool) -> f64 {
        self.walk(text, size, bold, |_, _| ())
    }

    /// Draws the outlines of a line of text into `path`, from (0, 0) along the baseline, y upwards, in font units;
    /// `shift` tells the path where the next letter begins. Returns the factor from font units to `size`.
    pub(super) fn outline<P: OutlineBuilder>(
        &self,
        text: &str,
        size: f64,
        bold: bool,
        path: &mut P,
        mut shift: impl FnMut(&mut P, f64),
    ) -> f64 {
        let face = self.face(bold);
        self.walk(text, f64::from(face.units_per_em()), bold, |glyph, x| {
            shift(path, x);
            face.outline_glyph(glyph, path);
        });
        size / f64::from(face.units_per_em())
    }

    /// Visits each letter and where it begins; returns where the text ends.
    fn walk(&self, text: &str, size: f64, bold: bool, mut visit: impl FnMut(GlyphId, f64)) -> f64 {
        let face = self.face(bold);
        let scale = size / f64::from(face.units_per_em());
        let kerning = face.tables().kern.and_then(|kern| kern.subtables.into_iter().next());
        let mut x = 0.0;
        let mut previous: Option<GlyphId> = None;
        for letter in printed(text).chars() {
            let glyph = face.glyph_index(letter).unwrap_or_default();
            let pair = previous.and_then(|left| kerning.as_ref()?.glyphs_kerning(left, glyph));
            x += f64::from(pair.unwrap_or(0)) * scale;
            visit(glyph, x);
            x += f64::from(face.glyph_hor_advance(glyph).unwrap_or(0)) * scale;
            previous = Some(glyph);
        }
        x
    }

    fn face(&self, bold: bool) -> &Face<'static> {
        if bold { &self.bold } else { &self.regular }
    }
}
