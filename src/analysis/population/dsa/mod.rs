//! Dynamical similarity analysis: whether two systems move alike, whatever their geometry.

mod matching;
mod rotation;

use ndarray::{Array1, Array2, Axis, concatenate, s};
use num_complex::Complex64;
use serde::{Deserialize, Serialize};

use super::average::Averages;
use super::pca::check_finite;
use crate::dynamics::linear::{Lu, Svd, eigenvalues};
use crate::random::Seed;
use crate::setters::setters;
use crate::simulate::{Session, Signal};
use crate::{Error, Result, interrupt, memory, threads};

use matching::matching;
use rotation::{Aligned, costs, descend, random, spectral};

/// Dynamical similarity analysis (DSA): the distance between two systems by how they move, not by where.
///
/// 1. Of each trial the states at `n_delays` times, `interval` steps apart, are put side by side, the newest first: `H`
///    `[n_rows, n_delays n_units]`. In such delays nonlinear dynamics are nearly linear.
/// 2. Of its singular value decomposition `H = V Σ Uᵀ` the first `rank` columns of `V` are kept.
/// 3. They are moved from one step to the next, within trials, by `A` `[rank, rank]`, which makes
///    `Σ_t ‖v(t + 1) - A v(t)‖² + ridge ‖A‖²` smallest ([`DelayModel`]).
/// 4. The distance of two is the smallest `‖A - C B Cᵀ‖_F` over all rotations and reflections `C`, with `‖A‖_F = ‖B‖_F = 1`
///    ([`DsaDistance`]): 0 for systems that are each other's rotations.
///
/// Ostrow M, Eisen A, Kozachkov L, Fiete I (2023), arXiv:2306.10168. The minimum has several basins: it is sought from where the eigenvectors of
/// both lie upon each other, and from `starts` rotations and as many reflections at random. (The package dsa-metric 2.0.2, whose 1500
/// steps do not reach it, gives 0.059 for two systems that are rotations of each other.)
///
/// Defaults: 1 delay, an interval of 1 step, the rank of [`DelayModel::suggested_rank`], a ridge of 1e-8, 20 starts. The same seed
/// gives the same numbers, for any number of threads.
///
/// ```
/// use ndarray::{Array2, array};
/// use psychrnn::analysis::Dsa;
/// // Two oscillators, of which one is seen in other axes.
/// let trial = Array2::from_shape_fn((100, 2), |(t, i)| (0.2 * t as f64 + 1.5 * i as f64).sin() * 0.99_f64.powi(t as i32));
/// let other = trial.dot(&array![[0.6, 0.8], [-0.8, 0.6]]);
/// let dsa = Dsa::default().delays(2).rank(2);
/// let distance = dsa.distance(&dsa.of_trials(&[trial])?, &dsa.of_trials(&[other])?)?;
/// assert!(distance.angular < 1e-6);
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// ```no_run
/// use psychrnn::analysis::Dsa;
/// use psychrnn::prelude::*;
/// # let session = Simulator::load("weights.npz")?.run(&PerceptualDiscrimination::default().batch(500, Seed(2))?)?;
/// # let other = session.clone();
/// let dsa = Dsa::default().delays(5).rank(10);
/// let models = [dsa.of(&session, Signal::States)?, dsa.of(&other, Signal::States)?];
/// println!("{}", dsa.distances(&models)?);
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dsa {
    /// How many times are put side by side.
    pub delays: usize,
    /// The steps between these.
    pub interval: usize,
    /// The dimensions that are kept; without it, as many as stand out from noise.
    pub rank: Option<usize>,
    /// What keeps `A` small.
    pub ridge: f64,
    /// From how many rotations, and as many reflections, the distance is sought.
    pub starts: usize,
    /// The seed of these.
    pub seed: Seed,
}

impl Default for Dsa {
    fn default() -> Self {
        Self { delays: 1, interval: 1, rank: None, ridge: 1e-8, starts: 20, seed: Seed(0) }
    }
}

impl Dsa {
    setters! {
        /// How many times are put side by side.
        delays: usize;
        /// The steps between these.
        interval: usize;
        /// The dimensions that are kept.
        rank: usize => Some(rank);
        /// What keeps `A` small.
        ridge: f64;
        /// From how many rotations, and as many reflections, the distance is sought.
        starts: usize;
        /// The seed of these.
        seed: impl Into<Seed> => seed.into();
    }

    /// The dynamics of a session, each trial to its end.
    ///
    /// # Errors
    /// As [`Dsa::of_trials`], and if the signal was not recorded.
    pub fn of(&self, session: &Session, signal: Signal) -> Result<DelayModel> {
        let source = session.signal(signal)?;
        memory::check("the activity of all trials", memory::floats(source.shape()), "take fewer trials")?;
        let trials = source.outer_iter().zip(&session.batch.lengths);
        let trials: Vec<_> = trials.map(|(trial, &length)| trial.slice(s![..length, ..]).mapv(f64::from)).collect();
        self.of_trials(&trials)
    }

    /// The dynamics of averages over trials, each condition over the times at which it has trials.
    ///
    /// # Errors
    /// As [`Dsa::of_trials`].
    pub fn of_averages(&self, averages: &Averages) -> Result<DelayModel> {
        let there = |n_trials: &Vec<usize>| (0..n_trials.len()).filter(|&time| n_trials[time] > 0).collect::<Vec<_>>();
        let conditions = averages.mean.outer_iter().zip(&averages.n_trials);
        let conditions: Vec<_> = conditions.map(|(mean, n_trials)| mean.select(Axis(0), &there(n_trials))).collect();
        self.of_trials(&conditions)
    }

    /// The dynamics of trials `[n_times, n_units]`, which may differ in length.
    ///
    /// # Errors
    /// If a number is not finite, if trials have other numbers of units, if none is long enough for the delays and a step more, if
    /// `delays` or `interval` is 0, if the rank is 0 or larger than that of the trials, or if the ridge is negative.
    pub fn of_trials(&self, trials: &[Array2<f64>]) -> Result<DelayModel> {
        if self.delays == 0 || self.interval == 0 {
            return Err(Error::argument(if self.delays == 0 { "delays" } else { "interval" }, "at least 1", 0));
        }
        if !(self.ridge >= 0.0 && self.ridge.is_finite()) {
            return Err(Error::argument("ridge", "0 or a positive number", self.ridge));
        }
        let n_units = trials.first().map_or(0, Array2::ncols);
        for trial in trials {
            if trial.ncols() != n_units || n_units == 0 {
                let expected = format!("[n_times, n_units = {}]", n_units.max(1));
                return Err(Error::shape("trials", expected, trial.shape()));
            }
            check_finite("trials", trial)?;
        }
        let reach = (self.delays - 1).saturating_mul(self.interval);
        let rows = |trial: &Array2<f64>| trial.nrows().saturating_sub(reach);
        let long: Vec<&Array2<f64>> = trials.iter().filter(|trial| rows(trial) > 1).collect();
        let n_rows: usize = long.iter().map(|trial| rows(trial)).sum();
        if n_rows == 0 {
            let expected =
                format!("trials of at least {} steps, for these delays and a step more", reach.saturating_add(2));
            return Err(Error::argument("trials", expected, "without one so long"));
        }
        let width = self.delays.saturating_mul(n_units);
        let advice = "take fewer trials, delays, or units: the first principal components, say";
        memory::check("the delays of all trials", 5 * memory::floats(&[n_rows, width]), advice)?;
        let embedded: Vec<Array2<f64>> = long.iter().map(|trial| self.embedded(trial, rows(trial))).collect();
        let views: Vec<_> = embedded.iter().map(Array2::view).collect();
        let decomposed = Svd::of(concatenate(Axis(0), &views)?.view());
        let Svd { u, values, .. } = decomposed
            .ok_or_else(|| Error::argument("trials", "numbers of a size that can be decomposed", "too large"))?;

        // What is as small as the rounding of the rest has no direction of its own.
        let full = values.iter().filter(|&&value| value > 1e-13 * values[0]).count();
        let mut model = DelayModel {
            a: Array2::zeros((0, 0)),
            singular_values: values,
            shape: (n_rows, width),
            delays: self.delays,
            interval: self.interval,
        };
        let rank = self.rank.unwrap_or_else(|| model.suggested_rank().min(full));
        if rank == 0 || rank > full {
            return Err(Error::argument("rank", format!("from 1 to {full}, that of the delays"), rank));
        }
        let v = u.slice_move(s![.., ..rank]);
        let (mut within, mut between) = (Array2::eye(rank) * self.ridge, Array2::zeros((rank, rank)));
        let mut from = 0;
        for trial in &embedded {
            let trial = v.slice(s![from..from + trial.nrows(), ..]);
            let (now, next) = (trial.slice(s![..-1, ..]), trial.slice(s![1.., ..]));
            within += &now.t().dot(&now);
            between += &now.t().dot(&next);
            from += trial.nrows();
        }
        let lu = Lu::of(within).ok_or_else(|| {
            Error::argument("ridge", "above 0 where there are fewer steps than dimensions", self.ridge)
        })?;
        model.a = lu.solve_all(between.view()).reversed_axes().as_standard_layout().into_owned();
        Ok(model)
    }

    /// The delays of a trial.
    fn embedded(&self, trial: &Array2<f64>, rows: usize) -> Array2<f64> {
        let n = trial.ncols();
        let newest = trial.nrows() - rows;
        Array2::from_shape_fn((rows, self.delays * n), |(row, column)| {
            trial[[newest + row - column / n * self.interval, column % n]]
        })
    }

    /// How far apart the dynamics of two systems are.
    ///
    /// # Errors
    /// If they have different ranks or delays, if a system does not move at all, or if it is interrupted.
    pub fn distance(&self, first: &DelayModel, second: &DelayModel) -> Result<DsaDistance> {
        let steps = |model: &DelayModel| (model.delays, model.interval);
        if steps(first) != steps(second) {
            let words = |model: &DelayModel| format!("{} delays of {} steps", model.delays, model.interval);
            return Err(Error::argument("the second model", words(first), words(second)));
        }
        self.between(&first.a, &second.a)
    }

    /// How far apart two square matrices are, up to rotation: those of dynamics that came from elsewhere, the Jacobians of two networks for
    /// instance. Rows and columns are of the same space.
    ///
    /// # Errors
    /// If they are not square and of the same size, if a number is not finite, if one is 0, or if it is interrupted.
    pub fn between(&self, a: &Array2<f64>, b: &Array2<f64>) -> Result<DsaDistance> {
        let n = a.nrows();
        for (name, matrix) in [("a", a), ("b", b)] {
            if matrix.dim() != (n, n) || n == 0 {
                let expected = format!("[{n}, {n}]: fit both with the same `rank`");
                return Err(Error::shape(name, expected, matrix.shape()));
            }
            check_finite(name, matrix)?;
        }
        let size = |name: &str, matrix: &Array2<f64>| match matrix.iter().map(|x| x * x).sum::<f64>().sqrt() {
            0.0 => Err(Error::argument(name, "dynamics that move", "0")),
            size => Ok(size),
        };
        let (one_a, one_b) = (a / size("a", a)?, b / size("b", b)?);
        let starts = std::iter::once(None).chain((0..self.starts).flat_map(|i| [Some((i, false)), Some((i, true))]));
        let work = interrupt::watch();
        let reached = threads::map_while(
            starts.collect(),
            || !work.is_interrupted(),
            |start| {
                let start = match start {
                    None => spectral(&one_a, &one_b),
                    Some((i, reflected)) => {
                        let mut rng = self.seed.child("rotations").stream(2 * i as u64 + u64::from(reflected));
                        random(n, reflected, &mut rng)
                    }
                };
                Ok(start.map(|start| descend(&one_a, &one_b, start)))
            },
        )?;
        let interrupted = reached.len() < 1 + 2 * self.starts;
        let best = reached.into_iter().flatten().min_by(|a, b| a.distance.total_cmp(&b.distance));
        let Some(Aligned { rotation, distance }) = best else {
            return Err(Error::argument("starts", "at least 1, and not interrupted before the first", self.starts));
        };
        Ok(DsaDistance {
            angular: 2.0 * (distance / 2.0).min(1.0).asin(),
            euclidean: distance,
            wasserstein_squared: wasserstein_squared(&spectrum(a)?, &spectrum(b)?),
            rotation,
            interrupted,
        })
    }

    /// The angular distances between all pairs of systems `[n_models, n_models]`, in radians.
    ///
    /// # Errors
    /// As [`Dsa::distance`].
    pub fn distances(&self, models: &[DelayModel]) -> Result<Array2<f64>> {
        let mut distances = Array2::zeros((models.len(), models.len()));
        for i in 0..models.len() {
            for j in i + 1..models.len() {
                let angular = self.distance(&models[i], &models[j])?.angular;
                (distances[[i, j]], distances[[j, i]]) = (angular, angular);
            }
        }
        Ok(distances)
    }
}

fn spectrum(a: &Array2<f64>) -> Result<Vec<Complex64>> {
    eigenvalues(a.view()).ok_or_else(|| Error::argument("the dynamics", "finite", "not"))
}

/// The mean squared distance of eigenvalues that are matched such that it is smallest.
fn wasserstein_squared(a: &[Complex64], b: &[Complex64]) -> f64 {
    let cost = costs(a, b);
    matching(&cost).into_iter().enumerate().map(|pair| cost[pair]).sum::<f64>() / a.len() as f64
}

/// Linear dynamics in delays, of [`Dsa::of`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DelayModel {
    /// What moves a state by one step, `v(t + 1) = A v(t)` `[rank, rank]`.
    #[serde(with = "crate::number")]
    pub a: Array2<f64>,
    /// All singular values of the delays, the largest first.
    #[serde(with = "crate::number")]
    pub singular_values: Array1<f64>,
    /// The shape of the delays `(n_rows, n_delays n_units)`, the rows of all trials together.
    pub shape: (usize, usize),
    /// How many times were put side by side.
    pub delays: usize,
    /// The steps between these.
    pub interval: usize,
}

impl DelayModel {
    /// How many singular values stand out from noise of unknown size: are above `ω(β)` times their median, with
    /// `ω(β) = 0.56 β³ - 0.95 β² + 1.82 β + 1.43` for the ratio `β ≤ 1` of the sides of the matrix. At least 1. Gavish M, Donoho DL (2014),
    /// doi:10.1109/TIT.2014.2323359.
    #[must_use]
    pub fn suggested_rank(&self) -> usize {
        let (values, (n_rows, width)) = (&self.singular_values, self.shape);
        let beta = n_rows.min(width) as f64 / n_rows.max(width) as f64;
        let omega = ((0.56 * beta - 0.95) * beta + 1.82) * beta + 1.43;
        // The largest first: the middle one, or the mean of the two in the middle.
        let n = values.len();
        let median = (values[(n - 1) / 2] + values[n / 2]) / 2.0;
        values.iter().filter(|&&value| value > omega * median).count().max(1)
    }

    /// The eigenvalues of `A` `[rank]`: the size of each is by how much it grows in a step, its angle how far it turns.
    ///
    /// # Errors
    /// If `A` is not finite.
    pub fn eigenvalues(&self) -> Result<Vec<Complex64>> {
        spectrum(&self.a)
    }
}

/// How far apart the dynamics of two systems are, of [`Dsa::distance`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DsaDistance {
    /// The angle between `A` and `C B Cᵀ`, `arccos(1 - d²/2)` of the Euclidean distance `d`, in radians, from 0 to π.
    #[serde(with = "crate::number")]
    pub angular: f64,
    /// The smallest `‖A - C B Cᵀ‖_F`, with `‖A‖_F = ‖B‖_F = 1`, from 0 to 2.
    #[serde(with = "crate::number")]
    pub euclidean: f64,
    /// The squared Wasserstein distance of the eigenvalues of `A` and `B` as they are: the mean of `|λ_A - λ_B|²` over pairs, matched such that it is
    /// smallest. It needs no rotation, and does not see whether eigenvectors are orthogonal.
    #[serde(with = "crate::number")]
    pub wasserstein_squared: f64,
    /// The rotation or reflection `C` `[rank, rank]`.
    #[serde(with = "crate::number")]
    pub rotation: Array2<f64>,
    /// Whether the work was interrupted (see [`interrupt`]): fewer starts than asked for.
    #[serde(default)]
    pub interrupted: bool,
}
