//! `cargo xtask site`: pages written by hand and by a program, notebooks with their outputs, figures and the Rust reference
//! become one site that opens from its folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::notebooks::{cells, jupyter, notebook, tour};
use crate::run;
use crate::setup::{libtorch, python};
use crate::workspace::{Workspace, copy};

/// What notebooks show on the site.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Outputs {
    /// All their outputs: those that were not executed as they are now are executed.
    Complete,
    /// The outputs of those that were executed as they are now; the others have none.
    AsTheyAre,
}

/// Builds the site into `target/site`, checks its links and looks at its pages.
pub(crate) fn build(workspace: &Workspace, outputs: Outputs) -> Result<()> {
    let (target, source) = (workspace.target()?, source(workspace)?);
    let site = target.join("site");
    let python = sphinx(workspace)?;
    if outputs == Outputs::Complete {
        execute(workspace)?;
    }
    run::step("the pages of the site", || assemble(workspace, &source))?;
    run::step("the Rust reference", || {
        run::run(&mut reference(workspace))?;
        python::clear(&site)?;
        copy(&target.join("doc"), &site.join("rust"))
    })?;
    run::step("the site", || {
        let mut sphinx = Command::new(&python);
        sphinx.args(["-m", "sphinx", "--jobs", "auto", "--quiet", "--fail-on-warning", "--keep-going", "--conf-dir"]);
        // All is read anew: the pages were written a moment ago.
        sphinx
            .arg(workspace.root.join("site"))
            .args(["--fresh-env", "--doctree-dir"])
            .arg(target.join("site-doctrees"));
        run::run(sphinx.args([&source, &site]))
    })?;
    run::step("the links of the site", || {
        let check = include_str!("../assets/check_links.py");
        let status = Command::new(&python).args(["-c", check]).arg(&site).status().context("cannot start Python")?;
        if !status.success() {
            bail!("the site has broken links, see above");
        }
        Ok(())
    })?;
    run::step("the site in a browser", || tour::site(workspace, &python, &site))?;
    println!("\nThe site: {}", site.join("index.html").display());
    Ok(())
}

/// The folder in which [`build`] puts together all that Sphinx reads.
pub(crate) fn source(workspace: &Workspace) -> Result<PathBuf> {
    Ok(workspace.target()?.join("site-source"))
}

/// Documents our packages, with no warning.
pub(crate) fn documentation(workspace: &Workspace) -> Command {
    let mut cargo = workspace.cargo();
    cargo.env("RUSTDOCFLAGS", "-D warnings").args(["doc", "--no-deps"]);
    cargo
}

/// Documents every item that users see, also of all that needs libtorch, as where there is none: what is said is the same.
pub(crate) fn reference(workspace: &Workspace) -> Command {
    let mut documentation = documentation(workspace);
    documentation.args(["--workspace", "--exclude=xtask", "--features=doc-only"]);
    documentation
}

/// The Python of JupyterLab's environment, with Sphinx in it.
fn sphinx(workspace: &Workspace) -> Result<PathBuf> {
    let python = jupyter::environment(workspace)?;
    let title = "Sphinx: adding it to JupyterLab's environment (half a minute, once for all clones)";
    python::add(workspace, &python, "site", title, include_str!("../assets/site.txt"))
        .context("the site could not get Sphinx, which needs Python 3.11 or newer")?;
    Ok(python)
}

/// Executes the notebooks that have not been executed as they are now.
fn execute(workspace: &Workspace) -> Result<()> {
    let mut old = Vec::new();
    for path in notebook::committed(workspace)? {
        if executed(workspace, &path)?.is_none() {
            old.push(path);
        }
    }
    if old.is_empty() {
        return Ok(());
    }
    println!("  {} notebooks are executed; those that were executed before and have the same cells are not", old.len());
    notebook::execute(workspace, &old)
}

/// Copies the pages written by hand, the figures and the notebooks, and has the other pages written beside them.
fn assemble(workspace: &Workspace, source: &Path) -> Result<()> {
    python::clear(source)?;
    copy(&workspace.root.join("site/pages"), source)?;
    copy(&workspace.root.join("data/figures"), &source.join("data/figures"))?;
    let mut without = 0;
    for path in notebook::committed(workspace)? {
        let name = path.file_name().unwrap_or_default();
        let to = source.join("notebooks").join(name);
        copy(&path, &to)?;
        match executed(workspace, &path)? {
            Some(notebook) => {
                fs::write(&to, notebook.to_string()).with_context(|| format!("cannot write {}", to.display()))?;
            }
            None => without += 1,
        }
    }
    if without > 0 {
        println!("  {without} notebooks have no outputs: they were not executed as they are now");
    }
    // The program that writes the other pages loads it.
    libtorch::ensure(workspace)?;
    run::run(workspace.cargo().args(["run", "--quiet", "--package", "psychrnn-site", "--"]).arg(source))
}

/// A notebook with the outputs of its executed copy, if there is one with the same cells, all of which were executed and none failed.
fn executed(workspace: &Workspace, path: &Path) -> Result<Option<Value>> {
    let read = |path: &Path| -> Result<Value> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is not a notebook", path.display()))
    };
    let copy = notebook::executed_copy(workspace, path)?;
    Ok(if copy.exists() { with_outputs(read(path)?, &read(&copy)?) } else { None })
}

/// The first notebook with the outputs of the second, if they fit.
fn with_outputs(mut notebook: Value, copy: &Value) -> Option<Value> {
    let is_code = |cell: &&Value| cell["cell_type"] == "code";
    let mut copies = copy["cells"].as_array()?.iter().filter(is_code);
    for cell in notebook["cells"].as_array_mut()?.iter_mut().filter(|cell| is_code(&&**cell)) {
        let copy = copies.next()?;
        let failed = copy["outputs"].as_array()?.iter().any(|output| output["output_type"] == "error");
        let code = cells::source(cell);
        if failed || code != cells::source(copy) || (copy["execution_count"].is_null() && !code.trim().is_empty()) {
            return None;
        }
        for field in ["outputs", "execution_count"] {
            cell[field] = copy[field].clone();
        }
    }
    copies.next().is_none().then_some(notebook)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn outputs_are_taken_if_the_cells_are_the_same() {
        let code = |source: Value, count: Value, outputs: Value| json!({ "cell_type": "code", "source": source, "execution_count": count, "outputs": outputs });
        let text = |source: &str| json!({ "cell_type": "markdown", "source": source });
        let notebook = |cells: &[Value]| json!({ "cells": cells });
        let now = notebook(&[
            text("new"),
            code(json!(["a\n", "b"]), Value::Null, json!([])),
            code(json!(""), Value::Null, json!([])),
        ]);
        let (shown, empty) = (json!([{ "output_type": "stream" }]), code(json!(""), Value::Null, json!([])));
        let copy = [text("old"), code(json!("a\nb"), json!(1), shown.clone()), empty.clone()];
        let made = notebook(&[text("new"), code(json!(["a\n", "b"]), json!(1), shown.clone()), empty.clone()]);
        assert_eq!(with_outputs(now.clone(), &notebook(&copy)), Some(made));
        let failed = json!([{ "output_type": "error" }]);
        for cells in [
            vec![code(json!("a\nc"), json!(1), shown.clone()), empty.clone()],
            vec![code(json!("a\nb"), Value::Null, json!([])), empty.clone()],
            vec![code(json!("a\nb"), json!(1), failed), empty.clone()],
            vec![code(json!("a\nb"), json!(1), shown.clone())],
            vec![code(json!("a\nb"), json!(1), shown), empty.clone(), empty],
        ] {
            assert_eq!(with_outputs(now.clone(), &notebook(&cells)), None);
        }
    }

    /// Needs nothing but Python.
    #[test]
    fn broken_links_are_found() {
        let site = std::env::temp_dir().join(format!("psychrnn-site-{}", std::process::id()));
        let check = |index: &str| {
            fs::create_dir_all(site.join("a")).unwrap();
            fs::write(site.join("a/b.html"), "<p id=here><a href='../index.html#top'>index</a>").unwrap();
            fs::write(site.join("index.html"), index).unwrap();
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/check_links.py");
            let output = Command::new("python3").arg(script).arg(&site).output().unwrap();
            (output.status.success(), String::from_utf8(output.stdout).unwrap())
        };
        let good = "<a href=https://a.org><a href=a/b.html#here><a href=#top><img src=data:image/png;base64,AA>";
        assert_eq!(check(good), (true, "  3 links of 2 pages hold\n".to_owned()));
        for (link, problem) in [
            ("a/c.html", "there is no such file"),
            ("../Cargo.toml", "there is no such file"),
            ("a/b.html#there", "that page has no such place"),
            ("http://a.org", "it is neither relative nor of the web"),
        ] {
            let message = format!("  index.html links to {link}: {problem}\n");
            assert_eq!(check(&format!("<script src={link}>")), (false, message));
        }
        fs::remove_dir_all(site).unwrap();
    }
}
