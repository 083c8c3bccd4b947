//! Studies, as a notebook has them.

use std::fs;
use std::path::Path;

use psychrnn::experiment::{Design, Scheduler as _, Specification, Study, ThisMachine};
use psychrnn::prelude::*;

const STUDY: &str = r#"
measures = ["accuracy", "error", { accuracy_by = "coherence" }, "trials", { threshold = "signed_coherence" }, "fixed_points"]
[base]
checkpoint = { updates = 2 }
test = { trials = 30 }
[base.task]
name = "perceptual_discrimination"
duration = 200
coherences = [0.2, 0.6]
[base.network]
units = 8
[base.trainer]
updates = 6
batch_size = 4
[vary]
network.noise = [0.0, 0.05]
network.seed = { from = 1, to = 3 }
"#;

fn design() -> Design {
    Design::from_text(STUDY).unwrap()
}

/// What stands at each key of the run with this name.
fn at<const N: usize>(design: &Design, run: &str, keys: [&str; N]) -> [String; N] {
    let all: serde_json::Value = serde_json::from_str(&design.specification(run).unwrap().to_string()).unwrap();
    keys.map(|key| all.pointer(&format!("/{}", key.replace('.', "/"))).unwrap_or(&serde_json::Value::Null).to_string())
}

fn vary(vary: &str) -> psychrnn::Result<Design> {
    Design::from_text(&format!("base.task.name = \"random_dots\"\nbase.trainer.updates = 10\n[vary]\n{vary}"))
}

fn names(text: &str) -> Vec<String> {
    vary(text).unwrap().names().map(str::to_owned).collect()
}

#[test]
fn runs_are_all_combinations_with_names_that_people_read() {
    let design = design();
    let names_of: Vec<&str> = design.names().collect();
    assert_eq!(names_of[..4], ["noise=0 seed=1", "noise=0 seed=2", "noise=0 seed=3", "noise=0.05 seed=1"]);
    assert_eq!(at(&design, "noise=0.05 seed=2", ["network.noise", "network.seed"]), ["0.05", "2"]);
    // Keys that are told apart by more than their last word, in quotes or not.
    assert_eq!(names("\"network.seed\" = [1]\ntrainer.seed = [1, 2]")[1], "network.seed=1 trainer.seed=2");
    // What goes together.
    let both = "[vary.zip]\nnetwork.seed = { from = 1, to = 2 }\ntrainer.seed = { from = 1, to = 2 }";
    assert_eq!(names(both), ["seed=1", "seed=2"]);
    let design = vary(both).unwrap();
    assert_eq!(at(&design, "seed=2", ["network.seed", "trainer.seed"]), ["2", "2"]);
    let groups = "[[vary.zip]]\nnetwork.units = [5, 8]\ntrainer.batch_size = [10, 20]\n[[vary.zip]]\nnetwork.noise = [0, 0.1]\ntrainer.seed = [1, 2]";
    assert_eq!(names(groups)[1], "units=5 batch_size=10 noise=0.1 seed=2");
    // Steps end where they were meant to, without digits that are only rounding.
    assert_eq!(
        names("network.noise = { from = 0, to = 0.3, step = 0.1 }"),
        ["noise=0", "noise=0.1", "noise=0.2", "noise=0.3"]
    );
    assert_eq!(names("network.noise = { from = 0, to = 1, n = 3 }"), ["noise=0", "noise=0.5", "noise=1"]);
    // Values that are long or not to be told apart as names of files.
    assert_eq!(names("task.coherences = [[0.1, 0.2], [0.5]]"), ["coherences=0.1,0.2", "coherences=0.5"]);
    let long = format!(
        "task.coherences = [{0}]",
        ["[0.1, 0.11, 0.12, 0.13, 0.14, 0.15, 0.16, 0.17, 0.18]", "[0.2]"].join(",")
    );
    assert_eq!(names(&long), ["coherences=#1", "coherences=#2"]);
}

#[test]
fn draws_are_those_of_the_seed_and_of_the_key() {
    let drawn = |seed: u64, more: &str| {
        let text = format!(
            "seed = {seed}\nbase.task.name = \"random_dots\"\n[vary.zip]\nnetwork.noise = {{ draw = \"log_uniform\", from = 0.01, to = 1, n = 40 }}\n\
             network.units = {{ draw = \"whole\", from = 3, to = 6, n = 40 }}\n{more}"
        );
        let design = Design::from_text(&text).unwrap();
        let runs: Vec<String> = design.names().map(str::to_owned).collect();
        let value =
            |key: &str| -> Vec<f64> { runs.iter().map(|run| at(&design, run, [key])[0].parse().unwrap()).collect() };
        (value("network.noise"), value("network.units"))
    };
    let (noise, units) = drawn(1, "");
    assert!(
        noise.iter().all(|noise| (0.01..1.0).contains(noise)) && units.iter().all(|units| (3.0..=6.0).contains(units))
    );
    assert!((10..30).contains(&noise.iter().filter(|&&noise| noise < 0.1).count()), "{noise:?}");
    assert!((3..=6).all(|count| units.contains(&f64::from(count))));
    assert_eq!((noise.clone(), units.clone()), drawn(1, "trainer.seed = { from = 1, to = 40 }"));
    let other = drawn(2, "");
    assert!(noise != other.0 && units != other.1);
}

#[test]
fn conditions_are_parts_of_a_specification_with_names() {
    let text = r#"
[lessons.conditions]
curriculum.curriculum = { every = 2, trials = 50, stages = [{ threshold = 0.9, task = { coherences = [0.7] } }, { threshold = 0.9 }] }
fixed.trainer = { until = 0.9, check_every = 2, "clip.global" = 1.0 }
"#;
    let text = text.replace("[lessons", "[vary.lessons");
    let design = vary(&text).unwrap();
    assert_eq!(design.names().collect::<Vec<_>>(), ["lessons=curriculum", "lessons=fixed"]);
    assert!(design.specification("lessons=curriculum").unwrap().curriculum().is_some());
    assert!(design.specification("lessons=fixed").unwrap().curriculum().is_none());
    assert_eq!(at(&design, "lessons=fixed", ["trainer.check_every", "trainer.clip.global"]), ["2", "1.0"]);
}

#[test]
fn a_bad_study_is_refused_by_its_key_and_the_run() {
    let task = "base.task.name = \"random_dots\"\n";
    for (text, said) in [
        ("", vec!["there is nothing in it"]),
        (task, vec!["vary: ", "at least one key"]),
        ("vary.network.noise = [0.1]", vec!["base: ", "must be there"]),
        ("task.name = \"random_dots\"", vec!["task: ", "base"]),
        ("base = \"no-such-file.toml\"\nvary.network.noise = [1]", vec!["no-such-file.toml"]),
        ("+[vary]\nnetwork.nois = [0.1]", vec!["network.nois: ", "is it noise?", "(in the run nois=0.1)"]),
        (
            "+[vary]\nnetwork.units = [5, -5]\ntrainer.seed = [1, 2]",
            vec!["network.units: ", "(in the run units=-5 seed=1)"],
        ),
        ("+[vary]\nnetwork.noise = []", vec!["vary.network.noise: ", "empty"]),
        ("+[vary]\nnetwork.noise = 0.1", vec!["vary.network.noise: ", "write [0.1]"]),
        ("+[vary]\nnetwork = {}", vec!["vary.network: ", "nothing in it"]),
        ("+vary = 3", vec!["vary: ", "table"]),
        ("+[vary]\nnetwork.noise = { from = 1 }", vec!["vary.network.noise: ", "`to`"]),
        ("+[vary]\nnetwork.noise = { from = 1, to = 0 }", vec!["vary.network.noise: ", "no value from 1 to 0"]),
        ("+[vary]\nnetwork.noise = { from = 1, to = 2, step = 0 }", vec!["vary.network.noise: ", "steps of 0"]),
        ("+[vary]\nnetwork.noise = { from = 1, to = 2, by = 1 }", vec!["vary.network.noise.by: ", "no key `by`"]),
        ("+[vary]\nnetwork.noise = { from = 0, to = 1e9 }", vec!["vary.network.noise: ", "the most"]),
        ("+[vary]\nnetwork.noise = { draw = \"normal\", n = 3 }", vec!["vary.network.noise.draw: ", "log_uniform"]),
        (
            "+[vary]\nnetwork.noise = { draw = \"log_uniform\", from = 0, to = 1, n = 3 }",
            vec!["noise.from: ", "above 0"],
        ),
        ("+[vary]\nnetwork.noise = { draw = \"uniform\", from = 0, to = 1 }", vec!["noise.n: ", "how many"]),
        (
            "+[vary.zip]\nnetwork.noise = [1, 2]\ntrainer.seed = [1]",
            vec!["vary.zip: ", "noise has 2 and trainer.seed 1"],
        ),
        ("+[vary]\nnetwork.noise = [1]\nzip = { \"network.noise\" = [2] }", vec!["vary.network.noise: ", "varies too"]),
        (
            "+[vary]\n\"network\" = [{ units = 3 }]\nzip = { \"network.noise\" = [2] }",
            vec!["vary.network.noise: ", "network varies"],
        ),
        ("+[vary]\nnetwork.noise = [0.1, 0.2, 0.1]", vec!["two runs are the same", "noise=0.1"]),
        ("+[vary]\nlessons.conditions = {}", vec!["vary.lessons.conditions: ", "none"]),
        ("+[vary]\nseconds.conditions.a.trainer.updates = 3", vec!["vary.seconds: ", "column"]),
        ("+measures = [\"acuracy\"]\n[vary]\nnetwork.noise = [1]", vec!["measures[0]: ", "is it accuracy"]),
        ("+measures = [\"threshold\"]\n[vary]\nnetwork.noise = [1]", vec!["measures[0]: ", "name of a column"]),
        (
            "+measures = [{ threshold = \"contrast\" }]\n[vary]\nnetwork.noise = [1]",
            vec!["threshold", "no column `contrast`", "(in the run noise=1)"],
        ),
        ("+measures = \"accuracy\"\n[vary]\nnetwork.noise = [1]", vec!["measures: ", "list"]),
        ("+measures = [\"loss\", \"loss\"]\n[vary]\nnetwork.noise = [1]", vec!["measures[1]: ", "twice"]),
        ("+seed = -1\n[vary]\nnetwork.noise = [1]", vec!["seed: ", "whole number"]),
    ] {
        let text = text.strip_prefix('+').map_or(text.to_owned(), |rest| format!("{task}{rest}"));
        let error = Design::from_text(&text)
            .map(|design| design.names().collect::<Vec<_>>().join("; "))
            .unwrap_err()
            .to_string();
        assert!(said.iter().all(|part| error.contains(part)), "{text}\n{error}\n{said:?}");
    }
    let many = "base.task.name = \"random_dots\"\n[vary]\nnetwork.seed = { from = 1, to = 1000 }\ntrainer.seed = { from = 1, to = 1000 }";
    assert!(Design::from_text(many).unwrap_err().to_string().contains("1000000 runs"));
}

/// The bits of a run's last and best weights.
fn weights(run: &psychrnn::experiment::Run) -> [Weights; 2] {
    [run.last_network(), run.network()].map(|network| network.unwrap().weights().unwrap())
}

#[test]
fn a_study_is_done_once_and_each_run_is_what_it_is_alone() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("study");
    let study = Study::begin(&design(), &place).unwrap();
    assert_eq!(study.status().unwrap().waiting, 6);
    let status = ThisMachine::default().silent().threads(2).start(&study).unwrap();
    assert!(status.is_end() && status.done == 6, "{status}");

    for name in study.names() {
        let alone = study.specification(name).unwrap().with("trainer.silent", true).unwrap();
        let alone = alone.train(folder.path().join(name)).unwrap();
        assert_eq!(weights(&study.run(name).unwrap()), weights(&alone), "{name}");
    }
    let table = study.table().unwrap();
    let columns: Vec<&str> = table.names().collect();
    let measured =
        ["accuracy", "accuracy_by coherence=0.2", "accuracy_by coherence=0.6", "trials", "threshold signed_coherence"];
    assert!(measured.iter().all(|name| columns.contains(name)), "{columns:?}");
    assert_eq!(columns[..4], ["run", "network.noise", "network.seed", "state"]);
    assert_eq!(table.numbers("trials").unwrap(), [24.0; 6]);
    let session = study.run("noise=0.05 seed=3").unwrap().test().unwrap();
    assert_eq!(table.numbers("accuracy").unwrap()[5], session.accuracy());
    assert_eq!(table.numbers("error").unwrap()[5], session.rms_error());
    let simulator = study.run("noise=0.05 seed=3").unwrap().network().unwrap().simulator().unwrap();
    let points = FixedPoints::default().of(&simulator, &session).unwrap().points;
    assert_eq!(table.numbers("fixed_points").unwrap()[5], points.len() as f64);
    assert_eq!(table.mean_by("accuracy", "network.noise").unwrap().n_rows(), 2);
    study.evcxr_display();
    design().evcxr_display();
    status.evcxr_display();
    assert!(study.plot_learning(Some("network.noise")).unwrap().png().is_ok());
    assert!(study.plot_learning(Some("noise")).unwrap_err().to_string().contains("network.noise"));

    // Nothing is done again, and nothing is written.
    let dates = |study: &Study| -> Vec<_> {
        let files = study.names().map(|name| place.join("runs").join(name).join("log"));
        files.map(|log| fs::read_to_string(log).unwrap()).collect()
    };
    let before = dates(&study);
    let again = design().train(&place).unwrap();
    assert_eq!(dates(&again), before);
    assert_eq!(again.table().unwrap(), table);
    assert_eq!(Study::open(&place).unwrap().names().count(), 6);
    assert!(
        study.run("noise=1").unwrap_err().to_string().contains("noise=0"),
        "{:?}",
        study.run("noise=1").unwrap_err()
    );
}

#[test]
fn a_folder_of_something_else_is_refused_with_what_differs() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("study");
    Study::begin(&design(), &place).unwrap();
    let before = fs::read_to_string(place.join("study.json")).unwrap();
    for (from, to, said) in [
        ("units = 8", "units = 9", "base.network.units was 8, and is 9"),
        ("units = 8", "units = 9", "6 of its runs are other ones, noise=0 seed=1 the first"),
        ("to = 3", "to = 2", "2 of its runs are not wanted, noise=0 seed=3 the first"),
        ("[0.0, 0.05]", "[0.0, 0.1, 0.2]", "3 of its runs are not wanted, noise=0.05 seed=1 the first"),
        ("\"accuracy\", ", "", "measures was"),
    ] {
        assert!(STUDY.contains(from));
        let other = Design::from_text(&STUDY.replace(from, to)).unwrap();
        let error = Study::begin(&other, &place).unwrap_err().to_string();
        assert!(error.contains("there is another study in it") && error.contains(said), "{error}");
    }
    assert_eq!(fs::read_to_string(place.join("study.json")).unwrap(), before);

    let run = folder.path().join("run");
    let text = "task.name = \"random_dots\"\ntrainer.updates = 1";
    psychrnn::experiment::Run::begin(&Specification::from_text(text).unwrap(), &run).unwrap();
    assert!(Study::begin(&design(), &run).unwrap_err().to_string().contains("of no study"));
    assert!(Study::open(&run).unwrap_err().to_string().contains("there is no study in it"));
    assert!(Study::open(Path::new("no-such-folder")).is_err());
}

#[test]
fn more_is_measured_of_runs_that_have_ended_and_nothing_is_trained_again() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("study");
    let few = STUDY.replace("\"error\", ", "");
    let study = Design::from_text(&few).unwrap().train(&place).unwrap();
    let before = study.table().unwrap();
    let weights = |study: &Study| -> Vec<Vec<u8>> {
        study.names().map(|name| fs::read(place.join(format!("runs/{name}/weights.npz"))).unwrap()).collect()
    };
    let trained = weights(&study);

    let more = Design::from_text(&STUDY.replace("\"error\", ", "\"error\", \"ideal\", ")).unwrap();
    let study = Study::begin(&more, &place).unwrap();
    let status = study.status().unwrap();
    assert_eq!((status.done, status.unfinished), (0, 6), "{status}");
    assert_eq!(study.train().unwrap().done, 6);
    let after = study.table().unwrap();
    for name in ["accuracy", "trials", "seconds"] {
        assert_eq!(after.column(name).unwrap(), before.column(name).unwrap(), "{name}");
    }
    assert!(after.numbers("error").unwrap().iter().all(|error| error.is_finite()));
    // What cannot be measured has been tried.
    assert!(after.column("failure").unwrap().iter().all(|why| why.to_string().contains("no ideal: ")));
    assert_eq!(weights(&study), trained);
    let results = || fs::metadata(place.join("results/noise=0 seed=1.json")).unwrap().modified().unwrap();
    let then = results();
    study.train().unwrap();
    assert_eq!(results(), then);
    assert!(Study::begin(&Design::from_text(&few).unwrap(), &place).is_err());
}

#[test]
fn a_study_grows_by_values_seeds_and_keys_and_nothing_is_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("study");
    let text = |noise: &str, seeds: usize, more: &str| {
        let text = STUDY.replace("[0.0, 0.05]", noise).replace("to = 3", &format!("to = {seeds}")) + more;
        Design::from_text(&text).unwrap()
    };
    let small = text("[0.0, 0.05]", 2, "").train(&place).unwrap();
    let files = |study: &Study| -> Vec<(String, Vec<u8>)> {
        let of_runs = |name: &str| [format!("results/{name}.json"), format!("runs/{name}/log")];
        let files = study.names().flat_map(of_runs).chain(["study.json".into(), "as-given.toml".into()]);
        files.map(|file| (file.clone(), fs::read(place.join(file)).unwrap())).collect()
    };
    let before = files(&small);

    let larger = text("[0.0, 0.1, 0.05]", 3, "");
    let study = Study::begin(&larger, &place).unwrap();
    let status = study.status().unwrap();
    assert_eq!((status.done, status.waiting), (4, 5), "{status}");
    // A process that has begun before knows of its own runs only, and what it does counts.
    assert_eq!(small.status().unwrap().done, 4);
    study.train().unwrap();
    // One more key: the runs that have its value already keep their names.
    let largest = text("[0.0, 0.1, 0.05]", 3, "network.units = [7, 8]");
    let study = largest.train(&place).unwrap();
    assert_eq!(files(&small), before);
    let table = study.table().unwrap();
    assert_eq!((table.n_rows(), study.status().unwrap().done), (18, 18));
    let units = table.only("run", "noise=0.05 seed=2").unwrap().numbers("network.units").unwrap();
    assert_eq!((units, table.only("network.units", 8).unwrap().n_rows()), (vec![8.0], 9));
    assert!(study.names().any(|name| name == "noise=0.05 seed=2 units=7"));
    // What was begun with a smaller file is not a part of it that could be thrown away.
    assert!(Study::begin(&larger, &place).unwrap_err().to_string().contains("9 of its runs are not wanted"));
    let again = largest.train(&place).unwrap();
    assert_eq!(again.names().collect::<Vec<_>>(), study.names().collect::<Vec<_>>());
    assert!(place.join("as-given.3.toml").exists() && !place.join("study.4.json").exists());
    // More draws are the same ones, and others.
    let drawn =
        |n: usize| format!("trainer.learning_rate = {{ draw = \"log_uniform\", from = 1e-4, to = 1e-2, n = {n} }}");
    let folder = folder.path().join("drawn");
    Study::begin(&vary(&drawn(3)).unwrap(), &folder).unwrap();
    assert_eq!(Study::begin(&vary(&drawn(5)).unwrap(), &folder).unwrap().names().count(), 5);
    // Long values are called by their numbers.
    let long = |first: &str| {
        let long = "[0.1, 0.11, 0.12, 0.13, 0.14, 0.15, 0.16, 0.17, 0.18]";
        vary(&format!("task.coherences = [{first}{long}, [0.2]]")).unwrap()
    };
    let folder = folder.with_file_name("long");
    Study::begin(&long(""), &folder).unwrap();
    let error = Study::begin(&long("[0.3], "), &folder).unwrap_err().to_string();
    assert!(error.contains("the run coherences=#1 is another one: put new values last"), "{error}");
}

#[test]
fn a_run_whose_owner_is_there_after_all_is_left_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let study = Study::begin(&design(), folder.path()).unwrap();
    let name = study.names().next().unwrap();
    let checkpoints = folder.path().join("runs").join(name).join("checkpoints");
    fs::create_dir_all(&checkpoints).unwrap();
    let lock = fs::File::create(checkpoints.join("lock")).unwrap();
    lock.lock().unwrap();
    let machine = ThisMachine::default().silent();
    let status = machine.start(&study).unwrap();
    assert_eq!((status.done, status.failed), (5, 0), "{status}");
    drop(lock);
    assert_eq!(machine.start(&study).unwrap().done, 6);

    // Taken over as if this process were gone, and given back: it ends what it does.
    let slow = STUDY.replace("updates = 6", "updates = 400").replace("{ updates = 2 }", "{ updates = 100 }");
    let slow = slow.replace("to = 3", "to = 1").replace("[0.0, 0.05]", "[0.0]");
    let folder = folder.path().join("taken over");
    let study = Study::begin(&Design::from_text(&slow).unwrap(), &folder).unwrap();
    let claims = |ending: &str| -> Vec<std::path::PathBuf> {
        let all = fs::read_dir(folder.join("claims")).unwrap().map(|claim| claim.unwrap().path());
        all.filter(|claim| claim.extension().is_some_and(|number| number == ending)).collect()
    };
    std::thread::scope(|scope| {
        let done = scope.spawn(|| machine.start(&study).unwrap());
        while claims("1").is_empty() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        for claim in claims("1") {
            let owner = fs::read_to_string(&claim).unwrap().replace("\"is_free\":false", "\"is_free\":true");
            fs::write(claim.with_extension("2"), owner).unwrap();
        }
        assert_eq!(done.join().unwrap().done, 1);
    });
    assert!(!claims("3").is_empty());
}

#[test]
fn what_fails_is_marked_and_tried_again_only_if_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let text = STUDY.replace("network.noise = [0.0, 0.05]", "trainer.learning_rate = [0.001, 1e30]");
    let study = Study::begin(&Design::from_text(&text).unwrap(), folder.path()).unwrap();
    let machine = ThisMachine::default().silent();
    let status = machine.start(&study).unwrap();
    assert_eq!((status.done, status.failed), (3, 3), "{status}");
    let table = study.table().unwrap();
    let error = table.column("failure").unwrap()[5].to_string();
    assert!(error.contains("diverged"), "{error}");
    let log = |name: &str| fs::read_to_string(folder.path().join("runs").join(name).join("log")).unwrap();
    let name = study.names().last().unwrap().to_owned();
    let before = log(&name);
    assert_eq!(machine.start(&study).unwrap(), status);
    assert_eq!(log(&name), before);
    assert_eq!(machine.clone().retry().start(&study).unwrap(), status);
    assert_ne!(log(&name), before);
    assert!(ThisMachine::default().threads(0).start(&study).unwrap_err().to_string().contains("threads"));
}

/// The pairs of networks of the notebook on Figure 5: its loop, and the study file of the notebook on studies. A pair of few updates;
/// with `PSYCHRNN_PAIRS=10` all of them, whole.
#[test]
fn a_pair_with_a_curriculum_and_without_is_that_of_an_ensemble() {
    let text = include_str!("../../notebooks/curriculum.toml");
    assert!(include_str!("../../site/pages/studies.md").contains(text), "the page shows another file");
    let pairs = std::env::var("PSYCHRNN_PAIRS").ok().map(|pairs| pairs.parse().unwrap());
    let (seeds, updates, trials) = pairs.map_or((1, 6, 20), |pairs: u64| (pairs, 1000, 500));
    let text =
        text.replace("updates = 1000", &format!("updates = {updates}")).replace("to = 10", &format!("to = {seeds}"));
    let text = text.replace("trials = 500", &format!("trials = {trials}"));
    let folder = tempfile::tempdir().unwrap();
    let study = Study::begin(&Design::from_text(&text).unwrap(), folder.path()).unwrap();
    ThisMachine::default().silent().start(&study).unwrap();

    let at = |coherence: f32| PerceptualDiscrimination::default().coherences(&[coherence]);
    let mut ensemble = Ensemble::new().silent();
    for seed in 1..=seeds {
        let network = || Rnn::new(&at(0.1), RnnConfig::default().units(50).seed(seed)).unwrap();
        let trainer = Trainer::default().batch_size(50).updates(updates).seed(seed);
        let stages = [0.7, 0.5, 0.3, 0.1].iter().fold(Curriculum::new(), |stages, &now| stages.stage(at(now), 0.9));
        let (name, stages) = (|lessons: &str| format!("lessons={lessons} seed={seed}"), stages.every(2).trials(trials));
        ensemble.add_curriculum(&name("curriculum"), network(), trainer.clone(), stages);
        ensemble.add(&name("fixed"), network(), trainer.until(0.9).check_every(2).check_trials(trials), at(0.1));
    }
    let trained = ensemble.train().unwrap();
    for (member, training) in ensemble.members.iter().zip(trained.trainings().unwrap()) {
        let run = study.run(&member.name).unwrap();
        let weights = run.last_network().unwrap().weights().unwrap();
        assert_eq!(weights, member.network.weights().unwrap(), "{}", member.name);
        let found = run.training().unwrap();
        assert_eq!((&found.checks, found.trials, found.stop), (&training.checks, training.trials, training.stop));
    }
}
