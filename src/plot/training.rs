//! What training did.

use super::{Figure, Panel};
use crate::train::Training;

impl Training {
    /// The loss of each update's batch over the trials seen.
    #[must_use]
    pub fn plot_loss(&self) -> Figure {
        let trials = (0..self.losses.len()).map(|update| (update * self.batch_size) as f64);
        Panel::new().x_label("Trials").y_label("Loss").line(trials, &self.losses, ()).log_y().figure()
    }
}
