//! Figures: pictures for a notebook cell, a PNG, SVG or PDF file.
//!
//! A [`Figure`] holds [`Panel`]s; a panel holds lines, points, bands and [`Heatmap`]s. All are plain values that are
//! changed by setters and drawn when they are shown or saved, the same on every machine: a font with Latin and Greek letters is
//! part of the crate (others are looked for on the machine), and no display is needed.
//!
//! ```
//! use psychrnn::plot::Panel;
//! let updates = [0, 100, 200, 300];
//! let loss = [1.0, 0.4, 0.2, 0.15];
//! let panel = Panel::new().x_label("Update").y_label("Loss").line(updates, loss, "training");
//! panel.evcxr_display(); // in a notebook the value alone, as the last line of a cell
//! ```

mod color;
mod draw;
mod figure;
mod figures;
mod panel;
mod save;
mod style;
#[cfg(test)]
mod tests;

pub use color::{Color, Colormap};
pub use figure::Figure;
pub use figures::{censored_pairs, pairs, shares};
pub use panel::{Heatmap, Number, Panel};
/// The library that figures are drawn with, for [`Figure::draw`].
pub use plotters;
pub use style::{Legend, Marker, Style};
