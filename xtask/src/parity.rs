//! `cargo xtask parity`: our numbers beside those of the real PsychRNN.

use std::env;
use std::path;

use anyhow::{Context, Result};

use crate::run;
use crate::setup::libtorch;
use crate::workspace::Workspace;

/// Runs the tests that compare with PsychRNN, and shows the line that they write for each case.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    run::step("libtorch", || libtorch::ensure(workspace).map(|_| ()))?;
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--quiet", "--package", "psychrnn", "--test", "all", "parity::", "--", "--nocapture"]);
    if let Some(folder) = env::var_os("PSYCHRNN_FIXTURES").filter(|folder| !folder.is_empty()) {
        // The tests run at the root of the clone, wherever we were called.
        let folder = path::absolute(&folder).with_context(|| format!("{} is no folder", folder.display()))?;
        cargo.env("PSYCHRNN_FIXTURES", folder);
    }
    run::step("equal to PsychRNN", || run::run(&mut cargo))
}
