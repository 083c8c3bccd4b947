//! Branches of fixed points against folds computed elsewhere, theory, and searches at other values of the number.

use std::f64::consts::PI;
use std::fs::File;

use ndarray::{Array, Array1, Array2, ArrayView1, Dimension, Ix1, Ix2, OwnedRepr, arr2, array};
use ndarray_npy::NpzReader;
use psychrnn::analysis::{BifurcationKind, Branch, BranchEnd, Branches, FixedPointSet, FixedPoints};
use psychrnn::prelude::*;
use psychrnn::threads::with_threads;

use crate::numbers::data;

/// An array of what is known of a network.
fn truth<D: Dimension>(network: &str, name: &str) -> Array<f64, D> {
    let file = File::open(data(&format!("analysis/{network}.truth.npz"))).unwrap();
    NpzReader::new(file).unwrap().by_name::<OwnedRepr<f64>, D>(name).unwrap()
}

fn simulator(network: &str) -> Simulator {
    Simulator::load(data(&format!("analysis/{network}.npz"))).unwrap()
}

/// The fixed points of a network at the first input of its truth.
fn points(network: &str) -> FixedPointSet {
    let inputs: Array2<f64> = truth(network, "inputs");
    FixedPoints::default().input(&inputs.row(0).to_vec()).of(&simulator(network), None).unwrap()
}

/// A network with these recurrent weights and a first input to all units.
fn network(recurrent: Array2<f32>, transfer: Transfer) -> Simulator {
    let n = recurrent.nrows();
    let mut weights = Weights::new();
    weights.insert("W_rec", recurrent);
    weights.insert("W_in", Array2::<f32>::ones((n, 1)));
    weights.insert("W_out", Array2::<f32>::eye(n));
    weights.insert("b_rec", Array1::<f32>::zeros(n));
    weights.insert("b_out", Array1::<f32>::zeros(n));
    weights.insert("init_state", Array2::<f32>::zeros((1, n)));
    Simulator::new(&weights, LeakyUnits::new(10.0, 100.0).transfer(transfer)).unwrap()
}

fn far(a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>) -> f64 {
    (&a - &b).fold(0.0, |most: f64, x| most.max(x.abs()))
}

/// The states of all branches that lead to this end of the range.
fn ends_at(branches: &Branches, s: f64) -> Vec<Array1<f64>> {
    let of = |branch: &Branch| {
        let places = [0, branch.s.len() - 1].into_iter().filter(|&place| (branch.s[place] - s).abs() < 1e-12);
        places.map(|place| branch.states.row(place).to_owned()).collect::<Vec<_>>()
    };
    branches.branches.iter().flat_map(of).collect()
}

/// Each of the states is one of these points, and each is another one.
fn assert_among(what: &str, states: &[Array1<f64>], points: &[Array1<f64>]) {
    let mut met = vec![false; points.len()];
    for state in states {
        let found = points.iter().position(|point| far(point.view(), state.view()) < 1e-9);
        let found = found.unwrap_or_else(|| panic!("{what}: {state} is no fixed point"));
        assert!(!std::mem::replace(&mut met[found], true), "{what}: two branches end at {state}");
    }
}

#[test]
fn folds_are_where_they_were_computed_elsewhere() {
    for (name, most) in [("one_tanh", 3.0), ("bistable2_tanh", 3.0), ("flipflop24_tanh", 1.0)] {
        let direction: Array1<f64> = truth(name, "fold_direction");
        let branches = points(name).along(&direction.to_vec(), -most..most).unwrap();
        let (s, x): (Array1<f64>, Array2<f64>) = (truth(name, "fold_s"), truth(name, "fold_x"));
        let folds: Vec<_> = branches.of_kind(BifurcationKind::Fold).collect();
        println!("{name}\n{}", branches.table());
        assert_eq!(folds.len(), s.len(), "{name}: {folds:?}");
        for (s, x) in s.iter().zip(x.outer_iter()) {
            let nearest = folds.iter().map(|fold| (fold.s - s).abs().max(far(fold.state.view(), x)));
            let nearest = nearest.fold(f64::INFINITY, f64::min);
            println!("{name}: fold at {s}: {nearest:.1e} away");
            assert!(nearest < 1e-7, "{name}: the fold at {s} is {nearest} away");
        }
        assert_eq!(branches.bifurcations.len(), folds.len(), "{name}");
        assert!(branches.branches.iter().all(|branch| branch.ends == [BranchEnd::Out; 2]), "{name}");
    }
}
