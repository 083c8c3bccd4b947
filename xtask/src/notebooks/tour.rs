//! A real browser: `cargo xtask tour` takes it through the first notebook, from opening it to a cell that fails, and `cargo xtask
//! site` to all pages.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::jupyter::{Jupyter, Wanted};
use crate::run;
use crate::setup::python::clear;
use crate::workspace::Workspace;

const NOTEBOOK: &str = "01-hello-world.ipynb";
/// The figure that its text shows.
const SHOWN: &str = "hello-trial.svg";

/// Takes the tour and leaves screenshots in `target/tour`; says so if there is no browser.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    if !has_browser() {
        return Ok(());
    }
    let jupyter = Jupyter::ensure(workspace, Wanted::Tested)?;
    let folder = workspace.target()?.join("tour");
    clear(&folder)?;
    // JupyterLab saves what it opens, so it gets a copy, which lies elsewhere.
    let notebooks = folder.join("notebooks");
    fs::create_dir_all(&notebooks).with_context(|| format!("cannot make {}", notebooks.display()))?;
    let text =
        fs::read_to_string(workspace.root.join("notebooks").join(NOTEBOOK)).context("cannot read the notebook")?;
    let text = text.replace(r#"path = \"..\""#, &format!(r#"path = \"{}\""#, workspace.root.display()));
    // What it shows lies beside it, since nothing above its folder is served.
    let text = text.replace("../data/figures/", "");
    fs::copy(workspace.root.join("data/figures").join(SHOWN), notebooks.join(SHOWN))
        .context("cannot copy the figure")?;
    fs::write(notebooks.join(NOTEBOOK), text).context("cannot copy the notebook")?;
    let mut python = jupyter.python();
    python.args(["-c", include_str!("../../assets/tour.py")]).args([&notebooks, &folder]);
    // Its own settings and workspaces, so that the user's windows do not come in.
    python
        .env("JUPYTER_CONFIG_DIR", folder.join("settings"))
        .env("JUPYTERLAB_WORKSPACES_DIR", folder.join("workspaces"));
    if !python.status().context("cannot start Python")?.success() {
        bail!("the tour came to an end, see above and in {}", folder.display());
    }
    Ok(())
}

/// Opens all pages of a site at the width of a desk and of a phone, and leaves screenshots in `target/tour-of-site`; says so if there
/// is no browser.
pub(crate) fn site(workspace: &Workspace, python: &Path, site: &Path) -> Result<()> {
    if !has_browser() {
        return Ok(());
    }
    let folder = workspace.target()?.join("tour-of-site");
    clear(&folder)?;
    let mut python = Command::new(python);
    python.args(["-c", include_str!("../../assets/tour.py"), "--site"]).args([site, &folder]);
    if !python.status().context("cannot start Python")?.success() {
        bail!("pages are not as they should be, see above and in {}", folder.display());
    }
    Ok(())
}

fn has_browser() -> bool {
    let has = run::succeeds(Command::new("chromedriver").arg("--version"));
    if !has {
        println!("  skipped: there is no `chromedriver`. On Debian: `sudo apt-get install chromium chromium-driver`");
    }
    has
}
