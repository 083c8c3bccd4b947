//! Fixed points of piecewise linear networks, region by region.
//!
//! While no state changes its sign the network is linear. With `D` the slopes of a region, 0 or 1, the only fixed point it can have is
//! `x = (1 - W D)⁻¹ h`, and has it if the states there have the signs of the region.

use std::collections::HashSet;

use ndarray::{Array1, Array2, Axis};

use super::still::{Leaky, Still, largest, length};
use crate::dynamics::Transfer;
use crate::dynamics::linear::Lu;
use crate::{Result, threads};

/// The rounds after which no more regions are gone to.
const ROUNDS: usize = 60;
/// Within this of zero a state is on the boundary of a region, relative to `1 + max |x|`.
pub(super) const BOUNDARY: f64 = 1e-9;

/// The residual `W f(x) + h - x`, with `f(x)` either `max(x, 0)` or, of units that are not rectified, `x`.
pub(super) struct Pieces {
    pub(super) recurrent: Array2<f64>,
    pub(super) drive: Array1<f64>,
    pub(super) rectified: bool,
}

/// Which units have the slope 1.
pub(super) type Region = Vec<bool>;

impl Pieces {
    /// The residual as one of these, if it is one.
    pub(super) fn of(still: &Still) -> Option<Self> {
        let Leaky { transfer, recurrent, drive, .. } = still.leaky()?;
        let rectified = match transfer {
            Transfer::Relu => true,
            Transfer::RectifiedPower { power } if *power == 1.0 => true,
            Transfer::Linear => false,
            _ => return None,
        };
        Some(Self { recurrent: recurrent.clone(), drive: drive.clone(), rectified })
    }

    /// The region in which a state lies.
    pub(super) fn region(&self, x: &Array1<f64>) -> Region {
        x.iter().map(|&x| !self.rectified || x > 0.0).collect()
    }

    /// `1 - W` from unit to unit of those that are on.
    pub(super) fn within(&self, on: &[usize]) -> Array2<f64> {
        Array2::<f64>::eye(on.len()) - self.recurrent.select(Axis(0), on).select(Axis(1), on)
    }

    /// What stands still in a region, whether or not it lies there; nothing where the region has no such state, or many.
    pub(super) fn solve(&self, region: &Region) -> Option<Array1<f64>> {
        let on = units(region);
        let rates = match on.is_empty() {
            true => Array1::zeros(0),
            false => Lu::of(self.within(&on))?.solve(self.drive.select(Axis(0), &on).view()),
        };
        let mut x = self.driven(&on, &rates);
        // Those that are on have the rates that were solved for, so that the residual of the others has the rounding.
        on.iter().zip(&rates).for_each(|(&unit, &rate)| x[unit] = rate);
        largest(&x).is_finite().then_some(x)
    }

    /// `W r + h`, where only these units have rates.
    pub(super) fn driven(&self, on: &[usize], rates: &Array1<f64>) -> Array1<f64> {
        self.recurrent.select(Axis(1), on).dot(rates) + &self.drive
    }

    /// The fixed points to which it leads to go from the region of each state to that of what stands still there, and on from there
    /// until a region has what stands still in it: Newton's method without damping. Also the regions in which it came to no end, since
    /// they have no such state or many.
    pub(super) fn iterate(
        &self,
        starts: &[Array1<f64>],
        go_on: &(dyn Fn() -> bool + Sync),
    ) -> Result<(Vec<Array1<f64>>, Vec<Region>)> {
        let (mut fixed, mut singular, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        let mut next: Vec<Region> = starts.iter().map(|x| self.region(x)).collect();
        for _ in 0..ROUNDS {
            // No region is gone to twice, whoever comes to it.
            next.retain(|region| seen.insert(region.clone()));
            if next.is_empty() || !go_on() {
                break;
            }
            let regions = std::mem::take(&mut next);
            for (region, x) in threads::map(regions, |region| Ok((self.solve(&region), region)))?
                .into_iter()
                .map(|(x, region)| (region, x))
            {
                match x {
                    None => singular.push(region),
                    Some(x) if self.is_in(&x, &region) => fixed.push(x),
                    Some(x) => next.push(self.region(&x)),
                }
            }
        }
        Ok((fixed, singular))
    }

    /// Whether a state lies in a region or on its boundary.
    pub(super) fn is_in(&self, x: &Array1<f64>, region: &Region) -> bool {
        let near = BOUNDARY * (1.0 + largest(x));
        !self.rectified || x.iter().zip(region).all(|(&x, &on)| if on { x > -near } else { x < near })
    }

    /// The units whose state is on the boundary.
    pub(super) fn on_boundary(&self, x: &Array1<f64>) -> Vec<usize> {
        let near = BOUNDARY * (1.0 + largest(x));
        match self.rectified {
            true => (0..x.len()).filter(|&unit| x[unit].abs() <= near).collect(),
            false => Vec::new(),
        }
    }

    /// The regions that meet in a state.
    pub(super) fn meeting(&self, x: &Array1<f64>, at: &[usize]) -> impl Iterator<Item = Region> {
        let region = self.region(x);
        (0..1_usize << at.len()).map(move |bits| {
            let mut region = region.clone();
            at.iter().enumerate().for_each(|(place, &unit)| region[unit] = bits >> place & 1 == 1);
            region
        })
    }

    /// The sum of the indices of the fixed points that come out of one on the boundary of these units when the drive changes a little.
    /// `None` where that cannot be told.
    pub(super) fn index_on_boundary(&self, x: &Array1<f64>, at: &[usize]) -> Option<i8> {
        let changed = Self { recurrent: self.recurrent.clone(), drive: change(x.len()), rectified: true };
        let mut sum = 0;
        for region in self.meeting(x, at) {
            let on = units(&region);
            let sign = if on.is_empty() { 1 } else { Lu::of(self.within(&on))?.sign() };
            let by = changed.solve(&region)?;
            if at.iter().all(|&unit| (by[unit] > 0.0) == region[unit]) {
                sum += sign;
            }
        }
        Some(sum)
    }
}

/// A small change of the drive in no direction that weights may have.
fn change(n: usize) -> Array1<f64> {
    let change = Array1::from_shape_fn(n, |unit| (1.0 + unit as f64 * 0.618_033_988_749_895).fract() - 0.5 + 0.01);
    let size = length(&change);
    change / size
}

/// The units that are on in a region.
pub(super) fn units(region: &Region) -> Vec<usize> {
    (0..region.len()).filter(|&unit| region[unit]).collect()
}
