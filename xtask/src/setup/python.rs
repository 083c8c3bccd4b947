//! The Python on the machine, and the environments that are made with it.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::run;
use crate::workspace::Workspace;

/// Every Python 3, by its second number.
pub(crate) const ANY: RangeInclusive<u32> = 0..=u32::MAX;

/// A Python 3 that can be started.
pub(crate) struct Python(String);

impl Python {
    /// The first Python 3 on the path that has `module`, with a second number of the version among `minors`.
    pub(crate) fn with(module: &str, minors: RangeInclusive<u32>) -> Result<Self> {
        let (from, to) = (*minors.start(), *minors.end());
        let version = format!("import sys; sys.exit(not (3, {from}) <= sys.version_info[:2] <= (3, {to}))");
        let mut names = vec!["python3".to_owned(), "python".to_owned()];
        if minors != ANY {
            names.extend(minors.rev().map(|minor| format!("python3.{minor}")));
        }
        let fits = |name: &&String| run::succeeds(Command::new(name).args(["-c", &version]));
        let has = |name: &&String| run::succeeds(Command::new(name).args(["-c", &format!("import {module}")]));
        let fitting: Vec<&String> = names.iter().filter(fits).collect();
        if let Some(name) = fitting.iter().copied().find(has) {
            return Ok(Self(name.clone()));
        }
        match fitting.first() {
            Some(name) => bail!(
                "`{name}` has no module `{module}`. Install it: `{name} -m ensurepip` or, on Debian and Ubuntu, \
                 `sudo apt-get install python3-pip python3-venv`. Then run this again"
            ),
            None if to < u32::MAX => bail!("no Python from 3.{from} to 3.{to} is on the path"),
            None => bail!(
                "Python 3 is not on the path. Install it (on Debian and Ubuntu: `sudo apt-get install python3 python3-pip \
                 python3-venv`, on macOS: `xcode-select --install`), then run this again"
            ),
        }
    }

    /// Python, with arguments to follow.
    pub(crate) fn command(&self) -> Command {
        Command::new(&self.0)
    }
}

/// A virtual environment in the user's cache, made once for each set of requirements and shared by all clones.
pub(crate) struct Environment {
    /// The name of its folder and of its lock.
    pub(crate) name: &'static str,
    /// What is said while it is made.
    pub(crate) title: &'static str,
    /// The second numbers of the Python versions that will do.
    pub(crate) minors: RangeInclusive<u32>,
    /// What pip installs.
    pub(crate) requirements: &'static str,
    /// What pip installs afterwards without the packages that it asks for.
    pub(crate) alone: &'static [&'static str],
    /// A module that can be imported when all is well.
    pub(crate) module: &'static str,
}

impl Environment {
    /// Its Python. `finish` gets the folder of a new environment before it counts as complete.
    pub(crate) fn ensure(&self, workspace: &Workspace, finish: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let mut hasher = DefaultHasher::new();
        self.requirements.hash(&mut hasher);
        self.alone.iter().for_each(|package| package.hash(&mut hasher));
        let folder = workspace.cache.join(format!("{}-{:016x}", self.name, hasher.finish()));
        let (python, stamp) = (folder.join("bin/python"), folder.join("complete"));
        // A virtual environment cannot be renamed, hence the stamp. It breaks when its Python is removed, hence the start.
        let import = format!("import {}", self.module);
        let ready = || stamp.exists() && run::succeeds(Command::new(&python).args(["-c", &import]));
        if ready() {
            return Ok(python);
        }
        let _lock = workspace.lock(self.name)?;
        if ready() {
            return Ok(python);
        }
        run::step(self.title, || {
            clear(&folder)?;
            let system = Python::with("venv", self.minors.clone())?;
            run::run(system.command().args(["-m", "venv"]).arg(&folder)).context(
                "Python could not make a virtual environment. On Debian and Ubuntu: `sudo apt-get install python3-venv`",
            )?;
            let requirements = folder.join("requirements.txt");
            write(&requirements, self.requirements)?;
            let pip = || {
                let mut pip = Command::new(&python);
                pip.args(["-m", "pip", "install", "--quiet"]);
                pip
            };
            run::run(pip().arg("--requirement").arg(requirements))?;
            if !self.alone.is_empty() {
                run::run(pip().arg("--no-deps").args(self.alone))?;
            }
            finish(&folder)?;
            write(&stamp, "")
        })?;
        Ok(python)
    }
}

/// Brings more packages, those of `requirements`, into an environment whose Python is `python`, once for each text of it. `name`
/// is that of their lock, and `title` is said meanwhile.
pub(crate) fn add(workspace: &Workspace, python: &Path, name: &str, title: &str, requirements: &str) -> Result<()> {
    let folder = python.parent().and_then(Path::parent).context("this Python is not in an environment")?;
    // It gets its name when all is installed.
    let (file, half) = (folder.join(format!("{name}.txt")), folder.join(format!("{name}.half.txt")));
    let ready = || fs::read_to_string(&file).is_ok_and(|found| found == requirements);
    if ready() {
        return Ok(());
    }
    let _lock = workspace.lock(name)?;
    if ready() {
        return Ok(());
    }
    run::step(title, || {
        write(&half, requirements)?;
        let mut pip = Command::new(python);
        run::run(pip.args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&half))?;
        fs::rename(&half, &file).with_context(|| format!("cannot write {}", file.display()))
    })
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Removes a folder and what is in it, if it is there.
pub(crate) fn clear(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_that_does_not_fit_is_not_taken() {
        let version =
            |minors| Python::with("venv", minors).map(|python| run::output(python.command().arg("--version")));
        assert!(version(ANY).unwrap().unwrap().starts_with("Python 3."));
        let message = version(98..=99).unwrap_err().to_string();
        assert_eq!(message, "no Python from 3.98 to 3.99 is on the path");
        let message = Python::with("no_such_module", ANY).err().unwrap().to_string();
        assert!(message.contains("has no module `no_such_module`"), "{message}");
    }
}
