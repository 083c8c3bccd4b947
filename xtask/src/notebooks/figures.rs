//! `cargo xtask figures`: the figures of the notebooks, without Jupyter, by the notebooks' own code.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use super::cells::{self, Program};
use crate::run;
use crate::setup::libtorch;
use crate::workspace::Workspace;

/// What each notebook writes its numbers into, without `.json`, and the notebook.
const NOTEBOOKS: [(&str, &str); 7] = [
    ("fig2", "fig2-perceptual-discrimination"),
    ("fig3", "fig3-modularity"),
    ("fig4", "fig4-constraints"),
    ("fig5", "fig5-curriculum"),
    ("lesion", "lesions"),
    ("mante", "mante-context-integration"),
    ("romo", "romo-working-memory"),
];

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

/// Compiles the notebooks with these names, all by default, runs them in `target/figures`, and puts their numbers together
/// in `figures.json` there.
pub(crate) fn run(workspace: &Workspace, names: &[String]) -> Result<()> {
    if let Some(unknown) = names.iter().find(|name| NOTEBOOKS.iter().all(|(known, _)| known != name)) {
        bail!("there is no figure `{unknown}`; there are {}", NOTEBOOKS.map(|(name, _)| name).join(", "));
    }
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    let libtorch = libtorch::ensure(workspace)?;
    let target = workspace.target()?;
    let (package, folder) = (target.join("figures-program"), target.join("figures"));
    let programs = NOTEBOOKS
        .iter()
        .map(|(_, file)| Program::read(&workspace.root.join("notebooks").join(file).with_extension("ipynb")))
        .collect::<Result<Vec<_>>>()?;
    cells::package(workspace, &package, &programs, SHOWN)?;
    run::step("compiling the notebooks (about 6 minutes the first time)", || {
        let mut cargo = workspace.cargo();
        cargo.args(["build", "--release", "--quiet", "--manifest-path"]).arg(package.join("Cargo.toml"));
        run::run(cargo.arg("--target-dir").arg(&target))
    })?;
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    cells::copy_networks(workspace, &folder)?;
    for (name, file) in NOTEBOOKS.iter().filter(|(name, _)| wanted(name)) {
        let numbers = folder.join(name).with_extension("json");
        // The numbers of an earlier run shall not pass for those of this one.
        if numbers.exists() {
            fs::remove_file(&numbers).with_context(|| format!("cannot remove {}", numbers.display()))?;
        }
        let start = Instant::now();
        run::step(file, || {
            let mut program = Command::new(target.join("release").join(cells::BINARY));
            run::run(program.arg(file).current_dir(&folder).env(libtorch::SEARCH_PATH, &libtorch.libraries))
        })?;
        let mut report = read(&numbers)?;
        report["seconds"] = ((start.elapsed().as_secs_f64() * 10.0).round() / 10.0).into();
        write(&numbers, &report)?;
    }
    let mut all = Map::new();
    for (name, _) in NOTEBOOKS {
        let numbers = folder.join(name).with_extension("json");
        if numbers.exists() {
            all.insert(name.to_owned(), read(&numbers)?);
        }
    }
    write(&folder.join("figures.json"), &all.into())?;
    println!("\nFigures and numbers: {}", folder.display());
    Ok(())
}

fn read(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| format!("the notebook left no {}", path.display()))?;
    let value: Value = serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))?;
    if !value.is_object() {
        bail!("{} is not an object", path.display());
    }
    Ok(value)
}

fn write(path: &Path, value: &Value) -> Result<()> {
    fs::write(path, format!("{value:#}\n")).with_context(|| format!("cannot write {}", path.display()))
}
