//! The ways out of a figure: a PNG, SVG or PDF file, a notebook cell, a backend of plotters, words.

mod paths;
mod pdf;
mod raster;
mod svg;
mod text;

use std::fmt;
use std::io::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, DrawingBackend};

use super::draw::cells::Cells;
use super::draw::{self, font};
use super::figure::{Figure, letter};
use super::panel::Panel;
use crate::error::{Error, Result};
use crate::{file, notebook};

impl Figure {
    /// The picture as the bytes of a PNG file, two pixels to the point.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if an element's arrays differ in length or a range or the size makes no sense; [`Error::Memory`] if there
    /// is not enough memory for so large a picture.
    pub fn png(&self) -> Result<Vec<u8>> {
        let size = self.checked_size()?;
        font::tell(self.texts())?;
        raster::file(self, size)
    }

    /// The picture as the text of an SVG file. Its letters are in Arial, Helvetica or a font of the same measures,
    /// whichever the viewer has.
    ///
    /// # Errors
    ///
    /// As [`png`](Self::png).
    pub fn svg(&self) -> Result<String> {
        svg::file(self, self.checked_size()?)
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

    /// Draws the figure with another backend of [`plotters`], onto an area that it fills; it keeps its
    /// proportions if the area has them. The area is not cleared first.
    ///
    /// Backends come with features of plotters (`svg_backend`, or `bitmap_backend` and `ttf`) or crates of their own, which your
    /// `Cargo.toml` names. Text is in the family `sans-serif`, which a backend that draws letters must know.
    ///
    /// ```
    /// use psychrnn::plot::Panel;
    /// use psychrnn::plot::plotters::{coord::Shift, prelude::*};
    /// /// Onto a page such as `SVGBackend::new("both.svg", (1600, 600)).into_drawing_area()`.
    /// fn side_by_side<DB: DrawingBackend>(page: &DrawingArea<DB, Shift>) -> psychrnn::Result<()> {
    ///     let (left, right) = page.split_horizontally(800);
    ///     Panel::new().line([0, 1], [0.5, 1.0], ()).figure().draw(&left)?;
    ///     Panel::new().points([0, 1], [0.5, 1.0], ()).figure().draw(&right)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`png`](Self::png); [`Error::Draw`] if the backend fails.
    pub fn draw<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> Result<()> {
        draw::figure(self, area, Cells::rectangles)
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
}

impl Panel {
    /// Shows the panel under a notebook cell; see [`Figure::evcxr_display`].
    pub fn evcxr_display(&self) {
        self.clone().figure().evcxr_display();
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
