//! `cargo xtask demo`: trains a network without Jupyter and says where its figures are.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::run;
use crate::setup::libtorch;
use crate::workspace::Workspace;

/// Brings libtorch, builds the example `demo` in release mode and runs it with `arguments`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let (setup, ()) = timed(|| libtorch::ensure(workspace).map(|_| ()))?;
    let demo = ["--release", "--example", "demo"];
    let (compilation, ()) = timed(|| {
        run::step("compiling the demonstration (about 6 minutes the first time)", || {
            run::run(workspace.cargo().arg("build").args(demo))
        })
    })?;
    let folder = workspace.target()?.join("demo");
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
