//! What evcxr's analyser sees of the library.
//!
//! The analyser, rust-analyzer, asks Cargo for all crates and reads them all, since any may implement a trait: of what a user
//! waits for before the first figure that was half. But types come from signatures, and in the library's own occur few of its
//! 130 dependencies. The analyser takes the program `bin/cargo` in CARGO_HOME before any other, so the kernel runs with a
//! CARGO_HOME of its own, where that is this program: it asks Cargo, and passes on what occurs in signatures. evcxr's builds
//! and the cells have the user's CARGO_HOME.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result};
use serde_json::Value;

const HOME: &str = "CARGO_HOME";
/// The user's own, if the kernel runs with another.
const USERS: &str = "PSYCHRNN_CARGO_HOME";
const LIBRARY: &str = "psychrnn";
/// What occurs in signatures of the library; with the feature `polars` also all of that.
const SEEN: &[&str] = &["ndarray", "num-complex", "num-traits", "plotters", "plotters-backend", "tch"];

/// The variable and the value that all but the analyser must see, if it sees another.
pub(crate) fn users_home() -> Option<(&'static str, OsString)> {
    std::env::var_os(USERS).map(|users| (HOME, users))
}

/// Puts this program where the analyser looks for Cargo.
pub(crate) fn install() -> Result<()> {
    if let (Some(_), Some(home)) = (users_home(), std::env::var_os(HOME)) {
        let programs = Path::new(&home).join("bin");
        fs::create_dir_all(&programs).with_context(|| format!("cannot make {}", programs.display()))?;
        symlink(std::env::current_exe()?, programs.join("cargo")).context("cannot link to the kernel")?;
    }
    Ok(())
}

/// Does what was asked of Cargo, if this program was called by that name.
pub(crate) fn stand_in() -> Result<Option<ExitCode>> {
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    let Some((home, users)) = users_home().filter(|_| Path::new(&name).ends_with("bin/cargo")) else { return Ok(None) };
    let arguments: Vec<_> = arguments.collect();
    let mut cargo = Command::new("cargo");
    cargo.args(&arguments).env(home, users).stdin(Stdio::null()).stderr(Stdio::inherit());
    let asked = arguments.iter().any(|argument| argument == "metadata");
    let output = if asked { cargo.output() } else { cargo.stdout(Stdio::inherit()).output() };
    let output = output.context("cannot start Cargo")?;
    if asked {
        match serde_json::from_slice(&output.stdout) {
            Ok(metadata) => println!("{}", trim(metadata)),
            Err(_) => print!("{}", String::from_utf8_lossy(&output.stdout)),
        }
    }
    Ok(Some(if output.status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }))
}

/// Leaves out the packages that only the library needs and that its signatures do not name.
fn trim(mut metadata: Value) -> Value {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let is_seen = |name: &str| SEEN.contains(&name) || name.starts_with("polars");
    let packages = list(&metadata["packages"]);
    let nodes = list(&metadata["resolve"]["nodes"]);
    let named = |name: &dyn Fn(&str) -> bool| -> HashSet<String> {
        packages.iter().filter(|package| name(&text(&package["name"]))).map(|package| text(&package["id"])).collect()
    };
    let (library, mut kept) = (named(&|name| name == LIBRARY), named(&is_seen));
    let mut waiting: Vec<String> = list(&metadata["workspace_members"]).iter().map(text).collect();
    while let Some(id) = waiting.pop() {
        // What is kept because it is seen brings nothing with it, unless a cell asks for it, too.
        let of_cells = nodes.iter().find(|node| node["id"] == *id && !library.contains(&id));
        kept.insert(id);
        let dependencies = of_cells.map(|node| list(&node["dependencies"])).unwrap_or_default();
        waiting.extend(dependencies.iter().map(text).filter(|id| !kept.contains(id)));
    }
    let is_kept = |id: &Value| id.as_str().is_some_and(|id| kept.contains(id));
    let retain = |value: &mut Value, keep: &dyn Fn(&Value) -> bool| {
        if let Some(values) = value.as_array_mut() {
            values.retain(keep);
        }
    };
    retain(&mut metadata["packages"], &|package| is_kept(&package["id"]));
    let nodes = &mut metadata["resolve"]["nodes"];
    retain(nodes, &|node| is_kept(&node["id"]));
    for node in nodes.as_array_mut().into_iter().flatten() {
        retain(&mut node["dependencies"], &is_kept);
        retain(&mut node["deps"], &|dependency| is_kept(&dependency["pkg"]));
    }
    metadata
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_analyser_sees_what_cells_ask_for_and_what_signatures_name() {
        let graph = [
            ("ctx", &["psychrnn", "mine"][..]),
            ("psychrnn", &["ndarray", "tch", "zip", "shared"]),
            ("tch", &["torch-sys", "ndarray"]),
            ("torch-sys", &[]),
            ("zip", &[]),
            ("ndarray", &[]),
            ("mine", &["shared"]),
            ("shared", &[]),
        ];
        let node = |(name, needs): &(&str, &[&str])| {
            let deps: Vec<_> = needs.iter().map(|need| json!({ "pkg": need })).collect();
            json!({ "id": name, "dependencies": needs, "deps": deps })
        };
        let trimmed = trim(json!({
            "packages": graph.iter().map(|(name, _)| json!({ "id": name, "name": name })).collect::<Vec<_>>(),
            "workspace_members": ["ctx"],
            "resolve": { "nodes": graph.iter().map(node).collect::<Vec<_>>() },
        }));
        let names: Vec<_> = trimmed["packages"].as_array().unwrap().iter().map(|package| &package["name"]).collect();
        assert_eq!(names, ["ctx", "psychrnn", "tch", "ndarray", "mine", "shared"]);
        let nodes = trimmed["resolve"]["nodes"].as_array().unwrap();
        assert_eq!(nodes.len(), names.len());
        assert_eq!(nodes[1]["dependencies"], json!(["ndarray", "tch", "shared"]));
        assert_eq!(nodes[2]["deps"], json!([{ "pkg": "ndarray" }]));
    }
}
