//! Colored cells as an element of plotters, whose bitmaps have a pixel for each unit of a backend: those of a heatmap would be
//! millions.

use plotters::element::{Drawable, PointCollection};
use plotters_backend::{BackendColor, BackendCoord, DrawingBackend, DrawingErrorKind};

use crate::plot::color::Color;

/// What comes of drawing on a backend.
pub(crate) type Drawn<DB> = Result<(), DrawingErrorKind<<DB as DrawingBackend>::ErrorType>>;
/// How a backend draws cells.
pub(crate) type DrawCells<DB> = fn(&mut DB, &Cells<'_>) -> Drawn<DB>;

/// Colored cells that fill a rectangle of a backend.
pub(crate) struct Cells<'a> {
    /// The edges of the columns from left to right, one more than there are columns.
    pub(crate) x: Vec<i32>,
    /// The edges of the rows from top to bottom.
    pub(crate) y: Vec<i32>,
    /// Row by row from the top left.
    pub(crate) colors: &'a [Color],
}

impl Cells<'_> {
    pub(crate) fn columns(&self) -> usize {
        self.x.len() - 1
    }

    /// Neighbors of one color in a row: two corners of the rectangle that they fill, and the color.
    pub(crate) fn runs(&self) -> impl Iterator<Item = (BackendCoord, BackendCoord, BackendColor)> {
        self.colors.chunks(self.columns()).zip(self.y.windows(2)).flat_map(move |(row, edges)| {
            let mut column = 0;
            row.chunk_by(|a, b| a == b).map(move |run| {
                let from = (self.x[column], edges[0]);
                column += run.len();
                let Color { red, green, blue } = run[0];
                (from, (self.x[column], edges[1]), BackendColor { alpha: 1.0, rgb: (red, green, blue) })
            })
        })
    }

    /// Draws them as rectangles, which every backend can.
    pub(crate) fn rectangles<DB: DrawingBackend>(backend: &mut DB, cells: &Cells<'_>) -> Drawn<DB> {
        cells.runs().try_for_each(|(from, to, color)| backend.draw_rect(from, to, &color, true))
    }
}

/// The element: its points are the edges of the columns, along the top, and those of the rows, along the left.
pub(super) struct Grid<'a, DB: DrawingBackend> {
    pub(super) edges: Vec<BackendCoord>,
    pub(super) columns: usize,
    pub(super) colors: &'a [Color],
    pub(super) draw: DrawCells<DB>,
}

impl<'a, DB: DrawingBackend> PointCollection<'a, BackendCoord> for &'a Grid<'_, DB> {
    type Point = &'a BackendCoord;
    type IntoIter = &'a [BackendCoord];

    fn point_iter(self) -> &'a [BackendCoord] {
        &self.edges
    }
}

impl<DB: DrawingBackend> Drawable<DB> for Grid<'_, DB> {
    fn draw<I: Iterator<Item = BackendCoord>>(&self, mut edges: I, backend: &mut DB, _: (u32, u32)) -> Drawn<DB> {
        let x = edges.by_ref().take(self.columns + 1).map(|(x, _)| x).collect();
        let y = edges.map(|(_, y)| y).collect();
        (self.draw)(backend, &Cells { x, y, colors: self.colors })
    }
}
