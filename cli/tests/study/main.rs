//! Studies as a shell sees them.
#![allow(clippy::unwrap_used)]

#[path = "../program/mod.rs"]
mod program;
#[cfg(target_os = "linux")]
mod slurm;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use psychrnn::experiment::{Design, Study};
use psychrnn::prelude::*;
use tempfile::TempDir;

use program::p;

/// A study of 3 levels of noise by so many seeds, of so many updates each.
fn folder(seeds: usize, updates: usize) -> (TempDir, PathBuf) {
    let text = format!(
        r#"
measures = ["accuracy", "trials"]
[base]
checkpoint = {{ updates = 5 }}
test = {{ trials = 20 }}
task = {{ name = "random_dots", stimulus = 200, coherences = [0.2, 0.6] }}
network = {{ units = 16 }}
trainer = {{ updates = {updates}, batch_size = 8, check_every = 20, check_trials = 20 }}
[vary]
network.noise = [0.0, 0.05, 0.1]
network.seed = {{ from = 1, to = {seeds} }}
"#
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noise.toml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn psychrnn(arguments: &[&Path]) -> Command {
    program::psychrnn(&[&[p("study")], arguments].concat())
}

/// What the command says, and the program's exit code.
fn says(arguments: &[&Path]) -> (String, Option<i32>) {
    program::says(&[&[p("study")], arguments].concat())
}

fn started(file: &Path) -> Child {
    let mut command = psychrnn(&[p("run"), file, p("--threads"), p("2")]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The last weights of all runs of a study, by their names.
fn weights(folder: &Path) -> BTreeMap<String, Weights> {
    let study = Study::open(folder).unwrap();
    study
        .names()
        .map(|name| (name.to_owned(), study.run(name).unwrap().last_network().unwrap().weights().unwrap()))
        .collect()
}

/// How often each run has ended, by its log.
fn ends(folder: &Path) -> Vec<usize> {
    let study = Study::open(folder).unwrap();
    let log = |name| fs::read_to_string(folder.join("runs").join(name).join("log")).unwrap();
    study.names().map(|name| log(name).matches("Finished: ").count()).collect()
}

#[test]
fn a_study_is_checked_run_told_and_tabled() {
    let (_kept, file) = folder(4, 10);
    let (text, code) = says(&[p("run"), &file, p("--check")]);
    assert!(code == Some(0) && text.lines().count() == 12 && text.contains("noise=0.05 seed=3"), "{text}");
    let study = file.with_extension("");
    assert!(!study.exists());
    let (text, code) = says(&[p("run"), &file]);
    assert!(code == Some(0) && text.contains("12 of 12 runs done"), "{text}");
    assert_eq!(ends(&study), [1; 12]);
    let before = weights(&study);
    // Again it does nothing, by the file and by the folder.
    for place in [&file, &study] {
        let (text, code) = says(&[p("run"), place]);
        assert!(code == Some(0) && text.trim() == "12 of 12 runs done", "{text}");
    }
    assert_eq!((ends(&study), weights(&study)), (vec![1; 12], before));
    let (text, code) = says(&[p("status"), &study]);
    assert!(code == Some(0) && text.trim() == "12 of 12 runs done", "{text}");
    let (text, code) = says(&[p("table"), &study]);
    assert!(code == Some(0) && text.contains("network.noise") && text.contains("12 rows"), "{text}");
    assert_eq!(Table::load_csv(study.join("table.csv")).unwrap().numbers("trials").unwrap(), [80.0; 12]);
    let (text, code) = says(&[p("cancel"), &study]);
    assert!(code == Some(0) && text.contains("told to end: 0"), "{text}");
    let (text, code) = says(&[p("figures"), &study, p("--format"), p("svg")]);
    assert!(code == Some(0) && !text.contains("no "), "{text}");
    for figure in ["learning", "accuracy-over-network.noise", "seconds-over-network.noise"] {
        assert!(study.join(format!("figures/{figure}.svg")).exists(), "{text}");
    }

    // One more seed in the file.
    fs::write(&file, fs::read_to_string(&file).unwrap().replace("to = 4", "to = 5")).unwrap();
    let (text, code) = says(&[p("run"), &file]);
    assert!(code == Some(0) && text.contains("15 of 15 runs done"), "{text}");
    assert_eq!(ends(&study), [1; 15]);

    fs::write(&file, fs::read_to_string(&file).unwrap().replace("units = 16", "units = 17")).unwrap();
    let (text, code) = says(&[p("run"), &file]);
    assert!(code == Some(2) && text.contains("another study") && text.contains("units was 16, and is 17"), "{text}");
    fs::write(&file, fs::read_to_string(&file).unwrap().replace("0.05", "-0.05")).unwrap();
    let (text, code) = says(&[p("run"), &file, p("--folder"), p("nowhere")]);
    assert!(
        code == Some(2) && text.contains("network.noise") && text.contains("in the run noise=-0.05 seed=1"),
        "{text}"
    );
    assert!(!p("nowhere").exists());
    let (text, code) = says(&[p("table"), p("no-such-study")]);
    assert!(code == Some(2) && text.contains("psychrnn study run"), "{text}");
}

/// What it writes to itself, libtorch's own data included.
#[cfg(unix)]
#[test]
fn two_thousand_runs_are_opened_and_tabled_within_200_mib() {
    let (_kept, file) = folder(1000, 10);
    let text = fs::read_to_string(&file).unwrap().replace("0.0, 0.05, 0.1", "0.0, 0.05");
    let place = file.with_extension("");
    let study = Study::begin(&Design::from_text(&text).unwrap(), &place).unwrap();
    for (i, name) in study.names().enumerate() {
        let result = serde_json::json!({
            "error": null, "seconds": 0.001, "measures": [["accuracy", i as f64 / 2000.0]], "missing": [],
        });
        fs::write(place.join(format!("results/{name}.json")), result.to_string()).unwrap();
        fs::write(place.join(format!("claims/{name}.1")), "{}").unwrap();
    }
    for command in ["status", "table"] {
        let program = psychrnn(&[p(command), &place]);
        let mut shell = Command::new("sh");
        shell.args(["-c", "ulimit -d 204800; exec \"$0\" \"$@\""]).arg(program.get_program()).args(program.get_args());
        let output = shell.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("2000"), "{text}{}", String::from_utf8_lossy(&output.stderr));
    }
    let table = Table::load_csv(place.join("table.csv")).unwrap();
    assert_eq!((table.n_rows(), table.numbers("accuracy").unwrap()[1999]), (2000, 1999.0 / 2000.0));
}

/// A number from an environment variable.
fn times(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().and_then(|times| times.parse().ok()).unwrap_or(usual)
}

/// `PSYCHRNN_KILLS` says how often; by default 20 times.
#[cfg(unix)]
#[test]
fn a_study_killed_at_random_moments_by_two_processes_loses_no_run_and_does_none_twice() {
    let (_kept, file) = folder(4, 60);
    let (whole, killed) = (file.with_extension(""), file.with_file_name("killed"));
    let (text, code) = says(&[p("run"), &file]);
    assert_eq!(code, Some(0), "{text}");
    let mut rng = Seed(std::process::id().into()).stream(0);
    // Two at a time, of which one after the other is killed.
    let arguments = [p("run"), &file, p("--folder"), &killed, p("--threads"), p("1")];
    let start = || psychrnn(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut two = [start(), start()];
    for kill in 0..times("PSYCHRNN_KILLS", 20) {
        std::thread::sleep(Duration::from_millis(300 + rng.index(400) as u64));
        let child = &mut two[kill % 2];
        match rng.chance(0.5) {
            true => child.kill().unwrap(),
            false => drop(Command::new("kill").arg(child.id().to_string()).status().unwrap()),
        }
        child.wait().unwrap();
        *child = start();
    }
    for mut child in two {
        child.wait().unwrap();
    }
    let (text, code) = says(&arguments);
    assert_eq!(code, Some(0), "{text}{:?}", Study::open(&killed).unwrap().table().unwrap().column("failure"));
    assert_eq!(weights(&killed), weights(&whole));
    // Once, or twice where it was killed between its end and its measures.
    let study = Study::open(&killed).unwrap();
    for (name, ends) in study.names().zip(ends(&killed)) {
        let log = fs::read_to_string(killed.join("runs").join(name).join("log")).unwrap();
        assert!(ends == 1 || log.contains("resumed 60"), "{name}: {log}");
    }
    assert_eq!(
        study.table().unwrap().column("accuracy").unwrap(),
        Study::open(&whole).unwrap().table().unwrap().column("accuracy").unwrap()
    );
}

#[cfg(unix)]
#[test]
fn a_study_is_cancelled_and_goes_on() {
    let (_kept, file) = folder(4, 4000);
    let mut child = started(&file);
    let study = file.with_extension("");
    let status = || Study::open(&study).and_then(|study| study.status()).map_or(0, |status| status.going);
    while status() < 2 {
        assert_eq!(child.try_wait().unwrap(), None);
        std::thread::sleep(Duration::from_millis(10));
    }
    let (text, _) = says(&[p("status"), &study]);
    assert!(text.contains("2 going") && text.contains(&child.id().to_string()), "{text}");
    let (text, code) = says(&[p("cancel"), &study]);
    assert!(code == Some(0) && text.contains("told to end: 1"), "{text}");
    assert_eq!(child.wait().unwrap().code(), Some(143));
    let (text, _) = says(&[p("status"), &study]);
    assert!(text.contains("2 stopped on the way, 10 waiting"), "{text}");
}
