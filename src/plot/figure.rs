//! A figure: panels in a grid, and the ways out of it.

use std::fmt;
use std::io::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, DrawingBackend};
use serde::{Deserialize, Serialize};

use super::draw::{self, font};
use super::panel::Panel;
use super::save::{pdf, raster, svg};
use crate::error::{Error, Result};
use crate::{file, notebook};

/// Units of the backends along one point of the figure: plotters counts in whole units, and these are fine enough.
pub(super) const UNITS: f64 = 20.0;
/// The longest side of a figure in points; beyond it a picture would not fit in memory.
const LONGEST: f64 = 10_000.0;

/// Panels in a grid: a picture that shows itself under a notebook cell and saves itself to a file.
///
/// Labels may be in any script. The bundled font has Latin and Greek letters, common signs and accents; other letters of a PNG or
/// PDF come from the fonts of the machine, one by one from left to right, and a warning names those that no font has. In an SVG
/// they are text, which is drawn with the fonts of whoever looks at it, and there Arabic or Hebrew is written as it must be.
///
/// ```
/// use psychrnn::plot::{Figure, Panel};
/// let folder = tempfile::tempdir()?;
/// let figure = Figure::new()
///     .panel(Panel::new().y_label("Loss").line([0.0, 1.0, 2.0], [1.0, 0.5, 0.2], "training"))
///     .panel(Panel::new().y_label("Accuracy").line([0.0, 1.0, 2.0], [0.5, 0.8, 0.9], ()))
///     .letters(true);
/// figure.save(folder.path().join("training.png"))?;
/// figure.save(folder.path().join("training.svg"))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Figure {
    pub(super) title: String,
    pub(super) panels: Vec<Panel>,
    pub(super) columns: Option<usize>,
    #[serde(with = "crate::number", default)]
    pub(super) size: Option<(f64, f64)>,
    pub(super) letters: bool,
}

impl Figure {
    /// A figure without panels.
    pub fn new() -> Self {
        Self::default()
    }

    /// The panels of several figures in one, for instance a weight matrix beside a psychometric curve.
    ///
    /// ```
    /// use psychrnn::plot::{Figure, Panel};
    /// let loss = Panel::new().y_label("Loss").line([0.0, 1.0], [1.0, 0.5], ()).figure();
    /// let accuracy = Panel::new().y_label("Accuracy").line([0.0, 1.0], [0.5, 0.8], ()).figure();
    /// let both = Figure::join([loss, accuracy]).letters(true);
    /// ```
    pub fn join(figures: impl IntoIterator<Item = Self>) -> Self {
        Self::new().panels(figures.into_iter().flat_map(|figure| figure.panels))
    }

    /// Adds a panel. Panels fill the grid row by row.
    pub fn panel(mut self, panel: Panel) -> Self {
        self.panels.push(panel);
        self
    }

    /// Adds several panels.
    pub fn panels(mut self, panels: impl IntoIterator<Item = Panel>) -> Self {
        self.panels.extend(panels);
        self
    }

    /// How many panels stand side by side; by default up to three panels stand in one row, and more in a grid about
    /// as wide as high.
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = Some(columns);
        self
    }

    /// The size in points, which are the pixels of a web page (1/96 inch); a PNG has two pixels for each. By default
    /// 420 by 300 for one panel, and 320 by 250 for each of several.
    ///
    /// Drawing fails with [`Error::Argument`] unless both are between 1 and 10,000, and for a PNG of more than 25 million square
    /// points.
    pub fn size(mut self, width: f64, height: f64) -> Self {
        self.size = Some((width, height));
        self
    }

    /// The size in millimeters, as journals ask for it; see [`size`](Self::size) for the limits. Text keeps its size, so that
    /// it is readable in print.
    ///
    /// ```
    /// use psychrnn::plot::Panel;
    /// let one_column = Panel::new().line([0.0, 1.0], [1.0, 0.5], ()).figure().size_mm(85.0, 60.0);
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    pub fn size_mm(self, width: f64, height: f64) -> Self {
        let points = |mm: f64| mm / 25.4 * 96.0;
        self.size(points(width), points(height))
    }

    /// The title above all panels.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Whether the panels have the letters A, B, C, ... at their top left corners; not by default.
    pub fn letters(mut self, letters: bool) -> Self {
        self.letters = letters;
        self
    }

    /// The picture as the bytes of a PNG file, two pixels to the point.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if an element's arrays differ in length or a range or the size makes no sense; [`Error::Memory`] if there
    /// is not enough memory for so large a picture.
    pub fn png(&self) -> Result<Vec<u8>> {
        let size = self.checked_size()?;
        font::tell(self.texts())?;
        raster::png(self, size)
    }

    /// The picture as the text of an SVG file. Its letters are in Arial, Helvetica or a font of the same measures,
    /// whichever the viewer has.
    ///
    /// # Errors
    ///
    /// As [`png`](Self::png).
    pub fn svg(&self) -> Result<String> {
        svg::text(self, self.checked_size()?)
    }

    /// The picture as the bytes of a PDF file: one page of the figure's size. Lines and letters are paths, so that it looks the
    /// same everywhere and whoever looks at it needs no fonts.
    ///
    /// # Errors
    ///
    /// As [`png`](Self::png).
    pub fn pdf(&self) -> Result<Vec<u8>> {
        let size = self.checked_size()?;
        font::tell(self.texts())?;
        pdf::file(self, size)
    }

    /// Draws the figure with another backend of [`plotters`](super::plotters), onto an area that it fills; it keeps its
    /// proportions if the area has them. The area is not cleared first.
    ///
    /// Text is in the family `sans-serif`, which a backend that draws letters must know.
    ///
    /// ```
    /// use psychrnn::plot::Panel;
    /// use psychrnn::plot::plotters::prelude::*;
    /// let mut svg = String::new();
    /// let page = SVGBackend::with_string(&mut svg, (1600, 600)).into_drawing_area();
    /// let (left, right) = page.split_horizontally(800);
    /// Panel::new().line([0, 1], [0.5, 1.0], ()).figure().draw(&left)?;
    /// Panel::new().points([0, 1], [0.5, 1.0], ()).figure().draw(&right)?;
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`png`](Self::png); [`Error::Draw`] if the backend fails.
    pub fn draw<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> Result<()> {
        draw::figure(self, self.checked_size()?, area, None)
    }

    /// Writes the picture to a file whose extension says what it is: `.png`, `.svg` or `.pdf`. The file appears when it is
    /// complete: if saving fails, one that was there before is untouched.
    ///
    /// # Errors
    ///
    /// As [`png`](Self::png); [`Error::File`] for another extension; [`Error::Io`] if the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let bytes = match extension.as_str() {
            "png" => self.png()?,
            "svg" => self.svg()?.into_bytes(),
            "pdf" => self.pdf()?,
            _ => {
                let problem = "a figure is saved as `.png`, `.svg` or `.pdf`; end the name with one of them";
                return Err(Error::file(path, problem));
            }
        };
        file::write_whole(path, |file| file.write_all(&bytes).map_err(|error| Error::io("write", path, error)))
    }

    /// Shows the figure under a notebook cell; evcxr calls this for the last expression of a cell.
    ///
    /// The picture comes as HTML that shows it at its size in points, so that it is sharp on high-density screens, as
    /// `image/png` for tools that collect pictures, and as the text of [`Display`](fmt::Display). A figure that
    /// cannot be drawn shows the error instead.
    pub fn evcxr_display(&self) {
        let text = self.to_string();
        match self.png().and_then(|png| Ok((BASE64.encode(png), self.checked_size()?))) {
            Ok((png, (width, height))) => {
                let html = format!(
                    "<img width=\"{width}\" height=\"{height}\" alt=\"{}\" src=\"data:image/png;base64,{png}\">",
                    notebook::escape(&text)
                );
                notebook::show(&[("text/html", &html), ("image/png", &png), ("text/plain", &text)]);
            }
            Err(error) => eprintln!("{error}"),
        }
    }

    /// All that is written on it but numbers.
    fn texts(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.title.as_str()).chain(self.panels.iter().flat_map(Panel::texts))
    }

    /// The numbers of rows and columns of the grid.
    pub(super) fn grid(&self) -> (usize, usize) {
        let panels = self.panels.len().max(1);
        let default = if panels <= 3 { panels } else { (panels as f64).sqrt().ceil() as usize };
        let columns = self.columns.unwrap_or(default).clamp(1, panels);
        (panels.div_ceil(columns), columns)
    }

    /// The size in points, if a picture of that size makes sense.
    fn checked_size(&self) -> Result<(f64, f64)> {
        let (rows, columns) = self.grid();
        let (width, height) = self.size.unwrap_or(match (rows, columns) {
            (1, 1) => (420.0, 300.0),
            _ => (320.0 * columns as f64, 250.0 * rows as f64),
        });
        for (name, value) in [("width", width), ("height", height)] {
            if !(1.0..=LONGEST).contains(&value) {
                return Err(Error::argument(name, format!("between 1 and {LONGEST} points"), value));
            }
        }
        Ok((width.round(), height.round()))
    }
}

impl From<Panel> for Figure {
    fn from(panel: Panel) -> Self {
        Self::new().panel(panel)
    }
}

impl fmt::Display for Figure {
    /// The figure in words: its title, and a line for each panel with its axes, their ranges and what is drawn.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = if self.title.is_empty() { String::new() } else { format!(" \"{}\"", self.title) };
        write!(f, "Figure{title}")?;
        if self.panels.is_empty() {
            write!(f, " without panels")?;
        }
        for (index, panel) in self.panels.iter().enumerate() {
            let letter = if self.panels.len() > 1 { format!("\n{}", letter(index)) } else { String::new() };
            write!(f, "{letter}: {}", draw::describe(panel))?;
        }
        Ok(())
    }
}

/// The letter of the panel number `index`: A to Z, then A1, B1, ...
pub(super) fn letter(index: usize) -> String {
    let letter = char::from(b'A' + (index % 26) as u8);
    if index < 26 { letter.to_string() } else { format!("{letter}{}", index / 26) }
}
