//! Answers that change from block to block.

use psychrnn::task::{Lasting, Sensory};
use psychrnn::tasks::{Association, ConditionalAssociation};

use super::*;

#[test]
pub(crate) fn answers_to_stimuli_hold_for_a_block() {
    let task = ConditionalAssociation::default().sensory(Sensory::default());
    let trial = Association { stimulus: 2, answers: vec![3, 1, 0, 2], correct_answer: 9 };
    let mut batch = task.of(std::slice::from_ref(&trial), Seed(1)).unwrap();
    // Errors do not count in the feedback.
    let mut feedback = batch.mask.slice_mut(ndarray::s![.., 115.., ..]);
    assert!(feedback.iter().all(|&weight| weight == 0.0));
    feedback.fill(1.0);
    let shown = [(15..40, 3, vec![1.0]), (115..130, 5, vec![1.0])];
    hold(&batch, 0, &shown, &[output(90..115, 1, 5)], 5);
    has_no_trial(&task, Association { stimulus: 4, ..trial.clone() }, "stimulus");
    has_no_trial(&task, Association { answers: vec![0, 1, 2, 4], ..trial }, "answers");
    refused(&task.clone().n_answers(1), "n_answers");
    refused(&task.clone().session(0), "trials of a session");
    assert!(task.clone().block(0).batch(1, Seed(1)).is_err());
}

#[test]
fn associations_are_drawn_for_each_block() {
    let answers = |task: &ConditionalAssociation, block: usize| -> Vec<Option<usize>> {
        let Lasting::Trials(n) = task.block else { unreachable!() };
        let first = (block * n) as u64;
        let batch = task.trials(first..first + n as u64, Seed(5)).unwrap();
        let mut answers = vec![None; task.n_stimuli];
        for (stimulus, answer) in numbers(&batch, "stimulus").into_iter().zip(numbers(&batch, "correct_answer")) {
            let there = &mut answers[stimulus as usize];
            assert!(there.is_none_or(|there| there == answer as usize), "an answer changes within a block");
            *there = Some(answer as usize);
        }
        answers
    };
    // Short trials: what is shown in them is another matter.
    let task = ConditionalAssociation::default().delay(20).decision(100);
    let blocks: Vec<Vec<Option<usize>>> = (0..300).map(|block| answers(&task, block)).collect();
    for answers in &blocks {
        assert!((0..4).all(|answer| answers.contains(&Some(answer))), "{answers:?} is no permutation");
    }
    for stimulus in 0..4 {
        share(blocks.iter().map(|answers| answers[stimulus] == Some(1)), 0.25);
    }
    // Another one in each block of a session, of which there are four.
    assert!((1..300).all(|block| block % 4 == 0 || blocks[block] != blocks[block - 1]));
    // Five stimuli and two answers: two of one and three of the other.
    let uneven = task.clone().n_stimuli(5).n_answers(2);
    for block in 0..40 {
        let first = answers(&uneven, block).iter().filter(|answer| **answer == Some(0)).count();
        assert!(first == 2 || first == 3);
    }
    let reversed = task.n_stimuli(2).n_answers(2).block(20).session(80);
    for block in (0..40).filter(|block| block % 4 > 0) {
        assert_ne!(answers(&reversed, block)[0], answers(&reversed, block - 1)[0]);
    }
}
