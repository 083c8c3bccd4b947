//! Weight matrices.

use ndarray::{Array2, Axis};

use crate::plot::{Color, Colormap, Figure, Heatmap, Panel};
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

    /// As [`Weights::plot`], with the recurrent units in this order, for instance that of
    /// [`order_by_selectivity`](crate::analysis::order_by_selectivity): the receiving units of `"W_in"` and other input weights,
    /// the sending units of `"W_out"` and other output weights, both of `"W_rec"`. Of a matrix whose name does not say what it
    /// connects, every axis that is as long as the order is sorted.
    ///
    /// # Errors
    /// If there is no such matrix, if it has not as many units as the order, or if the order does not name each unit once.
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
        let are_units = are_units(name).unwrap_or([true; 2]);
        for (axis, label, named) in [(Axis(1), 0, "From, sorted"), (Axis(0), 1, "To, sorted")] {
            if are_units[label] && matrix.len_of(axis) == order.len() {
                matrix = matrix.select(axis, order);
                labels[label] = named;
                if let Some(colors) = kinds[label].as_mut().filter(|colors| colors.len() == order.len()) {
                    *colors = order.iter().map(|&unit| colors[unit]).collect();
                }
            }
        }
        if labels == ["From", "To"] {
            let expected = match are_units {
                [false, true] => format!("[n_rec = {}]", matrix.nrows()),
                [true, false] => format!("[n_rec = {}]", matrix.ncols()),
                _ => format!("[one of {:?}]", matrix.shape()),
            };
            return Err(Error::shape("order", expected, &[order.len()]));
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
        let [from, to] = are_units(name).filter(|_| matches!(name, "W_rec" | "W_in" | "W_out")).unwrap_or([false; 2]);
        [signs.clone().filter(|_| from), signs.filter(|_| to)]
    }
}

/// Whether the sending and the receiving ends of a matrix are recurrent units, as far as its name tells.
fn are_units(name: &str) -> Option<[bool; 2]> {
    let is = |of: &str, other: &str| name == other || name == of || name.starts_with(&format!("{of}_"));
    if is("W_in", "input_connectivity") {
        Some([false, true])
    } else if is("W_out", "output_connectivity") {
        Some([true, false])
    } else if is("W_rec", "rec_connectivity") {
        Some([true, true])
    } else {
        None
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

    #[test]
    fn only_units_are_sorted() {
        // As many inputs and outputs as units.
        let numbered = array![[0.0, 0.1, 0.2], [1.0, 1.1, 1.2], [2.0, 2.1, 2.2_f32]];
        let mut weights = Weights::new();
        for name in ["W_rec", "W_in", "W_out", "input_connectivity", "W_own"] {
            weights.insert(name, numbered.clone());
        }
        weights.insert("W_out_first", array![[0.0, 0.1, 0.2], [1.0, 1.1, 1.2]]);
        let rows = array![[2.0, 2.1, 2.2], [0.0, 0.1, 0.2], [1.0, 1.1, 1.2_f32]];
        let columns = array![[0.2, 0.0, 0.1], [1.2, 1.0, 1.1], [2.2, 2.0, 2.1_f32]];
        let both = array![[2.2, 2.0, 2.1], [0.2, 0.0, 0.1], [1.2, 1.0, 1.1_f32]];
        for (name, expected, labels) in [
            ("W_in", &rows, ["From", "To, sorted"]),
            ("input_connectivity", &rows, ["From", "To, sorted"]),
            ("W_out", &columns, ["From, sorted", "To"]),
            ("W_rec", &both, ["From, sorted", "To, sorted"]),
            ("W_own", &both, ["From, sorted", "To, sorted"]),
        ] {
            let figure = weights.plot_sorted(name, &[2, 0, 1]).unwrap();
            assert_eq!(
                figure.panels[0].marks,
                Panel::new().heatmap(Heatmap::new(expected).label("Weight")).marks,
                "{name}"
            );
            let panel = &figure.panels[0];
            assert_eq!([panel.x.label.as_str(), panel.y.label.as_str()], labels, "{name}");
        }
        // An order of the two outputs is none of units.
        let error = weights.plot_sorted("W_out_first", &[1, 0]).unwrap_err().to_string();
        assert!(error.contains("n_rec = 3"), "{error}");
    }
}
