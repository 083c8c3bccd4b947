//! Weight matrices.

use super::{Figure, Heatmap, Panel};
use crate::Result;
use crate::weights::Weights;

impl Weights {
    /// A matrix as a picture, for instance `"W_rec"`: sending units along x, receiving units down y, excitation red,
    /// inhibition blue.
    ///
    /// # Errors
    /// If there is no such matrix.
    pub fn plot(&self, name: &str) -> Result<Figure> {
        let matrix = self.matrix(name)?;
        let panel =
            Panel::new().title(name).x_label("From").y_label("To").heatmap(Heatmap::new(&matrix).label("Weight"));
        // Cells of a square matrix are square; those of a long one fill the panel, or they would be too small to see.
        Ok(if matrix.is_square() { panel.equal().figure().size(380.0, 320.0) } else { panel.figure() })
    }
}
