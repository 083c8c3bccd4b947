//! `cargo xtask parity`: our numbers beside those of the real PsychRNN, and of other programs for analyses and tasks.

use std::env;
use std::path;

use anyhow::{Context, Result};

use crate::run;
use crate::setup::libtorch;
use crate::workspace::Workspace;

/// Runs the tests that compare with PsychRNN, and shows the line that they write for each case.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    run::step("libtorch", || libtorch::ensure(workspace).map(|_| ()))?;
    run::step("equal to PsychRNN", || {
        compare(workspace, &["parity::", "--skip", "analysis::", "--skip", "tasks::parity::"], &[])
    })
}

/// The same of those that compare analyses, which need no libtorch.
pub(crate) fn run_analysis(workspace: &Workspace) -> Result<()> {
    run::step("equal to what is true", || compare(workspace, &["analysis::parity::"], &["--no-default-features"]))
}

/// The same of those that compare the tasks of the library.
pub(crate) fn run_tasks(workspace: &Workspace) -> Result<()> {
    run::step("equal to other programs", || compare(workspace, &["tasks::parity::"], &["--no-default-features"]))
}

fn compare(workspace: &Workspace, tests: &[&str], features: &[&str]) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--quiet", "--package", "psychrnn", "--test", "all"]).args(features);
    cargo.args(["--", "--nocapture"]).args(tests);
    if let Some(folder) = env::var_os("PSYCHRNN_FIXTURES").filter(|folder| !folder.is_empty()) {
        // The tests run at the root of the clone, wherever we were called.
        let folder = path::absolute(&folder).with_context(|| format!("{} is no folder", folder.display()))?;
        cargo.env("PSYCHRNN_FIXTURES", folder);
    }
    run::run(&mut cargo)
}
