//! Branches of fixed points against folds computed elsewhere, theory, and searches at other values of the number.

use std::f64::consts::PI;
use std::fs::File;

use ndarray::{Array, Array1, Array2, ArrayView1, Dimension, OwnedRepr, arr2, array};
use ndarray_npy::NpzReader;
use psychrnn::analysis::{BifurcationKind, Branch, BranchEnd, Branches, FixedPointSet, FixedPoints};
use psychrnn::dynamics::LeakyUnits;
use psychrnn::prelude::*;
use psychrnn::threads::with_threads;

use super::figures::drawn;
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
        assert_eq!(folds.len(), s.len(), "{name}: {folds:?}");
        for (s, x) in s.iter().zip(x.outer_iter()) {
            let nearest = folds.iter().map(|fold| (fold.s - s).abs().max(far(fold.state.view(), x)));
            let nearest = nearest.fold(f64::INFINITY, f64::min);
            assert!(nearest < 1e-7, "{name}: the fold at {s} is {nearest} away");
        }
        assert_eq!(branches.bifurcations.len(), folds.len(), "{name}");
        assert!(branches.branches.iter().all(|branch| branch.ends == [BranchEnd::Out; 2]), "{name}");
    }
}

#[test]
fn branches_lead_to_the_fixed_points_at_other_inputs() {
    for (name, k) in [("flipflop40_relu", 1), ("lstm2", 1), ("relu7", 1), ("sigmoid5_tau", 1), ("flipflop32_tanh", 1)] {
        let inputs: Array2<f64> = truth(name, "inputs");
        let direction = (&inputs.row(k) - &inputs.row(0)).to_vec();
        let branches = points(name).along(&direction, 0.0..1.0).unwrap();
        let known: Array2<f64> = truth(name, &format!("fixed_points_{k}"));
        let known: Vec<_> = known.outer_iter().map(|point| point.to_owned()).collect();
        assert_among(name, &ends_at(&branches, 1.0), &known);
        assert_among(
            name,
            &ends_at(&branches, 0.0),
            &points(name).points.into_iter().map(|p| p.state).collect::<Vec<_>>(),
        );
    }
}

#[test]
fn branches_lead_to_the_fixed_points_of_other_weights() {
    let weights = arr2(&[[2.0, -0.5, 0.3], [-0.7, 1.5, -1.0], [0.4, -0.9, 1.8]]);
    for transfer in [Transfer::Tanh, Transfer::Relu, Transfer::RectifiedTanh, Transfer::Softplus] {
        // Those that do not level off would run away.
        let weaker = if matches!(transfer, Transfer::Relu | Transfer::Softplus) { 0.2 } else { 1.0 };
        let weights = weights.mapv(|weight: f32| weight * weaker);
        let simulator = network(weights.clone(), transfer.clone());
        let here = FixedPoints::default().input(&[0.1]).of(&simulator, None).unwrap();
        let branches = here.along_gain(0.5..2.0).unwrap();
        assert!(branches.branches.iter().all(|branch| branch.ends == [BranchEnd::Out; 2]), "{}", branches.table());
        let lesioned = simulator.clone().silence(0..1, ..);
        let others = [
            (branches, 2.0, network(weights.mapv(|weight| weight * 2.0), transfer.clone())),
            (here.towards(&lesioned, 0.0..1.0).unwrap(), 1.0, lesioned),
        ];
        for (branches, s, other) in others {
            let there = FixedPoints::default().input(&[0.1]).of(&other, None).unwrap();
            let known: Vec<_> = there.points.iter().map(|point| point.state.clone()).collect();
            assert_among(&format!("{transfer:?} at {s}"), &ends_at(&branches, s), &known);
            for branch in branches.branches.iter().filter(|branch| *branch.s.last().unwrap() == s) {
                let last = branch.states.row(branch.s.len() - 1);
                let point = there.points.iter().find(|point| far(point.state.view(), last) < 1e-9).unwrap();
                assert_eq!(*branch.unstable.last().unwrap(), point.unstable, "{transfer:?} at {s}");
            }
        }
    }
}

#[test]
fn oscillations_are_born_where_theory_says() {
    // The eigenvalues of the weights are a ± b i, so that with gain g those of the flow are (g a - 1 ± g b i) / τ.
    let simulator = network(arr2(&[[0.5, -2.0], [2.0, 0.5]]), Transfer::Tanh);
    let branches = FixedPoints::default().of(&simulator, None).unwrap().along_gain(0.1..4.0).unwrap();
    let [hopf] = &branches.bifurcations[..] else { panic!("{:?}", branches.bifurcations) };
    assert_eq!(hopf.kind, BifurcationKind::Hopf);
    assert!((hopf.s - 2.0).abs() < 1e-9 && (hopf.frequency - 1000.0 * 4.0 / (2.0 * PI * 100.0)).abs() < 1e-6);
    assert_eq!((branches.branches[0].unstable[0], *branches.branches[0].unstable.last().unwrap()), (0, 2));
}

#[test]
fn a_transfer_function_of_ones_own_is_followed_in_single_precision() {
    let own = Transfer::custom("my tanh", f32::tanh, |x| 1.0 - x.tanh().powi(2));
    let along = |transfer| {
        let simulator = network(arr2(&[[2.0, -0.3], [0.4, 1.5]]), transfer);
        FixedPoints::default().of(&simulator, None).unwrap().along(&[1.0], -2.0..2.0).unwrap()
    };
    let (ours, theirs) = (along(Transfer::Tanh), along(own));
    assert_eq!(ours.bifurcations.len(), theirs.bifurcations.len(), "{}\n{}", ours.table(), theirs.table());
    let folds = |branches: &Branches| {
        let mut folds: Vec<f64> = branches.bifurcations.iter().map(|one| one.s).collect();
        folds.sort_by(f64::total_cmp);
        folds
    };
    assert!(!ours.bifurcations.is_empty() && theirs.lost.is_empty());
    assert!(folds(&ours).iter().zip(folds(&theirs)).all(|(a, b)| (a - b).abs() < 1e-3));
}

#[test]
fn branches_that_cross_are_found_from_each_other() {
    // x = 0 loses stability where the gain makes the weight 1, and two other fixed points begin.
    let simulator = network(arr2(&[[1.0]]), Transfer::Tanh);
    let branches = FixedPoints::default().of(&simulator, None).unwrap().along_gain(0.5..2.0).unwrap();
    assert_eq!((branches.branches.len(), branches.lost), (0, vec![0]), "it lies where three branches meet");
    let simulator = network(arr2(&[[0.8]]), Transfer::Tanh);
    let branches = FixedPoints::default().of(&simulator, None).unwrap().along_gain(0.1..4.0).unwrap();
    assert_eq!(branches.branches.len(), 3, "{}", branches.table());
    let at = branches.of_kind(BifurcationKind::BranchPoint).next().unwrap();
    assert!((at.s - 1.25).abs() < 1e-6 && at.branch == 0, "{at:?}");
    for branch in &branches.branches[1..] {
        assert_eq!(branch.ends, [BranchEnd::Crossing, BranchEnd::Out]);
        let (s, x) = (branch.s[branch.s.len() - 1], branch.states[[branch.s.len() - 1, 0]]);
        assert!((f64::from(0.8_f32) * s * x.tanh() - x).abs() < 1e-10 && x.abs() > 1.0);
    }
}

#[test]
fn branches_come_by_fixed_points_that_were_not_known() {
    let mut set = points("flipflop24_tanh");
    let known: Vec<_> = set.points.drain(1..).map(|point| point.state).collect();
    let branches = set.along(&[1.0, 0.0], -1.0..1.0).unwrap();
    assert_eq!(branches.found.len(), known.len());
    assert_among("found", &branches.found, &known);
}

#[test]
fn branches_do_not_depend_on_the_number_of_threads() {
    let points = points("flipflop24_tanh");
    let along = |n: usize| with_threads(n, || points.along(&[0.0, 1.0], -0.5..0.5).unwrap());
    assert_eq!(along(1), along(3));
}

#[test]
fn what_cannot_be_continued_is_an_error() {
    let points = points("bistable2_tanh");
    let said = |branches: psychrnn::Result<Branches>| branches.unwrap_err().to_string();
    assert!(said(points.along(&[1.0], -1.0..1.0)).contains("[n_in = 2]"));
    assert!(said(points.along(&[0.0, 0.0], -1.0..1.0)).contains("in which an input changes"));
    assert!(said(points.along(&[f64::NAN, 0.0], -1.0..1.0)).contains("NaN"));
    assert!(said(points.along(&[1.0, 0.0], 0.5..1.0)).contains("contains 0"));
    assert!(said(points.along(&[1.0, 0.0], 1.0..-1.0)).contains("to a larger one"));
    assert!(said(points.along(&[1.0, 0.0], 0.0..f64::INFINITY)).contains("to a larger one"));
    assert!(said(points.along_gain(-1.0..0.5)).contains("contains 1"));
    assert!(said(points.towards(&simulator("one_tanh"), 0.0..1.0)).contains("same units"));
    let windowed = simulator("bistable2_tanh").silence(0..1, 100.0..200.0);
    assert!(said(points.towards(&windowed, 0.0..1.0)).contains("whole time"));
    let mut none = points.clone();
    none.points.clear();
    assert!(said(none.along_gain(0.0..1.5)).contains("at least one"));
}

#[test]
fn exact_lines_are_line_attractors() {
    for (name, return_time) in [("line_relu2", 20.0), ("line_linear4", 80.0)] {
        let set = points(name);
        let direction: Array1<f64> = truth(name, "direction");
        let found = set.lines[0].directions.row(0).dot(&direction).abs();
        assert!((found - 1.0).abs() < 1e-6, "{name}: {found}");
        let line = set.line_attractor().unwrap();
        assert!(line.is_attractor() && !line.is_ring, "{name}: {line:?}");
        assert!((line.return_time - return_time).abs() < 1e-4 * return_time, "{name}: {}", line.return_time);
        assert!(
            line.linearity > 1.0 - 1e-9 && line.alignment > 1.0 - 1e-9 && line.drift_time > 1e8,
            "{name}: {line:?}"
        );
    }
    let ends: Array2<f64> = truth("line_relu2", "segment_ends");
    for end in &points("line_relu2").lines[0].ends {
        let end = end.as_ref().unwrap();
        assert!(ends.outer_iter().any(|known| far(known, end.view()) < 1e-9), "{end}");
    }
}

#[test]
fn a_line_that_drifts_is_told_from_one_that_holds() {
    let line = points("line_tanh16").line_attractor().unwrap();
    // Its slowest modes are 621 and -1058 ms, and only the latter is more than ten times 100 ms.
    assert!((line.share - 1.0 / 3.0).abs() < 1e-12 && !line.is_attractor());
    assert!(line.linearity > 0.99 && line.alignment > 0.99 && line.selectivity > 0.99 && line.gap > 5.0, "{line:?}");
    // Near the saddle in the middle the drift grows as its mode does: the speed over the distance to it is 1 / 1058 ms.
    let middle = line.states.outer_iter().position(|x| x.iter().all(|x| x.abs() < 1e-9)).unwrap();
    let next = line.states.row(middle + 1).to_owned();
    let rate = line.speeds[middle + 1] / next.dot(&next).sqrt();
    assert!((rate * 1058.25 - 1.0).abs() < 0.05, "{rate}");
    let lonely = FixedPoints::default().of(&network(arr2(&[[0.5]]), Transfer::Tanh), None).unwrap();
    assert!(lonely.line_attractor().unwrap_err().to_string().contains("at least 2"));
}

#[test]
fn a_ring_of_points_is_a_ring_attractor() {
    // Cosine weights: only the two components of the angle are fed back, so that bumps of all places hardly differ.
    let n = 16;
    let weights = Array2::from_shape_fn((n, n), |(i, j)| {
        (2.0 * 1.3 / n as f64 * (2.0 * PI * (i as f64 - j as f64) / n as f64).cos()) as f32
    });
    let ring = FixedPoints::default().of(&network(weights, Transfer::Tanh), None).unwrap().ring_attractor().unwrap();
    assert!(ring.is_ring && ring.linearity > 0.99 && ring.alignment > 0.9, "{ring:?}");
    assert!(ring.drift_time > 5.0 * ring.return_time, "{ring:?}");
}

/// Three pools that excite themselves and compete.
fn pools() -> Simulator {
    let mut weights = Weights::new();
    weights.insert("W_rec", array![[2.2, -0.6, -0.5], [-0.7, 2.0, -0.6], [-0.5, -0.8, 2.1]]);
    weights.insert("W_in", array![[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]);
    weights.insert("W_out", array![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]);
    weights.insert("b_rec", array![0.1, 0.0, 0.0]);
    weights.insert("b_out", array![0.0, 0.0]);
    weights.insert("init_state", array![[0.0, 0.0, 0.0]]);
    Simulator::new(&weights, LeakyUnits::new(10.0, 100.0).transfer(Transfer::Tanh).noise(0.1)).unwrap()
}

#[test]
fn fixed_points_and_branches_are_drawn() {
    let simulator = pools();
    let session = simulator.run(&PerceptualDiscrimination::default().batch(40, Seed(1)).unwrap()).unwrap();
    let points = FixedPoints::default().slow(true).of(&simulator, &session).unwrap();
    drawn("fixed-points", &points.plot(0, 1).unwrap());
    drawn("fixed-points-session", &points.plot_session(&session, 0, 1).unwrap());
    drawn("fixed-points-eigenvalues", &points.plot_eigenvalues().unwrap());
    let modes = points.at(points.points.len() - 1).unwrap().modes().unwrap();
    drawn("modes-eigenvalues", &modes.plot_eigenvalues());
    drawn("modes-time-constants", &modes.plot_time_constants());
    let branches = points.along(&[1.0, 0.0], -1.0..1.0).unwrap();
    drawn("branches", &branches.plot(0).unwrap());
    drawn("branches-component", &branches.plot_component(0).unwrap());
    drawn("branches-gain", &points.along_gain(0.2..2.0).unwrap().plot(0).unwrap());

    assert!(points.plot(0, 5).unwrap_err().to_string().contains("n_components"));
    assert!(branches.plot(2).unwrap_err().to_string().contains("below the number of outputs, 2"));
    let few = FixedPoints::default().of(&network(arr2(&[[0.5]]), Transfer::Tanh), None).unwrap();
    assert!(few.plot(0, 1).unwrap_err().to_string().contains("plot_session"));
}
