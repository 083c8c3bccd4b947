//! How many threads our own loops use. The number never changes a result, only how long it takes.
//!
//! ```
//! use psychrnn::prelude::*;
//! use psychrnn::threads::with_threads;
//! let task = PerceptualDiscrimination::default();
//! let alone = with_threads(1, || task.batch(100, Seed(1)))?;
//! assert_eq!(alone.inputs, task.batch(100, Seed(1))?.inputs);
//! # Ok::<(), psychrnn::Error>(())
//! ```

mod crew;

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::Result;

thread_local! {
    static OVERRIDE: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The number of threads that work started here uses: the machine's cores, or what [`with_threads`] says.
#[must_use]
pub fn threads() -> usize {
    OVERRIDE.get().unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from))
}

/// Runs `work` with this number of threads (at least one).
///
/// ```
/// use psychrnn::threads::{threads, with_threads};
/// assert_eq!(with_threads(3, threads), 3);
/// ```
pub fn with_threads<T>(n: usize, work: impl FnOnce() -> T) -> T {
    struct Restore(Option<usize>);
    impl Drop for Restore {
        fn drop(&mut self) {
            OVERRIDE.set(self.0);
        }
    }
    let _restore = Restore(OVERRIDE.replace(Some(n.max(1))));
    work()
}

/// `work` over the items of a list; results in the order of the items, the first error if any.
///
/// Of `n` threads the `k`th works on items `k`, `k + n`, … and then on what others have left, so that it finds what it had from these
/// items the last time in its cache.
pub(crate) fn map<I: Send, T: Send>(items: Vec<I>, work: impl Fn(I) -> Result<T> + Sync) -> Result<Vec<T>> {
    spread(items, VecDeque::pop_front, work)
}

/// As [`map`], the last items first: what a thread had last is still in its cache.
pub(crate) fn map_from_last<I: Send, T: Send>(items: Vec<I>, work: impl Fn(I) -> Result<T> + Sync) -> Result<Vec<T>> {
    spread(items, VecDeque::pop_back, work)
}

/// The items of a thread that are left, each with its place in the list.
type Share<I> = VecDeque<(usize, I)>;

fn spread<I: Send, T: Send>(
    items: Vec<I>,
    next: fn(&mut Share<I>) -> Option<(usize, I)>,
    work: impl Fn(I) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let (n, workers) = (items.len(), threads().min(items.len()).max(1));
    let mut shares: Vec<Share<I>> = (0..workers).map(|_| VecDeque::new()).collect();
    items.into_iter().enumerate().for_each(|(place, item)| shares[place % workers].push_back((place, item)));
    let shares: Vec<_> = shares.into_iter().map(Mutex::new).collect();
    let take = |worker: usize| {
        let mut shares = (worker..workers).chain(0..worker).map(|worker| &shares[worker]);
        shares.find_map(|share| next(&mut share.lock().unwrap_or_else(PoisonError::into_inner)))
    };
    work_off(n, workers, &take, &work)
}

/// As [`map`], of the first items only, which are taken one after the other: no more are taken when `go_on` says so.
pub(crate) fn map_while<I: Send, T: Send>(
    items: Vec<I>,
    go_on: impl Fn() -> bool + Sync,
    work: impl Fn(I) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let (n, workers) = (items.len(), threads().min(items.len()));
    let queue = Mutex::new(items.into_iter().enumerate());
    let take = |_| {
        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        go_on().then(|| queue.next()).flatten()
    };
    work_off(n, workers, &take, &work)
}

/// What `work` makes of the items that each worker takes, by their places among the `n`.
fn work_off<I: Send, T: Send>(
    n: usize,
    workers: usize,
    take: &(dyn Fn(usize) -> Option<(usize, I)> + Sync),
    work: &(impl Fn(I) -> Result<T> + Sync),
) -> Result<Vec<T>> {
    let results: Vec<Mutex<Option<Result<T>>>> = (0..n).map(|_| Mutex::new(None)).collect();
    let keep = |place: usize, done| *results[place].lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
    let work_off = |worker: usize| {
        while let Some((place, item)) = take(worker) {
            // What is called from here has this thread only.
            keep(place, with_threads(1, || work(item)));
        }
    };
    if workers <= 1 {
        while let Some((place, item)) = take(0) {
            keep(place, Ok(work(item)?));
        }
    } else if !crew::run(workers - 1, &work_off) {
        thread::scope(|scope| {
            let work_off = &work_off;
            let others: Vec<_> = (1..workers).map(|worker| scope.spawn(move || work_off(worker))).collect();
            work_off(0);
            for other in others {
                other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            }
        });
    }
    results.into_iter().filter_map(|result| result.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::Error;

    #[test]
    fn map_while_works_on_the_first_items() {
        for n in [1, 3] {
            with_threads(n, || {
                let asked = AtomicUsize::new(0);
                let go_on = || asked.fetch_add(1, Ordering::SeqCst) < 5;
                assert_eq!(map_while((0..20).collect(), go_on, |i: usize| Ok(i)).unwrap(), [0, 1, 2, 3, 4]);
            });
        }
    }

    #[test]
    fn a_panic_in_one_thread_comes_out_and_leaves_the_others_to_work() {
        with_threads(3, || {
            for guilty in [0, 5, 11] {
                let work = |i: usize| if i == guilty { panic!("item {i}") } else { Ok(i) };
                let panic = std::panic::catch_unwind(|| map((0..12).collect(), work)).unwrap_err();
                assert_eq!(panic.downcast_ref::<String>(), Some(&format!("item {guilty}")));
                assert_eq!(map((0..12).collect(), Ok).unwrap(), (0..12).collect::<Vec<_>>());
            }
        });
    }

    #[test]
    fn many_callers_at_once_get_each_their_own_results() {
        thread::scope(|scope| {
            for caller in 0..4_usize {
                scope.spawn(move || {
                    with_threads(2, || {
                        for round in 0..200 {
                            let results = map((0..7).collect(), |i: usize| Ok(caller * 1000 + round + i)).unwrap();
                            assert_eq!(results, (0..7).map(|i| caller * 1000 + round + i).collect::<Vec<_>>());
                        }
                    });
                });
            }
        });
    }

    #[test]
    fn map_keeps_the_order_and_gives_the_first_error() {
        for n in [1, 2, 3, 8] {
            with_threads(n, || {
                for len in [0, 1, 2, 7, 100] {
                    for map in [map, map_from_last] {
                        let squares = map((0..len).collect(), |i: usize| Ok(i * i)).unwrap();
                        assert_eq!(squares, (0..len).map(|i| i * i).collect::<Vec<_>>());
                    }
                }
                let fail = |i: usize| if i >= 5 { Err(Error::argument("i", "small", i)) } else { Ok(i) };
                assert!(map((0..20).collect(), fail).unwrap_err().to_string().ends_with("it is 5"));
            });
        }
    }
}
