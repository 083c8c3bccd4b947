//! Weights files: PsychRNN's, ours, and broken ones.

use std::fs;
use std::path::Path;

use ndarray::{arr1, arr2};
use psychrnn::dynamics::LeakyUnits;
use psychrnn::prelude::*;

use crate::numbers::{assert_close, batch, cube, data};

#[test]
fn a_file_of_psychrnn_loads_and_runs() {
    for name in ["psychrnn_saved_basic", "psychrnn_saved_dale"] {
        let weights = Weights::load(data(&format!("{name}.npz"))).unwrap();
        assert!(weights.skipped().iter().any(|name| name == "transfer_function"));
        assert!(weights.skipped().iter().any(|name| name == "W_rec/Adam"));
        assert_eq!(weights.dale_ratio(), Some(if name.ends_with("dale") { Some(0.8) } else { None }));
        let io = Weights::load(data(&format!("{name}_io.npz"))).unwrap();
        let inputs = cube(&io, "inputs");
        let session = Simulator::new(&weights, LeakyUnits::new(10.0, 100.0))
            .unwrap()
            .run(&batch(&inputs, weights.vector("b_out").unwrap().len()))
            .unwrap();
        assert_close(name, &session.outputs, &cube(&io, "outputs"), 1e-5, 2e-6);
        assert_close(name, &session.states, &cube(&io, "states"), 1e-5, 2e-6);
    }
}

fn small() -> Weights {
    let mut weights = Weights::new();
    weights.insert("W_in", arr2(&[[1.0], [0.5]]));
    weights.insert("W_rec", arr2(&[[0.0, 0.25], [-0.5, 0.0]]));
    weights.insert("W_out", arr2(&[[1.0, -1.0]]));
    weights.insert("b_rec", arr1(&[0.0, 0.1]));
    weights.insert("b_out", arr1(&[0.2]));
    weights.insert("init_state", arr2(&[[0.1, 0.1]]));
    weights
}

#[test]
fn what_is_saved_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.npz");
    let mut weights = small();
    weights.set_config(&LeakyUnits::new(10.0, 50.0)).unwrap();
    for ratio in [None, Some(0.7)] {
        weights.set_dale_ratio(ratio);
        weights.save(&path).unwrap();
        assert_eq!(Weights::load(&path).unwrap(), weights);
    }
    let loaded = Weights::load(&path).unwrap();
    assert_eq!(loaded.config::<LeakyUnits>().unwrap(), Some(LeakyUnits::new(10.0, 50.0)));
}

#[test]
fn an_unusable_file_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let error = |path: &Path| {
        let error = Weights::load(path).unwrap_err().to_string();
        assert!(error.contains(&path.display().to_string()), "{error}");
        error
    };
    error(&place("missing.npz"));
    error(folder.path());

    fs::write(place("empty.npz"), b"").unwrap();
    error(&place("empty.npz"));
    fs::write(place("text.npz"), b"these are not weights").unwrap();
    assert!(error(&place("text.npz")).contains("npz"));

    small().save(place("whole.npz")).unwrap();
    let whole = fs::read(place("whole.npz")).unwrap();
    for length in (1..whole.len()).step_by(7) {
        fs::write(place("part.npz"), &whole[..length]).unwrap();
        error(&place("part.npz"));
    }
    // A byte that flipped is either noticed or changes nothing that is read.
    for at in (0..whole.len()).step_by(3) {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x55;
        fs::write(place("flipped.npz"), &flipped).unwrap();
        if let Ok(weights) = Weights::load(place("flipped.npz")) {
            for name in weights.names() {
                if let Ok(original) = small().array(name) {
                    assert_eq!(weights.array(name).unwrap(), original, "byte {at}");
                }
            }
        }
    }
}

#[test]
fn weights_that_do_not_fit_each_other_are_refused_by_name() {
    let refused = |weights: &Weights| Simulator::new(weights, LeakyUnits::new(10.0, 100.0)).unwrap_err().to_string();
    let mut without = Weights::new();
    for name in small().names().filter(|name| *name != "b_rec") {
        without.insert(name, small().array(name).unwrap().clone());
    }
    let error = refused(&without);
    assert!(error.contains("`b_rec`") && error.contains("W_rec"), "{error}");

    let mut weights = small();
    weights.insert("W_in", arr2(&[[1.0, 2.0, 3.0]]));
    assert!(refused(&weights).contains("`W_in`"));
    weights = small();
    weights.insert("W_rec", arr2(&[[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]));
    assert!(refused(&weights).contains("`W_rec`"));
    weights = small();
    weights.insert("b_out", arr1(&[f32::NAN]));
    let error = refused(&weights);
    assert!(error.contains("`b_out`") && error.contains("NaN"), "{error}");
    for leak in [
        LeakyUnits::new(-10.0, 100.0),
        LeakyUnits::new(10.0, 0.0),
        LeakyUnits::new(10.0, 5.0),
        LeakyUnits::new(10.0, 100.0).noise(-1.0),
    ] {
        assert!(Simulator::new(&small(), leak).is_err());
    }
}

#[test]
fn a_save_that_fails_leaves_the_old_file_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.npz");
    small().save(&path).unwrap();
    let before = fs::read(&path).unwrap();
    let elsewhere = folder.path().join("no such folder/weights.npz");
    let error = small().save(&elsewhere).unwrap_err().to_string();
    assert!(error.contains("no such folder"), "{error}");
    assert!(small().save(folder.path()).is_err());
    assert!(small().save(path.join("below a file.npz")).is_err());
    assert_eq!(fs::read(&path).unwrap(), before);
}
