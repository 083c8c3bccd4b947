//! A number.

use psychrnn::task::Sensory;
use psychrnn::tasks::{MemoryNumber, ShownNumber};

use super::*;

#[test]
pub(crate) fn digits_are_repeated_in_order() {
    let task = MemoryNumber::default().sensory(Sensory::default());
    let shown = [(15..25, 1 + 4, vec![1.0]), (30..40, 1, vec![1.0]), (45..55, 1 + 7, vec![1.0])];
    for (backward, order) in [(false, [4, 0, 7]), (true, [7, 0, 4])] {
        let batch = task.clone().backward(backward).of(&[ShownNumber { number: 407 }], Seed(1)).unwrap();
        let asked = [(85..100, 1 + order[0]), (100..115, 1 + order[1]), (115..130, 1 + order[2])];
        hold(&batch, 0, &shown, &asked.map(|(steps, digit)| output(steps, digit, 11)), 5);
        let choices = ["choice_recall1", "choice_recall2", "choice_recall3"].map(|name| column(&batch, name)[0]);
        assert_eq!(choices, order.map(|digit| 1.0 + digit as f64));
    }
    let batch = drawn(&task);
    let drawn = numbers(&batch, "number");
    assert!(drawn.iter().all(|number| (0.0..1000.0).contains(number)));
    for digit in 0..10 {
        for place in [1.0, 10.0, 100.0] {
            share(drawn.iter().map(|number| (number / place).floor() % 10.0 == f64::from(digit)), 0.1);
        }
    }
    refused(&task.clone().n_digits(0), "n_digits");
    refused(&task.clone().n_digits(16), "n_digits");
    has_no_trial(&task, ShownNumber { number: 1000 }, "number");
}
