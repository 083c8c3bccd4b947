//! What the time loop is made of: lanes, products, elementary functions, noise.

pub(super) mod lanes;
pub(super) mod math;
pub(crate) mod noise;
pub(super) mod product;
pub(super) mod seen;
