//! Products of weights with what is in the lanes, and sums over lanes and steps that give weight gradients.
//!
//! They are ours and not a matrix library's because of their shape: a step multiplies a small matrix, the same for all steps,
//! with two vectors of trials a unit. A general product packs both operands anew at each call, which takes longer than the
//! arithmetic; here the weights are packed once an update, and the operands lie as the registers want them.

#![allow(
    clippy::needless_range_loop,
    reason = "adapters of arrays are compiled anew for each height and register width: a tenth of the crate's compile time"
)]

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::lanes::{Registers, Steps, prefetch};

/// Rows of weights that are worked on at once at most, where there are 32 registers: with two vectors of trials they fill 24
/// of them with sums.
const TALL: usize = 12;

/// A matrix packed for products with lanes: panels of rows, each with its weights in the order of their use. It has one or
/// two parts side by side, for operands that lie in different places.
#[derive(Clone, Debug)]
pub(in crate::dynamics) struct Panels {
    data: Vec<f32>,
    /// Columns of the parts.
    depths: [usize; 2],
    panels: Vec<Panel>,
}

/// The first row, the number of rows, and where the weights start.
#[derive(Clone, Copy, Debug)]
struct Panel {
    row: usize,
    height: usize,
    start: usize,
}

/// Ranges as equal as possible, none longer than `most`.
fn balanced(n: usize, most: usize) -> impl Iterator<Item = Range<usize>> + Clone {
    let parts = n.div_ceil(most).max(1);
    (0..parts).map(move |part| part * n / parts..(part + 1) * n / parts)
}

impl Panels {
    /// A matrix with this number of rows and with columns in two parts, by its entries.
    pub(in crate::dynamics) fn pack(n_rows: usize, depths: [usize; 2], entry: impl Fn(usize, usize) -> f32) -> Self {
        let tall = if Registers::new().count >= 32 { TALL } else { TALL / 2 };
        let columns = depths[0] + depths[1];
        let mut data = Vec::with_capacity(n_rows * columns);
        let mut panels = Vec::new();
        for rows in balanced(n_rows, tall) {
            panels.push(Panel { row: rows.start, height: rows.len(), start: data.len() });
            for column in 0..columns {
                data.extend(rows.clone().map(|row| entry(row, column)));
            }
        }
        Self { data, depths, panels }
    }
}

/// `to = W₁ x₁ + W₂ x₂`, or `to += …`, for one step: `to`, `x₁` and `x₂` are steps, with their number in each.
pub(in crate::dynamics) struct Product<'a> {
    pub(in crate::dynamics) panels: &'a Panels,
    pub(in crate::dynamics) x: [(&'a Steps, usize); 2],
    pub(in crate::dynamics) to: (&'a mut Steps, usize),
    /// Whether it is added to what is there.
    pub(in crate::dynamics) add: bool,
    /// What is read or written next: it comes into the first cache meanwhile.
    pub(in crate::dynamics) soon: Option<(&'a Steps, usize)>,
    pub(in crate::dynamics) vectors: usize,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { panels, x: [(x1, t1), (x2, t2)], to: (to, t), add, soon, vectors } = self;
        let soon = |v: usize| soon.map_or(&[][..], |(soon, t)| soon.slab::<S>(t, v));
        if vectors == 2 {
            let x = [x1.slab::<S>(t1, 0), x1.slab::<S>(t1, 1), x2.slab::<S>(t2, 0), x2.slab::<S>(t2, 1)];
            multiply(simd, panels, [[x[0], x[1]], [x[2], x[3]]], to.slabs_mut::<S>(t), add, [soon(0), soon(1)]);
        } else {
            let x = [[x1.slab::<S>(t1, 0)], [x2.slab::<S>(t2, 0)]];
            multiply(simd, panels, x, [to.slab_mut::<S>(t, 0)], add, [soon(0)]);
        }
    }
}

#[inline(always)]
fn multiply<S: Simd, const V: usize>(
    simd: S,
    panels: &Panels,
    x: [[&[S::f32s]; V]; 2],
    mut to: [&mut [S::f32s]; V],
    add: bool,
    soon: [&[S::f32s]; V],
) {
    let n_panels = panels.panels.len();
    for (i, &panel) in panels.panels.iter().enumerate() {
        let weights = &panels.data[panel.start..];
        let mut ahead = soon;
        for v in 0..V {
            ahead[v] = &soon[v][i * soon[v].len() / n_panels..(i + 1) * soon[v].len() / n_panels];
        }
        macro_rules! by_height {
            ($($height:literal)+) => {
                match panel.height {
                    $($height => {
                        let to = Rows { rows: &mut to, first: panel.row };
                        multiply_panel::<S, V, $height>(simd, weights, panels.depths, x, to, add, ahead);
                    })+
                    _ => {}
                }
            };
        }
        if const { S::REGISTER_COUNT >= 32 } {
            by_height!(1 2 3 4 5 6 7 8 9 10 11 12);
        } else {
            by_height!(1 2 3 4 5 6);
        }
    }
}

/// Rows of a step from one on, in each of its slabs.
struct Rows<'a, 'b, T, const V: usize> {
    rows: &'a mut [&'b mut [T]; V],
    first: usize,
}

#[inline(always)]
fn multiply_panel<S: Simd, const V: usize, const M: usize>(
    simd: S,
    weights: &[f32],
    depths: [usize; 2],
    x: [[&[S::f32s]; V]; 2],
    to: Rows<'_, '_, S::f32s, V>,
    add: bool,
    soon: [&[S::f32s]; V],
) {
    let mut sums = [[simd.splat_f32s(0.0); V]; M];
    if add {
        for v in 0..V {
            let rows = &to.rows[v][to.first..to.first + M];
            for m in 0..M {
                sums[m][v] = rows[m];
            }
        }
    }
    let (weights, _) = weights.as_chunks::<M>();
    let (first, second) = weights.split_at(depths[0]);
    for (weights, mut x) in [(first, x[0]), (&second[..depths[1]], x[1])] {
        for v in 0..V {
            x[v] = &x[v][..weights.len()];
        }
        // Whatever the number of vectors, so that a trial's numbers do not depend on how many others are beside it.
        if M <= 4 {
            // Few sums would wait for each other: every other column has sums of its own.
            let mut others = [[simd.splat_f32s(0.0); V]; M];
            let mut k = 0;
            while k + 1 < weights.len() {
                accumulate(simd, &mut sums, &weights[k], &x, k);
                accumulate(simd, &mut others, &weights[k + 1], &x, k + 1);
                k += 2;
            }
            if k < weights.len() {
                accumulate(simd, &mut sums, &weights[k], &x, k);
            }
            for m in 0..M {
                for v in 0..V {
                    sums[m][v] = simd.add_f32s(sums[m][v], others[m][v]);
                }
            }
        } else {
            for k in 0..weights.len() {
                // One after the other: a core waits for few at a time.
                for v in 0..V {
                    if let Some(soon) = soon[v].get(k) {
                        prefetch(soon);
                    }
                }
                accumulate(simd, &mut sums, &weights[k], &x, k);
            }
        }
    }
    for v in 0..V {
        let rows = &mut to.rows[v][to.first..to.first + M];
        for m in 0..M {
            rows[m] = sums[m][v];
        }
    }
}

/// Adds column `k` of the weights times row `k` of `x`.
#[inline(always)]
fn accumulate<S: Simd, const V: usize, const M: usize>(
    simd: S,
    sums: &mut [[S::f32s; V]; M],
    weights: &[f32; M],
    x: &[&[S::f32s]; V],
    k: usize,
) {
    let mut row = [simd.splat_f32s(0.0); V];
    for v in 0..V {
        row[v] = x[v][k];
    }
    for m in 0..M {
        let weight = simd.splat_f32s(weights[m]);
        for v in 0..V {
            sums[m][v] = simd.mul_add_e_f32s(weight, row[v], sums[m][v]);
        }
    }
}

/// Rows of a tile of either operand: as many sums as fit into the registers, beside a row of each.
fn tile<S: Simd>() -> [usize; 2] {
    if S::REGISTER_COUNT >= 32 { [8, 3] } else { [3, 3] }
}

/// `to[i, j] += Σ a[t][i] b[t][j]` over steps and lanes: weight gradients. The operands are in several places, one below the other,
/// each with its range of steps, all of the same length. `to` has the numbers `[i, j]`, row by row.
pub(in crate::dynamics) struct AddOuter<'a, const A: usize> {
    pub(in crate::dynamics) a: [(&'a Steps, Range<usize>); A],
    pub(in crate::dynamics) b: [(&'a Steps, Range<usize>); 2],
    pub(in crate::dynamics) to: &'a mut [f32],
}

impl<const A: usize> WithSimd for AddOuter<'_, A> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { a, b, to } = self;
        let ([tall, wide], n_columns) = (tile::<S>(), b[0].0.n_rows + b[1].0.n_rows);
        let mut first_row = 0;
        for (a, steps) in &a {
            // What a tile has of `a` stays in the first cache.
            for rows in balanced(a.n_rows, tall) {
                let mut first_column = 0;
                for (b, others) in &b {
                    for columns in balanced(b.n_rows, wide) {
                        let (a, b) = (a.slabs::<S>(steps.clone()), b.slabs::<S>(others.clone()));
                        let (i, j) = (rows.start, columns.start);
                        let to = &mut to[(first_row + i) * n_columns + first_column + j..];
                        macro_rules! by_size {
                            ($($height:literal)+) => {
                                match (rows.len(), columns.len()) {
                                    $(
                                        ($height, 1) => add_tile::<S, $height, 1>(simd, (a, i), (b, j), to, n_columns),
                                        ($height, 2) => add_tile::<S, $height, 2>(simd, (a, i), (b, j), to, n_columns),
                                        ($height, 3) => add_tile::<S, $height, 3>(simd, (a, i), (b, j), to, n_columns),
                                    )+
                                    _ => {}
                                }
                            };
                        }
                        if const { S::REGISTER_COUNT >= 32 } {
                            by_size!(1 2 3 4 5 6 7 8);
                        } else {
                            by_size!(1 2 3);
                        }
                    }
                    first_column += b.n_rows;
                }
            }
            first_row += a.n_rows;
        }
    }
}

/// Adds a tile: of the slabs of `a` and `b` the rows from `i` and from `j` on.
#[inline(always)]
fn add_tile<'a, S: Simd, const I: usize, const J: usize>(
    simd: S,
    (a, i): (impl Iterator<Item = &'a [S::f32s]>, usize),
    (b, j): (impl Iterator<Item = &'a [S::f32s]>, usize),
    to: &mut [f32],
    n_columns: usize,
) {
    let mut sums = [[simd.splat_f32s(0.0); J]; I];
    for (a, b) in a.zip(b) {
        if let (Some(rows), Some(columns)) = (a[i..].first_chunk::<I>(), b[j..].first_chunk::<J>()) {
            for n in 0..I {
                for m in 0..J {
                    sums[n][m] = simd.mul_add_e_f32s(rows[n], columns[m], sums[n][m]);
                }
            }
        }
    }
    for n in 0..I {
        for m in 0..J {
            to[n * n_columns + m] += simd.reduce_sum_f32s(sums[n][m]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamics::kernel::lanes::{Block, Pool, dispatch};
    use crate::random::Seed;
    use proptest::prelude::*;

    /// Steps of random numbers, and how to read them: by step, row and lane.
    fn random(block: &Block, n_steps: usize, n_rows: usize, seed: u64) -> Steps {
        let mut rng = Seed(seed).stream(0);
        let mut steps = Steps::unwritten(&Pool::default(), block, n_steps, n_rows);
        for t in 0..n_steps {
            for v in 0..block.vectors {
                steps.numbers_mut(t, v).iter_mut().for_each(|number| *number = rng.normal(0.0, 1.0));
            }
        }
        steps
    }

    fn at(steps: &Steps, block: &Block, t: usize, row: usize, lane: usize) -> f64 {
        f64::from(steps.numbers(t, lane / block.width)[row * block.width + lane % block.width])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn products_are_those_of_the_definition(
            n_rows in 1_usize..40, depths in [0_usize..40, 1_usize..5], n_batch in 1_usize..70, add: bool, seed: u64,
        ) {
            let mut rng = Seed(seed).stream(1);
            let weights: Vec<f32> = (0..n_rows * (depths[0] + depths[1])).map(|_| rng.normal(0.0, 1.0)).collect();
            let panels = Panels::pack(n_rows, depths, |row, column| weights[row * (depths[0] + depths[1]) + column]);
            for block in Block::partition(n_batch) {
                // The second operand has more rows than the product takes.
                let x = [random(&block, 2, depths[0], seed), random(&block, 3, depths[1] + 1, seed ^ 1)];
                let mut to = random(&block, 2, n_rows, seed ^ 2);
                let before = random(&block, 2, n_rows, seed ^ 2);
                let vectors = block.vectors;
                dispatch(Product { panels: &panels, x: [(&x[0], 1), (&x[1], 2)], to: (&mut to, 1), add, soon: Some((&x[1], 1)), vectors });
                for row in 0..n_rows {
                    for lane in 0..block.lanes() {
                        let start = if add { at(&before, &block, 1, row, lane) } else { 0.0 };
                        let sum = (0..depths[0] + depths[1]).fold(start, |sum, column| {
                            let x = match column.checked_sub(depths[0]) {
                                None => at(&x[0], &block, 1, column, lane),
                                Some(column) => at(&x[1], &block, 2, column, lane),
                            };
                            sum + f64::from(weights[row * (depths[0] + depths[1]) + column]) * x
                        });
                        prop_assert!((at(&to, &block, 1, row, lane) - sum).abs() < 1e-4, "{row} {lane}");
                        prop_assert_eq!(at(&to, &block, 0, row, lane), at(&before, &block, 0, row, lane));
                    }
                }
            }
        }

        #[test]
        fn sums_over_lanes_and_steps_are_those_of_the_definition(
            rows in [1_usize..30, 1_usize..4], columns in [1_usize..30, 1_usize..4], n_steps in 1_usize..20, seed: u64,
        ) {
            for block in Block::partition(20) {
                let a = [random(&block, n_steps + 1, rows[0], seed), random(&block, n_steps, rows[1], seed ^ 1)];
                let b = [random(&block, n_steps, columns[0], seed ^ 2), random(&block, n_steps + 2, columns[1], seed ^ 3)];
                let (n_rows, n_columns) = (rows[0] + rows[1], columns[0] + columns[1]);
                let mut to = vec![1.0; n_rows * n_columns];
                dispatch(AddOuter {
                    a: [(&a[0], 1..n_steps + 1), (&a[1], 0..n_steps)],
                    b: [(&b[0], 0..n_steps), (&b[1], 2..n_steps + 2)],
                    to: &mut to,
                });
                for (i, found) in to.iter().enumerate() {
                    let (row, column) = (i / n_columns, i % n_columns);
                    let mut sum = 1.0;
                    for t in 0..n_steps {
                        for lane in 0..block.lanes() {
                            let of_a = match row.checked_sub(rows[0]) {
                                None => at(&a[0], &block, t + 1, row, lane),
                                Some(row) => at(&a[1], &block, t, row, lane),
                            };
                            sum += of_a * match column.checked_sub(columns[0]) {
                                None => at(&b[0], &block, t, column, lane),
                                Some(column) => at(&b[1], &block, t + 2, column, lane),
                            };
                        }
                    }
                    prop_assert!((f64::from(*found) - sum).abs() < 1e-3, "{row} {column}");
                }
            }
        }
    }
}
