//! The Python on the machine, and the environments that are made with it.

use std::collections::hash_map::DefaultHasher;
use std::env;
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
/// The module without which Python makes no virtual environments. Debian has it in a package of its own.
pub(crate) const VENV: &str = "ensurepip";

/// A Python 3 that can be started.
#[derive(Debug)]
pub(crate) struct Python(String);

impl Python {
    /// The first Python 3 on the path that has `module`, with a second number of the version among `minors`.
    pub(crate) fn with(module: &str, minors: RangeInclusive<u32>) -> Result<Self> {
        let (from, to) = (*minors.start(), *minors.end());
        let version = format!("import sys; sys.exit(not (3, {from}) <= sys.version_info[:2] <= (3, {to}))");
        let mut names = vec!["python3".to_owned(), "python".to_owned()];
        if minors != ANY {
            names.extend((from..=to.min(from + 9)).rev().map(|minor| format!("python3.{minor}")));
        }
        let fits = |name: &&String| run::succeeds(Command::new(name).args(["-c", &version]));
        let has = |name: &&String| run::succeeds(Command::new(name).args(["-c", &format!("import {module}")]));
        let fitting: Vec<&String> = names.iter().filter(fits).collect();
        if let Some(name) = fitting.iter().copied().find(has) {
            return Ok(Self(name.clone()));
        }
        match fitting.first() {
            Some(name) if module == VENV => bail!(
                "`{name}` makes no virtual environments: it has no module `{module}`. On Debian and Ubuntu: `sudo apt-get install \
                 python3-venv`; elsewhere install Python anew, as from python.org"
            ),
            Some(name) => bail!(
                "`{name}` has no module `{module}`. Install it: `{name} -m ensurepip` or, on Debian and Ubuntu, \
                 `sudo apt-get install python3-pip python3-venv`. Then run this again"
            ),
            None if to < u32::MAX => bail!("no Python from 3.{from} to 3.{to} is on the path"),
            None if run::succeeds(Command::new("python3").arg("--version")) => bail!(
                "Python 3.{from} or newer is needed, and `python3` is {}. Install a newer one, as from python.org or by `brew install \
                 python` or conda; it may stand beside the old one, as `python3.{from}`",
                run::output(Command::new("python3").arg("--version"))?.trim()
            ),
            None => bail!(
                "Python 3 is not on the path. Install it (on Debian and Ubuntu: `sudo apt-get install python3 python3-pip \
                 python3-venv`, on macOS: `brew install python` or from python.org), then run this again"
            ),
        }
    }

    /// Python, with arguments to follow.
    pub(crate) fn command(&self) -> Command {
        Command::new(&self.0)
    }
}

/// The file in a virtual environment that says that nothing is missing in it.
const COMPLETE: &str = "complete";

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
    /// Its folder in the cache.
    fn folder(&self, workspace: &Workspace) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        self.requirements.hash(&mut hasher);
        self.alone.iter().for_each(|package| package.hash(&mut hasher));
        workspace.cache.join(format!("{}-{:016x}", self.name, hasher.finish()))
    }

    /// Its Python, if it is complete.
    pub(crate) fn ready(&self, workspace: &Workspace) -> Option<PathBuf> {
        let folder = self.folder(workspace);
        let python = folder.join("bin/python");
        // A virtual environment cannot be renamed, hence the stamp. It breaks when its Python is removed, hence the start.
        let import = format!("import {}", self.module);
        let ready = folder.join(COMPLETE).exists() && run::succeeds(Command::new(&python).args(["-c", &import]));
        ready.then_some(python)
    }

    /// Its Python. `finish` gets the folder of a new environment before it counts as complete.
    pub(crate) fn ensure(&self, workspace: &Workspace, finish: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        if let Some(python) = self.ready(workspace) {
            return Ok(python);
        }
        let _lock = workspace.lock(self.name)?;
        if let Some(python) = self.ready(workspace) {
            return Ok(python);
        }
        let folder = self.folder(workspace);
        let python = folder.join("bin/python");
        run::step(self.title, || {
            clear(&folder)?;
            let system = Python::with(VENV, self.minors.clone())?;
            run::advised(system.command().args(["-m", "venv"]).arg(&folder), advice)?;
            let requirements = folder.join("requirements.txt");
            write(&requirements, self.requirements)?;
            run::advised(pip(&python).arg("--requirement").arg(requirements), advice)?;
            if !self.alone.is_empty() {
                run::advised(pip(&python).arg("--no-deps").args(self.alone), advice)?;
            }
            finish(&folder)?;
            write(&folder.join(COMPLETE), "")
        })?;
        Ok(python)
    }
}

/// What installs packages into the environment of this Python.
fn pip(python: &Path) -> Command {
    let mut pip = Command::new(python);
    // A user's setting to install for the user only is none for an environment.
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).env("PIP_USER", "0");
    pip
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
        run::advised(pip(python).arg("--requirement").arg(&half), advice)?;
        fs::rename(&half, &file).with_context(|| format!("cannot write {}", file.display()))
    })
}

/// What to do about what Python or pip complains of.
pub(crate) fn advice(complaints: &str) -> String {
    let proxy =
        ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"].into_iter().find(|name| env::var_os(name).is_some());
    format!("{}. Then run this again", helps(complaints, proxy))
}

/// What helps, where the user's `proxy` is named in this variable.
fn helps(complaints: &str, proxy: Option<&str>) -> String {
    let complains = |words: &[&str]| words.iter().any(|word| complaints.contains(word));
    if complains(&["No space left", "Disk quota", "File too large"]) {
        "nothing more can be written: make room on the disk of the cache (or raise a quota or `ulimit -f`), or set XDG_CACHE_HOME to a folder \
         on another disk"
            .to_owned()
    } else if complains(&["CERTIFICATE_VERIFY_FAILED", "SSLError"]) {
        "the connection is not trusted. If your institute looks into connections, ask there for its certificate, and name the file in \
         the variable PIP_CERT"
            .to_owned()
    } else if complains(&["DO NOT MATCH THE HASHES"]) {
        "what came is not what was asked for: the download is damaged, or a mirror has changed it".to_owned()
    } else if complains(&["ProxyError", "after connection broken", "timed out", "Connection aborted"]) {
        match proxy {
            Some(name) => format!("Python's packages cannot be reached by the proxy of the variable {name}: correct or unset it"),
            None => "Python's packages cannot be reached. Is this computer online? Does the mirror answer, if pip is set to use one? Behind \
                     a proxy, name it in the variable https_proxy"
                .to_owned(),
        }
    } else if complains(&["No matching distribution"]) {
        "pip finds no package that fits: bring it up to date by `python3 -m pip install --upgrade pip`, and see whether PIP_INDEX_URL \
         or pip's configuration name a mirror that lacks it"
            .to_owned()
    } else {
        "see what Python says".to_owned()
    }
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
        let message = Python::with("venv", 98..=u32::MAX).unwrap_err().to_string();
        assert!(message.starts_with("Python 3.98 or newer is needed, and `python3` is Python 3."), "{message}");
        let message = Python::with("no_such_module", ANY).unwrap_err().to_string();
        assert!(message.contains("has no module `no_such_module`"), "{message}");
    }

    /// Lines of pip 23 and 26.
    #[test]
    fn what_python_complains_of_is_answered() {
        let broken = "WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by";
        let none = "ERROR: No matching distribution found for jupyterlab==4.6.6";
        for (complaints, proxy, expected) in [
            ("OSError: [Errno 28] No space left on device", None, "nothing more can be written"),
            ("OSError: [Errno 27] File too large", None, "nothing more can be written"),
            (
                &*format!(
                    "{broken} 'SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] '))'\n{none}"
                ),
                None,
                "the connection is not trusted",
            ),
            ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", None, "what came is not"),
            (
                &*format!("{broken} 'ProxyError('Cannot connect to proxy.')'\n{none}"),
                Some("https_proxy"),
                "variable https_proxy:",
            ),
            (
                &*format!("{broken} 'NameResolutionError(\"Failed to resolve\")'\n{none}"),
                None,
                "Is this computer online?",
            ),
            (none, Some("https_proxy"), "pip finds no package that fits"),
            ("ERROR: something else", None, "see what Python says"),
        ] {
            let found = helps(complaints, proxy);
            assert!(found.contains(expected), "{complaints}: {found}");
        }
    }
}
