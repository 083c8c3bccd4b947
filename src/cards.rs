//! How values that are neither figures nor tables show themselves under a notebook cell: networks and sessions in a few lines,
//! settings and small results as a list of their fields, results in columns as tables.
//!
//! A kernel calls `evcxr_display` for the last expression of a cell. A type without it is compiled twice.

use ndarray::Array1;
use num_complex::Complex64;
use serde::Serialize;
use serde_json::Value as Json;

use crate::analysis::*;
use crate::dynamics::equations::*;
use crate::dynamics::{Constants, Eigenvalue, Linearization, Mode, Modes};
use crate::notebook::Card;
use crate::number::json;
use crate::simulate::{Session, Simulator, State, Stepped};
use crate::table::{Table, Value};
use crate::task::{Batch, IdealAccuracy, IdealObserver, TaskSpec, TrialSource};
use crate::tasks::catalog::{Described, Entry};
use crate::weights::Weights;

/// Types that show their fields.
macro_rules! show_fields {
    ($($type:ident),+ $(,)?) => {$(
        impl $type {
            /// Shows the fields under a notebook cell; evcxr calls this for the last expression of a cell.
            pub fn evcxr_display(&self) {
                fields(stringify!($type), self).show();
            }
        }
    )+};
}

/// Types that are shown as a card or a table that is made of them.
macro_rules! show_as {
    ($($type:ty: $value:expr;)+) => {$(
        impl $type {
            /// Shows it under a notebook cell; evcxr calls this for the last expression of a cell.
            pub fn evcxr_display(&self) {
                let show: fn(&Self) = $value;
                show(self);
            }
        }
    )+};
}

show_fields!(
    Average,
    Bifurcation,
    Bootstrap,
    Branch,
    Cka,
    Classifier,
    Cluster,
    Composed,
    Composition,
    Constants,
    Countermanding,
    Cycles,
    Decoder,
    Decoding,
    DelayModel,
    Detection,
    DiffusionCoordinates,
    DiffusionMap,
    Dimension,
    Dpca,
    DpcaValidation,
    Dsa,
    DsaDistance,
    Estimate,
    HistoryKernels,
    HistoryWeight,
    FixedPoints,
    IdealAccuracy,
    IdealObserver,
    Interval,
    Jpca,
    JpcaPlanes,
    KMeans,
    Lesion,
    LesionBehavior,
    LesionSweep,
    LesionTest,
    LikelihoodRatio,
    LineAttractor,
    LinearTuning,
    LogisticRegression,
    Lyapunov,
    MannWhitney,
    Marginal,
    McNemar,
    PairedT,
    Permutation,
    PermutationTest,
    Procrustes,
    Psychometric,
    PsychometricBootstrap,
    Rdm,
    SerialDependence,
    SerialDependenceFit,
    SignedRank,
    Tangling,
    Targeted,
    TargetedAxes,
    TaskClusters,
    TaskSpec,
    TaskVariance,
    TaskVariances,
    Trajectories,
    Tuning,
    WelchT,
);
with_units!(show_fields);

show_as! {
    ChoiceHistory: |history| {
        Card::new("ChoiceHistory")
            .line("repetitions after correct choices", format!("{:.3}", history.share_of_repetitions(true)))
            .line("after errors", format!("{:.3}", history.share_of_repetitions(false)))
            .show();
    };
    HistoryWeights: |weights| weights.table().evcxr_display();
    CycleSet: |set| {
        let card = Card::new("CycleSet").line("input", &set.input).line("cycles", set.cycles.len());
        let card = if set.interrupted { card.line("interrupted", "there may be more") } else { card };
        card.line("these are all", if set.proved { "proved" } else { "not known" }).show();
        set.table().evcxr_display();
    };
    FixedPointSet: |set| {
        let card = Card::new("FixedPointSet").line("input", &set.input).line("points", set.points.len());
        let card = if set.lines.is_empty() { card } else { card.line("lines", set.lines.len()) };
        let card = if set.slow.is_empty() { card } else { card.line("slow points", set.slow.len()) };
        let card = if set.interrupted { card.line("interrupted", "there may be more") } else { card };
        card.line("completeness", &set.completeness).show();
        set.table().evcxr_display();
    };
    FixedPoint: |point| {
        Card::new("FixedPoint")
            .line("kind", point.kind)
            .line("unstable modes", point.unstable)
            .line("slowest", format!("{:.1} ms", point.slowest))
            .line("index", point.index)
            .line("outputs", format!("{:.4}", point.outputs))
            .show();
    };
    FixedLine: |line| {
        let ends = line.ends.iter().flatten().count();
        Card::new("FixedLine").line("directions", line.directions.nrows()).line("ends", ends).show();
    };
    SlowPoint: |point| {
        Card::new("SlowPoint")
            .line("speed", format!("{:.3e} per ms", point.speed))
            .line("drift time", format!("{:.1} ms", point.drift_time))
            .line("outputs", format!("{:.4}", point.outputs))
            .show();
    };
    KMeansClusters: |clusters| clusters.table().evcxr_display();
    Decoded: |decoded| decoded.table().evcxr_display();
    Demixed: |demixed| demixed.table().evcxr_display();
    Generalized: |across| across.table().evcxr_display();
    Branches: |branches| branches.table().evcxr_display();
    Lesions: |lesions| lesions.table().evcxr_display();
    LyapunovExponents: |exponents| exponents.table().evcxr_display();
    Modes: |modes| modes.table().evcxr_display();
    Cycle: |cycle| {
        let largest = cycle.multipliers.first().map_or(f64::NAN, |largest| largest.norm());
        Card::new("Cycle")
            .line("period", cycle.period())
            .line("unstable", cycle.unstable)
            .line("largest multiplier", format!("{largest:.4}"))
            .show();
    };
    Eigenvalue: |value| rates(Card::new("Eigenvalue"), value).show();
    Mode: |mode| {
        let card = rates(Card::new("Mode"), &mode.eigenvalue).line("condition", format!("{:.4}", mode.condition));
        card.line("input load", sizes(&mode.input_load)).line("output load", sizes(&mode.output_load)).show();
    };
    Linearization: |linear| {
        Card::new("Linearization")
            .line("state", shape(linear.state.shape()))
            .line("input", &linear.input)
            .line("jacobian", shape(linear.jacobian.shape()))
            .line("dt", format!("{} ms", linear.dt))
            .show();
    };
    PsychometricFit: |fit| fit.table().evcxr_display();
    LogisticFit: |fit| fit.table().evcxr_display();
    Timing: |timing| timing.table().evcxr_display();
    BayesianTiming: |observer| {
        let share = |w: f64| format!("{w:.4}");
        Card::new("BayesianTiming").line("w_m", share(observer.w_m)).line("w_p", share(observer.w_p)).show();
    };
    Weights: |weights| arrays(weights).evcxr_display();
    Counts: |counts| {
        columns([
            (counts.level_name.as_str(), values(&counts.levels)),
            (&trials_but(&[(counts.without_level, "level"), (counts.without_answer, "answer")]), values(&counts.trials)),
            (counts.hit_name.as_str(), values(&counts.hits)),
            ("share", values(&counts.shares())),
        ])
        .evcxr_display();
    };
    Chronometric: |times| {
        columns([
            (times.level_name.as_str(), values(&times.levels)),
            (&trials_but(&[(times.without_level, "level"), (times.without_reaction, "reaction")]), values(&times.trials)),
            ("mean", values(&times.means)),
            ("low", times.intervals.iter().map(|(low, _)| (*low).into()).collect()),
            ("high", times.intervals.iter().map(|(_, high)| (*high).into()).collect()),
        ])
        .evcxr_display();
    };
    Pca: |pca| {
        columns([
            ("component", (1..=pca.variances.len()).map(Value::from).collect()),
            ("variance", pca.variances.iter().map(|&variance| variance.into()).collect()),
            ("share", pca.shares.iter().map(|&share| share.into()).collect()),
        ])
        .evcxr_display();
    };
    Averages: |averages| {
        let conditions: Vec<_> = averages.conditions.iter().map(Value::to_string).collect();
        Card::new("Averages")
            .line("by", format!("{}: {}", averages.by, conditions.join(", ")))
            .line("units", averages.mean.dim().2)
            .line("times", span(&averages.times))
            .line("from the start of", averages.event.as_deref().unwrap_or("the trial"))
            .show();
    };
    Batch: |batch| trials("Batch", batch).show();
    Session: |session| {
        let accuracy = match (session.share_correct(), session.batch.check_choices()) {
            (accuracy, Err(why)) if accuracy.is_nan() => format!("none: {why}"),
            (accuracy, _) => format!("{accuracy:.3}"),
        };
        trials("Session", &session.batch).line("units", session.units.len()).line("accuracy", accuracy).show();
    };
    Simulator: |simulator| fields("Simulator", &simulator.constants()).show();
    State: |state| {
        let card = Card::new("State").line("steps", state.steps);
        state.values.iter().fold(card, |card, (name, values)| card.line(name, shape(values.shape()))).show();
    };
    Stepped: |stepped| {
        let card = Card::new("Stepped").line("rates", shape(stepped.rates.shape()));
        card.line("outputs", shape(stepped.outputs.shape())).show();
    };
    Entry: |entry| entry_of(entry).show();
    Described: |described| {
        fields("Task", &described.arguments).line("criterion", text(&json(&described.criterion))).show();
    };
    dyn TrialSource: |task| match task.spec() {
        Ok(spec) => fields("Task", &spec).show(),
        Err(problem) => Card::new("Task").line("problem", problem).show(),
    };
}

#[cfg(feature = "torch")]
mod torch {
    use super::{fields, trials_of};
    use crate::experiment::{Design, HeldOut, Job, Run, Slurm, Specification, Status, ThisMachine};
    use crate::network::kinds::*;
    use crate::network::{Config, Constraints, InitialWeights, Network, Recurrent};
    use crate::notebook::{self, Card};
    use crate::train::report::measured;
    use crate::train::{Adam, AdamW, Curriculum, EnsembleTraining, RmsProp, Sgd, Trainer, Training};

    show_fields!(Adam, AdamW, Constraints, HeldOut, InitialWeights, Job, RmsProp, Sgd, Status);
    with_configs!(show_fields);

    show_as! {
        EnsembleTraining: |training| training.table().evcxr_display();
        Training: |training| {
            let mut card = Card::new("Training")
                .line("updates", training.updates)
                .line("trials", training.trials)
                .line("loss", format!("{:.5}", training.final_loss()));
            if let Some(check) = training.checks.last() {
                card = card.line("measured", measured(check.value, check.error));
            }
            if let Some(best) = training.best {
                let measured = measured(best.value, best.error);
                card = card.line("best", format!("loss {:.5}, {measured}, after update {}", best.loss, best.update));
            }
            card.line("time", format!("{:.1} s", training.seconds)).line("ended since", training.stop).show();
        };
        dyn Network: |network| card("Network", network).show();
        Specification: |specification| fields("Specification", &specification.complete).show();
        Run: |run| {
            let card = Card::new("Run").line("folder", run.folder().display());
            match run.training() {
                Ok(training) => card.line("training", training),
                Err(problem) => card.line("training", problem),
            }
            .show();
        };
        Design: |design| {
            let names: Vec<&str> = design.names().collect();
            Card::new("Design").line("runs", names.len()).line("names", names.join(", ")).show();
        };
        ThisMachine: |machine| {
            let text = format!("{machine:#?}");
            notebook::show(&[("text/plain", &text)]);
        };
        Slurm: |slurm| {
            let text = format!("{slurm:#?}");
            notebook::show(&[("text/plain", &text)]);
        };
        Trainer: |trainer| {
            let text = format!("{trainer:#?}");
            notebook::show(&[("text/plain", &text)]);
        };
        Curriculum: |curriculum| {
            let text = format!("{curriculum:#?}");
            notebook::show(&[("text/plain", &text)]);
        };
    }

    impl<C: Config> Recurrent<C> {
        /// Shows it under a notebook cell; evcxr calls this for the last expression of a cell.
        pub fn evcxr_display(&self) {
            let constraints = self.config().shared().constraints;
            let share = constraints.share_excitatory();
            let dale = share.map(|ratio| format!("Dale's principle ({:.0} % excitatory)", ratio * 100.0));
            let autapses = (!constraints.autapses).then(|| "no autapses".to_owned());
            let constraints: Vec<_> = dale.into_iter().chain(autapses).collect();
            let mut card = card(C::NAME, self);
            if let Ok(super::Json::Object(config)) = serde_json::to_value(self.config()) {
                for name in ["form", "transfer", "output", "noise"] {
                    let value = config.get(name).map(super::text);
                    card = value.into_iter().fold(card, |card, value| card.line(name, value));
                }
            }
            card.line("constraints", if constraints.is_empty() { "none".into() } else { constraints.join(", ") })
                .show();
        }
    }

    /// What all networks have.
    fn card(name: &str, network: &dyn Network) -> Card {
        let sizes = network.sizes();
        let parameters = network.parameters();
        let count = |trainable: bool| -> usize {
            parameters.iter().filter(|(_, one)| one.trainable == trainable).map(|(_, one)| one.value.numel()).sum()
        };
        let (trained, frozen) = (count(true), count(false));
        let memory = &parameters.memory;
        Card::new(name)
            .line("units", sizes.n_rec)
            .line("inputs", sizes.n_in)
            .line("outputs", sizes.n_out)
            .line("dt", format!("{} ms", sizes.dt))
            .line(
                "parameters",
                if frozen == 0 { trained.to_string() } else { format!("{trained}, and {frozen} frozen") },
            )
            .line("trained", trials_of(memory.updates, memory.trials))
    }
}

#[cfg(feature = "torch")]
fn trials_of(updates: u64, trials: u64) -> String {
    if updates == 0 { "not yet".into() } else { format!("{updates} updates, {trials} trials") }
}

/// How fast a mode grows, decays and rotates.
fn rates(card: Card, value: &Eigenvalue) -> Card {
    card.line(
        "time constant",
        format!("{:.4} ms, of steps {:.4} ms", value.time_constant, value.time_constant_of_steps),
    )
    .line("frequency", format!("{:.4} Hz", value.frequency))
    .line("grows", if value.grows() { "yes" } else { "no" })
}

/// The sizes of complex numbers.
fn sizes(numbers: &Array1<Complex64>) -> String {
    numbers.iter().map(|number| format!("{:.4}", number.norm())).collect::<Vec<_>>().join(", ")
}

/// What the catalog has of a task.
fn entry_of(entry: &Entry) -> Card {
    let papers = entry.papers.iter().map(|paper| format!("{}, doi:{}", paper.citation, paper.doi));
    Card::new(entry.name)
        .line("asks", entry.about)
        .line("tags", entry.tags.join(", "))
        .line("papers", papers.collect::<Vec<_>>().join("; "))
        .line("networks reach", entry.reached.unwrap_or("not measured"))
        .line("in Rust", entry.rust())
}

/// What a batch of trials has.
fn trials(name: &str, batch: &Batch) -> Card {
    Card::new(name)
        .line("trials", batch.n_trials())
        .line("steps", batch.n_steps())
        .line("times", span(&batch.times()))
        .line("inputs", batch.inputs.dim().2)
        .line("outputs", batch.targets.dim().2)
        .line("columns", batch.values.names().collect::<Vec<_>>().join(", "))
}

fn span(times: &[f64]) -> String {
    match times {
        [] => "none".into(),
        [first, .., last] => format!("{first} to {last} ms"),
        [one] => format!("{one} ms"),
    }
}

/// One row an array: its shape, and how its numbers are distributed.
fn arrays(weights: &Weights) -> Table {
    let arrays: Vec<_> = weights.names().filter_map(|name| Some((name, weights.array(name).ok()?))).collect();
    let of = |number: &dyn Fn(&[f64]) -> f64| -> Vec<Value> {
        let numbers = arrays.iter().map(|(_, array)| array.iter().map(|&x| f64::from(x)).collect::<Vec<_>>());
        numbers.map(|numbers| (!numbers.is_empty()).then(|| number(&numbers)).into()).collect()
    };
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let sd = |x: &[f64]| (x.iter().map(|value| (value - mean(x)).powi(2)).sum::<f64>() / x.len() as f64).sqrt();
    let zero = |x: &[f64]| x.iter().filter(|&&value| value == 0.0).count() as f64 / x.len() as f64;
    columns([
        ("array", arrays.iter().map(|(name, _)| (*name).into()).collect()),
        ("shape", arrays.iter().map(|(_, array)| shape(array.shape()).into()).collect()),
        ("mean", of(&mean)),
        ("sd", of(&sd)),
        ("min", of(&|x| x.iter().copied().fold(f64::INFINITY, f64::min))),
        ("max", of(&|x| x.iter().copied().fold(f64::NEG_INFINITY, f64::max))),
        ("zeros", of(&zero)),
    ])
}

fn columns<'a>(columns: impl IntoIterator<Item = (&'a str, Vec<Value>)>) -> Table {
    let mut table = Table::new();
    for (name, column) in columns {
        // All columns have one row a value, so no insertion can fail.
        drop(table.insert(name, column));
    }
    table
}

/// The heading of a column of trials, with how many were left out since they lack something.
fn trials_but(left_out: &[(usize, &str)]) -> String {
    let some = left_out.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} without {what} left out"));
    let some: Vec<_> = some.collect();
    if some.is_empty() { "trials".into() } else { format!("trials ({})", some.join(", ")) }
}

fn values<T: Copy + Into<Value>>(numbers: &[T]) -> Vec<Value> {
    numbers.iter().map(|&number| number.into()).collect()
}

fn shape(dimensions: &[usize]) -> String {
    dimensions.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ")
}

/// A value by its fields; arrays by their shapes.
fn fields(title: &str, value: &impl Serialize) -> Card {
    match serde_json::to_value(value) {
        Ok(Json::Object(fields)) => {
            fields.iter().fold(Card::new(title), |card, (name, value)| card.line(&name.replace('_', " "), text(value)))
        }
        Ok(value) => Card::new(title).line("", text(&value)),
        Err(error) => Card::new(title).line("", error),
    }
}

fn text(value: &Json) -> String {
    const SHOWN: usize = 8;
    match value {
        Json::Null => "none".into(),
        Json::Number(number) if number.is_f64() => match number.as_f64().unwrap_or(f64::NAN) {
            // A probability may be so small that it would be many zeros, or 0.
            small if small != 0.0 && small.abs() < 1e-4 => format!("{small:.3e}"),
            // Most numbers were single ones.
            number => (number as f32).to_string(),
        },
        Json::String(text) => text.replace('_', " "),
        Json::Array(items) if items.is_empty() => "none".into(),
        Json::Array(items) if items.len() > SHOWN => format!("{} values", items.len()),
        Json::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        Json::Object(fields) if fields.is_empty() => "none".into(),
        // An array, as ndarray writes it.
        Json::Object(fields) if fields.contains_key("dim") && fields.contains_key("data") => {
            let dimensions = fields["dim"].as_array().map(Vec::as_slice).unwrap_or_default();
            let dimensions: Vec<_> = dimensions.iter().filter_map(|n| Some(n.as_u64()? as usize)).collect();
            shape(&dimensions)
        }
        Json::Object(fields) => {
            let field = |(name, value): (&String, &Json)| format!("{}: {}", name.replace('_', " "), text(value));
            fields.iter().map(field).collect::<Vec<_>>().join("; ")
        }
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use ndarray::arr2;
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_words_and_arrays_their_shapes() {
        #[derive(Serialize)]
        struct Settings {
            learning_rate: f32,
            mask: ndarray::Array2<f64>,
            goal: Option<f64>,
            levels: Vec<usize>,
            kind: Json,
            p: [f64; 3],
        }
        let settings = Settings {
            learning_rate: 0.1,
            mask: arr2(&[[1.0, 0.0]]),
            goal: None,
            levels: vec![0; 9],
            kind: json!({ "relu": {} }),
            p: [1.264_099e-107, 0.0, 1e-4],
        };
        assert_eq!(
            fields("Settings", &settings).to_string(),
            "Settings\n  goal           none\n  kind           relu: none\n  learning rate  0.1\n  levels         9 values\n  \
             mask           1 × 2\n  p              1.264e-107, 0, 0.0001"
        );
    }

    #[test]
    fn trials_that_were_left_out_are_told() {
        assert_eq!(trials_but(&[(0, "level"), (0, "answer")]), "trials");
        assert_eq!(trials_but(&[(3, "level"), (0, "answer")]), "trials (3 without level left out)");
    }

    #[test]
    fn an_entry_of_the_catalog_says_what_it_asks() {
        let entry = crate::tasks::catalog::find("sine_wave").unwrap();
        let text = entry_of(entry).to_string();
        assert!(text.starts_with("sine_wave\n  asks ") && text.ends_with("SineWave::default()"), "{text}");
    }

    #[test]
    fn weights_are_summarized() {
        let mut weights = Weights::new();
        weights.insert("W_rec", arr2(&[[1.0, 0.0], [-1.0, 2.0]]));
        let table = arrays(&weights);
        assert_eq!(table.column("shape").unwrap(), [Value::from("2 × 2")]);
        assert_eq!(table.numbers("mean").unwrap(), [0.5]);
        assert_eq!(table.numbers("zeros").unwrap(), [0.25]);
    }
}
