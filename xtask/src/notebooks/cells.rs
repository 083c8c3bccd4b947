//! A notebook as a Rust program: its cells run without Jupyter, compiled with the workspace's lock file. The blocks of Rust in
//! a page are the cells of one notebook, too.
//!
//! The code cells become, in order, the body of a function, so that one cell can use what an earlier one named. A line
//! `:dep …` becomes a dependency; other lines that begin with `:` are for the kernel and are left out. Where a cell ends in
//! an expression, whose value the notebook shows, the program has `shown!("id of the cell", expression)`: who builds the
//! program gives the code that defines this macro.
//!
//! Two things differ from a notebook: nothing can be defined twice (a variable can be), since all cells are one function;
//! and an error ends the program.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use syn::spanned::Spanned;
use syn::{Block, Stmt};

use super::markdown;
use crate::workspace::Workspace;

/// The name of the binary that holds the programs of a package.
pub(crate) const BINARY: &str = "cells";

/// A notebook as a program.
pub(crate) struct Program {
    /// The name of the notebook's file without its extension; that of a page begins with `page-`.
    pub(crate) name: String,
    /// What stands behind each `:dep`, with paths from the root of the file system.
    dependencies: Vec<String>,
    cells: Vec<Cell>,
}

/// A code cell.
#[derive(Debug, PartialEq)]
struct Cell {
    id: String,
    code: String,
    /// The expression in which it ends.
    shown: Option<String>,
}

impl Cell {
    /// A cell with this text, without the lines for the kernel.
    fn new(id: String, text: &str) -> Result<Self> {
        let code: Vec<&str> = text.lines().filter(|line| !is_command(line)).collect();
        let (code, shown) = split(&code.join("\n")).with_context(|| format!("cell {id} is not Rust"))?;
        Ok(Self { id, code, shown })
    }
}

impl Program {
    /// The program that a notebook's cells make.
    pub(crate) fn read(notebook: &Path) -> Result<Self> {
        let context = || format!("cannot read the notebook {}", notebook.display());
        let json: Value =
            serde_json::from_str(&fs::read_to_string(notebook).with_context(context)?).with_context(context)?;
        let folder = notebook.parent().unwrap_or(Path::new("")).canonicalize().with_context(context)?;
        let name = notebook.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut program = Self { name, dependencies: Vec::new(), cells: Vec::new() };
        for cell in json["cells"].as_array().map(Vec::as_slice).unwrap_or_default() {
            if cell["cell_type"] == "code" {
                let id = cell["id"].as_str().unwrap_or_default();
                program.add(id, &source(cell), &folder).with_context(context)?;
            }
        }
        Ok(program)
    }

    /// The program that the blocks of Rust in a page make, if it has any. `name` is the page's path below `folder`.
    ///
    /// What it needs beside the library it must find in the library: it has no `:dep` of its own.
    pub(crate) fn page(workspace: &Workspace, folder: &Path, name: &Path) -> Result<Option<Self>> {
        let page = folder.join(name);
        let text = fs::read_to_string(&page).with_context(|| format!("cannot read {}", page.display()))?;
        let dependencies = vec![format!("psychrnn = {{ path = \"{}\" }}", workspace.root.display())];
        let file = format!("page-{}", name.with_extension("").display()).replace(['/', '\\', '.'], "-");
        let mut program = Self { name: file, dependencies, cells: Vec::new() };
        for block in markdown::blocks(&text) {
            let id = format!("{}, line {}", name.display(), block.line);
            match block.language.split([',', ' ']).next() {
                Some("rust") if block.language == "rust" => program.cells.push(Cell::new(id, &block.text)?),
                Some("rust") => {
                    bail!("{id}: all Rust in pages is compiled, so this block is `rust` and not `{}`", block.language)
                }
                _ => {}
            }
        }
        Ok((!program.cells.is_empty()).then_some(program))
    }

    /// Adds a cell of a notebook that lies in `folder`.
    fn add(&mut self, id: &str, text: &str, folder: &Path) -> Result<()> {
        for command in text.lines().filter(|line| is_command(line)) {
            if let Some(dependency) = command.trim_start().strip_prefix(":dep") {
                self.dependencies.push(absolute(dependency.trim(), folder));
            }
        }
        self.cells.push(Cell::new(id.to_owned(), text)?);
        Ok(())
    }

    /// The text of the program's module, in which `shown` defines the macro of that name.
    fn source(&self, shown: &str) -> String {
        let cell = |Cell { id, code, shown }: &Cell| {
            let shown = shown.as_ref().map_or(String::new(), |shown| format!("shown!({id:?}, {{\n{shown}\n}});\n"));
            format!("// {id}\n{code}\n{shown}\n")
        };
        let cells: String = self.cells.iter().map(cell).collect();
        format!("{shown}\npub fn run() -> Result<(), Box<dyn std::error::Error>> {{\n{cells}Ok(())\n}}\n")
    }
}

/// Whether a line is for the kernel; a path from the root of all crates also begins with a colon.
fn is_command(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with(':') && !line.starts_with("::")
}

/// The text of a cell.
pub(crate) fn source(cell: &Value) -> String {
    match &cell["source"] {
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        text => text.as_str().unwrap_or_default().to_owned(),
    }
}

/// A dependency whose path, if it has one, is from the root of the file system.
fn absolute(dependency: &str, folder: &Path) -> String {
    const PATH: &str = "path = \"";
    let Some((before, rest)) = dependency.split_once(PATH) else { return dependency.to_owned() };
    let Some((path, after)) = rest.split_once('"') else { return dependency.to_owned() };
    let path = folder.join(path);
    format!("{before}{PATH}{}\"{after}", path.canonicalize().unwrap_or(path).display())
}

/// The statements of a cell, and the expression in which it ends.
fn split(code: &str) -> Result<(String, Option<String>)> {
    let block: Block = syn::parse_str(&format!("{{\n{code}\n}}"))?;
    let start = match block.stmts.last() {
        Some(Stmt::Expr(expression, None)) => expression.span().start(),
        Some(Stmt::Macro(call)) if call.semi_token.is_none() => call.span().start(),
        _ => return Ok((code.to_owned(), None)),
    };
    // The brace before the cell is line 1.
    let at: usize = code.split_inclusive('\n').take(start.line - 2).map(str::len).sum();
    let columns: usize = code[at..].chars().take(start.column).map(char::len_utf8).sum();
    let (statements, shown) = code.split_at(at + columns);
    Ok((statements.to_owned(), Some(shown.to_owned())))
}

/// Writes a package into a folder, which may lie in the clone, with our lock file and our build profiles. All programs are
/// modules of its one binary, [`BINARY`], which takes the name of the one to run: linking each by itself takes minutes.
pub(crate) fn package(workspace: &Workspace, folder: &Path, programs: &[Program], shown: &str) -> Result<()> {
    let manifest = fs::read_to_string(workspace.root.join("Cargo.toml")).context("cannot read Cargo.toml")?;
    let mut dependencies: Vec<&str> =
        programs.iter().flat_map(|program| &program.dependencies).map(String::as_str).collect();
    dependencies.sort_unstable();
    dependencies.dedup();
    let cargo = format!(
        "[workspace]\n\n[package]\nname = \"{BINARY}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n[dependencies]\n{}\n\n{}",
        dependencies.join("\n"),
        profiles(&manifest),
    );
    let lock = workspace.root.join("Cargo.lock");
    let lock = fs::read_to_string(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    let source = folder.join("src");
    let mut files: Vec<(PathBuf, String)> = vec![
        (folder.join("Cargo.toml"), cargo),
        (folder.join("Cargo.lock"), lock),
        (source.join("main.rs"), main(programs)),
    ];
    for program in programs {
        files.push((source.join(&program.name).with_extension("rs"), program.source(shown)));
    }
    fs::create_dir_all(&source).with_context(|| format!("cannot make {}", source.display()))?;
    for (path, text) in files {
        // What did not change is not written, so that it is not compiled again.
        if fs::read_to_string(&path).is_ok_and(|found| found == text) {
            continue;
        }
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Copies what the notebooks read, trained networks and study files, into the folder in which their programs run.
pub(crate) fn copy_inputs(workspace: &Workspace, folder: &Path) -> Result<()> {
    let from = workspace.root.join("notebooks");
    for entry in fs::read_dir(&from).with_context(|| format!("cannot read {}", from.display()))?.flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "npz" || extension == "toml") {
            let to = folder.join(entry.file_name());
            fs::copy(&path, &to).with_context(|| format!("cannot write {}", to.display()))?;
        }
    }
    Ok(())
}

/// The text that chooses between programs.
fn main(programs: &[Program]) -> String {
    let module = |(i, program): (usize, &Program)| format!("#[path = \"{}.rs\"]\nmod n{i};\n", program.name);
    let choice = |(i, program): (usize, &Program)| format!("        Some({:?}) => n{i}::run(),\n", program.name);
    let modules: String = programs.iter().enumerate().map(module).collect();
    let choices: String = programs.iter().enumerate().map(choice).collect();
    format!(
        "#![allow(warnings)]\n{modules}\nfn main() -> Result<(), Box<dyn std::error::Error>> {{\n    \
         match std::env::args().nth(1).as_deref() {{\n{choices}        \
         other => Err(format!(\"there is no program {{other:?}}\").into()),\n    }}\n}}\n"
    )
}

/// The build profiles of a manifest, but for those of our own packages: notebooks have the library optimized, as in the kernel.
fn profiles(manifest: &str) -> String {
    let mut inside = false;
    let mut profiles = String::from("[profile.dev.package.psychrnn]\nopt-level = 3\n\n");
    for line in manifest.lines() {
        if line.starts_with('[') {
            let ours = [".package.psychrnn", ".package.xtask"].iter().any(|package| line.contains(package));
            inside = line.starts_with("[profile") && !ours;
        }
        if inside {
            profiles.push_str(line);
            profiles.push('\n');
        }
    }
    profiles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(code: &str) -> Option<String> {
        let (statements, shown) = split(code).unwrap();
        assert_eq!(format!("{statements}{}", shown.clone().unwrap_or_default()), code);
        shown
    }

    #[test]
    fn the_last_expression_is_found() {
        assert_eq!(shown("let a = 1;\na + 1").as_deref(), Some("a + 1"));
        assert_eq!(shown("let a = f(|x| {\n  x;\n  2\n}).g();"), None);
        assert_eq!(shown("let ä = \"} ; ö\"; ä\n    .plot(0) // ;\n").as_deref(), Some("ä\n    .plot(0) // ;\n"));
        assert_eq!(shown("fn f() -> f32 { 1.0 }\nstruct A;").as_deref(), None);
        assert_eq!(shown("use a::*;\nlet b = 1;").as_deref(), None);
        assert_eq!(shown("if a { b() } else { c() }").as_deref(), Some("if a { b() } else { c() }"));
        assert_eq!(shown("/* ; */ vec![1, 2]").as_deref(), Some("vec![1, 2]"));
        assert_eq!(shown(""), None);
        assert!(split("let a = ;").is_err());
    }

    #[test]
    fn commands_are_not_code() {
        let mut program = Program { name: "n".into(), dependencies: Vec::new(), cells: Vec::new() };
        program
            .add(
                "a",
                ":dep psychrnn = { path = \"..\" }\n:opt 2\n::std::println!();\nuse psychrnn::prelude::*;",
                Path::new("/"),
            )
            .unwrap();
        program.add("b", "let x = 1;\nx", Path::new("/")).unwrap();
        assert_eq!(program.dependencies, ["psychrnn = { path = \"/\" }"]);
        let source = program.source("macro_rules! shown { ($id:expr, $value:expr) => { drop($value) } }");
        assert!(source.contains("\nuse psychrnn::prelude::*;\n") && !source.contains(":opt"), "{source}");
        assert!(source.contains("let x = 1;\n\nshown!(\"b\", {\nx\n});\n"), "{source}");
        syn::parse_file(&source).unwrap();
        let main = main(&[program]);
        assert!(main.contains("#[path = \"n.rs\"]\nmod n0;") && main.contains("Some(\"n\") => n0::run(),"), "{main}");
        syn::parse_file(&main).unwrap();
    }

    #[test]
    fn the_blocks_of_a_page_are_a_program() {
        let folder = std::env::temp_dir().join(format!("psychrnn-page-{}", std::process::id()));
        let workspace = Workspace { root: "/clone".into(), cache: folder.clone() };
        fs::create_dir_all(folder.join("from")).unwrap();
        let read = |text: &str| {
            fs::write(folder.join("from/a.md"), text).unwrap();
            Program::page(&workspace, &folder, Path::new("from/a.md"))
        };
        let text = "# A\n```rust\n:dep a = \"1\"\nlet x = 1;\n```\n```sh\nls\n```\n```rust\nx\n```\n";
        let program = read(text).unwrap().unwrap();
        assert_eq!(program.name, "page-from-a");
        assert_eq!(program.dependencies, ["psychrnn = { path = \"/clone\" }"]);
        let cell = |line, code: &str, shown: Option<&str>| Cell {
            id: format!("from/a.md, line {line}"),
            code: code.into(),
            shown: shown.map(str::to_owned),
        };
        assert_eq!(program.cells, [cell(2, "let x = 1;", None), cell(9, "", Some("x"))]);
        assert!(read("```text\nlet\n```\n").unwrap().is_none());
        let error = read("\n```rust,ignore\n```\n").err().unwrap().to_string();
        assert!(error.starts_with("from/a.md, line 2: ") && error.ends_with("`rust,ignore`"), "{error}");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn profiles_are_those_of_the_manifest_but_for_our_packages() {
        let manifest = "[a]\nb = 1\n[profile.dev]\nopt-level = 1\n\n[profile.dev.package.psychrnn]\nopt-level = 2\n\
            [profile.release.package.x]\nopt-level = 1\n[c]\nd = 2\n";
        let ours = "[profile.dev.package.psychrnn]\nopt-level = 3\n\n";
        let others = "[profile.dev]\nopt-level = 1\n\n[profile.release.package.x]\nopt-level = 1\n";
        assert_eq!(profiles(manifest), format!("{ours}{others}"));
    }
}
