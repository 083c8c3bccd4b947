use ndarray::{Array1, Array2, Axis, array, s};
use num_complex::Complex64;

use super::*;
use crate::random::Seed;

fn random(n: usize) -> Array2<f64> {
    let mut rng = Seed(n as u64).stream(0);
    Array2::from_shape_simple_fn((n, n), || f64::from(rng.normal(0.0, 1.0)))
}

/// Of orthogonal matrices that are all equally likely the trace has mean 0 and variance 1, for any size above 1; those that a QR decomposition
/// gives by itself have another.
#[test]
fn random_orthogonal_matrices_are_all_equally_likely() {
    let mut rng = Seed(3).stream(0);
    for n in [2, 5] {
        let mut traces = Vec::new();
        for _ in 0..2000 {
            let q = random_orthonormal((n, n), &mut rng).unwrap();
            assert!((q.t().dot(&q) - Array2::<f64>::eye(n)).iter().all(|far| far.abs() < 1e-13));
            traces.push(q.diag().sum());
        }
        let mean = |of: &dyn Fn(f64) -> f64| traces.iter().map(|&trace| of(trace)).sum::<f64>() / 2000.0;
        assert!(mean(&|trace| trace).abs() < 0.1 && (mean(&|trace| trace * trace) - 1.0).abs() < 0.15);
    }
    let tall = random_orthonormal((6, 3), &mut rng).unwrap();
    assert!((tall.t().dot(&tall) - Array2::<f64>::eye(3)).iter().all(|far| far.abs() < 1e-13));
}

/// Some that are hard: with units that send nothing, of very different scales, of whole cycles, skew, symmetric, of rank 2, two of a kind mixed,
/// tiny, of one eigenvalue.
fn hard() -> Vec<Array2<f64>> {
    let mut silent = random(40) - Array2::<f64>::eye(40);
    (0..25).for_each(|unit| silent.column_mut(7 * unit % 40).fill(0.0));
    let scaled = Array2::from_shape_fn((30, 30), |(i, j)| 10_f64.powi(i as i32 % 7 - j as i32 % 7)) * random(30);
    let cycle = Array2::from_shape_fn((6, 6), |(i, j)| f64::from(u8::from(j == (i + 1) % 6)));
    let skew = random(21) - random(21).t();
    let symmetric = random(33) + random(33).t();
    let low = random(9).slice(s![.., ..2]).dot(&random(9).slice(s![..2, ..]));
    let mut twins = Array2::zeros((8, 8));
    twins.slice_mut(s![..4, ..4]).assign(&random(4));
    twins.slice_mut(s![4.., 4..]).assign(&random(4));
    let mix = random(8);
    let twins = Lu::of(mix.clone()).unwrap().inverse().dot(&twins).dot(&mix);
    let tiny = random(7) * 1e-150;
    vec![
        silent,
        scaled,
        cycle,
        symmetric,
        low,
        twins,
        tiny,
        skew,
        Array2::eye(4),
        Array2::zeros((3, 3)),
        Array2::zeros((0, 0)),
    ]
}

#[test]
fn triangular_factors_solve() {
    for n in [1, 2, 15, 16, 17, 50, 90] {
        let matrix = random(n);
        let lu = Lu::of(matrix.clone()).unwrap();
        let b = Array1::linspace(1.0, 2.0, n);
        assert!((matrix.dot(&lu.solve(b.view())) - &b).iter().all(|error| error.abs() < 1e-9));
        assert!((matrix.dot(&lu.inverse()) - Array2::<f64>::eye(n)).iter().all(|error| error.abs() < 1e-9));
        let product: Complex64 = eigenvalues(matrix.view()).unwrap().into_iter().product();
        assert_eq!(f64::from(lu.sign()), product.re.signum());
        assert_eq!(Lu::of(matrix.t().to_owned()).unwrap().sign(), lu.sign());
    }
}

#[test]
fn what_cannot_be_solved_is_none() {
    assert!(Lu::of(array![[1.0, 2.0], [2.0, 4.0]]).is_none());
    for wrong in [f64::NAN, f64::INFINITY] {
        for at in [[0, 0], [0, 19], [19, 0], [19, 19], [7, 3]] {
            let mut matrix = random(20);
            matrix[at] = wrong;
            assert!(Lu::of(matrix.clone()).is_none() && eigenvalues(matrix.view()).is_none());
            assert_eq!(norm(matrix.view()), f64::INFINITY);
        }
    }
}

#[test]
fn the_norm_is_the_largest_stretch() {
    assert!((norm(array![[3.0, 0.0], [4.0, 0.0], [0.0, 1.0]].view()) - 5.0).abs() < 1e-14);
    assert!((norm(array![[1e-200, 0.0], [0.0, -2e-200]].view()) / 2e-200 - 1.0).abs() < 1e-14);
    assert_eq!(norm(Array2::zeros((3, 2)).view()), 0.0);
}

#[test]
fn eigenvectors_are_what_the_matrix_stretches() {
    for matrix in [1, 2, 3, 4, 10, 60].map(random).into_iter().chain(hard()) {
        let Eigen { values, right, left } = Eigen::of(matrix.view()).unwrap();
        let complex = matrix.mapv(Complex64::from);
        let size = norm(matrix.view()).max(1.0);
        let identity = left.dot(&right) - Array2::<Complex64>::eye(values.len());
        let on_right = complex.dot(&right) - &right * &values;
        assert!(identity.iter().all(|error| error.norm() < 1e-11), "{matrix}");
        assert!(on_right.iter().all(|error| error.norm() < 1e-13 * size), "{matrix}");
        let on_left = left.dot(&complex) - &left * &values.view().insert_axis(Axis(1));
        for (errors, left) in on_left.outer_iter().zip(left.outer_iter()) {
            let condition = left.iter().map(Complex64::norm_sqr).sum::<f64>().sqrt();
            assert!(errors.iter().all(|error| error.norm() < 1e-12 * size * condition), "{matrix}");
        }
        let alone = eigenvalues(matrix.view()).unwrap();
        assert!(values.iter().all(|a| alone.iter().any(|b| (a - b).norm() < 1e-10 * size)));
        for pair in values.iter().zip(values.iter().skip(1)).filter(|(value, _)| value.im > 0.0) {
            assert_eq!(pair.0.conj(), *pair.1);
        }
    }
}

/// Two eigenvalues that coincide, of a chain of two units, have no left eigenvectors; the others have theirs.
#[test]
fn a_chain_spoils_no_others() {
    let mut matrix = Array2::<f64>::zeros((6, 6));
    matrix.slice_mut(s![2.., 2..]).assign(&random(4));
    (matrix[[0, 1]], matrix[[0, 3]], matrix[[4, 0]]) = (1.0, 0.5, 0.0);
    let mix = random(6);
    for matrix in [matrix.clone(), Lu::of(mix.clone()).unwrap().inverse().dot(&matrix).dot(&mix)] {
        let Eigen { values, left, .. } = Eigen::of(matrix.view()).unwrap();
        let on_left = left.dot(&matrix.mapv(Complex64::from)) - &left * &values.view().insert_axis(Axis(1));
        let size = norm(matrix.view());
        let length =
            |vector: ndarray::ArrayView1<'_, Complex64>| vector.iter().map(Complex64::norm_sqr).sum::<f64>().sqrt();
        let off = on_left.outer_iter().zip(left.outer_iter()).map(|(off, left)| length(off) / (length(left) * size));
        let others: Vec<f64> =
            values.iter().zip(off).filter(|(value, _)| value.norm() > 1e-3).map(|(_, off)| off).collect();
        assert!(others.len() == 4 && others.iter().all(|&off| off < 1e-12), "{others:?}");
    }
}

/// A chain of units each of which drives the next has one eigenvector, which is its own left one's opposite end.
#[test]
fn a_chain_has_no_left_eigenvectors() {
    let mut chain = Array2::<f64>::eye(5) * -1.0;
    (1..5).for_each(|unit| chain[[unit, unit - 1]] = 3.0);
    let Eigen { values, left, .. } = Eigen::of(chain.view()).unwrap();
    assert!(values.iter().all(|&value| value == Complex64::from(-1.0)));
    assert!(left.iter().all(|left| left.is_nan()));
}
