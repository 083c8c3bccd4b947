//! What a block of trials runs on: its inputs, its noise, and the weights as the time loop needs them.

use std::sync::Arc;

use ndarray::{Array1, Array2, Array3, ArrayView2, Axis};

use super::kernel::lanes::{BatchMajor, Block, Pool, Spare, Steps};
use super::kernel::noise::Noise;
use super::kernel::product::Panels;
use super::wiring::Counts;

/// What drives a block of trials.
pub(super) struct Drive {
    pub(super) block: Block,
    /// The constant 1, then the input channels.
    pub(super) inputs: Steps,
    pub(super) noise: Arc<Noise>,
    /// Factors on the recurrent weights, `[n_steps, n_rec, n_rec]`.
    gain: Option<Arc<Array3<f32>>>,
    pool: Pool,
}

impl Drive {
    pub(super) fn new(
        pool: &Pool,
        block: Block,
        inputs: &BatchMajor<'_>,
        noise: Arc<Noise>,
        gain: Option<Arc<Array3<f32>>>,
    ) -> Self {
        let (n_steps, n_in) = inputs.dim();
        // One more than there are, for what is added up past the last step.
        let mut steps = Steps::unwritten(pool, &block, n_steps + 1, 1 + n_in);
        for t in 0..n_steps + 1 {
            for v in 0..block.vectors {
                steps.numbers_mut(t, v)[..block.width].fill(1.0);
            }
        }
        (0..block.vectors).for_each(|v| steps.numbers_mut(n_steps, v)[block.width..].fill(0.0));
        steps.gather_all(0, 1, inputs, &block, Spare::Last);
        Self { block, inputs: steps, noise, gain, pool: pool.clone() }
    }

    pub(super) fn n_steps(&self) -> usize {
        self.inputs.n_steps - 1
    }

    /// Where memory comes from.
    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(super) fn gain(&self, t: usize) -> Option<ArrayView2<'_, f32>> {
        self.gain.as_ref().map(|gain| gain.index_axis(Axis(0), t))
    }
}

/// The weights of a network, packed once for all blocks and steps.
pub(super) struct Packed {
    /// For what units send, and for the constant 1 and the inputs.
    pub(super) forward: Panels,
    /// For what they show, and for the constant 1.
    pub(super) outputs: Panels,
    /// Transposed: for the adjoints of the next step's sums and for those of the outputs.
    pub(super) backward: Panels,
    /// Where units send something else than they show, for those of the outputs alone.
    pub(super) from_outputs: Option<Panels>,
}

/// The weights of a network as matrices.
#[derive(Clone, Copy)]
pub(super) struct Matrices<'a> {
    pub(super) counts: Counts,
    /// `[n_sums, n_rec + 1 + n_in]`
    pub(super) step: &'a Array2<f32>,
    /// What each sum is multiplied with.
    pub(super) factors: &'a Array1<f32>,
    /// `[n_out, n_rec + 1]`
    pub(super) readout: &'a Array2<f32>,
}

impl Matrices<'_> {
    /// `gain` multiplies the recurrent weights.
    pub(super) fn pack_forward(&self, gain: Option<ArrayView2<'_, f32>>) -> Panels {
        let Counts { n_in, n_rec, n_sums, .. } = self.counts;
        Panels::pack(n_sums, [n_rec, 1 + n_in], |sum, from| {
            let gain = if from < n_rec { gain.map_or(1.0, |gain| gain[[sum % n_rec, from]]) } else { 1.0 };
            self.factors[sum] * (self.step[[sum, from]] * gain)
        })
    }

    pub(super) fn pack(&self, sends: bool) -> Packed {
        let Counts { n_rec, n_sums, n_out, .. } = self.counts;
        let back = |unit: usize, from: usize| match from.checked_sub(n_sums) {
            None => self.factors[from] * self.step[[from, unit]],
            Some(output) => self.readout[[output, unit]],
        };
        Packed {
            forward: self.pack_forward(None),
            outputs: Panels::pack(n_out, [n_rec, 1], |output, unit| self.readout[[output, unit]]),
            backward: Panels::pack(n_rec, [n_sums, if sends { 0 } else { n_out }], back),
            from_outputs: sends.then(|| Panels::pack(n_rec, [0, n_out], |unit, output| self.readout[[output, unit]])),
        }
    }
}
