//! Milliseconds to steps: the one rule.
//!
//! Step `k` is at the time `k dt`, and it lies between two times if it is not before the first and before the second. Times and
//! `dt` are mostly `f32`, in which neither 33.3 nor 0.1 is exact: so both are read as they are written, and a time that differs
//! from a step's by no more than the rounding of a few sums counts as that step's.

use std::ops::Range;

use crate::number::{decimal, fraction, in_thousandths};
use crate::{Error, Result};

/// By how much a time may differ from a whole number of steps, relative to it: four roundings of an `f32`.
const ROUNDING: f64 = 4.0 * f32::EPSILON as f64;
/// The least of that, in steps: what sums leave of times that are small themselves.
const LEAST: f64 = 1e-5;
/// The most of it, in steps: further apart are two times, however long a trial is.
const MOST: f64 = 0.25;
/// No step is shorter than this, in milliseconds: who writes less means seconds.
pub(super) const SHORTEST: f32 = 0.1;

/// An error if a window is so short that it hardly can be meant: it lies between steps, or seconds are meant.
pub(crate) fn check_window(name: &str, start: f64, end: f64, dt: f32) -> Result<()> {
    /// Who writes no more than this may mean seconds.
    const SECONDS: f64 = 100.0;
    if end <= start || Clock::new(dt).last_step(end - start) >= 1 || (end - start).is_nan() {
        return Ok(());
    }
    let mut expected = format!("at least a step of {dt} ms long");
    if start.abs().max(end.abs()) <= SECONDS {
        let [start, end] = [start, end].map(|time| in_thousandths(time as f32));
        expected += &format!("; times are in milliseconds: if seconds are meant, write {start} and {end}");
    }
    Err(Error::argument(name, expected, format!("{start} to {end} ms")))
}

/// By how much a time may differ from this number of steps.
fn rounding(steps: f64) -> f64 {
    (ROUNDING * steps.abs()).clamp(LEAST, MOST)
}

/// Steps of one length, and the times at which they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// The length of a step in milliseconds is the first of these over the second.
    dt: (f64, f64),
}

impl Clock {
    pub(crate) fn new(dt: f32) -> Self {
        Self { dt: fraction(dt) }
    }

    /// The time of a step, in milliseconds.
    pub(crate) fn time(self, step: i64) -> f64 {
        step as f64 * self.dt.0 / self.dt.1
    }

    /// A time in steps, which need not be whole.
    pub(crate) fn exact(self, time: f64) -> f64 {
        time * self.dt.1 / self.dt.0
    }

    /// The first step that is not before this time.
    pub(crate) fn step(self, time: f64) -> i64 {
        let steps = self.exact(time);
        (steps - rounding(steps)).ceil() as i64
    }

    /// The last step that is not after this time.
    pub(crate) fn last_step(self, time: f64) -> i64 {
        self.step(-time).saturating_neg()
    }

    /// A time, cut to the steps that it holds whole.
    pub(crate) fn whole(self, time: f64) -> f32 {
        self.time(self.last_step(time)) as f32
    }

    /// Whether a time is at another one or after it, up to rounding.
    pub(crate) fn is_reached(self, time: f32, other: f32) -> bool {
        let other = self.exact(decimal(other));
        self.exact(decimal(time)) >= other - rounding(other)
    }

    /// Whether a step is before a time; asked at each step of a trial, so that the time is read only where it is close.
    pub(crate) fn is_before(self, step: usize, time: f32) -> bool {
        let ahead = self.exact(f64::from(time)) - step as f64;
        ahead > 1.0 || (ahead >= -1.0 && (step as i64) < self.step(decimal(time)))
    }

    /// Whether a step is after a time.
    pub(crate) fn is_after(self, step: usize, time: f32) -> bool {
        let ahead = self.exact(f64::from(time)) - step as f64;
        ahead < -1.0 || (ahead <= 1.0 && step as i64 > self.last_step(decimal(time)))
    }

    /// The steps between two times.
    pub(crate) fn steps(self, start: f64, end: f64) -> Range<i64> {
        let first = self.step(start);
        first..self.step(end).max(first)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_between_two_steps_belong_to_neither() {
        let clock = Clock::new(10.0);
        for (time, step, last) in [(0.0, 0, 0), (-5.0, 0, -1), (201.0, 21, 20), (209.999, 21, 20), (210.001, 22, 21)] {
            assert_eq!((clock.step(time), clock.last_step(time)), (step, last), "{time}");
        }
        assert_eq!(clock.steps(205.0, 308.0), 21..31);
        assert_eq!(clock.steps(208.0, 201.0), 21..21);
        assert_eq!((clock.step(f64::INFINITY), clock.last_step(f64::NEG_INFINITY)), (i64::MAX, -i64::MAX));
    }

    proptest! {
        /// With up to three decimals, as displays and cameras have them, and for as long as an `f32` tells steps apart.
        #[test]
        fn whole_multiples_are_whole(thousandths in 100_u32..50_000, steps in 0_i64..1_000_000) {
            let dt = thousandths as f32 / 1000.0;
            let clock = Clock::new(dt);
            // Rounded once. A product of rounded numbers may lie on the other side of the middle between two `f32`, but is the same step.
            let time = (f64::from(thousandths) * steps as f64 / 1000.0) as f32;
            let product = (f64::from(thousandths) / 1000.0 * steps as f64) as f32;
            let single = dt * steps as f32;
            for time in [time, product, single].map(decimal).into_iter().chain([
                f64::from(time), f64::from(product), f64::from(single), f64::from(dt) * steps as f64, clock.time(steps),
            ]) {
                prop_assert_eq!((clock.step(time), clock.last_step(time)), (steps, steps));
            }
            prop_assert_eq!(clock.time(steps) as f32, time);
            prop_assert!([time, product, single].iter().all(|&other| clock.is_reached(time, other) && clock.is_reached(other, time)));
        }

        #[test]
        fn others_are_rounded_up(dt in 0.1_f32..50.0, steps in 0_i64..10_000, part in 0.01..0.99) {
            let clock = Clock::new(dt);
            prop_assert_eq!(clock.step((steps as f64 + part) * decimal(dt)), steps + 1);
            prop_assert_eq!(clock.last_step((steps as f64 + part) * decimal(dt)), steps);
        }

        #[test]
        fn a_step_is_before_at_or_after_a_time(dt in 0.1_f32..50.0, time in 0.0_f32..2000.0, step in 0_usize..200, on: bool) {
            let clock = Clock::new(dt);
            let time = if on { clock.time(step as i64) as f32 } else { time };
            prop_assert_eq!(clock.is_before(step, time), (step as i64) < clock.step(decimal(time)));
            prop_assert_eq!(clock.is_after(step, time), step as i64 > clock.last_step(decimal(time)));
            prop_assert!(!on || !clock.is_before(step, time) && !clock.is_after(step, time));
        }
    }
}
