//! Sweeps of lesions.

use ndarray::{Array2, arr1};
use psychrnn::dynamics::Leak;
use psychrnn::prelude::*;
use psychrnn::threads::with_threads;

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
    Simulator::new(&weights, Leak::new(10.0, 100.0).noise(0.05)).unwrap()
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
    assert_eq!(table.numbers("p").unwrap()[5], 1.0);
    assert!(table.numbers("change in accuracy").unwrap()[1] < -0.2, "{table}");
    assert!(table.numbers("same choice").unwrap()[0] == 1.0 && table.numbers("p").unwrap()[0].is_nan());
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
    assert!(all.fit.is_none() && all.p.is_none() && all.choices.iter().all(|&choice| choice == Some(0)));
    assert!(lesions.plot_curves(&["all"]).is_err() && lesions.plot_curves(&["none"]).is_err());
    lesions.plot_curves(&["left", "right"]).unwrap().svg().unwrap();

    assert!(LesionSweep::new().run(&simulator, &batch).unwrap_err().to_string().contains("`lesions`"));
    let unknown = LesionSweep::of_units(0..6, ..).silent().run(&simulator, &batch);
    assert!(unknown.unwrap_err().to_string().contains("`units`"));
    let unknown = LesionSweep::of_units(0..2, ..).psychometric("x", 1, Psychometric::default()).run(&simulator, &batch);
    assert!(unknown.unwrap_err().to_string().contains("`column`"));
}
