//! Eigenvalues and modes of linear dynamics, in the units of an experiment.

use std::fmt;

use ndarray::Array1;
use num_complex::Complex64;

use crate::table::{Table, Value};

/// A mode whose growth or decay in the longest time constant of a unit is less than this does neither.
pub(super) const NEUTRAL: f64 = 1e-6;

/// An eigenvalue, of the flow and of a step, and how fast its mode grows, decays and rotates.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Eigenvalue {
    /// That of the flow's Jacobian, `λ`, per millisecond; none if steps are not those of a flow.
    pub flow: Option<Complex64>,
    /// That of a step's Jacobian, `μ`, which is `1 + dt λ`.
    pub map: Complex64,
    /// In how many milliseconds the flow changes by `e`, `-1 / Re λ`; negative if the mode grows, infinite if it does neither. Without a flow that
    /// of steps.
    pub time_constant: f64,
    /// The same of the steps, `-dt / ln |μ|`.
    pub time_constant_of_steps: f64,
    /// How often a second the flow rotates, `1000 Im λ / 2π`, in Hz. Without a flow that of steps.
    pub frequency: f64,
    /// The same of the steps, `1000 arg μ / (2π dt)`.
    pub frequency_of_steps: f64,
}

impl Eigenvalue {
    pub(super) fn of_flow(flow: Complex64, dt: f64) -> Self {
        let time_constant = if flow.re == 0.0 { f64::INFINITY } else { -1.0 / flow.re };
        let frequency = 1000.0 * flow.im / std::f64::consts::TAU;
        Self { flow: Some(flow), time_constant, frequency, ..Self::of_map(flow * dt + 1.0, dt) }
    }

    pub(super) fn of_map(map: Complex64, dt: f64) -> Self {
        let time_constant = if map.norm() == 1.0 { f64::INFINITY } else { -dt / map.norm().ln() };
        let frequency = 1000.0 * map.arg() / (std::f64::consts::TAU * dt);
        Self {
            flow: None,
            map,
            time_constant,
            time_constant_of_steps: time_constant,
            frequency,
            frequency_of_steps: frequency,
        }
    }

    /// Whether the mode grows: `Re λ > 0`, or without a flow `|μ| > 1`.
    #[must_use]
    pub fn grows(&self) -> bool {
        self.flow.map_or_else(|| self.grows_in_steps(), |flow| flow.re > 0.0)
    }

    /// Whether it grows in steps of this size, `|μ| > 1`. Steps may grow where the flow decays: a mode that rotates fast in long steps.
    #[must_use]
    pub fn grows_in_steps(&self) -> bool {
        self.map.norm() > 1.0
    }

    /// What modes are sorted by.
    pub(super) fn size(&self) -> f64 {
        self.flow.map_or_else(|| self.map.norm(), |flow| flow.re)
    }
}

/// The modes of a [`Linearization`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Modes {
    /// The modes `[n_state]`: those that grow fastest, or decay slowest, first.
    pub modes: Vec<Mode>,
    /// How far the Jacobian is from a normal matrix, whose modes are orthogonal: `√(‖J‖²_F - Σ|λ|²) / ‖J‖_F` (Henrici), of the flow's Jacobian or,
    /// without a flow, that of a step. 0 if it is normal, at most 1.
    pub non_normality: f64,
    /// The fastest rate at which a small push can grow at first, per millisecond, even if all modes decay: the largest eigenvalue of
    /// `(A + Aᵀ) / 2`, the numerical abscissa; without a flow `ln ‖J‖₂ / dt`.
    pub fastest_growth: f64,
    /// The longest time constant of a unit, in milliseconds; the time step if units have none.
    pub tau: f64,
}

/// A direction in which the state moves by itself, or one of two that rotate into each other.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Mode {
    /// How fast.
    pub eigenvalue: Eigenvalue,
    /// The right eigenvector `r` `[n_state]`, where the state moves: `J r = μ r`. Its length is 1 and its largest entry is real and positive.
    pub right: Array1<Complex64>,
    /// The left eigenvector `l` `[n_state]`, which says how far a state is along the mode: `lᵀ J = μ lᵀ`, `lᵀ r = 1`, and 0 for the `r` of
    /// other modes. NaN if the mode has none, as where modes coincide in a chain of units; then so is the input load.
    pub left: Array1<Complex64>,
    /// The condition number of the eigenvalue, `‖l‖ ‖r‖`: 1 if the mode is orthogonal to all others, infinite if it coincides with one.
    pub condition: f64,
    /// How inputs push the state along the mode, `lᵀ B / dt`, `[n_in]`, per millisecond: the rows `lᵀ diag(1/τ) W_in` of a leaky network. `l` is the
    /// selection vector of Mante V et al. (2013), doi:10.1038/nature12742.
    pub input_load: Array1<Complex64>,
    /// How outputs move with the mode, `C r`, `[n_out]`.
    pub output_load: Array1<Complex64>,
}

impl Modes {
    /// What a fixed point with these modes is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::of(self.eigenvalues(), self.tau)
    }

    /// How many modes grow.
    #[must_use]
    pub fn unstable(&self) -> usize {
        self.eigenvalues().filter(Eigenvalue::grows).count()
    }

    /// How many modes grow in steps of the network's size but not in its flow, or the other way round. If there are any, a shorter time step gives
    /// other dynamics.
    #[must_use]
    pub fn differing(&self) -> usize {
        self.eigenvalues().filter(|one| one.grows() != one.grows_in_steps()).count()
    }

    /// The eigenvalues, in the order of the modes.
    pub fn eigenvalues(&self) -> impl Iterator<Item = Eigenvalue> + Clone + '_ {
        self.modes.iter().map(|mode| mode.eigenvalue)
    }

    /// One row a mode: its time constants and frequency, the size of its eigenvalue of a step, whether it grows, its condition number, and the sizes
    /// of its largest loads.
    #[must_use]
    pub fn table(&self) -> Table {
        let largest = |load: &Array1<Complex64>| load.iter().map(|part| part.norm()).fold(f64::NAN, f64::max);
        let of = |number: &dyn Fn(&Mode) -> f64| -> Vec<Value> {
            self.modes.iter().map(|mode| number(mode).into()).collect()
        };
        let columns = [
            ("mode", (1..=self.modes.len()).map(Value::from).collect()),
            ("time constant (ms)", of(&|mode| mode.eigenvalue.time_constant)),
            ("of steps (ms)", of(&|mode| mode.eigenvalue.time_constant_of_steps)),
            ("frequency (Hz)", of(&|mode| mode.eigenvalue.frequency)),
            ("|map|", of(&|mode| mode.eigenvalue.map.norm())),
            ("condition", of(&|mode| mode.condition)),
            ("input load", of(&|mode| largest(&mode.input_load))),
            ("output load", of(&|mode| largest(&mode.output_load))),
        ];
        let mut table = Table::new();
        for (name, column) in columns {
            // All columns have one row a mode, so no insertion can fail.
            drop(table.insert(name, column));
        }
        table
    }
}

/// What a fixed point is, by its linear dynamics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// All modes decay, none of them rotates.
    StableNode,
    /// All modes decay, and some rotate.
    StableFocus,
    /// Some grow and some decay.
    Saddle,
    /// All grow.
    Unstable,
    /// One neither grows nor decays: by less than a millionth in the longest time constant of a unit.
    Degenerate,
}

impl Kind {
    /// By the eigenvalues, of units whose longest time constant is this.
    pub(crate) fn of(eigenvalues: impl Iterator<Item = Eigenvalue> + Clone, tau: f64) -> Self {
        let (n, grow) = (eigenvalues.clone().count(), eigenvalues.clone().filter(Eigenvalue::grows).count());
        if n == 0 || eigenvalues.clone().any(|one| (tau / one.time_constant).abs() < NEUTRAL) {
            Self::Degenerate
        } else if grow == n {
            Self::Unstable
        } else if grow > 0 {
            Self::Saddle
        } else if eigenvalues.into_iter().any(|one| one.map.im != 0.0) {
            Self::StableFocus
        } else {
            Self::StableNode
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StableNode => "stable node",
            Self::StableFocus => "stable focus",
            Self::Saddle => "saddle",
            Self::Unstable => "unstable",
            Self::Degenerate => "degenerate",
        })
    }
}
