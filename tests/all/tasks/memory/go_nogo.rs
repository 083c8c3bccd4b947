//! Go or no go.

use psychrnn::task::Sensory;
use psychrnn::tasks::{GoCue, GoNogo};

use super::*;

#[test]
pub(crate) fn go_and_no_go_are_told_by_a_cue() {
    let task = GoNogo::default().sensory(Sensory::default());
    let batch = task.of(&[false, true].map(|go| GoCue { go }), Seed(1)).unwrap();
    for (trial, go) in [0, 1].into_iter().enumerate() {
        let shown = [(15..40, 1 + go, vec![1.0])];
        hold(&batch, trial, &shown, &[output(65..90, go, 2)], 5);
    }
    assert_eq!(batch.lengths, [90, 90]);
    let batch = drawn(&GoNogo::default().go(0.3).delay(Duration::uniform(200.0, 900.0)));
    share(numbers(&batch, "go").into_iter().map(|go| go == 1.0), 0.3);
    lasts(&batch, "delay", 200.0, 900.0);
    alternatives(&GoNogo::default());
    refused(&GoNogo::default().go(1.2), "go");
    refused(&GoNogo::default().emphasis(-1.0), "emphasis");
}
