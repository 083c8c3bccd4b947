//! The twenty tasks of Yang et al. (2019).

use std::f64::consts::PI;

use ndarray::{Array1, Array2, Array3, Axis};
use psychrnn::prelude::*;
use psychrnn::task::Ring;
use serde_json::Value as Json;

use super::Check;
use crate::case::{Case, Outcome};

/// What compares the case of this name, if it is one of these.
pub(super) fn check(name: &str) -> Option<Check> {
    Some(match name {
        "yang_readout" => readout,
        _ => return None,
    })
}

/// Angles of a ring, and whether they are right.
fn readout(case: &mut Case, _: &Json) -> Outcome {
    let outputs: Array2<f64> = case.take("outputs")?;
    let (asked, angles): (Array1<f64>, Array1<f64>) = (case.take("target_loc")?, case.take("popvec")?);
    let correct: Array1<f64> = case.take("correct")?;
    let (n, n_out) = outputs.dim();
    // What is asked for as one output that is 1: the angle lies within a rounding of that.
    let mut targets = Array3::zeros((n, 1, n_out));
    for (asked, mut target) in asked.iter().zip(targets.outer_iter_mut()) {
        match *asked < 0.0 {
            true => target[[0, 0]] = 1.0,
            false => (1..n_out).for_each(|k| {
                target[[0, k]] = 1.0 + (asked - 2.0 * PI * (k - 1) as f64 / (n_out - 1) as f64).cos() as f32;
            }),
        }
    }
    let outputs = outputs.mapv(|x| x as f32).insert_axis(Axis(1));
    let ring = |ring: Ring| Decision::ring(ring);
    let read = |ring: Decision| -> Outcome<Session> {
        let spec = TaskSpec::new(0, n_out).duration(10.0).decision(ring);
        let batch = Batch::from_arrays(&spec, Array3::zeros((n, 1, 0)), targets.clone(), Array3::ones((n, 1, n_out)))?;
        Ok(Session::new(batch, outputs.clone(), outputs.clone(), outputs.clone())?)
    };
    let scored = read(ring(Ring::new(1..n_out).fixation(0)))?;
    for (trial, (ours, theirs)) in scored.correct.iter().zip(&correct).enumerate() {
        case.equal(&format!("trial {trial}"), *ours, Some(*theirs == 1.0));
    }
    // Whoever fixates has no angle, so that it is read without.
    let ours = read(ring(Ring::new(1..n_out)))?.responses();
    let ours: Vec<f64> = ours.into_iter().map(|angle| angle.unwrap_or(f64::NAN)).collect();
    let apart = |(a, b): (&f64, &f64)| {
        let apart = (a - b).rem_euclid(2.0 * PI);
        apart.min(2.0 * PI - apart)
    };
    let apart = ours.iter().zip(&angles).map(apart).fold(0.0, |a: f64, b| if b > a || b.is_nan() { b } else { a });
    case.far("angles", apart, 1e-5);
    case.note(format!("{n} outputs"));
    Ok(())
}
