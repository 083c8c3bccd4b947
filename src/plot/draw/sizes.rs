//! The look of all figures, in points.

pub(super) const TICK_SIZE: f64 = 11.0;
pub(super) const LABEL_SIZE: f64 = 12.0;
pub(super) const TITLE_SIZE: f64 = 12.5;
pub(super) const HEADING_SIZE: f64 = 14.0;
pub(super) const LETTER_SIZE: f64 = 16.0;
/// The height of capitals and digits as a fraction of the size of the letters.
pub(super) const CAPITAL: f64 = 0.72;
pub(super) const TICK: f64 = 4.0;
pub(super) const GAP: f64 = 4.0;
pub(super) const MARGIN: f64 = 10.0;
pub(super) const BAR: f64 = 10.0;
/// The steps from one end of a color map to the other: with missing values fewer than the 256 colors of a palette, and an
/// even number, so that the middle is among them.
pub(super) const SHADES: f64 = 250.0;
pub(super) const SWATCH: f64 = 18.0;
pub(super) const LEGEND_LINE: f64 = 15.0;
/// Between the axes and a legend beside them.
pub(super) const LEGEND_GAP: f64 = 12.0;
