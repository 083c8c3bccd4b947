//! Items in a row.

use psychrnn::task::Sensory;
use psychrnn::tasks::{ItemRow, NBack};

use super::*;

#[test]
pub(crate) fn items_are_compared_with_those_before() {
    let task = NBack::default().n_items(5).sensory(Sensory::default());
    let row = |items: &[usize]| ItemRow { items: items.to_vec(), n_matches: 0, n_lures: 0 };
    let items = [3, 1, 3, 1, 1];
    // Items of 400 ms from 300 ms on, one each 600 ms.
    let at = |k: usize| 15 + 30 * k..35 + 30 * k;
    let shown: Vec<_> = items.iter().enumerate().map(|(k, item)| (at(k), 1 + item, vec![1.0])).collect();
    for (n, answers) in [(1, vec![2, 2, 2, 1]), (2, vec![1, 1, 2]), (3, vec![2, 1])] {
        let batch = task.clone().n(n).of(&[row(&items)], Seed(1)).unwrap();
        let asked: Vec<_> = answers.iter().enumerate().map(|(k, &answer)| output(at(n + k), answer, 3)).collect();
        hold(&batch, 0, &shown, &asked, 5);
        assert_eq!(numbers(&batch, "n_matches"), [answers.iter().filter(|&&answer| answer == 1).count() as f64]);
        for (k, answer) in answers.into_iter().enumerate() {
            assert_eq!(column(&batch, &format!("choice_item{}", n + k + 1)), [answer as f64]);
        }
    }
    let batch = task.clone().of(&[row(&items), row(&[0, 0, 0, 0, 0]), row(&[0, 1, 2, 0, 0])], Seed(1)).unwrap();
    assert_eq!(numbers(&batch, "n_lures"), [1.0, 0.0, 2.0]);

    for p_match in [0.5, 0.2] {
        let batch = drawn(&NBack::default().p_match(p_match).sensory(Sensory::default()));
        let item = |trial, k: usize| largest(&batch, trial, at(k).start, 1..6).unwrap();
        for k in 2..6 {
            share((0..MANY).map(|trial| item(trial, k) == item(trial, k - 2)), f64::from(p_match));
            // What is none is any other.
            let others = (0..MANY).filter(|&trial| item(trial, k) != item(trial, k - 2));
            share(others.map(|trial| item(trial, k) == (item(trial, k - 2) + 1) % 5), 0.25);
        }
    }
    refused(&task.clone().n(0), "n");
    refused(&task.clone().n(5), "n_items");
    refused(&task.clone().n_items(101), "n_items");
    refused(&task.clone().n_stimuli(1), "n_stimuli");
    refused(&task.clone().p_match(1.5), "p_match");
    has_no_trial(&task, row(&[0, 1, 2, 3]), "items");
    has_no_trial(&task, row(&[0, 1, 2, 3, 5]), "items");
}
