//! How a line, points or a band look.

use serde::{Deserialize, Serialize};

use super::color::Color;

/// How one element of a panel looks, and its name in the legend.
///
/// Widths and sizes that make no sense (negative, NaN, above 1000) give the default.
///
/// Everything has a default, so `()` is a style, and so are a name alone and a color alone:
///
/// ```
/// use psychrnn::plot::{Color, Panel, Style};
/// let time = [0.0, 10.0, 20.0];
/// let panel = Panel::new()
///     .line(time, [0.1, 0.5, 0.9], "choice 1")
///     .line(time, [0.1, 0.2, 0.1], Color::GRAY)
///     .line(time, [0.0, 1.0, 1.0], Style::new().label("target").dashed());
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Style {
    pub(super) label: Option<String>,
    pub(super) color: Option<Color>,
    #[serde(with = "crate::number", default)]
    pub(super) width: Option<f64>,
    #[serde(with = "crate::number", default)]
    pub(super) opacity: Option<f64>,
    pub(super) dashed: bool,
    pub(super) marker: Marker,
    #[serde(with = "crate::number", default)]
    pub(super) size: Option<f64>,
}

impl Style {
    /// The default look, without a name.
    pub fn new() -> Self {
        Self::default()
    }

    /// The name in the legend. Elements without one are left out of it.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// The color. By default each line and each set of points takes the next one of [`Color::cycle`]; bands and
    /// intervals take the color of the line or the points before them; rules, shades and texts are gray or black.
    pub fn color(mut self, color: Color) -> Self {
        self.color = Some(color);
        self
    }

    /// The width of lines in points; 1.5 by default.
    pub fn width(mut self, points: f64) -> Self {
        self.width = Some(points);
        self
    }

    /// From 0, not seen, to 1, nothing shines through. By default 1, for bands and shades 0.25.
    pub fn opacity(mut self, opacity: f64) -> Self {
        self.opacity = Some(opacity);
        self
    }

    /// Draws the line in dashes.
    pub fn dashed(mut self) -> Self {
        self.dashed = true;
        self
    }

    /// The shape of points; dots by default.
    pub fn marker(mut self, marker: Marker) -> Self {
        self.marker = marker;
        self
    }

    /// The diameter of points, or the size of the letters of a text, in points; 5 and 10 by default.
    pub fn size(mut self, points: f64) -> Self {
        self.size = Some(points);
        self
    }
}

impl From<()> for Style {
    fn from((): ()) -> Self {
        Self::new()
    }
}

impl From<&str> for Style {
    fn from(label: &str) -> Self {
        Self::new().label(label)
    }
}

impl From<String> for Style {
    fn from(label: String) -> Self {
        Self::new().label(label)
    }
}

impl From<Color> for Style {
    fn from(color: Color) -> Self {
        Self::new().color(color)
    }
}

/// The shape of points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Marker {
    /// A filled circle.
    #[default]
    Dot,
    /// An open circle.
    Circle,
    /// A filled square.
    Square,
    /// A filled triangle.
    Triangle,
    /// A cross of two diagonal lines.
    Cross,
}

/// Where the legend of a panel stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Legend {
    /// At a corner or a side within the axes where it covers nothing, or to the right of the axes if there is no such place (and
    /// they would keep at least half of their width). The default.
    #[default]
    Auto,
    /// Inside, at the top left.
    TopLeft,
    /// Inside, at the top right.
    TopRight,
    /// Inside, at the bottom left.
    BottomLeft,
    /// Inside, at the bottom right.
    BottomRight,
    /// To the right of the axes.
    Outside,
    /// Nowhere.
    None,
}
