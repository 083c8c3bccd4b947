//! A figure: panels in a grid.

use serde::{Deserialize, Serialize};

use super::panel::Panel;
use crate::error::{Error, Result};

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

    /// All that is written on it but numbers.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
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
    pub(super) fn checked_size(&self) -> Result<(f64, f64)> {
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

impl Panel {
    /// A figure of this panel alone.
    pub fn figure(self) -> Figure {
        Figure::from(self)
    }
}

impl From<Panel> for Figure {
    fn from(panel: Panel) -> Self {
        Self::new().panel(panel)
    }
}

/// The letter of the panel number `index`: A to Z, then A1, B1, ...
pub(super) fn letter(index: usize) -> String {
    let letter = char::from(b'A' + (index % 26) as u8);
    if index < 26 { letter.to_string() } else { format!("{letter}{}", index / 26) }
}
