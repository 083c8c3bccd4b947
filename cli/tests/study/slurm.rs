//! A real Slurm, begun and ended here: two nodes of one core each on this machine, all on the loopback address.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use psychrnn::experiment::{Scheduler, Slurm, Study};
use psychrnn::prelude::*;

use super::{ends, folder, p, psychrnn, says, weights};

/// What must be installed.
const PROGRAMS: [&str; 8] = ["munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel", "hostname"];

/// Slurm, until it is dropped.
struct Cluster {
    folder: PathBuf,
    children: Vec<Child>,
}

/// Where a program is, also for those who are not root.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|file| file.exists())
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat()
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Cluster {
    /// None, with a line that says why, where Slurm is not installed.
    fn start(folder: &Path) -> Option<Self> {
        if let Some(missing) = PROGRAMS.into_iter().find(|name| program(name).is_none()) {
            println!("skipped: there is no {missing}; `apt-get install slurm-wlm munge` brings Slurm");
            return None;
        }
        let [host, user] = [&["hostname"][..], &["id", "-un"]]
            .map(|command| output(Command::new(command[0]).args(&command[1..])).trim().to_owned());
        let place = folder.display();
        let [controller, first, second] = [free_port(), free_port(), free_port()];
        let conf = format!(
            "ClusterName=test\nSlurmctldHost={host}(127.0.0.1)\nSlurmctldPort={controller}\n\
             AuthType=auth/munge\nAuthInfo=socket={place}/munge.socket,cred_expire=5\nCredType=cred/munge\n\
             CommunicationParameters=NoInAddrAny,NoCtldInAddrAny\nSlurmUser={user}\nSlurmdUser={user}\n\
             StateSaveLocation={place}/state\nSlurmdSpoolDir={place}/spool-%n\n\
             SlurmctldPidFile={place}/slurmctld.pid\nSlurmdPidFile={place}/slurmd-%n.pid\n\
             ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nSelectType=select/cons_tres\nSelectTypeParameters=CR_CPU\n\
             MpiDefault=none\nKillWait=5\nSchedulerParameters=sched_interval=1\n\
             NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={first} CPUs=1\n\
             NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={second} CPUs=1\n\
             PartitionName=all Nodes=ALL Default=YES State=UP\n"
        );
        fs::create_dir_all(folder.join("state")).unwrap();
        fs::write(folder.join("slurm.conf"), conf).unwrap();
        let key: Vec<u8> = std::iter::repeat_with(|| 0..251).flatten().take(1024).collect();
        fs::write(folder.join("munge.key"), key).unwrap();
        fs::set_permissions(folder.join("munge.key"), fs::Permissions::from_mode(0o400)).unwrap();
        let mut cluster = Self { folder: folder.to_owned(), children: Vec::new() };
        let file = |option: &str, name: &str| format!("--{option}={place}/{name}");
        let files = [file("key-file", "munge.key"), file("socket", "munge.socket"), file("pid-file", "munged.pid")];
        cluster.begin(
            "munged",
            &[&["--foreground".into(), "--force".into(), file("seed-file", "munge.seed")], &files[..]].concat(),
        );
        cluster.wait(|cluster| cluster.folder.join("munge.socket").exists());
        cluster.begin("slurmctld", &["-D".into()]);
        for node in ["n1", "n2"] {
            cluster.begin("slurmd", &["-D".into(), "-N".into(), node.into()]);
        }
        cluster.wait(|cluster| cluster.asks("sinfo", &["--noheader", "--format=%T %D"]).trim() == "idle 2");
        Some(cluster)
    }

    fn begin(&mut self, name: &str, arguments: &[String]) {
        let log = fs::File::create(self.folder.join(format!("{name}-{}.log", self.children.len()))).unwrap();
        let mut command = Command::new(program(name).unwrap());
        command.args(arguments).env("SLURM_CONF", self.conf()).stdin(Stdio::null());
        self.children.push(command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap());
    }

    fn conf(&self) -> PathBuf {
        self.folder.join("slurm.conf")
    }

    fn asks(&self, name: &str, arguments: &[&str]) -> String {
        output(Command::new(program(name).unwrap()).args(arguments).env("SLURM_CONF", self.conf()))
    }

    fn wait(&self, done: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !done(self) {
            let logs = || -> String {
                let files = fs::read_dir(&self.folder).unwrap().map(|file| file.unwrap().path());
                files.filter_map(|log| fs::read_to_string(log).ok()).collect()
            };
            let queue = || self.asks("squeue", &["--array", "--format=%i %T %N %r"]);
            assert!(start.elapsed() < Duration::from_secs(600), "{}\n{}", queue(), logs());
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.asks("scancel", &["--quiet", "--me"]);
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) && self.asks("squeue", &["--noheader"]).contains("all") {
            std::thread::sleep(Duration::from_millis(200));
        }
        // The one that began last first; munged, which all others ask, is the last.
        for child in self.children.iter_mut().rev() {
            drop(Command::new("kill").arg(child.id().to_string()).status());
            let start = Instant::now();
            while child.try_wait().is_ok_and(|ended| ended.is_none()) && start.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(Duration::from_millis(50));
            }
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// The numbers of the processes that do runs of a study, by its claims.
fn tasks(study: &Path) -> Vec<String> {
    let claims = fs::read_dir(study.join("claims")).unwrap().map(|claim| fs::read(claim.unwrap().path()).unwrap());
    let owners = claims.filter_map(|claim| serde_json::from_slice::<serde_json::Value>(&claim).ok());
    let mut tasks: Vec<String> = owners.map(|owner| owner["pid"].to_string()).collect();
    tasks.sort();
    tasks.dedup();
    let is_there = |pid: &String| {
        fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|command| command.contains("psychrnn"))
    };
    tasks.into_iter().filter(is_there).collect()
}

/// Whether a SIGTERM waits for a process.
fn is_told_to_end(task: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{task}/status")).unwrap_or_default();
    let waiting = status.lines().find_map(|line| line.strip_prefix("ShdPnd:"));
    waiting.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & (1 << 14) != 0)
}

#[test]
fn a_cluster_does_a_study_whatever_happens_to_its_tasks_and_nodes() {
    let (kept, file) = folder(8, 1000);
    // Paths of sockets are short.
    let place = tempfile::Builder::new().prefix("slurm").tempdir_in("/tmp").unwrap();
    let Some(cluster) = Cluster::start(place.path()) else { return };
    let study = kept.path().join("on the cluster");
    let mut submit = psychrnn(&[p("submit"), &file, p("--folder"), &study, p("--slurm")]);
    submit.args(["--runs-per-task", "3", "--time", "1", "--notice", "50", "--line", "export PSYCHRNN_TEST=1"]);
    let text = output(submit.env("SLURM_CONF", cluster.conf()));
    assert!(text.contains("24 waiting"), "{text}");
    let script = fs::read_to_string(study.join("slurm/1.sh")).unwrap();
    assert!(script.contains("--array=1-8") && script.contains("\nexport PSYCHRNN_TEST=1\n"), "{script}");

    // Processes killed at random, and one of both nodes drained.
    let opened = Study::open(&study).unwrap();
    let mut rng = Seed(std::process::id().into()).stream(0);
    cluster.wait(|_| opened.status().unwrap().going == 2);
    let status = output(psychrnn(&[p("status"), &study]).env("SLURM_CONF", cluster.conf()));
    assert!(status.contains("_1  RUNNING") && status.contains("PENDING"), "{status}");
    // So that no machine is too fast for it, both tasks stand still until Slurm tells them that their time is nearly over.
    let both = tasks(&study);
    let tell = |signal: &str| assert!(Command::new("kill").arg(signal).args(&both).status().unwrap().success());
    tell("-STOP");
    cluster.wait(|_| both.iter().all(|task| is_told_to_end(task)));
    tell("-CONT");
    cluster.wait(|cluster| {
        cluster.asks("squeue", &["--noheader", "--states=PENDING", "--format=%r"]).contains("BeginTime")
    });
    for kill in 0..4 {
        std::thread::sleep(Duration::from_millis(200 + rng.index(800) as u64));
        let tasks = tasks(&study);
        if !tasks.is_empty() {
            let task = &tasks[rng.index(tasks.len())];
            assert!(Command::new("kill").args(["-9", task]).status().is_ok());
        }
        if kill == 1 {
            assert_eq!(cluster.asks("scontrol", &["update", "nodename=n2", "state=drain", "reason=test"]), "");
        }
    }
    cluster.wait(|cluster| cluster.asks("squeue", &["--noheader"]).trim().is_empty());

    let status = opened.status().unwrap();
    let logs = || -> String {
        let files = fs::read_dir(study.join("slurm")).unwrap().map(|file| file.unwrap().path());
        files
            .filter(|file| file.extension().is_some_and(|ending| ending == "log"))
            .map(|log| fs::read_to_string(log).unwrap())
            .collect()
    };
    assert_eq!(status.done, 24, "{status}\n{}", logs());
    let table = opened.table().unwrap();
    assert!(table.numbers("accuracy").unwrap().iter().all(|accuracy| accuracy.is_finite()), "{table}");
    // Those tasks wrote their checkpoints, and were begun again.
    assert!(logs().contains("interrupted; "), "{}", logs());
    assert!(cluster.asks("scontrol", &["show", "jobs"]).contains("Restarts=1"));

    // What each network is when it is trained here.
    let (text, code) = says(&[p("run"), &file]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(weights(&study), weights(&file.with_extension("")));
    assert!(ends(&study).iter().all(|&ends| ends >= 1));

    // Nothing is left to be submitted, and there is nothing to cancel.
    let mut again = psychrnn(&[p("submit"), &study, p("--slurm")]);
    assert!(output(again.env("SLURM_CONF", cluster.conf())).contains("24 of 24 runs done"));
    assert!(!study.join("slurm/2.sh").exists());
}

#[test]
fn tasks_of_a_cluster_are_cancelled_and_their_runs_go_on() {
    let (kept, file) = folder(4, 4000);
    let place = tempfile::Builder::new().prefix("slurm").tempdir_in("/tmp").unwrap();
    let Some(cluster) = Cluster::start(place.path()) else { return };
    let study = kept.path().join("noise");
    let submit = |place: &Path| output(psychrnn(&[p("submit"), place, p("--slurm")]).env("SLURM_CONF", cluster.conf()));
    submit(&file);
    let opened = Study::open(&study).unwrap();
    cluster.wait(|_| opened.status().unwrap().going == 2);
    let told = output(psychrnn(&[p("cancel"), &study]).env("SLURM_CONF", cluster.conf()));
    assert!(told.contains("told to end: "), "{told}");
    cluster.wait(|cluster| cluster.asks("squeue", &["--noheader"]).trim().is_empty());
    let status = opened.status().unwrap();
    assert_eq!((status.going, status.unfinished, status.waiting), (0, 2, 10), "{status}");
    submit(&study);
    cluster.wait(|_| opened.status().unwrap().going == 2);
    let bad = Slurm::default().cores(0).start(&opened).unwrap_err().to_string();
    assert!(bad.contains("cores"), "{bad}");
}
