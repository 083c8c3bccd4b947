//! What is seen of a forward run, from which units: outputs, states and rates, batch-major.

use std::sync::Arc;

use ndarray::{Array3, Axis};

use super::lanes::{Block, Pool, Steps};

/// Of which units something is wanted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Rows {
    /// Of none.
    None,
    /// Of all.
    All,
    /// Of these.
    These(Arc<[usize]>),
}

impl Rows {
    /// How many of `n` units they are.
    pub(crate) fn count(&self, n: usize) -> usize {
        match self {
            Self::None => 0,
            Self::All => n,
            Self::These(rows) => rows.len(),
        }
    }
}

/// What is seen of a forward run, for all trials.
pub(in crate::dynamics) struct View<'a> {
    states: &'a Rows,
    rates: &'a Rows,
    n_steps: usize,
    n_out: usize,
    /// `[n_batch, n_steps, n_out]`
    pub(in crate::dynamics) outputs: Array3<f32>,
    /// `[n_batch, n_steps, n]`
    pub(in crate::dynamics) seen_states: Array3<f32>,
    /// `[n_batch, n_steps, n]`
    pub(in crate::dynamics) seen_rates: Array3<f32>,
}

impl<'a> View<'a> {
    /// Room for it.
    pub(in crate::dynamics) fn new(
        (n_batch, n_steps): (usize, usize),
        (n_rec, n_out): (usize, usize),
        states: &'a Rows,
        rates: &'a Rows,
    ) -> Self {
        let room = |n: usize| Array3::zeros((n_batch, n_steps, n));
        let (seen_states, seen_rates) = (room(states.count(n_rec)), room(rates.count(n_rec)));
        Self { states, rates, n_steps, n_out, outputs: room(n_out), seen_states, seen_rates }
    }

    /// The blocks of the batch, each with what is to be seen of it.
    pub(in crate::dynamics) fn blocks(&mut self, pool: &Pool) -> Vec<(Block, Seen<'_>)> {
        let (n_batch, n_steps, n_out) = (self.outputs.len_of(Axis(0)), self.n_steps, self.n_out);
        let blocks = Block::partition(n_batch);
        let lanes = blocks.first().map_or(1, Block::lanes);
        fn parts(array: &mut Array3<f32>, lanes: usize) -> std::slice::ChunksMut<'_, f32> {
            let size = lanes * array.len_of(Axis(1)) * array.len_of(Axis(2));
            array.as_slice_mut().unwrap_or_default().chunks_mut(size.max(1))
        }
        let mut outputs = parts(&mut self.outputs, lanes);
        let mut states = parts(&mut self.seen_states, lanes);
        let mut rates = parts(&mut self.seen_rates, lanes);
        let seen = |block: Block| {
            let seen = Seen {
                recent: Steps::unwritten(pool, &block, Seen::RECENT, n_out),
                some: None,
                n_steps,
                outputs: outputs.next().unwrap_or_default(),
                states: (self.states, states.next().unwrap_or_default()),
                rates: (self.rates, rates.next().unwrap_or_default()),
            };
            (block, seen)
        };
        blocks.into_iter().map(seen).collect()
    }
}

/// What is to be seen of a block's forward run, batch-major for its trials alone.
pub(in crate::dynamics) struct Seen<'a> {
    /// The outputs of the last steps, before they are given away together.
    recent: Steps,
    /// The lanes of which something is seen, if these are only some, and room for the outputs of all.
    some: Option<(Vec<bool>, Steps)>,
    n_steps: usize,
    /// `[n_trials, n_steps, n_out]`
    outputs: &'a mut [f32],
    /// `[n_trials, n_steps, n]`
    states: (&'a Rows, &'a mut [f32]),
    /// `[n_trials, n_steps, n]`
    rates: (&'a Rows, &'a mut [f32]),
}

impl Seen<'_> {
    pub(in crate::dynamics) const RECENT: usize = 16;

    /// From now on these lanes only are seen, or all again. Between two multiples of [`Seen::RECENT`] steps may come once for each of
    /// several sets of lanes.
    pub(in crate::dynamics) fn only(&mut self, lanes: Option<Vec<bool>>, pool: &Pool, block: &Block) {
        let n_out = self.recent.n_rows;
        self.some = lanes.map(|lanes| (lanes, Steps::unwritten(pool, block, 1, n_out)));
    }

    /// The place for the outputs of step `t`.
    pub(in crate::dynamics) fn outputs(&mut self, t: usize) -> (&mut Steps, usize) {
        match &mut self.some {
            None => (&mut self.recent, t % Self::RECENT),
            Some((_, aside)) => (aside, 0),
        }
    }

    /// Gives away the outputs of step `t`, which are in their place, and states and rates, which are the first `n_rec` rows of those steps of
    /// theirs. Steps come in their order.
    pub(in crate::dynamics) fn take(
        &mut self,
        t: usize,
        n_rec: usize,
        states: (&Steps, usize),
        rates: (&Steps, usize),
    ) {
        let count = t % Self::RECENT + 1;
        let lanes = self.some.as_ref().map(|(lanes, aside)| {
            self.recent.copy_lanes(count - 1, aside, 0, lanes);
            lanes.as_slice()
        });
        if count == Self::RECENT || t + 1 == self.n_steps {
            self.recent.scatter_all(count, self.outputs, self.n_steps, t + 1 - count);
        }
        for ((steps, from), (rows, to)) in [(states, &mut self.states), (rates, &mut self.rates)] {
            match rows {
                Rows::None => {}
                Rows::All => steps.scatter(from, n_rec, lanes, to, self.n_steps, t),
                Rows::These(rows) => steps.scatter_rows(from, lanes, rows, to, self.n_steps, t),
            }
        }
    }
}
