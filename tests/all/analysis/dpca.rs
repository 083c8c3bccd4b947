//! Demixed principal components, against the formulas in NumPy and the Python package (`data/parity/analysis/population`), theory, and
//! data that make no sense.

use ndarray::{Array2, Array3, Array4, Array5, ArrayD, Axis, Ix2, Ix5};
use psychrnn::analysis::{Demixed, Dpca};
use psychrnn::prelude::*;
use psychrnn::threads::with_threads;
use serde_json::Value as Json;

use super::{close, number, numbers, truth};

/// `[n_repeats, n_units, stimulus, decision, n_times]`
fn trials() -> Array5<f64> {
    truth("population.npz", "trials").into_dimensionality::<Ix5>().unwrap()
}

fn expected(name: &str) -> ArrayD<f64> {
    truth("population.expected.npz", name)
}

/// What is not an array.
fn facts() -> Json {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/data/parity/analysis/population.expected.json");
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

const MARGINALS: [(&str, &str); 4] = [("t", "time"), ("s", "s"), ("d", "d"), ("sd", "s × d")];

#[test]
fn components_of_averages_are_numpys_and_those_of_both_packages() {
    let (averages, facts) = (trials().mean_axis(Axis(0)).unwrap(), facts());
    for (name, lambda, exact) in [
        ("dpca_0", 0.0, true),
        ("dpca_0", 0.0, false),
        ("dpca_reg_exact", 2e-3, true),
        ("dpca_reg_matlab", 2e-3, false),
    ] {
        let dpca = Dpca::new(["s", "d"]).n_components(3).lambda(lambda).exact(exact);
        let demixed = dpca.of_averages(&averages).unwrap();
        for (short, long) in MARGINALS {
            let marginal = demixed.marginal(long).unwrap();
            let share = number(&facts["marginal_variance_share"][short]);
            close("share of the marginal", marginal.share, share, 1e-12);
            let array = |what: &str| expected(&format!("{name}_{what}_{short}")).into_dimensionality::<Ix2>().unwrap();
            let (decoder, encoder) = (array("D"), array("P"));
            assert_eq!((marginal.decoder.dim(), marginal.encoder.dim()), (decoder.dim(), encoder.dim()));
            for k in 0..3 {
                let (ours, theirs) = (marginal.encoder.column(k), encoder.column(k));
                // As many weights of either sign leave the sign of the component open.
                let open = theirs.mapv(f64::signum).sum() == 0.0;
                let sign = if open { ours.dot(&theirs).signum() } else { 1.0 };
                let (all, others) = (ours.iter().chain(marginal.decoder.row(k)), theirs.iter().chain(decoder.row(k)));
                all.zip(others)
                    .for_each(|(ours, theirs)| close(&format!("{name} {short}"), sign * ours, *theirs, 1e-9));
            }
            let facts = &facts[name][short];
            for (k, explained) in numbers(&facts["explained_total"]).into_iter().enumerate() {
                close("explained", marginal.explained[k], explained, 1e-10);
                for (place, (other, _)) in MARGINALS.iter().enumerate() {
                    let theirs = numbers(&facts["explained_by_marginal"][other])[k];
                    close("explained in a marginal", marginal.explained_by_marginal[[k, place]], theirs, 1e-10);
                }
            }
        }
    }
}

#[test]
fn lambda_is_that_of_the_matlab_package() {
    let held_out = expected("dpca_cv_held_out");
    let n = held_out.shape()[0];
    let held_out = held_out.mapv(|trial| trial as usize).into_shape_with_order((n, 8)).unwrap();
    let dpca = Dpca::new(["s", "d"]).n_components(5).exact(false).held_out(&held_out);
    let validation = dpca.of_trials(&trials()).unwrap().validation.unwrap();
    validation
        .lambdas
        .iter()
        .zip(&expected("dpca_cv_lambdas"))
        .for_each(|(ours, theirs)| close("lambda", *ours, *theirs, 1e-14));
    let theirs = expected("dpca_cv_error").into_dimensionality::<Ix2>().unwrap();
    validation.errors.iter().zip(&theirs).for_each(|(ours, theirs)| close("error", *ours, *theirs, 1e-11));
    close("best", validation.lambdas[validation.best], number(&facts()["dpca_cv_best_lambda"]), 1e-14);
    assert!(validation.at_edge());
}

/// The formula that the components minimize, of one marginal.
fn cost(part: &Array2<f64>, x: &Array2<f64>, mu: f64, decoder: &Array2<f64>, encoder: &Array2<f64>) -> f64 {
    let squares = |array: &Array2<f64>| array.iter().map(|x| x * x).sum::<f64>();
    let map = encoder.dot(decoder);
    squares(&(part - &x.dot(&map.t()))) + mu * squares(&map)
}

#[test]
fn components_are_the_minimum_and_explain_what_was_put_in() {
    let averages = trials().mean_axis(Axis(0)).unwrap();
    let (n_units, s, d, n_times) = averages.dim();
    let of =
        |exact: bool| Dpca::new(["s", "d"]).n_components(2).lambda(2e-3).exact(exact).of_averages(&averages).unwrap();
    let (ours, theirs) = (of(true), of(false));
    let x = Array2::from_shape_fn((s * d * n_times, n_units), |(row, unit)| {
        averages[[unit, row / n_times / d, row / n_times % d, row % n_times]] - ours.mean[unit]
    });
    let mu = (2e-3 * x.iter().map(|x| x * x).sum::<f64>()).powi(2);
    // Of time alone: the mean over conditions.
    let part = Array2::from_shape_fn(x.dim(), |(row, unit)| {
        (0..s * d).map(|condition| x[[condition * n_times + row % n_times, unit]]).sum::<f64>() / (s * d) as f64
    });
    let least = cost(&part, &x, mu, &ours.marginals[0].decoder, &ours.marginals[0].encoder);
    assert!(least < cost(&part, &x, mu, &theirs.marginals[0].decoder, &theirs.marginals[0].encoder));
    let mut rng = Seed(1).stream(0);
    for _ in 0..50 {
        let mut moved = |array: &Array2<f64>| array.mapv(|x| x + 1e-3 * f64::from(rng.normal(0.0, 1.0)));
        let (decoder, encoder) = (moved(&ours.marginals[0].decoder), moved(&ours.marginals[0].encoder));
        assert!(least < cost(&part, &x, mu, &decoder, &encoder));
    }
    close("all shares", ours.marginals.iter().map(|marginal| marginal.share).sum(), 1.0, 1e-12);
    let along = ours.project("s", &(&x + &ours.mean)).unwrap();
    close("points", along[[5 * n_times + 3, 1]], ours.marginal("s").unwrap().points[[1, 5, 3]], 1e-12);
    assert_eq!(ours.table().n_rows(), 8);
}

/// A stimulus of three values along one direction and a decision along another, both from time 4 on, in noise; two repeats less of one
/// condition.
fn mixed(noise: f32) -> Array5<f64> {
    let mut rng = Seed(2).stream(0);
    let (a, b): (Vec<f64>, Vec<f64>) =
        (0..8).map(|_| (f64::from(rng.normal(0.0, 1.0)), f64::from(rng.normal(0.0, 1.0)))).unzip();
    Array5::from_shape_fn((6, 8, 3, 2, 8), |(repeat, unit, s, d, time)| {
        let on = if time >= 4 { 1.0 } else { 0.0 };
        let signal = on * (a[unit] * (s as f64 - 1.0) + b[unit] * (d as f64 - 0.5));
        let drawn = f64::from(rng.normal(0.0, noise));
        if repeat >= 4 && (s, d) == (1, 1) { f64::NAN } else { signal + (time as f64).sin() * a[7 - unit] + drawn }
    })
}

#[test]
fn what_is_mixed_is_demixed_and_significant_when_it_is_there() {
    let dpca = Dpca::new(["stimulus", "decision"]).n_components(2).lambda(1e-4).shuffles(15).splits(10).seed(3);
    let demixed = dpca.of_trials(&mixed(0.7)).unwrap();
    assert_eq!(demixed.n_trials, [6, 6, 6, 4, 6, 6]);
    let names: Vec<&str> = demixed.marginals.iter().map(|marginal| marginal.name.as_str()).collect();
    assert_eq!(names, ["time", "stimulus", "decision", "stimulus × decision"]);
    for (name, place) in [("stimulus", 1), ("decision", 2)] {
        let marginal = demixed.marginal(name).unwrap();
        let share = marginal.explained_by_marginal[[0, place]] / marginal.explained[0];
        assert!(
            share > 0.7 && marginal.explained[0] > 0.7 * marginal.share,
            "{name}: {share} of {}",
            marginal.explained[0]
        );
        let significant = marginal.significant().unwrap();
        assert!(significant.row(0).iter().skip(4).all(|&there| there), "{name}: {:?}", marginal.accuracy);
        assert!(significant.iter().take(4).filter(|&&there| there).count() <= 1);
    }
    let both = demixed.marginal("stimulus × decision").unwrap();
    assert!(both.share < 0.05 && both.significant().unwrap().row(0).iter().filter(|&&there| there).count() <= 1);
    assert!(demixed.marginal("time").unwrap().significant().is_none());
    for threads in [1, 3] {
        assert_eq!(with_threads(threads, || dpca.of_trials(&mixed(0.7))).unwrap(), demixed);
    }
    let read: Demixed = serde_json::from_str(&serde_json::to_string(&demixed).unwrap()).unwrap();
    assert_eq!(read, demixed);
}

#[test]
fn noise_is_not_decoded() {
    // One direction of the stimulus is drowned in noise that its units share.
    let mut rng = Seed(4).stream(0);
    let trials = Array4::from_shape_fn((30, 4, 2, 3), |(_, unit, s, _)| {
        let signal = if unit < 2 { 2.0 * s as f64 } else { s as f64 };
        signal + f64::from(rng.normal(0.0, if unit < 2 { 5.0 } else { 0.1 }))
    });
    let of = |noise: bool| {
        let demixed = Dpca::new(["stimulus"]).n_components(1).lambda(0.0).noise(noise).of_trials(&trials).unwrap();
        let decoder = demixed.marginal("stimulus").unwrap().decoder.row(0).mapv(f64::abs);
        (decoder[0] + decoder[1]) / decoder.sum()
    };
    assert!(of(true) < 0.02 && of(false) > 3.0 * of(true), "{} {}", of(true), of(false));
}

#[test]
fn a_session_is_demixed() {
    let task = PerceptualDiscrimination::default().onset(100.0).stimulus(300.0).duration(500.0).coherences(&[0.1, 0.4]);
    let leak = psychrnn::dynamics::LeakyUnits::new(10.0, 100.0).noise(0.05);
    let simulator = Simulator::new(&super::figures::weights(), leak).unwrap();
    let session = simulator.run(&task.batch(60, Seed(1)).unwrap()).unwrap();
    let dpca = Dpca::new(["coherence", "direction"]).n_components(2).aligned_to("stimulus").window(-50.0..300.0);
    let demixed = dpca.of(&session).unwrap();
    assert_eq!((demixed.times.len(), demixed.conditions.len(), demixed.left_out), (35, 4, 0));
    assert_eq!(demixed.n_trials.iter().sum::<usize>(), 60);
    // The network tells the direction; both directions in one condition make no difference.
    let direction = demixed.marginal("direction").unwrap();
    assert!(direction.share > 0.3 && direction.explained[0] > 0.9 * direction.share, "{}", demixed.table());
    let refused = |dpca: Dpca| dpca.of(&session).unwrap_err().to_string();
    assert!(refused(Dpca::new([])).contains("columns"));
    assert!(refused(Dpca::new(["colour"])).contains("direction"));
    assert!(refused(Dpca::new(["direction", "trial"])).contains("every combination has 2 trials"));
    assert!(refused(Dpca::new(["direction", "trial"]).lambda(0.0)).contains("every combination has a trial"));
    assert!(refused(dpca.clone().bin(-1.0)).contains("`bin`"));
    assert!(refused(dpca.clone().lambdas(&[])).contains("`lambdas`"));
    assert!(refused(dpca.clone().lambda(f64::NAN)).contains("`lambda`"));
    assert!(refused(dpca.clone().repetitions(0)).contains("`repetitions`"));
    assert!(refused(dpca.clone().n_components(0)).contains("`n_components`"));
    assert!(refused(dpca.clone().held_out(&Array2::from_elem((2, 4), 99))).contains("held_out"));
    assert!(refused(dpca.shuffles(2).splits(0)).contains("`splits`"));
}

#[test]
fn arrays_that_make_no_sense_are_refused_or_answered() {
    let dpca = Dpca::new(["s", "d"]);
    let plain = |trials: &Array5<f64>| dpca.of_trials(trials).unwrap_err().to_string();
    assert!(plain(&Array5::zeros((0, 2, 2, 2, 2))).contains("n_repeats"));
    assert!(plain(&Array5::zeros((3, 2, 2, 1, 2))).contains("two values"));
    assert!(plain(&Array5::zeros((3, 2, 2, 2, 2))).contains("varies"));
    assert!(
        plain(&Array5::from_shape_fn((1, 2, 2, 2, 2), |(_, i, j, k, l)| (i + j * k + l) as f64)).contains("2 trials")
    );
    let mut odd = mixed(0.5);
    odd[[0, 1, 2, 0, 3]] = f64::INFINITY;
    assert!(plain(&odd).contains("unit 1, s 2, d 0, time 3"));
    let lost = mixed(0.5).mapv(|_| f64::NAN);
    assert!(plain(&lost).contains("0 of s 0, d 0, and 5 more"));
    let averages = mixed(0.5).index_axis(Axis(0), 0).to_owned();
    assert!(dpca.of_averages(&averages).unwrap_err().to_string().contains("`lambda`"));
    let mut missing = averages.clone();
    missing[[2, 1, 0, 4]] = f64::NAN;
    let error = dpca.clone().lambda(0.0).of_averages(&missing).unwrap_err().to_string();
    assert!(error.contains("unit 2, s 1, d 0, time 4"), "{error}");
    assert!(
        dpca.clone().lambda(0.0).shuffles(1).of_averages(&averages).unwrap_err().to_string().contains("`shuffles`")
    );
    assert!(
        dpca.clone()
            .lambda(0.0)
            .of_averages(&Array3::<f64>::zeros((2, 2, 2)))
            .unwrap_err()
            .to_string()
            .contains("n_units, s, d")
    );
    // More components than dimensions, no noise at all, no penalty.
    let few = Array4::from_shape_fn((5, 2, 2, 2), |(unit, s, d, time)| (unit * s + d * (unit % 2) + time) as f64);
    let demixed = dpca.clone().lambda(0.0).of_averages(&few).unwrap();
    let dimensions: Vec<usize> = demixed.marginals.iter().map(|marginal| marginal.decoder.nrows()).collect();
    assert_eq!(dimensions, [1, 1, 1, 0]);
    let explained: f64 = demixed.marginals.iter().map(|marginal| marginal.share).sum();
    close("shares", explained, 1.0, 1e-12);
    assert!(demixed.marginal("x").unwrap_err().to_string().contains("time, s, d, s × d"));
    assert!(demixed.project("s", &Array2::zeros((1, 4))).unwrap_err().to_string().contains("n_units = 5"));
}
