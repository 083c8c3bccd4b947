//! From the plain data of a figure to strokes, fills and letters on a sheet.

mod axes;
pub(crate) mod cells;
mod describe;
pub(crate) mod font;
mod frame;
mod geometry;
mod layout;
mod legend;
mod marks;
pub(crate) mod sheet;
mod sizes;
mod ticks;

use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, DrawingBackend};
use plotters::style::text_anchor::HPos;

use self::axes::Axes;
use self::cells::DrawCells;
pub(crate) use self::describe::describe;
use self::font::Fonts;
use self::geometry::Rect;
use self::layout::layout;
use self::sheet::{Letters, Sheet};
use self::sizes::{CAPITAL, HEADING_SIZE, LABEL_SIZE, LETTER_SIZE, MARGIN, TITLE_SIZE};
pub(crate) use self::ticks::{LARGEST, brief};
use super::color::Color;
use super::figure::{Figure, letter};
use super::style::Legend;
use crate::error::Result;

/// Draws all panels in their grid onto an area, which becomes a page of at least the figure's size.
pub(crate) fn figure<DB: DrawingBackend>(
    figure: &Figure,
    area: &DrawingArea<DB, Shift>,
    draw_cells: DrawCells<DB>,
) -> Result<()> {
    let fonts = Fonts::new()?;
    let sheet = Sheet::new(area, figure.checked_size()?, draw_cells);
    let (width, height) = sheet.size();
    let mut page = Rect { left: MARGIN, top: MARGIN, right: width - MARGIN, bottom: height - MARGIN };
    if !figure.title.is_empty() {
        let at = (width / 2.0, page.top + HEADING_SIZE * CAPITAL);
        sheet.text(at, &figure.title, Letters { anchor: HPos::Center, ..letters(HEADING_SIZE) })?;
        page.top += HEADING_SIZE + 8.0;
    }
    let mut axes = figure.panels.iter().map(Axes::new).collect::<Result<Vec<_>>>()?;
    let (rows, columns) = figure.grid();
    for axes in &mut axes {
        axes.room = (0.7 * page.width() / columns as f64, page.height() / rows as f64 - 2.0 * TITLE_SIZE);
    }
    // Axes that make room for a legend beside them may leave no room for another's within, so that this goes on until all fit.
    let areas = loop {
        let areas = layout(figure, &axes, page, &fonts);
        let mut crowded = false;
        for (axes, (cell, area)) in axes.iter_mut().zip(&areas) {
            let painter = Painter { axes, area: *area, fonts: &fonts, sheet: &sheet };
            if painter.is_legend_in_the_way(cell.right - area.right) {
                axes.legend = Legend::Outside;
                crowded = true;
            }
        }
        if !crowded {
            break areas;
        }
    };
    if figure.panels.is_empty() {
        let style = Letters { anchor: HPos::Center, color: Color::GRAY, ..letters(LABEL_SIZE) };
        sheet.text(page.center(), "nothing to show: there are no panels", style)?;
    }
    for (index, (axes, (cell, area))) in axes.iter().zip(areas).enumerate() {
        if figure.letters {
            let at = (cell.left, cell.top + LETTER_SIZE * CAPITAL);
            sheet.text(at, &letter(index), Letters { bold: true, ..letters(LETTER_SIZE) })?;
        }
        Painter { axes, area, fonts: &fonts, sheet: &sheet }.panel(figure.letters.then_some(cell))?;
    }
    Ok(())
}

/// Draws one panel into the rectangle of its axes.
struct Painter<'a, 's, DB: DrawingBackend> {
    axes: &'a Axes<'a>,
    area: Rect,
    fonts: &'a Fonts,
    sheet: &'a Sheet<'s, DB>,
}

impl<DB: DrawingBackend> Painter<'_, '_, DB> {
    fn panel(&self, lettered: Option<Rect>) -> Result<()> {
        let axes = self.axes;
        // What is large lies below what is small, whatever the order in which it was added.
        for layer in 0..6 {
            // Points on an axis are whole.
            if layer == 5 {
                self.frame()?;
            }
            for (mark, color) in axes.panel.marks.iter().zip(&axes.colors) {
                if self.layer(mark) == layer {
                    self.mark(mark, *color)?;
                }
            }
        }
        self.title(lettered)?;
        self.color_bar()?;
        self.legend()?;
        self.emptiness()
    }
}

fn letters(size: f64) -> Letters {
    Letters { size, bold: false, color: Color::BLACK, anchor: HPos::Left, upwards: false }
}
