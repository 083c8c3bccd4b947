//! Logistic regression, to its optimum.

use ndarray::{Array1, Array2, ArrayView2, Axis, Zip, s};

use super::linear::Linear;
use crate::dynamics::linear::frobenius;
use crate::{Error, Result};

/// More steps of Newton than this were never needed.
const STEPS: usize = 100;

/// The minimum of `½ ‖W‖² + c Σ -log softmax(W x + b)` over samples `[n_samples, n_units]` and their classes; of two classes that of
/// `½ ‖w‖² + c Σ log(1 + exp(-y (w x + b)))`, `y` being 1 for the second class.
///
/// The sum of the classes' weights is 0 at the minimum, and that of the intercepts is free: the unknowns are those along `n_classes - 1`
/// orthonormal contrasts of classes, for which there is one minimum. Newton's steps are found by conjugate gradients, which never need the
/// matrix of second derivatives, and are halved until the loss falls enough.
pub(super) fn fit(x: &Array2<f64>, y: &[usize], n_classes: usize, c: f64) -> Result<Linear> {
    // Two classes have opposite weights, half of those of the formula for two.
    let c = if n_classes == 2 { c / 2.0 } else { c };
    let problem = Problem { x, y, contrasts: contrasts(n_classes), c };
    let mut at = problem.at(Array2::zeros((n_classes - 1, x.ncols() + 1)));
    let enough = 1e-10 * (1.0 + c * y.len() as f64);
    for _ in 0..STEPS {
        let gradient = problem.gradient(&at);
        let size = frobenius(&gradient);
        if size <= enough {
            return Ok(problem.linear(&at.unknowns));
        }
        let step = problem.newton(&at, &gradient, size);
        let slope = (&gradient * &step).sum();
        let (mut share, mut next) = (1.0, problem.at(&at.unknowns + &step));
        // What is within the rounding of the loss is no rise.
        let hair = 1e-14 * at.loss.abs();
        while share > 1e-10 && next.loss.is_nan() | (next.loss > at.loss + 1e-4 * share * slope + hair) {
            share /= 2.0;
            next = problem.at(&at.unknowns + &(share * &step));
        }
        let stuck = next.unknowns == at.unknowns;
        at = next;
        if stuck {
            break;
        }
    }
    // Rounding may keep the gradient above so small a bound.
    if frobenius(&problem.gradient(&at)) <= 1e4 * enough {
        return Ok(problem.linear(&at.unknowns));
    }
    Err(Error::argument("c", "one for which the optimum can be found", c))
}

struct Problem<'a> {
    x: &'a Array2<f64>,
    y: &'a [usize],
    /// `[n_classes, n_classes - 1]`
    contrasts: Array2<f64>,
    c: f64,
}

/// The unknowns `[n_classes - 1, n_units + 1]`, the intercept last, with what follows from them.
struct At {
    unknowns: Array2<f64>,
    /// `[n_samples, n_classes]`
    probabilities: Array2<f64>,
    loss: f64,
}

impl Problem<'_> {
    fn at(&self, unknowns: Array2<f64>) -> At {
        let mut probabilities = self.scores(&unknowns).dot(&self.contrasts.t());
        let mut loss = 0.0;
        for (mut row, &class) in probabilities.outer_iter_mut().zip(self.y) {
            let most = row.fold(f64::NEG_INFINITY, |most, &score| most.max(score));
            let own = row[class] - most;
            row.mapv_inplace(|score| (score - most).exp());
            let sum = row.sum();
            loss += sum.ln() - own;
            row /= sum;
        }
        let weights = unknowns.slice(s![.., ..-1]);
        loss = 0.5 * (&weights * &weights).sum() + self.c * loss;
        At { unknowns, probabilities, loss }
    }

    /// `[n_samples, n_classes - 1]`
    fn scores(&self, unknowns: &Array2<f64>) -> Array2<f64> {
        let mut scores = Array2::zeros((self.x.nrows(), unknowns.nrows()));
        for (mut place, row) in scores.axis_iter_mut(Axis(1)).zip(unknowns.outer_iter()) {
            let (weights, intercept) = row.split_at(Axis(0), self.x.ncols());
            place.assign(&self.x.dot(&weights));
            place += intercept[0];
        }
        scores
    }

    /// The unknowns' part of the penalty, and what comes of the derivatives `[n_samples, n_classes]` of the losses by the classes' scores.
    fn back(&self, unknowns: &Array2<f64>, by_score: &Array2<f64>) -> Array2<f64> {
        let by_contrast = by_score.dot(&self.contrasts);
        let mut sums = unknowns.clone();
        for (mut sum, by_contrast) in sums.outer_iter_mut().zip(by_contrast.axis_iter(Axis(1))) {
            let (mut weights, mut intercept) = sum.view_mut().split_at(Axis(0), self.x.ncols());
            intercept[0] = self.c * by_contrast.sum();
            for (x, &by) in self.x.outer_iter().zip(by_contrast) {
                weights.scaled_add(self.c * by, &x);
            }
        }
        sums
    }

    fn gradient(&self, at: &At) -> Array2<f64> {
        let mut by_score = at.probabilities.clone();
        for (mut row, &class) in by_score.outer_iter_mut().zip(self.y) {
            row[class] -= 1.0;
        }
        self.back(&at.unknowns, &by_score)
    }

    /// The second derivatives times a vector of the unknowns' shape.
    fn curved(&self, at: &At, vector: &Array2<f64>) -> Array2<f64> {
        let mut by_score = self.scores(vector).dot(&self.contrasts.t());
        for (mut row, p) in by_score.outer_iter_mut().zip(at.probabilities.outer_iter()) {
            let mean = p.dot(&row);
            Zip::from(&mut row).and(p).for_each(|score, &p| *score = p * (*score - mean));
        }
        self.back(vector, &by_score)
    }

    /// Newton's step by conjugate gradients, the closer the nearer the minimum is.
    fn newton(&self, at: &At, gradient: &Array2<f64>, size: f64) -> Array2<f64> {
        let mut step = Array2::zeros(gradient.dim());
        let mut rest = gradient.mapv(|x| -x);
        let mut direction = rest.clone();
        let (mut squared, enough) = (size * size, (size * size.sqrt().min(0.1)).max(1e-13 * size));
        for _ in 0..2 * gradient.len() {
            let curved = self.curved(at, &direction);
            let share = squared / (&direction * &curved).sum();
            if !share.is_finite() {
                break;
            }
            step.scaled_add(share, &direction);
            rest.scaled_add(-share, &curved);
            let before = std::mem::replace(&mut squared, (&rest * &rest).sum());
            if squared.sqrt() <= enough {
                break;
            }
            direction *= squared / before;
            direction += &rest;
        }
        step
    }

    fn linear(&self, unknowns: &Array2<f64>) -> Linear {
        let of_classes = self.contrasts.dot(unknowns);
        let (weights, intercepts) = of_classes.view().split_at(Axis(1), self.x.ncols());
        let intercepts = intercepts.column(0);
        if self.contrasts.nrows() > 2 {
            return Linear { weights: weights.to_owned(), intercepts: intercepts.to_owned() };
        }
        let between = |of: ArrayView2<'_, f64>| (&of.row(1) - &of.row(0)).insert_axis(Axis(0));
        Linear { weights: between(weights), intercepts: Array1::from_elem(1, intercepts[1] - intercepts[0]) }
    }
}

/// Orthonormal columns whose sums over classes are 0.
fn contrasts(n_classes: usize) -> Array2<f64> {
    // Column `j` sets class `j + 1` against the mean of those before it.
    let mut contrasts = Array2::zeros((n_classes, n_classes - 1));
    for j in 0..n_classes - 1 {
        let before = (j + 1) as f64;
        let size = (before + before * before).sqrt();
        contrasts.slice_mut(s![..=j, j]).fill(-1.0 / size);
        contrasts[[j + 1, j]] = before / size;
    }
    contrasts
}
