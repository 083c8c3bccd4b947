//! Weight matrices.

use ndarray::{Array2, Axis};

use super::{Figure, Heatmap, Panel};
use crate::weights::Weights;
use crate::{Error, Result};

impl Weights {
    /// A matrix as a picture, for instance `"W_rec"`: sending units along x, receiving units down y, excitation red,
    /// inhibition blue.
    ///
    /// # Errors
    /// If there is no such matrix.
    pub fn plot(&self, name: &str) -> Result<Figure> {
        Ok(picture(&self.matrix(name)?, name, ["From", "To"]))
    }

    /// As [`Weights::plot`], with the units in this order, for instance that of
    /// [`order_by_selectivity`](crate::analysis::order_by_selectivity): every axis of the matrix that is as long as the
    /// order is sorted, so that `"W_in"` and `"W_out"` can be shown in the same order as `"W_rec"`.
    ///
    /// # Errors
    /// If there is no such matrix, if it has no axis of that length, or if the order does not name each unit once.
    pub fn plot_sorted(&self, name: &str, order: &[usize]) -> Result<Figure> {
        let mut matrix = self.matrix(name)?;
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..order.len()) {
            return Err(Error::argument(
                "order",
                format!("each unit from 0 to {} once", order.len()),
                format!("{order:?}"),
            ));
        }
        let mut labels = ["From", "To"];
        for (axis, label, named) in [(Axis(1), 0, "From, sorted"), (Axis(0), 1, "To, sorted")] {
            if matrix.len_of(axis) == order.len() {
                matrix = matrix.select(axis, order);
                labels[label] = named;
            }
        }
        if labels == ["From", "To"] {
            return Err(Error::shape("order", format!("[one of {:?}]", matrix.shape()), &[order.len()]));
        }
        Ok(picture(&matrix, name, labels))
    }
}

fn picture(matrix: &Array2<f32>, name: &str, [from, to]: [&str; 2]) -> Figure {
    let panel = Panel::new().title(name).x_label(from).y_label(to).heatmap(Heatmap::new(matrix).label("Weight"));
    // Cells of a square matrix are square; those of a long one fill the panel, or they would be too small to see.
    if matrix.is_square() { panel.equal().figure().size(380.0, 320.0) } else { panel.figure() }
}
