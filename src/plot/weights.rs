//! Weight matrices.

use ndarray::{Array2, Axis};

use super::{Color, Colormap, Figure, Heatmap, Panel};
use crate::weights::Weights;
use crate::{Error, Result};

/// What the strips of colors mean.
const KINDS: &str = " (E red, I blue)";

impl Weights {
    /// A matrix as a picture, for instance `"W_rec"`: sending units along x, receiving units down y, excitation red,
    /// inhibition blue. Under Dale's principle strips beside `"W_rec"`, `"W_in"` and `"W_out"` show in the same colors which units
    /// are excitatory and which inhibitory.
    ///
    /// # Errors
    /// If there is no such matrix.
    pub fn plot(&self, name: &str) -> Result<Figure> {
        Ok(picture(&self.matrix(name)?, name, ["From", "To"], self.kinds(name)))
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
        let mut kinds = self.kinds(name);
        for (axis, label, named) in [(Axis(1), 0, "From, sorted"), (Axis(0), 1, "To, sorted")] {
            if matrix.len_of(axis) == order.len() {
                matrix = matrix.select(axis, order);
                labels[label] = named;
                if let Some(colors) = kinds[label].as_mut().filter(|colors| colors.len() == order.len()) {
                    *colors = order.iter().map(|&unit| colors[unit]).collect();
                }
            }
        }
        if labels == ["From", "To"] {
            return Err(Error::shape("order", format!("[one of {:?}]", matrix.shape()), &[order.len()]));
        }
        Ok(picture(&matrix, name, labels, kinds))
    }

    /// The colors of the sending and of the receiving units, where these are recurrent and Dale's principle holds.
    fn kinds(&self, name: &str) -> [Option<Vec<Color>>; 2] {
        let holds =
            |signs: &Array2<f32>| self.dale_ratio().flatten().is_some() || signs.diag().iter().any(|&sign| sign < 0.0);
        let signs = self.matrix("Dale_rec").ok().filter(holds).map(|signs| {
            let color = |&sign: &f32| Colormap::Diverging.color(if sign < 0.0 { 0.2 } else { 0.8 });
            signs.diag().iter().map(color).collect::<Vec<_>>()
        });
        match name {
            "W_rec" => [signs.clone(), signs],
            "W_in" => [None, signs],
            "W_out" => [signs, None],
            _ => [None, None],
        }
    }
}

fn picture(matrix: &Array2<f32>, name: &str, labels: [&str; 2], kinds: [Option<Vec<Color>>; 2]) -> Figure {
    let (n_to, n_from) = matrix.dim();
    let mut map = Heatmap::new(matrix).label("Weight");
    let mut named = labels.map(str::to_owned);
    let [from, to] = kinds;
    if let Some(colors) = from.filter(|colors| colors.len() == n_from) {
        map = map.column_colors(colors);
        named[0] += KINDS;
    }
    if let Some(colors) = to.filter(|colors| colors.len() == n_to) {
        map = map.row_colors(colors);
        named[1] += KINDS;
    }
    let [from, to] = named;
    let panel = Panel::new().title(name).x_label(from).y_label(to).heatmap(map);
    // Cells of a square matrix are square; those of a long one fill the panel, or they would be too small to see.
    if matrix.is_square() { panel.equal().figure().size(380.0, 320.0) } else { panel.figure() }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn units_are_marked_under_dales_principle() {
        let mut weights = Weights::new();
        weights.insert("W_rec", array![[0.5, 0.2, -0.3], [0.1, 0.0, -0.2], [0.3, 0.2, 0.0]]);
        weights.insert("W_in", Array2::<f32>::ones((3, 2)));
        weights.insert("Dale_rec", Array2::from_diag(&array![1.0, 1.0, 1.0]));
        assert!(!weights.plot("W_rec").unwrap().to_string().contains("E red"), "nothing says that the principle holds");
        weights.insert("Dale_rec", Array2::from_diag(&array![1.0, 1.0, -1.0]));
        let text = |figure: Result<Figure>| figure.unwrap().to_string();
        assert_eq!(text(weights.plot("W_rec")).matches("E red").count(), 2);
        assert_eq!(text(weights.plot("W_in")).matches("(E red, I blue)\" 2.5 to -0.5").count(), 1);
        let [from, to] = weights.kinds("W_rec");
        let (excitatory, inhibitory) = (Colormap::Diverging.color(0.8), Colormap::Diverging.color(0.2));
        assert_eq!(from, Some(vec![excitatory, excitatory, inhibitory]));
        assert_eq!(from, to);
        let sorted = weights.plot_sorted("W_rec", &[2, 0, 1]).unwrap();
        let expected = Heatmap::new(&array![[0.0, 0.3, 0.2], [-0.3, 0.5, 0.2], [-0.2, 0.1, 0.0_f32]])
            .label("Weight")
            .column_colors([inhibitory, excitatory, excitatory])
            .row_colors([inhibitory, excitatory, excitatory]);
        assert_eq!(sorted.panels[0].marks, Panel::new().heatmap(expected).marks);
    }
}
