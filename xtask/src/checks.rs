//! `cargo xtask validate` and `cargo xtask test`: everything that must hold before a commit, cheapest first.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::dependencies;
use crate::models;
use crate::notebooks::jupyter;
use crate::notebooks::notebook;
use crate::notebooks::tour;
use crate::run;
use crate::setup::libtorch;
use crate::workspace::Workspace;

/// The notebook that must always work.
const HELLO_WORLD: &str = "notebooks/01-hello-world.ipynb";
/// Only the parts that need no libtorch.
// The package that measures and the command line cannot do without libtorch.
const LIGHT: &[&str] =
    &["--workspace", "--exclude", "psychrnn-bench", "--exclude", "psychrnn-cli", "--no-default-features"];
const ALL: &[&str] = &["--workspace"];
/// Without libtorch nothing is trained, and compiling takes longer than the tests.
const UNOPTIMIZED: &str = "--config=profile.dev.package.psychrnn.opt-level=0";

/// Runs checks one after another and keeps their times.
struct Checks<'a> {
    workspace: &'a Workspace,
    times: Vec<(&'static str, Duration)>,
}

/// The part that needs no libtorch and takes a minute or two.
pub(crate) fn validate(workspace: &Workspace) -> Result<()> {
    let mut checks = Checks { workspace, times: Vec::new() };
    checks.light()?;
    checks.report();
    Ok(())
}

/// Everything.
pub(crate) fn test(workspace: &Workspace) -> Result<()> {
    let mut checks = Checks { workspace, times: Vec::new() };
    checks.light()?;
    checks.full()?;
    checks.report();
    Ok(())
}

impl Checks<'_> {
    fn light(&mut self) -> Result<()> {
        self.cargo("format", &["fmt", "--all", "--check"], &[], &[])?;
        self.cargo("format of the kernel", &["fmt", "--check", "--manifest-path", "kernel/Cargo.toml"], &[], &[])?;
        self.step("notebooks hold no outputs", notebook::check_clean)?;
        self.step("dependencies", dependencies::check)?;
        self.cargo("lint, without libtorch", &["clippy", "--all-targets"], LIGHT, &["--", "-D", "warnings"])?;
        let packages = [LIGHT, &[UNOPTIMIZED]].concat();
        self.tests("tests, without libtorch", &packages)?;
        self.cargo("examples in the documentation, without libtorch", &["test", "--doc"], &packages, &[])
    }

    fn full(&mut self) -> Result<()> {
        self.step("documentation, without libtorch", |workspace| {
            run::run(documentation(workspace).args(["--features", "doc-only"]))
        })?;
        self.cargo(
            "packages",
            &["package", "--exclude=xtask", "--exclude=psychrnn-bench", "--no-verify", "--allow-dirty"],
            ALL,
            &[],
        )?;
        // Compiling polars would take minutes, checking it less than one.
        let tables = ["--package=psychrnn", "--no-default-features", "--features=polars"];
        self.cargo("lint, with data frames", &["clippy", "--all-targets"], &tables, &["--", "-D", "warnings"])?;
        self.step("libtorch", |workspace| libtorch::ensure(workspace).map(|_| ()))?;
        self.cargo("lint", &["clippy", "--all-targets"], ALL, &["--", "-D", "warnings"])?;
        self.step("documentation", |workspace| run::run(&mut documentation(workspace)))?;
        self.tests("tests", ALL)?;
        self.cargo("examples in the documentation", &["test", "--doc"], ALL, &[])?;
        self.step("two of PyCog's models", models::check)?;
        self.step("notebooks as programs", notebook::run_as_programs)?;
        self.step("tests of the kernel", jupyter::test_kernel)?;
        self.step("the first notebook", |workspace| notebook::test(workspace, HELLO_WORLD))?;
        self.step("the tour in a browser", tour::run)
    }

    /// Unit and integration tests, by cargo-nextest if it is installed.
    fn tests(&mut self, name: &'static str, packages: &[&str]) -> Result<()> {
        if run::succeeds(Command::new("cargo").args(["nextest", "--version"])) {
            self.cargo(name, &["nextest", "run", "--no-fail-fast"], packages, &[])
        } else {
            self.cargo(name, &["test", "--no-fail-fast", "--lib", "--bins", "--tests", "--examples"], packages, &[])
        }
    }

    fn cargo(&mut self, name: &'static str, command: &[&str], packages: &[&str], rest: &[&str]) -> Result<()> {
        self.step(name, |workspace| run::run(workspace.cargo().args(command).args(packages).args(rest)))
    }

    fn step(&mut self, name: &'static str, check: impl FnOnce(&Workspace) -> Result<()>) -> Result<()> {
        let start = Instant::now();
        run::step(name, || check(self.workspace)).with_context(|| format!("the check `{name}` failed"))?;
        self.times.push((name, start.elapsed()));
        Ok(())
    }

    /// A table of what took how long.
    fn report(&self) {
        println!("\nAll {} checks passed:", self.times.len());
        for (name, time) in &self.times {
            println!("  {name:<50} {:>12}", run::seconds(*time));
        }
        let total = self.times.iter().map(|(_, time)| *time).sum();
        println!("  {:<50} {:>12}", "all", run::seconds(total));
    }
}

fn documentation(workspace: &Workspace) -> Command {
    let mut cargo = workspace.cargo();
    cargo.env("RUSTDOCFLAGS", "-D warnings").args(["doc", "--workspace", "--no-deps"]);
    cargo
}
