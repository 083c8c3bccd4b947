//! The page of the keys of a specification.

use anyhow::{Context, Result, bail};
use psychrnn::experiment::{self, Specification};
use psychrnn::models::Model;
use psychrnn::tasks::catalog;
use serde_json::{Value as Json, json};

use crate::keys::{Keys, table};
use crate::sources::Sources;

/// A specification with all of its sections but for those that exclude each other.
const EVERYTHING: &str = "[task]\nname = \"perceptual_discrimination\"\n[validation]\n";
const STAGES: &str = "[task]\nname = \"perceptual_discrimination\"\n[curriculum]\nstages = [{ threshold = 0.9 }]\n";

/// The page, with what the values are that `keys` has met elsewhere, too.
pub(crate) fn page(sources: &Sources, keys: &mut Keys<'_>) -> Result<String> {
    let usual = complete(EVERYTHING)?;
    let mut page = format!(
        "# The keys of a specification\n\n\
         What `psychrnn --help` says of it:\n\n```text\n{}\n```\n\n\
         Below is every key, with its usual value (–: none) and its meaning, which is that of the library's setter of that \
         name. A key with a dot is one of a table: `constraints.dale_ratio = 0.8`. A value that is one of several names is \
         written as a text, `\"relu\"`, or with what belongs to it as a table, `{{ rectified_power = {{ power = 2.0 }} }}`. \
         An unknown key or value is an error that names it, before anything starts. `psychrnn train FILE --check` prints all that a \
         file says, usual values included.\n\n",
        experiment::KEYS.trim_end()
    );
    for section in sections()? {
        page += &format!("(key-{section})=\n## {section}\n\n{}\n", text(&section, &usual, sources, keys)?);
    }
    page += "## Values\n\nWhat is written where a table above says so.\n\n";
    page += &keys.values()?;
    Ok(page)
}

/// A section.
fn text(section: &str, usual: &Json, sources: &Sources, keys: &mut Keys<'_>) -> Result<String> {
    let words = |section: &str| -> Vec<(String, String)> {
        let within = |key: String| key.strip_prefix(&format!("{section}.")).map(str::to_owned);
        experiment::words().filter_map(|(word, field)| Some((within(word)?, within(field)?))).collect()
    };
    let link = |folder: &str, name: &str| format!("[`{name}`]({folder})");
    Ok(match section {
        "model" => {
            let names = Model::ALL.map(|model| link(&format!("#model-{model}"), model.name()));
            format!("One of PyCog's examples, with its task, network, trainer and validation: {}.\n", names.join(", "))
        }
        "task" => {
            let names = catalog::all().map(|entry| link(&format!("tasks/{}.md", entry.name), entry.name));
            let names = names.collect::<Vec<_>>().join(", ");
            format!("`name` is one of {names}. The other keys are the task's arguments, which its page lists.\n")
        }
        "network" => {
            let mut text = String::new();
            // The usual kind comes first.
            let mut kinds: Vec<(&str, &str)> = sources.with_part("KEY").collect();
            kinds.sort_by_key(|(_, kind)| usual["network"]["kind"] != *kind);
            for (of, kind) in kinds {
                let given = format!("{EVERYTHING}[network]\nkind = \"{kind}\"\n");
                let mut usual = complete(&given)?["network"].take();
                usual.as_object_mut().context("a network is a table")?.remove("kind");
                text +=
                    &format!("### `kind = \"{kind}\"`\n\n{}\n", table(&keys.section(of, &usual, &words("network"))?));
            }
            text
        }
        "trainer" => table(&keys.section("Trainer", &usual["trainer"], &words("trainer"))?),
        "loss" => format!(
            "One of these, as a text or as a table; `{}` by default.\n\n{}",
            usual["loss"].as_object().and_then(|loss| loss.keys().next()).context("a loss has a name")?,
            keys.value("LossSection")?
        ),
        "regularizers" => format!("A list of these, none by default.\n\n{}", keys.value("Penalty")?),
        "validation" | "test" => {
            let for_what = match section {
                "test" => "The trials on which `psychrnn test` tests the network, which it has not seen.",
                _ => {
                    "The trials on which training is validated; without this section, and without a model, there are none."
                }
            };
            format!("{for_what}\n\n{}", table(&keys.section("HeldOut", &usual[section], &[])?))
        }
        "curriculum" => {
            let mut usual = complete(STAGES)?["curriculum"].take();
            usual["stages"] = json!([]);
            format!(
                "The task changes from stage to stage; without this section it does not.\n\n{}",
                table(&keys.section("CurriculumSection", &usual, &[])?)
            )
        }
        "checkpoint" => format!(
            "How often the state of training is saved; {} by default.\n\n{}",
            crate::keys::toml(&usual["checkpoint"]),
            keys.value("Every")?
        ),
        new => bail!("say in site/src/specification.rs what the section {new} is"),
    })
}

/// All that a specification says, as JSON.
pub(crate) fn complete(text: &str) -> Result<Json> {
    Ok(serde_json::from_str(&Specification::from_text(text)?.to_string())?)
}

/// The keys at the top: those that are told to whoever writes another one.
fn sections() -> Result<Vec<String>> {
    let error = Specification::from_text("none = 1").err().context("a specification has a key `none`")?.to_string();
    let (_, names) = error.split_once("there are ").context("an unknown key is not told of")?;
    Ok(names.split(", ").map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_with_a_usual_value_is_read_with_it() {
        let sources = crate::sources().unwrap();
        let mut keys = Keys::new(&sources);
        let specification = Specification::from_text(EVERYTHING).unwrap();
        let usual = complete(EVERYTHING).unwrap();
        let mut count = 0;
        for (section, of) in [("network", "RnnConfig"), ("trainer", "Trainer"), ("validation", "HeldOut")] {
            let mut usual = usual[section].clone();
            usual.as_object_mut().unwrap().remove("kind");
            for key in keys.section(of, &usual, &[]).unwrap_or_default() {
                let pointer = format!("/{}", key.key.replace('.', "/"));
                let Some(value) = usual.pointer(&pointer).filter(|value| !value.is_null()) else { continue };
                if let Err(error) = specification.with(&format!("{section}.{}", key.key), value) {
                    // How long training is can be said in two ways, and checks of fresh trials do not go with validation.
                    assert!(error.to_string().contains("left out"), "{error}");
                }
                count += 1;
            }
        }
        assert!(count > 15, "{count}");
    }

    #[test]
    fn the_page_tells_every_section_and_every_value_that_it_links_to() {
        let sources = crate::sources().unwrap();
        let page = page(&sources, &mut Keys::new(&sources)).unwrap();
        for link in page.split("](#").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            assert!(link.starts_with("model-") || page.contains(&format!("({link})=")), "{link}");
        }
        for key in
            ["`constraints.dale_ratio`, or `dale_ratio`", "| `updates` |", "`noise_per_unit`", "### Transfer", "`clip`"]
        {
            assert!(page.contains(key), "{key}");
        }
    }
}
