//! The runs of a study on a cluster with Slurm, by nothing but files and Slurm's own commands.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::claim::TASK;
use super::folder::Study;
use super::scheduler::{Job, Scheduler};
use super::status::Status;
use crate::setters::setters;
use crate::{Error, Result, file, notebook};

/// Has the runs of a study done by the tasks of an array job of [Slurm](https://slurm.schedmd.com).
///
/// The script of the job is written into the study's folder, `slurm/1.sh`, and submitted. Each task takes one run after the other until
/// none is left. Shortly before its time is over a task writes checkpoints and goes into the queue again, as does one that was killed;
/// one that Slurm preempts goes on where it was. The folder must be on a file system that all nodes have.
#[derive(Clone, Debug)]
pub struct Slurm {
    program: PathBuf,
    partition: Option<String>,
    time: Option<String>,
    memory: Option<String>,
    cores: usize,
    runs_per_task: usize,
    notice: u32,
    lines: Vec<String>,
}

impl Default for Slurm {
    fn default() -> Self {
        Self {
            program: "psychrnn".into(),
            partition: None,
            time: None,
            memory: None,
            cores: 1,
            runs_per_task: 1,
            notice: 120,
            lines: Vec::new(),
        }
    }
}

impl Slurm {
    setters! {
        /// The command line, as the nodes find it; by default `psychrnn`.
        program: impl AsRef<Path> => program.as_ref().to_owned();
        /// The partition; by default the cluster's.
        partition: &str => Some(partition.to_owned());
        /// The time limit of a task, as Slurm writes it, `"4:00:00"`; by default the partition's.
        time: &str => Some(time.to_owned());
        /// The memory of a task, as Slurm writes it, `"4G"`; by default the partition's.
        memory: &str => Some(memory.to_owned());
        /// The cores of a task, on each of which it does a run; 1 by default.
        cores: usize;
        /// How many runs there are for each task, by which there are so many tasks; 1 by default.
        runs_per_task: usize;
        /// How many seconds before its time is over a task is told to write its checkpoints, 120 by default. Slurm may take a minute
        /// longer to tell it.
        notice: u32;
        /// Lines of one's own in the script, before the work: `#SBATCH --account=neuro`, `module load gcc`.
        lines: &[&str] => lines.iter().map(|&line| line.to_owned()).collect();
    }

    /// The script for so many tasks.
    fn script(&self, folder: &Path, tasks: usize) -> String {
        let name = folder.file_name().map_or("study".into(), |name| name.to_string_lossy());
        // A percent sign stands for something else.
        let log = format!("{}/%A_%a.log", folder.join("slurm").display().to_string().replace('%', "%%"));
        let mut script = format!(
            "#!/bin/sh\n#SBATCH --job-name=\"{name}\"\n#SBATCH --array=1-{tasks}\n#SBATCH --output=\"{log}\"\n\
             #SBATCH --open-mode=append\n#SBATCH --requeue\n#SBATCH --signal=B:USR1@{}\n#SBATCH --ntasks=1\n\
             #SBATCH --cpus-per-task={}\n",
            self.notice, self.cores
        );
        for (option, value) in [("partition", &self.partition), ("time", &self.time), ("mem", &self.memory)] {
            if let Some(value) = value {
                // Nothing fails that writes into a text.
                let _ = writeln!(script, "#SBATCH --{option}={value}");
            }
        }
        // Slurm reads its own lines up to the first command.
        let (own, commands): (Vec<&String>, Vec<&String>) =
            self.lines.iter().partition(|line| line.starts_with("#SBATCH"));
        let [own, commands] =
            [own, commands].map(|lines| lines.iter().fold(String::new(), |all, line| all + line + "\n"));
        let [program, folder] = [&self.program, folder].map(|path| quoted(&path.display().to_string()));
        let _ = write!(
            script,
            r#"{own}
# Its time is nearly over: the runs write their checkpoints, and the task goes into the queue again.
again=
work=
trap 'again=yes; [ -n "$work" ] && kill -TERM "$work"' USR1
# Slurm tells all processes of a task to end: this one waits for the others.
trap : TERM
export {TASK}="${{SLURM_ARRAY_JOB_ID}}_${{SLURM_ARRAY_TASK_ID}}"
{commands}code=0
if [ -z "$again" ]; then
    {program} study run {folder} --threads {cores} &
    work=$!
    wait "$work"
    code=$?
    while kill -0 "$work" 2> /dev/null; do
        wait "$work"
        code=$?
    done
fi
# 137: it was killed, for its memory perhaps.
[ "$code" = 137 ] && [ "${{SLURM_RESTART_COUNT:-0}}" -lt 5 ] && again=yes
[ -n "$again" ] && scontrol requeue "${TASK}"
exit "$code"
"#,
            cores = self.cores
        );
        script
    }

    /// The numbers of the jobs that were submitted for a study, the last one last.
    fn submitted(study: &Study) -> Result<Vec<String>> {
        let folder = study.folder().join("slurm");
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let failed = |source| Error::io("read", &folder, source);
        let mut jobs = Vec::new();
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|ending| ending == "job") {
                let number: Option<usize> = path.file_stem().and_then(|number| number.to_str()?.parse().ok());
                jobs.push((number, fs::read_to_string(&path).map_err(failed)?.trim().to_owned()));
            }
        }
        jobs.sort();
        Ok(jobs.into_iter().map(|(_, job)| job).collect())
    }
}

impl Scheduler for Slurm {
    fn start(&self, study: &Study) -> Result<Status> {
        for (name, count) in [("cores", self.cores), ("runs_per_task", self.runs_per_task)] {
            if count == 0 {
                return Err(Error::argument(name, "at least 1", count));
            }
        }
        let status = study.status()?;
        let tasks = (status.waiting + status.unfinished).div_ceil(self.runs_per_task);
        if tasks == 0 {
            return Ok(status);
        }
        let folder = std::path::absolute(study.folder()).map_err(|error| Error::io("find", study.folder(), error))?;
        let place = folder.join("slurm");
        fs::create_dir_all(&place).map_err(|source| Error::io("create", &place, source))?;
        let text = self.script(&folder, tasks);
        let mut number = 1;
        while file::create_whole(&place.join(format!("{number}.sh")), text.as_bytes())?.is_none() {
            number += 1;
        }
        let job = asked(Command::new("sbatch").arg("--parsable").arg(place.join(format!("{number}.sh"))))?;
        // The name of the cluster may stand behind it.
        let job = job.trim().split(';').next().unwrap_or_default();
        file::create_whole(&place.join(format!("{number}.job")), format!("{job}\n").as_bytes())?;
        Ok(status)
    }

    fn jobs(&self, study: &Study) -> Result<Vec<Job>> {
        let submitted = Self::submitted(study)?;
        let Some(newest) = submitted.last() else { return Ok(Vec::new()) };
        let queue = asked(Command::new("squeue").args(["--me", "--noheader", "--array", "--format=%i|%T|%N|%r"]))?;
        let mut jobs = jobs(&queue, &submitted);
        // Who is in the queue no more may be in the accounts. What became of earlier jobs is old news.
        let format = "--format=JobID,State,NodeList,ExitCode";
        let mut sacct = Command::new("sacct");
        sacct.args(["--noheader", "--parsable2", "--allocations", format, "--jobs", newest]);
        match asked(&mut sacct) {
            Ok(accounts) => {
                let mut ended = ended_badly(&accounts, newest);
                ended.retain(|job| jobs.iter().all(|other| other.id != job.id));
                jobs.extend(ended);
            }
            // Where Slurm keeps no accounts there is nobody to ask.
            Err(error) if error.to_string().contains("accounting storage is disabled") => {}
            Err(error) => notebook::warn(&format!("what became of tasks that have ended is not known: {error}")),
        }
        Ok(jobs)
    }

    fn cancel(&self, study: &Study) -> Result<usize> {
        let jobs = self.jobs(study)?;
        let there: Vec<&str> = jobs.iter().filter(|job| !is_over(job)).map(|job| job.id.as_str()).collect();
        if !there.is_empty() {
            asked(Command::new("scancel").args(&there))?;
        }
        Ok(there.len())
    }
}

/// What a command of Slurm says.
fn asked(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output =
        command.output().map_err(|error| Error::other(format!("{name} of Slurm cannot be called: {error}")))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(Error::other(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim()))),
    }
}

/// The tasks of some jobs, of lines such as `12_3|RUNNING|n1|None`.
fn jobs(lines: &str, submitted: &[String]) -> Vec<Job> {
    let job = |line: &str| {
        let mut parts = line.split('|');
        let [id, state, node, reason] = std::array::from_fn(|_| parts.next().unwrap_or_default().trim().to_owned());
        let of = id.split('_').next().unwrap_or_default();
        let place = if node.is_empty() { reason } else { node };
        submitted.iter().any(|job| job == of).then_some(Job { id, state, place })
    };
    lines.lines().filter_map(job).collect()
}

/// Whether it ended otherwise than well, and is not in the queue again. Behind the state may stand by whom: `CANCELLED by 1000`.
fn is_over(job: &Job) -> bool {
    const OVER: [&str; 7] = ["CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE"];
    OVER.iter().any(|state| job.state.starts_with(state))
}

/// The tasks of a job that did, by Slurm's accounts. Tasks that were cancelled before they began stand there together, `1_[4-5]`.
fn ended_badly(accounts: &str, job: &String) -> Vec<Job> {
    jobs(accounts, std::slice::from_ref(job)).into_iter().filter(is_over).collect()
}

/// A text as a word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_one_whatever_the_names_are() {
        let slurm =
            Slurm::default().partition("short").time("1:00:00").lines(&["#SBATCH --account=neuro", "module load gcc"]);
        let script = slurm.program("/opt/our programs/psychrnn").script(Path::new("/home/o'neill/50% noise"), 3);
        let lines: Vec<&str> = script.lines().collect();
        let first = lines.iter().position(|line| !line.starts_with('#')).unwrap();
        for line in
            ["#SBATCH --array=1-3", "#SBATCH --partition=short", "#SBATCH --time=1:00:00", "#SBATCH --account=neuro"]
        {
            assert!(lines[..first].contains(&line), "{script}");
        }
        let run = r"'/opt/our programs/psychrnn' study run '/home/o'\''neill/50% noise' --threads 1 &";
        // What takes long, too, is done when the signals of Slurm are understood already.
        let places = ["trap : TERM", "module load gcc", run].map(|line| script.find(line));
        assert!(script.contains("50%% noise/slurm/%A_%a.log") && places[0].is_some() && places.is_sorted(), "{script}");
        let checked = Command::new("sh").args(["-n", "-c", &script]).status().unwrap();
        assert!(checked.success());
    }

    #[test]
    fn the_tasks_of_a_study_are_those_of_its_jobs() {
        let lines = "12_3|RUNNING|n1|None\n12_4|PENDING||Resources\n120_1|RUNNING|n2|None\n13|COMPLETED|n1|0:0\n";
        let found = jobs(lines, &["12".to_owned(), "13".to_owned()]);
        let told: Vec<String> = found.iter().map(|job| format!("{} {} {}", job.id, job.state, job.place)).collect();
        assert_eq!(told, ["12_3 RUNNING n1", "12_4 PENDING Resources", "13 COMPLETED n1"]);
    }

    /// What `sacct` of Slurm 22.05 said of an array of which one task was killed and requeued, and the others cancelled.
    #[test]
    fn the_accounts_say_which_tasks_ended_badly() {
        let accounts = "1_2|CANCELLED by 0|n2|0:0\n1_3|COMPLETED|n1|0:0\n1_6|RUNNING|n1|0:0\n1_[4-5]|CANCELLED by 0|None assigned|0:0\n\
            1_1|PENDING|None assigned|0:0\n1_1|REQUEUED|n1|0:0\n5_1|FAILED|n1|3:0\n";
        let told: Vec<String> = ended_badly(accounts, &"1".to_owned()).into_iter().map(|job| job.id).collect();
        assert_eq!(told, ["1_2", "1_[4-5]"]);
    }
}
