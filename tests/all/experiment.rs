//! Specifications and runs, as a notebook has them.

use std::fs;

use psychrnn::Error;
use psychrnn::experiment::{Run, Specification};
use psychrnn::prelude::*;
use psychrnn::train::Stop;

const TEXT: &str = r#"
checkpoint = { updates = 4 }
regularizers = [{ l2_rates = { strength = 0.001 } }]
[task]
name = "perceptual_discrimination"
duration = 200
[network]
units = 12
dale_ratio = 0.75
noise = 0.1
seed = 3
[trainer]
updates = 12
batch_size = 8
check_every = 3
silent = true
[validation]
trials = 20
[test]
trials = 40
task = { coherences = [0.5] }
"#;

fn specification() -> Specification {
    Specification::from_text(TEXT).unwrap()
}

fn weights(run: &Run) -> [Weights; 2] {
    [run.network(), run.last_network()].map(|network| network.unwrap().weights().unwrap())
}

#[test]
fn a_run_is_trained_as_by_hand_and_opened_again_with_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let run = specification().train(folder.path().join("run")).unwrap();
    let task = PerceptualDiscrimination::default().duration(200.0);
    let mut network = Rnn::new(&task, RnnConfig::default().units(12).dale_ratio(0.75).noise(0.1).seed(3)).unwrap();
    let trainer = Trainer::default().updates(12).batch_size(8).check_every(3).regularizer(L2Rates::new(0.001)).silent();
    let validation = task.batch(20, Seed(0).child("validation")).unwrap();
    let training = trainer.validation(validation).train(&mut network, &task).unwrap();
    let last = network.weights().unwrap();
    network.use_best().unwrap();
    assert_eq!(weights(&run), [network.weights().unwrap(), last]);
    assert_eq!(run.training().unwrap().checks, training.checks);

    let opened = Run::open(folder.path().join("run")).unwrap();
    assert_eq!(weights(&opened), weights(&run));
    assert_eq!(Weights::load(opened.folder().join("best.npz")).unwrap(), weights(&run)[0]);
    let session = opened.test().unwrap();
    assert_eq!(session.n_trials(), 40);
    assert!(session.batch.values.numbers("coherence").unwrap().iter().all(|&coherence| coherence == 0.5));
    assert_eq!(session.outputs, opened.test_with(40, 0).unwrap().outputs);
    assert_ne!(session.outputs, opened.test_with(40, 1).unwrap().outputs);
    // A cell may end in each of them.
    opened.evcxr_display();
    opened.network().unwrap().evcxr_display();
    opened.specification().evcxr_display();
    opened.specification().test().evcxr_display();
    // All parts are there by themselves.
    let parts = opened.specification();
    let mut network = parts.network().unwrap();
    let training = parts.trainer().unwrap().train(network.as_mut(), parts.task()).unwrap();
    assert_eq!(training.losses, opened.training().unwrap().losses);
    assert_eq!(parts.validation().unwrap().draw().unwrap().n_trials(), 20);
    assert_eq!(Specification::from_text(&parts.to_string()).unwrap().to_string(), parts.to_string());
}

#[test]
fn the_same_line_goes_on_and_a_run_can_be_made_longer() {
    let folder = tempfile::tempdir().unwrap();
    let [run, whole] = ["run", "whole"].map(|name| folder.path().join(name));
    let limited = specification().with("trainer.time_limit", 1e-9).unwrap();
    let stopped = limited.train(&run).unwrap().training().unwrap();
    assert!(stopped.stop == Stop::TimeUp && stopped.updates < 12, "{stopped}");
    let mut again = Run::open(&run).unwrap();
    again.set("trainer.time_limit", 1000.0).unwrap();
    assert_eq!(again.train().unwrap().updates, 12);
    assert_eq!(weights(&again), weights(&specification().train(&whole).unwrap()));

    // Ended: it is there at once, longer as it is.
    let mut longer = specification().train(&whole).unwrap();
    longer.set("trainer.trials", 160).unwrap();
    assert_eq!(longer.threads(2).train().unwrap().updates, 20);
    let run = specification().train(&whole).unwrap();
    assert_eq!(run.training().unwrap().updates, 20);
    let at_once = specification().with("trainer.updates", 20).unwrap().train(folder.path().join("once")).unwrap();
    assert_eq!(weights(&run), weights(&at_once));

    // Another one is not taken for it.
    let other = specification().with("network.noise", 0.2).unwrap().train(&whole).unwrap_err().to_string();
    assert!(other.contains("network.noise was 0.1, and is 0.2") && other.contains("whole"), "{other}");
    let task = Run::open(&whole).unwrap().set("task.duration", 300).unwrap_err().to_string();
    assert!(task.starts_with("task.duration: ") && task.contains("trainer"), "{task}");
}

#[test]
fn a_key_is_set_by_its_path_and_all_is_checked_again() {
    let with = |key: &str, value: f64| specification().with(key, value);
    assert!(with("regularizers[0].l2_rates.strength", 0.5).unwrap().to_string().contains("\"strength\": 0.5"));
    assert!(!with("trainer.trials", 5e2).unwrap().to_string().contains("\"updates\": 12"));
    assert!(specification().with("trainer.optimizer", "sgd").unwrap().to_string().contains("\"sgd\""));
    assert_eq!(specification().with("test.task.coherences", [0.1, 0.2]).unwrap().test().draw().unwrap().n_trials(), 40);
    for (key, value, said) in [
        ("network.unist", 5.0, "is it units?"),
        ("network.noise", f64::NAN, "finite number"),
        ("network.noise", -1.0, "`noise` must be"),
        ("network.constraints.dale_ratio", 0.5, "network.dale_ratio"),
        ("regularizers[1].l2_rates.strength", 0.5, "no such entry"),
        ("trainer.trials", 0.5, "whole number"),
        ("units", 5.0, "there is no key `units`"),
        ("network", 5.0, "must be a table"),
    ] {
        let error = with(key, value).unwrap_err();
        let Error::Specification { file: None, key: named, problem } = &error else { panic!("{error}") };
        assert!(!named.is_empty() && error.to_string().contains(said), "{named}: {problem}\n{key} {said}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.toml");
    fs::write(&path, TEXT.replace("units = 12", "units = 0")).unwrap();
    let error = Specification::read(&path).unwrap_err();
    assert!(
        matches!(&error, Error::Specification { file: Some(file), key, .. } if *file == path && key == "network.units")
    );
    assert!(error.to_string().starts_with(&format!("{}: network.units: ", path.display())), "{error}");
}

#[test]
fn a_list_that_takes_the_place_of_the_models_is_told() {
    let notes = |freeze: &str| {
        let text = format!("model = \"rdm_dense\"\nnetwork.freeze = [{freeze}]");
        Specification::from_text(&text).unwrap().notes().join("\n")
    };
    assert!(
        notes("\"b_out\", \"W_in\"").contains("network.freeze: ") && notes("\"b_out\"").contains("leaves b_rec to")
    );
    assert_eq!(notes("\"b_out\", \"W_in\", \"b_rec\""), "");
}

#[test]
fn a_damaged_folder_says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let says = |problem: psychrnn::Result<()>| problem.unwrap_err().to_string();
    assert!(says(Run::open(&run).map(drop)).contains("there is no run in it"));
    specification().train(&run).unwrap();
    assert!(says(Run::begin(&specification(), &run).map(drop)).contains("there is a run in it"));
    let open = || Run::open(&run);

    // What the run began with is needed only to change it.
    let damage = |name: &str, bytes: &[u8], work: &dyn Fn() -> psychrnn::Result<()>, said: [&str; 2]| {
        let kept = fs::read(run.join(name)).unwrap();
        fs::write(run.join(name), bytes).unwrap();
        let text = says(work());
        assert!(said.iter().all(|said| text.contains(said)), "{text}");
        fs::write(run.join(name), kept).unwrap();
    };
    damage("begun.json", b"{}", &|| open()?.set("trainer.updates", 20), ["begun.json", "missing field"]);
    damage("specification.json", b"{\"task\": ", &|| open().map(drop), ["specification.json", "EOF"]);
    damage("specification.json", b"", &|| open().map(drop), ["specification.json", "nothing in it"]);
    damage("as-given.toml", b"[task", &|| open()?.take_edits(), ["as-given.toml", "line"]);
    assert!(open().unwrap().edits().unwrap().is_empty());
    assert!(says(open().unwrap().take_edits()).contains("nothing was edited"));
    fs::write(run.join("as-given.toml"), TEXT.replace("updates = 12", "updates = 13")).unwrap();
    assert_eq!(open().unwrap().edits().unwrap(), ["trainer.updates was 12, and is 13"]);

    for entry in fs::read_dir(run.join("checkpoints")).unwrap() {
        fs::write(entry.unwrap().path(), "no checkpoint").unwrap();
    }
    let text = says(open().unwrap().test().map(drop));
    assert!(text.contains("checkpoint-"), "{text}");
    fs::remove_dir_all(run.join("checkpoints")).unwrap();
    let text = says(open().unwrap().network().map(drop));
    assert!(text.contains("checkpoints"), "{text}");
}

#[test]
fn tasks_whose_answers_are_angles_are_run_as_others() {
    let text = r#"
        [task]
        name = "yang"
        rules = ["fdgo", "dmsgo"]
        ring = 8
        [network]
        units = 10
        form = "rate"
        transfer = "softplus"
        readout = "sigmoid"
        [trainer]
        updates = 4
        batch_size = 64
        check_every = 2
        until = 1.0
        clip = { value = 1.0 }
        silent = true
        [validation]
        trials = 64
        [test]
        trials = 30
        task = { only = ["dmsgo"] }
    "#;
    let folder = tempfile::tempdir().unwrap();
    let run = Specification::from_text(text).unwrap().train(folder.path().join("run")).unwrap();
    assert_eq!(run.training().unwrap().checks.len(), 2);
    let session = run.test().unwrap();
    assert!(session.correct.iter().all(Option::is_some));
    assert!(session.batch.values.column("rule").unwrap().iter().all(|rule| rule.is("dmsgo")));
    let trials = session.trials();
    let answers = trials.numbers("response").unwrap();
    assert!(answers.iter().all(|angle| angle.is_nan() || (0.0..=6.3).contains(angle)));
    assert_eq!(trials.numbers("target").unwrap().len(), 30);
}

/// A network that learned from one trial what to do in the next is not tested on each for itself.
#[test]
fn trials_are_tested_one_after_another_if_they_were_trained_so() {
    let text = |consecutive: usize| {
        format!(
            "
            task = {{ name = \"conditional_association\", n_stimuli = 2, n_answers = 2, delay = 100, session = 5 }}
            network = {{ units = 10 }}
            trainer = {{ updates = 2, batch_size = 10, consecutive = {consecutive}, silent = true }}
            test = {{ trials = 10 }}
            "
        )
    };
    let folder = tempfile::tempdir().unwrap();
    let run = Specification::from_text(&text(5)).unwrap().train(folder.path().join("run")).unwrap();
    let tested = run.test().unwrap();
    let simulator = run.network().unwrap().simulator().unwrap();
    let rows = [0..5, 5..10].map(|row| tested.batch.select(&row.collect::<Vec<_>>()));
    for (k, row) in rows.iter().enumerate() {
        let expected = simulator.run_consecutively(row).unwrap().outputs;
        let outputs = tested.outputs.slice(ndarray::s![5 * k..5 * k + 5, .., ..]);
        let furthest = (&outputs - &expected).iter().fold(0.0_f32, |furthest, x| furthest.max(x.abs()));
        assert!(furthest < 1e-5, "{furthest}");
    }
    let alone = Specification::from_text(&text(1)).unwrap().session(run.network().unwrap().as_ref(), &tested.batch);
    assert_ne!(alone.unwrap().outputs, tested.outputs);
}
