//! How many threads our own loops use. The number never changes a result, only how long it takes.

use std::cell::Cell;
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

/// `work` over the items of a list, split over threads; results in the order of the items, the first error if any.
pub(crate) fn map<I: Send, T: Send>(items: Vec<I>, work: impl Fn(I) -> Result<T> + Sync) -> Result<Vec<T>> {
    let workers = threads().min(items.len());
    if workers <= 1 {
        return items.into_iter().map(work).collect();
    }
    let share = items.len().div_ceil(workers);
    let mut items = items.into_iter();
    let shares: Vec<Vec<I>> = (0..workers).map(|_| items.by_ref().take(share).collect()).collect();
    let results: Vec<Result<Vec<T>>> = thread::scope(|scope| {
        let work = &work;
        let workers: Vec<_> =
            shares.into_iter().map(|share| scope.spawn(move || share.into_iter().map(work).collect())).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let mut all = Vec::new();
    for result in results {
        all.extend(result?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn map_keeps_the_order_and_gives_the_first_error() {
        for n in [1, 2, 3, 8] {
            with_threads(n, || {
                for len in [0, 1, 2, 7, 100] {
                    let squares = map((0..len).collect(), |i: usize| Ok(i * i)).unwrap();
                    assert_eq!(squares, (0..len).map(|i| i * i).collect::<Vec<_>>());
                }
                let fail = |i: usize| if i >= 5 { Err(Error::argument("i", "small", i)) } else { Ok(i) };
                assert!(map((0..20).collect(), fail).unwrap_err().to_string().ends_with("it is 5"));
            });
        }
    }
}
