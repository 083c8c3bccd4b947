//! `cargo xtask validate` and `cargo xtask test`: everything that must hold before a commit, cheapest first.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::models;
use crate::notebooks::figures;
use crate::notebooks::jupyter;
use crate::notebooks::notebook;
use crate::notebooks::tour;
use crate::run;
use crate::setup::libtorch;
use crate::setup::tools;
use crate::site::{self, Outputs};
use crate::workspace::Workspace;

/// The notebook that must always work.
const HELLO_WORLD: &str = "notebooks/01-hello-world.ipynb";
/// Only the parts that need no libtorch.
// The packages that measure, demonstrate and write the site, and the command line, cannot do without libtorch.
const LIGHT: &[&str] = &[
    "--workspace",
    "--exclude=psychrnn-bench",
    "--exclude=psychrnn-cli",
    "--exclude=psychrnn-examples",
    "--exclude=psychrnn-site",
    "--no-default-features",
];
const ALL: &[&str] = &["--workspace"];
const PUBLISHED: &[&str] = &[
    "--workspace",
    "--exclude=xtask",
    "--exclude=psychrnn-bench",
    "--exclude=psychrnn-examples",
    "--exclude=psychrnn-site",
];
/// Without libtorch nothing is trained, and compiling takes longer than the tests.
const UNOPTIMIZED: &str = "--config=profile.dev.package.psychrnn.opt-level=0";

/// The library with tables as data frames, and without libtorch.
const TABLES: &[&str] = &["--package=psychrnn", "--no-default-features", "--features=polars", UNOPTIMIZED];

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
        self.step("spelling", spelling)?;
        self.step("dependencies", dependencies)?;
        self.cargo("lint, without libtorch", &["clippy", "--all-targets"], LIGHT, &["--", "-D", "warnings"])?;
        let packages = [LIGHT, &[UNOPTIMIZED]].concat();
        self.tests("tests, without libtorch", &packages)?;
        self.cargo("examples in the documentation, without libtorch", &["test", "--doc"], &packages, &[])?;
        self.step("documentation, without features", |workspace| {
            run::run(site::documentation(workspace).args(["--package=psychrnn", "--no-default-features"]))
        })
    }

    fn full(&mut self) -> Result<()> {
        self.step("documentation", |workspace| run::run(&mut site::reference(workspace)))?;
        self.cargo("packages", &["package", "--no-verify", "--allow-dirty"], PUBLISHED, &[])?;
        self.step("the oldest Rust", oldest_rust)?;
        self.cargo("tests of data frames", &["test", "--lib", "frame"], TABLES, &[])?;
        self.step("libtorch", |workspace| libtorch::ensure(workspace).map(|_| ()))?;
        self.cargo("lint", &["clippy", "--all-targets"], ALL, &["--", "-D", "warnings"])?;
        self.tests("tests", ALL)?;
        self.cargo("examples in the documentation", &["test", "--doc"], ALL, &[])?;
        self.step("two of PyCog's models", models::check)?;
        self.step("figures", |workspace| figures::run(workspace, &["--check".into(), "gallery".into()]))?;
        self.step("the site", |workspace| site::build(workspace, Outputs::AsTheyAre))?;
        self.step("notebooks and pages as programs", |workspace| {
            notebook::run_as_programs(workspace, &site::source(workspace)?)
        })?;
        self.step("tests of the kernel", jupyter::test_kernel)?;
        self.step("the first notebook", |workspace| notebook::test(workspace, HELLO_WORLD))?;
        self.step("the tour in a browser", tour::run)
    }

    /// Unit and integration tests, by cargo-nextest if it is installed.
    fn tests(&mut self, name: &'static str, packages: &[&str]) -> Result<()> {
        if run::succeeds(Command::new("cargo").args(["nextest", "--version"])) {
            self.cargo(name, &["nextest", "run", "--no-fail-fast"], packages, &[])
        } else {
            self.cargo(name, &["test", "--no-fail-fast", "--lib", "--bins", "--tests"], packages, &[])
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

/// Words that are written wrong, but for those in `typos.toml`.
fn spelling(workspace: &Workspace) -> Result<()> {
    tools::typos(workspace)?.map_or(Ok(()), |mut typos| run::run(&mut typos))
}

/// What `deny.toml` says about our lock file and that of the kernel, which has exceptions of its own.
fn dependencies(workspace: &Workspace) -> Result<()> {
    ["Cargo.toml", "kernel/Cargo.toml"].into_iter().try_for_each(|manifest| {
        let mut deny = tools::cargo_deny(workspace)?;
        deny.args(["--manifest-path", manifest, "--workspace", "--all-features", "--locked"]);
        run::run(deny.args(["check", "--hide-inclusion-graph", "licenses", "bans", "sources"]))
    })
}

/// That the version of Rust that the packages name compiles them, if rustup has it. Clippy tells of newer functions anyhow.
fn oldest_rust(workspace: &Workspace) -> Result<()> {
    let metadata = workspace.metadata()?;
    let rust = metadata["packages"][0]["rust_version"].as_str().context("the packages name no version of Rust")?;
    let cargo = ["run", rust, "cargo"];
    if !run::succeeds(Command::new("rustup").args(cargo).arg("--version")) {
        println!("  skipped: Rust {rust} is not installed. With rustup: `rustup toolchain install {rust}`");
        return Ok(());
    }
    // In a folder of its own: in that of the others it would compile everything anew, and they after it.
    let folder = workspace.target()?.join("oldest-rust");
    let mut check = Command::new("rustup");
    check.current_dir(&workspace.root).args(cargo).args(["check", "--target-dir"]).arg(folder);
    run::run(check.args(LIGHT))
}
