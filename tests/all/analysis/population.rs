//! Averages over trials, principal components, tuning, reaction times, sessions on disk.

use ndarray::{Array1, Array2, Array3, Axis, array, s};
use proptest::prelude::*;
use psychrnn::analysis::{Average, Band, Bootstrap, Chronometric, Pca, order_by_selectivity};
use psychrnn::prelude::*;
use psychrnn::threads::with_threads;

use super::{close, number, numbers, reference};

/// `go` starts at 20, 30 or 40 ms; a trial ends 50 ms later; `dt` is 10 ms.
struct Go;

#[derive(Clone, Trial)]
struct Cue {
    side: usize,
    wait: f32,
}

impl Task for Go {
    type Trial = Cue;
    fn spec(&self) -> TaskSpec {
        TaskSpec::new(1, 2).epoch("wait", Duration::uniform(20.0, 40.0)).epoch("go", 50.0)
    }
    fn draw(&self, rng: &mut TrialRng) -> Cue {
        Cue { side: rng.index(2), wait: rng.choice(&[20.0, 30.0, 40.0]) }
    }
    fn epochs(&self, _: &TaskSpec, trial: &Cue, _: &mut TrialRng) -> Epochs {
        Epochs::new().then("wait", trial.wait).then("go", 50.0)
    }
    fn step(&self, _: f32, trial: &Cue, _: &mut TrialRng, now: &mut Step<'_>) {
        now.mask.fill(f32::from(u8::from(now.is_in("go"))));
        now.target[trial.side] = 1.0;
    }
}

/// Unit 0 counts steps from `go`, unit 1 is the trial's number, unit 2 is noise about the side; rates are twice the states.
fn session(n: usize) -> Session {
    let batch = Go.batch(n, Seed(4)).unwrap();
    let value = |name: &str, trial: usize| batch.values.numbers(name).unwrap()[trial];
    let mut rng = Seed(5).stream(0);
    let states = Array3::from_shape_fn((n, batch.n_steps(), 3), |(trial, step, unit)| match unit {
        0 => step as f32 - value("wait", trial) as f32 / 10.0,
        1 => trial as f32,
        _ => rng.normal(value("side", trial) as f32, 0.5),
    });
    // The output of the chosen side ramps up by 0.25 a step from `go`; side 0 is a step slower.
    let outputs = Array3::from_shape_fn((n, batch.n_steps(), 2), |(trial, step, channel)| {
        let side = value("side", trial) as usize;
        let since = step as f32 - value("wait", trial) as f32 / 10.0 - if side == 0 { 1.0 } else { 0.0 };
        if channel == side { 0.25 * since } else { -1.0 }
    });
    Session::new(batch, states.clone(), 2.0 * states, outputs).unwrap()
}

#[test]
fn averages_are_those_of_a_plain_loop() {
    let session = session(40);
    let averages = Average::by("side").signal(Signal::Rates).aligned_to("go").window(-40.0..70.0).of(&session).unwrap();
    assert_eq!(averages.conditions, [Value::Int(0), Value::Int(1)]);
    assert_eq!(averages.times, (-4..7).map(|step| f64::from(step) * 10.0).collect::<Vec<_>>());
    for (condition, side) in averages.conditions.iter().enumerate() {
        for (time, &t) in averages.times.iter().enumerate() {
            for unit in 0..3 {
                let mut values: Vec<f64> = Vec::new();
                for trial in 0..40 {
                    let step = ((session.batch.epochs[trial].start("go").unwrap() as f64 + t) / 10.0).round();
                    let of_side = session.batch.values.column("side").unwrap()[trial] == *side;
                    if of_side && step >= 0.0 && (step as usize) < session.batch.lengths[trial] {
                        values.push(f64::from(session.rates[[trial, step as usize, unit]]));
                    }
                }
                let n = values.len() as f64;
                assert_eq!(averages.n_trials[condition][time], values.len());
                let at = [condition, time, unit];
                if values.is_empty() {
                    assert!(averages.mean[at].is_nan() && averages.low[at].is_nan());
                    continue;
                }
                let mean = values.iter().sum::<f64>() / n;
                let sem = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt();
                close("mean", averages.mean[at], mean, 1e-9);
                close("low", averages.low[at], mean - sem, 1e-9);
                close("high", averages.high[at], mean + sem, 1e-9);
            }
        }
    }
    assert!(averages.mean.slice(s![.., 0, ..]).iter().any(|x| !x.is_nan()), "the longest wait reaches 40 ms back");
    // Without a window: what all trials have.
    let common = Average::by("side").aligned_to("go").of(&session).unwrap();
    assert_eq!((common.times[0], common.times.len()), (-20.0, 7));
    assert_eq!(common.mean.slice(s![.., 2, 0]), array![0.0, 0.0], "unit 0 counts steps from the event");
    assert!(common.n_trials.iter().flatten().all(|&n| n == common.n_trials[0][0] || n == common.n_trials[1][0]));
}

#[test]
fn bootstrapped_bands_agree_with_standard_errors_and_repeat() {
    let session = session(200);
    let average = Average::by("side").aligned_to("go").window(-30.0..50.0);
    let sem = average.of(&session).unwrap();
    let boot = average.band(Band::Bootstrap(Bootstrap::default().resamples(1000).seed(2)));
    let found = boot.of(&session).unwrap();
    assert_eq!(found.mean, sem.mean);
    for time in 3..8 {
        let half = |averages: &psychrnn::analysis::Averages| averages.high[[0, time, 2]] - averages.mean[[0, time, 2]];
        assert!((half(&found) / half(&sem) / 1.96 - 1.0).abs() < 0.2, "{} {}", half(&found), half(&sem));
    }
    assert_eq!(found, with_threads(3, || boot.of(&session)).unwrap());
}

#[test]
fn averages_that_make_no_sense_are_refused_by_name() {
    let session = session(10);
    let refused = |average: Average| average.of(&session).unwrap_err().to_string();
    assert!(refused(Average::by("colour")).contains("side, wait"));
    assert!(refused(Average::by("side").aligned_to("Go")).contains("wait, go"));
    for window in [500.0..600.0, 0.0..0.0, 0.0..f64::NAN, -1e300..0.0, 0.0..f64::INFINITY] {
        assert!(refused(Average::by("side").window(window)).contains("`window`"));
    }
    assert!(session.mean_activity(Signal::States, "Go", 0.0..10.0).is_err());
    assert!(session.mean_activity(Signal::States, None, 10.0..0.0).unwrap_err().to_string().contains("`window`"));
    let all = session.samples(Signal::States).unwrap();
    assert_eq!(all.nrows(), session.batch.lengths.iter().sum::<usize>());
    for n in [0, 4] {
        assert!(Pca::fit(&all, n).unwrap_err().to_string().contains("from 1 to 3"));
    }
    assert!(Pca::fit(&Array2::ones((5, 2)), 1).unwrap_err().to_string().contains("vary"));
    assert!(Pca::fit(&array![[1.0, f64::NAN], [1.0, 2.0]], 1).unwrap_err().to_string().contains("unit 1"));
    assert!(Pca::fit(&all, 1).unwrap().project(&Array2::zeros((2, 5))).is_err());
}

#[test]
fn components_are_numpys() {
    for case in reference("pca") {
        let rows: Vec<Vec<f64>> = case["samples"].as_array().unwrap().iter().map(numbers).collect();
        let samples = Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j]);
        let n = (rows.len() - 1).min(rows[0].len());
        let pca = Pca::fit(&samples, n).unwrap();
        for k in 0..n {
            close("variance", pca.variances[k], number(&case["variance"][k]), 1e-10);
            close("share", pca.shares[k], number(&case["share"][k]), 1e-10);
            let theirs = Array1::from(numbers(&case["components"][k]));
            let sign = theirs.dot(&pca.components.row(k)).signum();
            for (ours, theirs) in pca.components.row(k).iter().zip(&theirs) {
                close("component", sign * ours, *theirs, 1e-7);
            }
        }
        close("all shares", pca.shares.sum(), 1.0, 1e-12);
    }
}

#[test]
fn signals_are_not_mixed_up() {
    let session = session(40);
    let of = |signal: Signal| Average::by("side").signal(signal).aligned_to("go").of(&session).unwrap();
    let signals = [Signal::States, Signal::Rates, Signal::Outputs];
    for fitted in signals {
        let components = [of(fitted).pca(1).unwrap(), session.pca(fitted, 1).unwrap()];
        for pca in components {
            assert_eq!(pca.signal, Some(fitted));
            let read: Pca = serde_json::from_str(&serde_json::to_string(&pca).unwrap()).unwrap();
            for came in signals {
                let projected = of(came).trajectories(&read);
                assert_eq!(projected.is_ok(), came == fitted, "{fitted:?} {came:?}");
                if let Err(error) = projected {
                    assert!(
                        error.to_string().contains("`averages`") && error.to_string().contains("Signal::"),
                        "{error}"
                    );
                }
            }
        }
    }
    // Of a plain array nothing is known: it is taken at its word, if it has as many units.
    let pca = Pca::fit(&session.samples(Signal::Rates).unwrap(), 1).unwrap();
    assert_eq!(pca.signal, None);
    assert!(of(Signal::States).trajectories(&pca).is_ok() && of(Signal::Outputs).trajectories(&pca).is_err());
    // What is not asked for is the same for all.
    assert_eq!(Average::by("side").signal, Signal::default());
    assert_eq!(psychrnn::analysis::Targeted::new(["side"]).signal, Signal::default());
    assert_eq!(Signal::default(), Signal::States);
}

#[test]
fn units_are_not_mixed_up() {
    let task = PerceptualDiscrimination::default().coherences(&[0.1, 0.5]);
    let batch = task.batch(20, Seed(4)).unwrap();
    let simulator = Simulator::new(&super::figures::weights(), LeakyUnits::new(10.0, 100.0).noise(0.1)).unwrap();
    let session = |units: [usize; 3]| simulator.clone().record(Recording::of(units)).run(&batch).unwrap();
    let (these, others) = (session([3, 4, 5]), session([3, 4, 17]));
    let averages = |session: &Session| Average::by("direction").aligned_to("stimulus").of(session).unwrap();
    let components = [averages(&these).pca(1).unwrap(), these.pca(Signal::States, 1).unwrap()];
    let axes = psychrnn::analysis::Targeted::new(["direction"]).aligned_to("stimulus").of(&these).unwrap();
    assert_eq!((&components[0].units, &axes.units), (&these.units, &these.units));
    let trajectories = |session: &Session| {
        let along = components.iter().map(|pca| averages(session).trajectories(pca));
        along.chain([axes.trajectories(&averages(session))]).collect::<Vec<_>>()
    };
    assert!(trajectories(&these).iter().all(Result::is_ok));
    for other in [others, simulator.run(&batch).unwrap()] {
        for refused in trajectories(&other) {
            let error = refused.unwrap_err().to_string();
            let units = if other.units.len() == 3 { "units 3, 4, 17" } else { "units 0 to 19" };
            assert!(error.contains("`averages`") && error.contains("units 3 to 5") && error.contains(units), "{error}");
        }
    }
}

#[test]
fn infinite_levels_have_figures() {
    let session = session(40).with("log odds", ["side", "wait"], |[side, wait]| match (side, wait) {
        (0.0, 20.0) => f64::INFINITY,
        (_, wait) => wait,
    });
    let session = session.unwrap();
    let averages = Average::by("log odds").aligned_to("go").of(&session).unwrap();
    assert!(averages.conditions.iter().any(|value| value.number() == Some(f64::INFINITY)));
    averages.plot_unit(2).unwrap().svg().unwrap();
    averages.trajectories(&averages.pca(2).unwrap()).unwrap().plot(0, 1).unwrap().svg().unwrap();
    assert!(averages.linear_tuning().unwrap_err().to_string().contains("finite"));
    let activity = session.mean_activity(Signal::States, "go", 0.0..50.0).unwrap();
    session.tuning("log odds", &activity).unwrap().plot_unit(2).unwrap().svg().unwrap();
}

#[test]
fn components_of_some_trials_hold_for_others() {
    let session = session(60);
    let average = Average::by("side").aligned_to("go");
    let some = average.of(&session.select(&(0..30).collect::<Vec<_>>())).unwrap();
    let others = average.of(&session.select(&(30..60).collect::<Vec<_>>())).unwrap();
    let pca = some.pca(2).unwrap();
    let own = some.trajectories(&pca).unwrap();
    let crossed = others.trajectories(&pca).unwrap();
    assert_eq!(own.points.dim(), (2, 7, 2));
    close("shares", own.shares[0], pca.shares[0], 1e-9);
    let at = others.mean.slice(s![1, 3, ..]).to_owned() - &pca.mean;
    close("place", crossed.points[[1, 3, 1]], (at * pca.components.row(1)).sum(), 1e-9);
    // Two of three units vary much, in these trials and in those.
    let share: f64 = crossed.shares.iter().sum();
    assert!(share > 0.8 && share < 1.0, "{share}");
    // All steps of all trials: the number of the trial varies most, and it is unit 1.
    let all = session.pca(Signal::States, 1).unwrap();
    assert!(all.components[[0, 1]] > 0.99);
}

#[test]
fn selectivity_is_d_prime() {
    for case in reference("d_prime") {
        let rows: Vec<Vec<f64>> = case["values"].as_array().unwrap().iter().map(numbers).collect();
        let activity = Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j]);
        let group: Vec<bool> = case["group"].as_array().unwrap().iter().map(|g| g.as_bool().unwrap()).collect();
        let session = session(rows.len()).with_column("group", group).unwrap();
        let found = session.selectivity("group", &activity).unwrap();
        for (ours, theirs) in found.iter().zip(numbers(&case["d_prime"])) {
            close("d'", *ours, theirs, 1e-9);
        }
    }
}

#[test]
fn tuning_and_selectivity_find_the_unit_that_tells_the_side() {
    let session = session(100);
    let activity = session.mean_activity(Signal::States, "go", 0.0..50.0).unwrap();
    let tuning = session.tuning("side", &activity).unwrap();
    assert_eq!(tuning.n_trials.iter().sum::<usize>(), 100);
    // Steps 0 to 4 from the event in every trial.
    assert_eq!(tuning.mean.column(0), array![2.0, 2.0]);
    assert_eq!(tuning.sem.column(0), array![0.0, 0.0]);
    let selectivity = session.selectivity("side", &activity).unwrap();
    // The mean of five draws about the side with standard deviation 1/2: d' = 1 / (0.5 / sqrt(5)).
    assert!((selectivity[2] - 4.47).abs() < 1.0, "{selectivity}");
    assert_eq!(selectivity[0], 0.0);
    assert_eq!(order_by_selectivity(&selectivity, None)[0], 2);

    let refused = |column| session.selectivity(column, &activity).unwrap_err().to_string();
    assert!(refused("wait").contains("two values") && refused("nothing").contains("side"));
    assert!(session.tuning("side", &Array2::zeros((3, 3))).unwrap_err().to_string().contains("n_trials = 100"));
    // Trials that end before the window have no activity and are left out.
    let late = session.mean_activity(Signal::States, None, 80.0..90.0).unwrap();
    let there = late.axis_iter(Axis(0)).filter(|row| !row[0].is_nan()).count();
    assert_eq!(session.tuning("side", &late).unwrap().n_trials.iter().sum::<usize>(), there);
    assert!(there > 0 && there < 100);
}

#[test]
fn reaction_times_are_the_first_crossings_after_the_event() {
    let session = session(50);
    let sides = session.batch.values.numbers("side").unwrap();
    let times = session.reaction_times(0.5, "go").unwrap();
    for (time, side) in times.iter().zip(&sides) {
        assert_eq!(*time, Some(if *side == 0.0 { 40.0 } else { 30.0 }));
    }
    assert_eq!(
        session.reaction_times(1.0, "go").unwrap().iter().flatten().count(),
        sides.iter().filter(|&&s| s == 1.0).count()
    );
    assert_eq!(session.reaction_times(9.0, "go").unwrap(), vec![None; 50]);
    // What was there before the event is no reaction to it.
    assert_eq!(session.reaction_times(-2.0, "go").unwrap(), vec![None; 50]);
    assert!(session.reaction_times(f32::NAN, "go").unwrap_err().to_string().contains("`threshold`"));
    assert!(session.reaction_times(0.5, "Go").unwrap_err().to_string().contains("wait, go"));

    let curve = session.chronometric("side", &times, 0.95).unwrap();
    assert_eq!((curve.levels, curve.means), (vec![0.0, 1.0], vec![40.0, 30.0]));
    assert!(session.chronometric("side", &vec![None; 50], 0.95).unwrap_err().to_string().contains("`times`"));
    // t(0.975, 2 degrees) = 4.302653.
    let curve = Chronometric::of_trials("x", &[1.0; 3], &[Some(1.0), Some(2.0), Some(3.0)], 0.95).unwrap();
    close("half", curve.intervals[0].1 - 2.0, 4.302_652_73 / 3.0_f64.sqrt(), 1e-8);
}

#[test]
fn sessions_of_some_trials_are_whole_sessions() {
    let session = session(30).with("late", ["wait"], |[wait]| wait > 30.0).unwrap();
    let late = session.only("late", true).unwrap().only("side", 1.0).unwrap();
    let rows = session
        .trials()
        .rows_where("late", |late| *late == Value::Bool(true))
        .unwrap()
        .into_iter()
        .filter(|&row| session.batch.values.numbers("side").unwrap()[row] == 1.0)
        .collect::<Vec<_>>();
    assert_eq!(late, session.select(&rows));
    let again =
        Session::new(late.batch.clone(), late.states.clone(), late.rates.clone(), late.outputs.clone()).unwrap();
    assert_eq!(again, late);
    assert_eq!(late.trials().only("late", true).unwrap().n_rows(), late.n_trials());
    assert!(session.only("side", 7).unwrap_err().to_string().contains("side"));
    assert!(session.clone().with_column("short", [1, 2]).unwrap_err().to_string().contains("n_trials = 30"));
}

#[test]
fn a_session_on_disk_holds_its_arrays_and_columns() {
    let names = ["left", "right, or \"both\"", "µ"];
    let session = session(12).with_column("name", (0..12).map(|i| names[i % 3])).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.npz");
    session.save(&path).unwrap();
    let read = |name: &str| {
        ndarray_npy::NpzReader::new(std::fs::File::open(&path).unwrap())
            .map(|npz| (npz, format!("{name}.npy")))
            .unwrap()
    };
    for (name, array) in [("states", &session.states), ("rates", &session.rates), ("outputs", &session.outputs)] {
        let (mut npz, entry) = read(name);
        assert_eq!(npz.by_name::<ndarray::OwnedRepr<f32>, ndarray::Ix3>(&entry).unwrap(), *array);
    }
    let (mut npz, entry) = read("trials/side");
    let sides: Array1<f64> = npz.by_name(&entry).unwrap();
    assert_eq!(sides.to_vec(), session.batch.values.numbers("side").unwrap());
    let mut zip = zip::ZipArchive::new(std::fs::File::open(&path).unwrap()).unwrap();
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut zip.by_name("trials/name.npy").unwrap(), &mut bytes).unwrap();
    assert!(bytes.windows(4).any(|part| part == b"<U16") && bytes.len() % 64 == 0 && bytes.len() == 128 + 12 * 16 * 4);
    assert!(session.save(folder.path().join("no such folder/session.npz")).is_err());
}

#[test]
fn tables_are_grouped_and_travel_as_csv() {
    let mut table = Table::new();
    table.insert("side", ["b", "a", "b", "a"]).unwrap();
    table.insert("level", [Value::Float(0.5), Value::Int(-1), Value::Float(-1.0), Value::Missing]).unwrap();
    table.insert("note, \"quoted\"", [Some("x, y"), None, Some("line\nbreak"), Some("µ")]).unwrap();
    table.insert("correct", [Some(true), Some(false), None, Some(true)]).unwrap();
    let groups = table.groups("level").unwrap();
    assert_eq!(groups, [(Value::Int(-1), vec![1, 2]), (Value::Float(0.5), vec![0])]);
    assert_eq!(table.groups("side").unwrap()[0], (Value::from("a"), vec![1, 3]));
    let means = table.mean_by("correct", "side").unwrap();
    assert_eq!(means.numbers("n").unwrap(), [2.0, 1.0]);
    assert_eq!(means.numbers("mean correct").unwrap(), [0.5, 1.0]);
    assert!(table.mean_by("side", "level").is_err());

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trials.csv");
    table.save_csv(&path).unwrap();
    let read = Table::load_csv(&path).unwrap();
    assert_eq!(read.names().collect::<Vec<_>>(), table.names().collect::<Vec<_>>());
    for (name, column) in table.iter() {
        for (ours, theirs) in column.iter().zip(read.column(name).unwrap()) {
            assert!(ours.is(theirs), "{name}: {ours:?} {theirs:?}");
        }
    }
    std::fs::write(&path, "a,b\n1,2\n3\n").unwrap();
    assert!(Table::load_csv(&path).unwrap_err().to_string().contains("trials.csv"));
    assert!(Table::load_csv(folder.path().join("none.csv")).unwrap_err().to_string().contains("none.csv"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    /// Components are orthonormal, what is projected is uncorrelated, and its variances are those that are reported.
    #[test]
    fn components_diagonalize(seed in 0_u64..1000, n_samples in 3_usize..40, n_units in 1_usize..12) {
        let mut rng = Seed(seed).stream(0);
        let samples = Array2::from_shape_fn((n_samples, n_units), |(_, unit)| f64::from(rng.normal(3.0, 1.0 + unit as f32)));
        let n = n_units.min(n_samples - 1);
        let pca = Pca::fit(&samples, n).unwrap();
        let identity = pca.components.dot(&pca.components.t()) - Array2::<f64>::eye(n);
        prop_assert!(identity.iter().all(|x| x.abs() < 1e-10));
        let projected = pca.project(&samples).unwrap();
        let covariance = projected.t().dot(&projected) / (n_samples - 1) as f64 - Array2::from_diag(&pca.variances);
        prop_assert!(covariance.iter().all(|x| x.abs() < 1e-9 * (1.0 + pca.variances[0])));
        prop_assert!(pca.variances.windows(2).into_iter().all(|pair| pair[0] >= pair[1]));
        prop_assert!((pca.shares.sum() - 1.0).abs() < 1e-10);
    }
}
