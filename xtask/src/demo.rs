//! `cargo demo`: trains a network without Jupyter and says where its figures are.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::run;
use crate::setup::libtorch;
use crate::setup::machine::{self, Part};
use crate::setup::python::{self, Python};
use crate::workspace::Workspace;

/// What may have to be compiled, with the minutes of an idle machine with two cores: the release build of the bench, which has
/// little more in it, took 158 s.
const PROGRAM: Part = Part { what: "the demonstration", download: 23, minutes: 3.0, space: 1000 };

/// Brings libtorch, builds the program `demo` in release mode and runs it with `arguments`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let target = workspace.target()?;
    announce(workspace, &target)?;
    let (setup, ()) = timed(|| libtorch::ensure(workspace).map(|_| ()))?;
    let demo = ["--release", "--package", "psychrnn-examples", "--bin", "demo"];
    let (compilation, ()) = timed(|| {
        run::step("compiling the demonstration", || {
            run::run(workspace.cargo().arg("build").args(demo)).with_context(|| machine::advice(&target))
        })
    })?;
    let folder = target.join("demo");
    run::step("training", || {
        let mut cargo = workspace.cargo();
        cargo.args(["run", "--quiet"]).args(demo).arg("--").arg(&folder).args(arguments);
        run::run(&mut cargo)
    })?;
    let report = complete(&folder.join("report.json"), setup, compilation)?;
    println!("\nFigures, weights and report: {}", folder.display());
    for (field, name) in [("untrained_accuracy", "before training"), ("held_out_accuracy", "after training")] {
        if let Some(accuracy) = report[field].as_f64() {
            println!("Accuracy on fresh trials {name}: {accuracy:.3}");
        }
    }
    Ok(())
}

/// Says what the first time takes, and makes sure that the machine has what it needs.
fn announce(workspace: &Workspace, target: &Path) -> Result<()> {
    let libtorch = libtorch::missing(workspace);
    let program = (!target.join("release/demo").exists()).then_some(PROGRAM);
    let parts: Vec<Part> = [libtorch, program].into_iter().flatten().collect();
    machine::check(
        [
            libtorch.map(|_| Python::with("pip", python::ANY).map(|_| ())),
            libtorch.map(|part| machine::has_space(&workspace.cache, &[part], "XDG_CACHE_HOME")),
            program.map(|_| machine::has_compiler()),
            program.map(|part| machine::has_space(target, &[part], "CARGO_TARGET_DIR")),
        ]
        .into_iter()
        .flatten(),
    )?;
    machine::announce(
        "a network is trained, which takes seconds",
        &parts,
        "Ctrl-C interrupts: what is done stays, and `cargo demo` goes on from there.",
    );
    Ok(())
}

/// Adds the times that only we know to the report.
fn complete(path: &Path, setup: Duration, compilation: Duration) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut report: Value = serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))?;
    let seconds = |time: Duration| (time.as_secs_f64() * 10.0).round() / 10.0;
    if !report["seconds"].is_object() {
        report["seconds"] = json!({});
    }
    report["seconds"]["setup"] = seconds(setup).into();
    report["seconds"]["compilation"] = seconds(compilation).into();
    let text = serde_json::to_string_pretty(&report)? + "\n";
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(report)
}

fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(Duration, T)> {
    let start = Instant::now();
    let result = work()?;
    Ok((start.elapsed(), result))
}
