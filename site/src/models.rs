//! The gallery of PyCog's example models.

use anyhow::{Context, Result};
use psychrnn::models::Model;
use serde_json::Value as Json;

use crate::keys::toml;
use crate::sources::{Shape, Sources, first_paragraph};
use crate::specification::complete;

/// How the table begins that has what `cargo xtask models` measured.
const MEASURED: &str = "| model | PyCog's criterion |";

pub(crate) fn page(sources: &Sources) -> Result<String> {
    let (head, rows) = sources.table("models.rs", "Model", MEASURED)?;
    let row = |model: Model| {
        let begins = format!("| `{model}` |");
        rows.iter().find(|row| row.starts_with(&begins)).with_context(|| format!("the table has no row of {model}"))
    };
    let Shape::Names(names) = &sources.of("Model")?.shape else { anyhow::bail!("a model is one of several names") };
    let mut page = format!(
        "# The gallery of models\n\n\
         PyCog's eleven example models, ready to be trained: a task, a network and a trainer for each. After Song HF, Yang GR, \
         Wang X-J (2016), [doi:10.1371/journal.pcbi.1004792](https://doi.org/10.1371/journal.pcbi.1004792). `cargo xtask models` \
         trains them all; what it measured:\n\n{head}\n{}\n",
        "| --- ".repeat(head.matches('|').count() - 1) + "|"
    );
    for model in Model::ALL {
        page += &format!("{}\n", row(model)?.replacen(&format!("`{model}`"), &format!("[{model}](#model-{model})"), 1));
    }
    page += &format!(
        "\nIn Rust, here one of them:\n\n\
         ```rust\nuse psychrnn::models::Model;\nuse psychrnn::prelude::*;\n\nlet model = Model::{:?};\nlet task = model.task();\n\
         let mut network = Rnn::new(task.as_ref(), model.network().seed(1))?;\n\
         let training = model.trainer()?.seed(1).train(&mut network, task.as_ref())?;\nnetwork.use_best()?;\n```\n\n\
         What differs from PyCog stands in the reference: [`models`](rust:models/index.html).\n",
        Model::RdmDense
    );
    for model in Model::ALL {
        let rust = format!("{model:?}");
        let about = names.iter().find(|name| name.rust == rust).map(|name| first_paragraph(&name.about));
        let specification = format!("model = \"{model}\"\n");
        let all = complete(&specification)?;
        let task = all["task"]["name"].as_str().context("a model has a task")?.to_owned();
        let usual = complete(&format!("[task]\nname = \"{task}\"\n[validation]\n"))?;
        let mut changes = Vec::new();
        for section in ["network", "trainer", "loss", "validation"] {
            differences(section, &usual[section], &all[section], &mut changes);
        }
        page += &format!(
            "\n(model-{model})=\n## {model}\n\n{}\n\nTask: [{task}](tasks/{task}.md). In Rust `Model::{rust}`; in a specification\n\n\
             ```toml\n{specification}```\n\nWhat it sets beside the usual values:\n\n```text\n{}\n```\n",
            about.unwrap_or_default(),
            changes.join("\n")
        );
    }
    Ok(page)
}

/// The keys whose values differ, each on a line.
fn differences(key: &str, usual: &Json, all: &Json, found: &mut Vec<String>) {
    match (usual, all) {
        _ if usual == all => {}
        // Matrices and areas fill pages.
        (_, Json::Object(fields)) if fields.contains_key("data") => found.push(format!("{key}: a matrix")),
        (_, Json::Object(fields)) if fields.contains_key("projections") => {
            let names = fields["areas"].as_array().into_iter().flatten().filter_map(|area| area["name"].as_str());
            found.push(format!("{key}: {}", names.collect::<Vec<_>>().join(", ")));
        }
        // What has one field is one of several kinds.
        (Json::Object(usual), Json::Object(all)) if usual.len() > 1 || usual.keys().eq(all.keys()) => {
            for (name, value) in all {
                let usual = usual.get(name).unwrap_or(&Json::Null);
                differences(&format!("{key}.{name}"), usual, value, found);
            }
        }
        _ => found.push(format!("{key} = {}", toml(all).trim_matches('`'))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_has_what_was_measured_and_what_it_sets() {
        let page = page(&crate::sources().unwrap()).unwrap();
        for model in Model::ALL {
            assert!(
                page.contains(&format!("(model-{model})="))
                    && page.contains(&format!("\n| [{model}](#model-{model}) |")),
                "{model}"
            );
        }
        assert!(page.contains("network.units = 150") && page.contains("constraints.areas: sensory, motor"), "{page}");
    }
}
