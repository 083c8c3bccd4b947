//! Conditions that columns make together, and what of the activity depends on which of them.

use ndarray::{Array1, Array2, Array3, Axis};

use crate::random::Seed;
use crate::table::Value;
use crate::{Error, Result};

/// Every combination of the values of some columns, that of the last column running fastest.
#[derive(Clone)]
pub(super) struct Design {
    pub(super) columns: Vec<String>,
    /// The values of each column, ascending.
    pub(super) levels: Vec<Vec<Value>>,
}

impl Design {
    pub(super) fn n_conditions(&self) -> usize {
        self.levels.iter().map(Vec::len).product()
    }

    /// The number of the condition with these numbers of values.
    pub(super) fn condition(&self, numbers: &[usize]) -> usize {
        numbers.iter().zip(&self.levels).fold(0, |condition, (number, levels)| condition * levels.len() + number)
    }

    /// The numbers of the values of a condition.
    pub(super) fn numbers(&self, mut condition: usize) -> Vec<usize> {
        let mut numbers: Vec<usize> = Vec::with_capacity(self.levels.len());
        for levels in self.levels.iter().rev() {
            numbers.push(condition % levels.len());
            condition /= levels.len();
        }
        numbers.reverse();
        numbers
    }

    /// The values of a condition.
    pub(super) fn values(&self, condition: usize) -> Vec<Value> {
        self.numbers(condition).into_iter().zip(&self.levels).map(|(number, levels)| levels[number].clone()).collect()
    }

    /// A condition in words.
    pub(super) fn words(&self, condition: usize) -> String {
        let of = |(name, value): (&String, Value)| format!("{name} {value}");
        self.columns.iter().zip(self.values(condition)).map(of).collect::<Vec<_>>().join(", ")
    }

    /// The sets of columns by which activity is parted, the smaller first: none (time alone), each, each two, …
    pub(super) fn marginals(&self) -> Vec<Vec<usize>> {
        let of = |set: usize| (0..self.columns.len()).filter(|column| set >> column & 1 == 1).collect();
        let mut sets: Vec<Vec<usize>> = (0..1 << self.columns.len()).map(of).collect();
        sets.sort_by_key(Vec::len);
        sets
    }

    /// The number among the combinations of the values of some columns that a condition has.
    pub(super) fn class(&self, marginal: &[usize], condition: usize) -> usize {
        let numbers = self.numbers(condition);
        marginal.iter().fold(0, |class, &column| class * self.levels[column].len() + numbers[column])
    }

    pub(super) fn n_classes(&self, marginal: &[usize]) -> usize {
        marginal.iter().map(|&column| self.levels[column].len()).product()
    }

    /// What of the averages `[n_conditions, n_times, n_units]` depends on which columns, in the order of the [`marginals`](Self::marginals):
    /// the mean over conditions with the same values of these columns, less what fewer of them explain.
    pub(super) fn parted(&self, averages: &Array3<f64>) -> Vec<Array3<f64>> {
        let sets = self.marginals();
        let mut parts: Vec<Array3<f64>> = Vec::with_capacity(sets.len());
        for (place, set) in sets.iter().enumerate() {
            let mut sums = vec![Array2::<f64>::zeros((averages.dim().1, averages.dim().2)); self.n_classes(set)];
            for (condition, average) in averages.outer_iter().enumerate() {
                sums[self.class(set, condition)] += &average;
            }
            let n = (self.n_conditions() / sums.len()) as f64;
            let mut part = Array3::zeros(averages.dim());
            for (condition, mut of_condition) in part.outer_iter_mut().enumerate() {
                of_condition.assign(&(&sums[self.class(set, condition)] / n));
            }
            let fewer =
                |other: &&(usize, &Vec<usize>)| other.1.len() < set.len() && other.1.iter().all(|c| set.contains(c));
            for (earlier, _) in sets[..place].iter().enumerate().collect::<Vec<_>>().iter().filter(fewer) {
                part -= &parts[*earlier];
            }
            parts.push(part);
        }
        parts
    }
}

/// The trials of each condition, each condition `[n_trials, n_times, n_units]`.
pub(super) struct Trials(pub(super) Vec<Array3<f64>>);

impl Trials {
    pub(super) fn averages(&self) -> Array3<f64> {
        averages(&self.0.iter().map(|trials| trials.mean_axis(Axis(0)).unwrap_or_default()).collect::<Vec<_>>())
    }

    /// One trial of each condition, and the others.
    pub(super) fn without(&self, held_out: &[usize]) -> (Array3<f64>, Self) {
        let of = |trials: &Array3<f64>, &held: &usize| {
            let others: Vec<usize> = (0..trials.len_of(Axis(0))).filter(|&trial| trial != held).collect();
            (trials.index_axis(Axis(0), held).to_owned(), trials.select(Axis(0), &others))
        };
        let (held, others): (Vec<_>, Vec<_>) =
            self.0.iter().zip(held_out).map(|(trials, held)| of(trials, held)).unzip();
        (averages(&held), Self(others))
    }

    /// A trial of each condition, at random.
    pub(super) fn drawn(&self, seed: Seed, number: u64) -> Vec<usize> {
        let mut rng = seed.stream(number);
        self.0.iter().map(|trials| rng.index(trials.len_of(Axis(0)))).collect()
    }

    /// The same trials given to conditions at random, to each as many as it had.
    pub(super) fn shuffled(&self, seed: Seed, number: u64) -> Self {
        let mut rng = seed.stream(number);
        let mut places: Vec<(usize, usize)> = Vec::new();
        for (condition, trials) in self.0.iter().enumerate() {
            places.extend((0..trials.len_of(Axis(0))).map(|trial| (condition, trial)));
        }
        (1..places.len()).rev().for_each(|i| places.swap(i, rng.index(i + 1)));
        let mut places = places.into_iter();
        let of = |trials: &Array3<f64>| {
            let mut new = Array3::zeros(trials.dim());
            for (mut place, (condition, trial)) in new.outer_iter_mut().zip(places.by_ref()) {
                place.assign(&self.0[condition].index_axis(Axis(0), trial));
            }
            new
        };
        Self(self.0.iter().map(of).collect())
    }

    /// The covariance of trials about the averages of their conditions, pooled over conditions and times, and times their number: what
    /// noise adds to `X Xᵀ` `[n_units, n_units]`.
    pub(super) fn noise(&self) -> Array2<f64> {
        let n_units = self.0.first().map_or(0, |trials| trials.len_of(Axis(2)));
        let mut squares = Array2::<f64>::zeros((n_units, n_units));
        let mut n_trials = 0;
        for trials in &self.0 {
            let Some(average) = trials.mean_axis(Axis(0)) else { continue };
            let rest = flat(&(trials - &average));
            squares += &rest.t().dot(&rest);
            n_trials += trials.len_of(Axis(0));
        }
        squares * (self.0.len() as f64 / n_trials as f64)
    }

    /// An error that names a condition with fewer trials than that.
    pub(super) fn check(&self, design: &Design, least: usize) -> Result<()> {
        let few = |trials: &Array3<f64>| trials.len_of(Axis(0)) < least;
        let lacking: Vec<usize> = (0..self.0.len()).filter(|&condition| few(&self.0[condition])).collect();
        let Some(&first) = lacking.first() else { return Ok(()) };
        let expected = match least {
            1 => "ones of which every combination has a trial".to_owned(),
            _ => format!(
                "ones of which every combination has {least} trials or more, to hold one out (or give a `lambda`)"
            ),
        };
        let more = if lacking.len() > 1 { format!(", and {} more", lacking.len() - 1) } else { String::new() };
        let got = format!("{} of {}{more}", self.0[first].len_of(Axis(0)), design.words(first));
        Err(Error::argument("columns", expected, got))
    }
}

fn averages(of_conditions: &[Array2<f64>]) -> Array3<f64> {
    let (n_times, n_units) = of_conditions.first().map_or((0, 0), Array2::dim);
    let mut averages = Array3::zeros((of_conditions.len(), n_times, n_units));
    averages.outer_iter_mut().zip(of_conditions).for_each(|(mut place, average)| place.assign(average));
    averages
}

/// Samples one below the other: `[n_first n_times, n_units]`.
pub(super) fn flat(samples: &Array3<f64>) -> Array2<f64> {
    let (n, n_times, n_units) = samples.dim();
    Array2::from_shape_fn((n * n_times, n_units), |(row, unit)| samples[[row / n_times, row % n_times, unit]])
}

/// The mean of each unit over conditions and times, every condition counting once, and the averages about it.
pub(super) fn centered(averages: &Array3<f64>) -> (Array1<f64>, Array3<f64>) {
    let (n_conditions, n_times, _) = averages.dim();
    let mean = averages.sum_axis(Axis(0)).sum_axis(Axis(0)) / (n_conditions * n_times) as f64;
    let about = averages - &mean;
    (mean, about)
}
