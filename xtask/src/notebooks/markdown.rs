//! The blocks of code in a page of Markdown.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// A block of code between fences.
#[derive(Debug, PartialEq)]
pub(crate) struct Block {
    /// What stands behind the opening fence.
    pub(crate) language: String,
    /// The number of the line of its opening fence, from 1.
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// All blocks of a page, in order, also those within directives such as `{note}`.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    // Fences of directives, whose text is a page again.
    let mut directives: Vec<&str> = Vec::new();
    let mut open: Option<(&str, usize, Block)> = None;
    for (index, line) in page.lines().enumerate() {
        let text = line.trim_start();
        let fence = &text[..text.len() - text.trim_start_matches('`').len()];
        let info = text[fence.len()..].trim();
        if let Some((opening, indent, mut block)) = open.take() {
            if info.is_empty() && fence.len() >= opening.len() {
                blocks.push(block);
            } else {
                let spaces = line.len() - text.len();
                block.text.push_str(&line[spaces.min(indent)..]);
                block.text.push('\n');
                open = Some((opening, indent, block));
            }
        } else if fence.len() < 3 {
        } else if info.is_empty() && directives.last().is_some_and(|opening| fence.len() >= opening.len()) {
            directives.pop();
        } else if info.starts_with('{') {
            directives.push(fence);
        } else {
            let block = Block { language: info.to_owned(), line: index + 1, text: String::new() };
            open = Some((fence, line.len() - text.len(), block));
        }
    }
    blocks
}

/// The pages below a folder, in order.
pub(crate) fn pages(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut pages = Vec::new();
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            pages.extend(self::pages(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    pages.sort();
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;
    use crate::run;

    #[test]
    fn blocks_are_found_within_directives_and_lists() {
        let page =
            "a\n```rust\nlet x = 1;\n```\n````{note}\n- b\n  ```sh\n  ls\n    -a\n  ```\n````\n````text\n```\n````\n";
        let block = |language: &str, line, text: &str| Block { language: language.into(), line, text: text.into() };
        let expected = [block("rust", 2, "let x = 1;\n"), block("sh", 7, "ls\n  -a\n"), block("text", 12, "```\n")];
        assert_eq!(blocks(page), expected);
    }

    /// The README and the pages written by hand, with their names.
    fn written_by_hand() -> Vec<(String, String)> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut files = pages(&root.join("site/pages")).unwrap();
        files.extend(["README.md", "CONTRIBUTING.md"].map(|name| root.join(name)));
        let name = |path: &PathBuf| path.strip_prefix(root).unwrap().display().to_string();
        files.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
    }

    /// The blocks of a language, with what to say where they are.
    fn blocks_of(language: &str) -> Vec<(String, String)> {
        let of_page = |(name, page): (String, String)| {
            let blocks = blocks(&page).into_iter().filter(|block| block.language == language);
            blocks.map(|block| (format!("{name}, line {}", block.line), block.text)).collect::<Vec<_>>()
        };
        written_by_hand().into_iter().flat_map(of_page).collect()
    }

    #[test]
    fn every_block_of_python_is_python() {
        let blocks = serde_json::to_string(&blocks_of("python")).unwrap();
        let mut python = Command::new("python3");
        python.args([
            "-c",
            "import json, sys\nfor block in json.loads(sys.argv[1]): compile(block[1], block[0], 'exec')",
        ]);
        run::output(python.arg(blocks)).unwrap();
    }

    #[test]
    fn every_command_of_cargo_exists() {
        let known = run::output(Command::new("cargo").arg("--list")).unwrap();
        let known: Vec<&str> = known.lines().filter_map(|line| line.split_whitespace().next()).collect();
        for (place, text) in blocks_of("sh") {
            for line in text.lines() {
                let words = line.split('#').next().unwrap_or_default().split_whitespace();
                let words: Vec<&str> = words.skip_while(|word| word.contains('=')).collect();
                match words.as_slice() {
                    ["cargo", "xtask", command, rest @ ..] => {
                        let rest: Vec<String> = rest.iter().map(|&word| word.to_owned()).collect();
                        assert!(crate::command(command, &rest).is_some(), "{place}: there is no `{line}`");
                    }
                    ["cargo", command, ..] => {
                        assert!(known.contains(command), "{place}: there is no `{line}`");
                    }
                    _ => {}
                }
            }
        }
    }
}
