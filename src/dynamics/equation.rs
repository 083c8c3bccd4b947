//! What an equation says of itself; the time loop in [`block`](super::block) does the rest.
//!
//! Numbers lie in slabs: those of all units (or sums) of one step, each for one vector of trials, as plain slices of registers. An
//! equation writes ordinary loops over them.

use pulp::Simd;

/// How many numbers an equation has of each kind, for a trial.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RowCounts {
    /// What goes from step to step. The first `n_rec` of it are the states that a session has.
    pub(super) state: usize,
    /// What the weights give in a step.
    pub(super) sums: usize,
    /// What a step leaves behind for the way back, beside what units show and, if they lie beside the state, the sums.
    pub(super) kept: usize,
    /// What goes from step to step on the way back, beside the adjoints of the sums.
    pub(super) carried: usize,
}

/// A kind of units: how their state moves when the weights have given their sums, and how adjoints move back.
///
/// A step is [`before`](Equation::before), the product with the weights, and [`after`](Equation::after); what units show then goes to
/// the outputs, and what they send to each other in the next step. Everything that is kept is kept by the state to which it
/// belongs: that at the start, and that after each step.
pub(super) trait Equation: Send + Sync + 'static {
    /// Whether the sums are added onto the first rows of the state. If not they lie beside it, and are kept.
    const ONTO_STATE: bool;
    /// Whether sums that lie beside the state are added onto what [`before`](Equation::before) writes there, as where noise is within the
    /// transfer function. If not they begin at 0.
    const BEGINS_SUMS: bool = false;
    /// Whether what units send to each other is not what they show to the outputs, as where synapses are plastic.
    const SENDS: bool = false;

    fn rows(&self) -> RowCounts;

    /// What the state at the start of some steps shows.
    fn begin<S: Simd>(&self, simd: S, at: After<'_, S::f32s>);

    /// What happens to the state before the sums come: leak, noise, slow variables; and what is sent.
    fn before<S: Simd>(&self, simd: S, at: Before<'_, S::f32s>);

    /// From the sums to the state and to what it shows. What [`back`](Equation::back) multiplies is written even after the last step.
    fn after<S: Simd>(&self, simd: S, at: After<'_, S::f32s>);

    /// From the adjoints of what a state shows and sends to those of the sums that made it.
    fn back<S: Simd>(&self, simd: S, at: Back<'_, S::f32s>);

    /// From these to the adjoint of the state at the start.
    fn first<S: Simd>(&self, simd: S, at: First<'_, S::f32s>);
}

/// Before the sums of a step.
pub(super) struct Before<'a, V> {
    /// `[state]`
    pub(super) state: &'a mut [V],
    /// Where the sums begin, `[sums]`, all of them to be written, if the equation [begins](Equation::BEGINS_SUMS) them.
    pub(super) sums: &'a mut [V],
    /// Unit Gaussian noise `[n_rec]`, if there is any.
    pub(super) noise: Option<&'a [V]>,
    /// What the state shows, `[n_rec]`.
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "the equations so far send what they show; one in the tests does not")
    )]
    pub(super) shown: &'a [V],
    /// What is sent, `[n_rec]`, if that is something else.
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "the equations so far send what they show; one in the tests does not")
    )]
    pub(super) sent: &'a mut [V],
}

/// After the sums of a step.
pub(super) struct After<'a, V> {
    /// `[state]`
    pub(super) state: &'a mut [V],
    /// `[sums]`, if they lie beside the state.
    pub(super) sums: &'a mut [V],
    /// What the state shows, `[n_rec]`.
    pub(super) shown: &'a mut [V],
    /// `[kept]`
    pub(super) kept: &'a mut [V],
}

/// The way back through a state.
pub(super) struct Back<'a, V> {
    /// The adjoint of what it shows (and of what it sends, if that is the same), `[n_rec]`.
    pub(super) d_shown: &'a mut [V],
    /// The adjoint of what it sends, `[n_rec]`, if that is something else.
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "the equations so far send what they show; one in the tests does not")
    )]
    pub(super) d_sent: &'a [V],
    /// What the loss adds to the adjoint of the states, `[n_rec]`.
    pub(super) direct: Option<&'a [V]>,
    /// The adjoints of the sums one step later.
    pub(super) later: &'a [V],
    /// The adjoints of the sums, `[sums]`.
    pub(super) d_sums: &'a mut [V],
    /// `[carried]`
    pub(super) carried: &'a mut [V],
    /// What the state shows, `[n_rec]`.
    pub(super) shown: &'a [V],
    /// The sums as [`Equation::after`] left them, `[sums]`, if they lie beside the state.
    pub(super) sums: &'a [V],
    /// `[kept]`
    pub(super) kept: &'a [V],
}

/// The way back through the state at the start.
pub(super) struct First<'a, V> {
    /// As in [`Back`].
    pub(super) d_shown: &'a mut [V],
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "the equations so far send what they show; one in the tests does not")
    )]
    pub(super) d_sent: &'a [V],
    pub(super) later: &'a [V],
    pub(super) carried: &'a [V],
    pub(super) shown: &'a [V],
    pub(super) kept: &'a [V],
    /// The adjoint of the state, `[state]`.
    pub(super) d_state: &'a mut [V],
}
