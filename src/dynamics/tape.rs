//! What a forward run leaves behind for the backward run, and the blocks of trials that both are made of.

use std::sync::{Arc, Mutex, PoisonError};

use indexmap::IndexMap;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayD, ArrayView2, ArrayView3, ArrayViewMut2, ArrayViewMut3, Axis, s};

/// Trials that one thread carries through a whole sequence. The partition is the same for any number of threads, and sums
/// over blocks are taken in their order, so that the number of threads changes no bit.
pub(super) const BLOCK: usize = 32;

/// Gradients by the name of the weights.
pub(super) type Gradients = IndexMap<String, ArrayD<f32>>;

/// Some trials of a batch: what goes in. Arrays are time-major here, `[n_steps, n_trials, n]`, so that a step is contiguous.
pub(super) struct Block<'a> {
    /// The number of the first trial in the batch.
    pub(super) first: usize,
    /// `[n_steps, n_trials, n_in]`
    pub(super) inputs: Steps,
    /// Unit Gaussian noise, batch-major `[n_trials, n_steps, n_rec]`.
    pub(super) noise: Option<ArrayView3<'a, f32>>,
    /// Factors on the recurrent weights, `[n_steps, n_rec, n_rec]`.
    pub(super) gain: Option<ArrayView3<'a, f32>>,
}

impl Block<'_> {
    /// The numbers of steps and of trials.
    pub(super) fn dim(&self) -> (usize, usize) {
        (self.inputs.n_steps, self.inputs.n_trials)
    }

    /// Where the memory for this block comes from.
    pub(super) fn pool(&self) -> &Pool {
        &self.inputs.pool
    }

    pub(super) fn gain(&self, t: usize) -> Option<ArrayView2<'_, f32>> {
        self.gain.as_ref().map(|gain| gain.index_axis(Axis(0), t))
    }

    /// The state at the start: one for all trials, or the rows of these trials.
    pub(super) fn initial(&self, states: &Array2<f32>) -> Array2<f32> {
        let n_trials = self.inputs.n_trials;
        if states.nrows() == 1 {
            Array2::from_shape_fn((n_trials, states.ncols()), |(_, unit)| states[[0, unit]])
        } else {
            states.slice(s![self.first..self.first + n_trials, ..]).to_owned()
        }
    }
}

/// Memory of earlier updates, to be used again: asking the system for it anew takes longer than the arithmetic.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pool(Arc<Mutex<Vec<Vec<f32>>>>);

impl Pool {
    /// Numbers of this length, whatever they are.
    fn take(&self, length: usize) -> Vec<f32> {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut data = match free.iter().position(|data| data.len() == length) {
            Some(place) => free.swap_remove(place),
            None => Vec::new(),
        };
        data.resize(length, 0.0);
        data
    }
}

/// Numbers for each step, trial and channel of a block, contiguous in this order.
#[derive(Debug)]
pub(super) struct Steps {
    pub(super) n_steps: usize,
    pub(super) n_trials: usize,
    pub(super) n: usize,
    pub(super) data: Vec<f32>,
    pool: Pool,
}

impl Drop for Steps {
    fn drop(&mut self) {
        let mut free = self.pool.0.lock().unwrap_or_else(PoisonError::into_inner);
        free.push(std::mem::take(&mut self.data));
    }
}

impl Steps {
    /// Steps whose numbers are still to be written, all of them.
    pub(super) fn unwritten(pool: &Pool, n_steps: usize, n_trials: usize, n: usize) -> Self {
        Self { n_steps, n_trials, n, data: pool.take(n_steps * n_trials * n), pool: pool.clone() }
    }

    /// The steps of batch-major numbers `[n_trials, n_steps, n]`.
    fn from_batch(pool: &Pool, batch: ArrayView3<'_, f32>) -> Self {
        let (n_trials, n_steps, n) = batch.dim();
        let mut steps = Self::unwritten(pool, n_steps, n_trials, n);
        for (trial, rows) in batch.outer_iter().enumerate() {
            for (t, row) in rows.outer_iter().enumerate() {
                let start = (t * n_trials + trial) * n;
                steps.data[start..start + n].iter_mut().zip(row).for_each(|(to, number)| *to = *number);
            }
        }
        steps
    }

    /// Writes the steps from `from` on to batch-major numbers.
    pub(super) fn to_batch(&self, from: usize, mut batch: ArrayViewMut3<'_, f32>) {
        for (trial, mut rows) in batch.outer_iter_mut().enumerate() {
            for (t, mut row) in rows.outer_iter_mut().enumerate() {
                let start = trial * self.n;
                let numbers = &self.step(from + t)[start..start + self.n];
                row.iter_mut().zip(numbers).for_each(|(to, number)| *to = *number);
            }
        }
    }

    /// Where the memory comes from.
    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    fn range(&self, t: usize) -> std::ops::Range<usize> {
        let size = self.n_trials * self.n;
        t * size..(t + 1) * size
    }

    /// The numbers of one step, row by row.
    pub(super) fn step(&self, t: usize) -> &[f32] {
        &self.data[self.range(t)]
    }

    pub(super) fn step_mut(&mut self, t: usize) -> &mut [f32] {
        let range = self.range(t);
        &mut self.data[range]
    }

    /// Step `t` to read and step `t + 1` to write.
    pub(super) fn step_pair(&mut self, t: usize) -> (&[f32], &mut [f32]) {
        let size = self.n_trials * self.n;
        let (before, after) = self.data.split_at_mut((t + 1) * size);
        (&before[t * size..], &mut after[..size])
    }

    /// All steps from `from` to before `to` as rows `[(to - from) n_trials, n]`.
    pub(super) fn rows(&self, from: usize, to: usize) -> Matrix<'_> {
        let size = self.n_trials * self.n;
        Matrix { rows: (to - from) * self.n_trials, columns: self.n, data: &self.data[from * size..to * size] }
    }

    pub(super) fn all(&self) -> Matrix<'_> {
        self.rows(0, self.n_steps)
    }
}

/// A row-major matrix that lies in a slice.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) data: &'a [f32],
}

impl<'a> Matrix<'a> {
    pub(super) fn new(rows: usize, columns: usize, data: &'a [f32]) -> Self {
        Self { rows, columns, data }
    }

    fn view(&self) -> ArrayView2<'a, f32> {
        // The length is rows · columns wherever a matrix is made; another one would show as an empty product.
        ArrayView2::from_shape((self.rows, self.columns), self.data).unwrap_or(ndarray::aview2::<f32, 0>(&[]))
    }

    /// `selfᵀ · other`, for instance a weight gradient as one product over all steps.
    pub(super) fn transposed_times(&self, other: Matrix<'_>) -> Array2<f32> {
        self.view().t().dot(&other.view())
    }

    /// The sums of the columns.
    pub(super) fn column_sums(&self) -> Vec<f32> {
        let mut sums = vec![0.0; self.columns];
        for row in self.data.chunks_exact(self.columns.max(1)) {
            sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
        }
        sums
    }
}

/// `out = a · b + keep · out`, where `out` is row-major with as many rows as `a`.
pub(super) fn multiply(a: Matrix<'_>, b: ArrayView2<'_, f32>, keep: f32, out: &mut [f32]) {
    if a.columns == 0 && keep == 0.0 {
        // A network without inputs.
        out.fill(0.0);
    } else if let Ok(mut out) = ArrayViewMut2::from_shape((a.rows, b.ncols()), out) {
        general_mat_mul(1.0, &a.view(), &b, keep, &mut out);
    }
}

/// Adds gradients to those of other blocks.
pub(super) fn add(total: &mut Gradients, gradients: Gradients) {
    for (name, gradient) in gradients {
        match total.entry(name) {
            indexmap::map::Entry::Occupied(mut sum) => *sum.get_mut() += &gradient,
            indexmap::map::Entry::Vacant(entry) => {
                entry.insert(gradient);
            }
        }
    }
}

/// The gradient of an initial state: summed over the trials that share it, or each trial's own row.
pub(super) fn initial_gradient(states: &Array2<f32>, first: usize, gradient: Array2<f32>) -> ArrayD<f32> {
    if states.nrows() == 1 {
        gradient.sum_axis(Axis(0)).insert_axis(Axis(0)).into_dyn()
    } else {
        let mut all = Array2::zeros(states.dim());
        all.slice_mut(s![first..first + gradient.nrows(), ..]).assign(&gradient);
        all.into_dyn()
    }
}

/// Batch-major numbers of one block.
pub(super) fn block_of(pool: &Pool, batch: ArrayView3<'_, f32>, first: usize, n_trials: usize) -> Steps {
    Steps::from_batch(pool, batch.slice(s![first..first + n_trials, .., ..]))
}

/// The blocks of a batch: first trials and numbers of trials.
pub(super) fn partition(n_batch: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..n_batch).step_by(BLOCK).map(move |first| (first, BLOCK.min(n_batch - first)))
}
