//! What the figures are of: a network that has learned a task, and what is found in it. Both take some seconds.

use anyhow::Result;
use psychrnn::analysis::{
    Averages, BayesianTiming, Branches, Chronometric, Composed, Counts, Decoded, Demixed, DiffusionCoordinates,
    FixedPointSet, Generalized, HistoryWeights, JpcaPlanes, Lesions, LinearTuning, LogisticFit, PsychometricFit, Rdm,
    SerialDependenceFit, TargetedAxes, TaskClusters, TaskVariances, Timing, Trajectories, Tuning,
};
use psychrnn::dynamics::Modes;
use psychrnn::plot::Figure;
use psychrnn::prelude::*;

/// The values that the gallery of figures draws.
pub(crate) struct Study {
    pub(crate) training: Training,
    pub(crate) session: Session,
    pub(crate) weights: Weights,
    pub(crate) fit: PsychometricFit,
    pub(crate) easy: Counts,
    pub(crate) hard: Counts,
    pub(crate) chronometric: Chronometric,
    pub(crate) timing: Timing,
    pub(crate) observer: BayesianTiming,
    pub(crate) kernel: LogisticFit,
    pub(crate) order: Vec<usize>,
    pub(crate) tuning: Tuning,
    pub(crate) averages: Averages,
    pub(crate) choices: Averages,
    pub(crate) pca: Pca,
    pub(crate) trajectories: Trajectories,
    pub(crate) path: DiffusionCoordinates,
    pub(crate) map: DiffusionCoordinates,
    pub(crate) signed: Vec<f64>,
    pub(crate) linear: LinearTuning,
    pub(crate) axes: TargetedAxes,
    pub(crate) decoded: Decoded,
    pub(crate) across: Generalized,
    pub(crate) demixed: Demixed,
    pub(crate) units: Lesions,
    pub(crate) groups: Lesions,
    pub(crate) rdm: Rdm,
    pub(crate) planes: JpcaPlanes,
    pub(crate) parts: TaskClusters,
    pub(crate) variance: TaskVariances,
    pub(crate) composed: Composed,
    pub(crate) competing: Session,
    pub(crate) points: FixedPointSet,
    pub(crate) modes: Modes,
    pub(crate) branches: Branches,
    pub(crate) kernels: HistoryWeights,
    pub(crate) attraction: SerialDependenceFit,
}

/// The lines of [`study`] that its reader sees.
pub(crate) fn lines() -> String {
    let shown = include_str!("study.rs").split("// ---\n").nth(1).unwrap_or_default();
    shown.lines().map(|line| line.strip_prefix("    ").unwrap_or(line).to_owned() + "\n").collect()
}

/// Trains a network under Dale's principle and studies it.
pub(crate) fn study() -> Result<Study> {
    // ---
    use psychrnn::analysis::{
        BayesianTiming, ChoiceHistory, Classifier, Composition, Decoding, DiffusionMap, Dissimilarity, Dpca,
        FixedPoints, HistoryKernels, Jpca, KMeans, LogisticRegression, SerialDependence, Targeted, TaskVariance,
        Timing,
    };
    use psychrnn::dynamics::LeakyUnits;
    use psychrnn::ndarray::array;
    use psychrnn::task::Transitions;

    let task = PerceptualDiscrimination::default().noise(1.0);
    let mut network = Rnn::new(&task, RnnConfig::default().units(50).dale_ratio(0.8).noise(0.02).seed(1))?;
    let trainer = Trainer::default().trials(50_000).learning_rate(0.002).seed(1);
    let training = trainer.validation(task.batch(500, Seed(2))?).train(&mut network, &task)?;
    let weights = network.weights()?;

    // The trained network in an experiment: the sign of the coherence says which input is the stronger one.
    let test = task.clone().onset(500.0).stimulus(500.0).coherences(&[0.0, 0.05, 0.1, 0.2, 0.4]);
    let mut batch = test.batch(1000, Seed(3))?;
    batch.values =
        batch.values.with("signed coherence", ["coherence", "direction"], |[c, d]| if d == 1.0 { c } else { -c })?;
    let simulator = network.simulator()?;
    let session = simulator.run(&batch)?;

    // Behavior.
    let fit = Psychometric::default().fit(&session.choices_by("signed coherence", 1)?)?;
    let times = session.reaction_times(0.6, "stimulus")?;
    let chronometric = session.chronometric("coherence", &times, 0.95)?;
    let noisy = simulator.run(&test.clone().noise(2.0).batch(1000, Seed(4))?)?;
    let (easy, hard) = (session.correct_by("coherence")?, noisy.correct_by("coherence")?);

    // When evidence counts, and intervals of a subject that draws them towards their mean.
    let evidence = session.evidence("stimulus", 1, 0, 4)?;
    let chose: Vec<Option<bool>> = session.choices.iter().map(|choice| choice.map(|choice| choice == 1)).collect();
    let kernel = LogisticRegression::default().penalty(0.01).fit(&["1st", "2nd", "3rd", "4th"], &evidence, &chose)?;
    let mut rng = Seed(6).stream(0);
    let asked: Vec<f64> = (0..300).map(|_| rng.choice(&[600.0, 700.0, 800.0, 900.0, 1000.0])).collect();
    let drawn = |&t: &f64| Some(240.0 + 0.7 * t + f64::from(rng.normal(0.0, 40.0)));
    let produced: Vec<Option<f64>> = asked.iter().map(drawn).collect();
    let timing = Timing::of_trials(&asked, &produced)?;
    let observer = BayesianTiming::fit([&timing])?;

    // Units: what they prefer, alone and together.
    let activity = session.mean_activity(Signal::Rates, "stimulus", 400.0..500.0)?;
    let order = order_by_selectivity(&session.selectivity("choice", &activity)?, 40);
    let tuning = session.tuning("signed coherence", &activity)?;
    let correct = session.only("correct", true)?;
    let averages = Average::by("signed coherence").aligned_to("stimulus").window(-200.0..1000.0).of(&correct)?;
    let choices = Average::by("choice").aligned_to("stimulus").window(-200.0..1000.0).of(&session)?;
    let pca = averages.pca(4)?;
    let trajectories = averages.trajectories(&pca)?;
    let path = DiffusionMap::default().of(&session.only("trial", 0)?.samples(Signal::States)?)?;
    let map = DiffusionMap::default().of(&activity)?;
    let signed = session.batch.values.numbers("signed coherence")?;
    let linear = averages.linear_tuning()?;
    let axes = Targeted::new(["choice", "signed coherence"]).aligned_to("stimulus").window(0.0..500.0).of(&session)?;

    // What the population holds apart, how it turns, and which units vary with evidence for which direction.
    let rdm = averages.rdm(200.0..500.0, Dissimilarity::SquaredEuclidean)?;
    let planes = Jpca::default().of(&averages)?;
    let quiet = network.simulator()?.noise(false).run(&test.clone().noise(0.0).batch(200, Seed(5))?)?;
    let [first, second] = [quiet.only("direction", 0)?, quiet.only("direction", 1)?];
    let variance = TaskVariance::default().of([("direction 0", &first), ("direction 1", &second)])?;
    let parts = variance.clusters(&KMeans::default().n_clusters(2..=8))?;
    let easily = [first.only("coherence", 0.4)?, second.only("coherence", 0.4)?];
    let hardly = [first.only("coherence", 0.1)?, second.only("coherence", 0.1)?];
    let four = [("0 easily", &easily[0]), ("1 easily", &easily[1]), ("0 hardly", &hardly[0]), ("1 hardly", &hardly[1])];
    let composed = Composition::at_end_of("stimulus").of(four)?;
    // What the population tells about the choice, when, and whether in the same way at other coherences.
    let decoding = Decoding::new("choice").classifier(Classifier::Lda).bin(100.0);
    let decoding = decoding.signal(Signal::Rates).aligned_to("stimulus").window(-200.0..1000.0);
    let decoded = decoding.clone().permutations(20).of(&session.only("coherence", 0.1)?)?;
    let across = decoding.across(&session.filter("coherence", |c| c.is(0.1) || c.is(0.4))?, "coherence")?;
    let dpca = Dpca::new(["coherence", "choice"]).n_components(3).lambda(1e-4);
    let demixed = dpca.signal(Signal::Rates).aligned_to("stimulus").window(-200.0..1000.0).of(&session)?;

    // Lesions: each unit silenced in turn, and the synapses of groups weakened.
    let units = LesionSweep::of_units(0..50, ..).run(&simulator, &batch)?;
    let groups = [("E 1", order[..5].to_vec()), ("E 0", order[35..40].to_vec()), ("I", (40..50).collect())];
    let sweep = LesionSweep::of_synapses(groups, 0.9, ..).psychometric("signed coherence", 1, Psychometric::default());
    let groups = sweep.run(&simulator, &batch)?;

    // Dynamics: three pools of units that excite themselves and compete, where they stand still, and what an input changes in that.
    let mut pools = Weights::new();
    pools.insert("W_rec", array![[2.2, -0.6, -0.5], [-0.7, 2.0, -0.6], [-0.5, -0.8, 2.1]]);
    pools.insert("W_in", array![[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]);
    pools.insert("W_out", array![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]);
    pools.insert("b_rec", array![0.1, 0.0, 0.0]);
    pools.insert("b_out", array![0.0, 0.0]);
    pools.insert("init_state", array![[0.0, 0.0, 0.0]]);
    let pools = Simulator::new(&pools, LeakyUnits::new(10.0, 100.0).transfer(Transfer::Tanh).noise(0.1))?;
    let competing = pools.run(&batch)?;
    let points = FixedPoints::default().of(&pools, &competing)?;
    let modes = points.at(0)?.modes()?;
    let branches = points.along(&[1.0, 0.0], -1.0..1.0)?;

    // What choices owe to the trials before, of the network that does one trial after another; and responses that are drawn towards the
    // last stimulus.
    let day = simulator.run_session(&Transitions::repeat(0.8).of(test.clone()), 1000, Seed(6))?;
    let day = day.with("signed coherence", ["coherence", "direction"], |[c, d]| if d == 1.0 { c } else { -c })?;
    let kernels = HistoryKernels::default().lags(5).of(&ChoiceHistory::of(&day.trials())?, "signed coherence")?;
    let mut rng = Seed(7).stream(0);
    let differences: Vec<f64> = (0..500).map(|_| f64::from(rng.uniform(-180.0, 180.0))).collect();
    let pull = |x: f64| 0.06 * x * (-(x / 50.0).powi(2)).exp();
    let errors: Vec<f64> = differences.iter().map(|&x| pull(x) + f64::from(rng.normal(0.0, 3.0))).collect();
    let attraction = SerialDependence::default().fit(&differences, &errors)?;
    // ---
    Ok(Study {
        training,
        session,
        weights,
        fit,
        easy,
        hard,
        chronometric,
        timing,
        observer,
        kernel,
        order,
        tuning,
        averages,
        choices,
        pca,
        trajectories,
        path,
        map,
        signed,
        linear,
        axes,
        decoded,
        across,
        demixed,
        units,
        groups,
        rdm,
        planes,
        parts,
        variance,
        composed,
        competing,
        points,
        modes,
        branches,
        kernels,
        attraction,
    })
}

/// The first notebook, which is also in the README: the figures in which its cells end.
pub(crate) fn hello() -> Result<[Figure; 3]> {
    let task = PerceptualDiscrimination::default().noise(0.5);
    let mut network = Rnn::new(&task, RnnConfig::default().units(50).seed(1))?;
    let training = Trainer::default().trials(50_000).train(&mut network, &task)?;
    let loss = training.plot_loss();

    let session = network.run(&task.batch(500, Seed(2))?)?;
    let trial = session.plot_trial(0)?;

    let weak = task.clone().coherences(&[0.0, 0.02, 0.05, 0.1, 0.2]);
    let session = network.run(&weak.batch(2000, Seed(3))?)?;
    let session =
        session.with("signed coherence", ["coherence", "direction"], |[c, d]| if d == 1.0 { c } else { -c })?;
    let curve = Psychometric::default().fit(&session.choices_by("signed coherence", 1)?)?.plot()?;
    Ok([loss, trial, curve])
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    #[test]
    fn the_pictures_of_the_first_notebook_are_made_by_its_cells() {
        let plain = |text: &str| text.split_whitespace().collect::<String>();
        let read = |file: &str| std::fs::read_to_string(crate::root().join(file)).unwrap();
        let (here, readme) = (plain(include_str!("study.rs")), plain(&read("README.md")));
        let notebook: Json = serde_json::from_str(&read("notebooks/01-hello-world.ipynb")).unwrap();
        let cells = notebook["cells"].as_array().unwrap().iter().filter(|cell| cell["cell_type"] == "code");
        let lines = cells.flat_map(|cell| cell["source"].as_array().unwrap().iter().filter_map(Json::as_str));
        let lines: Vec<String> =
            lines.filter(|line| line.contains("let ") || line.contains("plot")).map(plain).collect();
        assert!(lines.len() > 6);
        for line in lines {
            assert!(here.contains(&line) && readme.contains(&line), "{line}");
        }
    }
}
