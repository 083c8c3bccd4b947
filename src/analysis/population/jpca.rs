//! Rotations in the activity of a population.

use linfa_linalg::eigh::{EigSort, Eigh};
use ndarray::{Array1, Array2, Array3, ArrayView1, Axis, s};
use serde::{Deserialize, Serialize};

use super::average::Averages;
use super::pca::{Pca, Trajectories};
use crate::setters::setters;
use crate::table::Value;
use crate::{Error, Result};

/// jPCA: the planes in which activity rotates.
///
/// 1. The mean over conditions at each time is taken away, which leaves in what conditions differ.
/// 2. The first principal components over all conditions and times are kept.
/// 3. Between two steps, `ẋ = x(t + 1) - x(t)` at `x = (x(t) + x(t + 1)) / 2`, and a matrix `M` is fitted by least squares:
///    `ẋ = M x`, among all matrices and among the skew-symmetric ones, `Mᵀ = -M`, which only rotate.
/// 4. The skew-symmetric one parts the components into planes, the fastest first. In each the first axis (jPC 1) is that along which
///    the conditions begin most widely spread, and activity turns from it towards the second, counterclockwise.
///
/// Compare the share of `ẋ` that rotation explains with that of any linear dynamics: only if they are near each other do the data
/// rotate. Churchland MM, Cunningham JP, Kaufman MT, Foster JD, Nuyujukian P, Ryu SI, Shenoy KV (2012), doi:10.1038/nature11129.
///
/// Defaults: 6 components; units are not normalized. That paper divides the rates of neurons by their range and 5 or 10 spikes/s
/// (`soften`), so that none has all the say; a network's units are on one scale.
///
/// ```no_run
/// use psychrnn::analysis::Jpca;
/// use psychrnn::prelude::*;
/// # let session = Simulator::load("weights.npz")?.run(&PerceptualDiscrimination::default().batch(500, Seed(2))?)?;
/// let averages = Average::by("coherence").aligned_to("stimulus").window(0.0..500.0).of(&session)?;
/// let planes = Jpca::default().of(&averages)?;
/// println!("{} of {}, at {} Hz", planes.r2_skew, planes.r2, planes.frequencies[0]);
/// planes.plot(0)?.save("rotation.png")?;
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Jpca {
    /// The principal components that are kept: an even number.
    pub n_components: usize,
    /// What is added to the range of each unit by which it is divided; without it units are not normalized.
    pub soften: Option<f64>,
}

impl Default for Jpca {
    fn default() -> Self {
        Self { n_components: 6, soften: None }
    }
}

impl Jpca {
    setters! {
        /// The principal components that are kept: an even number.
        n_components: usize;
        /// What is added to the range of each unit by which it is divided, in units of activity.
        soften: f64 => Some(soften);
    }

    /// The planes of averages over trials, at the times at which all conditions have trials.
    ///
    /// # Errors
    /// If there are fewer than two conditions or two times, if the number of components is odd or more than the averages have, or
    /// if a number is not finite.
    pub fn of(&self, averages: &Averages) -> Result<JpcaPlanes> {
        let all = |time: &usize| averages.n_trials.iter().all(|n_trials| n_trials[*time] > 0);
        let there: Vec<usize> = (0..averages.times.len()).filter(all).collect();
        let times: Vec<f64> = there.iter().map(|&time| averages.times[time]).collect();
        let mut planes = self.of_array(&averages.mean.select(Axis(1), &there), &times)?;
        planes.trajectories.by.clone_from(&averages.by);
        planes.trajectories.conditions.clone_from(&averages.conditions);
        Ok(planes)
    }

    /// The planes of activity `[n_conditions, n_times, n_units]` at equally distant times in milliseconds `[n_times]`.
    ///
    /// # Errors
    /// As [`Jpca::of`], and if the times are not equally distant.
    pub fn of_array(&self, activity: &Array3<f64>, times: &[f64]) -> Result<JpcaPlanes> {
        let (n_conditions, n_times, n_units) = activity.dim();
        if n_conditions < 2 || n_times < 2 || times.len() != n_times {
            let expected = format!("[n_conditions, n_times = {}, n_units], at least [2, 2, 2]", times.len());
            return Err(Error::shape("activity", expected, activity.shape()));
        }
        let dt = step(times)?;
        if self.n_components == 0 || self.n_components % 2 == 1 {
            return Err(Error::argument("n_components", "an even number, from 2 on", self.n_components));
        }
        let activity = self.normalized(activity)?;
        let centered = &activity - &(activity.sum_axis(Axis(0)) / n_conditions as f64);
        let samples = centered.to_shape((n_conditions * n_times, n_units))?.into_owned();
        let pca = Pca::fit(&samples, self.n_components)?;
        let points = pca.project(&samples)?.into_shape_with_order((n_conditions, n_times, self.n_components))?;

        let (before, after) = (points.slice(s![.., ..-1, ..]), points.slice(s![.., 1.., ..]));
        let rows = (n_conditions * (n_times - 1), self.n_components);
        let change = (&after - &before).into_shape_with_order(rows)?;
        let middle = ((&after + &before) / 2.0).into_shape_with_order(rows)?;
        let (skew, any) = fits(&middle, &change)?;
        let explained = |m: &Array2<f64>| {
            let left = &change - &middle.dot(&m.t());
            1.0 - left.mapv(|d| d * d).sum() / change.mapv(|d| d * d).sum()
        };
        let (axes, speeds) = planes(&skew, &points.slice(s![.., 0, ..]).to_owned())?;
        let turned = points.to_shape((n_conditions * n_times, self.n_components))?.dot(&axes.t());
        let shares = turned.var_axis(Axis(0), 0.0) / samples.var_axis(Axis(0), 0.0).sum();
        Ok(JpcaPlanes {
            r2_skew: explained(&skew),
            r2: explained(&any),
            frequencies: speeds.mapv(|speed| 1000.0 * speed / (std::f64::consts::TAU * dt)),
            components: axes.dot(&pca.components),
            trajectories: Trajectories {
                by: "condition".into(),
                conditions: (0..n_conditions).map(Value::from).collect(),
                times: times.to_vec(),
                names: (1..=self.n_components).map(|i| format!("jPC {i}")).collect(),
                points: turned.into_shape_with_order((n_conditions, n_times, self.n_components))?,
                shares: shares.to_vec(),
            },
        })
    }

    /// Each unit divided by its softened range.
    fn normalized(&self, activity: &Array3<f64>) -> Result<Array3<f64>> {
        let Some(soften) = self.soften else { return Ok(activity.clone()) };
        let range = |unit: ndarray::ArrayView2<'_, f64>| {
            let ends = |(low, high): (f64, f64), &x: &f64| (low.min(x), high.max(x));
            let (low, high) = unit.iter().fold((f64::INFINITY, f64::NEG_INFINITY), ends);
            high - low + soften
        };
        let ranges: Array1<f64> = activity.axis_iter(Axis(2)).map(range).collect();
        if !(soften >= 0.0 && soften.is_finite()) || ranges.iter().any(|&range| range == 0.0) {
            return Err(Error::argument("soften", "above 0, or 0 if all units vary", soften));
        }
        Ok(activity / &ranges)
    }
}

/// The step between equally distant times, in milliseconds.
pub(super) fn step(times: &[f64]) -> Result<f64> {
    let dt = (times[times.len() - 1] - times[0]) / (times.len() - 1) as f64;
    let even = |pair: &[f64]| ((pair[1] - pair[0]) / dt - 1.0).abs() < 1e-3;
    match dt > 0.0 && times.windows(2).all(even) {
        true => Ok(dt),
        false => Err(Error::argument("times", "ascending, equally distant", format!("{times:?} ms"))),
    }
}

/// The matrices `M` that make `‖Ẋ - X Mᵀ‖` smallest, among the skew-symmetric ones and among all. With `S = Xᵀ X` the first solves
/// `S M + M S = Ẋᵀ X - Xᵀ Ẋ`, which in the eigenvectors of `S` is solved number by number.
fn fits(x: &Array2<f64>, change: &Array2<f64>) -> Result<(Array2<f64>, Array2<f64>)> {
    let (values, vectors) = x
        .t()
        .dot(x)
        .eigh()
        .map_err(|error| Error::argument("activity", "such that dynamics can be fitted to it", error))?;
    let most = values.fold(0.0_f64, |most, &value| most.max(value));
    if !values.iter().all(|&value| value > 1e-13 * most) {
        let expected = "such that its components all change by themselves: take fewer `n_components`";
        return Err(Error::argument("activity", expected, "too flat, or all the same"));
    }
    let product = vectors.t().dot(&change.t().dot(x)).dot(&vectors);
    let back = |m: Array2<f64>| vectors.dot(&m).dot(&vectors.t());
    let mut skew = &product - &product.t();
    skew.indexed_iter_mut().for_each(|((i, j), m)| *m /= values[i] + values[j]);
    Ok((back(skew), back(&product / &values)))
}

/// The planes in which a skew-symmetric matrix rotates, two rows for each, the fastest first, and how fast, in radians a step.
fn planes(m: &Array2<f64>, beginnings: &Array2<f64>) -> Result<(Array2<f64>, Array1<f64>)> {
    let n = m.nrows();
    let failed = |error| Error::argument("activity", "such that its rotations can be told apart", error);
    let (_, vectors) = m.t().dot(m).eigh().map_err(failed)?.sort_eig_desc();
    let mut axes = Array2::zeros((0, n));
    let mut speeds = Vec::new();
    let mut candidates = vectors.columns().into_iter();
    while axes.nrows() < n {
        // Both vectors of a plane have the same eigenvalue: one is taken, and with it where it is moved. Where nothing turns any two
        // will do.
        let first = next(&axes, &mut candidates);
        let moved = m.dot(&first);
        let speed = moved.dot(&moved).sqrt();
        push(&mut axes, first.view())?;
        let towards = away(&axes, &moved);
        let turns = towards.dot(&towards).sqrt() > 1e-9 * m.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        let second = if turns && speed > 0.0 { of_length_1(towards) } else { next(&axes, &mut candidates) };
        push(&mut axes, second.view())?;
        speeds.push(if turns { speed } else { 0.0 });
    }
    for plane in 0..n / 2 {
        let mut both = axes.slice_mut(s![2 * plane..2 * plane + 2, ..]);
        let begin = beginnings.dot(&both.t());
        let spread = &begin - &(begin.sum_axis(Axis(0)) / begin.nrows() as f64);
        // Half the angle of the covariance is that of its longer axis.
        let covariance = spread.t().dot(&spread);
        let angle = (2.0 * covariance[[0, 1]]).atan2(covariance[[0, 0]] - covariance[[1, 1]]) / 2.0;
        let (mut sine, mut cosine) = angle.sin_cos();
        let largest = begin.outer_iter().map(|row| cosine * row[0] + sine * row[1]);
        if largest.fold(0.0_f64, |most, x| if x.abs() > most.abs() { x } else { most }) < 0.0 {
            (sine, cosine) = (-sine, -cosine);
        }
        let turned = ndarray::arr2(&[[cosine, sine], [-sine, cosine]]).dot(&both);
        both.assign(&turned);
    }
    Ok((axes, speeds.into()))
}

/// The next candidate that is not in the span of the axes, made orthogonal to them.
fn next<'a>(axes: &Array2<f64>, candidates: &mut impl Iterator<Item = ArrayView1<'a, f64>>) -> Array1<f64> {
    let left = candidates.map(|one| away(axes, &one.to_owned())).find(|left| left.dot(left) > 0.25);
    // Of each pair one is left, or both by a half.
    left.map_or_else(|| Array1::zeros(axes.ncols()), of_length_1)
}

/// What of a vector is orthogonal to all axes; twice, since once leaves what rounding makes of it.
fn away(axes: &Array2<f64>, vector: &Array1<f64>) -> Array1<f64> {
    (0..2).fold(vector.clone(), |vector, _| &vector - &axes.t().dot(&axes.dot(&vector)))
}

fn of_length_1(vector: Array1<f64>) -> Array1<f64> {
    let length = vector.dot(&vector).sqrt();
    vector / length
}

fn push(axes: &mut Array2<f64>, axis: ArrayView1<'_, f64>) -> Result<()> {
    Ok(axes.push_row(axis)?)
}

/// The planes in which activity rotates, of [`Jpca::of`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JpcaPlanes {
    /// The share of the squared changes that rotation explains.
    #[serde(with = "crate::number")]
    pub r2_skew: f64,
    /// The share of the squared changes that the best linear dynamics explain.
    #[serde(with = "crate::number")]
    pub r2: f64,
    /// How often each plane is gone round, in Hz `[n_components / 2]`, the largest first.
    #[serde(with = "crate::number")]
    pub frequencies: Array1<f64>,
    /// The axes `[n_components, n_units]`, orthogonal and of length 1, two for each plane.
    #[serde(with = "crate::number")]
    pub components: Array2<f64>,
    /// The activity about its mean over conditions along the axes, with the share of each in its variance.
    pub trajectories: Trajectories,
}
