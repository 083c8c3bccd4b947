//! Colors of several items.

use psychrnn::task::Sensory;
use psychrnn::tasks::{ColoredItems, DelayEstimation};

use super::*;

#[test]
pub(crate) fn the_color_at_the_probed_location_is_asked_for() {
    let task = DelayEstimation::default().sensory(Sensory::default());
    let of = |colors: &[Option<f32>], probed| ColoredItems { colors: colors.to_vec(), probed, n_items: 0, target: 0.0 };
    let two = of(&[None, Some(1.0), None, Some(4.0)], 3);
    let batch = task.of(&[two], Seed(1)).unwrap();
    let shown = [(15..40, 33, bump(1.0, 32)), (15..40, 97, bump(4.0, 32)), (85..110, 132, vec![1.0])];
    hold(&batch, 0, &shown, &[toward(85..110, 4.0, 32)], 5);
    assert_eq!((numbers(&batch, "n_items"), numbers(&batch, "target")), (vec![2.0], vec![4.0]));
    let batch = drawn(&task.clone().locations(6).set_sizes(&[1, 2, 6]));
    let (sizes, probed) = (numbers(&batch, "n_items"), numbers(&batch, "probed"));
    for size in [1.0, 2.0, 6.0] {
        share(sizes.iter().map(|&there| there == size), 1.0 / 3.0);
    }
    for location in 0..6 {
        share(probed.iter().map(|&there| there == f64::from(location)), 1.0 / 6.0);
    }
    for trial in 0..MANY {
        let there = |location: usize| largest(&batch, trial, 20, 1 + 32 * location..33 + 32 * location);
        assert_eq!((0..6).filter(|&location| there(location).is_some()).count() as f64, sizes[trial]);
        let color = there(probed[trial] as usize).unwrap();
        assert!(apart(TAU * color as f64 / 32.0, numbers(&batch, "target")[trial]) < TAU / 64.0 + 1e-4);
    }
    refused(&task.clone().set_sizes(&[1, 5]), "set_sizes");
    refused(&task.clone().set_sizes(&[]), "set_sizes");
    has_no_trial(&task, of(&[None, Some(1.0), None, None], 0), "probed");
    has_no_trial(&task, of(&[Some(1.0)], 0), "colors");
}
