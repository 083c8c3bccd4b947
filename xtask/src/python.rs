//! The Python on the machine: it downloads wheels and makes the environment for Jupyter.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::run;

/// A Python 3 that can be started.
pub(crate) struct Python(PathBuf);

impl Python {
    /// The first Python 3 on the path that has `module`.
    pub(crate) fn with(module: &str) -> Result<Self> {
        let version = "import sys; sys.exit(sys.version_info < (3,))";
        let mut found = None;
        for name in ["python3", "python"] {
            if run::succeeds(Command::new(name).args(["-c", version])) {
                if run::succeeds(Command::new(name).args(["-c", &format!("import {module}")])) {
                    return Ok(Self(name.into()));
                }
                found = Some(name);
            }
        }
        match found {
            Some(name) => bail!(
                "`{name}` has no module `{module}`. Install it: `{name} -m ensurepip` or, on Debian and Ubuntu, \
                 `sudo apt-get install python3-pip python3-venv`. Then run this again"
            ),
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
