//! An answer that is an angle.

use std::f64::consts::{PI, TAU};

use serde::{Deserialize, Serialize};

use crate::setters::setters;
use crate::task::Batch;
use crate::{Error, Result};

/// Outputs that lie on a ring: output `k` of `n` stands for the direction `2π k / n`, and together they say an angle, by their
/// population vector `atan2(Σ yₖ sin(2π k / n), Σ yₖ cos(2π k / n))`, turned around where `Σ yₖ` is negative.
///
/// ```
/// use psychrnn::task::{Decision, Ring};
/// // Saccades: output 0 asks for fixation, the others are 32 directions.
/// Decision::ring(Ring::new(1..33).fixation(0).tolerance(0.2 * std::f32::consts::PI));
/// ```
///
/// Defaults: no output for fixation, a threshold of 0.5 for one, a tolerance of 0.2 π.
///
/// Yang GR, Joglekar MR, Song HF, Newsome WT, Wang X-J (2019), doi:10.1038/s41593-018-0310-2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ring {
    /// The outputs, in the order of their directions.
    pub outputs: Vec<usize>,
    /// The output that asks for fixation: a subject in which it is above the threshold does not respond.
    #[serde(default)]
    pub fixation: Option<usize>,
    /// Above what the output for fixation says so.
    pub threshold: f32,
    /// How far from the angle that is asked for a response may be and is correct, in radians.
    pub tolerance: f32,
    /// The values of a trial of which the nearest is the choice, if it is within 0.3 π; none for the direction of the nearest output.
    #[serde(default)]
    pub nearest: Vec<String>,
}

impl From<std::ops::Range<usize>> for Ring {
    fn from(outputs: std::ops::Range<usize>) -> Self {
        Self::new(outputs)
    }
}

/// How far from each of the angles in [`Ring::nearest`] a response is for none of them, in radians.
const FAR: f64 = 0.3 * PI;
/// A population vector shorter than this, against the sum of the outputs, says nothing.
const FLAT: f64 = 1e-6;

impl Ring {
    /// A ring of these outputs.
    #[must_use]
    pub fn new(outputs: impl IntoIterator<Item = usize>) -> Self {
        let tolerance = (0.2 * PI) as f32;
        Self { outputs: outputs.into_iter().collect(), fixation: None, threshold: 0.5, tolerance, nearest: Vec::new() }
    }

    setters! {
        /// The output that asks for fixation.
        fixation: usize => Some(fixation);
        /// Above what the output for fixation says so.
        threshold: f32;
        /// How far from the angle that is asked for a response may be and is correct, in radians.
        tolerance: f32;
    }

    /// Choices are which of these values of a trial, angles in radians, is nearest to the response: `["angle1", "angle2"]`.
    #[must_use]
    pub fn nearest<'a>(mut self, columns: impl IntoIterator<Item = &'a str>) -> Self {
        self.nearest = columns.into_iter().map(str::to_owned).collect();
        self
    }

    /// The same, of outputs that are further on by so many.
    pub(super) fn moved(&self, by: usize) -> Self {
        let outputs = self.outputs.iter().map(|output| output + by).collect();
        Self { outputs, fixation: self.fixation.map(|output| output + by), ..self.clone() }
    }

    pub(super) fn check(&self, n_out: usize) -> Result<()> {
        let wrong = |expected: &str, got: String| Err(Error::argument("ring of the decision", expected, got));
        if self.outputs.len() < 3 {
            return wrong("at least three outputs", format!("{:?}", self.outputs));
        }
        if let Some(output) = self.outputs.iter().chain(&self.fixation).find(|&&output| output >= n_out) {
            return wrong(
                &format!("among the outputs, of which there are {n_out}, counted from 0"),
                output.to_string(),
            );
        }
        let is_twice = |at: usize| self.outputs[..at].contains(&self.outputs[at]);
        if (1..self.outputs.len()).any(is_twice) {
            return wrong("each output once", format!("{:?}", self.outputs));
        }
        if let Some(fixation) = self.fixation.filter(|fixation| self.outputs.contains(fixation)) {
            return wrong("without the output for fixation", format!("with output {fixation}"));
        }
        if !self.threshold.is_finite() {
            return wrong("a threshold that is finite", self.threshold.to_string());
        }
        match self.tolerance > 0.0 && self.tolerance <= PI as f32 {
            true => Ok(()),
            false => wrong("a tolerance above 0 and at most π, in radians", self.tolerance.to_string()),
        }
    }

    /// An error if the trials lack a value that is to be the nearest.
    pub(super) fn check_columns(&self, batch: &Batch) -> Result<()> {
        self.nearest.iter().try_for_each(|name| batch.values.numbers(name).map(drop))
    }

    /// Whether these outputs say that the subject fixates.
    pub(super) fn fixates(&self, outputs: impl Fn(usize) -> f32) -> bool {
        self.fixation.is_some_and(|output| outputs(output) > self.threshold)
    }

    /// The angle that these outputs say, from 0 to 2π.
    pub(super) fn angle(&self, outputs: impl Fn(usize) -> f32) -> Option<f64> {
        let (mut x, mut y, mut sum) = (0.0, 0.0, 0.0);
        for (k, &output) in self.outputs.iter().enumerate() {
            let (strength, preferred) = (f64::from(outputs(output)), TAU * k as f64 / self.outputs.len() as f64);
            x += strength * preferred.cos();
            y += strength * preferred.sin();
            sum += strength;
        }
        let says = x.hypot(y) > FLAT * sum.abs();
        // Where all are negative, the least so is meant.
        says.then(|| (y * sum.signum()).atan2(x * sum.signum()).rem_euclid(TAU))
    }

    /// Which alternative an angle is.
    pub(super) fn choice(&self, batch: &Batch, trial: usize, angle: f64) -> Option<usize> {
        if self.nearest.is_empty() {
            let n = self.outputs.len();
            return Some((angle / TAU * n as f64).round() as usize % n);
        }
        let far = |(k, name): (usize, &String)| {
            let there = batch.values.column(name).ok()?.get(trial)?.number()?;
            Some((k, distance(there, angle))).filter(|(_, far)| *far < FAR)
        };
        let near = self.nearest.iter().enumerate().filter_map(far).min_by(|a, b| a.1.total_cmp(&b.1));
        near.map(|(k, _)| k)
    }

    pub(super) fn n_choices(&self) -> usize {
        if self.nearest.is_empty() { self.outputs.len() } else { self.nearest.len() }
    }

    /// Whether a response is near enough.
    pub(super) fn is_near(&self, angle: f64, asked: f64) -> bool {
        distance(angle, asked) < f64::from(self.tolerance)
    }

    /// The angle farthest on that is still near enough.
    pub(super) fn just_near(&self, asked: f64) -> f64 {
        (asked + f64::from(self.tolerance) * (1.0 - 1e-6)).rem_euclid(TAU)
    }
}

/// How far two angles are apart, from 0 to π.
pub(crate) fn distance(a: impl Into<f64>, b: impl Into<f64>) -> f64 {
    let apart = (a.into() - b.into()).rem_euclid(TAU);
    apart.min(TAU - apart)
}
