//! Writes the pages of the site that are made from the code into a folder, or draws the pictures that the crate shows of itself:
//! `cargo xtask site` and `cargo xtask figures` run it.

mod figures;
mod keys;
mod models;
mod pictures;
mod sources;
mod specification;
mod speed;
mod study;
mod tasks;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};

use keys::Keys;
use sources::Sources;

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let done = match arguments.as_slice() {
        [option, folder] if option == Path::new("--figures") => pictures::draw(folder),
        [folder] if !folder.to_string_lossy().starts_with('-') => write(folder),
        _ => {
            eprintln!("Usage: site FOLDER, or site --figures FOLDER");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The folder of the clone.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// What the library's sources say.
fn sources() -> Result<Sources> {
    Sources::read(&root().join("src"))
}

/// Writes the pages.
fn write(folder: &Path) -> Result<()> {
    for (name, text) in pages()? {
        save(&folder.join(name), text.as_bytes())?;
    }
    Ok(())
}

/// All pages, by their path on the site.
fn pages() -> Result<Vec<(String, String)>> {
    let sources = sources()?;
    let mut keys = Keys::new(&sources);
    let mut pages = tasks::pages(&sources, &mut keys)?;
    pages.push(("models.md".into(), models::page(&sources)?));
    pages.push(("figures.md".into(), figures::page(&sources)?));
    // The last one, since it says what the values are that the others name.
    pages.push(("specification.md".into(), specification::page(&sources, &mut keys)?));
    Ok(pages)
}

/// Writes a file, in a folder that is made if it is not there.
fn save(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().context("a file lies in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use psychrnn::experiment::Specification;

    use super::*;

    #[test]
    fn every_picture_on_a_page_is_there_and_every_specification_is_one() {
        let mut specifications = 0;
        for (name, text) in pages().unwrap() {
            let folder = Path::new(&name).parent().unwrap();
            for (_, rest) in text.match_indices("data/figures/").map(|(at, _)| text.split_at(at)) {
                let end = rest.find([')', '\n', '"']).unwrap();
                assert!(
                    root().join(&rest[..end]).is_file(),
                    "{name} shows {}: cargo xtask figures --keep",
                    &rest[..end]
                );
            }
            assert!(folder.components().count() < 2, "{name}: pictures are looked for one folder up");
            for block in text.split("```toml\n").skip(1) {
                let block = block.split("```").next().unwrap();
                Specification::from_text(block).unwrap_or_else(|error| panic!("{name}: {error}\n{block}"));
                specifications += 1;
            }
        }
        assert!(specifications > 20, "{specifications}");
    }
}
