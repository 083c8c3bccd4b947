//! Pairs.

use psychrnn::task::Sensory;
use psychrnn::tasks::{PairedAssociation, StimulusPair};

use super::*;

#[test]
pub(crate) fn pairs_are_told_from_others() {
    let task = PairedAssociation::default().sensory(Sensory::default()).fixation(200).n_pairs(3);
    let batch = task
        .of(&[(1, 1), (0, 2)].map(|(first, second)| StimulusPair { first, second, paired: false }), Seed(1))
        .unwrap();
    for (trial, (first, second, go)) in [(1, 1, 1), (0, 2, 0)].into_iter().enumerate() {
        let shown = [(10..60, 1 + first, vec![1.0]), (110..160, 4 + second, vec![1.0])];
        hold(&batch, trial, &shown, &[output(210..235, go, 2)], 5);
    }
    let batch = drawn(&task);
    let pairs = || numbers(&batch, "first").into_iter().zip(numbers(&batch, "second"));
    for first in 0..3 {
        for second in 0..3 {
            let expected = if first == second { 0.5 } else { 0.25 } / 3.0;
            share(pairs().map(|pair| pair == (f64::from(first), f64::from(second))), expected);
        }
    }
    alternatives(&task);
    refused(&PairedAssociation::default().n_pairs(1), "n_pairs");
    has_no_trial(&task, StimulusPair { first: 0, second: 3, paired: false }, "second");
}
