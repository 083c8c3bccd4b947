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
//!
//! Every surface is a backend of [`plotters`], on which its elements are drawn: the PNG, the SVG, the PDF, and any other that
//! [`Figure::draw`] is given. What stands where is decided before, since the charts of plotters take the room for labels as a number
//! of pixels and do not look what a legend covers, and since it takes every byte of a text for 0.56 of its size wide (an `l` is 0.22, a
//! `W` 0.94), or measures with fonts of the machine. It counts in whole numbers, so that our surfaces have 20 units to a point, and its
//! bitmaps have a pixel for each unit (72 MB for a heatmap of 300 by 200 points), so that colored cells are an element of ours.

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
