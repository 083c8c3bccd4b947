//! A Jupyter kernel for Rust, on the `evcxr` library.
//!
//! It does what evcxr's own kernel does, and besides: it starts from compiled dependencies ([`template`]), shows what a cell
//! makes at the moment it is made ([`relay`]), stands between evcxr and Cargo ([`cargo`]), and reports failed cells as failed
//! ([`cells`]). Nothing of the library depends on it.

mod cargo;
mod cells;
mod client;
mod output;
mod relay;
mod template;
mod versions;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

// The analyser within evcxr allocates much.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "\
Usage: psychrnn-kernel COMMAND

  --connection FILE                             serve the Jupyter client that wrote this file
  --template FOLDER CLONE FEATURES...           compile the library of a clone with each of these features, for kernels to
                                                start from; '' stands for none
  --template-check FOLDER CLONE FEATURES...     say whether that is `fresh`, `changed` (the library's sources), `stale` (the
                                                rest) or `missing`
  --folder                                      make the folder in EVCXR_TMPDIR, for a kernel that does not do so itself";

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode> {
    if let Some(code) = cargo::stand_in()? {
        return Ok(code);
    }
    // evcxr starts this program again to run cells in it, and to stand in for rustc.
    relay::attach()?;
    evcxr::runtime_hook();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [relay::RETURN] => relay::hand_back()?,
        ["--connection", file] => client::serve(Path::new(file))?,
        ["--template", folder, clone, features @ ..] => template::build(Path::new(folder), Path::new(clone), features)?,
        ["--compile", clone, features] => template::compile(Path::new(clone), features)?,
        ["--template-check", folder, clone, features @ ..] => {
            println!("{}", template::state(Path::new(folder), Path::new(clone), features)?);
        }
        ["--folder"] => template::Folder::make()?.map_or(Ok(()), |folder| folder.keep_versions())?,
        _ => bail!("{USAGE}"),
    }
    Ok(ExitCode::SUCCESS)
}
