//! Flip-flops against what FixedPointFinder's example says, written out once more.

use psychrnn::prelude::*;
use psychrnn::tasks::FlipFlop;

/// Target and mask of each step of a bit, from its inputs alone: its pulses, and when each began.
fn held(inputs: &[f32], settle: usize) -> Vec<(f32, f32)> {
    let mut last = None;
    let of_step = |step: usize| {
        let begins = step == 0 || inputs[step - 1] != inputs[step];
        if inputs[step] != 0.0 && begins {
            last = Some((step, inputs[step]));
        }
        last.map_or((0.0, 0.0), |(start, sign)| (sign, if step < start + settle { 0.0 } else { 1.0 }))
    };
    (0..inputs.len()).map(of_step).collect()
}

#[track_caller]
fn check(task: &FlipFlop, settle: usize) -> Batch {
    let batch = task.batch(100, Seed(1)).unwrap();
    for (trial, inputs) in batch.inputs.outer_iter().enumerate() {
        let mut flips = 0;
        for bit in 0..task.n_bits {
            let inputs = inputs.column(bit).to_vec();
            assert!(inputs.iter().all(|&u| u == 0.0 || u.abs() == 1.0));
            let held = held(&inputs, settle);
            flips += held.windows(2).filter(|pair| pair[0].0 * pair[1].0 < 0.0).count();
            for (step, (target, mask)) in held.into_iter().enumerate() {
                let (our_target, our_mask) = (batch.targets[[trial, step, bit]], batch.mask[[trial, step, bit]]);
                assert_eq!((our_target, our_mask), (target, mask), "trial {trial}, bit {bit}, step {step}");
            }
        }
        assert_eq!(batch.values.numbers("flips").unwrap()[trial], flips as f64);
    }
    batch
}

fn share(batch: &Batch, what: impl Fn(f32) -> bool) -> f64 {
    batch.inputs.iter().filter(|&&u| what(u)).count() as f64 / batch.inputs.len() as f64
}

#[test]
pub(crate) fn flip_flops_hold_the_last_pulse() {
    let example = check(&FlipFlop::default(), 0);
    assert_eq!(example.inputs.dim(), (100, 64, 3));
    assert!(example.inputs.slice(ndarray::s![.., 0, ..]).iter().all(|&u| u != 0.0));
    // Half of all steps but the first, half of these up: 3 standard errors of 19,200 are 0.011.
    let (up, down) = (share(&example, |u| u > 0.0), share(&example, |u| u < 0.0));
    let expected = (1.0 + 63.0 * 0.5) / 64.0 / 2.0;
    assert!((up - expected).abs() < 0.011 && (down - expected).abs() < 0.011, "{up} {down}");
    // Pulses of 5 steps, and intervals of 10; a finer time step changes nothing but the number of steps.
    let slow = FlipFlop::default().n_bits(2).tau(100.0).interval(100.0).pulse(50.0).settle(80.0).set_at_start(false);
    let slow = slow.probability(0.25).duration(3050.0);
    let batch = check(&slow, 8);
    assert_eq!(batch.n_steps(), 305);
    assert!((share(&batch, |u| u != 0.0) - 0.25 * 31.0 * 5.0 / 305.0).abs() < 0.01);
    let fine = check(&slow.clone().dt(2.0), 40);
    assert_eq!(fine.inputs.slice(ndarray::s![.., ..;5, ..]), batch.inputs);
}

#[test]
fn nonsense_is_named() {
    let refused = |task: FlipFlop| task.batch(1, Seed(1)).unwrap_err().to_string();
    assert!(refused(FlipFlop::default().probability(1.5)).contains("probability"));
    assert!(refused(FlipFlop::default().probability(f32::NAN)).contains("probability"));
    assert!(refused(FlipFlop::default().pulse(20.0)).contains("pulse"));
    assert!(refused(FlipFlop::default().interval(5.0)).contains("pulse"));
    assert!(refused(FlipFlop::default().settle(-1.0)).contains("settle"));
}
