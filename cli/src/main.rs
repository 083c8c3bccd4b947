//! `psychrnn`: trains and tests networks from a specification, for scripts and clusters.

mod failure;
mod numbers;
mod report;
mod say;
mod study;
mod tasks;
mod train;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Outcome;
use psychrnn::experiment::{KEYS, STUDY_KEYS, Specification};
use report::{Drawn, Tested};
use train::{Longer, open};

const ABOUT: &str = "Train recurrent neural networks on cognitive tasks, and test them, without a line of code.";
/// What a run leaves, and the exit codes; what a specification says is told by the library.
const RUNS: &str = "\
A run is a folder: the specification as given and complete (specification.json), checkpoints/, a log, and in the end
weights.npz (the last ones), best.npz (the best ones in validation) and training.json. It may be killed at any time and
resumed: it ends with the same weights, bit for bit. Progress is on standard error.

Exit codes: 0 done; 1 something failed (a file, the disk); 2 the specification or the command line is wrong; 3 training
exploded; 4 not finished, to be resumed: its time_limit is over, or what is tested has updates to go; 130 interrupted by
Ctrl-C, 143 told to end by SIGTERM (a scheduler's), 129 its terminal was closed: all three after the update that was being
done, with a checkpoint, to be resumed; a second such signal ends at once.";

#[derive(Parser)]
#[command(version, about = ABOUT, long_about = format!("{ABOUT}\n\n{KEYS}\n{RUNS}"))]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Begin a run and train until it ends
    Train {
        /// The specification, in TOML or JSON
        specification: PathBuf,
        /// The folder of the run [default: the specification's name without its ending, or with .run if it has none]
        #[arg(long)]
        run: Option<PathBuf>,
        /// Only check the specification, and print all of it, usual values included
        #[arg(long, conflicts_with_all = ["run", "threads"])]
        check: bool,
        /// How many cores to use; the result is the same for any number [default: all]
        #[arg(long, value_parser = numbers::count, allow_negative_numbers = true)]
        threads: Option<usize>,
    },
    /// Go on with a run that was killed or interrupted, or longer with one that has ended
    Resume {
        /// The folder of the run
        run: PathBuf,
        #[command(flatten)]
        longer: Longer,
        /// How many cores to use; the result is the same for any number [default: all]
        #[arg(long, value_parser = numbers::count, allow_negative_numbers = true)]
        threads: Option<usize>,
    },
    /// Performance on trials that were held out, by condition
    Test {
        /// The folder of the run
        run: PathBuf,
        #[command(flatten)]
        tested: Tested,
    },
    /// The losses and checks of a run, as a table and a figure
    Costs {
        /// The folder of the run
        run: PathBuf,
        #[command(flatten)]
        drawn: Drawn,
    },
    /// The connections of a run's network, as a figure
    Structure {
        /// The folder of the run
        run: PathBuf,
        #[command(flatten)]
        drawn: Drawn,
    },
    /// All figures of a run: a trial, psychometric curves, costs, connections
    Figures {
        /// The folder of the run
        run: PathBuf,
        #[command(flatten)]
        tested: Tested,
        #[command(flatten)]
        drawn: Drawn,
    },
    /// Many runs: everything that varies, each combination a run, on this machine or on a cluster
    #[command(long_about = format!("Many runs: everything that varies, each combination a run, on this machine or on a cluster\n\n{STUDY_KEYS}"))]
    Study {
        #[command(subcommand)]
        command: study::Command,
    },
    /// All tasks, a line for each; or one, with its papers, its epochs, and its arguments as JSON
    Tasks {
        /// A task
        name: Option<String>,
        /// How many trials the ideal observer gets right, in the place of all else: the share, its standard error, and what guessing gives
        #[arg(long)]
        ideal: bool,
    },
}

fn main() -> ExitCode {
    match work(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say::beside(format_args!("error: {failure}"));
            ExitCode::from(failure.code())
        }
    }
}

fn work(command: Command) -> Outcome<()> {
    match command {
        Command::Train { specification, check: true, .. } => {
            let specification = Specification::read(&specification)?;
            specification.notes().iter().for_each(say::beside);
            say::out(specification)
        }
        Command::Train { specification, run, threads, check: false } => {
            train::train(train::begin(&specification, run)?, threads)
        }
        Command::Resume { run, longer, threads } => train::train(train::reopen(&run, &longer)?, threads),
        Command::Test { run, tested } => report::test(&open(&run)?, &tested),
        Command::Costs { run, drawn } => report::costs(&open(&run)?, &drawn),
        Command::Structure { run, drawn } => report::structure(&open(&run)?, &drawn),
        Command::Figures { run, tested, drawn } => report::figures(&open(&run)?, &tested, &drawn),
        Command::Study { command } => study::work(command),
        Command::Tasks { name, ideal: true } => tasks::ideal(name.as_deref()),
        Command::Tasks { name: None, .. } => tasks::list(),
        Command::Tasks { name: Some(name), .. } => tasks::describe(&name),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use psychrnn::experiment::Design;

    use super::*;

    /// The lines of all blocks of a language in the README and in the pages of the site, each block after the place where it begins.
    fn blocks(language: &str) -> Vec<(String, Vec<String>)> {
        fn files(folder: &Path) -> Vec<PathBuf> {
            let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut blocks: Vec<(String, Vec<String>)> = Vec::new();
        for path in files(&root.join("site/pages")).into_iter().chain([root.join("README.md")]) {
            let mut inside = false;
            for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
                if let Some(info) = line.trim_start().strip_prefix("```") {
                    inside = !inside && info == language;
                    if inside {
                        blocks.push((format!("{}, line {}", path.display(), number + 1), Vec::new()));
                    }
                } else if inside {
                    blocks.last_mut().unwrap().1.push(line.to_owned());
                }
            }
        }
        blocks
    }

    #[test]
    fn every_command_in_the_pages_is_one() {
        for (place, lines) in blocks("sh") {
            for line in lines {
                let words: Vec<&str> = line.split('#').next().unwrap().split_whitespace().collect();
                if words.first() == Some(&"psychrnn")
                    && let Err(error) = Arguments::try_parse_from(words)
                {
                    assert!(!error.use_stderr(), "{place}: {error}");
                }
            }
        }
    }

    #[test]
    fn every_specification_and_study_in_the_pages_is_one() {
        for (place, lines) in blocks("toml") {
            let text = lines.join("\n");
            let checked = match () {
                () if text.contains("[dependencies]") => Ok(()),
                () if text.contains("[vary") => Design::from_text(&text).map(drop),
                () => Specification::from_text(&text).map(drop),
            };
            if let Err(error) = checked {
                panic!("{place}: {error}");
            }
        }
    }
}
