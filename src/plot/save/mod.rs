//! The ways out of a figure.

mod paths;
pub(super) mod pdf;
pub(super) mod raster;
pub(super) mod svg;
