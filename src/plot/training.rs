//! What training did.

use super::{Figure, Panel};
use crate::train::Training;

impl Training {
    /// The recorded losses over the trials seen before each.
    #[must_use]
    pub fn plot_loss(&self) -> Figure {
        let trials = self.recorded.iter().map(|update| ((update - 1) * self.batch_size) as f64);
        Panel::new().x_label("Trials").y_label("Loss").line(trials, &self.losses, ()).log_y().figure()
    }
}
