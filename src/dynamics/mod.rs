//! How a state moves one step: the equations, on plain arrays, without libtorch.
//!
//! There is one definition of each equation. The simulator runs it here; training differentiates the same equation in
//! libtorch, and the tests hold both to each other.

mod leaky;
pub(crate) mod noise;
mod transfer;

pub use leaky::{Leak, LeakyRnn};
pub use transfer::Transfer;
