//! The function whose zeros are the fixed points of an equation at one input.

use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView1, Axis};

use crate::dynamics::Transfer;
use crate::dynamics::exact::Exact;
use crate::dynamics::linear::norm;

/// How large the residual of a fixed point may be, relative to `1 + max |x|`.
const TOLERANCE: f64 = 1e-12;
/// How near two states are the same, relative to `1 + ‖x‖`.
const SAME: f64 = 1e-6;
/// The same of a transfer function that is computed in single precision.
const TOLERANCE_SINGLE: f64 = 1e-6;
const SAME_SINGLE: f64 = 1e-4;
/// Further apart than this, relative to `1 + ‖x‖`, no states are the same.
const APART: f64 = 1e-2;

/// The residual `G` of an equation at one input.
#[derive(Clone)]
pub(super) struct Still {
    pub(super) exact: Arc<dyn Exact>,
    pub(super) input: Array1<f64>,
    tolerance: f64,
    same: f64,
    /// `h` and `‖W‖₂`, if the residual is `W f(x) + h - x`.
    driven: Option<(Array1<f64>, f64)>,
}

/// What a residual `W f(x) + h - x` is made of.
pub(super) struct Leaky<'a> {
    pub(super) transfer: &'a Transfer,
    pub(super) recurrent: &'a Array2<f64>,
    pub(super) drive: &'a Array1<f64>,
    /// `‖W‖₂`.
    pub(super) norm: f64,
}

impl Still {
    pub(super) fn new(exact: Arc<dyn Exact>, input: Array1<f64>) -> Self {
        let (tolerance, same) = if exact.is_single() { (TOLERANCE_SINGLE, SAME_SINGLE) } else { (TOLERANCE, SAME) };
        let driven = exact.transfer().zip(exact.recurrent()).map(|(transfer, recurrent)| {
            let residual = exact.residual(Array1::zeros(recurrent.nrows()).view(), input.view());
            (residual - recurrent.sum_axis(Axis(1)) * transfer.exact(0.0)[0], norm(recurrent.view()))
        });
        Self { exact, input, tolerance, same, driven }
    }

    /// What the residual is made of, if it is `W f(x) + h - x`.
    pub(super) fn leaky(&self) -> Option<Leaky<'_>> {
        let (drive, norm) = self.driven.as_ref()?;
        Some(Leaky { transfer: self.exact.transfer()?, recurrent: self.exact.recurrent()?, drive, norm: *norm })
    }

    /// How many unknowns there are.
    pub(super) fn n(&self) -> usize {
        self.exact.counts().n_rec
    }

    /// The unknowns of a state.
    pub(super) fn unknowns(&self, state: ArrayView1<'_, f64>) -> Array1<f64> {
        self.exact.unknowns(state, self.input.view())
    }

    /// The whole state `[n_state]` that stands still where the unknowns do so at `x`.
    pub(super) fn state(&self, x: ArrayView1<'_, f64>) -> Array1<f64> {
        self.exact.state_at_rest(x, self.input.view())
    }

    pub(super) fn residual(&self, x: ArrayView1<'_, f64>) -> Array1<f64> {
        self.exact.residual(x, self.input.view())
    }

    pub(super) fn jacobian(&self, x: ArrayView1<'_, f64>) -> Array2<f64> {
        self.exact.residual_jacobian(x, self.input.view())
    }

    /// Whether this residual at `x` is as good as zero.
    pub(super) fn is_zero(&self, x: &Array1<f64>, residual: &Array1<f64>) -> bool {
        largest(residual) <= self.tolerance * (1.0 + largest(x))
    }

    /// Whether two states are next to each other.
    pub(super) fn is_near(&self, a: &Array1<f64>, b: &Array1<f64>) -> bool {
        length(&(a - b)) <= self.same * (1.0 + length(a).min(length(b)))
    }

    /// Whether the slope of the transfer function jumps at 0.
    pub(super) fn has_kink(&self) -> bool {
        match self.exact.transfer() {
            Some(Transfer::RectifiedPower { power }) => *power == 1.0,
            transfer => matches!(transfer, Some(Transfer::Relu | Transfer::RectifiedTanh)),
        }
    }

    /// Whether two zeros cannot be told apart: they are next to each other, or the residual is as good as zero all the way between
    /// them, as about a point where it turns.
    pub(super) fn is_same(&self, a: &Array1<f64>, b: &Array1<f64>) -> bool {
        let size = 1.0 + length(a).min(length(b));
        // Most are far apart.
        if a.iter().zip(b).any(|(a, b)| (a - b).abs() > APART * size) {
            return false;
        }
        let between = |at: f64| {
            let x = a * (1.0 - at) + b * at;
            self.is_zero(&x, &self.residual(x.view()))
        };
        let apart = length(&(a - b));
        apart <= self.same * size || apart <= APART * size && [0.25, 0.5, 0.75].into_iter().all(between)
    }
}

/// The Euclidean length.
pub(super) fn length(vector: &Array1<f64>) -> f64 {
    vector.dot(vector).sqrt()
}

/// The largest size of a number; NaN if there is one.
pub(super) fn largest(vector: &Array1<f64>) -> f64 {
    vector.fold(0.0_f64, |most, &x| if x.is_nan() || most.is_nan() { f64::NAN } else { most.max(x.abs()) })
}
