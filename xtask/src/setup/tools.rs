//! Programs that look the project over. Each is brought into the user's cache in one version, so that all find the same.

use std::process::Command;

use anyhow::Result;

use super::python::{self, Environment, Python};
use crate::run;
use crate::workspace::Workspace;

const CARGO_DENY: &str = "0.20.2";

/// cargo-deny. It works for two seconds, so it is compiled without optimization.
pub(crate) fn cargo_deny(workspace: &Workspace) -> Result<Command> {
    let folder = workspace.cache.join(format!("cargo-deny-{CARGO_DENY}"));
    let program = folder.join("bin/cargo-deny");
    if !program.exists() {
        let _lock = workspace.lock("cargo-deny")?;
        run::step("cargo-deny: compiling it (about a minute, once for all clones)", || {
            let build = workspace.cache.join("cargo-deny.build");
            let mut cargo = workspace.cargo();
            cargo.args(["install", "--quiet", "--locked", "--debug", "cargo-deny", "--version", CARGO_DENY]);
            run::run(cargo.arg("--root").arg(&folder).arg("--target-dir").arg(&build))?;
            python::clear(&build)
        })?;
    }
    let mut command = Command::new(program);
    command.current_dir(&workspace.root);
    Ok(command)
}

/// typos, which finds words that are written wrong; none where there is no Python to bring it.
pub(crate) fn typos(workspace: &Workspace) -> Result<Option<Command>> {
    if let Err(error) = Python::with("venv", python::ANY) {
        println!("  skipped: {error}");
        return Ok(None);
    }
    let environment = Environment {
        name: "typos",
        title: "typos: making a Python environment (some seconds, once for all clones)",
        minors: python::ANY,
        requirements: "typos==1.52.0",
        alone: &[],
        // The program stands by itself.
        module: "sys",
    };
    let python = environment.ensure(workspace, |_| Ok(()))?;
    let mut command = Command::new(python.with_file_name("typos"));
    command.current_dir(&workspace.root);
    Ok(Some(command))
}
