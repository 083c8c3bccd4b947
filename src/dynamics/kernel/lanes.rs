//! How numbers lie in memory while the kernels work on them: the trials of a block side by side in the lanes of vector
//! registers, so that every number of units fills the registers and a weight is one number for all lanes.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use ndarray::{Array2, ArrayView3};
use pulp::{Arch, Simd, WithSimd};

/// Runs `work` with the widest registers that this machine has.
pub(in crate::dynamics) fn dispatch<W: WithSimd>(work: W) -> W::Output {
    Arch::new().dispatch(work)
}

/// The registers of a machine: how many, and how many numbers one holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::dynamics) struct Registers {
    pub(in crate::dynamics) count: usize,
    pub(in crate::dynamics) width: usize,
}

impl Registers {
    pub(in crate::dynamics) fn new() -> Self {
        struct Ask;
        impl WithSimd for Ask {
            type Output = Registers;
            #[inline(always)]
            fn with_simd<S: Simd>(self, _: S) -> Registers {
                Registers { count: S::REGISTER_COUNT, width: S::F32_LANES }
            }
        }
        dispatch(Ask)
    }
}

/// Vectors that a block has side by side at most: two hide how long a multiply-add takes.
const VECTORS: usize = 2;

/// Trials that one thread carries through a whole sequence. The partition of a batch depends on the machine's registers and
/// not on the number of threads, and sums over blocks are taken in their order, so that this number changes no bit.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::dynamics) struct Block {
    /// The trials, by their place in the batch.
    pub(in crate::dynamics) trials: Range<usize>,
    /// Numbers in a vector.
    pub(in crate::dynamics) width: usize,
    /// Vectors side by side; lanes without a trial are carried along.
    pub(in crate::dynamics) vectors: usize,
}

impl Block {
    /// The blocks of a batch.
    pub(in crate::dynamics) fn partition(n_batch: usize) -> Vec<Self> {
        let width = Registers::new().width;
        let size = width * VECTORS;
        let block = |first: usize| {
            let trials = first..n_batch.min(first + size);
            let vectors = trials.len().div_ceil(width);
            Self { trials, width, vectors }
        };
        (0..n_batch).step_by(size).map(block).collect()
    }

    /// The trials of a whole block.
    pub(in crate::dynamics) fn most_trials() -> usize {
        Registers::new().width * VECTORS
    }

    /// A block of which a batch begins with so many, if there is one, and the last block if it is another one: for sums over batches
    /// of any size.
    pub(in crate::dynamics) fn whole_and_last(n_batch: usize) -> (Option<(Self, usize)>, Option<Self>) {
        let width = Registers::new().width;
        let size = width * VECTORS;
        let (count, rest) = (n_batch / size, n_batch % size);
        let block = |n: usize| Self { trials: 0..n, width, vectors: n.div_ceil(width) };
        ((count > 0).then(|| (block(size), count)), (rest > 0).then(|| block(rest)))
    }

    /// The lanes, with and without a trial.
    pub(in crate::dynamics) fn lanes(&self) -> usize {
        self.width * self.vectors
    }

    /// How many numbers lie from one slab of [`Steps`] to the next.
    fn stride(&self, n_rows: usize) -> usize {
        let mut lines = n_rows.saturating_mul(self.width).div_ceil(LINE);
        if lines > 8 {
            // Slabs that are whole pages apart would fall onto the same few lines of the first cache, those that are an even number
            // of lines apart onto half of them.
            while lines.is_multiple_of(2) || !(11..=53).contains(&(lines % 64)) {
                lines += 1;
            }
        }
        lines * LINE
    }

    /// How many numbers [`Steps`] take.
    pub(in crate::dynamics) fn numbers(&self, n_steps: usize, n_rows: usize) -> usize {
        n_steps.saturating_mul(self.vectors).saturating_mul(self.stride(n_rows)).saturating_add(LINE)
    }
}

/// Memory of earlier runs, to be used again: asking the system for it anew takes longer than the arithmetic. With it stands which
/// thread had it: that one gets it again, since it is in the cache of its core.
///
/// It never holds more than what was in use at one time, so that runs of ever other lengths do not fill the memory.
#[derive(Clone, Default)]
pub(crate) struct Pool(Arc<Mutex<Held>>);

/// What a pool holds. Sizes are in numbers.
#[derive(Default)]
struct Held {
    /// What is not in use, and who had it, the latest last.
    free: Vec<(ThreadId, Vec<f32>)>,
    in_use: usize,
    /// The most that was in use at one time.
    most: usize,
}

impl Held {
    fn in_all(&self) -> usize {
        self.in_use + self.free.iter().map(|(_, data)| data.capacity()).sum::<usize>()
    }

    /// What is free and best for this length: of the same length, by preference had by this thread, or else the nearest that is not
    /// of another order.
    fn best(&self, length: usize) -> Option<usize> {
        let ours = |place: &usize| self.free[*place].0 == thread::current().id();
        let fits = |place: &usize| self.free[*place].1.len() == length;
        let places = || (0..self.free.len()).rev();
        let exact = places().filter(fits).find(ours).or_else(|| places().find(fits));
        let alike = |place: &usize| (length / 2..=length.saturating_mul(2)).contains(&self.free[*place].1.len());
        exact.or_else(|| places().filter(alike).min_by_key(|&place| self.free[place].1.len().abs_diff(length)))
    }
}

impl Pool {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Numbers of this length, whatever they are.
    fn take(&self, length: usize) -> Vec<f32> {
        let mut held = self.held();
        let mut data = held.best(length).map_or_else(Vec::new, |place| held.free.remove(place).1);
        held.in_use += length;
        held.most = held.most.max(held.in_use);
        // What was not wanted for the longest time goes first.
        while held.in_all() > held.most && !held.free.is_empty() {
            held.free.remove(0);
        }
        drop(held);
        if data.len() != length {
            // In place where the system can do so.
            data.truncate(length);
            data.shrink_to(length);
            data.reserve_exact(length - data.len());
            data.resize(length, 0.0);
        }
        data
    }

    fn give_back(&self, thread: ThreadId, data: Vec<f32>) {
        let mut held = self.held();
        held.in_use -= data.len();
        held.free.push((thread, data));
    }

    /// The bytes that it holds, those in use and the others.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        4 * self.held().in_all()
    }

    /// The most bytes that were in use at one time.
    #[cfg(test)]
    pub(crate) fn most_bytes(&self) -> usize {
        4 * self.held().most
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", 4 * self.held().in_all())
    }
}

/// Numbers of a block for each step and each row (a unit, a channel): `[n_steps, vectors, n_rows, width]`. The rows of one
/// step and vector are contiguous, a slab.
#[derive(Debug)]
pub(in crate::dynamics) struct Steps {
    pub(in crate::dynamics) n_steps: usize,
    pub(in crate::dynamics) n_rows: usize,
    width: usize,
    vectors: usize,
    /// From one slab to the next.
    stride: usize,
    /// Where the first cache line starts.
    start: usize,
    data: Vec<f32>,
    pool: Pool,
    /// Who made it.
    thread: ThreadId,
}

/// Asks for what is about to be used, so that it is in the first cache by then. What a run leaves behind for the way back does not stay
/// in a core's own caches, and the processor does not guess that it will be read from its end.
#[inline(always)]
#[allow(unsafe_code, reason = "the standard library has no other way")]
pub(in crate::dynamics) fn prefetch<T>(wanted: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: it is a hint, and the address is one that may be read.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(wanted).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = wanted;
}

/// Numbers in a cache line.
const LINE: usize = 16;

/// Where the first cache line starts, if numbers are to have one to spare. Vectors that lie across two lines cost two accesses.
fn line_start(numbers: &[f32]) -> usize {
    numbers.as_ptr().align_offset(4 * LINE).min(LINE)
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.pool.give_back(self.thread, std::mem::take(&mut self.data));
    }
}

impl Steps {
    /// Steps whose numbers are still to be written, all of them.
    pub(in crate::dynamics) fn unwritten(pool: &Pool, block: &Block, n_steps: usize, n_rows: usize) -> Self {
        let (width, vectors) = (block.width, block.vectors);
        let stride = block.stride(n_rows);
        let data = pool.take(block.numbers(n_steps, n_rows));
        let start = line_start(&data);
        Self {
            n_steps,
            n_rows,
            width,
            vectors,
            stride,
            start,
            data,
            pool: pool.clone(),
            thread: thread::current().id(),
        }
    }

    /// Steps of zeros.
    pub(in crate::dynamics) fn zeros(pool: &Pool, block: &Block, n_steps: usize, n_rows: usize) -> Self {
        let mut steps = Self::unwritten(pool, block, n_steps, n_rows);
        steps.data.fill(0.0);
        steps
    }

    fn range(&self, t: usize, v: usize) -> Range<usize> {
        let start = self.start + (t * self.vectors + v) * self.stride;
        start..start + self.n_rows * self.width
    }

    /// The rows of one step in one vector of lanes.
    #[inline(always)]
    pub(in crate::dynamics) fn slab<S: Simd>(&self, t: usize, v: usize) -> &[S::f32s] {
        S::as_simd_f32s(&self.data[self.range(t, v)]).0
    }

    /// The slabs of some steps, one after the other; what follows their rows is to be left alone.
    #[inline(always)]
    pub(in crate::dynamics) fn slabs<S: Simd>(&self, steps: Range<usize>) -> impl Iterator<Item = &[S::f32s]> {
        let slab = |t: usize| self.start + t * self.vectors * self.stride;
        let numbers = S::as_simd_f32s(&self.data[slab(steps.start)..slab(steps.end)]).0;
        numbers.chunks_exact((self.stride / S::F32_LANES).max(1))
    }

    #[inline(always)]
    pub(in crate::dynamics) fn slab_mut<S: Simd>(&mut self, t: usize, v: usize) -> &mut [S::f32s] {
        let range = self.range(t, v);
        S::as_mut_simd_f32s(&mut self.data[range]).0
    }

    /// The rows of one step in both of two vectors.
    #[inline(always)]
    pub(in crate::dynamics) fn slabs_mut<S: Simd>(&mut self, t: usize) -> [&mut [S::f32s]; 2] {
        let (first, second) = (self.range(t, 0), self.range(t, 1));
        let (head, tail) = self.data.split_at_mut(second.start);
        [&mut head[first], &mut tail[..second.len()]].map(|numbers| S::as_mut_simd_f32s(numbers).0)
    }

    /// The rows of a step to write, and those of the step after it to read.
    #[inline(always)]
    pub(in crate::dynamics) fn slab_pair<S: Simd>(&mut self, t: usize, v: usize) -> (&mut [S::f32s], &[S::f32s]) {
        let (now, after) = (self.range(t, v), self.range(t + 1, v));
        let (head, tail) = self.data.split_at_mut(after.start);
        (S::as_mut_simd_f32s(&mut head[now]).0, S::as_simd_f32s(&tail[..after.len()]).0)
    }

    /// The numbers of one step and vector, `[n_rows, width]`.
    pub(in crate::dynamics) fn numbers(&self, t: usize, v: usize) -> &[f32] {
        &self.data[self.range(t, v)]
    }

    pub(in crate::dynamics) fn numbers_mut(&mut self, t: usize, v: usize) -> &mut [f32] {
        let range = self.range(t, v);
        &mut self.data[range]
    }

    /// Copies step `from` of `other` to step `to`.
    pub(in crate::dynamics) fn copy(&mut self, to: usize, other: &Self, from: usize) {
        for v in 0..self.vectors {
            self.numbers_mut(to, v).copy_from_slice(other.numbers(from, v));
        }
    }

    /// As [`Steps::copy`], of some lanes only.
    pub(in crate::dynamics) fn copy_lanes(&mut self, to: usize, other: &Self, from: usize, lanes: &[bool]) {
        let width = self.width;
        for v in 0..self.vectors {
            let rows = self.numbers_mut(to, v).chunks_exact_mut(width).zip(other.numbers(from, v).chunks_exact(width));
            for (to, from) in rows {
                for ((to, from), _) in to.iter_mut().zip(from).zip(&lanes[v * width..]).filter(|(_, is_one)| **is_one) {
                    *to = *from;
                }
            }
        }
    }

    /// Takes the trials of a block for one step from batch-major numbers `[n_batch, n_steps, n]`, into the rows from
    /// `first` on. Lanes without a trial get what `spare` says.
    pub(in crate::dynamics) fn gather(
        &mut self,
        to: usize,
        first: usize,
        batch: &BatchMajor<'_>,
        t: usize,
        block: &Block,
        spare: Spare,
    ) {
        let (width, n, n_trials) = (self.width, batch.n, block.trials.len());
        let stride = batch.n_steps * n;
        let start = block.trials.start * stride + t * n;
        for v in 0..self.vectors {
            let numbers = &mut self.numbers_mut(to, v)[first * width..(first + n) * width];
            for lane in 0..width {
                let trial = v * width + lane;
                let at = start + trial.min(n_trials - 1) * stride;
                let row = &batch.data[at..at + n];
                if trial < n_trials || matches!(spare, Spare::Last) {
                    for (lanes, number) in numbers.chunks_exact_mut(width).zip(row) {
                        lanes[lane] = *number;
                    }
                } else {
                    numbers.chunks_exact_mut(width).for_each(|lanes| lanes[lane] = 0.0);
                }
            }
        }
    }

    /// Takes the trials of a block for all steps from batch-major numbers `[n_batch, n_steps, n]`, into the steps from `to` on and
    /// the rows from `first` on. Lanes without a trial get what `spare` says.
    pub(in crate::dynamics) fn gather_all(
        &mut self,
        to: usize,
        first: usize,
        batch: &BatchMajor<'_>,
        block: &Block,
        spare: Spare,
    ) {
        let (width, n, n_trials) = (self.width, batch.n, block.trials.len());
        let stride = batch.n_steps * n;
        for v in 0..self.vectors {
            for from in (0..stride).step_by(LINE) {
                // A line of each trial, and then from these the lanes: far quicker than number by number.
                let length = LINE.min(stride - from);
                let mut lines = [[0.0; LINE]; LINE];
                for (lane, line) in lines.iter_mut().enumerate().take(width) {
                    let trial = v * width + lane;
                    if trial < n_trials || matches!(spare, Spare::Last) {
                        let at = (block.trials.start + trial.min(n_trials - 1)) * stride + from;
                        line[..length].copy_from_slice(&batch.data[at..at + length]);
                    }
                }
                for column in 0..length {
                    let (t, row) = ((from + column) / n, first + (from + column) % n);
                    let lanes = &mut self.numbers_mut(to + t, v)[row * width..(row + 1) * width];
                    lanes.iter_mut().zip(&lines).for_each(|(number, line)| *number = line[column]);
                }
            }
        }
    }

    /// Gives steps of the block's trials, the first so many, to batch-major numbers of this block alone, `[n_trials, n_steps, n]`,
    /// as steps from `t` on.
    pub(in crate::dynamics) fn scatter_all(&self, count: usize, batch: &mut [f32], n_steps: usize, t: usize) {
        let (width, n) = (self.width, self.n_rows);
        for (v, trials) in batch.chunks_mut((width * n_steps * n).max(1)).enumerate() {
            for from in (0..count * n).step_by(LINE) {
                let length = LINE.min(count * n - from);
                let mut lines = [[0.0; LINE]; LINE];
                for column in 0..length {
                    let (step, row) = ((from + column) / n, (from + column) % n);
                    let lanes = &self.numbers(step, v)[row * width..(row + 1) * width];
                    lanes.iter().zip(&mut lines).for_each(|(number, line)| line[column] = *number);
                }
                for (trial, line) in trials.chunks_exact_mut(n_steps * n).zip(&lines) {
                    trial[t * n + from..][..length].copy_from_slice(&line[..length]);
                }
            }
        }
    }

    /// Gives the first `n` rows of one step of the block's trials, or of those in some lanes only, to batch-major numbers of this block
    /// alone, `[n_trials, n_steps, n]`.
    pub(in crate::dynamics) fn scatter(
        &self,
        from: usize,
        n: usize,
        lanes: Option<&[bool]>,
        batch: &mut [f32],
        n_steps: usize,
        t: usize,
    ) {
        for (trial, rows) in batch.chunks_exact_mut((n_steps * n).max(1)).enumerate() {
            if lanes.is_some_and(|lanes| !lanes[trial]) {
                continue;
            }
            let (v, lane) = (trial / self.width, trial % self.width);
            let lanes = self.numbers(from, v).chunks_exact(self.width);
            for (to, lanes) in rows[t * n..(t + 1) * n].iter_mut().zip(lanes) {
                *to = lanes[lane];
            }
        }
    }

    /// As [`Steps::scatter`], of some rows only.
    pub(in crate::dynamics) fn scatter_rows(
        &self,
        from: usize,
        lanes: Option<&[bool]>,
        chosen: &[usize],
        batch: &mut [f32],
        n_steps: usize,
        t: usize,
    ) {
        let n = chosen.len();
        for (trial, rows) in batch.chunks_exact_mut((n_steps * n).max(1)).enumerate() {
            if lanes.is_some_and(|lanes| !lanes[trial]) {
                continue;
            }
            let (v, lane) = (trial / self.width, trial % self.width);
            let numbers = self.numbers(from, v);
            for (to, row) in rows[t * n..(t + 1) * n].iter_mut().zip(chosen) {
                *to = numbers[row * self.width + lane];
            }
        }
    }

    /// The rows of one step for each trial: `[n_trials, n_rows]`.
    pub(in crate::dynamics) fn by_trial(&self, t: usize, n_trials: usize) -> Array2<f32> {
        let at = |trial: usize, row: usize| self.numbers(t, trial / self.width)[row * self.width + trial % self.width];
        Array2::from_shape_fn((n_trials, self.n_rows), |(trial, row)| at(trial, row))
    }

    /// Sets the rows from `first` on of one step from rows for all trials `[1, n_rows]`, or for each `[n_batch, n_rows]`.
    pub(in crate::dynamics) fn set(&mut self, t: usize, first: usize, rows: &Array2<f32>, block: &Block) {
        for v in 0..self.vectors {
            let width = self.width;
            let numbers = self.numbers_mut(t, v)[first * width..].iter_mut().take(rows.ncols() * width);
            for (i, number) in numbers.enumerate() {
                let trial = (block.trials.start + v * width + i % width).min(block.trials.end - 1);
                *number = rows[[trial.min(rows.nrows() - 1), i / width]];
            }
        }
    }
}

/// What a lane without a trial gets.
#[derive(Clone, Copy, Debug)]
pub(in crate::dynamics) enum Spare {
    /// What the last trial has, so that nothing happens there that does not happen elsewhere.
    Last,
    /// Nothing.
    Zero,
}

/// Numbers `[n_batch, n_steps, n]` in standard layout.
pub(in crate::dynamics) struct BatchMajor<'a> {
    n_steps: usize,
    n: usize,
    data: Cow<'a, [f32]>,
}

impl<'a> BatchMajor<'a> {
    pub(in crate::dynamics) fn new(batch: &'a ArrayView3<'_, f32>) -> Self {
        let (_, n_steps, n) = batch.dim();
        let data = batch.as_slice().map_or_else(|| batch.iter().copied().collect(), Cow::Borrowed);
        Self { n_steps, n, data }
    }

    /// The numbers of steps and of numbers a step.
    pub(in crate::dynamics) fn dim(&self) -> (usize, usize) {
        (self.n_steps, self.n)
    }
}
