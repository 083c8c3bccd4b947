//! Work that takes more memory than there is. A limit holds for a whole process, so it is one of its own: this program again, under
//! `ulimit`, with one test.

use std::process::Command;

use ndarray::{Array1, Array2, Array3};
use psychrnn::Error;
use psychrnn::analysis::{Bootstrap, LesionSweep};
use psychrnn::plot::Panel;
use psychrnn::prelude::*;

#[test]
fn what_does_not_fit_is_refused_in_words() {
    // 4 GiB, in KiB.
    let limited = "ulimit -v 4194304 && exec \"$0\" --exact memory::nothing_is_killed --ignored --nocapture";
    let output = Command::new("sh").args(["-c", limited]).arg(std::env::current_exe().unwrap()).output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", said(&output.stdout), said(&output.stderr));
}

#[track_caller]
fn refused<T>(what: &str, result: Result<T>) {
    let said = result.as_ref().err().map_or("not refused".to_owned(), ToString::to_string);
    let in_words =
        matches!(result, Err(Error::Memory { needed, available, .. }) if needed > available && available < 4 << 30);
    assert!(in_words, "{what}: {said}");
    println!("{said}");
}

/// A network of so many units that stay alone.
fn simulator(n_rec: usize) -> Simulator {
    let mut weights = Weights::new();
    for (name, shape) in
        [("W_in", (n_rec, 1)), ("W_rec", (n_rec, n_rec)), ("W_out", (1, n_rec)), ("init_state", (1, n_rec))]
    {
        weights.insert(name, Array2::zeros(shape));
    }
    weights.insert("b_rec", Array1::zeros(n_rec));
    weights.insert("b_out", Array1::zeros(1));
    Simulator::new(&weights, LeakyUnits::new(10.0, 100.0).noise(0.1)).unwrap()
}

fn silent_trials(n_batch: usize, n_steps: usize) -> Batch {
    let zeros = || Array3::zeros((n_batch, n_steps, 1));
    Batch::from_arrays(&TaskSpec::new(1, 1).duration(10.0), zeros(), zeros(), zeros()).unwrap()
}

#[test]
#[ignore = "a process of its own"]
fn nothing_is_killed() {
    let task = PerceptualDiscrimination::default();
    for n in [100_000_000, usize::MAX] {
        refused("a batch", task.batch(n, Seed(1)));
        refused("a batch of recorded trials", silent_trials(2, 50).batch(n, Seed(1)));
    }

    let (network, long) = (simulator(1000), silent_trials(20, 60_000));
    refused("a long run", network.run(&long));
    refused("its rates", network.clone().record(Recording::rates(..)).run(&long));
    let noise = Perturbation::new(Effect::Noise { units: (..).into(), sd: 0.1 }, ..);
    refused("lesions", LesionSweep::new().lesion("noise", [noise]).silent().run(&network, &long));
    let (network, short) = (simulator(30), silent_trials(1, 20));
    let few = network.clone().record(Recording::rates(0..3)).run(&short).unwrap();
    assert_eq!((few.rates.dim(), few.states.dim()), ((1, 20, 3), (1, 20, 0)));
    let areas = |size: usize| Areas::new().area("a", (size, size)).area("b", (size, size)).connect("a", "b", 0.5);
    refused("masks", areas(50_000).masks(1, 1));
    assert!(areas(usize::MAX).masks(1, 1).is_err() && areas(usize::MAX).units("b").is_err());
    assert!(areas(10).input(0..usize::MAX, "a").masks(2, 1).is_err());
    refused("resamples", Bootstrap::default().resamples(usize::MAX).percentile(&[1.0, 2.0], |x| x[0]));

    for units in [0..usize::MAX, usize::MAX - 1..usize::MAX] {
        let error = network.clone().silence(units.clone(), ..).run(&short).unwrap_err().to_string();
        assert!(error.contains("`units` must be below 30"), "{error}");
        assert!(network.clone().record(Recording::of(units)).run(&short).is_err());
    }
    assert!(LesionSweep::of_units(0..usize::MAX, ..).run(&network, &short).is_err());

    let figure = Panel::new().line([0.0, 1.0], [0.0, 1.0], ()).figure();
    let folder = tempfile::tempdir().unwrap();
    for (width, height) in [(10_000.0, 10_000.0), (1e9, 1e9), (10_000.0, 5000.0)] {
        let figure = figure.clone().size(width, height);
        assert!(figure.png().is_err() && figure.save(folder.path().join("figure.png")).is_err());
    }

    #[cfg(feature = "torch")]
    training();
}

#[cfg(feature = "torch")]
fn training() {
    let task = PerceptualDiscrimination::default();
    for units in [50_000, 1_000_000, usize::MAX] {
        refused("a network", Rnn::new(&task, RnnConfig::default().units(units)));
        refused("an LSTM", Lstm::new(&task, LstmConfig::default().units(units)));
    }
    let areas = Areas::new().area("a", usize::MAX).area("b", usize::MAX);
    assert!(Rnn::new(&task, RnnConfig::default().areas(areas)).is_err());

    let network = |units: usize| Rnn::new(&task, RnnConfig::default().units(units).seed(1)).unwrap();
    let trainer = || Trainer::default().updates(1).silent();
    let large = || trainer().batch_size(200_000);
    let mut small = network(50);
    refused("very large batches", trainer().batch_size(100_000_000).train(&mut small, &task));
    refused("large batches on libtorch", large().backend(psychrnn::train::Backend::Libtorch).train(&mut small, &task));
    refused("large batches that are kept", large().memory(usize::MAX).train(&mut small, &task));
    refused("penalized rates", large().regularizer(L2Rates::new(0.1)).train(&mut small, &task));
    refused("large checks", trainer().until(0.9).check_trials(100_000_000).train(&mut small, &task));
    let metric = |session: &Session| session.rates.mean().map_or(f64::NAN, f64::from);
    let looks_at_rates = trainer().until(Goal::at_least(0.9)).check_trials(100_000);
    refused("checks that look at rates", looks_at_rates.metric(metric).train(&mut small, &task));

    let mut ensemble = Ensemble::new().silent().threads(8);
    for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        ensemble.add(name, network(10), trainer().batch_size(50_000), task.clone());
    }
    refused("an ensemble", ensemble.train());
    // What fits is done.
    trainer().batch_size(8).train(&mut network(10), &task).unwrap();
}
