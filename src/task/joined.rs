//! Trials one after another in one row of a batch, as a subject does them.

use ndarray::{Array3, Axis, s};

use super::{Batch, Decision, TaskSpec};
use crate::Result;

impl Batch {
    /// Rows of so many trials one after another, in order, the last with those that are left: each as one long trial that asks for no
    /// choice, with the number of its first.
    pub(crate) fn joined(&self, trials: usize) -> Result<Self> {
        let rows: Vec<&[usize]> = self.lengths.chunks(trials).collect();
        let n_steps = rows.iter().map(|lengths| lengths.iter().sum()).max().unwrap_or(0);
        let joined = |array: &Array3<f32>| {
            let mut joined = Array3::zeros((rows.len(), n_steps, array.len_of(Axis(2))));
            for (row, mut place) in joined.outer_iter_mut().enumerate() {
                let mut from = 0;
                for (trial, &length) in rows[row].iter().enumerate() {
                    let part = array.slice(s![row * trials + trial, ..length, ..]);
                    place.slice_mut(s![from..from + length, ..]).assign(&part);
                    from += length;
                }
            }
            joined
        };
        let spec = TaskSpec { decision: Decision::none(), ..self.spec.clone() };
        let spec = TaskSpec { sessions: Default::default(), ..spec };
        let (targets, mask) = (joined(&self.targets), joined(&self.mask));
        let mut batch = Self::from_arrays(&spec, joined(&self.inputs), targets, mask)?;
        batch.lengths = rows.iter().map(|lengths| lengths.iter().sum()).collect();
        batch.numbers = self.numbers.iter().copied().step_by(trials).collect();
        batch.seed = self.seed;
        Ok(batch)
    }

    /// What belongs to each trial `[n_batch, n_steps, n]` of what belongs to the rows that [`Batch::joined`] made.
    pub(crate) fn parted(&self, trials: usize, joined: &Array3<f32>) -> Array3<f32> {
        let mut parts = Array3::zeros((self.n_trials(), self.n_steps(), joined.len_of(Axis(2))));
        let mut from = 0;
        for (trial, (mut part, &length)) in parts.outer_iter_mut().zip(&self.lengths).enumerate() {
            from = if trial % trials == 0 { 0 } else { from };
            part.slice_mut(s![..length, ..]).assign(&joined.slice(s![trial / trials, from..from + length, ..]));
            from += length;
        }
        parts
    }

    /// The trials of several batches of a task in one.
    #[cfg(feature = "torch")]
    pub(crate) fn together(batches: Vec<Self>) -> Option<Self> {
        let n_trials = batches.iter().map(Self::n_trials).sum();
        let n_steps = batches.iter().map(Self::n_steps).max()?;
        let together = |array: fn(&Self) -> &Array3<f32>| {
            let mut all = Array3::zeros((n_trials, n_steps, array(&batches[0]).len_of(Axis(2))));
            let mut from = 0;
            for one in batches.iter().map(array) {
                all.slice_mut(s![from..from + one.len_of(Axis(0)), ..one.len_of(Axis(1)), ..]).assign(one);
                from += one.len_of(Axis(0));
            }
            all
        };
        let (inputs, targets, mask) =
            (together(|one| &one.inputs), together(|one| &one.targets), together(|one| &one.mask));
        let mut batches = batches.into_iter();
        let mut all = batches.next()?;
        for one in batches {
            all.lengths.extend(one.lengths);
            all.epochs.extend(one.epochs);
            all.numbers.extend(one.numbers);
            all.decisions.extend(one.decisions);
            let values: Vec<_> = one.values.iter().map(|(name, column)| (name.to_owned(), column.to_vec())).collect();
            all.values = all.values.followed_by(values);
        }
        (all.inputs, all.targets, all.mask) = (inputs, targets, mask);
        Some(all)
    }
}
