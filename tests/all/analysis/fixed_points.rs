//! Fixed points against those of networks whose fixed points are known.

use std::fs::File;

use ndarray::{Array1, Array2, Array3, Axis, Ix1, Ix2, arr1, arr2};
use ndarray_npy::NpzReader;
use num_complex::Complex64;
use psychrnn::analysis::{Completeness, FixedPoint, FixedPointSet, FixedPoints};
use psychrnn::dynamics::{Constants, Eigenvalue, Kind, LeakyForm, LeakyUnits};
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

    fn cube(&mut self, name: &str) -> Array3<f64> {
        self.0.by_name::<ndarray::OwnedRepr<f64>, ndarray::Ix3>(name).unwrap()
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
        let name = if set.at(nearest).unwrap().flow_jacobian.is_some() { "flow" } else { "map" };
        let theirs = truth.cube(&format!("eig_{name}_{k}"));
        let values = set.at(nearest).unwrap().eigenvalues().unwrap();
        for theirs in theirs.index_axis(Axis(0), row).outer_iter() {
            let theirs = Complex64::new(theirs[0], theirs[1]);
            let apart = |ours: &Eigenvalue| (ours.flow.unwrap_or(ours.map) - theirs).norm();
            let nearest = values.iter().map(apart).fold(f64::INFINITY, f64::min);
            // Of modes that nearly coincide the eigenvalues are not told by the matrix any better.
            assert!(nearest <= 1e-8 * theirs.norm().max(1e-3), "{what}: {nearest} from {theirs}");
        }
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
            ours.sort_unstable();
            theirs.sort_unstable();
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

/// Weights of units that drive each other, each with its bias; the first unit is the input's and the output.
fn weights(recurrent: &Array2<f32>, biases: &[f32]) -> Weights {
    let n = biases.len();
    let first = Array2::from_shape_fn((n, 1), |(unit, _)| f32::from(u8::from(unit == 0)));
    let mut weights = Weights::new();
    weights.insert("W_in", first.clone());
    weights.insert("W_rec", recurrent.clone());
    weights.insert("W_out", first.t().to_owned());
    weights.insert("b_rec", Array1::from(biases.to_vec()));
    weights.insert("b_out", Array1::<f32>::zeros(1));
    weights.insert("init_state", Array2::<f32>::zeros((1, n)));
    weights
}

fn network(recurrent: &Array2<f32>, biases: &[f32], transfer: Transfer) -> Simulator {
    Simulator::new(&weights(recurrent, biases), LeakyUnits::new(10.0, 100.0).transfer(transfer)).unwrap()
}

/// In the rate form the same weights and transfer function stand still at the rates of the current form, and where all units have one time
/// constant they do it in the same way.
#[test]
fn both_forms_stand_still_at_the_same_rates() {
    for name in SMALL {
        let current = simulator(name);
        let Constants::Leaky(units) = current.constants() else { panic!("{name}") };
        let mut weights = Weights::new();
        let saved = Weights::load(data(&format!("analysis/{name}.npz"))).unwrap();
        saved.names().for_each(|name| weights.insert(name, saved.array(name).unwrap().clone()));
        let rate = Simulator::new(&weights, units.clone().form(LeakyForm::Rate)).unwrap();
        for input in Truth::of(name).matrix("inputs").outer_iter() {
            let of = |simulator: &Simulator| FixedPoints::default().input(&input.to_vec()).of(simulator, None).unwrap();
            let (currents, rates) = (of(&current), of(&rate));
            let known = [&currents, &rates].map(|set| (set.points.len(), std::mem::discriminant(&set.completeness)));
            assert_eq!(known[0], known[1], "{name}");
            assert_eq!(currents.index_sum(), rates.index_sum(), "{name}");
            for (number, point) in rates.points.iter().enumerate() {
                let size = 1.0 + point.state.fold(0.0_f64, |most, rate| most.max(rate.abs()));
                let next = rates.at(number).unwrap().next;
                assert!((&next - &point.state).iter().all(|far| far.abs() < 1e-12 * size), "{name}");
                let shown = |x: f64| f64::from(units.transfer.rate(x as f32));
                let far = |other: &FixedPoint| {
                    (other.state.mapv(shown) - &point.state).fold(0.0_f64, |most, far| most.max(far.abs())) / size
                };
                let same = currents.points.iter().min_by(|a, b| far(a).total_cmp(&far(b))).unwrap();
                assert!(far(same) < 1e-5, "{name}: {}", far(same));
                assert!((&same.outputs - &point.outputs).iter().all(|far| far.abs() < 1e-9 * size), "{name}");
                assert_eq!((same.index, same.certified.is_some()), (point.index, point.certified.is_some()), "{name}");
                if units.tau.len() == 1 {
                    assert_eq!((same.kind, same.unstable), (point.kind, point.unstable), "{name}");
                    assert!((same.slowest / point.slowest - 1.0).abs() < 1e-6, "{name}");
                }
            }
        }
    }
}

/// Two units that inhibit each other: all rates of which the sum is 1.
#[test]
fn a_line_of_rates_is_a_line() {
    let mutual = weights(&arr2(&[[0.0, -1.0], [-1.0, 0.0]]), &[1.0, 1.0]);
    let simulator = Simulator::new(&mutual, LeakyUnits::new(10.0, 100.0).form(LeakyForm::Rate)).unwrap();
    let batch = crate::perturbation::batch((1, 1), 8, 40, 1);
    let session = simulator.run(&batch).unwrap();
    let set = FixedPoints::default().of(&simulator, &session).unwrap();
    let [line] = &set.lines[..] else { panic!("{set:?}") };
    assert!((line.state.sum() - 1.0).abs() < 1e-9);
    assert!((line.directions.row(0).dot(&arr1(&[0.5_f64.sqrt(), -(0.5_f64.sqrt())])).abs() - 1.0).abs() < 1e-9);
    let mut ends: Vec<f64> = line.ends.iter().map(|end| end.as_ref().unwrap()[0]).collect();
    ends.sort_by(f64::total_cmp);
    assert!(ends[0].abs() < 1e-9 && (ends[1] - 1.0).abs() < 1e-9, "{ends:?}");
    let line = set.line_attractor().unwrap();
    assert!(line.is_attractor() && line.speeds.iter().all(|speed| speed.abs() < 1e-9), "{line:?}");
}

/// Followed along an input, the fixed points of both forms are the same; and no network becomes one of another form.
#[test]
fn branches_of_both_forms_are_the_same() {
    let recurrent = arr2(&[[1.5, -0.5], [-0.5, 1.5]]);
    let of = |form: LeakyForm, transfer: &Transfer| {
        let units = LeakyUnits::new(10.0, 100.0).form(form).transfer(transfer.clone());
        Simulator::new(&weights(&recurrent, &[0.1, 0.05]), units).unwrap()
    };
    for transfer in [Transfer::Tanh, Transfer::RectifiedTanh] {
        let forms = [LeakyForm::Current, LeakyForm::Rate].map(|form| of(form, &transfer));
        let sets = forms.each_ref().map(|one| FixedPoints::default().of(one, None).unwrap());
        let [current, rate] = sets.each_ref().map(|set| set.along(&[1.0], -1.0..1.0).unwrap());
        assert_eq!(
            (current.branches.len(), current.bifurcations.len()),
            (rate.branches.len(), rate.bifurcations.len())
        );
        for (a, b) in current.bifurcations.iter().zip(&rate.bifurcations) {
            assert!(a.kind == b.kind && (a.s - b.s).abs() < 1e-9, "{a:?} {b:?}");
        }
        for branch in &rate.branches {
            for (state, &input) in branch.states.outer_iter().zip(&branch.s) {
                let linear = forms[1].linearize(state, &[input]).unwrap();
                assert!((&linear.next - &state).iter().all(|far| far.abs() < 1e-11));
            }
        }
        assert!(sets[0].towards(&forms[1], 0.0..1.0).is_err() && sets[1].towards(&forms[0], 0.0..1.0).is_err());
    }
}

#[test]
fn a_line_of_fixed_points_is_found_as_a_line() {
    let mut truth = Truth::of("line_relu2");
    let [set] = &sets("line_relu2", &mut truth, None)[..] else { panic!() };
    let [line] = &set.lines[..] else { panic!("{set:?}") };
    let (ends, direction) = (truth.matrix("segment_ends"), truth.vector("direction"));
    assert!((line.directions.row(0).dot(&direction).abs() - 1.0).abs() < 1e-9);
    for end in ends.outer_iter() {
        let nearest = line.ends.iter().flatten().map(|ours| (ours - &end).mapv(f64::abs).sum()).fold(1.0, f64::min);
        assert!(nearest < 1e-9, "{line:?}");
    }
    // Its middle stands for it, and what lies on it is not told once more.
    assert_eq!(set.points.len(), 1);
    assert_eq!((set.points[0].kind, set.completeness.clone()), (Kind::Degenerate, Completeness::Proved));
    assert_eq!(set.points[0].state, line.state);

    let mut truth = Truth::of("line_linear4");
    let [set] = &sets("line_linear4", &mut truth, None)[..] else { panic!() };
    let [line] = &set.lines[..] else { panic!("{set:?}") };
    assert!((line.directions.row(0).dot(&truth.vector("direction")).abs() - 1.0).abs() < 1e-6);
    assert!(line.ends.iter().all(Option::is_none) && set.points.len() == 1);

    // Three units without weights to each other that each hold what they have, as far as they are on.
    let hold = network(&Array2::eye(3), &[0.0; 3], Transfer::Linear);
    let set = FixedPoints::default().of(&hold, None).unwrap();
    assert_eq!((set.lines.len(), set.lines[0].directions.nrows()), (1, 3));
    // Pushed, they run away.
    let set = FixedPoints::default().input(&[0.5]).of(&hold, None).unwrap();
    assert_eq!((set.lines.len(), set.points.len(), set.completeness), (0, 0, Completeness::Proved));
}

#[test]
fn a_point_that_is_degenerate_is_one_point() {
    // The point at which one point becomes three: x = tanh(x), three times over.
    let set = FixedPoints::default().of(&network(&arr2(&[[1.0]]), &[0.0], Transfer::Tanh), None).unwrap();
    assert_eq!((set.points.len(), set.points[0].kind, set.points[0].index), (1, Kind::Degenerate, 0));
    assert!(matches!(set.completeness, Completeness::Undecided { .. }), "{}", set.completeness);
    // The same of five units, beside one that has three.
    let mut recurrent = Array2::eye(5);
    recurrent[[4, 4]] = 2.0;
    let set = FixedPoints::default().of(&network(&recurrent, &[0.0; 5], Transfer::Tanh), None).unwrap();
    assert_eq!(set.points.len(), 3, "{set:?}");
}

#[test]
fn networks_of_any_transfer_function_have_answers() {
    let none = Array2::zeros((3, 3));
    let square = Transfer::RectifiedPower { power: 2.0 };
    let tanh = Transfer::custom("my tanh", f32::tanh, |x| 1.0 - x.tanh() * x.tanh());
    for transfer in [Transfer::Relu, Transfer::Tanh, Transfer::Sigmoid, Transfer::Softplus, Transfer::Linear]
        .into_iter()
        .chain([square.clone(), Transfer::RectifiedTanh, tanh.clone()])
    {
        // Without weights the state is the bias.
        let set = FixedPoints::default().input(&[0.5]).of(&network(&none, &[0.0, 0.25, -1.0], transfer.clone()), None);
        let set = set.unwrap();
        assert_eq!(set.points.len(), 1, "{transfer}: {set:?}");
        let near = (&set.points[0].state - &arr1(&[0.5, 0.25, -1.0])).mapv(f64::abs).sum();
        assert!(near < 1e-6 && set.points[0].index == 1 && set.points[0].is_stable(), "{transfer}");
    }
    // A function of the user's own finds what ours finds, as far as single precision goes.
    let recurrent = arr2(&[[2.0, -1.0], [-1.0, 2.0]]);
    let ours = FixedPoints::default().of(&network(&recurrent, &[0.1, 0.0], Transfer::Tanh), None).unwrap();
    let own = FixedPoints::default().of(&network(&recurrent, &[0.1, 0.0], tanh), None).unwrap();
    assert_eq!(ours.points.len(), own.points.len());
    for (ours, own) in ours.points.iter().zip(&own.points) {
        assert!((&ours.state - &own.state).mapv(f64::abs).sum() < 1e-4 && ours.index == own.index);
    }
    // x = x² + ¼ - d has two points for d > 0, which come together and go; all others run away.
    for (bias, count) in [(0.24, 2), (0.26, 0)] {
        let set = FixedPoints::default().of(&network(&arr2(&[[1.0]]), &[bias], square.clone()), None).unwrap();
        assert_eq!(set.points.len(), count, "{set:?}");
        assert!(matches!(set.completeness, Completeness::Undecided { index_sum: 0, .. }), "{}", set.completeness);
    }
}

#[test]
fn a_perturbed_network_stands_still_where_the_simulator_does() {
    let (silent, input) =
        (simulator("flipflop24_tanh").noise(false).silence([0, 5], ..).stimulate([3], 0.1, ..), [0.05, 0.0]);
    let set = FixedPoints::default().input(&input).of(&silent, None).unwrap();
    assert!(!set.points.is_empty() && set.index_sum() == 1);
    for point in &set.points {
        let mut state = silent.start(1, 0).unwrap();
        let x = point.state.mapv(|x| x as f32).insert_axis(Axis(0));
        state.values.insert("init_state".into(), x.clone());
        let outputs = silent.step(&mut state, &arr2(&[[0.05, 0.0]])).unwrap().outputs;
        assert!((&state.values["init_state"] - &x).mapv(f32::abs).sum() < 1e-4);
        assert!((outputs.mapv(f64::from).row(0).to_owned() - &point.outputs).mapv(f64::abs).sum() < 1e-4);
    }
}

#[test]
fn a_search_that_ends_early_does_not_say_that_it_is_done() {
    let few = FixedPoints::default().starts(0).curves(1);
    let set = few.of(&simulator("flipflop32_tanh"), None).unwrap();
    assert!(set.points.len() <= 23 && set.estimated >= set.points.len() as f64);
    assert!(
        !matches!(set.completeness, Completeness::IndexConsistent { .. } | Completeness::Proved),
        "{}",
        set.completeness
    );
    let none = FixedPoints::default().curves(0).of(&simulator("flipflop32_tanh"), None).unwrap();
    assert!(matches!(none.completeness, Completeness::Undecided { curves: 0, .. }), "{}", none.completeness);
}

#[test]
fn at_rest_rectified_units_have_no_curves() {
    let recurrent = Array2::from_shape_fn((24, 24), |(to, from)| ((to * 7 + from * 11) % 13) as f32 / 13.0 - 0.6);
    let set = FixedPoints::default().of(&network(&recurrent, &[0.0; 24], Transfer::Relu), None).unwrap();
    assert_eq!(set.completeness, Completeness::Undecided { index_sum: 0, curves: 0, last_new: 0 });
    assert!(set.points.len() == 1 && set.points[0].on_boundary);
}

#[test]
fn points_on_the_boundary_of_regions_say_so_and_have_an_index() {
    // At zero drive everything rests at 0, where all slopes jump.
    let recurrent = arr2(&[[0.5, -1.0], [-1.0, 0.5]]);
    let set = FixedPoints::default().of(&network(&recurrent, &[0.0, 0.0], Transfer::Relu), None).unwrap();
    assert_eq!(set.points.len(), 1);
    assert!(set.points[0].on_boundary && set.points[0].certified.is_none());
    assert_eq!((set.points[0].index, set.completeness), (1, Completeness::Proved));
}

#[test]
fn many_rectified_units_are_gone_through_as_few_are() {
    // Pairs that inhibit each other: each has three points, and 3 pairs have 27.
    let pairs = 3;
    let recurrent =
        Array2::from_shape_fn(
            (2 * pairs, 2 * pairs),
            |(to, from)| {
                if to / 2 == from / 2 && to != from { -2.0 } else { 0.0 }
            },
        );
    let pairs = network(&recurrent, &vec![1.0; 2 * pairs], Transfer::Relu);
    let proved = FixedPoints::default().of(&pairs, None).unwrap();
    let searched = FixedPoints::default().exhaustive(false).of(&pairs, None).unwrap();
    assert_eq!((proved.points.len(), proved.completeness), (27, Completeness::Proved));
    assert!(matches!(searched.completeness, Completeness::IndexConsistent { .. }), "{}", searched.completeness);
    assert_eq!(proved.points.len(), searched.points.len());
    assert_eq!(proved.points, searched.points);
}

#[test]
fn slow_points_are_the_minima_that_are_no_fixed_points() {
    let mut truth = Truth::of("flipflop32_tanh");
    let set = FixedPoints::default().slow(true).of(&simulator("flipflop32_tanh"), None).unwrap();
    let (points, speeds) = (truth.matrix("slow_points_0"), truth.vector("slow_speed_per_ms_0"));
    for (point, speed) in points.outer_iter().zip(speeds) {
        let near = |slow: &&psychrnn::analysis::SlowPoint| (&slow.state - &point).mapv(f64::abs).sum() < 1e-6;
        let slow = set.slow.iter().find(near).expect("a slow point");
        assert!((slow.speed / speed - 1.0).abs() < 1e-6 && slow.drift_time > 0.0);
    }
    assert_eq!(set.slow.len(), points.nrows());
    assert_eq!(set.points.len(), 23);
}

#[test]
fn an_lstm_has_fixed_points_too() {
    let mut truth = Truth::of("lstm2");
    for (k, set) in sets("lstm2", &mut truth, None).iter().enumerate() {
        assert_found("lstm2", k, &mut truth, set);
        assert!(matches!(set.completeness, Completeness::IndexConsistent { .. }), "{}", set.completeness);
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let of = |name: &str| FixedPoints::default().slow(true).seed(3).of(&simulator(name), None).unwrap();
    for name in ["flipflop24_tanh", "flipflop40_relu", "relu7"] {
        let [one, three] = [1, 3].map(|n| with_threads(n, || of(name)));
        assert_eq!((&one.points, &one.slow, &one.completeness), (&three.points, &three.slow, &three.completeness));
    }
}

#[test]
fn what_makes_no_sense_is_said() {
    let simulator = simulator("flipflop24_tanh");
    let said = |finds: FixedPoints| finds.of(&simulator, None).unwrap_err().to_string();
    assert_eq!(
        said(FixedPoints::default().input(&[0.0; 3])),
        "`input` must have shape [n_in = 2], but it has shape [3]"
    );
    assert_eq!(
        said(FixedPoints::default().input(&[0.0, f64::NAN])),
        "`input` must be finite, but it is NaN at channel 1"
    );
    assert!(said(FixedPoints::default().exhaustive(true)).starts_with("`exhaustive` must be left out"));
    let own = |rate: fn(f32) -> f32| network(&arr2(&[[1.0]]), &[0.0], Transfer::custom("own", rate, |_| 1.0));
    let nan = FixedPoints::default().of(&own(|_| f32::NAN), None).unwrap_err().to_string();
    assert_eq!(nan, "`what drives the units` must be finite, but it is NaN at unit 0 where all states are 0");
    let panics = FixedPoints::default().of(&own(|x| if x > 0.5 { panic!("too much") } else { x }), None);
    assert!(panics.unwrap_err().to_string().starts_with("the transfer function panicked: too much"));
    let windowed = simulator.clone().silence(0..2, 0.0..100.0);
    assert!(FixedPoints::default().of(&windowed, None).unwrap_err().to_string().starts_with("`window` must be"));

    let session = |n_in: usize, recording: Recording, value: f32| {
        let spec = TaskSpec::new(n_in, 2).dt(10.0).tau(40.0).duration(100.0);
        let mut inputs = Array3::zeros((1, 10, n_in));
        inputs.fill(value);
        let zeros = Array3::zeros((1, 10, 2));
        let batch = Batch::from_arrays(&spec, inputs, zeros.clone(), zeros).unwrap();
        if n_in == 2 {
            simulator.clone().record(recording).run(&batch).unwrap()
        } else {
            let states = Array3::zeros((1, 10, 24));
            Session::new(batch.clone(), states.clone(), states, batch.targets.clone()).unwrap()
        }
    };
    let of = |session: &Session| FixedPoints::default().of(&simulator, session);
    // One trial is enough.
    assert_eq!(of(&session(2, Recording::default(), 0.0)).unwrap().points.len(), 9);
    let few = of(&session(2, Recording::states(0..3), 0.0)).unwrap_err().to_string();
    assert!(few.contains("n_rec = 24"), "{few}");
    let outputs = of(&session(2, Recording::outputs(), 0.0)).unwrap_err().to_string();
    assert!(outputs.starts_with("`states` must be recorded"), "{outputs}");
    let other = of(&session(3, Recording::default(), 0.0)).unwrap_err().to_string();
    assert!(other.contains("with 2 inputs"), "{other}");
    let mut nan = session(2, Recording::default(), 0.0);
    nan.states.fill(f32::NAN);
    assert!(of(&nan).unwrap_err().to_string().contains("states of the session"));
}
