//! `psychrnn`: trains and tests networks from a specification, for scripts and clusters.

mod failure;
mod filled;
mod report;
mod run;
mod say;
mod specification;
mod tasks;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::{Failure, Outcome};
use filled::no_such;
use report::{Drawn, Tested};
use run::{Longer, Run};
use specification::Specification;

/// Train recurrent neural networks on cognitive tasks, and test them, without a line of code.
///
/// A specification says what is trained on what. It is a file in TOML (or JSON; without such an ending it is known by how it
/// begins) with these keys and tables, of which only [task]
/// or a model must be there; what is left out has the library's usual value, or that of the model. All times are in
/// milliseconds.
///
///   model = "mante"
///                 one of PyCog's examples, with its task, network, trainer and validation: rdm_nodale, rdm_dense, rdm_fixed,
///                 rdm_varstim, rdm_rt, mante, mante_areas, multisensory, romo (which learns only if the delay grows), lee,
///                 sinewave
///   [task]        name = "random_dots", and the task's arguments; see `psychrnn tasks`
///   [network]     kind = "rnn" or "lstm"; units = 100, noise = 0.1, constraints.dale_ratio = 0.8, seed = 1, …
///                 a matrix is a list of rows, or "file.npz:name"; the words of the library's setters go as well: dale_ratio = 0.8,
///                 autapses = false, freeze = ["W_in"], …
///   [trainer]     updates = 5000 or trials = 50000, batch_size = 20, learning_rate = 0.001, clip = { global = 1.0 }, seed = 1,
///                 until = 0.9 or "criterion" (PyCog's, for its tasks), check_every = 500, patience = 20, time_limit = 3600, …
///   [loss]        mean_squared_error.per_mask = true; or binary_cross_entropy or categorical_cross_entropy, each with
///                 per_mask and logits
///   [validation]  trials = 1000, seed = 0, task = { … } (what differs from the task above)
///   [test]        likewise, for `psychrnn test`
///   [curriculum]  stages = [{ threshold = 0.9, task = { … } }, …], every = 10, trials = 128
///   regularizers = [{ l2_rates = { strength = 0.1 } }, …]
///   checkpoint   = { seconds = 60.0 } or { updates = 500 }
///
/// A run is a folder: the specification as given and complete (specification.json), checkpoints/, a log, and in the end
/// weights.npz (the last ones), best.npz (the best ones in validation) and training.json. It may be killed at any time and
/// resumed: it ends with the same weights, bit for bit. Progress is on standard error.
///
/// Exit codes: 0 done; 1 something failed (a file, the disk); 2 the specification or the command line is wrong; 3 training
/// exploded; 4 not finished, to be resumed: its time_limit is over, or what is tested has updates to go; 130 interrupted by
/// Ctrl-C, 143 told to end by SIGTERM (a scheduler's), 129 its terminal was closed: all three after the update that was being
/// done, with a checkpoint, to be resumed; a second such signal ends at once.
#[derive(Parser)]
#[command(version, verbatim_doc_comment)]
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
        #[arg(long, value_parser = words::count, allow_negative_numbers = true)]
        threads: Option<usize>,
    },
    /// Go on with a run that was killed or interrupted, or longer with one that has ended
    Resume {
        /// The folder of the run
        run: PathBuf,
        #[command(flatten)]
        longer: Longer,
        /// How many cores to use; the result is the same for any number [default: all]
        #[arg(long, value_parser = words::count, allow_negative_numbers = true)]
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
    /// The names of all tasks, or the arguments of one
    Tasks {
        /// A task
        name: Option<String>,
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
            specification.notes.iter().for_each(say::beside);
            say::out(format_args!("{:#}", specification.complete))
        }
        Command::Train { specification, run, threads, check: false } => Run::begin(&specification, run)?.train(threads),
        Command::Resume { run, longer, threads } => Run::reopen(&run, &longer)?.train(threads),
        Command::Test { run, tested } => report::test(&Run::open(&run)?, &tested),
        Command::Costs { run, drawn } => report::costs(&Run::open(&run)?, &drawn),
        Command::Structure { run, drawn } => report::structure(&Run::open(&run)?, &drawn),
        Command::Figures { run, tested, drawn } => report::figures(&Run::open(&run)?, &tested, &drawn),
        Command::Tasks { name: None } => tasks::NAMES.iter().try_for_each(say::out),
        Command::Tasks { name: Some(name) } => {
            let described = tasks::describe("task", &name, &serde_json::json!({}), &mut words::Words::default());
            let expected = || Failure::key("task", no_such("task ", &name, &tasks::NAMES));
            say::out(format_args!("{:#}", described.ok_or_else(expected)??.arguments))
        }
    }
}
