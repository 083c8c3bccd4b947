//! Which of so many things belongs to which of as many others.

use ndarray::Array2;

/// For each row of a square matrix of costs the column that it is matched with, such that the sum of costs is the smallest possible: the
/// Hungarian method by shortest augmenting paths, in `n³` steps.
pub(super) fn matching(cost: &Array2<f64>) -> Vec<usize> {
    let n = cost.nrows();
    // Prices of rows and columns; column `n` stands for none, as the row that is being matched begins there.
    let (mut of_row, mut of_column, mut row_of) = (vec![0.0; n], vec![0.0; n + 1], vec![usize::MAX; n + 1]);
    for new in 0..n {
        row_of[n] = new;
        let (mut from, mut slack, mut seen) = (vec![n; n], vec![f64::INFINITY; n], vec![false; n + 1]);
        let mut column = n;
        while row_of[column] != usize::MAX {
            seen[column] = true;
            let row = row_of[column];
            let (mut least, mut next) = (f64::INFINITY, n);
            for other in (0..n).filter(|&other| !seen[other]) {
                let reduced = cost[[row, other]] - of_row[row] - of_column[other];
                if reduced < slack[other] {
                    (slack[other], from[other]) = (reduced, column);
                }
                if slack[other] < least {
                    (least, next) = (slack[other], other);
                }
            }
            for other in 0..=n {
                if seen[other] {
                    of_row[row_of[other]] += least;
                    of_column[other] -= least;
                } else {
                    slack[other] -= least;
                }
            }
            column = next;
        }
        // Back along the path, each column takes the row of the one before it.
        while column != n {
            row_of[column] = row_of[from[column]];
            column = from[column];
        }
    }
    let mut columns = vec![0; n];
    row_of.iter().take(n).enumerate().for_each(|(column, &row)| columns[row] = column);
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;

    /// The smallest sum over all permutations.
    fn smallest(cost: &Array2<f64>, row: usize, taken: &mut Vec<usize>) -> f64 {
        if row == cost.nrows() {
            return 0.0;
        }
        let mut least = f64::INFINITY;
        for column in 0..cost.ncols() {
            if !taken.contains(&column) {
                taken.push(column);
                least = least.min(cost[[row, column]] + smallest(cost, row + 1, taken));
                taken.pop();
            }
        }
        least
    }

    #[test]
    fn it_is_the_best_of_all_permutations() {
        let mut rng = Seed(1).stream(0);
        for case in 0..200 {
            let n = case % 7;
            // Some with ties.
            let mut number = || if case % 2 == 0 { rng.uniform(-1.0, 1.0) } else { rng.index(3) as f32 };
            let cost = Array2::from_shape_simple_fn((n, n), || f64::from(number()));
            let matched = matching(&cost);
            let sum: f64 = matched.iter().enumerate().map(|(row, &column)| cost[[row, column]]).sum();
            let mut columns = matched.clone();
            columns.sort_unstable();
            assert_eq!(columns, (0..n).collect::<Vec<_>>());
            assert!((sum - smallest(&cost, 0, &mut Vec::new())).abs() < 1e-12, "{cost}");
        }
    }
}
