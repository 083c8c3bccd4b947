//! How strongly dPCA is to be regularized, and when its components are more than noise.

use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::{Array2, Array3, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::design::{Design, Trials, centered, flat};
use super::solve::{Axes, Problem};
use crate::random::Seed;
use crate::{Result, interrupt, threads};

/// How many components of each part are tested.
const TESTED: usize = 3;

/// How dPCA's `lambda` was chosen: by trials that were held out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DpcaValidation {
    /// The values that were tried.
    #[serde(with = "crate::number")]
    pub lambdas: Vec<f64>,
    /// How far the averages of the other trials were from what the held out trial says of them: the sum over parts of
    /// `‖X_φ - F D X_test‖²`, as a share of `‖X‖²` `[n_lambdas, n_repetitions]`.
    #[serde(with = "crate::number")]
    pub errors: Array2<f64>,
    /// The number of the value with the least mean error.
    pub best: usize,
}

impl DpcaValidation {
    /// Whether the best value is the first or the last one that was tried: another grid may have a better one.
    #[must_use]
    pub fn at_edge(&self) -> bool {
        self.best == 0 || self.best + 1 == self.lambdas.len()
    }
}

/// How components are computed.
#[derive(Clone, Copy)]
pub(super) struct How {
    pub(super) with_noise: bool,
    pub(super) exact: bool,
    pub(super) n_components: usize,
}

/// The errors of values of `lambda`, one trial of each condition being held out in each repetition `[n_repetitions, n_conditions]`; of the first
/// repetitions if it is interrupted.
pub(super) fn validated(
    design: &Design,
    trials: &Trials,
    lambdas: &[f64],
    held_out: Vec<Vec<usize>>,
    how: How,
) -> Result<DpcaValidation> {
    let of = |held_out: Vec<usize>| {
        let (test, train) = trials.without(&held_out);
        let problem = Problem::of(design, &train, how.with_noise, how.exact)?;
        let test = flat(&centered(&test).1);
        lambdas.iter().map(|&lambda| problem.error(test.view(), lambda, how.n_components)).collect::<Result<Vec<f64>>>()
    };
    let (work, taken) = (interrupt::watch(), AtomicUsize::new(0));
    let go_on = || taken.fetch_add(1, Ordering::Relaxed) == 0 || !work.is_interrupted();
    let found = threads::map_while(held_out, go_on, of)?;
    let errors = Array2::from_shape_fn((lambdas.len(), found.len()), |(lambda, repetition)| found[repetition][lambda]);
    let means = errors.sum_axis(Axis(1));
    let best = (0..lambdas.len()).min_by(|&a, &b| means[a].total_cmp(&means[b])).unwrap_or(0);
    Ok(DpcaValidation { lambdas: lambdas.to_vec(), errors, best })
}

/// The share of conditions whose held out trial is nearest to the mean of its own class: of each part that depends on a column, of its
/// first components, at each time `[n_components, n_times]`; and the largest of shuffled trials, of the first component `[n_times]`.
pub(super) struct Told {
    pub(super) accuracy: Vec<Array2<f64>>,
    pub(super) by_chance: Vec<Vec<f64>>,
    /// Fewer shuffles than asked for.
    pub(super) interrupted: bool,
}

pub(super) fn told(
    design: &Design,
    trials: &Trials,
    (lambda, how): (f64, How),
    (splits, shuffles): (usize, usize),
    seed: Seed,
) -> Result<Told> {
    let work = interrupt::watch();
    let sets = design.marginals();
    let accuracy = |trials: &Trials, seed: Seed, tested: usize| -> Result<Vec<Array2<f64>>> {
        let all = Problem::of(design, trials, how.with_noise, how.exact)?;
        let all = (1..sets.len()).map(|part| all.axes(part, lambda, tested)).collect::<Result<Vec<_>>>()?;
        let of = |number: u64| {
            let (test, train) = trials.without(&trials.drawn(seed, number));
            let problem = Problem::of(design, &train, how.with_noise, how.exact)?;
            let test = flat(&(&test - &problem.mean));
            let of_part = |part: usize| {
                let axes = problem.axes(part, lambda, tested)?;
                let order = matched(&all[part - 1], &axes);
                Ok(nearest(design, &sets[part], &problem, test.view(), &axes, &order))
            };
            (1..sets.len()).map(of_part).collect::<Result<Vec<Array2<f64>>>>()
        };
        let each = threads::map((0..splits as u64).collect(), of)?;
        let mean = |part: usize| {
            let n = each.iter().map(|parts| parts[part].nrows()).min().unwrap_or(0);
            let zero = Array2::zeros((n, trials.0[0].len_of(Axis(1))));
            each.iter().fold(zero, |sum, parts| sum + parts[part].slice(ndarray::s![..n, ..])) / each.len() as f64
        };
        Ok((0..sets.len() - 1).map(mean).collect())
    };
    let observed = accuracy(trials, seed.child("splits"), TESTED.min(how.n_components))?;
    let once = |number: u64| {
        let shuffled = trials.shuffled(seed.child("shuffles"), number);
        accuracy(&shuffled, seed.child("splits of shuffles").child(&number.to_string()), 1)
    };
    let found = threads::map_while((0..shuffles as u64).collect(), || !work.is_interrupted(), once)?;
    let n_times = trials.0[0].len_of(Axis(1));
    let largest = |part: usize| {
        let at = |time: usize| {
            let of = found.iter().filter_map(|parts| parts[part].get([0, time]).copied());
            of.fold(f64::NEG_INFINITY, f64::max)
        };
        (0..n_times).map(at).collect()
    };
    let by_chance = (0..sets.len() - 1).map(largest).collect();
    Ok(Told { accuracy: observed, by_chance, interrupted: found.len() < shuffles })
}

/// For each component the most similar one among others, each once.
fn matched(components: &Axes, others: &Axes) -> Vec<usize> {
    let mut left: Vec<usize> = (0..others.encoder.ncols()).collect();
    let mut order = Vec::new();
    for component in components.encoder.columns() {
        let alike = |&other: &usize| others.encoder.column(other).dot(&component).abs();
        let Some(place) = (0..left.len()).max_by(|&a, &b| alike(&left[a]).total_cmp(&alike(&left[b]))) else { break };
        order.push(left.remove(place));
    }
    order
}

/// The share of conditions whose trial `[n_conditions n_times, n_units]` is nearest to the mean of its class, along each component at each
/// time `[n_components, n_times]`.
fn nearest(
    design: &Design,
    set: &[usize],
    problem: &Problem,
    test: ArrayView2<'_, f64>,
    axes: &Axes,
    order: &[usize],
) -> Array2<f64> {
    let (n_conditions, n_classes) = (design.n_conditions(), design.n_classes(set));
    let n_times = test.nrows() / n_conditions;
    let along = |samples: ArrayView2<'_, f64>| -> Array3<f64> {
        let points = samples.dot(&axes.decoder.t());
        Array3::from_shape_fn((n_conditions, n_times, points.ncols()), |(condition, time, component)| {
            points[[condition * n_times + time, component]]
        })
    };
    let (train, test) = (along(problem.x.view()), along(test));
    let classes: Vec<usize> = (0..n_conditions).map(|condition| design.class(set, condition)).collect();
    let of_class = (n_conditions / n_classes) as f64;
    Array2::from_shape_fn((order.len(), n_times), |(place, time)| {
        let mut means = vec![0.0; n_classes];
        (0..n_conditions).for_each(|i| means[classes[i]] += train[[i, time, order[place]]] / of_class);
        let right = |&condition: &usize| {
            let far = |class: usize| (test[[condition, time, order[place]]] - means[class]).abs();
            let near = (0..n_classes).min_by(|&a, &b| far(a).total_cmp(&far(b)));
            near == Some(classes[condition])
        };
        (0..n_conditions).filter(right).count() as f64 / n_conditions as f64
    })
}
