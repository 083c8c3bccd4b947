//! All zeros of the residual of a few smooth units, proved.
//!
//! No state that stands still lies outside of a box, that of what rates can drive units to. A box has no zero if the interval of some
//! unit's residual over it has not, and one only if Krawczyk's operator maps it into itself (Krawczyk R (1969)); what is neither is cut in
//! halves. Rates grow with states, so that intervals of rates are those of their ends.

use ndarray::{Array1, Array2, ArrayView1};

use super::newton::newton;
use super::still::{Leaky, Still, largest};
use crate::dynamics::Transfer;
use crate::dynamics::linear::Lu;

/// With more units there are too many boxes.
const MOST_UNITS: usize = 3;
/// More boxes are not looked at.
const MOST: usize = 20_000;
/// The width, relative to `1 + |x|`, at which a box is given up.
const NARROW: f64 = 1e-7;
/// How much wider a box is made in which a zero may lie on the edge.
const WIDER: f64 = 0.1;
/// What rounding may do to the end of an interval, relative to its size.
const ROUNDING: f64 = 1e-12;

type Interval = (f64, f64);

/// All zeros, and that there are no others. `None` if that cannot be proved.
pub(super) fn all_zeros(still: &Still, go_on: &(dyn Fn() -> bool + Sync)) -> Option<Vec<Array1<f64>>> {
    let system = System { still, leaky: still.leaky()? };
    if still.n() > MOST_UNITS {
        return None;
    }
    let (mut boxes, mut zeros, mut looked_at) = (vec![system.outermost()?], Vec::new(), 0);
    while let Some(here) = boxes.pop() {
        looked_at += 1;
        if looked_at > MOST || !go_on() {
            return None;
        }
        match system.look_at(here) {
            Look::Empty => {}
            Look::One(near) => zeros.push(newton(still, &near)?),
            Look::In(within) => {
                let wide = |&(low, high): &Interval| (high - low) / (1.0 + low.abs().max(high.abs()));
                let widest = (0..within.len()).max_by(|&a, &b| wide(&within[a]).total_cmp(&wide(&within[b])))?;
                if wide(&within[widest]) < NARROW {
                    return None;
                }
                let (low, high) = within[widest];
                for half in [(low, (low + high) / 2.0), ((low + high) / 2.0, high)] {
                    let mut part = within.clone();
                    part[widest] = half;
                    boxes.push(part);
                }
            }
        }
    }
    Some(zeros)
}

/// What is known of a box.
enum Look {
    Empty,
    /// One zero, near this.
    One(Array1<f64>),
    /// All of its zeros are in here.
    In(Vec<Interval>),
}

struct System<'a> {
    still: &'a Still,
    leaky: Leaky<'a>,
}

impl System<'_> {
    /// A box outside of which nothing stands still, if it is known.
    fn outermost(&self) -> Option<Vec<Interval>> {
        let rates = match self.leaky.transfer {
            Transfer::Tanh => (-1.0, 1.0),
            Transfer::Sigmoid | Transfer::RectifiedTanh => (0.0, 1.0),
            Transfer::Softplus => return self.outermost_of_softplus(),
            _ => return None,
        };
        let rates = vec![rates; self.leaky.drive.len()];
        Some((0..self.leaky.drive.len()).map(|unit| self.driven(unit, &rates)).collect())
    }

    /// A softplus is `max(x, 0)` and up to `ln 2` more. So what stands still is that of one of the regions of rectified units, with up to
    /// `ln 2` times their weights more of drive.
    fn outermost_of_softplus(&self) -> Option<Vec<Interval>> {
        let n = self.leaky.drive.len();
        let more = vec![(0.0, std::f64::consts::LN_2); n];
        let drives: Vec<Interval> = (0..n).map(|unit| self.driven(unit, &more)).collect();
        let mut outermost = vec![(f64::INFINITY, f64::NEG_INFINITY); n];
        for bits in 0..1_usize << n {
            let on = Array1::from_shape_fn(n, |unit| f64::from(u8::from(bits >> unit & 1 == 1)));
            let inverse = Lu::of(Array2::<f64>::eye(n) - self.leaky.recurrent * &on)?.inverse();
            for (unit, (low, high)) in outermost.iter_mut().enumerate() {
                let of_region = sum(inverse.row(unit), &drives);
                (*low, *high) = (low.min(of_region.0), high.max(of_region.1));
            }
        }
        Some(outermost)
    }

    /// `Σ W r + h` of a unit, where rates are in these intervals.
    fn driven(&self, unit: usize, rates: &[Interval]) -> Interval {
        let (low, high) = sum(self.leaky.recurrent.row(unit), rates);
        rounded((low + self.leaky.drive[unit], high + self.leaky.drive[unit]))
    }

    fn look_at(&self, here: Vec<Interval>) -> Look {
        let n = here.len();
        let rates: Vec<Interval> = here
            .iter()
            .map(|&(low, high)| (self.leaky.transfer.exact(low)[0], self.leaky.transfer.exact(high)[0]))
            .collect();
        let mut within = here;
        for (unit, within) in within.iter_mut().enumerate() {
            // What stands still is what it is driven to.
            match met(*within, self.driven(unit, &rates)) {
                Some(both) => *within = both,
                None => return Look::Empty,
            }
        }
        let wide: Vec<Interval> = within.iter().map(|&(low, high)| wider(low, high)).collect();
        let middle: Array1<f64> = wide.iter().map(|(low, high)| (low + high) / 2.0).collect();
        let Some(lu) = Lu::of(self.still.jacobian(middle.view())) else { return Look::In(within) };
        let inverse = lu.inverse();
        let center = &middle - &inverse.dot(&self.still.residual(middle.view()));
        let slopes: Vec<Interval> = wide.iter().map(|&around| self.slopes(around)).collect();
        let mut image = Vec::with_capacity(n);
        for i in 0..n {
            let mut interval = (center[i], center[i]);
            for j in 0..n {
                // 1 - J⁻¹ (W D - 1), of which the first part is near to 0 and the second the unit's own.
                let through = inverse.row(i).dot(&self.leaky.recurrent.column(j));
                let own = f64::from(u8::from(i == j)) + inverse[[i, j]];
                let factor = add((own, own), times(-through, slopes[j]));
                let half = (wide[j].1 - wide[j].0) / 2.0;
                let reach = factor.0.abs().max(factor.1.abs()) * half;
                interval = add(interval, (-reach, reach));
            }
            image.push(rounded(interval));
        }
        if image.iter().zip(&wide).all(|(image, wide)| wide.0 < image.0 && image.1 < wide.1) {
            return Look::One(image.iter().map(|(low, high)| (low + high) / 2.0).collect());
        }
        for (within, image) in within.iter_mut().zip(image) {
            match met(*within, image) {
                Some(both) => *within = both,
                None => return Look::Empty,
            }
        }
        Look::In(within)
    }

    /// The slopes of the transfer function over an interval.
    fn slopes(&self, (low, high): Interval) -> Interval {
        let slope = |x: f64| self.leaky.transfer.exact(x)[1];
        let (nearest, furthest) = (0.0_f64.clamp(low, high), if low.abs() > high.abs() { low } else { high });
        match self.leaky.transfer {
            Transfer::Softplus => (slope(low), slope(high)),
            Transfer::RectifiedTanh if high <= 0.0 => (0.0, 0.0),
            Transfer::RectifiedTanh if low <= 0.0 => (0.0, 1.0),
            _ => (slope(furthest), slope(nearest)),
        }
    }
}

/// `Σ wᵢ xᵢ` of intervals.
fn sum(weights: ArrayView1<'_, f64>, of: &[Interval]) -> Interval {
    weights.iter().zip(of).fold((0.0, 0.0), |sum, (&weight, &of)| add(sum, times(weight, of)))
}

fn add(a: Interval, b: Interval) -> Interval {
    (a.0 + b.0, a.1 + b.1)
}

fn times(factor: f64, of: Interval) -> Interval {
    let (a, b) = (factor * of.0, factor * of.1);
    (a.min(b), a.max(b))
}

/// What two intervals have in common.
fn met(a: Interval, b: Interval) -> Option<Interval> {
    let both = (a.0.max(b.0), a.1.min(b.1));
    (both.0 <= both.1).then_some(both)
}

fn rounded((low, high): Interval) -> Interval {
    let by = ROUNDING * (1.0 + low.abs().max(high.abs()));
    (low - by, high + by)
}

fn wider(low: f64, high: f64) -> Interval {
    let by = WIDER * (high - low) + ROUNDING * (1.0 + largest(&ndarray::arr1(&[low, high])));
    (low - by, high + by)
}
