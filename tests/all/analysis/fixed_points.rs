//! Fixed points against those of networks whose fixed points are known.

use std::fs::File;
use std::path::PathBuf;

use ndarray::{Array1, Array2, Array3, Ix1, Ix2, arr2, s};
use ndarray_npy::NpzReader;
use psychrnn::analysis::{Completeness, FixedPointSet, FixedPoints, Kind};
use psychrnn::dynamics::LeakyUnits;
use psychrnn::prelude::*;
use psychrnn::threads::with_threads;

use crate::numbers::data;

/// What is known of a network.
struct Truth(NpzReader<File>);

impl Truth {
    fn of(name: &str) -> Self {
        Self(NpzReader::new(File::open(data(&format!("analysis/{name}.truth.npz"))).unwrap()).unwrap())
    }

    fn matrix(&mut self, name: &str) -> Array2<f64> {
        self.0.by_name::<ndarray::OwnedRepr<f64>, Ix2>(name).unwrap()
    }

    fn vector(&mut self, name: &str) -> Array1<f64> {
        self.0.by_name::<ndarray::OwnedRepr<f64>, Ix1>(name).unwrap()
    }

    fn whole(&mut self, name: &str) -> Array1<i64> {
        self.0.by_name::<ndarray::OwnedRepr<i64>, Ix1>(name).unwrap()
    }
}

fn simulator(name: &str) -> Simulator {
    Simulator::load(data(&format!("analysis/{name}.npz"))).unwrap()
}

/// The set at each input of a fixture.
fn sets(name: &str, truth: &mut Truth, session: Option<&Session>) -> Vec<FixedPointSet> {
    let inputs = truth.matrix("inputs");
    FixedPoints::default().of_each(inputs.outer_iter().map(|input| input.to_vec()), &simulator(name), session).unwrap()
}

/// Each true point is found, none besides, with its index, its modes and its outputs.
fn assert_found(name: &str, k: usize, truth: &mut Truth, set: &FixedPointSet) {
    let points = truth.matrix(&format!("fixed_points_{k}"));
    let what = format!("{name}, input {k}: {}", set.completeness);
    assert_eq!(set.points.len(), points.nrows(), "{what}");
    let index = truth.whole(&format!("index_{k}"));
    for (row, point) in points.outer_iter().enumerate() {
        let distance =
            |place: &usize| (&set.points[*place].state - &point).mapv(f64::abs).fold(0.0, |a: f64, &b| a.max(b));
        let nearest = (0..set.points.len()).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap();
        assert!(distance(&nearest) < 1e-9, "{what}: {} from point {row}", distance(&nearest));
        let found = &set.points[nearest];
        assert_eq!(i64::from(found.index), index[row], "{what}");
        assert!(found.residual < 1e-12 * 10.0 && !found.on_boundary, "{what}: {found:?}");
    }
    assert_eq!(set.index_sum(), index.sum(), "{what}");
}

const SMALL: [&str; 7] =
    ["one_tanh", "bistable2_tanh", "product6_tanh", "sigmoid5_tau", "softplus2_tau", "relu7", "relu6_unbounded"];

#[test]
fn every_fixed_point_of_small_networks_is_found() {
    for name in SMALL {
        let mut truth = Truth::of(name);
        for (k, set) in sets(name, &mut truth, None).iter().enumerate() {
            assert_found(name, k, &mut truth, set);
            let proved = !["product6_tanh", "sigmoid5_tau"].contains(&name);
            assert_eq!(set.completeness == Completeness::Proved, proved, "{name}: {}", set.completeness);
            let unstable = truth.whole(&format!("n_unstable_flow_{k}"));
            let steps = truth.whole(&format!("n_unstable_map_{k}"));
            let mut ours: Vec<_> = set.points.iter().map(|p| (p.unstable as i64, p.unstable_steps as i64)).collect();
            let mut theirs: Vec<_> = unstable.into_iter().zip(steps).collect();
            (ours.sort_unstable(), theirs.sort_unstable());
            assert_eq!(ours, theirs, "{name}");
            assert!(set.points.iter().all(|point| point.certified.is_some_and(|radius| radius < 1e-10)), "{name}");
        }
    }
}

#[test]
fn every_fixed_point_of_trained_networks_is_found() {
    for name in ["flipflop24_tanh", "flipflop32_tanh", "flipflop40_relu", "line_tanh16"] {
        let mut truth = Truth::of(name);
        for (k, set) in sets(name, &mut truth, None).iter().enumerate() {
            assert_found(name, k, &mut truth, set);
            let Completeness::IndexConsistent { last_new, .. } = set.completeness else {
                panic!("{name}: {}", set.completeness)
            };
            assert!(last_new >= 3);
            assert!((set.estimated - set.points.len() as f64).abs() < 1.0, "{name}: {}", set.estimated);
        }
    }
}
