//! One pair of axes and what is drawn on them.

use std::ops::Range;

use ndarray::{ArrayBase, Data, Ix2};
use serde::{Deserialize, Serialize};

use super::color::{Color, Colormap};
use super::style::{Legend, Style};

/// One pair of axes with the lines, points, bands and pictures on them.
///
/// A panel is plain data: setters take and return it, and nothing is checked or drawn before it is shown or saved.
/// As the last expression of a notebook cell it shows itself; several panels make a [`Figure`](super::Figure).
///
/// Values that are NaN, infinite or beyond ±1e300, and on a logarithmic axis those below 1e-300, are gaps: a line breaks
/// there, and a point is left out. Everything is clipped to the axes. Where none of the data can be seen, the axes say why. Without [`x_range`](Self::x_range) and
/// [`y_range`](Self::y_range) the axes span the data.
///
/// ```
/// use psychrnn::plot::Panel;
/// let coherence = [-0.5, 0.0, 0.5];
/// let panel = Panel::new()
///     .x_label("Coherence")
///     .y_label("Choices of 1")
///     .y_range(0.0, 1.0)
///     .hline(0.5, ())
///     .line(coherence, [0.1, 0.5, 0.9], "fit")
///     .points(coherence, [0.12, 0.47, 0.91], "network");
/// let svg = panel.figure().svg()?;
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Panel {
    pub(super) title: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) equal: bool,
    pub(super) legend: Legend,
    pub(super) marks: Vec<Mark>,
}

/// One of the two axes as the user asked for it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Axis {
    pub(super) label: String,
    #[serde(with = "crate::number", default)]
    pub(super) range: Option<(f64, f64)>,
    #[serde(with = "crate::number", default)]
    pub(super) ticks: Option<Vec<(f64, String)>>,
    pub(super) log: bool,
}

/// One thing on the axes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Mark {
    Line {
        #[serde(with = "crate::number")]
        x: Vec<f64>,
        #[serde(with = "crate::number")]
        y: Vec<f64>,
        style: Style,
    },
    Points {
        #[serde(with = "crate::number")]
        x: Vec<f64>,
        #[serde(with = "crate::number")]
        y: Vec<f64>,
        style: Style,
    },
    Intervals {
        #[serde(with = "crate::number")]
        x: Vec<f64>,
        #[serde(with = "crate::number")]
        low: Vec<f64>,
        #[serde(with = "crate::number")]
        high: Vec<f64>,
        style: Style,
    },
    Band {
        #[serde(with = "crate::number")]
        x: Vec<f64>,
        #[serde(with = "crate::number")]
        low: Vec<f64>,
        #[serde(with = "crate::number")]
        high: Vec<f64>,
        style: Style,
    },
    Heatmap(Heatmap),
    VLine {
        #[serde(with = "crate::number")]
        x: f64,
        style: Style,
    },
    HLine {
        #[serde(with = "crate::number")]
        y: f64,
        style: Style,
    },
    Shade {
        #[serde(with = "crate::number")]
        x: Range<f64>,
        style: Style,
    },
    Text {
        #[serde(with = "crate::number")]
        x: f64,
        #[serde(with = "crate::number")]
        y: f64,
        text: String,
        style: Style,
    },
}

impl Mark {
    /// How it looks, if that can be chosen.
    pub(super) fn style(&self) -> Option<&Style> {
        match self {
            Self::Line { style, .. }
            | Self::Points { style, .. }
            | Self::Intervals { style, .. }
            | Self::Band { style, .. }
            | Self::VLine { style, .. }
            | Self::HLine { style, .. }
            | Self::Shade { style, .. }
            | Self::Text { style, .. } => Some(style),
            Self::Heatmap(_) => None,
        }
    }
}

impl Panel {
    /// Empty axes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The title above the axes.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// What the x axis shows, with its unit: "Time (ms)".
    pub fn x_label(mut self, label: impl Into<String>) -> Self {
        self.x.label = label.into();
        self
    }

    /// What the y axis shows, with its unit.
    pub fn y_label(mut self, label: impl Into<String>) -> Self {
        self.y.label = label.into();
        self
    }

    /// The values at the left and the right end of the x axis. The left one may be the larger.
    ///
    /// Drawing fails with [`Error::Argument`](crate::Error::Argument) if they are equal or not finite, or not positive
    /// on a logarithmic axis.
    pub fn x_range(mut self, left: f64, right: f64) -> Self {
        self.x.range = Some((left, right));
        self
    }

    /// The values at the bottom and the top of the y axis; as [`x_range`](Self::x_range).
    pub fn y_range(mut self, bottom: f64, top: f64) -> Self {
        self.y.range = Some((bottom, top));
        self
    }

    /// The ticks of the x axis, each a place and its label; none at all if it is empty. A label that would run into
    /// the one before it is left out. By default ticks stand at round numbers.
    ///
    /// ```
    /// use psychrnn::plot::Panel;
    /// let panel = Panel::new().x_ticks([(0.0, "control"), (1.0, "lesion")]);
    /// ```
    pub fn x_ticks<L: Into<String>>(mut self, ticks: impl IntoIterator<Item = (f64, L)>) -> Self {
        self.x.ticks = Some(ticks.into_iter().map(|(place, label)| (place, label.into())).collect());
        self
    }

    /// The ticks of the y axis; as [`x_ticks`](Self::x_ticks).
    pub fn y_ticks<L: Into<String>>(mut self, ticks: impl IntoIterator<Item = (f64, L)>) -> Self {
        self.y.ticks = Some(ticks.into_iter().map(|(place, label)| (place, label.into())).collect());
        self
    }

    /// Makes the x axis logarithmic. One without a range of its own stays linear if a line or a point is at 0 or below, which
    /// has no place on a logarithmic axis; intervals and bands that reach so far end at its lower end.
    pub fn log_x(mut self) -> Self {
        self.x.log = true;
        self
    }

    /// Makes the y axis logarithmic; as [`log_x`](Self::log_x).
    pub fn log_y(mut self) -> Self {
        self.y.log = true;
        self
    }

    /// Makes one unit of x as long as one unit of y, as matrices and trajectories want it.
    pub fn equal(mut self) -> Self {
        self.equal = true;
        self
    }

    /// Where the legend stands. It names the elements that have a label; without any there is no legend.
    pub fn legend(mut self, legend: Legend) -> Self {
        self.legend = legend;
        self
    }

    /// A line through the points `(x, y)`. Drawing fails with [`Error::Argument`](crate::Error::Argument) if the two
    /// differ in length, here and in the other elements.
    ///
    /// Values may be given as arrays, vectors, slices, ranges or one-dimensional ndarrays of any number type.
    /// Long lines are thinned to what can be seen.
    pub fn line<X: Number, Y: Number>(
        self,
        x: impl IntoIterator<Item = X>,
        y: impl IntoIterator<Item = Y>,
        style: impl Into<Style>,
    ) -> Self {
        self.mark(Mark::Line { x: values(x), y: values(y), style: style.into() })
    }

    /// Points at `(x, y)`.
    pub fn points<X: Number, Y: Number>(
        self,
        x: impl IntoIterator<Item = X>,
        y: impl IntoIterator<Item = Y>,
        style: impl Into<Style>,
    ) -> Self {
        self.mark(Mark::Points { x: values(x), y: values(y), style: style.into() })
    }

    /// A vertical bar from `low` to `high` at each `x`: the error bars of points.
    pub fn intervals<X: Number, Y: Number>(
        self,
        x: impl IntoIterator<Item = X>,
        low: impl IntoIterator<Item = Y>,
        high: impl IntoIterator<Item = Y>,
        style: impl Into<Style>,
    ) -> Self {
        self.mark(Mark::Intervals { x: values(x), low: values(low), high: values(high), style: style.into() })
    }

    /// The area between `low` and `high` along `x`: the interval about a curve.
    pub fn band<X: Number, Y: Number>(
        self,
        x: impl IntoIterator<Item = X>,
        low: impl IntoIterator<Item = Y>,
        high: impl IntoIterator<Item = Y>,
        style: impl Into<Style>,
    ) -> Self {
        self.mark(Mark::Band { x: values(x), low: values(low), high: values(high), style: style.into() })
    }

    /// A matrix as a picture, with its color bar at the right.
    pub fn heatmap(self, heatmap: Heatmap) -> Self {
        self.mark(Mark::Heatmap(heatmap))
    }

    /// A thin vertical line across the axes.
    pub fn vline(self, x: f64, style: impl Into<Style>) -> Self {
        self.mark(Mark::VLine { x, style: style.into() })
    }

    /// A thin horizontal line across the axes.
    pub fn hline(self, y: f64, style: impl Into<Style>) -> Self {
        self.mark(Mark::HLine { y, style: style.into() })
    }

    /// A tinted stretch of the x axis: a stimulus period, or where the mask is on.
    pub fn shade(self, x: Range<f64>, style: impl Into<Style>) -> Self {
        self.mark(Mark::Shade { x, style: style.into() })
    }

    /// A line of text that begins at `(x, y)`.
    pub fn text(self, x: f64, y: f64, text: impl Into<String>, style: impl Into<Style>) -> Self {
        self.mark(Mark::Text { x, y, text: text.into(), style: style.into() })
    }

    /// All that is written on it but numbers.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let ticks = [&self.x, &self.y].into_iter().flat_map(|axis| axis.ticks.iter().flatten());
        let marks = self.marks.iter().filter_map(|mark| match mark {
            Mark::Text { text, .. } => Some(text.as_str()),
            Mark::Heatmap(map) => Some(map.label.as_str()),
            mark => mark.style()?.label.as_deref(),
        });
        let axes = [self.title.as_str(), &self.x.label, &self.y.label];
        axes.into_iter().chain(ticks.map(|(_, label)| label.as_str())).chain(marks)
    }

    fn mark(mut self, mark: Mark) -> Self {
        self.marks.push(mark);
        self
    }
}

/// A matrix drawn as a grid of colored cells, with a color bar.
///
/// The first row is at the top, so that a weight matrix `[post, pre]` has the sending units along x and the receiving
/// units down y, both counted from 0. Cells without a finite value are light gray.
///
/// ```
/// use ndarray::array;
/// use psychrnn::plot::{Heatmap, Panel};
/// let weights = array![[0.2, -0.4], [0.0, 0.3]];
/// let panel = Panel::new()
///     .x_label("From unit")
///     .y_label("To unit")
///     .heatmap(Heatmap::new(&weights).range(-0.5, 0.5).label("Weight"))
///     .equal();
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Heatmap {
    #[serde(with = "crate::number")]
    pub(super) cells: Vec<f64>,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) colormap: Colormap,
    #[serde(with = "crate::number", default)]
    pub(super) range: Option<(f64, f64)>,
    pub(super) label: String,
    #[serde(with = "crate::number", default)]
    pub(super) x: Option<(f64, f64)>,
    #[serde(with = "crate::number", default)]
    pub(super) y: Option<(f64, f64)>,
    #[serde(default)]
    pub(super) row_colors: Vec<Color>,
    #[serde(default)]
    pub(super) column_colors: Vec<Color>,
}

impl Heatmap {
    /// The picture of a matrix `[rows, columns]`.
    pub fn new<T: Number, S: Data<Elem = T>>(matrix: &ArrayBase<S, Ix2>) -> Self {
        let (rows, columns) = matrix.dim();
        Self {
            cells: matrix.iter().map(|value| value.value()).collect(),
            rows,
            columns,
            colormap: Colormap::default(),
            range: None,
            label: String::new(),
            x: None,
            y: None,
            row_colors: Vec::new(),
            column_colors: Vec::new(),
        }
    }

    /// The colors; [`Colormap::Diverging`] by default.
    pub fn colormap(mut self, colormap: Colormap) -> Self {
        self.colormap = colormap;
        self
    }

    /// The values at the two ends of the color bar; values outside have the color of the end. By default the range of
    /// the cells, made symmetric about 0 for [`Colormap::Diverging`].
    ///
    /// Drawing fails with [`Error::Argument`](crate::Error::Argument) unless `low < high` and both are finite.
    pub fn range(mut self, low: f64, high: f64) -> Self {
        self.range = Some((low, high));
        self
    }

    /// What the color shows, with its unit: the label of the color bar.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// The x values of the left and the right edge; by default -0.5 and the number of columns - 0.5, so that column
    /// `i` is centered at `i`.
    pub fn x_extent(mut self, left: f64, right: f64) -> Self {
        self.x = Some((left, right));
        self
    }

    /// The y values of the top and the bottom edge; by default -0.5 and the number of rows - 0.5, so that row `i` is
    /// centered at `i` and y runs downwards.
    pub fn y_extent(mut self, top: f64, bottom: f64) -> Self {
        self.y = Some((top, bottom));
        self
    }

    /// A color for each row, in a strip at the right: what kind of unit it is. By default there is none.
    ///
    /// Drawing fails with [`Error::Argument`](crate::Error::Argument) unless there are as many as rows.
    pub fn row_colors(mut self, colors: impl IntoIterator<Item = Color>) -> Self {
        self.row_colors = colors.into_iter().collect();
        self
    }

    /// A color for each column, in a strip at the top; as [`row_colors`](Self::row_colors).
    pub fn column_colors(mut self, colors: impl IntoIterator<Item = Color>) -> Self {
        self.column_colors = colors.into_iter().collect();
        self
    }

    /// The values of x at the left and right edges and of y at the top and bottom edges.
    pub(super) fn extent(&self) -> ((f64, f64), (f64, f64)) {
        let span = |n: usize| (-0.5, n as f64 - 0.5);
        (self.x.unwrap_or(span(self.columns)), self.y.unwrap_or(span(self.rows)))
    }
}

/// A number that can be drawn: `f64`, `f32`, the integers up to 64 bits, and references to them.
pub trait Number: sealed::Sealed {
    /// The number as `f64`.
    fn value(&self) -> f64;
}

mod sealed {
    pub trait Sealed {}
    impl<T: Sealed> Sealed for &T {}
}

impl<T: Number> Number for &T {
    fn value(&self) -> f64 {
        (**self).value()
    }
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl sealed::Sealed for $number {}
        impl Number for $number {
            fn value(&self) -> f64 {
                *self as f64
            }
        }
    )*};
}

numbers!(f64 f32 usize u64 u32 u16 u8 isize i64 i32 i16 i8);

fn values<N: Number>(numbers: impl IntoIterator<Item = N>) -> Vec<f64> {
    numbers.into_iter().map(|number| number.value()).collect()
}
