//! Choices against what the tasks say, written out once more.

use std::f64::consts::PI;

use ndarray::Array3;
use psychrnn::analysis::{Counts, Curve, LogisticRegression};
use psychrnn::prelude::*;
use psychrnn::task::{Alternatives, Sensory};
use psychrnn::tasks::{
    Bins, Cards, Clicks, EconomicChoice, Flashes, FrequencyCode, HierarchicalReasoning, IntervalComparison, ManyDots,
    Modality, MultiChoice, Offers, ParametricComparison, PostDecisionWager, ProbabilisticReasoning, PulseAccumulation,
    RateDecision, Rates, Shapes, TwoFrequencies, Wager, WeatherPrediction,
};

use super::held::{asked, hold, numbers, share, within};

fn quiet() -> Sensory {
    Sensory::default()
}

/// A session of a subject that chooses as `choice` says of each trial, an output.
fn choosing(batch: &Batch, choice: impl Fn(usize) -> usize) -> Session {
    let mut outputs = Array3::zeros(batch.targets.dim());
    (0..batch.n_trials()).for_each(|trial| outputs.slice_mut(ndarray::s![trial, .., choice(trial)]).fill(1.0));
    let states = Array3::zeros((batch.n_trials(), batch.n_steps(), 1));
    Session::new(batch.clone(), states.clone(), states, outputs).unwrap()
}

#[test]
pub(crate) fn one_of_many_directions_is_asked_for() {
    for (n, scaled) in [(2, false), (4, true), (7, false)] {
        let task = MultiChoice::default().choices(n).scaled(scaled).delay(200.0).sensory(quiet());
        let grid = task.grid().over([0.0, 0.128, 0.5], |dots, c| dots.coherence = c);
        let batch = grid.over(0..n, |dots, d| dots.direction = d).batch(Seed(1)).unwrap();
        let (coherence, direction) = (numbers(&batch, "coherence"), numbers(&batch, "direction"));
        let scale = if scaled { 1.8467 * (n as f64).ln() - 0.041 } else { 1.0 };
        hold(&batch, |trial, t| {
            let stimulus = within(t, 300.0, 1300.0);
            let shown = |k: usize| {
                let turned = 2.0 * PI * (k as f64 - direction[trial]) / n as f64;
                stimulus * (0.5 + 0.5 * (scale * coherence[trial]).min(1.0) * turned.cos())
            };
            let inputs = std::iter::once(within(t, 0.0, 1500.0)).chain((0..n).map(shown)).collect();
            let (targets, mask) = asked(t, 1500.0, 1 + direction[trial] as usize, n + 1, 100.0);
            (inputs, targets, mask)
        });
    }
    let drawn = MultiChoice::default().batch(1000, Seed(2)).unwrap();
    assert!((share(&numbers(&drawn, "direction"), |direction| direction == 3.0) - 0.25).abs() < 0.045);
    assert!((share(&numbers(&drawn, "coherence"), |c| c == 0.0) - 0.2).abs() < 0.04);
    let lasts = MultiChoice::pyrl().batch(1000, Seed(2)).unwrap().durations("stimulus").unwrap();
    assert!(lasts.iter().flatten().all(|lasts| (80.0..=1500.0).contains(lasts) && lasts % 10.0 == 0.0));
    let delays = MultiChoice::delayed().batch(1000, Seed(2)).unwrap().durations("delay").unwrap();
    let expected = [300.0, 500.0, 700.0, 900.0, 1200.0, 2000.0, 3200.0, 4000.0];
    assert!(expected.iter().all(|&delay| delays.contains(&Some(delay))));
    assert!(delays.iter().flatten().all(|delay| expected.contains(delay)));
    let refused = |task: MultiChoice| task.batch(1, Seed(1)).unwrap_err().to_string();
    assert!(refused(MultiChoice::default().choices(1)).contains("choices"));
    assert!(refused(MultiChoice::default().coherences(&[1.5])).contains("coherences"));
    let refused = |trial: ManyDots| MultiChoice::default().of(&[trial], Seed(1)).unwrap_err().to_string();
    assert!(refused(ManyDots { coherence: 0.1, direction: 4 }).contains("direction"));
    assert!(refused(ManyDots { coherence: f32::NAN, direction: 0 }).contains("coherences"));
}

#[test]
pub(crate) fn reaction_times_begin_with_the_stimulus() {
    let task = MultiChoice::pyrl_reaction_time().sensory(quiet());
    let batch = task.of(&[ManyDots { coherence: 0.256, direction: 1 }], Seed(1)).unwrap();
    hold(&batch, |_, t| {
        let stimulus = within(t, 750.0, 2750.0);
        let (targets, mask) = asked(t, 750.0, 2, 3, 100.0);
        (vec![1.0 - stimulus, stimulus * 0.372, stimulus * 0.628], targets, mask)
    });
}

#[test]
pub(crate) fn the_side_with_more_clicks_is_asked_for() {
    let task = PulseAccumulation::default().sensory(quiet());
    // Two in one step; one at the very start, and one just before a step.
    let (left, right) = ([0.0, 105.0, 119.0, 260.0], [59.9, 499.0]);
    for dt in [20.0, 10.0] {
        let task = task.clone().dt(dt);
        let batch = task.of(&[Clicks::of(&left, &right, 500.0)], Seed(1)).unwrap();
        let dt = f64::from(dt);
        hold(&batch, |_, t| {
            let clicks = |times: &[f32]| {
                let is_now = |&&time: &&f32| ((f64::from(time) + 500.0) / dt).floor() * dt == t;
                times.iter().filter(is_now).count() as f64 * 20.0 / dt
            };
            let (targets, mask) = asked(t, 1000.0, 1, 3, 100.0);
            (vec![within(t, 0.0, 1000.0), clicks(&left), clicks(&right)], targets, mask)
        });
        assert_eq!(numbers(&batch, "difference"), [-2.0]);
    }
    let drawn = task.batch(1000, Seed(2)).unwrap();
    let [n_left, n_right] = ["n_left", "n_right"].map(|column| numbers(&drawn, column));
    let (side, log_ratio, duration) =
        (numbers(&drawn, "side"), numbers(&drawn, "log_ratio"), numbers(&drawn, "duration"));
    for trial in 0..1000 {
        let inputs = drawn.inputs.index_axis(ndarray::Axis(0), trial);
        assert_eq!([inputs.column(1).sum(), inputs.column(2).sum()].map(f64::from), [n_left[trial], n_right[trial]]);
        assert_eq!(side[trial] == 1.0, n_right[trial] > n_left[trial]);
        assert!(
            (500.0..1000.0).contains(&duration[trial])
                && [0.1, 0.5, 1.0, 2.0].contains(&(log_ratio[trial].abs() as f32))
        );
    }
    assert!((share(&side, |side| side == 1.0) - 0.5).abs() < 0.05);
    // Forty a second; the higher rate wins more often than not.
    let rate = (n_left.iter().sum::<f64>() + n_right.iter().sum::<f64>()) / duration.iter().sum::<f64>() * 1000.0;
    assert!((rate - 40.0).abs() < 1.0, "{rate}");
    let sure: Vec<usize> = (0..1000).filter(|&trial| log_ratio[trial].abs() > 1.5).collect();
    let right: Vec<f64> =
        sure.iter().map(|&trial| f64::from(u8::from((log_ratio[trial] > 0.0) == (side[trial] == 1.0)))).collect();
    assert!(share(&right, |right| right == 1.0) > 0.97);

    let binned = PulseAccumulation::binned().sensory(quiet()).batch(1000, Seed(2)).unwrap();
    let all = numbers(&binned, "n_left").into_iter().chain(numbers(&binned, "n_right")).sum::<f64>();
    // Without ties there is one at each moment but for a few more: those without a tie have as many on average.
    assert!((all / 1000.0 - 6.0).abs() < 0.15 && numbers(&binned, "duration").iter().all(|&lasts| lasts == 1500.0));
    let refused = |task: PulseAccumulation| task.batch(1, Seed(1)).unwrap_err().to_string();
    assert!(refused(PulseAccumulation::default().rate(0.0)).contains("rate"));
    assert!(refused(PulseAccumulation::default().rate(1e-6)).contains("clicks"));
    assert!(
        refused(PulseAccumulation::default().bins(Bins { number: 6, every: 250.0, probabilities: (0.3, 1.2) }))
            .contains("probabilities")
    );
    let refused = |trial: Clicks| task.of(&[trial], Seed(1)).unwrap_err().to_string();
    assert!(refused(Clicks::of(&[1.0], &[2.0], 500.0)).contains("clicks"));
    assert!(refused(Clicks::of(&[1.0], &[], 1.0)).contains("click"));
    assert!(refused(Clicks::of(&[f32::NAN], &[], 500.0)).contains("click"));
}

#[test]
fn a_kernel_is_what_a_subject_was_made_with() {
    // Clicks of the first half count twice those of the second, with a random part.
    let task = PulseAccumulation::default().stimulus(800.0).sensory(quiet());
    let batch = task.batch(4000, Seed(3)).unwrap();
    let evidence = choosing(&batch, |_| 0).evidence("stimulus", 2, 1, 4).unwrap();
    // A click of 20 in a stretch of 200 ms.
    assert!(evidence.iter().all(|x| (x * 10.0 - (x * 10.0).round()).abs() < 1e-6));
    let (weights, mut rng) = ([6.0, 6.0, 3.0, 3.0], Seed(4).stream(0));
    let choices: Vec<usize> = evidence
        .outer_iter()
        .map(|row| {
            let score: f64 = row.iter().zip(weights).map(|(x, w)| x * w).sum::<f64>() + 0.5;
            1 + usize::from(rng.chance((1.0 / (1.0 + (-score).exp())) as f32))
        })
        .collect();
    let session = choosing(&batch, |trial| choices[trial]);
    let right: Vec<Option<bool>> = session.choices.iter().map(|choice| choice.map(|choice| choice == 2)).collect();
    let fit = LogisticRegression::default().fit(&["1", "2", "3", "4"], &evidence, &right).unwrap();
    for (k, expected) in [0.5, 6.0, 6.0, 3.0, 3.0].into_iter().enumerate() {
        let apart = (fit.weights[k] - expected) / fit.errors[k];
        assert!(apart.abs() < 3.5, "{}: {} for {expected}", fit.names[k], fit.weights[k]);
    }
    assert!(session.evidence("stimulus", 3, 1, 4).is_err() && session.evidence("stimulus", 2, 1, 0).is_err());
    assert!(session.evidence("nothing", 2, 1, 4).is_err());
}

#[test]
pub(crate) fn the_higher_frequency_is_asked_for() {
    let trials = [(18.0, 10.0), (26.0, 34.0)].map(|(f1, f2)| TwoFrequencies { f1, f2, higher: 7 });
    for code in [FrequencyCode::Single, FrequencyCode::Opposite] {
        let task = ParametricComparison::default().code(code).delay(700.0).sensory(quiet());
        hold(&task.of(&trials, Seed(1)).unwrap(), |trial, t| {
            let [f1, f2] = [trials[trial].f1, trials[trial].f2].map(f64::from);
            let (first, second) = (within(t, 500.0, 1000.0), within(t, 1700.0, 2200.0));
            let shown = |f: f64| [(1.0 + (f - 10.0) / 24.0) / 2.0, (1.0 - (f - 10.0) / 24.0) / 2.0];
            let mut inputs = vec![within(t, 0.0, 2200.0)];
            inputs.extend([0, 1].map(|k| first * shown(f1)[k] + second * shown(f2)[k]));
            inputs.truncate(if code == FrequencyCode::Single { 2 } else { 3 });
            let (targets, mask) = asked(t, 2200.0, if f1 > f2 { 1 } else { 2 }, 3, 100.0);
            (inputs, targets, mask)
        });
    }
    let drawn = ParametricComparison::pyrl().batch(1000, Seed(2)).unwrap();
    let (f1, f2, higher) = (numbers(&drawn, "f1"), numbers(&drawn, "f2"), numbers(&drawn, "higher"));
    assert!(
        (0..1000)
            .all(|trial| (f1[trial] - f2[trial]).abs() == 8.0 && (higher[trial] == 0.0) == (f1[trial] > f2[trial]))
    );
    assert!(
        (share(&higher, |higher| higher == 0.0) - 0.5).abs() < 0.05 && (share(&f1, |f| f == 34.0) - 0.1).abs() < 0.03
    );
    let delays = drawn.durations("delay").unwrap();
    assert!(delays.iter().flatten().all(|lasts| (2700.0..3300.0).contains(lasts) && lasts % 10.0 == 0.0));
    let refused =
        |f1, f2| ParametricComparison::default().of(&[TwoFrequencies { f1, f2, higher: 0 }], Seed(1)).unwrap_err();
    assert!(refused(10.0, 10.0).to_string().contains("f2") && refused(10.0, f32::NAN).to_string().contains("f2"));
    let pairs = ParametricComparison::default().pairs(&[(10.0, 18.0)]).batch(1, Seed(1));
    assert!(pairs.unwrap_err().to_string().contains("pairs"));
}

#[test]
pub(crate) fn the_offer_that_is_worth_more_is_asked_for() {
    let task = EconomicChoice::default().offer(1000.0).sensory(quiet());
    // Of the last both are worth the same.
    let trials = [(3, 1, 0), (1, 3, 1), (0, 2, 0), (22, 10, 1)].map(|(n_b, n_a, side)| Offers::of(n_b, n_a, side));
    let batch = task.of(&trials, Seed(1)).unwrap();
    hold(&batch, |trial, t| {
        let Offers { n_a, n_b, side_of_a, .. } = trials[trial];
        let offer = within(t, 500.0, 1500.0);
        let of_a = 1.0 - side_of_a as f64;
        let (left, right) = if side_of_a == 0 { (n_a, n_b) } else { (n_b, n_a) };
        let shown = [of_a, 1.0 - of_a, 1.0 - of_a, of_a, left as f64 / 5.0, right as f64 / 5.0];
        let inputs = std::iter::once(within(t, 0.0, 1500.0)).chain(shown.map(|x| offer * x)).collect();
        let correct = [Some(2), Some(2), Some(1), None][trial];
        let (mut targets, mut mask) = asked(t, 1500.0, correct.unwrap_or(0), 3, 100.0);
        if correct.is_none() && t >= 1500.0 {
            mask = vec![0.0; 3];
            targets = vec![1.0, 0.0, 0.0];
        }
        (inputs, targets, mask)
    });
    let ratios = numbers(&batch, "log_ratio");
    assert!((ratios[0] - 3.0_f64.ln()).abs() < 1e-6 && ratios[2].is_nan());
    let drawn = EconomicChoice::pyrl().batch(1000, Seed(2)).unwrap();
    assert!((share(&numbers(&drawn, "side_of_a"), |side| side == 1.0) - 0.5).abs() < 0.05);
    assert!((share(&numbers(&drawn, "n_b"), |n| n == 6.0) - 1.0 / 9.0).abs() < 0.03);
    let lasts = drawn.durations("offer").unwrap();
    assert!(lasts.iter().flatten().all(|lasts| (1000.0..2000.0).contains(lasts)));
    let refused = |task: EconomicChoice| task.batch(1, Seed(1)).unwrap_err().to_string();
    assert!(refused(EconomicChoice::default().worth(0.0)).contains("worth"));
    assert!(refused(EconomicChoice::default().offers(&[])).contains("offers"));
}

#[test]
fn the_indifference_point_is_the_worth_by_which_a_subject_chooses() {
    let task = EconomicChoice::default().offers(&[(1, 1), (2, 1), (3, 1), (4, 1), (6, 1), (1, 2), (2, 0)]);
    let (batch, mut rng) = (task.batch(4000, Seed(3)).unwrap(), Seed(4).stream(0));
    let (n_b, n_a, side) = (numbers(&batch, "n_b"), numbers(&batch, "n_a"), numbers(&batch, "side_of_a"));
    let choices: Vec<usize> = (0..4000)
        .map(|trial| {
            let score = 4.0 * ((n_b[trial] / n_a[trial]).ln() - 1.7_f64.ln());
            let of_b = rng.chance((1.0 / (1.0 + (-score).exp())) as f32);
            1 + usize::from(of_b == (side[trial] == 0.0))
        })
        .collect();
    let session = choosing(&batch, |trial| choices[trial]);
    let chose = |[choice, a]: [f64; 2]| if choice == 2.0 - a { 1 } else { 0 };
    let session = session.with("chose_b", ["choice", "side_of_a"], chose).unwrap();
    let [log_ratio, chose_b] = ["log_ratio", "chose_b"].map(|column| session.trials().numbers(column).unwrap());
    let chose_b: Vec<Option<bool>> = chose_b.iter().map(|&chose| Some(chose == 1.0)).collect();
    let counts = Counts::of_trials("ln(nB / nA)", &log_ratio, &chose_b).unwrap();
    assert!(counts.without_level > 400);
    let fit = Psychometric::default().curve(Curve::Logistic).fit(&counts).unwrap();
    assert!((fit.threshold.value.exp() - 1.7).abs() < 0.08, "{}", fit.threshold.value.exp());
}

#[test]
pub(crate) fn the_sure_reward_has_no_target() {
    let task = PostDecisionWager::default().fixation(760.0).sensory(quiet());
    let trials = [(0.128, 1, Some(600.0)), (0.512, 0, None)];
    let trials =
        trials.map(|(coherence, direction, sure)| Wager { coherence, direction, stimulus: 300.0, delay: 1300.0, sure });
    let batch = task.of(&trials, Seed(1)).unwrap();
    hold(&batch, |trial, t| {
        let Wager { coherence, direction, sure, .. } = &trials[trial];
        let (c, stimulus) = (f64::from(*coherence), within(t, 760.0, 1060.0));
        let toward = |k: usize| stimulus * (1.0 + if k == *direction { c } else { -c }) / 2.0;
        let offered = sure.map_or(0.0, |sure| within(t, 1060.0 + f64::from(sure), 2860.0));
        let (targets, mut mask) = asked(t, 2360.0, 1 + direction, 4, 100.0);
        if sure.is_some() && t >= 2360.0 {
            mask[3] = 0.0;
        }
        (vec![within(t, 0.0, 2360.0), toward(0), toward(1), offered], targets, mask)
    });
    let drawn = PostDecisionWager::pyrl().batch(1000, Seed(2)).unwrap();
    let (sure, delay, stimulus) = (numbers(&drawn, "sure"), numbers(&drawn, "delay"), numbers(&drawn, "stimulus"));
    assert!((share(&sure, f64::is_nan) - 0.5).abs() < 0.05);
    assert!(sure.iter().all(|sure| sure.is_nan() || (500.0..=750.0).contains(sure)));
    assert!(delay.iter().all(|delay| (1200.0..=1800.0).contains(delay)));
    assert!(stimulus.iter().all(|stimulus| (100.0..=900.0).contains(stimulus)));
    let late = Wager { sure: Some(1400.0), ..trials[0].clone() };
    assert!(task.of(&[late], Seed(1)).unwrap_err().to_string().contains("sure"));
    assert!(task.clone().wager(2.0).batch(1, Seed(1)).unwrap_err().to_string().contains("wager"));
    assert!(task.sure(-5.0).batch(1, Seed(1)).unwrap_err().to_string().contains("sure"));
}

#[test]
pub(crate) fn shapes_add_up_to_the_odds_of_a_side() {
    let task = ProbabilisticReasoning::default().delay(500.0).sensory(quiet());
    let (places, shapes) = ([2, 0, 3, 1], [1, 8, 5, 6]);
    let batch = task.of(&[Shapes::of(&places, &shapes, 1)], Seed(1)).unwrap();
    hold(&batch, |_, t| {
        let mut inputs = vec![0.0; 41];
        inputs[0] = within(t, 0.0, 3000.0);
        for (number, (place, shape)) in places.iter().zip(&shapes).enumerate() {
            inputs[1 + 10 * place + shape] = within(t, 500.0 * (number + 1) as f64, 2500.0);
        }
        let (targets, mask) = asked(t, 3000.0, 2, 3, 100.0);
        (inputs, targets, mask)
    });
    let drawn = task.batch(4000, Seed(2)).unwrap();
    let (log_odds, side, counts) =
        (numbers(&drawn, "log_odds"), numbers(&drawn, "side"), task.counts(&drawn.values).unwrap());
    assert!(counts.sum_axis(ndarray::Axis(1)).iter().all(|&n| n == 4.0));
    assert!(log_odds.iter().zip(&side).all(|(&odds, &side)| odds.abs() < 5.0 || (odds > 0.0) == (side == 1.0)));
    // What the regression finds of who goes where the reward is are the weights themselves, by natural logarithms.
    let weights = [-0.9, -0.7, -0.5, -0.3, 0.3, 0.5, 0.7, 0.9];
    let task = task.weights(&weights);
    let drawn = task.batch(4000, Seed(3)).unwrap();
    let right: Vec<Option<bool>> = numbers(&drawn, "side").iter().map(|&side| Some(side == 1.0)).collect();
    let names: Vec<String> = (0..8).map(|k| k.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let regression = LogisticRegression::default();
    let fit = regression.intercept(false).fit(&names, &task.counts(&drawn.values).unwrap(), &right).unwrap();
    for (k, &weight) in weights.iter().enumerate() {
        let expected = f64::from(weight) * 10.0_f64.ln();
        assert!(((fit.weights[k] - expected) / fit.errors[k]).abs() < 3.5, "{k}: {} for {expected}", fit.weights[k]);
    }
    // Four shapes a trial: one more is one less of another, so that an intercept is not determined.
    let error = regression.fit(&names, &task.counts(&drawn.values).unwrap(), &right).unwrap_err().to_string();
    assert!(error.contains("penalty"), "{error}");
    let refused = |places: &[usize], shapes: &[usize]| {
        task.of(&[Shapes::of(places, shapes, 0)], Seed(1)).unwrap_err().to_string()
    };
    assert!(
        refused(&[0, 1, 2, 2], &[0; 4]).contains("places") && refused(&[0, 1, 2, 3], &[0, 0, 8, 0]).contains("shapes")
    );
    assert!(refused(&[0, 1, 2, 3], &[0; 3]).contains("shapes"));
    assert!(ProbabilisticReasoning::default().places(0).batch(1, Seed(1)).is_err());
}

#[test]
pub(crate) fn cards_add_up_to_the_odds_of_rain() {
    let task = WeatherPrediction::default().sensory(quiet());
    let shown = [true, true, false, true];
    let batch = task.of(&[Cards::of(&shown, 1)], Seed(1)).unwrap();
    hold(&batch, |_, t| {
        let cards = shown.map(|shown| f64::from(u8::from(shown)) * within(t, 300.0, 800.0));
        let (targets, mask) = asked(t, 800.0, 2, 3, 100.0);
        (std::iter::once(within(t, 0.0, 800.0)).chain(cards).collect(), targets, mask)
    });
    let drawn = task.batch(8000, Seed(2)).unwrap();
    let (weather, shown) = (numbers(&drawn, "weather"), task.shown(&drawn.values).unwrap());
    assert!(shown.outer_iter().all(|row| (1.0..=3.0).contains(&row.sum())));
    // A card alone says what it should.
    for (k, expected) in [0.8, 0.6, 0.4, 0.2].into_iter().enumerate() {
        let alone: Vec<f64> = (0..8000)
            .filter(|&trial| shown.row(trial).sum() == 1.0 && shown[[trial, k]] == 1.0)
            .map(|trial| weather[trial])
            .collect();
        let sd = (expected * (1.0 - expected) / alone.len() as f64).sqrt();
        assert!(alone.len() > 400 && (share(&alone, |weather| weather == 0.0) - expected).abs() < 3.5 * sd, "{k}");
    }
    let patterns = drawn.values.column("pattern").unwrap();
    let mut patterns: Vec<String> = patterns.iter().map(Value::to_string).collect();
    patterns.sort();
    patterns.dedup();
    assert_eq!(patterns.len(), 14);
    let refused = |task: WeatherPrediction| task.batch(1, Seed(1)).unwrap_err().to_string();
    assert!(refused(WeatherPrediction::default().rain(&[0.5])).contains("rain"));
    assert!(refused(WeatherPrediction::default().rain(&[0.5, 1.0])).contains("rain"));
    assert!(task.of(&[Cards::of(&[true], 0)], Seed(1)).unwrap_err().to_string().contains("shown"));
}

#[test]
pub(crate) fn rules_hold_for_a_block() {
    let task = HierarchicalReasoning::default().fixation(600.0).fixation2(500.0).sensory(quiet());
    let flashes = |rule, side, interval| Flashes { rule, side, interval, long: false, choice_side: 7 };
    // Long and to it, long and away, short and away under rule 1; the last at the boundary, as short.
    let trials = [flashes(1, 1, 930.0), flashes(0, 1, 930.0), flashes(1, 0, 610.0), flashes(0, 0, 850.0)];
    let sides = [1, 0, 1, 0];
    hold(&task.of(&trials, Seed(1)).unwrap(), |trial, t| {
        let Flashes { rule, side, interval, .. } = trials[trial];
        let second = 2100.0 + f64::from(interval);
        let decision = second + 100.0;
        let (asked_rule, asked_side) = (within(t, 600.0, 1600.0), within(t, decision, decision + 700.0));
        let mut inputs = vec![1.0 - asked_rule - asked_side, asked_rule, asked_rule, 0.0, 0.0, 0.0, 0.0];
        inputs[3 + side] = within(t, 2100.0, 2200.0) + within(t, second, second + 100.0);
        inputs[5 + sides[trial]] = within(t, decision + 700.0, decision + 1000.0);
        let mut targets = vec![1.0 - asked_rule - asked_side, 0.0, 0.0, 0.0, 0.0];
        targets[1 + rule] = asked_rule;
        targets[3 + sides[trial]] = asked_side;
        let out = within(t, 0.0, 100.0) + within(t, 600.0, 700.0) + within(t, decision, decision + 100.0);
        (inputs, targets, vec![1.0 - out; 5])
    });
    let drawn = HierarchicalReasoning::default().batch(5000, Seed(2)).unwrap();
    let (rule, interval, long) = (numbers(&drawn, "rule"), numbers(&drawn, "interval"), numbers(&drawn, "long"));
    for session in rule.chunks(100) {
        let blocks: Vec<usize> = session.chunk_by(|a, b| a == b).map(<[f64]>::len).collect();
        assert!(blocks.len() > 4 && blocks[..blocks.len() - 1].iter().all(|n| (10..=20).contains(n)), "{blocks:?}");
    }
    assert!((0..5000).all(|trial| interval[trial] == 850.0 || (long[trial] == 1.0) == (interval[trial] > 850.0)));
    // Four standard errors are 0.028.
    assert!((share(&long, |long| long == 1.0) - 0.5).abs() < 0.03);
    let refused = |trial: Flashes| task.of(&[trial], Seed(1)).unwrap_err().to_string();
    assert!(refused(flashes(2, 0, 930.0)).contains("rule") && refused(flashes(0, 0, 50.0)).contains("interval"));
}

#[test]
pub(crate) fn rates_above_the_boundary_are_high() {
    let task = RateDecision::pyrl().sensory(quiet());
    let modalities = [Modality::Visual, Modality::Auditory, Modality::Multisensory];
    let trials = [(0, 9.0), (1, 13.0), (2, 16.0)].map(|(k, rate)| Rates { modality: modalities[k], rate, high: false });
    hold(&task.of(&trials, Seed(1)).unwrap(), |trial, t| {
        let rate = f64::from(trials[trial].rate);
        let (s, stimulus) = ((rate - 2.0) / 21.0, within(t, 750.0, 1750.0));
        let [seen, heard] = [[1.0, 0.0, 1.0][trial], [0.0, 1.0, 1.0][trial]];
        let shown = |there: f64, sign: f64| stimulus * there * (1.0 + sign * s) / 2.0;
        let inputs =
            vec![within(t, 0.0, 1750.0), shown(seen, 1.0), shown(seen, -1.0), shown(heard, 1.0), shown(heard, -1.0)];
        let (targets, mask) = asked(t, 1750.0, if rate > 12.5 { 2 } else { 1 }, 3, 100.0);
        (inputs, targets, mask)
    });
    let drawn = RateDecision::pyrl().batch(1000, Seed(2)).unwrap();
    let rates = numbers(&drawn, "rate");
    assert!(
        rates.iter().all(|rate| (9.0..=16.0).contains(rate))
            && (share(&rates, |rate| rate == 9.0) - 0.125).abs() < 0.03
    );
    let of = |task: RateDecision| task.batch(1, Seed(1)).unwrap_err().to_string();
    assert!(of(task.clone().boundary(20.0)).contains("boundary") && of(task.span((2.0, 2.0))).contains("span"));
}

#[test]
fn trials_are_drawn_for_each_alternative() {
    fn check<T: Alternatives>(task: &T, n: usize) {
        assert_eq!(task.n_choices(), n);
        for (number, choice) in (0..200).zip((0..n).cycle()) {
            let mut trial = task.draw_for(choice, &mut Seed(1).stream(number));
            assert_eq!(task.answer(&trial), Some(choice));
            task.complete(&mut trial).unwrap();
            assert_eq!(task.answer(&trial), Some(choice));
        }
    }
    check(&MultiChoice::default(), 4);
    check(&RateDecision::pyrl(), 2);
    check(&PulseAccumulation::default(), 2);
    check(&PulseAccumulation::binned(), 2);
    check(&ParametricComparison::default(), 2);
    check(&PostDecisionWager::default(), 2);
    check(&HierarchicalReasoning::default(), 2);
    check(&IntervalComparison::default(), 2);
}
