//! The ideal observer.

use psychrnn::prelude::*;
use psychrnn::task::IdealObserver;
use psychrnn::tasks::catalog;

/// `cargo test --no-default-features ideal_observers_of_the_library -- --ignored --nocapture`
#[test]
#[ignore = "says what the ideal observer of each task of the library gets right"]
fn ideal_observers_of_the_library() {
    for entry in catalog::all() {
        let start = std::time::Instant::now();
        let ideal = entry.task().ideal(&IdealObserver::default());
        println!("{:.1} s {}: {ideal:?}", start.elapsed().as_secs_f64(), entry.name);
    }
}
