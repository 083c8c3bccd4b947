//! A distractor in the delay.

use std::f64::consts::PI;

use psychrnn::task::Sensory;
use psychrnn::tasks::{CueAndDistractor, Distractor};

use super::*;

#[test]
pub(crate) fn distractors_are_ignored() {
    let task = Distractor::default().sensory(Sensory::default()).delay1(600).delay2(800);
    let trials = [None, Some(3.0)].map(|distractor| CueAndDistractor { angle: 1.0, distractor });
    let batch = task.of(&trials, Seed(1)).unwrap();
    let cue = (25..40, 1, bump(1.0, 32));
    hold(&batch, 0, std::slice::from_ref(&cue), &[toward(125..150, 1.0, 32)], 5);
    hold(&batch, 1, &[cue, (70..85, 1, bump(3.0, 32))], &[toward(125..150, 1.0, 32)], 5);
    for (task, n) in [(Distractor::default(), Some(8)), (Distractor::default().directions(None).apart(2.0), None)] {
        let batch = drawn(&task);
        lasts(&batch, "delay1", 500.0, 1500.0);
        lasts(&batch, "delay2", 500.0, 1500.0);
        let pairs = numbers(&batch, "angle").into_iter().zip(numbers(&batch, "distractor"));
        let (there, none): (Vec<_>, Vec<_>) = pairs.partition(|(_, distractor)| distractor.is_finite());
        share((0..MANY).map(|k| k < none.len()), 0.5);
        let least = f64::from(task.apart) - 1e-4;
        assert!(there.iter().all(|&(angle, distractor)| apart(angle, distractor) >= least));
        assert!(n.is_none_or(|n| there.iter().all(|&(angle, distractor)| is_of(angle, n) && is_of(distractor, n))));
        // Half of them on each side; of eight directions one in seven is opposite.
        let opposite = |&(angle, distractor): &(f64, f64)| apart(angle, distractor) > PI - 1e-3;
        share(there.iter().map(opposite), if n.is_some() { 1.0 / 7.0 } else { 1e-3 / (PI - 2.0) });
    }
    refused(&Distractor::default().apart(4.0), "apart");
    refused(&Distractor::default().directions(3).apart(3.0), "apart");
    refused(&Distractor::default().probability(2.0), "probability");
}
