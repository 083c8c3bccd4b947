//! The linear support vector machine, to its optimum.

use linfa_linalg::cholesky::SolveC;
use ndarray::{Array1, Array2, ArrayView1, Axis, Zip, s};

use super::linear::Linear;
use crate::{Error, Result};

/// More steps of the interior point method than this were never needed.
const STEPS: usize = 100;
/// How far, on average over samples, the products may be from 0 (in units of `c`, if that is above 1), and the other conditions, 10,000
/// times as far.
const ENOUGH: f64 = 1e-12;

/// The minimum of `½ ‖w‖² + c Σ max(0, 1 - y (w x + b))` over samples `[n_samples, n_units]` of two classes, `y` being 1 for the second
/// class; of more classes one for each two of them, in the order 0 1, 0 2, …, 1 2, …
pub(super) fn fit(x: &Array2<f64>, y: &[usize], n_classes: usize, c: f64) -> Result<Linear> {
    let mut linear = Linear { weights: Array2::zeros((0, x.ncols())), intercepts: Array1::zeros(0) };
    let mut intercepts = Vec::new();
    for first in 0..n_classes {
        for second in first + 1..n_classes {
            let rows: Vec<usize> = (0..y.len()).filter(|&row| y[row] == first || y[row] == second).collect();
            let sign = rows.iter().map(|&row| if y[row] == second { 1.0 } else { -1.0 }).collect();
            let (weights, intercept) = margin(&x.select(Axis(0), &rows), &sign, c)?;
            linear.weights.push_row(weights.view())?;
            intercepts.push(intercept);
        }
    }
    linear.intercepts = Array1::from(intercepts);
    Ok(linear)
}

/// The state of the interior point method: the plane, and for each sample how much it weighs in the plane (`alpha`, of which `c - alpha`
/// is left), by how much it is beyond the margin (`beyond`) and by how much short of it (`short`). All but the plane are positive.
struct State {
    /// Weights and intercept.
    plane: Array1<f64>,
    alpha: Array1<f64>,
    beyond: Array1<f64>,
    short: Array1<f64>,
}

/// Mehrotra's predictor and corrector: a step towards the minimum, by which is found how far the next one may aim, with one matrix
/// for both. At the minimum `alpha · beyond` and `(c - alpha) · short` are 0 for every sample.
fn margin(x: &Array2<f64>, y: &Array1<f64>, c: f64) -> Result<(Array1<f64>, f64)> {
    let (n, n_units) = x.dim();
    // The samples times their signs, with a column of signs for the intercept.
    let mut rows = Array2::zeros((n, n_units + 1));
    rows.slice_mut(s![.., ..n_units]).assign(&(x * &y.view().insert_axis(Axis(1))));
    rows.column_mut(n_units).assign(y);
    let half = Array1::from_elem(n, c / 2.0);
    let one = Array1::ones(n);
    let mut at = State { plane: Array1::zeros(n_units + 1), alpha: half, beyond: one.clone(), short: one };
    // The plane that fulfills the conditions best, and by how much it does not. At the end rounding makes them worse.
    let (mut best, mut before) = ((f64::INFINITY, at.plane.clone()), f64::INFINITY);
    for _ in 0..STEPS {
        let left = c - &at.alpha;
        let gap = (at.alpha.dot(&at.beyond) + left.dot(&at.short)) / (2 * n) as f64;
        // What is left of the conditions that the minimum fulfills.
        let margins = rows.dot(&at.plane) - 1.0 + &at.short - &at.beyond;
        let mut plane = back(&rows, &at.alpha);
        plane.slice_mut(s![..n_units]).zip_mut_with(&at.plane.slice(s![..n_units]), |sum, &weight| *sum -= weight);
        let wrong = plane.iter().chain(&margins).fold(0.0_f64, |most, x| most.max(x.abs()));
        let error = (gap / c.max(1.0)).max(1e-4 * wrong / (1.0 + c));
        if error < best.0 {
            best = (error, at.plane.clone());
        }
        if best.0 <= ENOUGH || error.is_nan() || error > 1e4 * best.0 {
            break;
        }
        let stiff = (&at.short / &left + &at.beyond / &at.alpha).mapv(|stiff| 1.0 / stiff);
        let mut matrix = rows.t().dot(&(&rows * &stiff.view().insert_axis(Axis(1))));
        matrix.diag_mut().slice_mut(s![..n_units]).mapv_inplace(|x| x + 1.0);
        let diagonal = matrix.diag().to_owned();
        matrix.diag_mut().zip_mut_with(&diagonal, |x, &own| *x = own + 1e-15 * own);
        let step = |targets: [ArrayView1<'_, f64>; 2], matrix: &mut Array2<f64>| -> Option<State> {
            let [beyond, short] = targets;
            // What the products should become, less what they are, as changes of `beyond` and `short`.
            let shift = &short / &left - &beyond / &at.alpha;
            let toward = &stiff * &(-&margins - &shift);
            let right = (&plane + &back(&rows, &toward)).insert_axis(Axis(1));
            let change = matrix.solvec(&right).ok()?.remove_axis(Axis(1));
            let alpha = toward - &stiff * &rows.dot(&change);
            let beyond = (&beyond - &(&at.beyond * &alpha)) / &at.alpha;
            let short = (&short + &(&at.short * &alpha)) / &left;
            Some(State { plane: change, alpha, beyond, short })
        };
        let products = (-(&at.alpha * &at.beyond), -(&left * &at.short));
        let Some(ahead) = step([products.0.view(), products.1.view()], &mut matrix.clone()) else { break };
        let share = room(&at, &left, &ahead);
        let reached = ((&at.alpha + &(share * &ahead.alpha)).dot(&(&at.beyond + &(share * &ahead.beyond)))
            + (&left - &(share * &ahead.alpha)).dot(&(&at.short + &(share * &ahead.short))))
            / (2 * n) as f64;
        // Where the correction led away, the next step aims at the middle, uncorrected.
        let (aim, corrected) = if gap > before { (0.5 * gap, 0.0) } else { (gap * (reached / gap).powi(3), 1.0) };
        before = gap;
        let beyond = products.0 + aim - corrected * &ahead.alpha * &ahead.beyond;
        let short = products.1 + aim + corrected * &ahead.alpha * &ahead.short;
        let Some(change) = step([beyond.view(), short.view()], &mut matrix) else { break };
        let share = (0.995 * room(&at, &left, &change)).min(1.0);
        for (of, by) in [
            (&mut at.plane, change.plane),
            (&mut at.alpha, change.alpha),
            (&mut at.beyond, change.beyond),
            (&mut at.short, change.short),
        ] {
            of.scaled_add(share, &by);
        }
    }
    let (error, plane) = best;
    if error > 1e4 * ENOUGH {
        return Err(Error::argument("c", "one for which the optimum can be found", c));
    }
    let (weights, intercept) = plane.view().split_at(Axis(0), n_units);
    Ok((weights.to_owned(), intercept[0]))
}

/// `rowsᵀ values`.
fn back(rows: &Array2<f64>, values: &Array1<f64>) -> Array1<f64> {
    let mut sums = Array1::zeros(rows.ncols());
    rows.outer_iter().zip(values).for_each(|(row, &value)| sums.scaled_add(value, &row));
    sums
}

/// The share of a change after which the first number that must be positive is 0; at most 1 over the part that is taken of it.
fn room(at: &State, left: &Array1<f64>, change: &State) -> f64 {
    let mut room = 1.0 / 0.995;
    for (values, changes, sign) in [
        (&at.alpha, &change.alpha, 1.0),
        (left, &change.alpha, -1.0),
        (&at.beyond, &change.beyond, 1.0),
        (&at.short, &change.short, 1.0),
    ] {
        Zip::from(values).and(changes).for_each(|&value, &change| {
            if sign * change < 0.0 {
                room = f64::min(room, -value / (sign * change));
            }
        });
    }
    room
}
