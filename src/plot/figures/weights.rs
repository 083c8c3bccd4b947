//! Weight matrices.

use std::ops::Range;

use ndarray::{Array2, Axis};

use crate::dynamics::wiring::{Source, Target};
use crate::plot::{Color, Colormap, Figure, Heatmap, Panel};
use crate::simulate::SavedDynamics;
use crate::weights::Weights;
use crate::{Error, Result};

/// What the strips of colors mean.
const KINDS: &str = " (E red, I blue)";

/// Which columns and which rows of a matrix are recurrent units.
type Ends = [Option<Range<usize>>; 2];

impl Weights {
    /// A matrix as a picture, for instance `"W_rec"`: sending units along x, receiving units down y, excitation red,
    /// inhibition blue; of an LSTM's gate (`"W_f"`) the units are followed by the input channels. Under Dale's principle strips beside `"W_rec"`, `"W_in"` and `"W_out"` show in the same colors which units
    /// are excitatory and which inhibitory.
    ///
    /// # Errors
    /// If there is no such matrix.
    pub fn plot(&self, name: &str) -> Result<Figure> {
        let (matrix, ends) = self.with_ends(name)?;
        Ok(picture(&matrix, name, ["From", "To"], self.kinds(name, &ends)))
    }

    /// As [`Weights::plot`], with the recurrent units in this order, for instance that of
    /// [`order_by_selectivity`](crate::analysis::order_by_selectivity): the receiving units of `"W_in"` and other input weights,
    /// the sending units of `"W_out"` and other output weights, both of `"W_rec"`. Of a matrix whose name does not say what it
    /// connects, every axis that is as long as the order is sorted.
    ///
    /// # Errors
    /// If there is no such matrix, if it has not as many units as the order, or if the order does not name each unit once.
    pub fn plot_sorted(&self, name: &str, order: &[usize]) -> Result<Figure> {
        let (mut matrix, ends) = self.with_ends(name)?;
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
        let mut kinds = self.kinds(name, &ends);
        for (axis, label, named) in [(Axis(1), 0, "From, sorted"), (Axis(0), 1, "To, sorted")] {
            let Some(units) = ends[label].clone().filter(|units| units.len() == order.len()) else { continue };
            let mut places: Vec<usize> = (0..matrix.len_of(axis)).collect();
            places.iter_mut().skip(units.start).zip(order).for_each(|(place, &unit)| *place = units.start + unit);
            matrix = matrix.select(axis, &places);
            labels[label] = named;
            if let Some(colors) = kinds[label].as_mut().filter(|colors| colors.len() == order.len()) {
                *colors = order.iter().map(|&unit| colors[unit]).collect();
            }
        }
        if labels == ["From", "To"] {
            let expected = match &ends {
                [None, Some(units)] | [Some(units), None] => format!("[n_rec = {}]", units.len()),
                _ => format!("[one of {:?}]", matrix.shape()),
            };
            return Err(Error::shape("order", expected, &[order.len()]));
        }
        Ok(picture(&matrix, name, labels, kinds))
    }

    /// A matrix as `[post, pre]`, and which of its columns and which of its rows are recurrent units.
    fn with_ends(&self, name: &str) -> Result<(Array2<f32>, Ends)> {
        let matrix = self.matrix(name)?;
        let (rows, columns) = (0..matrix.nrows(), 0..matrix.ncols());
        // Where weights say of which equation they are, this knows; otherwise names do, as far as they tell.
        let saved = self.config::<SavedDynamics>().ok().flatten();
        let wires = saved.and_then(|saved| {
            let n_rec = saved.dynamics.n_rec(self).ok()?;
            let wiring = saved.dynamics.units().wiring(n_rec);
            Some(wiring.iter().filter(|wire| wire.name == name).copied().collect::<Vec<_>>())
        });
        if let Some([first, ..]) = wires.as_deref() {
            let matrix = if first.transposed.is_some() { matrix.reversed_axes() } else { matrix };
            let (n_to, n_from) = matrix.dim();
            // Units come before inputs.
            let to = (first.to != Target::Outputs).then_some(0..n_to);
            let from = (first.from == Source::Units).then_some(0..if to.is_some() { n_to.min(n_from) } else { n_from });
            return Ok((matrix, [from, to]));
        }
        let is = |of: &str, other: &str| name == other || name == of || name.starts_with(&format!("{of}_"));
        let ends = match () {
            () if is("W_in", "input_connectivity") => [None, Some(rows)],
            () if is("W_out", "output_connectivity") => [Some(columns), None],
            () => [Some(columns), Some(rows)],
        };
        Ok((matrix, ends))
    }

    /// The colors of the sending and of the receiving units, where these are recurrent and Dale's principle holds.
    fn kinds(&self, name: &str, ends: &Ends) -> [Option<Vec<Color>>; 2] {
        let holds =
            |signs: &Array2<f32>| self.dale_ratio().flatten().is_some() || signs.diag().iter().any(|&sign| sign < 0.0);
        let signs = self.matrix("Dale_rec").ok().filter(holds).filter(|_| matches!(name, "W_rec" | "W_in" | "W_out"));
        let colors = signs.map(|signs| {
            let color = |&sign: &f32| Colormap::Diverging.color(if sign < 0.0 { 0.2 } else { 0.8 });
            signs.diag().iter().map(color).collect::<Vec<_>>()
        });
        ends.each_ref().map(|units| colors.clone().filter(|_| units.is_some()))
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
        let [from, to] = weights.kinds("W_rec", &[Some(0..3), Some(0..3)]);
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

    #[test]
    fn gates_are_shown_from_their_units_and_inputs() {
        use crate::dynamics::LstmUnits;
        // Two units and one input: a row for each that sends.
        let mut weights = Weights::new();
        weights.insert("W_f", array![[0.0, 0.1], [1.0, 1.1], [2.0, 2.1_f32]]);
        for name in ["W_i", "W_c", "W_o"] {
            weights.insert(name, Array2::<f32>::zeros((3, 2)));
        }
        weights.insert("W_out", Array2::<f32>::zeros((1, 2)));
        weights.set_config(&SavedDynamics { dynamics: LstmUnits::new(10.0).into() }).unwrap();
        let marks = |figure: Result<Figure>| figure.unwrap().panels[0].marks.clone();
        let expected = |matrix: &Array2<f32>| Panel::new().heatmap(Heatmap::new(matrix).label("Weight")).marks;
        assert_eq!(marks(weights.plot("W_f")), expected(&array![[0.0, 1.0, 2.0], [0.1, 1.1, 2.1]]));
        assert_eq!(marks(weights.plot_sorted("W_f", &[1, 0])), expected(&array![[1.1, 0.1, 2.1], [1.0, 0.0, 2.0]]));
    }
}
