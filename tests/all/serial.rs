//! Trials that know those before them: sessions, blocks, answers that follow one another, and subjects on whose choices they depend.

use ndarray::{array, s};
use proptest::prelude::*;
use psychrnn::prelude::*;
use psychrnn::task::{
    Alternatives, BiasCorrection, BlockPlan, Blocks, Lasting, MatchingPennies, Past, Senses, Sessions, SideBias,
    Staircase, Transitions,
};
use psychrnn::tasks::{
    ContextIntegration, DelayedDiscrimination, MatchToCategory, Motion, MultisensoryIntegration,
    ParametricWorkingMemory, RandomDots,
};
use psychrnn::threads::with_threads;

use super::perturbation::net;

/// One of some cues, at a step's cost.
#[derive(Clone, Debug)]
struct Cues(usize);

#[derive(Clone, Debug, PartialEq, Trial)]
struct Cue {
    side: usize,
    /// The trials before, as far as `next` was told.
    before: usize,
}

impl Task for Cues {
    type Trial = Cue;
    fn spec(&self) -> TaskSpec {
        TaskSpec::new(self.0, self.0)
            .epoch("cue", 10.0)
            .epoch("go", Duration::choice(&[10.0, 30.0]))
            .decision(Decision::largest_mean())
    }
    fn draw(&self, rng: &mut TrialRng) -> Cue {
        Cue { side: rng.index(self.0), before: 0 }
    }
    fn next(&self, past: &Past<Cue>, rng: &mut TrialRng) -> Cue {
        Cue { before: past.len(), ..self.draw(rng) }
    }
    fn answer(&self, trial: &Cue) -> Option<usize> {
        Some(trial.side)
    }
    fn step(&self, _: f32, trial: &Cue, rng: &mut TrialRng, now: &mut Step<'_>) {
        now.input[trial.side] = 1.0 + rng.normal(0.0, 0.1);
        now.favor(trial.side, 1.0, 0.0);
    }
}

impl Alternatives for Cues {
    fn n_choices(&self) -> usize {
        self.0
    }
    fn draw_for(&self, choice: usize, _: &mut TrialRng) -> Cue {
        Cue { side: choice, before: 0 }
    }
}

fn sides(batch: &Batch) -> Vec<usize> {
    batch.values.numbers("side").unwrap().into_iter().map(|side| side as usize).collect()
}

/// An error if a share of `n` trials is not this probability, by four standard errors.
fn check_share(hits: usize, n: usize, p: f64, what: &str) {
    let (share, error) = (hits as f64 / n as f64, (p * (1.0 - p) / n as f64).sqrt());
    assert!((share - p).abs() <= 4.0 * error, "{what}: {share} of {n}, not {p}");
}

#[test]
fn answers_follow_one_another_as_the_matrix_says() {
    let p = array![[0.5_f32, 0.3, 0.2], [0.1, 0.1, 0.8], [0.0, 0.6, 0.4]];
    let clockwise = array![[0.15, 0.7, 0.15], [0.15, 0.15, 0.7], [0.7, 0.15, 0.15]];
    let repeat = array![[0.6, 0.2, 0.2], [0.2, 0.6, 0.2], [0.2, 0.2, 0.6]];
    for (rule, p, n) in [
        (Transitions::matrix(4.0 * &p), p, 100_000),
        (Transitions::clockwise(0.7), clockwise, 20_000),
        (Transitions::repeat(0.6), repeat, 20_000),
    ] {
        let batch = rule.of(Cues(3)).batch(n, Seed(1)).unwrap();
        let (sides, mut counts) = (sides(&batch), ndarray::Array2::<usize>::zeros((3, 3)));
        let sessions = batch.values.numbers("session").unwrap();
        for (pair, session) in sides.windows(2).zip(sessions.windows(2)) {
            counts[[pair[0], pair[1]]] += usize::from(session[0] == session[1]);
        }
        for ((from, to), &hits) in counts.indexed_iter() {
            check_share(hits, counts.row(from).sum(), p[[from, to]].into(), &format!("{from} to {to}"));
        }
        // The first of a session is any.
        let firsts: Vec<usize> = (0..n).step_by(1000).map(|trial| sides[trial]).collect();
        assert!((0..3).all(|side| firsts.contains(&side)));
    }
    let sides = sides(&SideBias::new([1.0, 3.0, 0.0]).of(Cues(3)).batch(20_000, Seed(2)).unwrap());
    check_share(sides.iter().filter(|&&side| side == 1).count(), 20_000, 0.75, "side 1");
    assert!(!sides.contains(&2));
}

#[test]
fn each_block_has_the_task_of_its_kind() {
    let side = |left: f32| SideBias::new([left, 1.0 - left]).of(Cues(2));
    let blocks =
        Blocks::new([side(0.8), side(0.2)]).lasting(Lasting::truncated_exponential(60.0, 20, 100)).after(90, side(0.5));
    let task = Sessions::lasting(500).of(blocks);
    let batch = task.batch(50_000, Seed(1)).unwrap();
    let column = |name| batch.values.column(name).unwrap().to_vec();
    let (sides, kinds, blocks) = (sides(&batch), column("block_kind"), batch.values.numbers("block").unwrap());
    for (kind, left) in [(Value::Missing, 0.5), (0.into(), 0.8), (1.into(), 0.2)] {
        let rows: Vec<usize> = (0..50_000).filter(|&row| kinds[row] == kind).collect();
        assert!(rows.len() > 8000);
        check_share(rows.iter().filter(|&&row| sides[row] == 0).count(), rows.len(), left, &format!("{kind}"));
    }
    let lengths: Vec<usize> = blocks.chunk_by(|a, b| a == b).map(<[f64]>::len).collect();
    assert_eq!(lengths[0], 90);
    assert!(blocks[..500].windows(2).all(|pair| pair[1] - pair[0] == 0.0 || pair[1] - pair[0] == 1.0));
    assert_eq!(batch.values.numbers("session").unwrap()[499..501], [0.0, 1.0]);
    assert_eq!(batch.values.numbers("trial_in_block").unwrap()[500..502], [0.0, 1.0]);

    // What a task does in its steps, and how long its epochs are, is that of the kind, too.
    let go = |ms: f32| RandomDots::fixed_duration().catch(0.0).coherences(&[ms / 1000.0]).stimulus(ms);
    let batch = Blocks::new([go(100.0), go(400.0)]).lasting(5).batch(40, Seed(3)).unwrap();
    let durations = batch.durations("stimulus").unwrap();
    let kinds = batch.values.numbers("block_kind").unwrap();
    let coherences = batch.values.numbers("coherence").unwrap();
    for trial in 0..40 {
        let expected = [0.1, 0.4][kinds[trial] as usize];
        assert!((coherences[trial] - expected).abs() < 1e-6 && durations[trial] == Some(1000.0 * expected), "{trial}");
    }
}

/// A task with all that there is: blocks of Markov chains, a pause that is drawn, and senses.
fn everything() -> impl Task<Trial = Cue> {
    let blocks = Blocks::new([0.9, 0.1].map(|p| Transitions::repeat(p).of(Cues(2)))).lasting(3..=6).random();
    let senses = Senses::default().choice(true).outcome(true);
    Sessions::lasting(17).iti(Duration::uniform(20.0, 50.0)).senses(senses).of(blocks)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn trials_with_a_past_depend_on_seed_and_number_alone(seed: u64, first in 0_u64..60, n in 1_u64..30, threads in 1_usize..6) {
        let task = everything();
        let one = with_threads(1, || task.trials(first..first + n, Seed(seed))).unwrap();
        let many = with_threads(threads, || task.trials(0..first + n, Seed(seed))).unwrap();
        let rows: Vec<usize> = (first as usize..(first + n) as usize).collect();
        let among = many.select(&rows);
        prop_assert_eq!(&among.values, &one.values);
        prop_assert_eq!(&among.epochs, &one.epochs);
        prop_assert_eq!(&among.inputs.slice(s![.., ..one.n_steps(), ..]), &one.inputs.view());
        prop_assert_eq!(&among.mask.slice(s![.., ..one.n_steps(), ..]), &one.mask.view());
    }
}

#[test]
fn a_trial_knows_those_before_it_in_its_session_and_no_others() {
    let task = Sessions::lasting(7).of(Cues(2));
    let before = |batch: Batch| batch.values.numbers("before").unwrap();
    assert_eq!(before(task.batch(9, Seed(1)).unwrap()), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.0, 1.0]);
    assert_eq!(before(task.trials(12..15, Seed(1)).unwrap()), [5.0, 6.0, 0.0]);
    assert_eq!(before(Cues(2).batch(3, Seed(1)).unwrap()), [0.0; 3]);
    // A past that nobody looks at changes nothing.
    let plain = Cues(2).batch(9, Seed(1)).unwrap();
    assert_eq!(plain.inputs, task.batch(9, Seed(1)).unwrap().inputs);
    assert!(plain.values.column("session").is_err());
}

#[test]
fn a_pause_moves_the_trial_and_asks_for_nothing() {
    let plain = Transitions::repeat(0.8).of(Cues(2));
    let task = Sessions::lasting(1000).iti(40.0).of(plain.clone());
    let (before, after) = (plain.batch(50, Seed(1)).unwrap(), task.batch(50, Seed(1)).unwrap());
    assert_eq!(after.inputs.slice(s![.., 4.., ..]), before.inputs);
    assert_eq!(after.mask.slice(s![.., 4.., ..]), before.mask);
    assert!(after.inputs.slice(s![.., ..4, ..]).iter().chain(after.mask.slice(s![.., ..4, ..])).all(|&x| x == 0.0));
    assert_eq!(after.steps_of(3, "iti"), Some(0..4));
    assert_eq!(after.steps_of(3, "cue"), Some(4..5));
    assert_eq!(after.correct_choice(3), before.correct_choice(3));
    // Noise of the inputs is there all the time.
    let noisy = Sessions::lasting(2).iti(100.0).of(RandomDots::fixed_duration().catch(0.0)).batch(2, Seed(1)).unwrap();
    assert!(noisy.inputs.slice(s![.., ..5, ..]).iter().any(|&x| x != 0.0));
    let drawn = Sessions::lasting(500).iti(Duration::uniform(0.0, 95.0)).of(Cues(2)).batch(500, Seed(1)).unwrap();
    let pauses = drawn.durations("iti").unwrap();
    assert!((0..10).all(|steps| pauses.contains(&Some(10.0 * f64::from(steps)))), "whole steps");
}

#[test]
fn senses_show_what_the_ideal_subject_did() {
    let senses = Senses::default().choice(true).outcome(true);
    let task = Transitions::clockwise(0.6).of(Cues(3));
    for iti in [0.0, 30.0] {
        let batch = Sessions::lasting(8).senses(senses).iti(iti).of(task.clone()).batch(16, Seed(1)).unwrap();
        assert_eq!((batch.spec.n_in, batch.inputs.dim().2), (7, 7));
        let sides = sides(&batch);
        let first = if iti > 0.0 { 3 } else { 1 };
        for trial in 0..16 {
            let shown = batch.inputs.slice(s![trial, 0, 3..]).to_vec();
            let mut expected = vec![0.0; 4];
            if trial % 8 > 0 {
                (expected[sides[trial - 1]], expected[3]) = (1.0, 1.0);
            }
            assert_eq!(shown, expected, "{trial}");
            assert!((0..first).all(|step| batch.inputs.slice(s![trial, step, 3..]).to_vec() == shown));
            assert!(batch.inputs.slice(s![trial, first.., 3..]).iter().all(|&x| x == 0.0));
        }
    }
}

/// A network of three inputs and two outputs with noise of its own.
fn simulator(kind: usize) -> Simulator {
    let net = net(kind, (2, 4, 2), 5);
    Simulator::new(&net.weights, net.constants).unwrap()
}

#[test]
fn a_session_of_an_open_loop_is_the_consecutive_run_of_its_trials() {
    let task = Sessions::lasting(30).iti(Duration::uniform(20.0, 60.0)).of(Transitions::repeat(0.7).of(Cues(2)));
    for kind in 0..4 {
        let simulator = simulator(kind);
        let live = simulator.run_session(&task, 30, Seed(3)).unwrap();
        let drawn = simulator.run_consecutively(&task.batch(30, Seed(3)).unwrap()).unwrap();
        assert_eq!(live, drawn, "{kind}");
        assert!(live.rates.iter().any(|&rate| rate != 0.0));
    }
}

#[test]
fn senses_and_time_outs_follow_what_the_network_did() {
    let senses = Senses::default().choice(true).outcome(true);
    let task = Sessions::lasting(60).iti(20.0).time_out(50.0).senses(senses).of(Cues(2));
    let net = net(1, (5, 4, 2), 5);
    let session = Simulator::new(&net.weights, net.constants).unwrap().run_session(&task, 60, Seed(3)).unwrap();
    let pauses = session.batch.durations("iti").unwrap();
    let (mut right, mut wrong) = (0, 0);
    for trial in 1..60 {
        let correct = session.correct[trial - 1].unwrap();
        (right, wrong) = (right + usize::from(correct), wrong + usize::from(!correct));
        assert_eq!(pauses[trial], Some(if correct { 20.0 } else { 70.0 }), "{trial}");
        let mut shown = [0.0, 0.0, if correct { 1.0 } else { -1.0 }];
        shown[session.choices[trial - 1].unwrap()] = 1.0;
        assert_eq!(session.batch.inputs.slice(s![trial, 0, 2..]).to_vec(), shown, "{trial}");
    }
    assert!(right > 5 && wrong > 5, "{right} {wrong}");
    // The ideal subject, which stands in without one, makes no errors.
    let drawn = task.batch(60, Seed(3)).unwrap();
    assert!(drawn.durations("iti").unwrap().iter().all(|&pause| pause == Some(20.0)));
}

#[test]
fn a_closed_loop_is_refused_without_a_subject_and_runs_with_one() {
    let weak = || PerceptualDiscrimination::default().duration(200.0).onset(20.0).stimulus(80.0).coherences(&[0.0]);
    let stairs =
        Staircase::new(0.01..=0.5, |motion: &Motion| motion.coherence, |motion, level| motion.coherence = level);
    let simulator = simulator(1);
    let session = simulator.run_session(&stairs.clone().of(weak()), 80, Seed(1)).unwrap();
    let levels = session.trials().numbers("coherence").unwrap();
    assert!(levels[0] == 0.5 && levels.iter().all(|level| (0.01 - 1e-6..=0.5).contains(level)));
    for trial in 1..80 {
        let expected = match session.correct[trial - 1].unwrap() {
            false => (levels[trial - 1] * 1.25).min(0.5),
            true if trial > 1 && session.correct[trial - 2] == Some(true) && levels[trial - 1] == levels[trial - 2] => {
                levels[trial - 1] / 1.25
            }
            true => levels[trial - 1],
        };
        assert!((levels[trial] - expected).abs() < 1e-6, "{trial}");
    }
    let pennies = simulator.run_session(&MatchingPennies::default().of(weak()), 40, Seed(1)).unwrap();
    assert_eq!(pennies.n_trials(), 40);
    let refused = |error: psychrnn::Error| assert!(error.to_string().contains("run_session"), "{error}");
    refused(stairs.of(weak()).batch(3, Seed(1)).unwrap_err());
    refused(Sessions::lasting(9).of(BiasCorrection::default().of(weak())).batch(3, Seed(1)).unwrap_err());
    refused(Blocks::new([MatchingPennies::default().of(weak())]).batch(3, Seed(1)).unwrap_err());
    // Given values need no subject.
    assert!(MatchingPennies::default().of(weak()).of(&[Motion { coherence: 0.1, direction: 0 }], Seed(1)).is_ok());
}

#[test]
fn a_trial_drawn_for_an_alternative_has_it_as_its_answer() {
    fn check<T: Alternatives>(name: &str, task: T) {
        for choice in 0..task.n_choices() {
            let trials: Vec<T::Trial> = (0..40).map(|n| task.draw_for(choice, &mut Seed(1).stream(n))).collect();
            let batch = task.of(&trials, Seed(2)).unwrap();
            for (trial, values) in trials.iter().enumerate() {
                assert_eq!((task.answer(values), batch.correct_choice(trial)), (Some(choice), Some(choice)), "{name}");
            }
            let different = batch.values.iter().any(|(_, column)| column.iter().any(|value| *value != column[0]));
            assert!(different, "{name}: all else is drawn");
        }
        // That of a trial that is drawn, too, is the one that the targets express.
        let trials: Vec<T::Trial> = (0..40).map(|n| task.draw(&mut Seed(3).stream(n))).collect();
        let batch = task.of(&trials, Seed(2)).unwrap();
        trials
            .iter()
            .enumerate()
            .for_each(|(trial, values)| assert_eq!(task.answer(values), batch.correct_choice(trial), "{name}"));
    }
    check("perceptual discrimination", PerceptualDiscrimination::default().duration(400.0));
    check("delayed discrimination", DelayedDiscrimination::default());
    check("match to category", MatchToCategory::default().categories(4));
    check("random dots", RandomDots::reaction_time());
    check("context", ContextIntegration::default());
    check("memory", ParametricWorkingMemory::default());
    check("multisensory", MultisensoryIntegration::default());
}

/// Says that another alternative is correct.
#[derive(Clone)]
struct Wrong;

impl Task for Wrong {
    type Trial = Cue;
    fn spec(&self) -> TaskSpec {
        Task::spec(&Cues(2))
    }
    fn draw(&self, rng: &mut TrialRng) -> Cue {
        Cues(2).draw(rng)
    }
    fn step(&self, t: f32, trial: &Cue, rng: &mut TrialRng, now: &mut Step<'_>) {
        Cues(2).step(t, trial, rng, now);
    }
}

impl Alternatives for Wrong {
    fn n_choices(&self) -> usize {
        2
    }
    fn draw_for(&self, choice: usize, rng: &mut TrialRng) -> Cue {
        Cues(2).draw_for(choice, rng)
    }
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    fn refused(task: impl Task, name: &str) {
        let error = task.batch(3, Seed(1)).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
    refused(Transitions::repeat(1.5).of(Cues(2)), "`p`");
    refused(Transitions::repeat(f32::NAN).of(Cues(2)), "`p`");
    refused(Transitions::matrix(array![[0.5, 0.5]]).of(Cues(2)), "`p`");
    refused(Transitions::matrix(array![[0.5, 0.5], [0.0, 0.0]]).of(Cues(2)), "`p`");
    refused(SideBias::new([0.5]).of(Cues(2)), "`p`");
    refused(SideBias::new([-0.5, 1.0]).of(Cues(2)), "`p`");
    refused(Transitions::repeat(0.5).of(Wrong), "answer");
    refused(Sessions::lasting(0).of(Cues(2)), "session");
    refused(Sessions::lasting(9).iti(-1.0).of(Cues(2)), "iti");
    refused(Sessions::lasting(9).iti(0.5).of(Cues(2)), "write 500");
    refused(Sessions::lasting(9).time_out(f32::NAN).of(Cues(2)), "time_out");
    refused(Sessions::lasting(1).time_out(100.0).of(Cues(2)), "time_out");
    refused(Sessions::lasting(1).senses(Senses::default().outcome(true)).of(Cues(2)), "senses");
    refused(Sessions::lasting(9).blocks(BlockPlan::from(0)).of(Cues(2)), "lasting");
    refused(Blocks::<Cues>::new([]), "tasks");
    refused(Blocks::new([Cues(2), Cues(3)]), "tasks");
    let stairs = || Staircase::new(0.1..=1.0, |_: &Cue| 0.0, |_, _| {});
    let staircase_refused = |stairs: Staircase<Cue>, name: &str| {
        let error = simulator(1).run_session(&stairs.of(Cues(2)), 3, Seed(1)).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    };
    staircase_refused(stairs().factor(1.0), "factor");
    staircase_refused(stairs().start(2.0), "start");
    staircase_refused(stairs().correct_in_a_row(0), "correct_in_a_row");
    staircase_refused(Staircase::new(0.0..=1.0, |_: &Cue| 0.0, |_, _| {}), "levels");
    let error = simulator(1).run_session(&Cues(2), 0, Seed(1)).unwrap_err().to_string();
    assert!(error.contains("n_trials"), "{error}");
    let error = simulator(1).silence(0, 0.0..10.0).run_session(&Cues(2), 3, Seed(1)).unwrap_err().to_string();
    assert!(error.contains("window"), "{error}");
    let error = simulator(1).run_session(&Cues(3), 3, Seed(1)).unwrap_err().to_string();
    assert!(error.contains("n_in"), "{error}");
}

/// The cues of [`Cues`] in the form of the library, in which output 0 is to fixate and the answers come after it.
struct Fixating(Cues);

impl Task for Fixating {
    type Trial = Cue;
    fn spec(&self) -> TaskSpec {
        TaskSpec::new(2, 3).epoch("cue", 10.0).epoch("go", 30.0).decision(Decision::largest_at_end())
    }
    fn draw(&self, rng: &mut TrialRng) -> Cue {
        self.0.draw(rng)
    }
    /// Shows what the subject chose in the trial before, as a number.
    fn next(&self, past: &Past<Cue>, rng: &mut TrialRng) -> Cue {
        Cue { before: past.choice(1).unwrap_or(9), ..self.0.draw(rng) }
    }
    fn answer(&self, trial: &Cue) -> Option<usize> {
        Some(trial.side)
    }
    fn step(&self, _: f32, trial: &Cue, _: &mut TrialRng, now: &mut Step<'_>) {
        now.input[trial.side] = 1.0;
        now.favor(if now.is_in("go") { 1 + trial.side } else { 0 }, 1.0, 0.0);
    }
}

#[test]
fn to_fixate_is_no_alternative_for_those_who_come_after() {
    let net = net(1, (2, 4, 3), 5);
    let session =
        Simulator::new(&net.weights, net.constants).unwrap().run_session(&Fixating(Cues(2)), 60, Seed(3)).unwrap();
    let before = session.batch.values.numbers("before").unwrap();
    for (choice, before) in session.choices.iter().zip(&before[1..]) {
        assert_eq!(*before, choice.and_then(|choice| choice.checked_sub(1)).map_or(9.0, |choice| choice as f64));
    }
    assert!(session.choices.contains(&Some(2)), "{:?}", session.choices);
}
