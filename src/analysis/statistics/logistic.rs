//! How an answer of two depends on several numbers.

use linfa_linalg::cholesky::{InverseC, SolveC};
use ndarray::{Array1, Array2, Axis, concatenate};
use serde::{Deserialize, Serialize};

use crate::setters::setters;
use crate::table::{Table, Value};
use crate::{Error, Result};

/// Logistic regression of answers on several predictors: `ln(p / (1 - p)) = b + Σ wₖ xₖ`, where `p` is the probability of the answer. How much
/// each of several pieces of evidence weighs, evidence at each of several times ([`Session::evidence`](crate::simulate::Session::evidence)),
/// or what was before.
///
/// The weights are the most likely ones, the minimum of `-Σ ln p(answer) + ½ penalty Σ wₖ²`. Defaults: no penalty, with an intercept `b`, which is
/// never penalized.
///
/// ```
/// use ndarray::array;
/// use psychrnn::analysis::LogisticRegression;
/// let evidence = array![[1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0], [1.0, 0.0], [0.0, 1.0]];
/// let answers = [true, false, false, false, true, true].map(Some);
/// let fit = LogisticRegression::default().fit(&["first", "second"], &evidence, &answers)?;
/// assert_eq!(fit.names, ["intercept", "first", "second"]);
/// assert!(fit.weights[1] > 0.0 && fit.errors[1] > fit.weights[1]);
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogisticRegression {
    /// The penalty on squared weights.
    pub penalty: f64,
    /// Whether there is an intercept.
    pub intercept: bool,
}

impl Default for LogisticRegression {
    fn default() -> Self {
        Self { penalty: 0.0, intercept: true }
    }
}

/// What [`LogisticRegression`] finds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LogisticFit {
    /// The names of the predictors, "intercept" before them if there is one.
    pub names: Vec<String>,
    /// The weight of each.
    #[serde(with = "crate::number")]
    pub weights: Vec<f64>,
    /// The standard error of each: the root of the diagonal of the inverse of the second derivatives of what is minimized.
    #[serde(with = "crate::number")]
    pub errors: Vec<f64>,
    /// The logarithm of the likelihood of the answers.
    #[serde(with = "crate::number")]
    pub log_likelihood: f64,
    /// The trials that were fitted.
    pub trials: usize,
    /// Those that were left out since they have no answer, or a predictor that is no finite number.
    pub without: usize,
}

/// A weight whose error, times the spread of its predictor, is beyond this is not determined: answers that can be told without error are
/// the surer the larger the weights are.
const UNDETERMINED: f64 = 1000.0;
const STEPS: usize = 100;

impl LogisticRegression {
    setters! {
        /// The penalty on squared weights.
        penalty: f64;
        /// Whether there is an intercept.
        intercept: bool;
    }

    /// The fit to the answers of trials: `predictors` `[n_trials, n_predictors]`, with a name for each. Trials without an answer, or with a
    /// predictor that is NaN or infinite, are left out and counted.
    ///
    /// # Errors
    /// If the lists differ in length, if there are not both answers, or if the weights are not determined: if predictors follow from one another,
    /// or tell the answers apart without error, of which a penalty takes care.
    pub fn fit(&self, names: &[&str], predictors: &Array2<f64>, answers: &[Option<bool>]) -> Result<LogisticFit> {
        if !(self.penalty >= 0.0 && self.penalty.is_finite()) {
            return Err(Error::argument("penalty", "0 or a positive number", self.penalty));
        }
        let (n_trials, n_predictors) = predictors.dim();
        if names.len() != n_predictors {
            return Err(Error::shape("names", format!("[n_predictors = {n_predictors}]"), &[names.len()]));
        }
        if answers.len() != n_trials {
            return Err(Error::shape("answers", format!("[n_trials = {n_trials}]"), &[answers.len()]));
        }
        let known = |&trial: &usize| answers[trial].is_some() && predictors.row(trial).iter().all(|x| x.is_finite());
        let rows: Vec<usize> = (0..n_trials).filter(known).collect();
        let y: Array1<f64> = rows.iter().map(|&trial| f64::from(u8::from(answers[trial] == Some(true)))).collect();
        let yes = y.sum() as usize;
        if yes == 0 || yes == rows.len() {
            let got = format!("{yes} of {}", rows.len());
            return Err(Error::argument("answers", "some of either kind, in trials with all predictors", got));
        }
        let ones = Array2::ones((rows.len(), usize::from(self.intercept)));
        // Both have a row for each trial.
        let x = concatenate(Axis(1), &[ones.view(), predictors.select(Axis(0), &rows).view()])
            .map_err(|error| Error::argument("predictors", "of which there are not too many", error))?;
        let mut names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        if self.intercept {
            names.insert(0, "intercept".to_owned());
        }
        let (weights, errors, log_likelihood) = self.newton(&x, &y)?;
        Ok(LogisticFit { names, weights, errors, log_likelihood, trials: rows.len(), without: n_trials - rows.len() })
    }

    /// Weights, their errors, and the log-likelihood, by Newton's method with steps that are halved until they gain.
    fn newton(&self, x: &Array2<f64>, y: &Array1<f64>) -> Result<(Vec<f64>, Vec<f64>, f64)> {
        let undetermined = |got: &str| {
            let expected = "ones that determine their weights; a `penalty` does in any case";
            Error::argument("predictors", expected, got)
        };
        let mut penalties = Array1::from_elem(x.ncols(), self.penalty);
        if self.intercept {
            penalties[0] = 0.0;
        }
        // ln(1 + e^s) - y s, for large s too.
        let loss_of = |scores: &Array1<f64>, w: &Array1<f64>| {
            let of_trial = |(&s, &y): (&f64, &f64)| s.max(0.0) + (-s.abs()).exp().ln_1p() - y * s;
            let likelihood = scores.iter().zip(y).map(of_trial).sum::<f64>();
            (likelihood, likelihood + 0.5 * (&penalties * w * w).sum())
        };
        let mut w = Array1::<f64>::zeros(x.ncols());
        let (mut scores, enough) = (x.dot(&w), 1e-9 * (1.0 + y.len() as f64));
        for _ in 0..STEPS {
            let p = scores.mapv(|s: f64| 1.0 / (1.0 + (-s).exp()));
            let gradient = x.t().dot(&(&p - y)) + &penalties * &w;
            let spread = (&p * &p.mapv(|p| 1.0 - p)).insert_axis(Axis(1));
            let curvature = x.t().dot(&(x * &spread)) + Array2::from_diag(&penalties);
            if gradient.dot(&gradient).sqrt() <= enough {
                let inverse = curvature.invc().map_err(|_| undetermined("some that follow from the others"))?;
                let errors: Vec<f64> = inverse.diag().iter().map(|variance| variance.sqrt()).collect();
                let sizes = x.map_axis(Axis(0), |column| (column.dot(&column) / y.len() as f64).sqrt());
                let is_lost = |(error, size): (&f64, &f64)| error * size > UNDETERMINED || error.is_nan();
                if self.penalty == 0.0 && errors.iter().zip(&sizes).any(is_lost) {
                    return Err(undetermined("some that tell answers without error"));
                }
                return Ok((w.to_vec(), errors, -loss_of(&scores, &w).0));
            }
            let mut curvature = curvature;
            let step = curvature.solvec(&gradient.insert_axis(Axis(1)));
            let step = step.map_err(|_| undetermined("some that follow from the others"))?.remove_axis(Axis(1));
            let (before, mut share) = (loss_of(&scores, &w).1, 1.0);
            loop {
                let next = &w - &(&step * share);
                let next_scores = x.dot(&next);
                if loss_of(&next_scores, &next).1 <= before + 1e-12 * before.abs() || share < 1e-10 {
                    (w, scores) = (next, next_scores);
                    break;
                }
                share /= 2.0;
            }
        }
        Err(undetermined("some that tell answers without error"))
    }
}

impl LogisticFit {
    /// The weight of a predictor, or the intercept.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn weight(&self, name: &str) -> Result<f64> {
        let at = self.names.iter().position(|own| own == name);
        at.map(|at| self.weights[at]).ok_or_else(|| {
            Error::argument("predictor", format!("one of {}", self.names.join(", ")), format!("\"{name}\""))
        })
    }

    /// One row a predictor: the columns `predictor`, `weight`, `error`.
    #[must_use]
    pub fn table(&self) -> Table {
        let mut table = Table::new();
        let numbers = |numbers: &[f64]| numbers.iter().map(|&number| number.into()).collect::<Vec<Value>>();
        // All columns have one row a predictor, so no insertion can fail.
        drop(table.insert("predictor", self.names.iter().map(String::as_str)));
        drop(table.insert("weight", numbers(&self.weights)));
        drop(table.insert("error", numbers(&self.errors)));
        table
    }
}
