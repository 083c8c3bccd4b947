//! The letters of figures: measured for layout, and as outlines for PNG and PDF.
//!
//! The bundled font has the letters of most labels. Those that it lacks come from the fonts of the machine, if one of these has
//! them; what the bundled font has never does, so that it looks the same everywhere.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use fontdb::{Database, FaceInfo, Style, Weight};
use ttf_parser::{Face, GlyphId, OutlineBuilder, Rect};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::error::{Error, Result};

/// Text as it is printed: the hyphen before a number is a minus sign, letters and their accents are one character where there is
/// one, and control characters, which XML cannot hold, are replaced.
pub(crate) fn printed(text: &str) -> String {
    let forbidden = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
    let mut printed = String::with_capacity(text.len());
    let mut letters = text.nfc().peekable();
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

/// Tells, once for each letter, what of these texts looks otherwise than it should in a PNG or a PDF.
pub(crate) fn tell<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<()> {
    static TOLD: Mutex<BTreeSet<char>> = Mutex::new(BTreeSet::new());
    let fonts = Fonts::new()?;
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    complaints(&fonts, texts, &mut told).iter().for_each(|complaint| eprintln!("{complaint}"));
    Ok(())
}

fn complaints<'a>(fonts: &Fonts, texts: impl IntoIterator<Item = &'a str>, told: &mut BTreeSet<char>) -> Vec<String> {
    let letters: BTreeSet<char> = texts.into_iter().flat_map(|text| fonts.letters(text)).collect();
    let new: Vec<char> = letters.into_iter().filter(|letter| !letter.is_ascii() && told.insert(*letter)).collect();
    let named = |letters: &[char]| letters.iter().map(char::to_string).collect::<Vec<_>>().join(" ");
    let missing: Vec<char> = new.iter().copied().filter(|letter| fonts.is_missing(*letter)).collect();
    let joined: Vec<char> = new.into_iter().filter(|letter| is_joined(*letter) && !missing.contains(letter)).collect();
    let mut complaints = Vec::new();
    if !missing.is_empty() {
        complaints.push(format!(
            "the figure has boxes in place of {}: no font of this machine has them as outlines (colored emoji are pictures). Install one \
             that does, for instance of the family Noto, or save the figure as `.svg`, which is drawn with the fonts of whoever looks at it",
            named(&missing)
        ));
    }
    if !joined.is_empty() {
        complaints.push(format!(
            "the figure has {} side by side from left to right, as they stand alone: joining letters and writing from right to left is \
             left to who draws an `.svg`; save the figure as one",
            named(&joined)
        ));
    }
    complaints
}

/// Whether a letter takes another shape or place beside others: those of Hebrew, Arabic and the scripts between them, of India and
/// its neighbors.
fn is_joined(letter: char) -> bool {
    matches!(letter, '\u{590}'..='\u{8ff}' | '\u{900}'..='\u{dff}' | '\u{f00}'..='\u{109f}' | '\u{1780}'..='\u{18af}'
        | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{10fff}' | '\u{11000}'..='\u{11fff}'
        | '\u{1e800}'..='\u{1efff}')
}

/// The two faces, parsed from the font files that are part of the crate (their license stands beside them).
pub(crate) struct Fonts {
    regular: Face<'static>,
    bold: Face<'static>,
}

/// What stands for a character.
enum Glyph {
    Own(GlyphId),
    Other(Arc<Letter>),
}

impl Fonts {
    /// The height of an x as a fraction of the size of the letters, in these fonts and those that an SVG asks for.
    pub(crate) const X_HEIGHT: f64 = 0.52;
    /// What plotters calls the size of a font, as a multiple of the size of the letters.
    pub(crate) const LINE_HEIGHT: f64 = 1.24;

    pub(crate) fn new() -> Result<Self> {
        let parse = |bytes| Face::parse(bytes, 0).map_err(|error| Error::Draw(format!("the bundled font: {error}")));
        Ok(Self {
            regular: parse(include_bytes!("font/sans-regular.ttf"))?,
            bold: parse(include_bytes!("font/sans-bold.ttf"))?,
        })
    }

    /// The width of a line of text of this size.
    pub(crate) fn width(&self, text: &str, size: f64, bold: bool) -> f64 {
        self.walk(text, size, bold, |_, _, _| ())
    }

    /// Draws the outlines of a line of text into `path`, from (0, 0) along the baseline, y upwards, in font units;
    /// `shift` tells the path where the next letter begins. Returns the factor from font units to `size`.
    pub(crate) fn outline<P: OutlineBuilder>(
        &self,
        text: &str,
        size: f64,
        bold: bool,
        path: &mut P,
        mut shift: impl FnMut(&mut P, f64, f64),
    ) -> f64 {
        let face = self.face(bold);
        let em = f64::from(face.units_per_em());
        self.walk(text, em, bold, |glyph, x, y| {
            shift(path, x, y);
            match glyph {
                Glyph::Own(glyph) => drop(face.outline_glyph(*glyph, path)),
                Glyph::Other(letter) => letter.draw(em, path),
            }
        });
        size / em
    }

    /// Whether neither the bundled font nor one of the machine has a letter.
    fn is_missing(&self, letter: char) -> bool {
        // What no font can have was replaced already.
        letter != '\u{fffd}' && self.glyph(letter, false).is_none()
    }

    /// Visits each letter, where it begins, and how far it is raised; returns where the text ends.
    fn walk(&self, text: &str, size: f64, bold: bool, mut visit: impl FnMut(&Glyph, f64, f64)) -> f64 {
        let face = self.face(bold);
        let scale = size / f64::from(face.units_per_em());
        let kerning = face.tables().kern.and_then(|kern| kern.subtables.into_iter().next());
        let mut x = 0.0;
        let mut previous: Option<GlyphId> = None;
        // The last letter that is no accent, in units of the size, and where it is.
        let mut base: Option<Bounds> = None;
        for letter in self.letters(text) {
            let glyph = self.glyph(letter, bold).unwrap_or(Glyph::Own(GlyphId(0)));
            let bounds = self.bounds(&glyph, bold).scaled(size);
            if let Some(base) = base.as_mut().filter(|_| is_combining_mark(letter)) {
                let (right, up) = base.place_mark(&bounds, letter, size);
                visit(&glyph, right, up);
                continue;
            }
            let own = if let Glyph::Own(glyph) = &glyph { Some(*glyph) } else { None };
            let pair = previous.zip(own).and_then(|(left, right)| kerning.as_ref()?.glyphs_kerning(left, right));
            x += f64::from(pair.unwrap_or(0)) * scale;
            visit(&glyph, x, 0.0);
            base = Some(Bounds { left: x + bounds.left, right: x + bounds.right, ..bounds });
            x += match &glyph {
                Glyph::Own(glyph) => f64::from(face.glyph_hor_advance(*glyph).unwrap_or(0)) * scale,
                Glyph::Other(letter) => letter.advance * size,
            };
            previous = own;
        }
        x
    }

    /// The characters that are drawn: those with accents as the bundled font can best draw them.
    fn letters(&self, text: &str) -> Vec<char> {
        let has = |letter: char| self.regular.glyph_index(letter).is_some() || spacing(letter).is_some();
        let parts = |letter: char| {
            let parts: Vec<char> = std::iter::once(letter).nfd().collect();
            if !has(letter) && parts.iter().all(|part| has(*part)) { parts } else { vec![letter] }
        };
        printed(text).chars().filter(|letter| !is_silent(*letter)).flat_map(parts).collect()
    }

    /// What stands for a character, if a font has it.
    fn glyph(&self, letter: char, bold: bool) -> Option<Glyph> {
        let face = self.face(bold);
        let own = |letter: char| face.glyph_index(letter).filter(|glyph| glyph.0 != 0).map(Glyph::Own);
        own(letter).or_else(|| own(spacing(letter)?)).or_else(|| other(letter, bold).map(Glyph::Other))
    }

    /// The extent of a letter's ink as fractions of its size.
    fn bounds(&self, glyph: &Glyph, bold: bool) -> Bounds {
        match glyph {
            Glyph::Own(glyph) => {
                let face = self.face(bold);
                Bounds::new(face.glyph_bounding_box(*glyph), face.units_per_em())
            }
            Glyph::Other(letter) => letter.bounds,
        }
    }

    fn face(&self, bold: bool) -> &Face<'static> {
        if bold { &self.bold } else { &self.regular }
    }
}

/// Whether a character says only how others are drawn: joiners, marks of direction, variants of emoji.
fn is_silent(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

/// The sign of the bundled font that looks as an accent that it lacks.
fn spacing(mark: char) -> Option<char> {
    Some(match mark {
        '\u{300}' => '`',
        '\u{301}' => '\u{b4}',
        '\u{302}' => '\u{2c6}',
        '\u{303}' => '\u{2dc}',
        '\u{304}' | '\u{305}' => '\u{af}',
        '\u{307}' => '.',
        '\u{308}' => '\u{a8}',
        '\u{30a}' => '\u{2da}',
        '\u{327}' => '\u{b8}',
        _ => return None,
    })
}

/// The extent of ink.
#[derive(Clone, Copy, Debug, Default)]
struct Bounds {
    left: f64,
    right: f64,
    bottom: f64,
    top: f64,
}

impl Bounds {
    fn new(ink: Option<Rect>, units_per_em: u16) -> Self {
        let em = |units: i16| f64::from(units) / f64::from(units_per_em);
        ink.map_or_else(Self::default, |ink| Self {
            left: em(ink.x_min),
            right: em(ink.x_max),
            bottom: em(ink.y_min),
            top: em(ink.y_max),
        })
    }

    fn scaled(self, by: f64) -> Self {
        Self { left: by * self.left, right: by * self.right, bottom: by * self.bottom, top: by * self.top }
    }

    /// Where an accent must begin, and how far it must be raised, to stand above this letter, or below it; the letter grows by it.
    fn place_mark(&mut self, mark: &Self, letter: char, size: f64) -> (f64, f64) {
        let gap = 0.06 * size;
        let right = (self.left + self.right - mark.left - mark.right) / 2.0;
        let below = matches!(letter, '\u{316}'..='\u{319}' | '\u{31c}'..='\u{333}' | '\u{339}'..='\u{33c}');
        let up = if below { self.bottom - gap - mark.top } else { self.top + gap - mark.bottom };
        if below {
            self.bottom = mark.bottom + up;
        } else {
            self.top = mark.top + up;
        }
        (right, up)
    }
}

/// A letter of a font of the machine.
struct Letter {
    /// In its own units.
    outline: Vec<Segment>,
    units_per_em: f64,
    /// As a fraction of the size.
    advance: f64,
    bounds: Bounds,
}

/// A step along an outline.
#[derive(Clone, Copy)]
enum Segment {
    Move([f32; 2]),
    Line([f32; 2]),
    Quad([f32; 4]),
    Curve([f32; 6]),
    Close,
}

impl Letter {
    /// The letter of a face, if it has one that is drawn by its outline: many of emoji are pictures.
    fn of(face: &Face<'_>, letter: char) -> Option<Self> {
        let glyph = face.glyph_index(letter).filter(|glyph| glyph.0 != 0)?;
        let mut outline = Outline::default();
        let ink = face.outline_glyph(glyph, &mut outline);
        if ink.is_none() && !letter.is_whitespace() {
            return None;
        }
        let units_per_em = face.units_per_em();
        let advance = f64::from(face.glyph_hor_advance(glyph)?) / f64::from(units_per_em);
        let bounds = Bounds::new(ink, units_per_em);
        Some(Self { outline: outline.0, units_per_em: units_per_em.into(), advance, bounds })
    }

    /// Draws it in units of which there are `em` to its size.
    fn draw(&self, em: f64, path: &mut impl OutlineBuilder) {
        let scale = (em / self.units_per_em) as f32;
        for segment in &self.outline {
            match *segment {
                Segment::Move([x, y]) => path.move_to(scale * x, scale * y),
                Segment::Line([x, y]) => path.line_to(scale * x, scale * y),
                Segment::Quad(by) => {
                    let [x1, y1, x, y] = by.map(|place| scale * place);
                    path.quad_to(x1, y1, x, y);
                }
                Segment::Curve(by) => {
                    let [x1, y1, x2, y2, x, y] = by.map(|place| scale * place);
                    path.curve_to(x1, y1, x2, y2, x, y);
                }
                Segment::Close => path.close(),
            }
        }
    }
}

/// Takes an outline down.
#[derive(Default)]
struct Outline(Vec<Segment>);

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        self.0.push(Segment::Move([x, y]));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.0.push(Segment::Line([x, y]));
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.0.push(Segment::Quad([x1, y1, x, y]));
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.0.push(Segment::Curve([x1, y1, x2, y2, x, y]));
    }

    fn close(&mut self) {
        self.0.push(Segment::Close);
    }
}

/// A letter of the first font of the machine that has it. Fonts are looked for when the first such letter comes, and what was
/// found is kept.
fn other(letter: char, bold: bool) -> Option<Arc<Letter>> {
    static MACHINE: LazyLock<Database> = LazyLock::new(|| {
        let mut fonts = Database::new();
        fonts.load_system_fonts();
        fonts
    });
    type Found = HashMap<(char, bool), Option<Arc<Letter>>>;
    static FOUND: LazyLock<Mutex<Found>> = LazyLock::new(Mutex::default);
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    found.entry((letter, bold)).or_insert_with(|| first(&MACHINE, letter, bold).map(Arc::new)).clone()
}

/// The letter in the font that is nearest to the bundled one, of those that have it.
fn first(fonts: &Database, letter: char, bold: bool) -> Option<Letter> {
    // These have a box for every letter, or nothing.
    let is_last_resort = |name: &str| name.replace(' ', "").contains("LastResort") || name.starts_with("Adobe Blank");
    let mut faces: Vec<&FaceInfo> = fonts.faces().filter(|face| !is_last_resort(family(face))).collect();
    let weight = if bold { Weight::BOLD } else { Weight::NORMAL }.0;
    faces.sort_by_cached_key(|face| {
        let sans = ["Sans", "Gothic", "Hei"].iter().any(|kind| family(face).contains(kind));
        let upright = face.style == Style::Normal;
        let width = face.stretch.to_number().abs_diff(5);
        let weight = face.weight.0.abs_diff(weight);
        (!upright, !sans, face.monospaced, width, weight, family(face).to_owned(), face.post_script_name.clone())
    });
    faces.into_iter().find_map(|face| {
        fonts.with_face_data(face.id, |data, index| Letter::of(&Face::parse(data, index).ok()?, letter)).flatten()
    })
}

fn family(face: &FaceInfo) -> &str {
    face.families.first().map_or("", |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an outline is made of.
    fn drawn(text: &str) -> (Vec<(f64, f64)>, usize) {
        let fonts = Fonts::new().unwrap();
        let (mut outline, mut places) = (Outline::default(), Vec::new());
        fonts.outline(text, 10.0, false, &mut outline, |_, x, y| places.push((x, y)));
        (places, outline.0.len())
    }

    #[test]
    fn accents_stand_above_their_letters() {
        assert_eq!(printed("e\u{301}"), "é");
        // There is no such character as these two, and the bundled font has no accents.
        for text in ["x\u{304}", "r\u{302}", "X\u{307}"] {
            let (places, _) = drawn(text);
            assert_eq!(places.len(), 2, "{text}");
            let fonts = Fonts::new().unwrap();
            assert_eq!(fonts.width(text, 10.0, false), fonts.width(&text[..1], 10.0, false), "{text}");
            assert!(!fonts.is_missing(text.chars().nth(1).unwrap()));
        }
        let (low, high) = (drawn("x\u{304}").0[1], drawn("X\u{304}").0[1]);
        assert!(low.1 < high.1, "a capital is higher: {low:?} {high:?}");
        let (one, two) = (drawn("x\u{304}").0, drawn("x\u{304}\u{304}").0);
        assert!(two[2].1 > one[1].1, "one above the other");
        assert_eq!(drawn("a\u{200b}b\u{fe0f}").0.len(), 2, "what only says how others are drawn is not drawn");
    }

    #[test]
    fn letters_are_missing_once() {
        let fonts = Fonts::new().unwrap();
        let mut told = BTreeSet::new();
        // No font has what is not assigned.
        let complaints = complaints(&fonts, ["a\u{e0fff}", "τ é 5", "x \u{3ffff}\u{3fffe}", "\u{3ffff}"], &mut told);
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].contains("\u{3fffe} \u{3ffff}:") && complaints[0].contains(".svg"), "{complaints:?}");
        assert!(super::complaints(&fonts, ["\u{3ffff}"], &mut told).is_empty(), "told already");
        let arabic = super::complaints(&fonts, ["زمن"], &mut told);
        assert!(arabic.len() == 1 && arabic[0].contains('ز'), "boxes, or letters side by side: {arabic:?}");
    }

    /// Fonts in one file, as a `.ttc` has them: places of tables count from its beginning.
    fn collection(fonts: &[&[u8]]) -> Vec<u8> {
        let number = |bytes: &[u8]| bytes.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        let mut at = 12 + 4 * fonts.len() as u32;
        let (mut head, mut body) =
            ([b"ttcf".as_slice(), &[0, 1, 0, 0], &(fonts.len() as u32).to_be_bytes()].concat(), Vec::new());
        for font in fonts {
            head.extend(at.to_be_bytes());
            let mut font = font.to_vec();
            for table in 0..number(&font[4..6]) as usize {
                let place = 12 + 16 * table + 8;
                let moved = number(&font[place..place + 4]) + at;
                font[place..place + 4].copy_from_slice(&moved.to_be_bytes());
            }
            font.resize(font.len().next_multiple_of(4), 0);
            at += font.len() as u32;
            body.extend(font);
        }
        head.extend(body);
        head
    }

    #[test]
    fn letters_come_from_a_font_of_the_machine_that_has_them() {
        // The bundled font under another name stands for one of the machine.
        let mut fonts = Database::new();
        fonts.load_font_data(include_bytes!("font/sans-bold.ttf").to_vec());
        fonts.load_font_data(include_bytes!("font/sans-regular.ttf").to_vec());
        let letter = first(&fonts, 'W', false).unwrap();
        let own = Fonts::new().unwrap();
        assert!((letter.advance - own.width("W", 1.0, false)).abs() < 1e-9, "the regular face, not the bold one");
        let bold = first(&fonts, 'W', true).unwrap();
        assert!((bold.advance - own.width("W", 1.0, true)).abs() < 1e-9 || bold.advance > letter.advance);
        let (mut here, mut there) = (Outline::default(), Outline::default());
        letter.draw(1000.0, &mut here);
        own.outline("W", 1.0, false, &mut there, |_, _, _| ());
        assert_eq!(here.0.len(), there.0.len());
        // Those of a collection, too.
        let mut collected = Database::new();
        collected.load_font_data(collection(&[
            include_bytes!("font/sans-bold.ttf"),
            include_bytes!("font/sans-regular.ttf"),
        ]));
        assert_eq!(collected.len(), 2);
        assert_eq!(first(&collected, 'W', false).unwrap().advance, letter.advance);
        assert!(first(&fonts, '図', false).is_none());
        assert!(first(&fonts, ' ', false).is_some_and(|space| space.outline.is_empty() && space.advance > 0.2));
    }
}
