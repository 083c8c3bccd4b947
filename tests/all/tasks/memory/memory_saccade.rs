//! Saccades.

use std::f64::consts::PI;

use psychrnn::task::Sensory;
use psychrnn::tasks::{Anti, MemorySaccade, RingTuning, Saccade};

use super::*;

#[test]
pub(crate) fn saccades_go_to_the_cue_or_away_from_it() {
    let quiet = |task: MemorySaccade| task.sensory(Sensory::default());
    let of =
        |task: &MemorySaccade, angle: f32, anti| task.of(&[Saccade { angle, anti, target: 0.0 }], Seed(1)).unwrap();
    let memory = quiet(MemorySaccade::default().delay(1000));
    hold(&of(&memory, 1.0, false), 0, &[(25..40, 1, bump(1.0, 32))], &[toward(90..115, 1.0, 32)], 5);
    // A rule input tells the two.
    let cued = memory.clone().anti(Anti::Cued);
    for (anti, channel, target) in [(false, 33, 1.0), (true, 34, 1.0 + PI)] {
        let shown = [(25..40, 1, bump(1.0, 32)), (0..115, channel, vec![1.0])];
        let batch = of(&cued, 1.0, anti);
        hold(&batch, 0, &shown, &[toward(90..115, target, 32)], 5);
        assert!(
            apart(numbers(&batch, "target")[0], target) < 1e-5 && apart(column(&batch, "response")[0], target) < 1e-3
        );
    }
    let seen = quiet(MemorySaccade::visually_guided().cue(700));
    hold(&of(&seen, 2.0, false), 0, &[(25..85, 1, bump(2.0, 32))], &[toward(60..85, 2.0, 32)], 5);
    // The cue to fixate stays.
    let direct = quiet(MemorySaccade::direct().fixation(1000));
    let shown = [(50..75, 1, bump(2.0, 32)), (50..75, 0, vec![1.0])];
    hold(&of(&direct, 2.0, false), 0, &shown, &[toward(50..75, 2.0, 32)], 5);
    let cosine = memory.tuning(RingTuning::neurogym()).ring(4);
    let shown = [(25..40, 1, [0.0, 1.0, 0.0, -1.0].map(|cosine| 0.5 + 0.5 * cosine).to_vec())];
    hold(&of(&cosine, PI as f32 / 2.0, false), 0, &shown, &[toward(90..115, PI / 2.0, 4)], 5);
}

#[test]
fn saccades_are_drawn_as_they_should() {
    let batch = drawn(&MemorySaccade::default().anti(Anti::Cued));
    lasts(&batch, "delay", 1000.0, 3000.0);
    share(numbers(&batch, "anti").into_iter().map(|anti| anti == 1.0), 0.5);
    for k in 0..8 {
        share(
            numbers(&batch, "angle").into_iter().map(|angle| apart(angle, PI / 4.0 * f64::from(k)) < 1e-4),
            1.0 / 8.0,
        );
    }
    let any = drawn(&MemorySaccade::default().directions(None));
    share(numbers(&any, "angle").into_iter().map(|angle| angle < 1.0), 1.0 / TAU);
    assert!(numbers(&any, "angle").iter().filter(|&&angle| is_of(angle, 8)).count() < 3);
    lasts(&drawn(&MemorySaccade::visually_guided()), "cue", 500.0, 1500.0);
    lasts(&drawn(&MemorySaccade::direct()), "fixation", 500.0, 2500.0);
    alternatives(&MemorySaccade::default().anti(Anti::Cued));
    alternatives(&MemorySaccade::default().anti(Anti::Always).directions(6));
    refused(&MemorySaccade::default().anti(Anti::Always).directions(5), "directions");
    refused(&MemorySaccade::default().directions(0), "directions");
    refused(&MemorySaccade::default().ring(2), "ring of the decision");
    let narrow = RingTuning::Gaussian { peak: 1.0, width: 0.0 };
    refused(&MemorySaccade::default().tuning(narrow), "width of the tuning");
    has_no_trial(&MemorySaccade::default(), Saccade { angle: f32::NAN, anti: false, target: 0.0 }, "angle");
}
