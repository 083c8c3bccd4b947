//! Specifications, right and wrong.

use std::fs;
use std::path::Path;

use serde_json::{Value as Json, json as object};

use super::given::Given;
use super::{KEYS, Run, Specification};
use crate::Result;
use crate::network::RnnConfig;
use crate::random::Seed;

/// What these values say.
fn of(given: Json) -> Result<Specification> {
    Specification::of(Given::of_values(given, Path::new("")))
}

/// What only someone who writes Rust knows.
const FOREIGN: &[&str] = &[
    "usize",
    "u64",
    "i64",
    "u32",
    "f32",
    "f64",
    "null",
    "map",
    "variant",
    "struct",
    "enum",
    "sequence",
    "option",
    "Option",
    "unit",
    "newtype",
    "tuple",
    "floating",
    "boolean",
    "untagged",
    "serde",
    "None",
    "Some",
    "deserialize",
];

/// Each place within a value at which something can be put in the place of what is there.
fn places(value: &Json, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    if !path.is_empty() {
        found.push(path.clone());
    }
    let below: Vec<(String, &Json)> = match value {
        Json::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
        // Of a list of numbers the first is as good as any.
        Json::Array(list) => list.iter().take(1).map(|value| ("0".to_owned(), value)).collect(),
        _ => Vec::new(),
    };
    for (name, value) in below {
        path.push(name);
        places(value, path, found);
        path.pop();
    }
}

#[test]
fn runs_may_be_trained_side_by_side() {
    fn on_any_thread<T: Send + Sync>() {}
    on_any_thread::<Run>();
}

fn complete(text: &str) -> Json {
    Specification::from_text(text).unwrap_or_else(|error| panic!("{error}")).complete
}

#[test]
fn what_is_of_a_wrong_kind_is_refused_by_its_key_in_plain_words() {
    let everything = r#"
regularizers = [{ l2_rates = { strength = 0.1 } }, { l1_weights = { weights = "W_rec", strength = 0.1 } }]
[task]
name = "random_dots"
[network]
units = 6
tau = [100.0, 100.0, 100.0, 50.0, 50.0, 50.0]
freeze = ["b_out"]
dale_ratio = 0.8
recurrent_connectivity = [[0, 1, 1, 1, 1, 1], [1, 0, 1, 1, 1, 1], [1, 1, 0, 1, 1, 1], [1, 1, 1, 0, 1, 1], [1, 1, 1, 1, 0, 1], [1, 1, 1, 1, 1, 0]]
[trainer]
updates = 10
until = 0.9
patience = 3
time_limit = 10
schedule = { steps = { every = 3, factor = 0.5 } }
[validation]
trials = 5
"#;
    let stages = r#"
[task]
name = "perceptual_discrimination"
onset = { uniform = { low = 100, high = 200 } }
[network]
kind = "lstm"
units = 4
[trainer]
trials = 100
optimizer = { adam_w = {} }
clip = { global = 1.0 }
[curriculum]
stages = [{ threshold = 0.6 }, { threshold = 0.7, task = { coherences = [0.2] } }]
"#;
    let wrong = [
        Json::from("many"),
        Json::from(-1.5),
        true.into(),
        Json::Null,
        Json::from(Vec::<Json>::new()),
        object!([["x"]]),
        object!({}),
        object!({ "many": 1 }),
        Json::from(-3),
        Json::from(1e300),
    ];
    let (mut refused, mut accepted) = (0, 0);
    for text in [everything, stages] {
        let complete = complete(text);
        let mut found = Vec::new();
        places(&complete, &mut Vec::new(), &mut found);
        for (i, path) in found.iter().enumerate() {
            for value in wrong.iter().skip(i % 3).step_by(3) {
                let mut given = complete.clone();
                let pointer = format!("/{}", path.join("/"));
                let Some(place) = given.pointer_mut(&pointer) else { unreachable!("{pointer}") };
                *place = value.clone();
                let Err(error) = of(given) else {
                    accepted += 1;
                    continue;
                };
                refused += 1;
                let text = error.to_string();
                let word = |c: char| !(c.is_alphanumeric() || c == '_');
                let foreign = text.split(word).find(|word| FOREIGN.contains(word));
                assert!(foreign.is_none(), "{foreign:?} in: {text} ({pointer} = {value})");
                // The key, or the one above it that it is all about.
                let named = path.iter().rev().take(2).any(|name| name.parse::<usize>().is_err() && text.contains(name));
                assert!(
                    named || path.len() > 2 && text.contains(&path[path.len() - 3]),
                    "{text} ({pointer} = {value})"
                );
            }
        }
    }
    assert!(refused > 3 * accepted && refused > 200, "{refused} refused, {accepted} accepted");
}

#[test]
fn words_of_other_kinds_are_told_apart() {
    let says =
        |text: &str| Specification::from_text(text).map_or_else(|error| error.to_string(), |_| "accepted".to_owned());
    let task = "[task]\nname = \"random_dots\"\n";
    for (text, key, advice) in [
        (format!("{task}coherences = [nan]"), "task.coherences[0]: ", "finite"),
        (format!("{task}coherences = [0.1, -inf]"), "task.coherences[1]: ", "finite"),
        (format!("{task}stimulus = inf"), "task.stimulus: ", "finite"),
        (format!("{task}stimulus = 2020-01-01"), "task.stimulus: ", "date"),
        (format!("{task}[trainer]\ntrials = 5e5\nupdates = 3"), "trainer.updates: ", "`trials` is given too"),
        (format!("{task}[trainer]\nlength = 5\ntrials = 5"), "trainer.trials: ", "`length` is given too"),
        (format!("{task}[trainer]\ntrials = 0.5"), "trainer.trials: ", "whole number"),
        (format!("{task}[trainer]\ntrials = \"many\""), "trainer.trials: ", "whole number"),
        (format!("{task}[trainer]\nupdates = -5"), "trainer.updates: ", "whole number"),
        (format!("{task}[trainer]\nlength = \"long\""), "trainer.length: ", "trials, updates"),
        (format!("{task}[trainer]\nclip = 1"), "trainer.clip: ", "none, per_parameter, global"),
        (format!("{task}[trainer]\nclip = \"gobal\""), "trainer.clip: ", "none, per_parameter, global"),
        (format!("{task}[trainer]\noptimizer = \"adm\""), "trainer.optimizer: ", "adam"),
        (format!("{task}[trainer]\nschedule = {{ steps = {{ every = 0, factor = 0.5 }} }}"), ".every: ", "at least 1"),
        (format!("{task}[network]\nautapses = false\nconstraints.no_autapses = true"), "network.autapses: ", "too"),
        (format!("{task}[network]\nfreeze = [\"W_in\"]\nfrozen = []"), "network.frozen: ", "network.freeze"),
        (format!("{task}[network]\ndale_ratio = 1.75"), "network.dale_ratio: ", "at most 1"),
        (format!("{task}[network]\nautapses = \"no\""), "network.autapses: ", "true or false"),
        (format!("{task}[network]\nrecurrent_connectivity = 3"), "network.recurrent_connectivity: ", "list of rows"),
        (format!("{task}catch = \"often\""), "task.catch: ", "a number"),
        (format!("{task}catch = 0.1\nprotocol.catch = 0.1"), "task.catch: ", "task.protocol.catch"),
        ("task = 3".to_owned(), "task", "table"),
        (format!("trainer = 3\n{task}"), "trainer", "table"),
        (format!("network = 3\n{task}"), "network", "table"),
        (format!("checkpoint = 3\n{task}"), "checkpoint", "updates, seconds"),
    ] {
        let said = says(&text);
        assert!(said.contains(key) && said.contains(advice), "{said}\n{text}");
    }
}

#[test]
fn yangs_networks_can_be_specified() {
    let text = r#"
[task]
name = "random_dots"
[network]
units = 256
form = "rate"
transfer = "softplus"
noise = 0.05
readout = "sigmoid"
freeze = ["init_state"]
[network.initial]
input = { fan_in_gaussian = { gain = 1.0 } }
recurrent = { scaled_identity = { scale = 0.5 } }
output = "glorot_uniform"
balance = "none"
radius = "none"
state = [0.0, 0.0]
[trainer]
updates = 10
clip = { value = 1.0 }
"#;
    let complete = complete(text);
    let (mut network, yang) = (complete["network"].clone(), crate::number::json(&RnnConfig::yang()));
    network.as_object_mut().unwrap().retain(|key, _| key != "kind" && yang.get(key).is_some());
    assert_eq!(network, yang);
    assert_eq!(complete["trainer"]["clip"], object!({ "value": 1.0 }));
    let orthogonal = text.replace("scaled_identity", "orthogonal");
    Specification::from_text(&orthogonal).unwrap();
    let error = Specification::from_text(&orthogonal.replace("\"rate\"", "\"rates\"")).unwrap_err().to_string();
    assert!(error.contains("network.form: ") && error.contains("current, rate"), "{error}");
}

#[test]
fn the_keys_name_every_model_kind_and_loss() {
    for given in ["model = \"none\"", "network.kind = \"none\"", "loss = \"none\""] {
        let text = format!("{given}\ntask.name = \"random_dots\"\n");
        let error = Specification::from_text(&text).unwrap_err().to_string();
        let (_, names) = error.split_once("there are ").or(error.split_once("it must be ")).unwrap();
        for name in names.split([',', ' ']).map(|name| name.trim_matches('"')).filter(|name| !["", "or"].contains(name))
        {
            assert!(KEYS.split(|c: char| c != '_' && !c.is_alphanumeric()).any(|word| word == name), "{error}");
        }
    }
}

const TOML: &str = r#"
[task]
name = "perceptual_discrimination"
dt = 10.0
duration = 200.0
[network]
kind = "rnn"
units = 4
noise = 0.1
constraints.dale_ratio = 0.8
constraints.recurrent = [[0, 1, 1, 0], [1, 0, 1, 1], [1, 1, 0, 1], [0, 1, 1, 0]]
seed = 1
[trainer]
batch_size = 20
learning_rate = 0.001
clip = { global = 1.0 }
[loss]
mean_squared_error.per_mask = true
[curriculum]
stages = [{ threshold = 0.9, task = { duration = 300.0 } }, { threshold = 0.5 }]
"#;
const JSON: &str = r#"{"task": {"name": "random_dots"}, "network": {"kind": "lstm", "units": 3, "seed": 2},
        "regularizers": [{"l2_rates": {"strength": 0.1}}], "validation": {"trials": 10}, "checkpoint": {"updates": 5}}"#;
const WORDS: [&str; 24] = [
    "-1",
    "0",
    "1e999",
    "nan",
    "inf",
    "null",
    "true",
    "[]",
    "{}",
    "[[",
    "{{",
    "]]",
    "\"",
    "\n[",
    "99999999999999999999",
    "0.5",
    "units",
    "seed = ",
    "\"a\": ",
    "= ",
    "\u{1F9E0}",
    "file.npz:name",
    "[[1], [2, 3]]",
    "1979-05-27",
];

/// Whether no number asks for much work: how much is too much is another matter than whether a file is read.
fn is_small(value: &Json) -> bool {
    match value {
        Json::Number(number) => number.as_f64().is_some_and(|number| number.abs() <= 2000.0),
        Json::Array(values) => values.iter().all(is_small),
        Json::Object(fields) => fields.values().all(is_small),
        _ => true,
    }
}

/// The most memory that this process has had, in bytes, where the system tells it.
fn most_memory() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<usize>().ok()).unwrap_or(0) * 1024
}

/// `PSYCHRNN_MUTATIONS` says how many changed files there are; by default 10,000.
#[test]
fn no_changed_specification_panics_or_takes_much_memory() {
    let count = std::env::var("PSYCHRNN_MUTATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(10_000_u64);
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let (mut read, mut before) = (0, 0);
    for seed in 0..count {
        let mut rng = Seed(seed).stream(0);
        let (mut text, name) =
            if seed % 2 == 0 { (TOML.to_owned(), "changed.toml") } else { (JSON.to_owned(), "changed.json") };
        for _ in 0..1 + rng.index(3) {
            let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let from = places[rng.index(places.len())];
            let to = places.iter().copied().find(|&at| at >= from + rng.index(9)).unwrap_or(text.len());
            match rng.index(5) {
                0 => text.replace_range(from..to, ""),
                1 => text.replace_range(from..to, WORDS[rng.index(WORDS.len())]),
                2 => text.truncate(from),
                3 => {
                    let piece = text[from..].chars().take(40).collect::<String>();
                    text.insert_str(places[rng.index(places.len())], &piece);
                }
                _ => {
                    let digits: Vec<usize> =
                        text.match_indices(|c: char| c.is_ascii_digit()).map(|(at, _)| at).collect();
                    if let Some(&at) = digits.get(rng.index(digits.len().max(1))) {
                        text.replace_range(at..=at, &rng.index(10).to_string());
                    }
                }
            }
        }
        fs::write(folder.path().join(name), &text).unwrap();
        let given = Given::read(&folder.path().join(name)).map_err(|error| error.to_string());
        if let Ok(given) = given
            && is_small(&given.value)
        {
            read += usize::from(Specification::of(given).map_err(|error| error.to_string()).is_ok());
        }
        // The first ones bring libtorch into memory.
        if seed == 20 {
            before = most_memory();
        }
    }
    assert!(read > 0);
    assert!(most_memory() - before < 64 << 20, "{} bytes", most_memory() - before);
}
