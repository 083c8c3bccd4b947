//! Set-up, checks and demonstrations of psychrnn: `cargo xtask help`.
//!
//! Every command first makes sure of what it needs, and may be interrupted and run again.

mod bench;
mod checks;
mod demo;
mod models;
mod notebooks;
mod parity;
mod run;
mod setup;
mod site;
mod trained;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use notebooks::{figures, jupyter, lab_check, notebook, tour};
use setup::libtorch;
use site::Outputs;
use workspace::Workspace;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  setup [--cuda]     bring libtorch, so that plain `cargo build`, `cargo test` and `cargo run` work;
                     --cuda: also its part for NVIDIA cards (Linux, 3 GB to download)
  demo               train a network and draw its figures into target/demo
  figures [NAME]...  the figures of the notebooks (fig2 fig3 fig4 fig5 lesion mante romo) as PNG and SVG, their numbers as figures.json,
                     and those of the galleries and the README (gallery), into target/figures; no Jupyter;
                     --keep: write those that are committed into data/figures; --check: compare with them
  models [NAME]...   train PyCog's example models to PyCog's criteria (minutes for all), networks and a table into
                     target/models
  trained [NAME]...  train a network on each task of the library, by the studies in data/trained; what is done already stays, in
                     target/trained; the tables come into data/trained
  lab [OPTION]...    open the notebooks in JupyterLab; options are JupyterLab's, such as --no-browser;
                     --check: measure instead what a notebook's user waits for, into target/notebooks/lab.json
  kernel             compile the notebook kernel alone; the last line names its folder
  notebook FILE...   run notebooks without a browser; executed copies go to target/notebooks; of pages (.md) compile the code
  site [--draft]     the documentation as a site, into target/site; notebooks are executed, which takes long the first time;
                     --draft: those that were not executed before are without outputs
  tour               run the first notebook in a headless Chromium; screenshots go to target/tour
  parity [WHAT]      compare with the numbers of the real PsychRNN, a line a case (PSYCHRNN_FIXTURES: other numbers); without
                     libtorch: `analysis`, what is found in networks and populations with what is true of them, and `tasks`,
                     trials with those of other programs
  bench [OPTION]...  time training beside PsychRNN, JAX and PyTorch (4 GB to download), half an hour on a quiet machine;
                     --quick: the smallest networks only; --ours: without the others
  validate           the checks that need no libtorch: format, lints, tests, dependencies
  test               every check
  help               this text";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((command, rest)) = arguments.split_first() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    if matches!(command.as_str(), "help" | "--help" | "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let Some(work) = self::command(command, rest) else {
        eprintln!("`cargo xtask {}` is not a command.\n\n{USAGE}", arguments.join(" "));
        return ExitCode::from(2);
    };
    match Workspace::find().and_then(|workspace| work(&workspace, rest)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

type Work = fn(&Workspace, &[String]) -> Result<()>;

/// What a command does, if there is one with these arguments.
fn command(name: &str, rest: &[String]) -> Option<Work> {
    Some(match (name, rest) {
        ("setup", []) => |workspace, _| run::step("libtorch", || libtorch::ensure(workspace)).map(|_| ()),
        ("setup", [option]) if option == "--cuda" => |workspace, _| libtorch::ensure_cuda(workspace),
        ("demo", _) => demo::run,
        ("figures", _) => figures::run,
        ("models", _) => models::run,
        ("trained", _) => trained::run,
        ("lab", [option]) if option == "--check" => |workspace, _| lab_check::run(workspace),
        ("lab", _) => jupyter::lab,
        ("kernel", []) => |workspace, _| jupyter::kernel(workspace),
        ("notebook", _) => {
            |workspace, files| notebook::execute(workspace, &files.iter().map(PathBuf::from).collect::<Vec<_>>())
        }
        ("site", []) => |workspace, _| site::build(workspace, Outputs::Complete),
        ("site", [option]) if option == "--draft" => |workspace, _| site::build(workspace, Outputs::AsTheyAre),
        ("tour", []) => |workspace, _| run::step("the tour in a browser", || tour::run(workspace)),
        ("parity", []) => |workspace, _| parity::run(workspace),
        ("parity", [what]) if what == "analysis" => |workspace, _| parity::run_analysis(workspace),
        ("parity", [what]) if what == "tasks" => |workspace, _| parity::run_tasks(workspace),
        ("bench", _) => bench::run,
        ("validate", []) => |workspace, _| checks::validate(workspace),
        ("test", []) => |workspace, _| checks::test(workspace),
        _ => return None,
    })
}
