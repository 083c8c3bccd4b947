//! Cycles of a few steps, against those of networks whose cycles are known.

use std::fs::File;

use ndarray::{Array2, Array3, Axis, arr2};
use ndarray_npy::NpzReader;
use psychrnn::analysis::{CycleSet, Cycles};
use psychrnn::dynamics::{LeakyForm, LeakyUnits};
use psychrnn::prelude::*;
use psychrnn::threads::with_threads;

use crate::numbers::data;

fn simulator(name: &str) -> Simulator {
    Simulator::load(data(&format!("analysis/{name}.npz"))).unwrap()
}

/// How far two rounds are from each other, wherever they begin.
fn distance(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    let turned = |by: usize| {
        let rows = (0..a.nrows()).map(|row| &a.row(row) - &b.row((row + by) % b.nrows()));
        rows.map(|row| row.fold(0.0_f64, |most, far| most.max(far.abs()))).fold(0.0, f64::max)
    };
    (0..a.nrows()).map(turned).fold(f64::INFINITY, f64::min)
}

#[test]
fn all_cycles_of_small_networks_are_found_and_none_besides() {
    for (name, longest) in [("cycles_relu2", 6), ("cycles_relu3", 5)] {
        let set = Cycles::default().periods(1..=longest).of(&simulator(name), None).unwrap();
        assert!(set.proved && !set.interrupted);
        let mut truth = NpzReader::new(File::open(data(&format!("analysis/{name}.truth.npz"))).unwrap()).unwrap();
        for period in 1..=longest {
            let theirs: Array3<f64> = truth.by_name(&format!("cycles_{period}")).unwrap();
            let multipliers: Array3<f64> = truth.by_name(&format!("multipliers_{period}")).unwrap();
            let ours: Vec<_> = set.cycles.iter().filter(|cycle| cycle.period() == period).collect();
            assert_eq!(ours.len(), theirs.len_of(Axis(0)), "{name}, period {period}");
            for (states, multipliers) in theirs.outer_iter().zip(multipliers.outer_iter()) {
                let states = states.to_owned();
                let nearest =
                    ours.iter().min_by(|a, b| distance(&a.states, &states).total_cmp(&distance(&b.states, &states)));
                let nearest = nearest.unwrap();
                assert!(distance(&nearest.states, &states) < 1e-9, "{name}, period {period}");
                let largest = multipliers.outer_iter().map(|z| z[0].hypot(z[1])).fold(0.0, f64::max);
                assert!((nearest.multipliers[0].norm() - largest).abs() < 1e-8 * (1.0 + largest), "{name}, {period}");
            }
        }
        assert!(set.cycles.windows(2).all(|pair| pair[0].period() <= pair[1].period()));
        assert!(set.cycles.iter().all(|cycle| cycle.residual < 1e-12 && !cycle.on_boundary));
        assert_eq!(set.table().n_rows(), set.cycles.len());
    }
}

/// What is searched for from states finds them, too, and the same with any number of threads.
#[test]
fn newton_finds_cycles_that_are_not_enumerated() {
    let simulator = simulator("cycles_relu3");
    // Eight units, five of which do nothing, have too many sequences.
    let mut weights = Weights::new();
    let small = Weights::load(data("analysis/cycles_relu3.npz")).unwrap();
    for name in ["W_rec", "W_in", "W_out", "b_rec", "b_out", "init_state"] {
        let array = small.array(name).unwrap();
        let shape: Vec<usize> = array.shape().iter().map(|&n| if n == 3 { 8 } else { n }).collect();
        let mut larger = ndarray::ArrayD::zeros(shape);
        larger.slice_each_axis_mut(|axis| (0..array.len_of(axis.axis)).into()).assign(array);
        weights.insert(name, larger);
    }
    let larger = Simulator::new(&weights, simulator.constants()).unwrap();
    let search = Cycles::default().periods(2..=3).seed(1);
    let [one, two]: [CycleSet; 2] = [1, 2].map(|n| with_threads(n, || search.of(&larger, None).unwrap()));
    assert_eq!(one, two);
    assert!(!one.proved);
    let known = Cycles::default().periods(2..=3).of(&simulator, None).unwrap();
    let has = |cycle: &psychrnn::analysis::Cycle| {
        one.cycles.iter().any(|found| {
            found.period() == cycle.period()
                && distance(&found.states.slice(ndarray::s![.., ..3]).to_owned(), &cycle.states) < 1e-9
        })
    };
    assert_eq!(known.cycles.iter().filter(|cycle| has(cycle)).count(), one.cycles.len());
    assert!(one.cycles.len() >= 2, "{one:?}");
}

/// A unit with a tanh that inhibits itself strongly goes to and fro between `x` and `-x`, where `x = -w tanh(x)`.
#[test]
fn a_smooth_unit_that_inhibits_itself_alternates() {
    let mut weights = Weights::new();
    for (name, value) in [("W_in", 1.0), ("W_rec", -2.0), ("W_out", 1.0)] {
        weights.insert(name, arr2(&[[value]]));
    }
    weights.insert("b_rec", ndarray::arr1(&[0.0]));
    weights.insert("b_out", ndarray::arr1(&[0.0]));
    weights.insert("init_state", arr2(&[[0.3]]));
    let simulator = Simulator::new(&weights, LeakyUnits::new(10.0, 10.0).transfer(Transfer::Tanh)).unwrap();
    let set = Cycles::default().of(&simulator, None).unwrap();
    assert_eq!(set.cycles.len(), 1, "{set:?}");
    let cycle = &set.cycles[0];
    let x: f64 = cycle.states[[1, 0]];
    assert!((x - 2.0 * x.tanh()).abs() < 1e-12 && (cycle.states[[0, 0]] + x).abs() < 1e-12 && cycle.is_stable());
    assert!((cycle.multipliers[0].re - (2.0 / x.cosh().powi(2)).powi(2)).abs() < 1e-12);
    assert!(!set.proved);
    // Shorter steps do not leap over the fixed point.
    let simulator = Simulator::new(&weights, LeakyUnits::new(1.0, 10.0).transfer(Transfer::Tanh)).unwrap();
    assert!(Cycles::default().of(&simulator, None).unwrap().cycles.is_empty());
    for wrong in [(0, 2), (3, 2), (2, 9)].map(|(first, last)| first..=last) {
        assert!(Cycles::default().periods(wrong).of(&simulator, None).unwrap_err().to_string().contains("periods"));
    }
}

/// A rectified unit that silences itself, in the rate form: `r' = [1 - 2 r]₊`; and two that do so in turn, in shorter steps.
#[test]
fn rates_alternate() {
    let of = |recurrent: Array2<f32>, dt: f32| {
        let n = recurrent.nrows();
        let mut weights = Weights::new();
        weights.insert("W_rec", recurrent);
        weights.insert("W_in", Array2::<f32>::ones((n, 1)));
        weights.insert("W_out", Array2::<f32>::ones((1, n)));
        weights.insert("b_rec", ndarray::Array1::<f32>::ones(n));
        weights.insert("b_out", ndarray::arr1(&[0.0]));
        weights.insert("init_state", Array2::<f32>::zeros((1, n)));
        let simulator = Simulator::new(&weights, LeakyUnits::new(dt, 10.0).form(LeakyForm::Rate)).unwrap();
        Cycles::default().of(&simulator, None).unwrap()
    };
    let set = of(arr2(&[[-2.0]]), 10.0);
    assert!(set.proved && set.cycles.len() == 1, "{set:?}");
    assert_eq!(set.cycles[0].states, arr2(&[[0.0], [1.0]]));
    assert!(set.cycles[0].is_stable() && set.cycles[0].outputs == arr2(&[[0.0], [1.0]]));
    let set = of(arr2(&[[-6.0, 0.5], [0.5, -6.0]]), 8.0);
    assert!(set.proved && !set.cycles.is_empty());
    for cycle in &set.cycles {
        for (state, next) in cycle.states.outer_iter().zip(cycle.states.outer_iter().cycle().skip(1)) {
            let current = |unit: usize| 1.0 - 6.0 * state[unit] + 0.5 * state[1 - unit];
            let far = |unit: usize| 0.2 * state[unit] + 0.8 * current(unit).max(0.0) - next[unit];
            assert!((0..2).all(|unit| far(unit).abs() < 1e-6), "{cycle:?}");
        }
    }
}
