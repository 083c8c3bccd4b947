//! Diffusion maps of population activity.

use linfa::traits::Transformer;
use linfa_kernel::{Kernel, KernelInner, KernelMethod};
use linfa_linalg::eigh::{EigSort, EighInto};
use ndarray::{Array1, Array2, Array3, Axis, Zip, s};
use serde::{Deserialize, Serialize};

use super::average::Averages;
use super::pca::{Trajectories, check_finite, orient};
use crate::caught::caught;
use crate::setters::setters;
use crate::{Error, Result};

/// States that a map takes: its matrix of all pairs then has 200 MB.
const MOST: usize = 5000;
/// States for which the matrix is decomposed exactly, where the iterative decomposition fails: this takes up to a quarter of a minute.
const EXACT: usize = 1000;
/// How far the eigenvectors, which have length 1, may be from what they must be.
const TOLERANCE: f64 = 1e-5;
/// The second eigenvalue below which an error of [`TOLERANCE`] says little, and that below which there is only rounding.
const FAINT: f64 = 100.0 * TOLERANCE;
const ROUNDING: f64 = 1e-12;
/// The second eigenvalue above which nothing leads from some states to the others.
const APART: f64 = 1.0 - 1e-9;

/// Lays out states of a population in few dimensions by how easily one gets from one to another in small steps from state to
/// similar state: a map that follows curved surfaces, rings for instance, where [`Pca`](super::Pca) finds flat ones.
///
/// Between states `x_i` `[n_units]` lies the kernel `K_ij = exp(-|x_i - x_j|² / (2 width²))`. Divided by its sums
/// `D_i = Σ_j K_ij` it gives the probabilities of a random walk from state to state, `P_ij = K_ij / D_i`, with eigenvalues
/// `1 = λ_0 > λ_1 ≥ λ_2 ≥ ...` and eigenvectors `ψ_l`, of which the first is constant and left out. Coordinate `l` of state `i`
/// is `λ_l^steps ψ_l(i)`, where `Σ_i π_i ψ_l(i)² = 1` with `π_i = D_i / Σ_j D_j`. The distance between two states in all these
/// coordinates is then how much the walks from the two differ after so many steps:
/// `Σ_k (P^steps_ik - P^steps_jk)² / π_k`, of which the root is taken. The sign of a coordinate is arbitrary, and such that its
/// largest value is positive.
///
/// Coifman RR, Lafon S (2006), doi:10.1016/j.acha.2006.04.006, with `α = 0`: where states are dense, the walk stays longer.
///
/// Defaults: 2 dimensions, 1 step, and as width the median distance between two states that differ. A smaller width follows
/// finer structure.
///
/// ```
/// use ndarray::Array2;
/// use psychrnn::analysis::DiffusionMap;
/// // 100 states of 30 units with preferred directions: a ring.
/// let angle = |part: usize, of: usize| part as f64 / of as f64 * std::f64::consts::TAU;
/// let states = Array2::from_shape_fn((100, 30), |(i, unit)| (angle(i, 100) - angle(unit, 30)).cos().exp());
/// let map = DiffusionMap::default().of(&states)?;
/// assert_eq!(map.coordinates.dim(), (100, 2));
/// map.plot(0, 1)?;
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// ```no_run
/// use psychrnn::analysis::DiffusionMap;
/// use psychrnn::prelude::*;
/// # let session = Simulator::load("weights.npz")?.run(&PerceptualDiscrimination::default().batch(500, Seed(2))?)?;
/// let averages = Average::by("coherence").aligned_to("stimulus").of(&session)?;
/// let map = DiffusionMap::default().of(&averages.samples())?;
/// map.trajectories(&averages)?.plot(0, 1)?; // the way of each condition
///
/// let few = session.select(&[0, 1, 2, 3, 4]);
/// let map = DiffusionMap::default().of(&few.samples(Signal::States)?)?;
/// map.plot_by(0, 1, "direction", &few.of_samples("direction")?)?; // a point for each step of each trial
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiffusionMap {
    /// The number of coordinates.
    pub dimensions: usize,
    /// The standard deviation of the kernel, in units of activity; without it, the median distance between two states.
    pub width: Option<f64>,
    /// The steps of the random walk. More of them leave out what is fine.
    pub steps: usize,
}

impl Default for DiffusionMap {
    fn default() -> Self {
        Self { dimensions: 2, width: None, steps: 1 }
    }
}

impl DiffusionMap {
    setters! {
        /// The number of coordinates.
        dimensions: usize;
        /// The standard deviation of the kernel, in units of activity.
        width: f64 => Some(width);
        /// The steps of the random walk.
        steps: usize;
    }

    /// The map of states `[n_samples, n_units]`, for instance those of [`Averages::samples`] or
    /// [`Session::samples`](crate::simulate::Session::samples). With `n_samples` states it takes memory for `2 n_samples²` numbers.
    ///
    /// # Errors
    /// If there are fewer than two states or more than 5000, if they are all the same, if one is not finite, if there are not
    /// from 1 to `n_samples - 1` dimensions, if the width is not positive or so small that nothing leads from some states to
    /// the others, if it or the number of steps is so large that nothing tells the states apart, or if the eigenvectors cannot be
    /// found to five digits.
    pub fn of(&self, samples: &Array2<f64>) -> Result<DiffusionCoordinates> {
        let (n_samples, n_units) = samples.dim();
        if n_samples < 2 || n_units == 0 {
            return Err(Error::shape("samples", "[n_samples, n_units], at least [2, 1]", samples.shape()));
        }
        if n_samples > MOST {
            let expected = format!("at most {MOST} states: average over trials, or take every tenth step");
            return Err(Error::argument("samples", expected, n_samples));
        }
        check_finite("samples", samples)?;
        if !(1..n_samples).contains(&self.dimensions) {
            let expected = format!("from 1 to {}, fewer than states", n_samples - 1);
            return Err(Error::argument("dimensions", expected, self.dimensions));
        }
        if self.steps == 0 {
            return Err(Error::argument("steps", "at least 1", 0));
        }
        if let Some(width) = self.width.filter(|width| !(width.is_finite() && *width > 0.0)) {
            return Err(Error::argument("width", "a positive number", width));
        }
        let (scaled, scale) = scaled(samples)?;
        let width = self.width.map_or_else(|| median_distance(&scaled), |width| width / scale);

        let apart = || {
            let expected = "so large that every state can be reached from every other";
            Error::argument("width", expected, scale * width)
        };
        if width * width < f64::MIN_POSITIVE {
            return Err(apart());
        }

        let kernel: Kernel<f64> =
            Kernel::params().method(KernelMethod::Gaussian(2.0 * width * width)).transform(scaled.view());
        let walk = Walk::new(&kernel);
        let eigen = walk.iterative(self.dimensions).or_else(|| walk.exact(self.dimensions));
        let Some((eigenvalues, mut vectors)) = eigen else {
            let expected = "states whose eigenvectors can be found to five digits";
            return Err(Error::argument(
                "samples",
                expected,
                "not so: take fewer of them, fewer dimensions, or another width",
            ));
        };
        if eigenvalues[0] > APART {
            return Err(apart());
        }
        if eigenvalues[0] <= ROUNDING {
            return Err(Error::argument("width", "so small that some states are nearer than others", scale * width));
        }
        if eigenvalues[0].powf(self.steps as f64) < f64::MIN_POSITIVE {
            let expected = "so few that the walks from two states still differ";
            return Err(Error::argument("steps", expected, self.steps));
        }
        let total = walk.sums.sum();
        let weights = walk.sums.mapv(|sum| (total / sum).sqrt());
        vectors *= &weights.insert_axis(Axis(1));
        vectors *= &eigenvalues.mapv(|value| value.powf(self.steps as f64));
        vectors.columns_mut().into_iter().for_each(orient);
        Ok(DiffusionCoordinates { coordinates: vectors, eigenvalues, width: scale * width, steps: self.steps })
    }
}

/// The states about one of them and divided by the largest difference from it, so that no square overflows.
fn scaled(samples: &Array2<f64>) -> Result<(Array2<f64>, f64)> {
    let mut scaled = samples - &samples.row(0);
    let scale = scaled.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    if scale == 0.0 || !scale.is_finite() {
        let got = if scale == 0.0 { "all the same" } else { "too far apart" };
        return Err(Error::argument("samples", "ones that vary, by less than 1e308", got));
    }
    scaled /= scale;
    Ok((scaled, scale))
}

/// The median distance between two states that differ.
fn median_distance(samples: &Array2<f64>) -> f64 {
    let mut distances = Vec::new();
    for (i, one) in samples.outer_iter().enumerate() {
        for other in samples.outer_iter().take(i) {
            let square = Zip::from(&one).and(&other).fold(0.0, |sum, x, y| sum + (x - y) * (x - y));
            if square > 0.0 {
                distances.push(square);
            }
        }
    }
    if distances.is_empty() {
        // They differ by less than the root of the smallest number.
        return 1e-150;
    }
    let middle = distances.len() / 2;
    distances.select_nth_unstable_by(middle, f64::total_cmp).1.sqrt()
}

/// The random walk from state to state, as the symmetric matrix `K_ij / √(D_i D_j)`. It has the eigenvalues of `P`, and
/// eigenvectors `v` of length 1 with `ψ(i) = v(i) / √π_i`.
struct Walk<'a> {
    kernel: &'a Kernel<f64>,
    /// `D`
    sums: Array1<f64>,
}

impl<'a> Walk<'a> {
    fn new(kernel: &'a Kernel<f64>) -> Self {
        Self { kernel, sums: kernel.sum() }
    }

    fn times(&self, vectors: &Array2<f64>) -> Array2<f64> {
        let scale = self.sums.mapv(|sum| sum.sqrt().recip()).insert_axis(Axis(1));
        self.kernel.dot(&(vectors * &scale).view()) * &scale
    }

    /// The eigenvalues after the first and their eigenvectors by the iterative decomposition of linfa-reduction, if they are
    /// right. Where many states are the same it may stop too early; it then finds them among a few more.
    fn iterative(&self, n: usize) -> Option<(Array1<f64>, Array2<f64>)> {
        const MORE: usize = 4;
        // Of fewer states linfa-reduction 0.8 decomposes K_ij / D_j², which is not symmetric, as if it were.
        let known = (n..n + MORE).take_while(|of| self.kernel.size() > 5 * of);
        known.into_iter().find_map(|of| {
            let params = linfa_reduction::DiffusionMap::<f64>::params(of).steps(1);
            let map: linfa_reduction::DiffusionMap<f64> = caught(|| params.transform(self.kernel)).ok()?.ok()?;
            if map.embedding().dim() != (self.kernel.size(), of) {
                return None;
            }
            let values = map.eigvals().slice(s![..n]).to_owned();
            // Its coordinates are λ v(i) / √D_i.
            let roots = self.sums.mapv(f64::sqrt).insert_axis(Axis(1));
            let vectors = &map.embedding().slice(s![.., ..n]) * &roots / &values;
            // If even the largest eigenvalue is small, nearly any vector is right to five digits.
            (self.is_right(&values, &vectors) && values[0] > FAINT).then_some((values, vectors))
        })
    }

    /// The same by a decomposition of the whole matrix.
    fn exact(&self, n: usize) -> Option<(Array1<f64>, Array2<f64>)> {
        let KernelInner::Dense(kernel) = &self.kernel.inner else { return None };
        if self.kernel.size() > EXACT {
            return None;
        }
        let scale = self.sums.mapv(|sum| sum.sqrt().recip());
        let matrix = kernel * &scale * &scale.insert_axis(Axis(1));
        let (values, vectors) = caught(|| matrix.eigh_into()).ok()?.ok()?.sort_eig_desc();
        let (values, vectors) = (values.slice(s![1..=n]).to_owned(), vectors.slice(s![.., 1..=n]).to_owned());
        self.is_right(&values, &vectors).then_some((values, vectors))
    }

    /// Whether these are eigenvectors, of length 1 and orthogonal to each other and to the first, `√π`.
    fn is_right(&self, values: &Array1<f64>, vectors: &Array2<f64>) -> bool {
        let small = |error: Array2<f64>| error.iter().all(|error| error.abs() <= TOLERANCE);
        let first = self.sums.mapv(f64::sqrt) / self.sums.sum().sqrt();
        // In groups of states that nothing connects, each has a first one.
        let apart = values[0] > APART;
        small(self.times(vectors) - vectors * values)
            && small(vectors.t().dot(vectors) - Array2::<f64>::eye(values.len()))
            && (apart || small(vectors.t().dot(&first.insert_axis(Axis(1)))))
    }
}

/// States in the coordinates of a [`DiffusionMap`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DiffusionCoordinates {
    /// The coordinates `[n_samples, n_dimensions]`, that of the largest eigenvalue first.
    pub coordinates: Array2<f64>,
    /// The eigenvalues of the random walk, from below 1 downwards `[n_dimensions]`.
    pub eigenvalues: Array1<f64>,
    /// The standard deviation of the kernel, in units of activity.
    pub width: f64,
    /// The steps of the random walk.
    pub steps: usize,
}

impl DiffusionCoordinates {
    /// The coordinates of averages over trials, in the order of their conditions and times.
    ///
    /// # Errors
    /// If the map is not that of [`Averages::samples`] of these averages.
    pub fn trajectories(&self, averages: &Averages) -> Result<Trajectories> {
        let (n_conditions, n_times, _) = averages.mean.dim();
        let is_sample: Vec<bool> =
            averages.mean.lanes(Axis(2)).into_iter().map(|row| row.iter().all(|x| !x.is_nan())).collect();
        let n_samples = is_sample.iter().filter(|is| **is).count();
        if n_samples != self.coordinates.nrows() {
            let expected = format!("those of the map, which has {} samples", self.coordinates.nrows());
            return Err(Error::argument("averages", expected, format!("{n_samples} samples")));
        }
        let n = self.coordinates.ncols();
        let mut points = Array3::from_elem((n_conditions, n_times, n), f64::NAN);
        let places = points.lanes_mut(Axis(2)).into_iter().zip(is_sample).filter(|(_, is)| *is);
        places.zip(self.coordinates.rows()).for_each(|((mut place, _), sample)| place.assign(&sample));
        Ok(Trajectories {
            by: averages.by.clone(),
            conditions: averages.conditions.clone(),
            times: averages.times.clone(),
            names: (0..n).map(|coordinate| self.name(coordinate)).collect(),
            points,
            shares: Vec::new(),
        })
    }

    /// The name of a coordinate, counted from 0, with its eigenvalue.
    pub(crate) fn name(&self, coordinate: usize) -> String {
        format!("Diffusion {} (λ = {:.3})", coordinate + 1, self.eigenvalues[coordinate])
    }
}
