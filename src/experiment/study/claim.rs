//! Who does a run: one process at a time, by files that only one can create, also on a network file system.
//!
//! The first claim of a run is the file `NAME.1`. Who finds the last one given back, or its owner gone, creates the next, `NAME.2`; of
//! several who try only one succeeds. No file is ever moved or removed, so nobody can take what somebody else has just taken, and
//! nothing is locked when a process is gone. What is in a claim says who has it.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::{Error, Result, file};

/// How often an owner shows that it is there.
pub(super) const BEAT: Duration = Duration::from_secs(15);
/// After so long without a sign an owner on another machine is taken to be gone. Network file systems keep what they know of a file
/// for up to a minute.
const SILENCE: Duration = Duration::from_secs(180);

/// The variable by which the script of a cluster tells a process that it is a task, and which: it is the cluster that ends it.
pub(super) const TASK: &str = "PSYCHRNN_TASK";

/// The folder of a study's claims.
pub(super) struct Claims {
    folder: PathBuf,
}

/// A run that this process does.
pub(super) struct Claim {
    file: Mutex<File>,
    path: PathBuf,
    owner: Owner,
    /// It stays when this process is done with it.
    is_kept: bool,
}

/// Who has a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Owner {
    pub(super) host: String,
    pub(super) pid: u32,
    /// The machine since it was started, and its table of processes: where these are the same, so are the numbers of processes.
    machine: String,
    /// When the process began, which tells it from a later one of the same number.
    began: String,
    /// The task of a cluster that it is, see [`TASK`].
    task: Option<String>,
    /// What the owner has given back is free.
    is_free: bool,
    /// What is done has nobody who works on it, and is kept for good.
    #[serde(default)]
    is_done: bool,
}

impl Owner {
    fn of_this_process() -> Self {
        Self {
            host: host(),
            pid: process::id(),
            machine: machine(),
            began: began(process::id()).unwrap_or_default(),
            task: std::env::var(TASK).ok(),
            is_free: false,
            is_done: false,
        }
    }

    /// As it is written, in the same length always.
    fn text(&self) -> String {
        // "true" is shorter than "false".
        let shorter = usize::from(self.is_free) + usize::from(self.is_done);
        serde_json::to_string(self).unwrap_or_default() + &" ".repeat(shorter) + "\n"
    }

    /// Whether it is there, if that can be known from here.
    fn is_there(&self) -> Option<bool> {
        let here = !self.machine.is_empty() && self.machine == machine();
        here.then(|| began(self.pid).is_some_and(|began| began == self.began))
    }
}

/// The last claim of a run.
#[derive(Clone)]
pub(super) struct Last {
    number: usize,
    path: PathBuf,
    /// None while it is being written, or if it is damaged.
    pub(super) owner: Option<Owner>,
}

impl Claims {
    pub(super) fn of(study: &Path) -> Self {
        Self { folder: study.join("claims") }
    }

    /// The last claim of each run that was ever claimed.
    pub(super) fn all(&self) -> Result<HashMap<String, Last>> {
        let mut all: HashMap<String, (usize, PathBuf)> = HashMap::new();
        let failed = |source| Error::io("read", &self.folder, source);
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let Some((run, number)) = name.to_str().and_then(|name| name.rsplit_once('.')) else { continue };
            let (false, Ok(number)) = (run.starts_with('.'), number.parse()) else { continue };
            let last = all.entry(run.to_owned()).or_default();
            if number > last.0 {
                *last = (number, self.folder.join(&name));
            }
        }
        let read = |(run, (number, path)): (String, (usize, PathBuf))| (run, Last::read(number, path));
        Ok(all.into_iter().map(read).collect())
    }

    /// The last claim of a run.
    pub(super) fn last(&self, run: &str) -> Option<Last> {
        let path = |number: usize| self.folder.join(format!("{run}.{number}"));
        let number = (1..).take_while(|&number| path(number).exists()).last()?;
        Some(Last::read(number, path(number)))
    }

    /// Claims a run of which this is the last claim; none if somebody else has it, or was faster. One that is done is claimed only by who
    /// knows that it is, and has more to do.
    pub(super) fn claim(&self, run: &str, last: Option<&Last>, has_more: bool) -> Result<Option<Claim>> {
        if last.is_some_and(|last| self.is_held(last) && !(has_more && last.is_done())) {
            return Ok(None);
        }
        let path = self.folder.join(format!("{run}.{}", last.map_or(0, |last| last.number) + 1));
        let owner = Owner::of_this_process();
        let file = file::create_whole(&path, owner.text().as_bytes())?;
        Ok(file.map(|file| Claim { file: Mutex::new(file), path, owner, is_kept: false }))
    }

    /// Whether somebody has it who is there.
    pub(super) fn is_held(&self, last: &Last) -> bool {
        let Some(owner) = &last.owner else { return self.is_fresh(last) };
        !owner.is_free && owner.is_there().unwrap_or_else(|| self.is_fresh(last))
    }

    /// The process of this machine that has it, if it is one that is there and no task of a cluster.
    pub(super) fn process(&self, last: &Last) -> Option<u32> {
        let owner = last.owner.as_ref().filter(|owner| !owner.is_free && owner.task.is_none())?;
        owner.is_there().filter(|&there| there).map(|_| owner.pid)
    }

    /// Whether there was a sign of the owner lately, by the clock of the file system, which is the same for all.
    fn is_fresh(&self, last: &Last) -> bool {
        let changed = fs::metadata(&last.path).and_then(|file| file.modified());
        let now = tempfile::Builder::new().prefix(".clock-").tempfile_in(&self.folder).and_then(|mut file| {
            file.write_all(b"now")?;
            file.as_file().sync_all()?;
            file.as_file().metadata()?.modified()
        });
        let age = now.unwrap_or_else(|_| SystemTime::now()).duration_since(changed.unwrap_or(SystemTime::UNIX_EPOCH));
        age.unwrap_or_default() < SILENCE
    }
}

impl Last {
    fn read(number: usize, path: PathBuf) -> Self {
        let owner = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Self { number, path, owner }
    }

    /// Whether its owner has done all that there was to do.
    pub(super) fn is_done(&self) -> bool {
        self.owner.as_ref().is_some_and(|owner| owner.is_done)
    }

    /// Whether it is the same claim.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Claim {
    /// Shows that the owner is there. The file is kept open: what was claimed by others meanwhile is another one.
    pub(super) fn beat(&self) {
        // Where the file system does not answer, the next beat may be in time.
        drop(write(&mut self.file.lock().unwrap_or_else(PoisonError::into_inner), &self.owner));
    }

    /// Whether nobody took it over, as somebody may if the machine slept for long.
    pub(super) fn is_last(&self) -> bool {
        let next = self.path.extension().and_then(|number| number.to_str()?.parse::<usize>().ok());
        next.is_some_and(|number| !self.path.with_extension((number + 1).to_string()).exists())
    }

    /// Keeps it for good: there is nothing more to do. Who has old news of the folder then does not take it, either.
    pub(super) fn keep(mut self) {
        self.is_kept = true;
    }
}

/// Gives it back, for whoever goes on.
impl Drop for Claim {
    fn drop(&mut self) {
        (self.owner.is_free, self.owner.is_done) = (!self.is_kept, self.is_kept);
        self.beat();
    }
}

/// Writes who it is over who it was.
fn write(file: &mut File, owner: &Owner) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    file.write_all(owner.text().as_bytes())
}

fn read_text(path: impl AsRef<Path>) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// What this machine is called.
pub(super) fn host() -> String {
    let asked = || {
        let said = process::Command::new("hostname").output().ok()?;
        String::from_utf8(said.stdout).ok().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())
    };
    read_text("/proc/sys/kernel/hostname").or_else(asked).unwrap_or_else(|| "this machine".to_owned())
}

/// This machine since it was started, and the table of processes that this one sees; empty where the system does not tell it.
fn machine() -> String {
    let processes = fs::read_link("/proc/self/ns/pid").ok();
    match read_text("/proc/sys/kernel/random/boot_id").zip(processes) {
        Some((boot, processes)) => format!("{boot} {}", processes.display()),
        None => String::new(),
    }
}

/// When a process began, if there is one that has not ended.
fn began(pid: u32) -> Option<String> {
    beginning(&read_text(format!("/proc/{pid}/stat"))?)
}

/// The same, by what the system says of the process.
fn beginning(stat: &str) -> Option<String> {
    // The name of the program may have spaces and brackets in it.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let (state, threads, began) = (fields.first()?, fields.get(17)?.parse::<usize>().ok()?, fields.get(19)?);
    // One that has ended, and of which its parent has not taken notice, is gone. But while another of its threads still writes to the
    // disk, only the first thread has ended, and files are still locked.
    let is_gone = ["Z", "X"].contains(state) && threads <= 1;
    (!is_gone).then(|| (*began).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> (tempfile::TempDir, Claims) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("claims")).unwrap();
        let claims = Claims::of(folder.path());
        (folder, claims)
    }

    fn put(claims: &Claims, name: &str, owner: &Owner) {
        write(&mut File::create(claims.folder.join(name)).unwrap(), owner).unwrap();
    }

    #[test]
    fn one_of_many_gets_a_run_and_the_next_one_when_it_is_given_back() {
        let (_kept, claims) = claims();
        let race = |last: Option<&Last>| -> Vec<Claim> {
            std::thread::scope(|scope| {
                let racers: Vec<_> =
                    (0..8).map(|_| scope.spawn(|| claims.claim("a=0.5", last, false).unwrap())).collect();
                racers.into_iter().filter_map(|racer| racer.join().unwrap()).collect()
            })
        };
        let first = race(None);
        assert_eq!(first.len(), 1);
        let last = claims.last("a=0.5").unwrap();
        assert!(claims.is_held(&last) && race(Some(&last)).is_empty());
        first[0].beat();
        assert!(first[0].is_last() && claims.is_held(&claims.last("a=0.5").unwrap()));
        drop(first);
        let last = claims.last("a=0.5").unwrap();
        assert!(!claims.is_held(&last));
        let mut second = race(Some(&last));
        assert_eq!(second.len(), 1);
        assert!(second[0].is_last());
        // Who still sees the older one gets nothing.
        assert!(race(Some(&last)).is_empty() && race(None).is_empty());
        second.remove(0).keep();
        assert!(claims.is_held(&claims.last("a=0.5").unwrap()));
        let all = claims.all().unwrap();
        assert!(all.len() == 1 && all["a=0.5"].is(&claims.last("a=0.5").unwrap()));
    }

    #[test]
    fn a_process_is_there_as_long_as_one_of_its_threads() {
        let stat = |state: &str, threads: usize| {
            format!("71 (a) b) {state} 1 71 71 0 -1 4228 0 0 0 0 0 0 0 0 20 0 {threads} 0 8542 0 0 0 0")
        };
        let began = |state, threads| beginning(&stat(state, threads));
        assert_eq!(
            [began("S", 3), began("D", 1), began("Z", 2)],
            [Some("8542"), Some("8542"), Some("8542")].map(|began| began.map(str::to_owned))
        );
        assert_eq!([began("Z", 1), began("X", 0)], [None, None]);
    }

    #[test]
    fn an_owner_that_is_gone_holds_nothing() {
        let (_kept, claims) = claims();
        let mut ended = process::Command::new("true").spawn().unwrap();
        let this = Owner::of_this_process();
        let gone = Owner { pid: ended.id(), began: "1".into(), ..this.clone() };
        put(&claims, "gone.1", &gone);
        put(&claims, "another.1", &Owner { began: "1".into(), ..this.clone() });
        let away = Owner { machine: "another boot pid:[1]".into(), ..gone };
        put(&claims, "away.1", &away);
        put(&claims, "silent.1", &away);
        let long_ago = SystemTime::now() - 2 * SILENCE;
        let silent = File::options().write(true).open(claims.folder.join("silent.1")).unwrap();
        silent.set_modified(long_ago).unwrap();
        fs::write(claims.folder.join("damaged.1"), "{").unwrap();
        let held = |run: &str| claims.is_held(&claims.last(run).unwrap());
        let runs = ["gone", "another", "away", "silent", "damaged"];
        assert_eq!(runs.map(held), [false, false, true, false, true], "{runs:?}");
        ended.wait().unwrap();
        let last = claims.last("gone");
        let claim = claims.claim("gone", last.as_ref(), false).unwrap();
        assert!(claim.is_some() && held("gone"));
    }
}
