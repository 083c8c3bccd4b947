//! The program as a shell sees it.
#![allow(clippy::unwrap_used)]

mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use psychrnn::prelude::*;
use psychrnn::tasks::catalog;
use psychrnn::train::Stop;
use tempfile::TempDir;

use program::{p, psychrnn, says};

const SPECIFICATION: &str = r#"
checkpoint = { updates = 2 }
regularizers = [{ l2_rates = { strength = 0.001 } }]

[task]
name = "random_dots"
stimulus = 200
protocol.catch = 0.0
coherences = [0.2, 0.6]

[network]
units = 24
noise = 0.05
constraints = { dale_ratio = 0.75, recurrent = "masks.npz:C_rec" }

[trainer]
length = { updates = 40 }
batch_size = 8
learning_rate = 0.01
clip = { global = 1.0 }
check_every = 10

[validation]
trials = 40
task = { protocol = { in_turn = true } }

[test]
trials = 80
"#;

/// A folder with a specification and the mask that it names.
fn folder(specification: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dots.toml");
    fs::write(&path, specification).unwrap();
    let mut masks = Weights::new();
    masks.insert("C_rec", ndarray::Array2::from_shape_fn((24, 24), |(i, j)| f32::from(u8::from(i != j && j != 3))));
    masks.save(folder.path().join("masks.npz")).unwrap();
    (folder, path)
}

#[test]
fn a_run_is_trained_killed_resumed_tested_and_drawn() {
    let (_kept, specification) = folder(SPECIFICATION);
    let whole = specification.with_extension("");
    let (text, code) = says(&[p("train"), &specification]);
    assert_eq!(code, Some(0), "{text}");
    let report: Training = serde_json::from_str(&fs::read_to_string(whole.join("training.json")).unwrap()).unwrap();
    assert_eq!((report.updates, report.checks.len()), (40, 4));
    let weights = Weights::load(whole.join("weights.npz")).unwrap();
    assert!(weights.matrix("W_rec").unwrap().column(3).iter().all(|&weight| weight == 0.0));

    // Killed as soon as it has written a few checkpoints, and resumed by another process.
    let killed = specification.with_file_name("killed");
    let mut child = psychrnn(&[p("train"), &specification, p("--run"), &killed]).stdout(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    let log = || fs::read_to_string(killed.join("log")).unwrap_or_default();
    while log().matches("checkpoint written").count() < 4 {
        assert!(start.elapsed() < Duration::from_secs(100));
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let (text, code) = says(&[p("resume"), &killed]);
    assert_eq!(code, Some(0), "{text}");
    assert!(log().contains("resumed"), "{}", log());
    assert_eq!(Weights::load(killed.join("weights.npz")).unwrap(), weights);
    assert_eq!(Weights::load(killed.join("best.npz")).unwrap(), Weights::load(whole.join("best.npz")).unwrap());

    // The weights are those that a script of one's own gets.
    let protocol = |task: psychrnn::tasks::RandomDots| task.stimulus(200.0).catch(0.0).coherences(&[0.2, 0.6]);
    let task = protocol(psychrnn::tasks::RandomDots::fixed_duration());
    let mask = Weights::load(specification.with_file_name("masks.npz")).unwrap().matrix("C_rec").unwrap();
    let config = RnnConfig::default().units(24).noise(0.05).dale_ratio(0.75).recurrent_connectivity(mask);
    let mut network = Rnn::new(&task, config).unwrap();
    let trainer = Trainer::default().updates(40).batch_size(8).learning_rate(0.01).clip(Clip::Global(1.0));
    trainer.regularizer(L2Rates::new(0.001)).silent().train(&mut network, &task).unwrap();
    assert_eq!(network.weights().unwrap(), weights);

    let (text, code) = says(&[p("test"), &whole]);
    assert!(code == Some(0) && text.contains("accuracy") && text.contains("signed_coherence"), "{text}");
    assert!(text.contains("-0.6") && whole.join("trials.csv").exists() && whole.join("test.json").exists());
    let (text, code) = says(&[p("costs"), &whole]);
    assert!(code == Some(0) && text.lines().filter(|line| line.trim_start().starts_with("10 ")).count() == 1, "{text}");
    let (text, code) = says(&[p("figures"), &whole, p("--format"), p("svg")]);
    assert_eq!(code, Some(0), "{text}");
    for figure in ["trial", "costs", "structure"] {
        assert!(whole.join(format!("figures/{figure}.svg")).exists(), "{text}");
    }

    // Coherence without its sign and direction tell no curve.
    assert!(
        !whole.join("figures/psychometric-coherence.svg").exists() && !text.contains("psychometric-direction"),
        "{text}"
    );
    assert!(
        text.contains("psychometric-signed_coherence") || text.contains("no curve over signed_coherence: "),
        "{text}"
    );

    let (text, code) = says(&[p("train"), &specification]);
    assert!(code == Some(2) && text.contains("psychrnn resume"), "{text}");
    let (text, code) = says(&[p("resume"), p("no-such-run")]);
    assert!(code == Some(2) && text.contains("psychrnn train"), "{text}");
}

#[test]
fn a_bad_specification_is_refused_by_the_path_of_its_key() {
    let change = |from: &str, to: &str| {
        assert!(SPECIFICATION.contains(from), "{from}");
        SPECIFICATION.replace(from, to)
    };
    for (specification, key, allowed) in [
        (change("units = 24", "unist = 24"), "network.unist: ", "units"),
        (change("[trainer]", "[trainers]"), "trainers: ", "curriculum"),
        (change("dale_ratio = 0.75", "dale_raito = 0.75"), "network.constraints.dale_raito: ", "dale_ratio"),
        (change("global = 1.0", "globl = 1.0"), "trainer.clip", "global"),
        (change("random_dots", "random_dot"), "task.name: ", "sine_wave"),
        (change("stimulus = 200", "stimulus = 200\nprotocol.dt = 0.01"), "task.protocol.dt: ", "write 10"),
        (change("stimulus = 200", "stimulus = 0.2"), "task.stimulus: ", "milliseconds"),
        (change("stimulus = 200", "stimulus = { constant = 200 }"), "task.stimulus", "truncated_exponential"),
        (change("masks.npz:C_rec", "mask.npz:C_rec"), "network.constraints.recurrent: ", "mask.npz"),
        (change("masks.npz:C_rec", "masks.npz:C_in"), "network.constraints.recurrent: ", "C_rec"),
        (change("units = 24", "units = 23"), "network.constraints.recurrent: ", "[23, 23]"),
        (change("units = 24", "units = 24\nfrozen = [\"W_recc\"]"), "network.frozen: ", "W_rec"),
        (change("units = 24", "units = \"many\""), "network.units: ", "whole number"),
        (change("dale_ratio = 0.75", "dale_ratio = 1.75"), "network.constraints.dale_ratio: ", "at most 1"),
        (change("learning_rate = 0.01", "learning_rate = -1"), "trainer.learning_rate: ", "positive"),
        (change("clip = ", "loss = 1\nclip = "), "trainer.loss: ", "[loss]"),
        (change("clip = ", "optimizer = { adam = { beta = 0.5 } }\nclip = "), "trainer.optimizer.adam.beta: ", "beta1"),
        (change("clip = ", "until = { criteria = 1 }\nclip = "), "trainer.until", "criterion"),
        (change("clip = ", "check_trials = 5\nclip = "), "trainer.check_trials: ", "validation trials"),
        (change("check_every = 10", "[curriculum]\nstages = [{ threshold = 0.9 }]"), "validation: ", "curriculum"),
        (change("trials = 80", "trials = 0"), "test.trials: ", "at least 1"),
        (change("in_turn = true", "in_trun = true"), "validation.task.protocol.in_trun: ", "in_turn"),
        (change("updates = 2 }", "updates = 0 }"), "checkpoint: ", "at least 1"),
        (change("l2_rates", "l3_rates"), "regularizers[0]", "l2_rates"),
        (change("l2_rates = {", "l2_weights = { weights = \"W_re\","), "regularizers[0]: ", "is it W_rec?"),
        (change("{ l2_rates = { strength = 0.001 } }", "\"l2_rates\""), "regularizers[0].l2_rates: ", "l2_rates = …"),
        (change("stimulus = 200", "stimulsu = 200"), "task.stimulsu: ", "is it stimulus?"),
        (change("[0.2, 0.6]", "0.2"), "task.coherences: ", "write [0.2]"),
        (change("random_dots", "RandomDots"), "task.name: ", "is it random_dots?"),
        (change("learning_rate", "lr"), "trainer.lr: ", "is it learning_rate?"),
        (change("length = { updates = 40 }", "update = 40"), "trainer.update: ", "is it updates?"),
        (change("units = 24", "units = 24\ntransfer_function = \"tanh\""), "transfer_function: ", "is it transfer?"),
        (change("units = 24", "units = 24\ntransfer = \"Tanh\""), "network.transfer: ", "is it tanh?"),
        (change("clip = ", "device = \"cuda\"\nclip = "), "trainer.device.cuda: ", "write { cuda = … }"),
        (change("in_turn = true", "in_turn = true, dt = 5"), "validation.task.dt: ", "must be 20 ms"),
        (change("trials = 80", "trials = 80\ntask.protocol.dt = 5"), "test.task.dt: ", "must be 20 ms"),
        (change("units = 24", "units = 99999999999999999999"), "dots.toml: ", "too large"),
        (String::new(), "dots.toml: ", "nothing in it"),
        (change("[test]", "[test"), "dots.toml: ", "line"),
        (change("checkpoint =", "model = \"mantis\"\ncheckpoint ="), "model: ", "mante_areas"),
        (change("checkpoint =", "model = \"mante\"\ncheckpoint ="), "task.name: ", "context_integration"),
        (change("checkpoint =", "loss = \"cross_entropy\"\ncheckpoint ="), "loss", "categorical_cross_entropy"),
        (change("checkpoint =", "loss = \"categorical_cross_entropy\"\ncheckpoint ="), "loss: ", "softmax"),
        ("model = \"lee\"\n[network]\nkind = \"lstm\"".into(), "network.kind: ", "rnn"),
        ("model = \"mante_areas\"\n[network]\nunits = 100".into(), "network", "areas"),
    ] {
        let (_kept, path) = folder(&specification);
        let (text, code) = says(&[p("train"), &path]);
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains(key) && text.contains(allowed), "{text}\n{key} {allowed}");
        assert!(!path.with_extension("").exists(), "{text}");
    }
}

#[test]
fn a_complete_specification_is_one_and_every_task_has_its_arguments() {
    let (_kept, path) = folder(SPECIFICATION);
    let (complete, code) = says(&[p("train"), &path, p("--check")]);
    assert_eq!(code, Some(0), "{complete}");
    let again = path.with_file_name("again.json");
    fs::write(&again, &complete).unwrap();
    assert_eq!(says(&[p("train"), &again, p("--check")]), (complete, Some(0)));

    let (tasks, _) = says(&[p("tasks")]);
    let first = catalog::all().next().unwrap();
    assert_eq!(tasks.lines().count(), catalog::all().count());
    for line in tasks.lines() {
        let name = line.split(' ').next().unwrap();
        let entry = catalog::find(name).unwrap();
        assert_eq!(line.find(entry.about), tasks.find(first.about), "{tasks}");
        let (described, code) = says(&[p("tasks"), p(name)]);
        assert!(
            code == Some(0) && described.starts_with('{') && described.contains(entry.papers[0].doi),
            "{described}"
        );
        let specification = path.with_file_name(format!("{name}.json"));
        fs::write(&specification, format!("{{\"task\": {{\"name\": \"{name}\"}}}}")).unwrap();
        let (text, code) = says(&[p("train"), &specification, p("--check")]);
        assert_eq!(code, Some(0), "{name}: {text}");
    }
    let (ideal, code) = says(&[p("tasks"), p("go_nogo"), p("--ideal")]);
    assert!(code == Some(0) && ideal.starts_with("go_nogo ") && ideal.contains("1.0000 ± 0.0000"), "{ideal}");
    let (none, code) = says(&[p("tasks"), p("sine_wave"), p("--ideal")]);
    assert!(code == Some(0) && none.contains("none: ") && none.contains("no choice"), "{none}");
    let (text, code) = says(&[p("--help")]);
    assert!(code == Some(0) && text.contains("milliseconds") && text.contains("Exit codes"), "{text}");
    assert_eq!(says(&[p("trian")]).1, Some(2));
}

#[test]
fn an_example_model_is_specified_by_its_name() {
    use psychrnn::models::Model;
    for model in Model::ALL {
        let (_kept, path) = folder(&format!("model = \"{model}\""));
        let (text, code) = says(&[p("train"), &path, p("--check")]);
        assert_eq!(code, Some(0), "{text}");
        let complete: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(complete["validation"]["trials"], model.n_validation());
        let dt = complete["task"]["dt"].as_f64().or(complete["task"]["protocol"]["dt"].as_f64());
        assert_eq!(dt, Some(f64::from(model.task().spec().unwrap().dt)), "{text}");
    }

    // With changes beside it, it trains as a script of one's own does.
    let specification = r#"
model = "rdm_fixed"
task.stimulus = 200
network.seed = 3
network.noise = 0.05
trainer = { length = { updates = 12 }, batch_size = 8, check_every = 6, carry_state = true }
validation.trials = 40
"#;
    let (_kept, path) = folder(specification);
    let (text, code) = says(&[p("train"), &path]);
    assert_eq!(code, Some(0), "{text}");
    let task = psychrnn::tasks::RandomDots::fixed_duration().stimulus(200.0);
    let mut network = Rnn::new(&task, Model::RdmFixed.network().seed(3).noise(0.05)).unwrap();
    let trainer = Model::RdmFixed.trainer().unwrap().updates(12).batch_size(8).check_every(6).carry_state(true);
    let validation = task.batch(40, Seed(0).child("validation")).unwrap();
    let training = trainer.validation(validation).silent().train(&mut network, &task).unwrap();
    assert_eq!(Weights::load(path.with_extension("").join("weights.npz")).unwrap(), network.weights().unwrap());
    let report = fs::read_to_string(path.with_extension("").join("training.json")).unwrap();
    assert_eq!(serde_json::from_str::<Training>(&report).unwrap().checks, training.checks);

    // A curriculum takes the place of the model's goal.
    let stages = "[curriculum]\nevery = 1\nstages = [{ threshold = 0.0, task = { delay = 300 } }, { threshold = 1.0 }]";
    let given = format!("model = \"romo\"\ntrainer = {{ length = {{ updates = 2 }}, batch_size = 2 }}\n{stages}");
    let (_kept, path) = folder(&given);
    let (text, code) = says(&[p("train"), &path]);
    assert_eq!(code, Some(0), "{text}");
}

#[test]
fn an_explosion_has_an_exit_code_of_its_own() {
    let specification = SPECIFICATION
        .replace("learning_rate = 0.01", "learning_rate = 1e30\noptimizer = { sgd = {} }")
        .replace("clip = { global = 1.0 }", "clip = \"none\"");
    let (_kept, path) = folder(&specification);
    let (text, code) = says(&[p("train"), &path]);
    assert!(code == Some(3) && text.contains("diverged at update"), "{text}");
    let run = path.with_extension("");
    assert!(!run.join("weights.npz").exists());
    let report: Training = serde_json::from_str(&fs::read_to_string(run.join("training.json")).unwrap()).unwrap();
    assert!(report.stop == Stop::Diverged && report.losses.len() == report.updates, "{report}");
    assert!(text.contains("--edited") && text.contains("learning_rate"), "{text}");
    let (text, code) = says(&[p("test"), &run]);
    assert!(code == Some(4) && text.contains("of 40"), "{text}");

    // Its advice can be followed.
    let given = fs::read_to_string(run.join("as-given.toml")).unwrap();
    let careful = given.replace("1e30", "0.001").replace("clip = \"none\"", "clip = { global = 0.5 }");
    fs::write(run.join("as-given.toml"), careful).unwrap();
    let (text, code) = says(&[p("resume"), &run]);
    assert!(code == Some(3) && text.contains("trainer.learning_rate was") && text.contains("began with"), "{text}");
    let (text, code) = says(&[p("resume"), &run, p("--edited")]);
    assert!(code == Some(0) && text.contains("trainer.clip was \"none\""), "{text}");
    let report: Training = serde_json::from_str(&fs::read_to_string(run.join("training.json")).unwrap()).unwrap();
    let changed: Vec<_> = report.changes.iter().map(|change| change.setting.as_str()).collect();
    assert_eq!((report.updates, changed), (40, vec!["trainer.learning_rate", "trainer.clip"]));
    assert_eq!(says(&[p("test"), &run]).1, Some(0));
    let (text, code) = says(&[p("resume"), &run, p("--edited")]);
    assert!(code == Some(2) && text.contains("nothing was edited"), "{text}");
    fs::write(run.join("as-given.toml"), given.replace("coherences = [0.2, 0.6]", "coherences = [0.3]")).unwrap();
    let (text, code) = says(&[p("resume"), &run, p("--edited")]);
    assert!(code != Some(0) && text.contains("task.") && text.contains("as in the checkpoint"), "{text}");
    let (text, code) = says(&[p("resume"), &run]);
    assert!(code == Some(0) && text.contains("task.coherences was [0.2,0.6], and is [0.3]"), "{text}");
}

#[test]
fn a_run_that_has_ended_goes_on_for_longer_and_one_out_of_time_says_so() {
    let (_kept, specification) = folder(&SPECIFICATION.replace("updates = 40", "updates = 12"));
    let run = specification.with_extension("");
    assert_eq!(says(&[p("train"), &specification]).1, Some(0));
    let (text, code) = says(&[p("resume"), &run, p("--updates"), p("20")]);
    assert_eq!(code, Some(0), "{text}");
    let (_kept, at_once) = folder(&SPECIFICATION.replace("updates = 40", "updates = 20"));
    assert_eq!(says(&[p("train"), &at_once]).1, Some(0));
    let weights = |run: &Path| Weights::load(run.join("weights.npz")).unwrap();
    assert_eq!(weights(&run), weights(&at_once.with_extension("")));
    // It stays so long.
    let (text, code) = says(&[p("resume"), &run]);
    assert!(code == Some(0) && text.contains("trained 20 updates"), "{text}");
    let (text, code) = says(&[p("resume"), &run, p("--until"), p("0.0"), p("--trials"), p("200")]);
    assert!(code == Some(0) && text.contains("trained 20 updates"), "{text}");
    let complete = fs::read_to_string(run.join("specification.json")).unwrap();
    let complete: serde_json::Value = serde_json::from_str(&complete).unwrap();
    assert_eq!((&complete["trainer"]["trials"], &complete["trainer"]["until"]["metric"]), (&200.into(), &0.0.into()));

    let limited =
        SPECIFICATION.replace("updates = 40", "updates = 100000").replace("clip = ", "time_limit = 0.3\nclip = ");
    let (_kept, specification) = folder(&limited);
    let (text, code) = says(&[p("train"), &specification]);
    assert!(code == Some(4) && text.contains("time limit") && text.contains("of 100000"), "{text}");
    let run = specification.with_extension("");
    let (text, code) = says(&[p("test"), &run]);
    assert!(code == Some(4) && text.contains("accuracy") && text.contains("of 100000"), "{text}");
}

#[test]
fn a_run_that_was_killed_at_its_start_is_not_tested() {
    let (_kept, specification) = folder(SPECIFICATION);
    let run = specification.with_extension("");
    assert_eq!(says(&[p("train"), &specification]).1, Some(0));
    fs::remove_dir_all(run.join("checkpoints")).unwrap();
    let (text, code) = says(&[p("test"), &run]);
    assert!(code == Some(1) && !text.contains("accuracy"), "{text}");
    // As after the first checkpoint.
    let spec = SPECIFICATION.replace("updates = 40", "updates = 100000").replace("updates = 2 }", "updates = 90000 }");
    let (_kept, specification) = folder(&spec);
    let run = specification.with_extension("");
    let mut child = psychrnn(&[p("train"), &specification]).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while !fs::read_to_string(run.join("log")).unwrap_or_default().contains("checkpoint written") {
        assert!(start.elapsed() < Duration::from_secs(100));
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let (text, code) = says(&[p("test"), &run]);
    assert!(code == Some(4) && text.contains("not finished: update 0 of 100000"), "{text}");
    assert!(!text.contains("accuracy") && !run.join("test.json").exists(), "{text}");
    let (text, code) = says(&[p("costs"), &run]);
    assert!(code == Some(0) && text.contains("not finished"), "{text}");
}

#[test]
fn a_specification_is_read_however_it_is_called_and_written() {
    let toml = SPECIFICATION;
    let json = "{\"model\": \"rdm_fixed\", \"trainer\": {\"updates\": 3, \"batch_size\": 4}}";
    for (name, text, run) in [
        ("dots", toml, "dots.run"),
        ("dots.JSON", json, "dots"),
        ("dots.Toml", toml, "dots"),
        ("dots.spec", json, "dots"),
    ] {
        let (kept, _) = folder(SPECIFICATION);
        let path = kept.path().join(name);
        fs::write(&path, format!("\u{feff}{}", text.replace("updates = 40", "updates = 3"))).unwrap();
        let (text, code) = says(&[p("train"), &path]);
        assert_eq!(code, Some(0), "{name}: {text}");
        assert!(kept.path().join(run).join("weights.npz").exists(), "{name}");
    }

    let complete = |text: &str| {
        let (_kept, path) = folder(text);
        let output = psychrnn(&[p("train"), &path, p("--check")]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    let words = r#"
[task]
name = "random_dots"
catch = 0.1
in_turn = true
[network]
units = 2e1
dale_ratio = 0.8
autapses = false
freeze = ["W_in"]
spectral_radius = [1.2, "raw"]
[trainer]
trials = 5e5
until = 0.9
optimizer = "sgd"
"#;
    let fields = r#"
[task]
name = "random_dots"
protocol = { catch = 0.1, in_turn = true }
[network]
units = 20
frozen = ["W_in"]
constraints = { dale_ratio = 0.8, no_autapses = true }
initial = { radius = [1.2, "raw"] }
[trainer]
length = { trials = 500000 }
until = { metric = 0.9 }
optimizer = { sgd = {} }
"#;
    let spoken = complete(words);
    assert_eq!(spoken, complete(fields));
    assert_eq!(spoken, complete(&words.replace("trials = 5e5", "length = 500000")));
    let (trainer, network) = (&spoken["trainer"], &spoken["network"]);
    assert_eq!((&trainer["trials"], &trainer["length"]), (&500_000.into(), &serde_json::Value::Null));
    assert_eq!((&network["constraints"]["autapses"], &network["freeze"][0]), (&false.into(), &"W_in".into()));
    assert!(network.get("frozen").is_none() && network["constraints"].get("no_autapses").is_none());
    // What is complete is a specification.
    let (_kept, path) = folder("");
    fs::write(path.with_extension("json"), spoken.to_string()).unwrap();
    let output = psychrnn(&[p("train"), &path.with_extension("json"), p("--check")]).output().unwrap();
    assert_eq!(spoken, serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap());
}

#[test]
fn progress_is_on_standard_error_and_the_report_is_printed_once() {
    let (_kept, specification) = folder(&SPECIFICATION.replace("updates = 40", "updates = 5"));
    let output = psychrnn(&[p("train"), &specification]).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(out.lines().count() == 1 && out.starts_with("trained 5 updates, 40 trials"), "{out}");
    assert!(err.contains("update 1/5") && !err.contains("trained 5") && err.contains("all updates were done"), "{err}");
}

#[test]
fn what_is_no_text_or_says_a_thing_twice_is_refused() {
    let refused = |name: &str, bytes: &[u8], said: &str| {
        let (kept, _) = folder(SPECIFICATION);
        let path = kept.path().join(name);
        fs::write(&path, bytes).unwrap();
        let (text, code) = says(&[p("train"), &path]);
        assert!(code == Some(2) && text.contains(said), "{text}");
    };
    let in_two_bytes: Vec<u8> = SPECIFICATION.encode_utf16().flat_map(u16::to_le_bytes).collect();
    refused("dots.toml", &[&[0xff, 0xfe], &in_two_bytes[..]].concat(), "UTF-8");
    refused("dots.toml", b"# caf\xe9\n[task]\nname = \"random_dots\"", "UTF-8");
    let twice = r#"{"task": {"name": "random_dots", "catch": 0.1, "catch": 0.2}}"#;
    refused("dots.json", twice.as_bytes(), "the key catch stands there twice");
}

#[test]
fn one_time_constant_is_given_as_a_number() {
    let (_kept, path) = folder(&SPECIFICATION.replace("noise = 0.05", "tau = 50"));
    let (text, code) = says(&[p("train"), &path, p("--check")]);
    let complete: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(code == Some(0) && complete["network"]["tau"] == serde_json::json!([50.0]), "{text}");
}

#[test]
fn numbers_on_the_command_line_are_those_of_a_specification() {
    let (_kept, specification) = folder(&SPECIFICATION.replace("updates = 40", "updates = 3"));
    let run = specification.with_extension("");
    assert_eq!(says(&[p("train"), &specification]).1, Some(0));
    for (option, value, said) in [
        ("--until", "nan", "finite"),
        ("--until", "-1", "from 0 to 1"),
        ("--until", "90", "0.9"),
        ("--updates", "-1", "at least 1"),
        ("--trials", "0.5", "at least 1"),
        ("--updates", "0", "at least 1"),
        ("--threads", "0", "at least 1"),
    ] {
        let (text, code) = says(&[p("resume"), &run, p(option), p(value)]);
        assert!(code == Some(2) && text.contains(said), "{option} {value}: {text}");
    }
    let (text, code) = says(&[p("resume"), &run, p("--trials"), p("0.4e2")]);
    assert!(code == Some(0) && text.contains("trained 5 updates"), "{text}");
    assert_eq!(says(&[p("test"), &run, p("--trials"), p("0")]).1, Some(2));
    assert_eq!(says(&[p("test"), &run, p("--seed"), p("-1")]).1, Some(2));
    assert_eq!(says(&[p("train"), &specification, p("--check"), p("--threads"), p("1")]).1, Some(2));
}

#[cfg(unix)]
#[test]
fn a_reader_who_goes_away_is_no_failure_and_a_full_disk_is_one() {
    let (_kept, specification) = folder(&SPECIFICATION.replace("updates = 40", "updates = 3"));
    let run = specification.with_extension("");
    assert_eq!(says(&[p("train"), &specification]).1, Some(0));
    let other = run.with_extension("other");
    for arguments in [
        vec![p("test"), &run],
        vec![p("costs"), &run],
        vec![p("figures"), &run],
        vec![p("tasks")],
        vec![p("train"), &specification, p("--check")],
        vec![p("train"), &specification, p("--run"), &other],
    ] {
        let mut child = psychrnn(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop((child.stdout.take(), child.stderr.take()));
        assert_eq!(child.wait().unwrap().code(), Some(0), "{arguments:?}");
    }
    assert!(run.join("test.json").exists() && other.join("weights.npz").exists());
    if let Ok(full) = fs::File::options().write(true).open("/dev/full") {
        let output = psychrnn(&[p("test"), &run]).stdout(full).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains("standard output"), "{said}");
    }
}

#[cfg(unix)]
#[test]
fn a_specification_comes_through_a_pipe_if_the_run_has_a_name() {
    let (_kept, specification) = folder("");
    let run = specification.with_file_name("run");
    let piped = |arguments: &[&Path]| {
        let mut child = psychrnn(arguments).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let text = "model = \"rdm_fixed\"\n[trainer]\nupdates = 2\nbatch_size = 4\nsilent = true";
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (String::from_utf8_lossy(&output.stderr).into_owned(), output.status.code())
    };
    let (text, code) = piped(&[p("train"), p("/dev/stdin")]);
    assert!(code == Some(2) && text.contains("--run"), "{text}");
    // A trainer that is silent shows no progress.
    assert_eq!(piped(&[p("train"), p("/dev/stdin"), p("--run"), &run]), (String::new(), Some(0)));
    assert!(fs::read_to_string(run.join("as-given.toml")).unwrap().contains("rdm_fixed"));
}

/// Runs and signals: a few here; as many as these variables say where they are set.
fn times(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().and_then(|times| times.parse().ok()).unwrap_or(usual)
}

#[cfg(unix)]
#[test]
fn a_run_killed_and_told_to_end_at_random_moments_ends_with_the_same_bits() {
    // PSYCHRNN_KILLS=100 PSYCHRNN_ENDS=20 for a hundred and twenty.
    let (kills, ends) = (times("PSYCHRNN_KILLS", 3), times("PSYCHRNN_ENDS", 2));
    let all = kills + ends;
    let spec = SPECIFICATION.replace("updates = 40", &format!("updates = {}", 60 * (all + 1)));
    let spec = spec.replace("units = 24", "units = 24\nseed = 5").replace("check_every = 10", "check_every = 7");
    let (_kept, specification) = folder(&spec);
    let whole = specification.with_file_name("whole");
    assert_eq!(says(&[p("train"), &specification, p("--run"), &whole]).1, Some(0));
    let run = specification.with_extension("");
    let mut rng = Seed(7).stream(0);
    // Which of them are told to end.
    let mut turns: Vec<bool> = (0..all).map(|turn| turn < ends).collect();
    (1..all).for_each(|i| turns.swap(i, rng.index(i + 1)));
    let log = || fs::read_to_string(run.join("log")).unwrap_or_default();
    let (mut codes, mut before, mut updates) = (Vec::new(), 0, 0);
    for told in turns {
        let arguments =
            if run.join("specification.json").exists() { [p("resume"), &run] } else { [p("train"), &specification] };
        let mut child = psychrnn(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // At any moment of what 60 updates take, and half of those to be killed at any moment of the start.
        let lines = 1 + rng.index(58);
        let start = Instant::now();
        if told || rng.index(2) == 0 {
            while log().lines().count() < before + lines {
                assert!(child.try_wait().unwrap().is_none(), "it ended by itself: {}", log());
                assert!(start.elapsed() < Duration::from_secs(200));
                std::thread::sleep(Duration::from_micros(300));
            }
            std::thread::sleep(Duration::from_micros(rng.index(20_000) as u64));
        } else {
            std::thread::sleep(Duration::from_micros(rng.index(400_000) as u64));
        }
        match told {
            true => assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success()),
            false => child.kill().unwrap(),
        }
        let status = child.wait().unwrap();
        if told {
            codes.push(status.code());
            let report: Training =
                serde_json::from_str(&fs::read_to_string(run.join("training.json")).unwrap()).unwrap();
            assert!(report.stop == Stop::Terminated && report.updates >= updates, "{report}");
            updates = report.updates;
        }
        before = log().lines().count();
    }
    assert_eq!(codes, vec![Some(143); ends], "{}", log());
    let (text, code) = says(&[p("resume"), &run]);
    assert_eq!(code, Some(0), "{text}");
    for file in ["weights.npz", "best.npz"] {
        assert_eq!(Weights::load(run.join(file)).unwrap(), Weights::load(whole.join(file)).unwrap(), "{file}");
    }
    let [report, expected] = [&run, &whole].map(|run| fs::read_to_string(run.join("training.json")).unwrap());
    let [report, expected] = [report, expected].map(|text| serde_json::from_str::<Training>(&text).unwrap());
    assert_eq!((report.losses, report.checks, report.best), (expected.losses, expected.checks, expected.best));
    let resumed = log().lines().filter(|line| line.contains("resumed")).count();
    println!(
        "{kills} kills, {ends} signals to end, {resumed} times resumed, {} updates: the same bits",
        report.updates
    );
}

#[test]
fn a_curriculum_and_a_criterion_can_be_specified() {
    let curriculum = r#"
[task]
name = "perceptual_discrimination"
duration = 400.0
[network]
kind = "lstm"
units = 8
[trainer]
length = { updates = 6 }
batch_size = 4
[curriculum]
every = 2
trials = 10
stages = [{ threshold = 0.0, task = { coherences = [0.7] } }, { threshold = 1.0, task = { coherences = [0.1] } }]
"#;
    let (_kept, path) = folder(curriculum);
    let (text, code) = says(&[p("train"), &path]);
    assert_eq!(code, Some(0), "{text}");
    let (text, _) = says(&[p("costs"), &path.with_extension("")]);
    let stages: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.contains("stage"))
        .skip(1)
        .filter_map(|line| line.split_whitespace().nth(2))
        .collect();
    assert_eq!(stages[..3], ["0", "1", "1"], "{text}");

    let criterion = SPECIFICATION.replace("clip = ", "until = \"criterion\"\nclip = ");
    let (_kept, path) = folder(&criterion);
    let (text, code) = says(&[p("train"), &path, p("--check")]);
    assert!(code == Some(0) && text.contains("\"above\": 0.85"), "{text}");
    let (_kept, path) = folder(&curriculum.replace("batch_size", "until = \"criterion\"\nbatch_size"));
    let (text, code) = says(&[p("train"), &path]);
    assert!(code == Some(2) && text.contains("trainer.until"), "{text}");
}

#[test]
fn conditions_that_are_texts_are_shown_and_have_curves_of_their_own() {
    let specification = r#"
[task]
name = "NAME"
[network]
units = 10
[trainer]
length = { updates = 2 }
batch_size = 4
[test]
trials = 400
"#;
    for (name, shown, told) in [
        (
            "multisensory_integration",
            ["auditory", "multisensory", "visual"].as_slice(),
            ["rate", "rate (modality: visual)"],
        ),
        (
            "context_integration",
            ["color", "motion", "motion_signed_coherence", "color_signed_coherence"].as_slice(),
            ["motion_signed_coherence (context: motion)", "color_signed_coherence (context: color)"],
        ),
    ] {
        let (_kept, path) = folder(&specification.replace("NAME", name));
        let (text, code) = says(&[p("train"), &path]);
        assert_eq!(code, Some(0), "{text}");
        let run = path.with_extension("");
        let (text, code) = says(&[p("test"), &run]);
        assert!(code == Some(0) && shown.iter().all(|value| text.contains(value)), "{text}");
        let (text, code) = says(&[p("figures"), &run, p("--format"), p("svg")]);
        assert_eq!(code, Some(0), "{text}");
        for curve in told {
            // The network has not learned, so that there may be none; then that is said.
            let file = format!("psychometric-{}.svg", curve.replace(" (", "-").replace(": ", "-").replace(')', ""));
            assert!(
                run.join("figures").join(&file).exists() || text.contains(&format!("no curve over {curve}: ")),
                "{text}"
            );
        }
        assert!(!text.contains("context: color)-motion") && !text.contains("psychometric-motion_coherence"), "{text}");
        assert!(!text.contains("psychometric-motion_signed_coherence.svg"), "{text}");
    }
}
