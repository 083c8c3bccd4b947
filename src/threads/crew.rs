//! Threads that stay, for work that comes again within a moment.
//!
//! A step of training starts work on all cores several times, fractions of a millisecond apart. A thread that is started, or woken
//! from sleep, may take longer than that to begin, above all where a core that has nothing to do is given away by a virtual
//! machine. So these threads look out for more work for a moment before they sleep, as those of OpenMP do.

use std::any::Any;
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a thread looks out before it sleeps.
const ALERT: Duration = Duration::from_millis(1);

/// The crew of this process. There are no threads until they are wanted.
static CREW: Crew =
    Crew { size: Mutex::new(0), posted: AtomicUsize::new(0), job: Mutex::new(None), news: Condvar::new() };

struct Crew {
    /// How many threads there are; who holds it may post a job.
    size: Mutex<usize>,
    /// How many jobs there have been.
    posted: AtomicUsize,
    /// The last job.
    job: Mutex<Option<Arc<Job>>>,
    news: Condvar,
}

/// Work that several threads do together.
struct Job {
    work: &'static (dyn Fn(usize) + Sync),
    turns: Mutex<Turns>,
    left: Condvar,
}

struct Turns {
    /// How many members of the crew may join: the first ones, so that each finds in its cache what it had in the job before.
    open: usize,
    /// How many have joined and not left.
    at_work: usize,
    panic: Option<Box<dyn Any + Send>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks out for `done` for a moment, and says whether it came.
fn look_out(done: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < ALERT {
        for _ in 0..64 {
            if done() {
                return true;
            }
            spin_loop();
        }
        // Others may need the core more.
        thread::yield_now();
    }
    false
}

/// Runs `work` on this thread, which is number 0, and, at the same time, on up to `others` threads of the crew, from number 1 on;
/// returns when all of them have. False if the crew has another job: then nothing was run.
pub(super) fn run(others: usize, work: &(dyn Fn(usize) + Sync)) -> bool {
    let Ok(mut size) = CREW.size.try_lock() else { return false };
    while *size < others {
        let number = *size;
        let member = thread::Builder::new().name("psychrnn".into()).spawn(move || serve(number));
        if member.is_err() {
            // As many as the system gives.
            break;
        }
        *size += 1;
    }
    let job = Job::new(others, work);
    let mut posted = lock(&CREW.job);
    *posted = Some(job.clone());
    // While it is locked, so that no thread is between its last look and its sleep.
    CREW.posted.fetch_add(1, Ordering::Release);
    drop(posted);
    CREW.news.notify_all();
    let done = catch_unwind(AssertUnwindSafe(|| work(0)));
    let others = job.finish();
    drop(size);
    match (done, others) {
        (Err(panic), _) | (_, Some(panic)) => resume_unwind(panic),
        _ => true,
    }
}

/// What the `number`th member of the crew does, forever.
fn serve(number: usize) {
    let mut seen = 0;
    loop {
        let is_news = || CREW.posted.load(Ordering::Acquire) != seen;
        if !look_out(is_news) {
            let job = lock(&CREW.job);
            drop(CREW.news.wait_while(job, |_| !is_news()).unwrap_or_else(PoisonError::into_inner));
        }
        seen = CREW.posted.load(Ordering::Acquire);
        let job = lock(&CREW.job).clone();
        if let Some(job) = job
            && job.join(number)
        {
            let done = catch_unwind(AssertUnwindSafe(|| (job.work)(number + 1)));
            job.leave(done.err());
        }
    }
}

impl Job {
    #[allow(unsafe_code, reason = "threads that stay cannot know how long what they are lent lives")]
    fn new<'a>(open: usize, work: &'a (dyn Fn(usize) + Sync + 'a)) -> Arc<Self> {
        // SAFETY: a thread uses `work` only between `join` and `leave`. `run`, which borrows it, returns only after `finish`, also if
        // there is a panic: from then on none can join, and all that joined have left.
        let work =
            unsafe { std::mem::transmute::<&'a (dyn Fn(usize) + Sync + 'a), &'static (dyn Fn(usize) + Sync)>(work) };
        let turns = Mutex::new(Turns { open, at_work: 0, panic: None });
        Arc::new(Self { work, turns, left: Condvar::new() })
    }

    fn join(&self, number: usize) -> bool {
        let mut turns = lock(&self.turns);
        let joins = number < turns.open;
        turns.at_work += usize::from(joins);
        joins
    }

    fn leave(&self, panic: Option<Box<dyn Any + Send>>) {
        let mut turns = lock(&self.turns);
        turns.at_work -= 1;
        turns.panic = turns.panic.take().or(panic);
        self.left.notify_all();
    }

    /// Lets no more threads join, waits until all have left, and gives their first panic.
    fn finish(&self) -> Option<Box<dyn Any + Send>> {
        lock(&self.turns).open = 0;
        let all_left = || lock(&self.turns).at_work == 0;
        if !look_out(all_left) {
            let turns = lock(&self.turns);
            drop(self.left.wait_while(turns, |turns| turns.at_work > 0).unwrap_or_else(PoisonError::into_inner));
        }
        lock(&self.turns).panic.take()
    }
}
