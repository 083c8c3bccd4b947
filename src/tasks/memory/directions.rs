//! Directions evenly spaced on the circle, and which are the same.

use crate::task::TrialRng;
use crate::tasks::code;
use crate::{Error, Result};

/// As many directions as there are degrees, and no more: closer ones nobody tells apart.
pub(super) const MOST: usize = 360;
/// How near two directions are that count as the same, in radians.
const SAME: f32 = 1e-3;

/// An error if there are not this many directions, of which others than one are needed.
pub(super) fn check(n: usize, least: usize) -> Result<()> {
    match (least..=MOST).contains(&n) {
        true => Ok(()),
        false => Err(Error::argument("directions", format!("from {least} to {MOST}"), n)),
    }
}

/// An error if a ring of inputs has too few channels to tell one direction from another. That of outputs the decision checks.
pub(super) fn check_ring(n: usize) -> Result<()> {
    match n >= 2 {
        true => Ok(()),
        false => Err(Error::argument("ring", "at least 2 channels", n)),
    }
}

/// An error if angles that were given for a trial are not finite.
pub(super) fn check_angles(angles: &[(&str, f32)]) -> Result<()> {
    match angles.iter().find(|(_, angle)| !angle.is_finite()) {
        Some((name, angle)) => Err(Error::argument(*name, "an angle in radians", angle)),
        None => Ok(()),
    }
}

/// The directions that are there.
pub(super) fn all(n: usize) -> impl Iterator<Item = f32> {
    (0..n).map(move |k| code::preferred(k, n))
}

/// One of them.
pub(super) fn draw(n: usize, rng: &mut TrialRng) -> f32 {
    code::preferred(rng.index(n), n)
}

/// One of them that is none of these, or 0 if there is none.
pub(super) fn draw_other(n: usize, than: &[f32], rng: &mut TrialRng) -> f32 {
    let others: Vec<f32> = all(n).filter(|&angle| !than.iter().any(|&other| are_same(angle, other))).collect();
    others.get(rng.index(others.len())).copied().unwrap_or_default()
}

/// An angle from 0 to 2π: where it is that of one of `n` directions but for rounding, the same number, so that both are one condition.
pub(super) fn turned(angle: f32, n: Option<usize>) -> f32 {
    let one_of = |n: usize| code::preferred(code::nearest(angle, n), n);
    n.map(one_of).filter(|&one| are_same(one, angle)).unwrap_or_else(|| code::wrapped(angle))
}

/// Whether two directions are the same.
pub(super) fn are_same(a: f32, b: f32) -> bool {
    code::distance(a, b) < f64::from(SAME)
}
