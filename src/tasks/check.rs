//! What several tasks ask of their arguments.

use crate::{Error, Result};

/// An error if coherences are not shares of the evidence.
pub(super) fn coherences(coherences: &[f32]) -> Result<()> {
    numbers("coherences", coherences)?;
    match coherences.iter().find(|coherence| !(0.0..=1.0).contains(*coherence)) {
        Some(coherence) => {
            let expected =
                "shares from 0 to 1 (0.1 for 10 %); which way the evidence points is the direction, not a sign";
            Err(Error::argument("coherences", expected, coherence))
        }
        None => Ok(()),
    }
}

/// An error if a list is empty or holds what is no number.
pub(super) fn numbers(name: &str, numbers: &[f32]) -> Result<()> {
    if numbers.is_empty() {
        return Err(Error::argument(name, "at least one number", "empty"));
    }
    match numbers.iter().find(|number| !number.is_finite()) {
        Some(number) => Err(Error::argument(name, "finite numbers", number)),
        None => Ok(()),
    }
}

/// An error if there are no pairs of a lower and a higher frequency, or if one is not positive.
pub(super) fn pairs(pairs: &[(f32, f32)]) -> Result<()> {
    numbers("pairs", &pairs.iter().flat_map(|&(low, high)| [low, high]).collect::<Vec<_>>())?;
    match pairs.iter().find(|(low, high)| !(0.0 < *low && low < high)) {
        Some((low, high)) => {
            Err(Error::argument("pairs", "of a lower and a higher frequency above 0", format!("{low} and {high}")))
        }
        None => Ok(()),
    }
}

/// An error if noise is less than none.
pub(super) fn noise(noise: f32) -> Result<()> {
    if noise >= 0.0 && noise.is_finite() {
        Ok(())
    } else {
        Err(Error::argument("noise", "0 or a positive number", noise))
    }
}

/// An error if a value of a trial is no number.
pub(super) fn finite(name: &str, value: f32) -> Result<()> {
    match value.is_finite() {
        true => Ok(()),
        false => Err(Error::argument(name, "finite", value)),
    }
}

/// An error if a time for which something may be left out is less than none.
pub(super) fn time(name: &str, time: f32) -> Result<()> {
    match time >= 0.0 && time.is_finite() {
        true => Ok(()),
        false => Err(Error::argument(name, "0 or a positive number of milliseconds", time)),
    }
}

/// An error if there are too few units to show directions.
pub(super) fn ring(name: &str, n: usize) -> Result<()> {
    match n {
        0..3 => Err(Error::argument(name, "at least 3 units on a ring", n)),
        _ => Ok(()),
    }
}

/// An error if there are too few directions to choose from.
pub(super) fn directions(name: &str, n: usize) -> Result<()> {
    match n {
        0 | 1 => Err(Error::argument(name, "at least 2 directions, or there is nothing to tell apart", n)),
        _ => Ok(()),
    }
}

/// An error if a direction that is given is not among those of the task.
pub(super) fn direction(direction: usize, n: usize) -> Result<()> {
    match direction < n {
        true => Ok(()),
        false => Err(Error::argument("direction", format!("below {n}, counted from 0"), direction)),
    }
}

/// An error if a probability is none.
pub(super) fn probability(name: &str, probability: f32) -> Result<()> {
    match (0.0..=1.0).contains(&probability) {
        true => Ok(()),
        false => Err(Error::argument(name, "from 0 to 1", probability)),
    }
}
