//! Whether tasks are composed of parts: whether what one task adds to another is what a third adds to a fourth.

use linfa_linalg::eigh::Eigh;
use ndarray::{Array1, Array2, ArrayView1, Axis};
use serde::{Deserialize, Serialize};

use crate::simulate::{Session, Signal, numbered};
use crate::weights::Weights;
use crate::{Error, Result};

/// Compositionality: whether a network does four tasks, of which each is one of two things in one of two ways, by adding a thing and a
/// way. The activity in Anti minus that in Go should then be the activity in Delayed Anti minus that in Delayed Go.
///
/// The vector of a task is the mean over trials of the activity at the last step of an epoch ([`Composition::at_end_of`], [`Composition::of`]), or
/// the weights of its rule input ([`Composition::of_inputs`]), or any other ([`Composition::of_vectors`]). Yang GR, Joglekar MR, Song HF, Newsome WT,
/// Wang XJ (2019), doi:10.1038/s41593-018-0310-2.
///
/// ```
/// use ndarray::array;
/// use psychrnn::analysis::Composition;
/// let (go, anti, delay) = (array![1.0, 0.0, 2.0], array![0.0, 1.0, 2.0], array![0.0, 3.0, 0.5]);
/// let vectors = [("go", go.clone()), ("anti", anti.clone()), ("delay go", &go + &delay), ("delay anti", &anti + &delay)];
/// let composed = Composition::of_vectors(vectors)?;
/// assert!(composed.error < 1e-12 && (composed.cosine - 1.0).abs() < 1e-12);
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// With noise the vectors of finitely many trials are noisy: run the tasks without it (`Simulator::noise(false)`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Composition {
    /// What is active.
    pub signal: Signal,
    /// The epoch at whose end it is looked at.
    pub epoch: String,
}

impl Composition {
    /// At the last step of this epoch of each trial; the states, unless another signal is set.
    #[must_use]
    pub fn at_end_of(epoch: &str) -> Self {
        Self { signal: Signal::default(), epoch: epoch.to_owned() }
    }

    crate::setters::setters! {
        /// What is active.
        signal: Signal;
    }

    /// That of one network in four tasks: pairs of a name and a session, in the order one thing, the other, the one in another way, the
    /// other in that way: Go, Anti, Delayed Go, Delayed Anti.
    ///
    /// # Errors
    /// If sessions are not of the same units, if a session has no trial with that epoch, or as [`Composition::of_vectors`].
    pub fn of<N: Into<String>>(&self, tasks: [(N, &Session); 4]) -> Result<Composed> {
        let tasks = tasks.map(|(name, session)| (name.into(), session));
        let units = tasks[0].1.numbers_of(self.signal);
        let mut vectors = Vec::with_capacity(4);
        for (name, session) in tasks {
            if session.numbers_of(self.signal) != units {
                let expected = format!("of units {}, as the first", numbered(&units));
                let got = format!("of units {}", numbered(&session.numbers_of(self.signal)));
                return Err(Error::argument(format!("the session of {name}"), expected, got));
            }
            let activity = session.signal(self.signal)?;
            session.batch.starts(&self.epoch)?;
            let mut sum = Array1::zeros(activity.len_of(Axis(2)));
            let mut n = 0.0;
            for trial in 0..session.n_trials() {
                let last = session.batch.steps_of(trial, &self.epoch).and_then(|steps| steps.last());
                if let Some(last) = last {
                    sum += &activity.index_axis(Axis(0), trial).row(last).mapv(f64::from);
                    n += 1.0;
                }
            }
            if n == 0.0 {
                let expected = format!("with a step of \"{}\" in some trial", self.epoch);
                return Err(Error::argument(format!("the session of {name}"), expected, "without one"));
            }
            vectors.push((name, sum / n));
        }
        composed(vectors)
    }

    /// That of four inputs, by the weights with which each reaches the units: pairs of a name and the number of an input channel, that of a
    /// rule. In the order of [`Composition::of`].
    ///
    /// # Errors
    /// If there is no `W_in` `[n_rec, n_in]`, no such channel, or as [`Composition::of_vectors`].
    pub fn of_inputs<N: Into<String>>(weights: &Weights, inputs: [(N, usize); 4]) -> Result<Composed> {
        let weights = weights.matrix("W_in")?;
        let column = |(name, channel): (N, usize)| {
            let n_in = weights.ncols();
            if channel >= n_in {
                return Err(Error::argument("channel", format!("below the number of inputs, {n_in}"), channel));
            }
            Ok((name.into(), weights.column(channel).mapv(f64::from)))
        };
        composed(inputs.into_iter().map(column).collect::<Result<_>>()?)
    }

    /// That of four vectors of any kind, each of the same length: pairs of a name and `[n]`. In the order of [`Composition::of`].
    ///
    /// # Errors
    /// If vectors differ in length, are empty or hold what is no number, or if two tasks are the same, so that there is nothing between
    /// them to be compared.
    pub fn of_vectors<N: Into<String>>(vectors: [(N, Array1<f64>); 4]) -> Result<Composed> {
        composed(vectors.into_iter().map(|(name, vector)| (name.into(), vector)).collect())
    }
}

/// The vectors `[n]` of four tasks, and how far they are from a parallelogram.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Composed {
    /// The names of the tasks `a`, `b`, `c`, `d`.
    pub tasks: Vec<String>,
    /// The vector of each task `[4, n]`.
    #[serde(with = "crate::number")]
    pub vectors: Array2<f64>,
    /// The tasks in the plane of their first two principal components `[4, 2]`, around their mean, turned so that the first lies on the
    /// positive x axis, and mirrored so that the second has a positive y: so different networks can be laid over each other.
    #[serde(with = "crate::number")]
    pub plane: Array2<f64>,
    /// The share of the variance among the tasks that lies in that plane, from 0 to 1.
    #[serde(with = "crate::number")]
    pub explained: f64,
    /// The cosine of the angle between `b - a` and `d - c`: 1 if they are parallel, 0 if they have nothing in common.
    #[serde(with = "crate::number")]
    pub cosine: f64,
    /// How far the tasks are from a parallelogram, `‖(b - a) - (d - c)‖² / (‖b - a‖² + ‖d - c‖²)`: 0 for tasks that are composed, 1 for differences that
    /// have nothing in common, 2 for opposite ones.
    #[serde(with = "crate::number")]
    pub error: f64,
}

fn composed(vectors: Vec<(String, Array1<f64>)>) -> Result<Composed> {
    let n = vectors.first().map_or(0, |(_, vector)| vector.len());
    if n == 0 {
        return Err(Error::argument("vectors", "of at least one number", "empty"));
    }
    let mut all = Array2::zeros((vectors.len(), n));
    for (mut row, (name, vector)) in all.outer_iter_mut().zip(&vectors) {
        if vector.len() != n {
            return Err(Error::shape(format!("the vector of {name}"), format!("[{n}], as the first"), vector.shape()));
        }
        if let Some((at, &value)) = vector.indexed_iter().find(|(_, value)| !value.is_finite()) {
            let (name, at) = (format!("the vector of {name}"), format!("place {at}"));
            return Err(Error::NotFinite { name, value, at });
        }
        row.assign(vector);
    }
    let between = |from: usize, to: usize| &all.row(to) - &all.row(from);
    let (first, second) = (between(0, 1), between(2, 3));
    let squared = |vector: ArrayView1<'_, f64>| vector.dot(&vector);
    let (a, b) = (squared(first.view()), squared(second.view()));
    if a == 0.0 || b == 0.0 {
        let same = if a == 0.0 { &vectors[..2] } else { &vectors[2..] };
        let got = format!("the same in {} and {}", same[0].0, same[1].0);
        return Err(Error::argument("vectors", "another for each task", got));
    }
    let centered = &all - &all.mean_axis(Axis(0)).unwrap_or_default();
    // The principal components of four vectors are those of their four by four products.
    let (variances, axes) = centered
        .dot(&centered.t())
        .eigh()
        .map_err(|error| Error::argument("vectors", "of which principal components can be found", error))?;
    let mut order: Vec<usize> = (0..variances.len()).collect();
    order.sort_by(|&i, &j| variances[j].total_cmp(&variances[i]));
    let along =
        |task: usize, component: usize| axes[[task, order[component]]] * variances[order[component]].max(0.0).sqrt();
    let mut plane = Array2::from_shape_fn((vectors.len(), 2), |(task, component)| along(task, component));
    let turn = plane[[0, 1]].atan2(plane[[0, 0]]);
    for mut point in plane.outer_iter_mut() {
        let (x, y) = (point[0], point[1]);
        point[0] = x * turn.cos() + y * turn.sin();
        point[1] = y * turn.cos() - x * turn.sin();
    }
    if plane[[1, 1]] < 0.0 {
        plane.column_mut(1).mapv_inplace(|y| -y);
    }
    let explained = (variances[order[0]] + variances[order[1]]) / variances.sum();
    let (cosine, error) = (first.dot(&second) / (a * b).sqrt(), squared((&first - &second).view()) / (a + b));
    let tasks = vectors.into_iter().map(|(name, _)| name).collect();
    Ok(Composed { tasks, vectors: all, plane, explained, cosine, error })
}
