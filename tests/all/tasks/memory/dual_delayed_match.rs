//! Two samples and a cue.

use psychrnn::task::Sensory;
use psychrnn::tasks::{CuedSample, DualDelayedMatch, TwoSamples};

use super::*;

#[test]
pub(crate) fn of_two_samples_the_cued_one_is_tested() {
    let task = DualDelayedMatch::default().sensory(Sensory::default());
    let trial = TwoSamples {
        sample_a: 0.0,
        sample_b: 1.0,
        cue1: CuedSample::B,
        test1_a: 0.0,
        test1_b: 2.0,
        cue2: CuedSample::A,
        test2_a: 0.0,
        test2_b: 1.0,
        matches1: false,
        matches2: false,
    };
    let both = |a, b| [masse(a, 24), masse(b, 24)].concat();
    let batch = task.of(std::slice::from_ref(&trial), Seed(1)).unwrap();
    let shown = [
        (25..50, 1, both(0.0, 1.0)),
        (100..125, 1, both(0.0, 2.0)),
        (175..200, 1, both(0.0, 1.0)),
        (75..125, 50, vec![1.0]),
        (150..200, 49, vec![1.0]),
    ];
    hold(&batch, 0, &shown, &[output(100..125, 2, 3), output(175..200, 1, 3)], 3);
    assert_eq!((column(&batch, "choice_test1"), column(&batch, "choice_test2")), (vec![2.0], vec![1.0]));
    let batch = drawn(&DualDelayedMatch::default().delay(Duration::uniform(600.0, 1000.0)));
    let same = |a: &str, b: &str| -> Vec<bool> {
        numbers(&batch, a).into_iter().zip(numbers(&batch, b)).map(|(a, b)| apart(a, b) < 1e-3).collect()
    };
    for ring in ["a", "b"] {
        let [first, second] = ["test1", "test2"].map(|test| same(&format!("sample_{ring}"), &format!("{test}_{ring}")));
        share(first.clone(), 0.5);
        share(second.clone(), 0.5);
        share(first.into_iter().zip(second).map(|(first, second)| first && second), 0.25);
    }
    let cue = |name: &str| -> Vec<String> { batch.values.column(name).unwrap().iter().map(Value::to_string).collect() };
    share(cue("cue1").into_iter().map(|cue| cue == "A"), 0.5);
    share(cue("cue1").into_iter().zip(cue("cue2")).map(|(first, second)| first == second), 0.5);
    share(numbers(&batch, "matches1").into_iter().map(|matches| matches == 1.0), 0.5);
    refused(&DualDelayedMatch::default().cue(1200.0), "cue");
    refused(&DualDelayedMatch::default().ring(0), "ring");
    has_no_trial(&task, TwoSamples { test2_b: f32::INFINITY, ..trial }, "test2_b");
}
