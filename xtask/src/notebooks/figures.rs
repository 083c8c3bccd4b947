//! `cargo xtask figures`: the figures of the notebooks, without Jupyter, by the notebooks' own code, and those of the galleries. A few
//! of them are committed, see `kept`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use super::cells::{self, Program};
use super::kept::{self, Kept, Made};
use crate::run;
use crate::setup::libtorch;
use crate::workspace::Workspace;

/// What each notebook writes its numbers into, without `.json`; the notebook; the cell whose figure is committed; and the numbers by which it is
/// known again.
const NOTEBOOKS: [(&str, &str, &str, &[&str]); 7] = [
    ("fig2", "fig2-perceptual-discrimination", "fig2b", &["accuracy", "threshold", "width"]),
    ("fig3", "fig3-modularity", "fig3d", &[]),
    ("fig4", "fig4-constraints", "fig4", &["accuracy", "threshold", "width"]),
    ("fig5", "fig5-curriculum", "fig5c", &["significant_at_0.01"]),
    ("lesion", "lesions", "lesion-curves", &["accuracy", "threshold", "width"]),
    ("mante", "mante-context-integration", "mante-behavior", &["accuracy", "accuracy_by_context"]),
    ("romo", "romo-working-memory", "romo-correlation", &["accuracy", "correlation"]),
];

/// The pictures that the package of the site draws: tasks, kinds of figures, the README's.
const GALLERY: &str = "gallery";
/// The numbers by which those of trained networks are known again.
const OF_GALLERY: &[&str] = &["accuracy", "threshold", "width"];

/// A figure in which a cell ends becomes files that have the cell's name; what else a cell ends in is not kept.
const SHOWN: &str = r#"
macro_rules! shown {
    ($cell:expr, $value:expr) => {{
        use kept::Other as _;
        kept::Kept($value).keep($cell)?;
    }};
}

mod kept {
    pub struct Kept<T>(pub T);

    impl Kept<psychrnn::plot::Figure> {
        pub fn keep(self, cell: &str) -> psychrnn::Result<()> {
            self.0.save(format!("{cell}.png"))?;
            self.0.save(format!("{cell}.svg"))
        }
    }

    pub trait Other: Sized {
        fn keep(self, _: &str) -> psychrnn::Result<()> {
            Ok(())
        }
    }

    impl<T> Other for Kept<T> {}
}
"#;

/// Makes the figures with these names, all by default, in `target/figures`. With `--keep` those that are committed are written into
/// `data/figures`, with `--check` they are compared with what is there.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let (options, names): (Vec<&String>, Vec<&String>) = arguments.iter().partition(|word| word.starts_with("--"));
    let all: Vec<&str> = [GALLERY].into_iter().chain(NOTEBOOKS.map(|(name, ..)| name)).collect();
    if let Some(unknown) = names.iter().find(|name| !all.contains(&name.as_str())) {
        bail!("there is no figure `{unknown}`; there are {}", all.join(", "));
    }
    let kept = match options.iter().map(|option| option.as_str()).collect::<Vec<_>>()[..] {
        [] => None,
        ["--keep"] => Some(Kept::keep(workspace)),
        ["--check"] => Some(Kept::check(workspace)),
        _ => bail!("the options are --keep or --check"),
    };
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| *wanted == name);
    let folder = workspace.target()?.join("figures");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut made = Vec::new();
    if wanted(GALLERY) {
        made.extend(gallery(workspace, &folder.join(GALLERY))?);
    }
    if NOTEBOOKS.iter().any(|(name, ..)| wanted(name)) {
        made.extend(notebooks(workspace, &folder, wanted)?);
    }
    println!("\nFigures and numbers: {}", folder.display());
    kept.map_or(Ok(()), |kept| kept.all(&made, names.is_empty()))
}

/// Draws those of the galleries and of the README.
fn gallery(workspace: &Workspace, folder: &Path) -> Result<Vec<Made>> {
    run::step("the galleries (a network is trained: some seconds, after compiling)", || {
        let mut cargo = workspace.cargo();
        cargo.args(["run", "--quiet", "--package=psychrnn-site", "--", "--figures"]).arg(folder);
        run::run(&mut cargo)
    })?;
    let numbers = selected(&read(&folder.join(GALLERY).with_extension("json"))?, OF_GALLERY);
    let files = kept::files(folder)?.into_iter().filter(|name| name.ends_with(".svg"));
    Ok(files
        .map(|name| {
            // What nobody trained is the same everywhere.
            let trained = !name.starts_with("tasks/") && name != "speed.svg";
            let numbers = if trained { numbers.clone() } else { Map::new() };
            Made { file: folder.join(&name), name, of: GALLERY, numbers }
        })
        .collect())
}

/// Compiles the notebooks, runs those that are wanted, and puts their numbers together in `figures.json`.
fn notebooks(workspace: &Workspace, folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<Made>> {
    let libtorch = libtorch::ensure(workspace)?;
    let target = workspace.target()?;
    let package = target.join("figures-program");
    let programs = NOTEBOOKS
        .iter()
        .map(|(_, file, ..)| Program::read(&workspace.root.join("notebooks").join(file).with_extension("ipynb")))
        .collect::<Result<Vec<_>>>()?;
    cells::package(workspace, &package, &programs, SHOWN)?;
    run::step("compiling the notebooks (about 3 minutes the first time)", || {
        let mut cargo = workspace.cargo();
        cargo.args(["build", "--release", "--quiet", "--manifest-path"]).arg(package.join("Cargo.toml"));
        run::run(cargo.arg("--target-dir").arg(&target))
    })?;
    cells::copy_inputs(workspace, folder)?;
    let mut made = Vec::new();
    for (name, file, shown, numbers_of) in NOTEBOOKS.iter().filter(|(name, ..)| wanted(name)) {
        let numbers = folder.join(name).with_extension("json");
        // The numbers of an earlier run shall not pass for those of this one.
        if numbers.exists() {
            fs::remove_file(&numbers).with_context(|| format!("cannot remove {}", numbers.display()))?;
        }
        let start = Instant::now();
        run::step(file, || {
            let mut program = Command::new(target.join("release").join(cells::BINARY));
            run::run(program.arg(file).current_dir(folder).env(libtorch::SEARCH_PATH, &libtorch.libraries))
        })?;
        let mut report = read(&numbers)?;
        report["seconds"] = ((start.elapsed().as_secs_f64() * 10.0).round() / 10.0).into();
        write(&numbers, &report)?;
        made.push(Made {
            file: folder.join(shown).with_extension("svg"),
            name: format!("{name}.svg"),
            of: name,
            numbers: selected(&report, numbers_of),
        });
    }
    let mut all = Map::new();
    for (name, ..) in NOTEBOOKS {
        let numbers = folder.join(name).with_extension("json");
        if numbers.exists() {
            all.insert(name.to_owned(), read(&numbers)?);
        }
    }
    write(&folder.join("figures.json"), &all.into())?;
    Ok(made)
}

/// Some of the numbers of a report.
fn selected(report: &Value, names: &[&str]) -> Map<String, Value> {
    names.iter().map(|name| ((*name).to_owned(), report[*name].clone())).collect()
}

pub(super) fn read(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| format!("there is no {}", path.display()))?;
    let value: Value = serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))?;
    if !value.is_object() {
        bail!("{} is not an object", path.display());
    }
    Ok(value)
}

pub(super) fn write(path: &Path, value: &Value) -> Result<()> {
    fs::write(path, format!("{value:#}\n")).with_context(|| format!("cannot write {}", path.display()))
}
