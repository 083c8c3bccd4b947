//! Demixed principal components: what of the population's activity depends on which column.

mod design;
mod result;
mod solve;
mod validate;

use std::ops::Range;

use ndarray::{Array, Array2, ArrayD, Axis, Dimension};
use serde::{Deserialize, Serialize};

pub use result::{Demixed, Marginal};
pub use validate::DpcaValidation;

use self::design::{Design, Trials};
use self::result::Where;
use self::solve::Problem;
use self::validate::{How, told, validated};
use super::aligned::Part;
use crate::random::Seed;
use crate::setters::setters;
use crate::simulate::{Session, Signal};
use crate::table::Value;
use crate::{Error, Result, memory};

/// More columns than this make more combinations than can be looked at.
const MOST: usize = 6;

/// Demixed principal component analysis (dPCA): few directions in which the population's activity varies with one column of the trials and
/// not with others.
///
/// The averages over trials `X` `[n_units, n_conditions n_times]`, one for each combination of the columns' values, each unit about its
/// mean, are the sum of marginals `X_φ`: that of time alone, of each column (with its change in time), of each two columns (what no one of
/// them explains), and so on. For each marginal the decoders `D` `[n_components, n_units]` and encoders `F` `[n_units, n_components]` are the
/// minimum of
///
/// `‖X_φ - F D X‖² + tr(F D (C + μ 1) Dᵀ Fᵀ)`, with `μ = (λ ‖X‖²)²`:
///
/// with `A = X_φ Xᵀ (X Xᵀ + C + μ 1)⁻¹`, `F` are the first eigenvectors of `A (X Xᵀ + C + μ 1) Aᵀ`, and `D = Fᵀ A`. The sum of the signs of an
/// encoder's weights is not negative, and if it is 0, the largest weight is positive. `C` is the covariance of trials about their averages, pooled over conditions and times, times the
/// number of these, so that what varies from trial to trial is not decoded.
///
/// `λ` is the one with the least error if one trial of each condition is held out, ten times: how far
/// `F D X_test` is from the marginals of the other trials' averages, all marginals together.
///
/// A component explains `1 - ‖X - f d X‖² / ‖X‖²` of the variance, in a marginal `(‖X_φ‖² - ‖X_φ - f d X_φ‖²) / ‖X‖²`. Components of different
/// marginals are not orthogonal, so that these do not add up.
///
/// If [`shuffles`](Self::shuffles) are asked for, the first three components of each marginal are tested: 100 times one trial of each
/// condition is held out, components are fitted to the others, and at each time a held out trial is given to the class whose
/// mean is nearest along the component. A component is significant at a time at which more are right than in any shuffle of trials
/// over conditions. (The MATLAB package then drops stretches shorter than 10 times; here none are dropped.)
///
/// Defaults: 10 components of each marginal (fewer if it has fewer dimensions), `λ` by cross-validation among `1e-7 · 1.5^k`, `k` from 0 to
/// 25, noise penalized, no shuffles, bins of 10 ms (a step, if that is longer), the states, all times that every trial has from its
/// start, seed 0. Trials that lack a column, the event or a part of the window are left out. Every combination of values must have
/// trials, and each counts once.
///
/// Kobak D et al. (2016), doi:10.7554/eLife.10989. With the same `λ` the Python package (`dPCA` 1.0.5) gives these components if
/// [`noise`](Self::noise) is off and if there are at most 10 units more than components: else its decomposition is a randomized one,
/// which is not exact. What it calls explained variance is `‖d X‖² / ‖X‖²`, which is right for orthogonal axes only, and its
/// cross-validation tries 45 values of `λ` up to 0.27 by another error. The MATLAB package takes the eigenvectors of `A X Xᵀ Aᵀ`, which are the
/// minimum only without `λ` and noise (with [`exact`](Self::exact) off its components come out; at a `λ` of 0.002 a weight differed by 0.25
/// from these), and it puts the components of all marginals in one order.
///
/// ```
/// use ndarray::Array5;
/// use psychrnn::analysis::Dpca;
/// use psychrnn::random::Seed;
/// // [n_repeats, n_units, stimulus, decision, n_times]: every unit mixes both.
/// let mut rng = Seed(1).stream(0);
/// let trials = Array5::from_shape_fn((8, 12, 3, 2, 10), |(_, unit, stimulus, decision, time)| {
///     let (s, d) = (stimulus as f64 - 1.0, 2.0 * decision as f64 - 1.0);
///     let of_unit = |k: usize| ((unit * (k + 2) + k) as f64).sin();
///     of_unit(0) * s + of_unit(1) * d * time as f64 / 10.0 + 0.1 * f64::from(rng.normal(0.0, 1.0))
/// });
/// let demixed = Dpca::new(["stimulus", "decision"]).n_components(2).of_trials(&trials)?;
/// let stimulus = demixed.marginal("stimulus")?;
/// assert!(stimulus.explained_by_marginal[[0, 1]] > 0.95 * stimulus.explained[0]);
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Of a session:
///
/// ```no_run
/// use psychrnn::analysis::Dpca;
/// use psychrnn::prelude::*;
/// # let session = Simulator::load("weights.npz")?.run(&PerceptualDiscrimination::default().batch(500, Seed(2))?)?;
/// let dpca = Dpca::new(["coherence", "choice"]).signal(Signal::Rates).aligned_to("stimulus").window(0.0..800.0);
/// let demixed = dpca.shuffles(100).of(&session)?;
/// println!("{}", demixed.table());
/// demixed.plot(3)?.save("dpca.png")?;
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dpca {
    /// The columns.
    pub columns: Vec<String>,
    /// The most components of each marginal.
    pub n_components: usize,
    /// How strongly weights are penalized; without it, it is found by cross-validation.
    #[serde(with = "crate::number")]
    pub lambda: Option<f64>,
    /// The values that cross-validation tries.
    #[serde(with = "crate::number")]
    pub lambdas: Vec<f64>,
    /// How often cross-validation holds trials out.
    pub repetitions: usize,
    /// Which trial of each condition is held out in each repetition `[n_repetitions, n_conditions]`, if not one at random.
    pub held_out: Option<Array2<usize>>,
    /// Whether noise is penalized.
    pub noise: bool,
    /// Whether components are the minimum; else they are those of the MATLAB package.
    pub exact: bool,
    /// How often trials are shuffled to see which components are significant.
    pub shuffles: usize,
    /// How often a trial of each condition is held out for that.
    pub splits: usize,
    /// How long a bin lasts, in milliseconds.
    #[serde(with = "crate::number")]
    pub bin: f64,
    /// What is demixed.
    pub signal: Signal,
    /// The epoch whose start is time 0; without it, that of the trial.
    pub event: Option<String>,
    /// The first time and the one at which to stop, in milliseconds from the event.
    #[serde(with = "crate::number")]
    pub window: Option<(f64, f64)>,
    /// The seed of what is held out and shuffled.
    pub seed: Seed,
}

impl Dpca {
    /// The components of these columns. Of plain arrays, the names of their axes.
    #[must_use]
    pub fn new<'a>(columns: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            columns: columns.into_iter().map(str::to_owned).collect(),
            n_components: 10,
            lambda: None,
            lambdas: (0..26).map(|k| 1e-7 * 1.5_f64.powi(k)).collect(),
            repetitions: 10,
            held_out: None,
            noise: true,
            exact: true,
            shuffles: 0,
            splits: 100,
            bin: 10.0,
            signal: Signal::default(),
            event: None,
            window: None,
            seed: Seed(0),
        }
    }

    setters! {
        /// The most components of each marginal.
        n_components: usize;
        /// How strongly weights are penalized, in place of cross-validation: 0 is not at all.
        lambda: f64 => Some(lambda);
        /// The values that cross-validation tries.
        lambdas: &[f64] => lambdas.to_vec();
        /// How often cross-validation holds trials out.
        repetitions: usize;
        /// Which trial of each condition, counted from 0, is held out in each repetition `[n_repetitions, n_conditions]`, in place of one
        /// at random. Conditions are in the order of the values of the columns, those of the last column running fastest.
        held_out: &Array2<usize> => Some(held_out.clone());
        /// Whether noise is penalized. Averages alone have none.
        noise: bool;
        /// Whether components are the minimum of the formula; else they are those of the MATLAB package.
        exact: bool;
        /// How often trials are shuffled to see which components are significant; 100 are usual, and with 100 splits take 10,000 times as
        /// long as the components.
        shuffles: usize;
        /// How often a trial of each condition is held out for that, 100 unless it is set.
        splits: usize;
        /// How long a bin lasts, in milliseconds: rounded to steps, one at least. Plain arrays are taken as they are.
        bin: f64;
        /// What is demixed.
        signal: Signal;
        /// From which time to which, the latter excluded, in milliseconds from the event.
        window: Range<f64> => Some((window.start, window.end));
        /// The seed of what is held out and shuffled.
        seed: impl Into<Seed> => seed.into();
    }

    /// The epoch whose start is time 0. Trials without it are left out.
    #[must_use]
    pub fn aligned_to(mut self, epoch: &str) -> Self {
        self.event = Some(epoch.to_owned());
        self
    }

    /// The components of a session, on all cores. If it is interrupted (see [`interrupt`](crate::interrupt)), it gives what it has: fewer
    /// repetitions or fewer shuffles.
    ///
    /// # Errors
    /// If there is no such column or epoch, if a column has one value only, if a combination of values has no trials (or one only, where
    /// trials are held out), if activity is not finite or does not vary, or if a setting makes no sense.
    pub fn of(&self, session: &Session) -> Result<Demixed> {
        let table = session.trials();
        let groups = self.columns.iter().map(|column| table.groups(column)).collect::<Result<Vec<_>>>()?;
        let mut numbers: Vec<Vec<Option<usize>>> = vec![vec![None; groups.len()]; table.n_rows()];
        for (column, groups) in groups.iter().enumerate() {
            for (number, (_, rows)) in groups.iter().enumerate() {
                rows.iter().for_each(|&row| numbers[row][column] = Some(number));
            }
        }
        let levels = groups.into_iter().map(|groups| groups.into_iter().map(|(value, _)| value).collect()).collect();
        let design = self.design(levels)?;
        let of_trial: Vec<Option<Vec<usize>>> = numbers.into_iter().map(|row| row.into_iter().collect()).collect();
        let wanted: Vec<usize> = (0..of_trial.len()).filter(|&row| of_trial[row].is_some()).collect();
        let part = Part { signal: self.signal, event: self.event.as_deref(), window: self.window, bin: self.bin };
        let aligned = part.of(session, &wanted)?;
        let mut places: Vec<Vec<usize>> = vec![Vec::new(); design.n_conditions()];
        for (place, &row) in aligned.rows.iter().enumerate() {
            if let Some(numbers) = &of_trial[row] {
                places[design.condition(numbers)].push(place);
            }
        }
        let by_trial = aligned.activity.view().permuted_axes([1, 0, 2]);
        let trials = Trials(places.iter().map(|places| by_trial.select(Axis(0), places)).collect());
        let from = Where {
            signal: Some(self.signal),
            units: session.numbers_of(self.signal),
            event: self.event.clone(),
            times: aligned.times,
            left_out: session.n_trials() - aligned.rows.len(),
        };
        self.fit(&design, &trials, from)
    }

    /// The components of trials `[n_repeats, n_units, n_values of the first column, …, n_times]`; of [`new`](Self::new) the columns' names.
    /// A trial all of whose numbers are NaN is a missing one. Values and times are numbered from 0.
    ///
    /// # Errors
    /// As [`of`](Self::of); also if there are other numbers of axes.
    pub fn of_trials<D: Dimension>(&self, trials: &Array<f64, D>) -> Result<Demixed> {
        let (design, trials) = self.split(trials.clone().into_dyn(), "trials", "n_repeats, ")?;
        let mut of_conditions = Vec::new();
        for (condition, trials) in trials.outer_iter().enumerate() {
            let there: Vec<usize> = (0..trials.len_of(Axis(0)))
                .filter(|&i| !trials.index_axis(Axis(0), i).iter().all(|x| x.is_nan()))
                .collect();
            let trials = trials.select(Axis(0), &there);
            if let Some(((trial, time, unit), &value)) = trials.indexed_iter().find(|(_, x)| !x.is_finite()) {
                let at = format!("repeat {}, unit {unit}, {}, time {time}", there[trial], design.words(condition));
                return Err(Error::NotFinite { name: "trials".into(), value, at });
            }
            of_conditions.push(trials);
        }
        self.fit(&design, &Trials(of_conditions), Where::plain(trials.len_of(Axis(2))))
    }

    /// The components of averages over trials `[n_units, n_values of the first column, …, n_times]`. They say nothing about noise, so that
    /// [`lambda`](Self::lambda) must be given.
    ///
    /// # Errors
    /// As [`of_trials`](Self::of_trials); also if there is no `lambda`, or if there are shuffles.
    pub fn of_averages<D: Dimension>(&self, averages: &Array<f64, D>) -> Result<Demixed> {
        let (design, averages) = self.split(averages.clone().into_dyn().insert_axis(Axis(0)), "averages", "")?;
        if self.lambda.is_none() || self.shuffles > 0 {
            let name = if self.shuffles > 0 { "shuffles" } else { "lambda" };
            let expected = if self.shuffles > 0 {
                "0 for averages"
            } else {
                "given for averages, which cannot be cross-validated"
            };
            return Err(Error::argument(name, expected, if self.shuffles > 0 { "more" } else { "not" }));
        }
        let trials = Trials(averages.outer_iter().map(|one| one.to_owned()).collect());
        for (condition, averages) in trials.0.iter().enumerate() {
            if let Some(((_, time, unit), &value)) = averages.indexed_iter().find(|(_, x)| !x.is_finite()) {
                let at = format!("unit {unit}, {}, time {time}", design.words(condition));
                return Err(Error::NotFinite { name: "averages".into(), value, at });
            }
        }
        let plain = Self { noise: false, ..self.clone() };
        plain.fit(&design, &trials, Where::plain(averages.len_of(Axis(2))))
    }

    fn design(&self, levels: Vec<Vec<Value>>) -> Result<Design> {
        if self.columns.is_empty() || self.columns.len() > MOST {
            return Err(Error::argument("columns", format!("from 1 to {MOST}"), self.columns.len()));
        }
        if let Some(column) = (0..levels.len()).find(|&column| levels[column].len() < 2) {
            let expected = "a column of two values or more";
            return Err(Error::argument(&self.columns[column], expected, levels[column].len()));
        }
        // Each combination of values has a trial at least, so that there are not many.
        let n = levels.iter().fold(1_usize, |n, levels| n.saturating_mul(levels.len()));
        if n > 1 << 20 {
            return Err(Error::argument("columns", "ones with fewer combinations of values", n));
        }
        Ok(Design { columns: self.columns.clone(), levels })
    }

    /// Plain arrays as `[n_conditions, n_repeats, n_times, n_units]`.
    fn split(&self, array: ArrayD<f64>, name: &str, first: &str) -> Result<(Design, Array<f64, ndarray::Ix4>)> {
        let shape = array.shape().to_vec();
        let n = self.columns.len();
        if shape.len() != n + 3 || shape.contains(&0) {
            let expected = format!("[{first}n_units, {}, n_times]", self.columns.join(", "));
            return Err(Error::shape(name, expected, if first.is_empty() { &shape[1..] } else { &shape }));
        }
        let levels = shape[2..2 + n].iter().map(|&n| (0..n).map(Value::from).collect()).collect();
        let design = self.design(levels)?;
        let order: Vec<usize> = (2..2 + n).chain([0, 2 + n, 1]).collect();
        let sorted = array.permuted_axes(order).as_standard_layout().into_owned();
        let sizes = (design.n_conditions(), shape[0], shape[2 + n], shape[1]);
        Ok((design, sorted.into_shape_with_order(sizes)?))
    }

    fn fit(&self, design: &Design, trials: &Trials, from: Where) -> Result<Demixed> {
        if self.n_components == 0 {
            return Err(Error::argument("n_components", "at least 1", 0));
        }
        let lambdas = self.lambda.as_ref().map_or(&self.lambdas[..], std::slice::from_ref);
        if lambdas.is_empty() || lambdas.iter().any(|lambda| !(lambda.is_finite() && *lambda >= 0.0)) {
            let name = if self.lambda.is_some() { "lambda" } else { "lambdas" };
            return Err(Error::argument(name, "at least one number, none below 0", format!("{lambdas:?}")));
        }
        let is_held_out = self.lambda.is_none() || self.shuffles > 0;
        trials.check(design, if is_held_out { 2 } else { 1 })?;
        if self.shuffles > 0 && self.splits == 0 {
            return Err(Error::argument("splits", "at least 1", 0));
        }
        let (n_times, n_units) = (trials.0[0].len_of(Axis(1)), trials.0[0].len_of(Axis(2)));
        let needed = memory::floats(&[2 * (design.marginals().len() + 4), design.n_conditions(), n_times, n_units])
            .saturating_add(memory::floats(&[40, n_units, n_units]));
        memory::check("demixing", needed, "take wider bins, fewer units or fewer columns")?;
        let how = How { with_noise: self.noise, exact: self.exact, n_components: self.n_components };
        let validation = match self.lambda {
            Some(_) => None,
            None => Some(validated(design, trials, lambdas, self.repeated(trials)?, how)?),
        };
        let wanted = self.held_out.as_ref().map_or(self.repetitions, Array2::nrows);
        let is_short = validation.as_ref().is_some_and(|validation| validation.errors.ncols() < wanted);
        let lambda = validation.as_ref().map_or(lambdas[0], |validation| validation.lambdas[validation.best]);
        let problem = Problem::of(design, trials, self.noise, self.exact)?;
        let tested = match self.shuffles {
            0 => None,
            _ => Some(told(design, trials, (lambda, how), (self.splits, self.shuffles), self.seed)?),
        };
        let demixed = Demixed::new(design, trials, (problem, lambda, self.n_components), validation, tested, from)?;
        Ok(Demixed { interrupted: demixed.interrupted || is_short, ..demixed })
    }

    /// Which trials are held out, in each repetition one of each condition.
    fn repeated(&self, trials: &Trials) -> Result<Vec<Vec<usize>>> {
        let Some(held_out) = &self.held_out else {
            if self.repetitions == 0 {
                return Err(Error::argument("repetitions", "at least 1", 0));
            }
            let seed = self.seed.child("held out");
            return Ok((0..self.repetitions as u64).map(|number| trials.drawn(seed, number)).collect());
        };
        let n = trials.0.len();
        let fits =
            |row: ndarray::ArrayView1<'_, usize>| row.iter().zip(&trials.0).all(|(&i, of)| i < of.len_of(Axis(0)));
        if held_out.ncols() != n || held_out.nrows() == 0 || !held_out.outer_iter().all(fits) {
            let expected = format!("[n_repetitions, n_conditions = {n}] numbers of trials of each condition");
            return Err(Error::shape("held_out", expected, held_out.shape()));
        }
        Ok(held_out.outer_iter().map(|row| row.to_vec()).collect())
    }
}
