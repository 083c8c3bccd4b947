//! The runs of a study on this machine, as many side by side as there are cores.

use std::collections::{HashMap, VecDeque};
use std::process::{self, Command};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;

use super::claim::{BEAT, Claim, Last, host};
use super::design::{Design, Planned};
use super::folder::{Outcome, Study};
use super::progress::Display;
use super::scheduler::{Job, Scheduler};
use super::status::{State, Status};
use super::work::Worked;
use crate::caught::caught_in;
use crate::interrupt::{self, Work};
use crate::setters::setters;
use crate::{Error, Result, memory, threads};

/// Does the runs of a study in this process, on as many threads as there are cores, a run on each.
///
/// Interrupted (see [`interrupt`]), it leaves them so that they go on where they were. Several processes, also on several machines with
/// one file system, share the work. Threads, and not a process for each run, of which each would load libtorch anew.
#[derive(Clone, Debug, Default)]
pub struct ThisMachine {
    threads: Option<usize>,
    retry: bool,
    silent: bool,
}

/// Runs to be done, and what is known of those that failed.
struct Todo<'a> {
    planned: &'a Planned,
    /// The last claim of one that failed: who wants to try it again must be the next.
    failed: Option<Last>,
    /// Whether somebody had it when it was its turn.
    was_held: bool,
}

impl ThisMachine {
    setters! {
        /// How many runs are done side by side; as many as there are cores by default. It changes no result.
        threads: usize => Some(threads);
    }

    /// Tries again, each once, what failed before.
    #[must_use]
    pub fn retry(mut self) -> Self {
        self.retry = true;
        self
    }

    /// Shows no progress.
    #[must_use]
    pub fn silent(mut self) -> Self {
        self.silent = true;
        self
    }
}

impl Study {
    /// Does all runs that are missing, as many side by side as there are cores; called again, it does nothing twice. Those that
    /// failed are left, see [`ThisMachine::retry`].
    ///
    /// # Errors
    /// If the folder cannot be written. That a run fails is no error: [`Study::table`] says why.
    pub fn train(&self) -> Result<Status> {
        ThisMachine::default().start(self)
    }
}

impl Design {
    /// Does all runs in a folder. If a study is in it whose runs are all of this design, it goes on where it was, or is there at once if
    /// all is done: a cell may be run again.
    ///
    /// # Errors
    /// As [`Study::begin`] and [`Study::train`].
    pub fn train(&self, folder: impl AsRef<std::path::Path>) -> Result<Study> {
        let study = Study::begin(self, folder)?;
        study.train()?;
        Ok(study)
    }
}

/// An error if there is not enough memory for so many runs side by side. Those that differ in seeds alone take the same.
fn check_memory(study: &Study, todo: &[Todo<'_>], workers: usize) -> Result<()> {
    if workers < 2 {
        return Ok(());
    }
    let mut kinds: HashMap<String, Vec<&Planned>> = HashMap::new();
    for Todo { planned, .. } in todo {
        let others = planned.settings.iter().filter(|(key, _)| key.rsplit('.').next() != Some("seed"));
        kinds.entry(format!("{:?}", others.collect::<Vec<_>>())).or_default().push(planned);
    }
    // What is wrong with a run is told where it is trained.
    let needed = |runs: &[&Planned]| study.plan.specification(runs[0]).and_then(|run| run.bytes_needed());
    let needs = threads::map(kinds.into_values().collect(), |runs| {
        let needed = caught_in("the run", || needed(&runs));
        Ok(vec![needed.unwrap_or(0); runs.len().min(workers)])
    })?;
    memory::check_together(needs.into_iter().flatten(), workers)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Scheduler for ThisMachine {
    fn start(&self, study: &Study) -> Result<Status> {
        if self.threads == Some(0) {
            return Err(Error::argument("threads", "at least 1", 0));
        }
        let work = interrupt::watch();
        let todo = self.todo(study)?;
        let workers = self.threads.unwrap_or_else(threads::threads).min(todo.len());
        check_memory(study, &todo, workers)?;
        let runs = study.plan.runs.len();
        let shift = Shift {
            study,
            work: &work,
            display: Display::new(runs, runs - todo.len(), self.silent),
            todo: Mutex::new(todo.into()),
            claims: Mutex::default(),
            failure: Mutex::default(),
        };
        let (over, ended) = mpsc::channel::<()>();
        thread::scope(|scope| {
            let shift = &shift;
            scope.spawn(move || {
                while ended.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                    lock(&shift.claims).iter().filter_map(Weak::upgrade).for_each(|claim| claim.beat());
                }
            });
            let workers: Vec<_> =
                (0..workers).map(|_| scope.spawn(|| threads::with_threads(1, || shift.work_off()))).collect();
            for worker in workers {
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            }
            drop(over);
        });
        match lock(&shift.failure).take() {
            Some(error) => Err(error),
            None => study.status(),
        }
    }

    fn jobs(&self, study: &Study) -> Result<Vec<Job>> {
        let job = |pid: u32| Job { id: pid.to_string(), state: "RUNNING".to_owned(), place: host() };
        Ok(self.others(study)?.into_iter().map(job).collect())
    }

    fn cancel(&self, study: &Study) -> Result<usize> {
        let others = self.others(study)?;
        let tell = |pid: &&u32| Command::new("kill").arg(pid.to_string()).status().is_ok_and(|status| status.success());
        Ok(others.iter().filter(tell).count())
    }
}

impl ThisMachine {
    fn todo<'a>(&self, study: &'a Study) -> Result<Vec<Todo<'a>>> {
        let claimed = study.claims().all()?;
        let mut todo = Vec::new();
        for (planned, (state, _)) in study.plan.runs.iter().zip(study.states()?) {
            let failed = if state == State::Failed { claimed.get(&planned.name).cloned() } else { None };
            if state != State::Done && (state != State::Failed || self.retry) {
                todo.push(Todo { planned, failed, was_held: false });
            }
        }
        Ok(todo)
    }

    /// The other processes of this machine that do runs of a study.
    fn others(&self, study: &Study) -> Result<Vec<u32>> {
        let claims = study.claims();
        let mut others: Vec<u32> = claims.all()?.values().filter_map(|last| claims.process(last)).collect();
        others.sort_unstable();
        others.dedup();
        others.retain(|&pid| pid != process::id());
        Ok(others)
    }
}

/// What the workers of a process share.
struct Shift<'a> {
    study: &'a Study,
    work: &'a Work,
    display: Display,
    todo: Mutex<VecDeque<Todo<'a>>>,
    /// Those that are held at this moment.
    claims: Mutex<Vec<Weak<Claim>>>,
    /// What keeps all from going on.
    failure: Mutex<Option<Error>>,
}

impl<'a> Shift<'a> {
    /// Does one run after the other.
    fn work_off(&self) {
        while let Some(todo) = self.next() {
            if let Err(error) = self.take(todo) {
                lock(&self.failure).get_or_insert(error);
            }
        }
    }

    fn next(&self) -> Option<Todo<'a>> {
        let stop = self.work.is_interrupted() || lock(&self.failure).is_some();
        if stop { None } else { lock(&self.todo).pop_front() }
    }

    fn take(&self, mut todo: Todo<'a>) -> Result<()> {
        let name = &todo.planned.name;
        let claimed = self.claim(&todo)?.map(Arc::new);
        let worked = claimed.as_ref().map(|claim| {
            let mut claims = lock(&self.claims);
            claims.retain(|claim| claim.strong_count() > 0);
            claims.push(Arc::downgrade(claim));
            drop(claims);
            self.study.work(todo.planned, &mut self.display.watch(name))
        });
        let (claim, outcome) = match (claimed, worked) {
            (Some(claim), Some(Worked::Ended(outcome))) => (claim, outcome),
            (_, Some(Worked::Stopped)) => {
                self.display.left(name, false, "stopped on the way");
                return Ok(());
            }
            // Somebody else has it, or was taken to be gone and is not. Perhaps that is over when all else is done.
            _ => {
                if !todo.was_held {
                    todo.was_held = true;
                    lock(&self.todo).push_back(todo);
                }
                return Ok(());
            }
        };
        let Some(claim) = self.still(claim, name)? else {
            self.display.left(name, false, "taken over by another process");
            return Ok(());
        };
        self.study.write_outcome(todo.planned, &outcome)?;
        let is_done = outcome.error.is_none();
        self.display.left(
            name,
            true,
            &outcome.error.map_or_else(|| "done".to_owned(), |error| format!("failed: {error}")),
        );
        if let Some(claim) = Arc::into_inner(claim).filter(|_| is_done) {
            claim.keep();
        }
        Ok(())
    }

    /// The claim, if it still is one. If it was taken over, as that of a process that is gone, who did so does the same, or has found
    /// that somebody writes there and given it back: then it is claimed again.
    fn still(&self, claim: Arc<Claim>, name: &str) -> Result<Option<Arc<Claim>>> {
        if claim.is_last() {
            return Ok(Some(claim));
        }
        let claims = self.study.claims();
        Ok(claims.claim(name, claims.last(name).as_ref(), false)?.map(Arc::new))
    }

    /// Claims a run that is still to be done.
    fn claim(&self, todo: &Todo<'a>) -> Result<Option<Claim>> {
        let (claims, name) = (self.study.claims(), &todo.planned.name);
        let last = claims.last(name);
        // Another process has tried it again.
        if todo.failed.as_ref().is_some_and(|failed| !last.as_ref().is_some_and(|last| last.is(failed))) {
            return Ok(None);
        }
        let (outcome, measures) = (|| self.study.outcome(todo.planned), &self.study.plan.measures);
        let lacks = |outcome: &Outcome| outcome.error.is_none() && !outcome.is_whole(measures);
        let claim = claims.claim(name, last.as_ref(), outcome()?.as_ref().is_some_and(lacks))?;
        // It may have been done since this process began, and before it was claimed.
        match outcome()? {
            Some(outcome) if lacks(&outcome) => return Ok(claim),
            Some(Outcome { error: None, .. }) => claim.into_iter().for_each(Claim::keep),
            Some(_) if todo.failed.is_none() => {}
            _ => return Ok(claim),
        }
        Ok(None)
    }
}
