//! How tangled trajectories are.

use ndarray::{Array1, Array2, Array3, ArrayView2, Axis, s};
use serde::{Deserialize, Serialize};

use super::average::Averages;
use super::jpca::step;
use super::pca::Trajectories;
use crate::table::Value;
use crate::{Error, Result, interrupt, threads};

/// How tangled the trajectories of a population are, of [`Averages::tangling`], [`Trajectories::tangling`] or [`Tangling::of`]:
/// whether activity goes on differently from states that are alike, as it cannot if it drives itself.
///
/// `Q(t) = max_t' ‖ẋ(t) - ẋ(t')‖² / (‖x(t) - x(t')‖² + ε)` over all conditions and times `t'`, in 1/s². `ẋ` are central differences, and
/// one-sided ones at the ends; `ε` is a tenth of the variance of all states.
///
/// Russo AA, Bittner SR, Perkins SM, Seely JS, London BM, Lara AH, Miri A, Marshall NJ, Kohn A, Jessell TM, Abbott LF,
/// Cunningham JP, Churchland MM (2018), doi:10.1016/j.neuron.2018.01.004. There the states are in the first 8 principal components:
/// `averages.trajectories(&averages.pca(8)?)?.tangling()?`.
///
/// ```
/// use ndarray::Array3;
/// use psychrnn::analysis::Tangling;
/// // A figure of eight crosses itself; a circle does not.
/// let times: Vec<f64> = (0..63).map(|step| f64::from(step) * 10.0).collect();
/// let way = |harmonic: f64| {
///     Array3::from_shape_fn((1, 63, 2), |(_, step, axis)| {
///         let phase = step as f64 / 10.0;
///         if axis == 0 { phase.cos() } else { (harmonic * phase).sin() }
///     })
/// };
/// let tangled = |way| Ok::<_, psychrnn::Error>(Tangling::of(&way, &times)?.largest());
/// assert!(tangled(way(2.0))? > 3.0 * tangled(way(1.0))?);
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tangling {
    /// The column whose values are the conditions; "condition" if the states came as a plain array.
    pub by: String,
    /// The conditions, ascending, or their numbers.
    pub conditions: Vec<Value>,
    /// The times, in milliseconds.
    #[serde(with = "crate::number")]
    pub times: Vec<f64>,
    /// How tangled each state is, in 1/s² `[n_conditions, n_times]`; NaN where there is none.
    #[serde(with = "crate::number")]
    pub q: Array2<f64>,
    /// Whether the work was interrupted (see [`interrupt`]): the states that were not looked at are NaN.
    #[serde(default)]
    pub interrupted: bool,
}

impl Tangling {
    /// That of states `[n_conditions, n_times, n]` at equally distant times, in milliseconds `[n_times]`. Those with NaN are left out.
    ///
    /// # Errors
    /// If there are not two times or more, equally distant, if there are no states, if one is infinite, or if they are all the
    /// same.
    pub fn of(states: &Array3<f64>, times: &[f64]) -> Result<Self> {
        let (n_conditions, n_times, n) = states.dim();
        if n_times < 2 || times.len() != n_times || n == 0 || n_conditions == 0 {
            let expected = format!("[n_conditions, n_times = {}, n], at least [1, 2, 1]", times.len());
            return Err(Error::shape("states", expected, states.shape()));
        }
        if let Some((at, &value)) = states.indexed_iter().find(|(_, value)| value.is_infinite()) {
            let at = format!("condition {}, time {}, unit {}", at.0, at.1, at.2);
            return Err(Error::NotFinite { name: "states".into(), value, at });
        }
        let dt = step(times)? / 1000.0;
        let places = (0..n_conditions).flat_map(|condition| (0..n_times).map(move |time| (condition, time)));
        let moving =
            |(condition, time)| Some(((condition, time), speed(states.index_axis(Axis(0), condition), time, dt)?));
        let (places, speeds): (Vec<_>, Vec<_>) = places.filter_map(moving).unzip();
        let mut x = Array2::zeros((places.len(), n));
        for (mut row, &(condition, time)) in x.outer_iter_mut().zip(&places) {
            row.assign(&states.slice(s![condition, time, ..]));
        }
        let epsilon = if places.is_empty() { 0.0 } else { 0.1 * x.var_axis(Axis(0), 0.0).sum() };
        if epsilon == 0.0 {
            let expected = "ones that vary, at two times in a row";
            return Err(Error::argument("states", expected, "all the same, or never at two times in a row"));
        }
        let work = interrupt::watch();
        let most = |i: usize| {
            let apart = |j| squared(&speeds[i], &speeds[j]) / (squared(x.row(i), x.row(j)) + epsilon);
            Ok((0..places.len()).map(apart).fold(0.0, f64::max))
        };
        let found = threads::map_while((0..places.len()).collect(), || !work.is_interrupted(), most)?;
        let interrupted = found.len() < places.len();
        let mut q = Array2::from_elem((n_conditions, n_times), f64::NAN);
        places.into_iter().zip(found).for_each(|(place, most)| q[place] = most);
        let conditions = (0..n_conditions).map(Value::from).collect();
        Ok(Self { by: "condition".into(), conditions, times: times.to_vec(), q, interrupted })
    }

    /// The largest of all.
    #[must_use]
    pub fn largest(&self) -> f64 {
        self.q.iter().copied().fold(f64::NAN, f64::max)
    }

    fn named(self, by: &str, conditions: &[Value]) -> Self {
        Self { by: by.to_owned(), conditions: conditions.to_vec(), ..self }
    }
}

/// The change of a state in a second; `None` if it is not there, or has no neighbor in time.
fn speed(states: ArrayView2<'_, f64>, time: usize, dt: f64) -> Option<Array1<f64>> {
    let there = |time: &usize| *time < states.nrows() && states.row(*time).iter().all(|x| !x.is_nan());
    let time = Some(time).filter(there)?;
    let before = time.checked_sub(1).filter(there).unwrap_or(time);
    let after = Some(time + 1).filter(there).unwrap_or(time);
    let steps = (after - before) as f64;
    (steps > 0.0).then(|| (&states.row(after) - &states.row(before)) / (steps * dt))
}

fn squared<'a>(x: impl IntoIterator<Item = &'a f64>, y: impl IntoIterator<Item = &'a f64>) -> f64 {
    x.into_iter().zip(y).map(|(x, y)| (x - y) * (x - y)).sum()
}

impl Averages {
    /// How tangled the averages are, in the space of all units.
    ///
    /// # Errors
    /// As [`Tangling::of`].
    pub fn tangling(&self) -> Result<Tangling> {
        Ok(Tangling::of(&self.mean, &self.times)?.named(&self.by, &self.conditions))
    }
}

impl Trajectories {
    /// How tangled the trajectories are, in the space of their components.
    ///
    /// # Errors
    /// As [`Tangling::of`].
    pub fn tangling(&self) -> Result<Tangling> {
        Ok(Tangling::of(&self.points, &self.times)?.named(&self.by, &self.conditions))
    }
}
