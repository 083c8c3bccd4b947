//! How choices depend on those before them: a regression.

use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};

use super::ChoiceHistory;
use crate::analysis::LogisticRegression;
use crate::analysis::statistics::special::normal_cdf;
use crate::setters::setters;
use crate::table::Table;
use crate::{Error, Result};

/// How a choice depends on the stimulus, on the choices before it and on the transitions between them, by logistic regression:
///
/// ```text
/// log P(right) / P(left) = b + w s + Σₖ c⁺ₖ r⁺ₖ + c⁻ₖ r⁻ₖ + Σₖ t⁺⁺ₖ T⁺⁺ₖ + t⁺⁻ₖ T⁺⁻ₖ + t⁻⁺ₖ T⁻⁺ₖ + t⁻⁻ₖ T⁻⁻ₖ
/// ```
///
/// with the stimulus `s`, and for each lag `k` from 1 on: `r⁺ₖ` the choice `k` trials before (right 1, left -1) if it was correct,
/// else 0; `r⁻ₖ` the same if it was an error; and, if transitions are asked for, `Tₖ` what the transition `k` trials before says about
/// this choice, if transitions go on as that one: the last choice if the choice `k` trials before repeated the one before it, and its
/// opposite if not. For the transition one trial back that is the choice two trials back, which therefore, with transitions, has no
/// weight of its own. A transition is counted under the outcomes of its two choices, the earlier one first. Right is the larger of the
/// two values of `choice`. What is not there, at the beginning of a session for instance, counts as 0. Hermoso-Mendizabal A et al.
/// (2020), doi:10.1038/s41467-020-14824-w, fitted trials after correct choices and after errors for themselves, as
/// [`HistoryKernels::after`] does.
///
/// The weights are those with the largest posterior probability under independent Gaussian priors of variance `1 / ridge`, from which the
/// intercept `b` is free. Defaults: 10 lags, transitions, trials after both, and a `ridge` of 0.001, which hardly matters but where the
/// data do not tell.
///
/// ```no_run
/// use psychrnn::analysis::{ChoiceHistory, HistoryKernels};
/// # fn kernels(session: psychrnn::simulate::Session) -> psychrnn::Result<()> {
/// let history = ChoiceHistory::of(&session.trials())?;
/// let kernels = HistoryKernels::default().lags(5).after(true).of(&history, "signed_coherence")?;
/// println!("{}", kernels.table());
/// kernels.plot()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryKernels {
    /// How many trials back it looks.
    pub lags: usize,
    /// Whether it looks at transitions, too.
    pub transitions: bool,
    /// Whether only trials after correct choices (true) or errors (false) are fitted.
    pub after: Option<bool>,
    /// The strength of the prior.
    pub ridge: f64,
}

impl Default for HistoryKernels {
    fn default() -> Self {
        Self { lags: 10, transitions: true, after: None, ridge: 1e-3 }
    }
}

/// The weights of [`HistoryKernels`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HistoryWeights {
    /// The weights: `bias`, that of the stimulus by the name of its column, and `choice+`, `choice-`, `transition++`, `transition+-`,
    /// `transition-+`, `transition--` at each lag, choices at lag 2 only without transitions.
    pub weights: Vec<HistoryWeight>,
    /// The trials that were fitted.
    pub n_trials: usize,
    /// The logarithm of the probability of their choices under these weights.
    #[serde(with = "crate::number")]
    pub log_likelihood: f64,
}

/// One of [`HistoryWeights`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HistoryWeight {
    /// What it weighs.
    pub regressor: String,
    /// How many trials back that is; missing for the bias and the stimulus.
    pub lag: Option<usize>,
    /// The weight, in units of log odds; NaN if what it weighs is 0 in all trials.
    #[serde(with = "crate::number")]
    pub weight: f64,
    /// Its standard error, from the curvature of the posterior.
    #[serde(with = "crate::number")]
    pub se: f64,
    /// The two-sided probability of a weight so far from 0 if there were none (Wald's test).
    #[serde(with = "crate::number")]
    pub p: f64,
}

impl HistoryKernels {
    setters! {
        /// How many trials back it looks.
        lags: usize;
        /// Whether it looks at transitions, too.
        transitions: bool;
        /// Only trials after correct choices (true) or after errors (false); `None` for both.
        after: impl Into<Option<bool>> => after.into();
        /// The strength of the prior, positive.
        ridge: f64;
    }

    /// The weights for these choices and the stimulus in a column of their table, positive where the larger of the two choices is
    /// correct. Trials without a choice or a stimulus are left out.
    ///
    /// # Errors
    /// If there is no such column, if it holds text or infinities, if `ridge` is not positive, or if all choices that are left are the
    /// same.
    pub fn of(&self, history: &ChoiceHistory, stimulus: &str) -> Result<HistoryWeights> {
        if !(self.ridge > 0.0 && self.ridge.is_finite()) {
            return Err(Error::argument("ridge", "a positive number", self.ridge));
        }
        let evidence = history.trials.numbers(stimulus)?;
        if let Some(&value) = evidence.iter().find(|value| value.is_infinite()) {
            return Err(Error::NotFinite { name: stimulus.to_owned(), value, at: "a trial".into() });
        }
        let is_fitted = |row: &usize| {
            let last = || history.before[*row].and_then(|row| history.correct[row]);
            let after = self.after.is_none_or(|after| last() == Some(after));
            after && !evidence[*row].is_nan() && history.choices[*row].is_some()
        };
        let rows: Vec<usize> = (0..evidence.len()).filter(is_fitted).collect();
        let answers: Vec<Option<bool>> = rows.iter().map(|&row| Some(history.choices[row] == Some(1.0))).collect();
        if !(answers.contains(&Some(true)) && answers.contains(&Some(false))) {
            let got = format!("{} trials of one", rows.len());
            return Err(Error::argument("trials", "some with each of the two choices", got));
        }
        let (names, columns) = self.regressors(history, stimulus, &evidence, &rows);
        let there: Vec<usize> =
            (0..columns.ncols()).filter(|&at| columns.column(at).iter().any(|&x| x != 0.0)).collect();
        let labels: Vec<&str> = there.iter().map(|&at| names[at].0.as_str()).collect();
        let fit = LogisticRegression::default().penalty(self.ridge);
        let fit = fit.fit(&labels, &columns.select(Axis(1), &there), &answers)?;
        let one = |regressor: String, lag, place: Option<usize>| {
            let (weight, se) = place.map_or((f64::NAN, f64::NAN), |place| (fit.weights[place], fit.errors[place]));
            HistoryWeight { regressor, lag, weight, se, p: 2.0 * normal_cdf(-(weight / se).abs()) }
        };
        let mut weights = vec![one("bias".to_owned(), None, Some(0))];
        for (at, (name, lag)) in names.iter().enumerate() {
            // After the intercept.
            weights.push(one(name.clone(), *lag, there.iter().position(|&there| there == at).map(|place| place + 1)));
        }
        Ok(HistoryWeights { weights, n_trials: fit.trials, log_likelihood: fit.log_likelihood })
    }

    /// The names of the regressors with their lags, and their values `[n_trials, n_regressors]`.
    fn regressors(
        &self,
        history: &ChoiceHistory,
        stimulus: &str,
        evidence: &[f64],
        rows: &[usize],
    ) -> (Vec<(String, Option<usize>)>, Array2<f64>) {
        let sign = |correct: bool| if correct { '+' } else { '-' };
        let outcomes = [true, false];
        let mut names = vec![(stimulus.to_owned(), None)];
        let mut columns: Vec<Vec<f64>> = vec![rows.iter().map(|&row| evidence[row]).collect()];
        let mut add = |name: String, lag: usize, of: &dyn Fn(usize) -> Option<f64>| {
            names.push((name, Some(lag)));
            columns.push(rows.iter().map(|&row| of(row).unwrap_or(0.0)).collect());
        };
        for outcome in outcomes {
            // What the transition one trial back speaks for is the choice two trials back.
            for lag in (1..=self.lags).filter(|&lag| !(self.transitions && lag == 2)) {
                add(format!("choice{}", sign(outcome)), lag, &|row| {
                    let then = history.ago(row, lag).filter(|&then| history.correct[then] == Some(outcome))?;
                    history.choices[then]
                });
            }
        }
        for (first, second) in outcomes.into_iter().flat_map(|first| outcomes.map(|second| (first, second))) {
            for lag in 1..=if self.transitions { self.lags } else { 0 } {
                add(format!("transition{}{}", sign(first), sign(second)), lag, &|row| {
                    let then = history.ago(row, lag)?;
                    let before = history.before[then]?;
                    let of = (history.correct[before], history.correct[then]) == (Some(first), Some(second));
                    let last = history.choices[history.before[row]?]?;
                    history.repeats(then).filter(|_| of).map(|repeats| if repeats { last } else { -last })
                });
            }
        }
        let columns = Array2::from_shape_fn((rows.len(), columns.len()), |(row, at)| columns[at][row]);
        (names, columns)
    }
}

impl HistoryWeights {
    /// The weight of a regressor at a lag, 0 for the bias and the stimulus.
    ///
    /// # Errors
    /// If there is no such weight.
    pub fn weight(&self, regressor: &str, lag: usize) -> Result<&HistoryWeight> {
        let found = self.weights.iter().find(|one| one.regressor == regressor && one.lag.unwrap_or(0) == lag);
        found.ok_or_else(|| {
            let mut names: Vec<&str> = self.weights.iter().map(|one| one.regressor.as_str()).collect();
            names.dedup();
            let got = format!("\"{regressor}\" at lag {lag}");
            Error::argument("regressor", format!("one of {}, at one of their lags", names.join(", ")), got)
        })
    }

    /// The weights, one a row: columns `regressor`, `lag`, `weight`, `se`, `p`.
    #[must_use]
    pub fn table(&self) -> Table {
        let mut table = Table::new();
        // All columns have a row for each weight.
        drop(table.insert("regressor", self.weights.iter().map(|one| one.regressor.clone())));
        drop(table.insert("lag", self.weights.iter().map(|one| one.lag)));
        drop(table.insert("weight", self.weights.iter().map(|one| one.weight)));
        drop(table.insert("se", self.weights.iter().map(|one| one.se)));
        drop(table.insert("p", self.weights.iter().map(|one| one.p)));
        table
    }
}
