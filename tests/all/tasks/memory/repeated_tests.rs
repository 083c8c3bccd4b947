//! Several tests of one sample.

use psychrnn::task::Sensory;
use psychrnn::tasks::{RepeatedTests, SampleAndTests};

use super::*;

#[test]
pub(crate) fn each_test_is_compared_with_the_sample() {
    let task = RepeatedTests::abba().sensory(Sensory::default());
    let of = |tests: &[f32]| SampleAndTests { sample: 1.0, tests: tests.to_vec(), n_matches: 0, first_match: None };
    let shown = |tests: [f64; 3]| {
        let tests = tests.map(|test| masse(test, 24));
        let [first, second, third] = tests;
        [(25..45, 1, masse(1.0, 24)), (65..85, 1, first), (105..125, 1, second), (145..165, 1, third)]
    };
    let batch = task.of(&[of(&[2.0, 2.0, 1.0])], Seed(1)).unwrap();
    let asked = [output(65..85, 2, 3), output(105..125, 2, 3), output(145..165, 1, 3)];
    hold(&batch, 0, &shown([2.0, 2.0, 1.0]), &asked, 3);
    assert_eq!((numbers(&batch, "n_matches"), numbers(&batch, "first_match")), (vec![1.0], vec![3.0]));
    let choices = ["choice_test1", "choice_test2", "choice_test3"].map(|name| column(&batch, name)[0]);
    assert_eq!(choices, [2.0, 2.0, 1.0]);
    // To the first match alone.
    let task = task.until_match(true);
    let batch = task.of(&[of(&[3.0, 1.0, 2.0])], Seed(1)).unwrap();
    let asked = [output(65..85, 0, 2), output(105..125, 1, 2), output(145..165, 0, 2)];
    hold(&batch, 0, &shown([3.0, 1.0, 2.0]), &asked, 3);
    has_no_trial(&task, of(&[1.0, 1.0, 2.0]), "tests");
    has_no_trial(&task, of(&[1.0, 2.0]), "tests");
}

/// What is shown in each test is read off the inputs, which have a channel for each direction.
#[test]
fn tests_repeat_each_other_as_they_should() {
    let read = |task: RepeatedTests| {
        let batch = drawn(&task.ring(8).sensory(Sensory::default()));
        let at = move |trial, step| largest(&batch, trial, step, 1..9).unwrap();
        (0..MANY).map(move |trial| (at(trial, 30), [70, 110, 150].map(|step| at(trial, step))))
    };
    for (task, repeat) in
        [(RepeatedTests::abba(), 0.5), (RepeatedTests::abca(), 0.0), (RepeatedTests::abba().repeat(1.0), 1.0)]
    {
        let trials: Vec<_> = read(task).collect();
        for k in 0..3 {
            share(trials.iter().map(|(sample, tests)| tests[k] == *sample), 0.5);
        }
        for k in 1..3 {
            let both_others = trials.iter().filter(|(sample, tests)| tests[k] != *sample && tests[k - 1] != *sample);
            share(both_others.map(|(_, tests)| tests[k] == tests[k - 1]), repeat);
            // One that was there, with a match between, does not come again.
            let apart = trials.iter().filter(|(sample, tests)| k == 2 && tests[1] == *sample && tests[2] != *sample);
            apart.for_each(|(_, tests)| assert_ne!(tests[0], tests[2]));
        }
    }
    let trials: Vec<_> = read(RepeatedTests::abba().until_match(true)).collect();
    for k in 0..3 {
        share(trials.iter().map(|(sample, tests)| tests[k] == *sample), 1.0 / 3.0);
    }
    assert!(trials.iter().all(|(sample, tests)| tests.iter().filter(|test| *test == sample).count() == 1));
    refused(&RepeatedTests::abba().n_tests(0), "n_tests");
    refused(&RepeatedTests::abba().n_tests(8), "directions");
    refused(&RepeatedTests::abba().repeat(-0.1), "repeat");
}
