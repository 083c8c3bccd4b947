//! The map of population states, against theory and against its own definition.

use std::f64::consts::TAU;

use ndarray::{Array2, Axis};
use proptest::prelude::*;
use psychrnn::analysis::{DiffusionCoordinates, DiffusionMap};
use psychrnn::dynamics::LeakyUnits;
use psychrnn::prelude::*;

use super::figures::{drawn, weights};

/// States of 30 units with preferred directions, one for each of `n` directions.
fn ring(n: usize) -> Array2<f64> {
    let angle = |part: usize, of: usize| TAU * part as f64 / of as f64;
    Array2::from_shape_fn((n, 30), |(i, unit)| (2.0 * ((angle(i, n) - angle(unit, 30)).cos() - 1.0)).exp())
}

/// The random walk of the definition, and the probability of each state: `P` and `π`.
fn walk(samples: &Array2<f64>, width: f64) -> (Array2<f64>, Vec<f64>) {
    let n = samples.nrows();
    let mut walk = Array2::from_shape_fn((n, n), |(i, j)| {
        let square = (&samples.row(i) - &samples.row(j)).iter().map(|d| (d / width).powi(2)).sum::<f64>();
        (-square / 2.0).exp()
    });
    let sums = walk.sum_axis(Axis(1));
    walk /= &sums.view().insert_axis(Axis(1));
    (walk, (&sums / sums.sum()).to_vec())
}

/// How far the coordinates are from eigenvectors of the walk times a power of their eigenvalues.
fn error(map: &DiffusionCoordinates, samples: &Array2<f64>) -> f64 {
    let (walk, share) = walk(samples, map.width);
    let after = walk.dot(&map.coordinates) - &map.coordinates * &map.eigenvalues;
    let products = map.coordinates.t().dot(&(&map.coordinates * &ndarray::arr1(&share).insert_axis(Axis(1))));
    let lengths = Array2::from_diag(&map.eigenvalues.mapv(|value| value.powi(2 * map.steps as i32)));
    let mean = map.coordinates.t().dot(&ndarray::arr1(&share));
    let worst = |errors: Vec<f64>| errors.iter().fold(0.0_f64, |worst, error| worst.max(error.abs()));
    worst(after.iter().copied().chain((products - lengths).iter().copied()).chain(mean).collect())
}

#[test]
fn a_ring_stays_a_ring() {
    for width in [None, Some(0.5)] {
        let map = DiffusionMap { width, ..DiffusionMap::default() }.of(&ring(400)).unwrap();
        let radii = map.coordinates.map_axis(Axis(1), |at| at.dot(&at).sqrt());
        let (low, high) = radii.iter().fold((f64::INFINITY, 0.0_f64), |(low, high), &r| (low.min(r), high.max(r)));
        assert!(high / low < 1.001, "{low} to {high}");
        // Each state is a 400th of the way on.
        let angles: Vec<f64> = map.coordinates.outer_iter().map(|at| at[1].atan2(at[0])).collect();
        let sense = (angles[1] - angles[0]).sin().signum();
        let steps = (0..400).map(|i| (sense * (angles[(i + 1) % 400] - angles[i])).rem_euclid(TAU) / TAU * 400.0);
        assert!(steps.into_iter().all(|step| (step - 1.0).abs() < 0.01));
    }
    let map = DiffusionMap::default().of(&ring(400)).unwrap();
    drawn("diffusion-ring", &map.plot(0, 1).unwrap());
    let directions: Vec<f64> = (0..400).map(|i| f64::from(i) * 0.9).collect();
    let figure = map.plot_by(0, 1, "direction", &directions).unwrap();
    drawn("diffusion-ring-by", &figure);
    assert!(figure.to_string().contains("Diffusion 1") && figure.to_string().matches(" to ").count() >= 8, "{figure}");
    assert!(map.plot(0, 2).unwrap_err().to_string().contains("coordinate"));
    assert!(map.plot_by(0, 1, "direction", &directions[1..]).unwrap_err().to_string().contains("400"));
}

#[test]
fn distances_are_how_much_two_walks_differ() {
    let samples = Array2::from_shape_fn((12, 3), |(i, j)| ((i * 7 + j * 5) % 11) as f64 + (i * j) as f64 / 10.0);
    for steps in [1, 2, 5] {
        let map = DiffusionMap::default().dimensions(11).steps(steps).of(&samples).unwrap();
        let (once, share) = walk(&samples, map.width);
        let after = (1..steps).fold(once.clone(), |after, _| after.dot(&once));
        for (i, j) in (0..12).flat_map(|i| (0..i).map(move |j| (i, j))) {
            let walks: f64 = (0..12).map(|k| (after[[i, k]] - after[[j, k]]).powi(2) / share[k]).sum::<f64>().sqrt();
            let apart = &map.coordinates.row(i) - &map.coordinates.row(j);
            assert!((apart.dot(&apart).sqrt() - walks).abs() < 1e-9, "{steps} steps, {i} to {j}");
        }
    }
}

#[test]
fn the_width_is_the_median_distance_and_the_scale_does_not_matter() {
    // Distances 1, 2 and 3.
    let samples = ndarray::arr2(&[[0.0, 5.0], [1.0, 5.0], [3.0, 5.0], [3.0, 5.0]]);
    let map = DiffusionMap::default().of(&samples).unwrap();
    assert_eq!(map.width, 2.0, "those of 0 do not count");
    for scale in [1e-200, 1e200] {
        let other = DiffusionMap::default().of(&(&samples * scale)).unwrap();
        assert!((other.width / scale - 2.0).abs() < 1e-12);
        assert!((&other.coordinates - &map.coordinates).iter().all(|d| d.abs() < 1e-9));
    }
    let again: DiffusionCoordinates = serde_json::from_str(&serde_json::to_string(&map).unwrap()).unwrap();
    assert_eq!(again, map);
}

#[test]
fn what_has_no_map_is_an_error() {
    let map = DiffusionMap::default;
    let message = |map: DiffusionMap, samples: &Array2<f64>| map.of(samples).unwrap_err().to_string();
    let ring = ring(20);
    for (n, name) in [(0, "samples"), (1, "samples"), (2, "dimensions")] {
        let error = message(map(), &ring.slice(ndarray::s![..n, ..]).to_owned());
        assert!(error.contains(name), "{n}: {error}");
    }
    assert!(message(map(), &Array2::zeros((20, 0))).contains("samples"));
    assert!(message(map(), &Array2::ones((20, 3))).contains("all the same"));
    assert!(message(map(), &Array2::zeros((5001, 1))).contains("5000"));
    assert!(message(map().dimensions(0), &ring).contains("from 1 to 19"));
    assert!(message(map().dimensions(20), &ring).contains("from 1 to 19"));
    assert!(message(map().steps(0), &ring).contains("steps"));
    for width in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(message(map().width(width), &ring).contains("width"), "{width}");
    }
    // What is left after so many steps, and of so flat a kernel, is rounding.
    assert!(message(map().steps(usize::MAX), &ring).contains("`steps`"));
    assert!(message(map().width(1e8), &ring).contains("so small"));
    // Nothing leads from one of two groups to the other.
    for width in [0.01, 1e-200, 5e-324] {
        assert!(message(map().width(width), &ring).contains("reached"), "{width}");
    }
    for value in [f64::NAN, f64::INFINITY] {
        let mut wrong = ring.clone();
        wrong[[3, 4]] = value;
        let error = message(map(), &wrong);
        assert!(error.contains("sample 3, unit 4"), "{error}");
    }
}

#[test]
fn averages_and_trials_of_a_session_are_mapped() {
    let task = PerceptualDiscrimination::default().onset(100.0).stimulus(300.0).duration(600.0).noise(0.1);
    let leak = LeakyUnits::new(10.0, 100.0).noise(0.01);
    let session = Simulator::new(&weights(), leak).unwrap().run(&task.batch(60, Seed(1)).unwrap()).unwrap();
    let averages = Average::by("direction").aligned_to("stimulus").of(&session).unwrap();
    let map = DiffusionMap::default().of(&averages.samples()).unwrap();
    let trajectories = map.trajectories(&averages).unwrap();
    assert_eq!(trajectories.points.dim(), (2, averages.times.len(), 2));
    assert_eq!(
        trajectories.points.iter().copied().collect::<Vec<_>>(),
        map.coordinates.iter().copied().collect::<Vec<_>>()
    );
    let figure = trajectories.plot(0, 1).unwrap();
    drawn("diffusion-trajectories", &figure);
    assert!(figure.to_string().contains("λ = 0."), "{figure}");

    let few = session.select(&[0, 1, 2, 3]);
    let other = DiffusionMap::default().of(&few.samples(Signal::Rates).unwrap()).unwrap();
    let values = few.of_samples("direction").unwrap();
    drawn("diffusion-trials", &other.plot_by(0, 1, "direction", &values).unwrap());
    assert!(other.trajectories(&averages).unwrap_err().to_string().contains("averages"));
}

#[test]
fn many_states_that_are_the_same_are_mapped_as_well() {
    // Where linfa-reduction alone is wrong by a hundredth.
    let samples = Array2::from_shape_fn((300, 20), |(i, j)| ((i % 4) as f64 * (j as f64 + 1.0)).sin());
    for dimensions in [1, 2, 3, 5] {
        let map = DiffusionMap::default().dimensions(dimensions).of(&samples).unwrap();
        let found = error(&map, &samples);
        assert!(found < 1e-4, "{dimensions} dimensions: {found}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever the states: an error, or a map that is right.
    #[test]
    fn a_map_is_right_or_an_error(
        (n, n_units, dimensions) in (1_usize..60, 1_usize..6, 1_usize..12),
        steps in 1_usize..4,
        width in prop::option::of(0.05..20.0),
        numbers in prop::collection::vec(-3.0..3.0, 60 * 6),
        (distinct, constant, missing) in (1_usize..60, any::<bool>(), prop::option::weighted(0.05, 0_usize..60)),
        scale in prop::sample::select(vec![1.0, 1e-30, 1e30]),
    ) {
        // Some states are the same, some units do not vary, some numbers are missing.
        let mut samples = Array2::from_shape_fn((n, n_units), |(i, j)| match j {
            0 if constant => 1.0,
            _ => scale * numbers[(i % distinct) * 6 + j],
        });
        if let Some(place) = missing {
            samples[[place % n, 0]] = f64::NAN;
        }
        let map = DiffusionMap { dimensions, width: width.map(|width: f64| width * scale), steps }.of(&samples);
        let Ok(map) = map else {
            let varies = samples.outer_iter().any(|row| row != samples.row(0));
            let should = n > dimensions && missing.is_none() && varies && width.is_none();
            // Two groups far apart are told as such.
            prop_assert!(!should || map.unwrap_err().to_string().contains("reached"));
            return Ok(());
        };
        prop_assert!(map.coordinates.iter().all(|x| x.is_finite()));
        prop_assert!(map.eigenvalues.iter().all(|value| (-1e-6..1.0).contains(value)));
        let found = error(&map, &samples);
        prop_assert!(found < 1e-3, "{}", found);
    }
}
