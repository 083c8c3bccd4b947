//! Sweeps of lesions.

use ndarray::{Array2, Array3, arr1};
use psychrnn::analysis::{Counts, holm};
use psychrnn::dynamics::LeakyUnits;
use psychrnn::prelude::*;
use psychrnn::threads::with_threads;

/// Levels, and how often choice 1 is made at each of 100 trials: by the intact network, and without unit 1.
const LEVELS: [f64; 7] = [-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3];
const INTACT: [usize; 7] = [2, 12, 28, 50, 72, 88, 98];
const LESIONED: [usize; 7] = [2, 9, 25, 47, 69, 85, 95];

/// Trials of a network whose units 0 and 1 each bring about choice 1 where their input is 1, against unit 2; and unit 3, which does
/// nothing. Choice 1 is always right.
fn counted() -> (Simulator, Batch) {
    let mut weights = Weights::new();
    weights.insert("W_rec", Array2::<f32>::zeros((4, 4)));
    weights.insert("W_in", Array2::from_shape_fn((4, 3), |(unit, i)| if unit == i { 1.0 } else { 0.0 }));
    let out = Array2::from_shape_fn((2, 4), |(i, unit)| [[0.0, 0.0, 0.5, 0.0], [1.0, 1.0, 0.0, 0.0]][i][unit]);
    weights.insert("W_out", out);
    weights.insert("b_rec", arr1(&[0.0_f32; 4]));
    weights.insert("b_out", arr1(&[0.0_f32; 2]));
    weights.insert("init_state", Array2::<f32>::zeros((1, 4)));
    let inputs = Array3::from_shape_fn((700, 3, 3), |(trial, _, i)| {
        let (level, number) = (trial / 100, trial % 100);
        let hit = [number < LESIONED[level], (LESIONED[level]..INTACT[level]).contains(&number), true][i];
        f32::from(u8::from(hit))
    });
    let targets = Array3::from_shape_fn((700, 3, 2), |(_, _, i)| i as f32);
    let batch = Batch::from_arrays(&TaskSpec::new(3, 2), inputs, targets, Array3::ones((700, 3, 2)));
    let mut batch = batch.unwrap();
    batch.values.insert("level", (0..700).map(|trial| LEVELS[trial / 100])).unwrap();
    (Simulator::new(&weights, LeakyUnits::new(10.0, 100.0)).unwrap(), batch)
}

#[test]
fn lesions_are_tested_by_the_trials_that_come_out_differently() {
    let (simulator, batch) = counted();
    let groups = [("one", vec![1]), ("none", vec![3]), ("all", vec![0, 1]), ("again", vec![1, 3])];
    let sweep = LesionSweep::of_groups(groups, ..).psychometric("level", 1, Psychometric::default()).silent();
    let lesions = sweep.run(&simulator, &batch).unwrap();
    assert_eq!(lesions.intact.counts.as_ref().unwrap().hits, INTACT);
    assert_eq!(lesions.lesions[0].counts.as_ref().unwrap().hits, LESIONED);
    let raw: Vec<f64> = lesions.lesions.iter().map(|lesion| lesion.choice_test.unwrap().test.p).collect();
    let once = 2.0 * 0.5_f64.powi(18);
    assert!(
        (raw[0] / once - 1.0).abs() < 1e-9 && (raw[3] / once - 1.0).abs() < 1e-9 && raw[1] == 1.0 && raw[2] < 1e-99
    );
    let table = lesions.table();
    let of = |name: &str| table.numbers(name).unwrap()[1..].to_vec();
    assert_eq!(of("p choice (McNemar)"), raw);
    assert_eq!(of("p choice (McNemar, Holm)"), holm(&raw).unwrap());
    assert!((of("p choice (McNemar, Holm)")[0] / (3.0 * once) - 1.0).abs() < 1e-9);
    assert_eq!(of("p accuracy (McNemar, Holm)"), holm(&raw).unwrap(), "choice 1 is always right");
    assert!((of("change in share of choice")[0] + 18.0 / 700.0).abs() < 1e-12);
    let test = lesions.lesions[0].choice_test.unwrap().test;
    assert_eq!((test.n, test.only_first, test.only_second), (700, 18, 0));

    // In the trials of each level, choice 1 being always right.
    let by = lesions.by(&batch.values, "level").unwrap();
    assert_eq!(by.n_rows(), 5 * 7);
    let changes = by.numbers("change in accuracy").unwrap();
    for (level, (intact, lesioned)) in INTACT.into_iter().zip(LESIONED).enumerate() {
        let expected = (lesioned as f64 - intact as f64) / 100.0;
        assert!(changes[level] == 0.0 && (changes[7 + level] - expected).abs() < 1e-12, "{level}");
    }
    super::figures::drawn("lesions by level", &lesions.plot_by(&batch.values, "level").unwrap());
    let few = batch.values.select(&[0, 1]);
    assert!(lesions.by(&few, "level").unwrap_err().to_string().contains("700"));

    // At each level, and corrected for all rows.
    let levels = lesions.level_table();
    assert_eq!(levels.n_rows(), 4 * 7);
    assert_eq!(levels.numbers("level").unwrap()[..7], LEVELS);
    assert_eq!(levels.numbers("choice by intact alone").unwrap()[..7], [0.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0]);
    let raw = levels.numbers("p (McNemar)").unwrap();
    assert!(raw[0] == 1.0 && raw[1..7].iter().all(|p| (p - 0.25).abs() < 1e-12));
    assert_eq!(levels.numbers("p (McNemar, Holm)").unwrap(), holm(&raw).unwrap());

    // A lesion after which there is no curve says why, and is tested all the same.
    let why = table.column("no curve").unwrap();
    assert!(why[3].to_string().contains("the same in all 700 trials"), "{}", why[3]);
    assert_eq!([&why[0], &why[1], &why[2], &why[4]], [&Value::Missing; 4]);
    assert!(lesions.plot_curves(&["all"]).unwrap_err().to_string().contains("the same in all"));

    // What is blue in the figure follows the corrected probability.
    let blue = |lesions: &psychrnn::analysis::Lesions| {
        serde_json::to_value(lesions.plot()).unwrap().to_string().matches("Blue: p < 0.05 (McNemar, Holm)").count()
    };
    assert_eq!(blue(&lesions), 2);
    super::figures::drawn("lesions", &lesions.plot());

    let mild = sweep.clone().correction(Correction::BenjaminiHochberg).run(&simulator, &batch).unwrap();
    let corrected = mild.table().numbers("p choice (McNemar, Benjamini-Hochberg)").unwrap();
    assert!((corrected[1] / (once * 4.0 / 3.0) - 1.0).abs() < 1e-9, "{corrected:?}");

    // A threshold is compared by exchanging the two networks within trials.
    let levels = batch.values.numbers("level").unwrap();
    let answers = |choices: &[Option<usize>]| -> Vec<(f64, Option<bool>)> {
        levels.iter().zip(choices).map(|(&level, choice)| (level, choice.map(|choice| choice == 1))).collect()
    };
    let threshold = |answers: &[(f64, Option<bool>)]| {
        let (levels, hits): (Vec<f64>, Vec<Option<bool>>) = answers.iter().copied().unzip();
        let counts = Counts::of_trials("level", &levels, &hits).unwrap();
        Psychometric::default().falling(false).guess(0.0).lapse(0.0).fit(&counts).unwrap().threshold.value
    };
    let (intact, lesioned) = (answers(&lesions.intact.choices), answers(&lesions.lesions[0].choices));
    let test = Permutation::default().resamples(99).seed(1);
    let test = test.paired(&intact, &lesioned, Alternative::TwoSided, |a, b| threshold(a) - threshold(b)).unwrap();
    assert!(test.statistic < 0.0 && (test.p - 0.02).abs() < 1e-9, "{test:?}");

    // Without a curve only accuracy is tested.
    let plain = LesionSweep::of_units([1], ..).silent().run(&simulator, &batch).unwrap();
    assert!((plain.table().numbers("p accuracy (McNemar)").unwrap()[1] / once - 1.0).abs() < 1e-9);
    assert!(plain.table().column("p choice (McNemar)").is_err() && plain.level_table().n_rows() == 0);
    let json = serde_json::to_string(&plain).unwrap();
    assert!(json.contains("\"only_first\":18"));
}

#[test]
fn a_curve_that_cannot_be_fitted_to_the_intact_network_is_refused() {
    let (simulator, batch) = counted();
    let refused = |model: Psychometric, choice: usize| {
        let sweep = LesionSweep::of_units([1, 3], ..).psychometric("level", choice, model).silent();
        sweep.run(&simulator, &batch).unwrap_err().to_string()
    };
    let weibull = refused(Psychometric::default().curve(Curve::Weibull), 1);
    assert!(weibull.contains("`psychometric`") && weibull.contains("intact") && weibull.contains("-0.3"), "{weibull}");
    assert!(refused(Psychometric::default(), 7).contains("`choice`"));
    assert!(refused(Psychometric::default().guess(2.0), 1).contains("`guess`"));
    let mut texts = batch.clone();
    texts.values.insert("side", (0..700).map(|i| if i % 2 == 0 { "left" } else { "right" })).unwrap();
    let sweep = LesionSweep::of_units([1], ..).psychometric("side", 1, Psychometric::default()).silent();
    assert!(sweep.run(&simulator, &texts).unwrap_err().to_string().contains("side"));
    // Levels that are infinite are left out of all that is counted.
    let mut infinite = batch;
    let levels = infinite.values.numbers("level").unwrap();
    infinite.values.insert("log", levels.iter().map(|&x| if x < -0.25 { f64::NEG_INFINITY } else { x })).unwrap();
    let sweep = LesionSweep::of_units([1], ..).psychometric("log", 1, Psychometric::default()).silent();
    let lesions = sweep.run(&simulator, &infinite).unwrap();
    assert_eq!(lesions.lesions[0].choice_test.unwrap().test.n, 600);
    assert_eq!(lesions.lesions[0].counts.as_ref().unwrap().without_level, 100);
}

/// Two groups of units that add up one input each, and one unit that does nothing.
fn simulator() -> Simulator {
    let side = |unit: usize| [Some(0), Some(1), Some(0), Some(1), None][unit % 5];
    let mut weights = Weights::new();
    weights.insert("W_rec", Array2::from_shape_fn((5, 5), |(to, from)| if to == from && from < 4 { 0.9 } else { 0.0 }));
    weights.insert("W_in", Array2::from_shape_fn((5, 2), |(unit, i)| if side(unit) == Some(i) { 0.4 } else { 0.0 }));
    weights.insert("W_out", Array2::from_shape_fn((2, 5), |(i, unit)| if side(unit) == Some(i) { 0.1 } else { 0.0 }));
    weights.insert("b_rec", arr1(&[0.0_f32; 5]));
    weights.insert("b_out", arr1(&[0.0_f32; 2]));
    weights.insert("init_state", Array2::<f32>::zeros((1, 5)));
    Simulator::new(&weights, LeakyUnits::new(10.0, 100.0).noise(0.05)).unwrap()
}

fn batch() -> Batch {
    let task = PerceptualDiscrimination::default().coherences(&[0.0, 0.05, 0.1, 0.2]).noise(0.3);
    let mut batch = task.batch(400, Seed(1)).unwrap();
    let signed = batch.values.with("signed", ["coherence", "direction"], |[c, d]| if d == 1.0 { c } else { -c });
    batch.values = signed.unwrap();
    batch
}

#[test]
fn each_lesion_is_a_session_of_its_own() {
    let (simulator, batch) = (simulator(), batch());
    let sweep = LesionSweep::of_units(0..5, 0.0..1500.0).psychometric("signed", 1, Psychometric::default()).silent();
    let lesions = sweep.run(&simulator, &batch).unwrap();
    for n in [1, 3] {
        assert_eq!(with_threads(n, || sweep.run(&simulator, &batch)).unwrap(), lesions);
    }
    let intact = simulator.run(&batch).unwrap();
    assert_eq!((lesions.intact.accuracy, &lesions.intact.choices), (intact.accuracy(), &intact.choices));
    for (unit, lesion) in lesions.lesions.iter().enumerate() {
        let session = simulator.clone().silence(unit, 0.0..1500.0).run(&batch).unwrap();
        assert_eq!((lesion.accuracy, &lesion.choices), (session.accuracy(), &session.choices), "{unit}");
        let fit = Psychometric::default().fit(&session.choices_by("signed", 1).unwrap()).ok();
        assert_eq!(lesion.fit, fit, "{unit}");
    }
    // A unit that nothing goes through is not missed; one of two that report a choice is.
    let table = lesions.table();
    assert_eq!(table.numbers("change in accuracy").unwrap()[5], 0.0);
    assert_eq!(table.numbers("same choice").unwrap()[5], 1.0);
    for p in ["p accuracy (McNemar)", "p choice (McNemar)", "p accuracy (McNemar, Holm)", "p choice (McNemar, Holm)"] {
        assert_eq!(table.numbers(p).unwrap()[5], 1.0);
        assert!(table.numbers(p).unwrap()[0].is_nan());
    }
    assert!(table.numbers("change in accuracy").unwrap()[1] < -0.2, "{table}");
    assert!(table.numbers("same choice").unwrap()[0] == 1.0);
    assert_eq!(table.n_rows(), 6);
    lesions.plot().svg().unwrap();
}

#[test]
fn lesions_may_go_by_an_epoch_of_each_trial() {
    // Each trial has a stimulus of its own, so that each runs by itself.
    let (simulator, batch) = (simulator(), batch().select(&(0..80).collect::<Vec<_>>()));
    let sweep = LesionSweep::of_units([1, 4], Window::during("stimulus"))
        .lesion(
            "late",
            [Perturbation::new(Effect::Clamp { units: 1.into(), rate: 0.0 }, Window::after("decision", 0.0..))],
        )
        .silent();
    let lesions = sweep.run(&simulator, &batch).unwrap();
    let alone = simulator.clone().silence(1, Window::during("stimulus")).run(&batch).unwrap();
    assert_eq!((lesions.lesions[0].accuracy, &lesions.lesions[0].choices), (alone.accuracy(), &alone.choices));
    let late = simulator.clone().silence(1, Window::after("decision", 0.0..)).run(&batch).unwrap();
    assert_eq!(lesions.lesions[2].choices, late.choices);
    assert_ne!(late.choices, alone.choices);
    assert_eq!(lesions.table().numbers("same choice").unwrap()[2], 1.0);
    assert_eq!(lesions.table().column("lesion").unwrap()[3], "late".into());
    lesions.plot().svg().unwrap();
    let json = serde_json::to_string(&sweep).unwrap();
    assert_eq!(serde_json::from_str::<LesionSweep>(&json).unwrap(), sweep);

    let unknown = LesionSweep::of_units([1], Window::during("stimulation")).silent().run(&simulator, &batch);
    assert!(unknown.unwrap_err().to_string().contains("fixation, stimulus, decision"));
    let endless = LesionSweep::of_units(0..usize::MAX, ..).run(&simulator, &batch);
    assert!(endless.unwrap_err().to_string().contains("`lesions`"));
}

#[test]
fn groups_and_synapses_are_lesioned_together() {
    let (simulator, batch) = (simulator(), batch());
    let groups = [("left", 0), ("right", 1), ("idle", 4)];
    let sweep = LesionSweep::of_synapses(groups, 0.98, ..)
        .lesion("all", [Perturbation::new(Effect::Output { from: (..).into(), channels: 1.into(), factor: 0.0 }, ..)])
        .psychometric("signed", 1, Psychometric::default())
        .silent();
    let lesions = sweep.run(&simulator, &batch).unwrap();
    let weaker = simulator.clone().scale_recurrent(1, .., 0.98, ..).run(&batch).unwrap();
    assert_eq!(lesions.lesions[1].choices, weaker.choices);
    // Without the outputs of one side all choices are the same: there is no curve, and no figure of it.
    let all = &lesions.lesions[3];
    assert!(
        all.fit.is_none()
            && all.no_fit.as_ref().unwrap().contains("the same")
            && all.choices.iter().all(|&choice| choice == Some(0))
    );
    assert!(lesions.plot_curves(&["all"]).is_err() && lesions.plot_curves(&["none"]).is_err());
    lesions.plot_curves(&["left", "right"]).unwrap().svg().unwrap();

    assert!(LesionSweep::new().run(&simulator, &batch).unwrap_err().to_string().contains("`lesions`"));
    let unknown = LesionSweep::of_units(0..6, ..).silent().run(&simulator, &batch);
    assert!(unknown.unwrap_err().to_string().contains("`units`"));
    let unknown = LesionSweep::of_units(0..2, ..).psychometric("x", 1, Psychometric::default()).run(&simulator, &batch);
    assert!(unknown.unwrap_err().to_string().contains("`column`"));
}
