//! Studies: many runs, on this machine or on a cluster.

use std::fs;
use std::path::{Path, PathBuf};

use psychrnn::experiment::{Design, Scheduler, Slurm, Status, Study, ThisMachine};
use psychrnn::interrupt;
use psychrnn::plot::{Figure, pairs};
use psychrnn::prelude::*;

use crate::failure::{Failure, Outcome, UNFINISHED};
use crate::{numbers, say};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Do all runs that are missing, as many side by side as there are cores; may be killed at any time and called again
    Run {
        #[command(flatten)]
        place: Place,
        /// Only check the study file, and print the names of all runs
        #[arg(long, conflicts_with_all = ["threads", "retry"])]
        check: bool,
        /// How many runs to do side by side; the results are the same for any number [default: as many as there are cores]
        #[arg(long, value_parser = numbers::count, allow_negative_numbers = true)]
        threads: Option<usize>,
        /// Try again what failed before
        #[arg(long)]
        retry: bool,
    },
    /// How many runs are done, going, waiting, and who does them
    Status {
        /// The folder of the study
        study: PathBuf,
    },
    /// All runs with their settings and what was measured, as a table on standard output, and in the study's folder
    Table {
        /// The folder of the study
        study: PathBuf,
        /// The kind of the file
        #[arg(long, default_value = "csv", value_parser = FORMATS)]
        format: String,
    },
    /// Figures of all measures over all that varies, learning curves, and pairs of two conditions with their test
    Figures {
        /// The folder of the study
        study: PathBuf,
        /// The kind of the figures' files
        #[arg(long, default_value = "png", value_parser = ["png", "svg", "pdf"])]
        format: String,
    },
    /// Have all runs that are missing done by a cluster
    Submit {
        #[command(flatten)]
        place: Place,
        /// By Slurm, as an array job
        #[arg(long, required = true)]
        slurm: bool,
        /// The partition [default: the cluster's]
        #[arg(long)]
        partition: Option<String>,
        /// The time limit of a task, such as 4:00:00; one whose time is over goes on later [default: the partition's]
        #[arg(long)]
        time: Option<String>,
        /// The memory of a task, such as 4G [default: the partition's]
        #[arg(long)]
        memory: Option<String>,
        /// The cores of a task, on each of which it does a run
        #[arg(long, default_value = "1", value_parser = numbers::count, allow_negative_numbers = true)]
        cores: usize,
        /// How many runs there are for each task
        #[arg(long, default_value = "1", value_parser = numbers::count, allow_negative_numbers = true)]
        runs_per_task: usize,
        /// How many seconds before its time limit a task writes its checkpoints
        #[arg(long, default_value = "120", value_parser = clap::value_parser!(u32).range(1..=65535))]
        notice: u32,
        /// A line of one's own in the script, such as "module load gcc" or "#SBATCH --account=neuro"; may be given several times
        #[arg(long = "line", allow_hyphen_values = true)]
        lines: Vec<String>,
    },
    /// Tell all processes of this machine and all tasks of Slurm that do runs of a study to end; the runs can be gone on with
    Cancel {
        /// The folder of the study
        study: PathBuf,
    },
}

#[cfg(feature = "polars")]
const FORMATS: [&str; 2] = ["csv", "parquet"];
#[cfg(not(feature = "polars"))]
const FORMATS: [&str; 1] = ["csv"];

/// A study, by its file or its folder.
#[derive(clap::Args)]
pub(crate) struct Place {
    /// The study file, in TOML or JSON; or the folder of a study that has begun
    file: PathBuf,
    /// The folder of the study [default: the file's name without its ending, or with .study if it has none]
    #[arg(long)]
    folder: Option<PathBuf>,
}

impl Place {
    /// The study: that which is there, or a new one.
    fn study(&self) -> Outcome<Study> {
        if self.file.is_dir() {
            return match self.folder {
                None => open(&self.file),
                Some(_) => {
                    Err(Failure::key("--folder", "it is of no use where the folder of a study is given already"))
                }
            };
        }
        let folder = self.folder.clone().unwrap_or_else(|| match self.file.extension() {
            Some(_) => self.file.with_extension(""),
            None => self.file.with_extension("study"),
        });
        if Study::is_in(&folder) {
            return Ok(Study::of(&self.file, folder)?);
        }
        let design = self.design()?;
        Ok(Study::begin(&design, folder)?)
    }

    fn design(&self) -> Outcome<Design> {
        let design = Design::read(&self.file)?;
        design.notes().iter().for_each(say::beside);
        Ok(design)
    }
}

pub(crate) fn work(command: Command) -> Outcome<()> {
    match command {
        Command::Run { place, check: true, .. } => place.design()?.names().try_for_each(say::out),
        Command::Run { place, threads, retry, check: false } => {
            let mut machine = ThisMachine::default();
            if let Some(threads) = threads {
                machine = machine.threads(threads);
            }
            run(&place.study()?, if retry { machine.retry() } else { machine })
        }
        Command::Status { study } => status(&open(&study)?),
        Command::Table { study, format } => table(&open(&study)?, &format),
        Command::Figures { study, format } => figures(&open(&study)?, &format),
        Command::Submit { place, partition, time, memory, cores, runs_per_task, notice, lines, slurm: _ } => {
            let program = std::env::current_exe().unwrap_or_else(|_| "psychrnn".into());
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let mut slurm = Slurm::default()
                .program(program)
                .cores(cores)
                .runs_per_task(runs_per_task)
                .notice(notice)
                .lines(&lines);
            if let Some(partition) = partition {
                slurm = slurm.partition(&partition);
            }
            if let Some(time) = time {
                slurm = slurm.time(&time);
            }
            if let Some(memory) = memory {
                slurm = slurm.memory(&memory);
            }
            let study = place.study()?;
            say::out(slurm.start(&study)?)?;
            say::out(format_args!("`psychrnn study status {}` says how it goes on", study.folder().display()))
        }
        Command::Cancel { study } => {
            let study = open(&study)?;
            let mut told = 0;
            for scheduler in schedulers() {
                told += scheduler.cancel(&study)?;
            }
            say::out(format_args!("told to end: {told}"))
        }
    }
}

/// All that may be doing runs of a study.
fn schedulers() -> [Box<dyn Scheduler>; 2] {
    [Box::new(ThisMachine::default()), Box::new(Slurm::default())]
}

fn open(folder: &Path) -> Outcome<Study> {
    if !Study::is_in(folder) {
        let problem = "there is no study in it: begin one with `psychrnn study run FILE`";
        return Err(Failure::key(folder.display(), problem));
    }
    Ok(Study::open(folder)?)
}

/// Does what is missing, and says how it did.
fn run(study: &Study, machine: ThisMachine) -> Outcome<()> {
    let work = interrupt::watch();
    let status = machine.start(study)?;
    say::out(status)?;
    let Status { failed, going, .. } = status;
    let folder = study.folder().display();
    if let Some(signal) = work.signal() {
        let what = format!("interrupted; `psychrnn study run {folder}` goes on");
        return Err(Failure::Unfinished { code: 128 + signal as u8, what });
    }
    match () {
        () if going > 0 => {
            let what = format!(
                "not finished: other processes do the rest; `psychrnn study status {folder}` says how far they are"
            );
            Err(Failure::Unfinished { code: UNFINISHED, what })
        }
        () if !status.is_end() => {
            let what = format!("not finished; `psychrnn study run {folder}` goes on");
            Err(Failure::Unfinished { code: UNFINISHED, what })
        }
        () if failed > 0 => {
            let what = format!(
                "{failed} runs failed: `psychrnn study table {folder}` says why, and `--retry` tries them again"
            );
            Err(Failure::Failed(what))
        }
        () => Ok(()),
    }
}

fn status(study: &Study) -> Outcome<()> {
    say::out(study.status()?)?;
    for scheduler in schedulers() {
        for job in scheduler.jobs(study)? {
            say::out(format_args!("{:>12}  {:12} {}", job.id, job.state, job.place))?;
        }
    }
    Ok(())
}

fn table(study: &Study, format: &str) -> Outcome<()> {
    let table = study.table()?;
    let path = study.folder().join(format!("table.{format}"));
    match format {
        #[cfg(feature = "polars")]
        "parquet" => table.save_parquet(&path)?,
        _ => table.save_csv(&path)?,
    }
    say::out(table)?;
    say::out(format_args!("written: {}", path.display()))
}

/// Each measure over each key, over each pair of keys, and of pairs of two conditions by their seeds; the learning curves of all runs.
fn figures(study: &Study, format: &str) -> Outcome<()> {
    let table = study.table()?;
    let names: Vec<&str> = table.names().collect();
    let state = names.iter().position(|name| *name == "state").unwrap_or(0);
    let is_seed = |name: &&&str| name.rsplit('.').next() == Some("seed");
    let (seeds, keys): (Vec<&str>, Vec<&str>) = names[1..state].iter().partition(is_seed);
    // Between the state, and the seconds and errors at the end, stands what was measured.
    let measures = &names[state + 1..names.len() - 1];
    let folder = study.folder().join("figures");
    fs::create_dir_all(&folder).map_err(|source| Failure::io("create", &folder, source))?;
    let save = |name: &str, figure: Result<Figure>| -> Outcome<()> {
        let plain: String =
            name.chars().map(|c| if c.is_alphanumeric() || "-_.=".contains(c) { c } else { '_' }).collect();
        let path = folder.join(format!("{plain}.{format}"));
        match figure.and_then(|figure| figure.save(&path)) {
            Ok(()) => say::out(format_args!("written: {}", path.display())),
            Err(error) => say::out(format_args!("no {name}: {error}")),
        }
    };
    save("learning", study.plot_learning(keys.first().copied()))?;
    for measure in measures {
        for (i, key) in keys.iter().enumerate() {
            save(&format!("{measure}-over-{key}"), table.plot_means(measure, key))?;
            for other in &keys[i + 1..] {
                save(&format!("{measure}-over-{key}-of-{other}"), table.plot_means_of(measure, key, other))?;
                save(&format!("{measure}-map-{key}-{other}"), table.plot_means_map(measure, key, other))?;
            }
        }
        // With other keys there is more than one run for each seed and condition.
        if let ([key], [seed, ..]) = (&keys[..], &seeds[..])
            && let [(first, _), (second, _)] = &table.groups(key)?[..]
        {
            save(&format!("{measure}-pairs"), paired(&table, measure, key, [first, second], seed))?;
        }
    }
    Ok(())
}

/// Two conditions beside each other, and whether they differ.
fn paired(table: &Table, measure: &str, key: &str, values: [&Value; 2], seed: &str) -> Result<Figure> {
    let [first, second] = table.pairs(measure, key, values, seed)?;
    let [one, other] = values.map(|value| format!("{key} {value}"));
    let test = wilcoxon_signed_rank(&first, &second, Alternative::TwoSided)?;
    let title = format!("Signed ranks, two-sided: p = {:.4}", test.p);
    Ok(pairs(measure, [&one, &other], &first, &second)?.title(title))
}
