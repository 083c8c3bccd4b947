//! Networks of units whose slope jumps at 0, each on one side of it.

use std::cell::RefCell;

use ndarray::{Array1, Array2, ArrayView1};

use crate::dynamics::Transfer;
use crate::dynamics::exact::Exact;

/// On which side each unit is taken to be, wherever its state is. So the residual is smooth.
pub(super) struct Sides {
    /// Which units are on the side where the slope is not 0.
    on: RefCell<Vec<bool>>,
    /// The transfer function there, which goes on smoothly on the other side.
    smooth: Transfer,
}

impl Sides {
    /// Those of a state; `None` if the transfer function is smooth.
    pub(super) fn of(exact: &dyn Exact, x: ArrayView1<'_, f64>) -> Option<Self> {
        let smooth = match exact.transfer()? {
            Transfer::Relu => Transfer::Linear,
            Transfer::RectifiedPower { power } if *power == 1.0 => Transfer::Linear,
            Transfer::RectifiedTanh => Transfer::Tanh,
            _ => return None,
        };
        Some(Self { on: RefCell::new(x.iter().map(|&x| x > 0.0).collect()), smooth })
    }

    /// The residual with these sides, where it is `residual`.
    pub(super) fn residual(&self, exact: &dyn Exact, x: ArrayView1<'_, f64>, residual: Array1<f64>) -> Array1<f64> {
        let Some((transfer, recurrent)) = exact.transfer().zip(exact.recurrent()) else { return residual };
        residual + recurrent.dot(&self.change(transfer, x, 0))
    }

    /// Its derivatives by `x`, where they are `jacobian`.
    pub(super) fn jacobian(&self, exact: &dyn Exact, x: ArrayView1<'_, f64>, jacobian: Array2<f64>) -> Array2<f64> {
        let Some((transfer, recurrent)) = exact.transfer().zip(exact.recurrent()) else { return jacobian };
        jacobian + recurrent * &self.change(transfer, x, 1)
    }

    /// By how much rates (0) or slopes (1) differ from those of the transfer function.
    fn change(&self, transfer: &Transfer, x: ArrayView1<'_, f64>, which: usize) -> Array1<f64> {
        let on = self.on.borrow();
        let taken = |(&x, &on): (&f64, &bool)| if on { self.smooth.exact(x)[which] } else { 0.0 };
        x.iter().zip(on.iter()).map(|unit| taken(unit) - transfer.exact(*unit.0)[which]).collect()
    }

    /// The first unit to come from its side to the other one between two places.
    pub(super) fn crease(&self, from: &Array1<f64>, to: &Array1<f64>) -> Option<usize> {
        let on = self.on.borrow();
        let left = (0..on.len()).filter(|&unit| if on[unit] { to[unit] < 0.0 } else { to[unit] > 0.0 });
        let when = |unit: usize| from[unit] / (from[unit] - to[unit]);
        left.min_by(|&a, &b| when(a).total_cmp(&when(b)))
    }

    /// Takes a unit to be on the other side.
    pub(super) fn turn(&self, unit: usize) {
        let mut on = self.on.borrow_mut();
        on[unit] = !on[unit];
    }
}
