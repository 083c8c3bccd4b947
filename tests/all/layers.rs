//! The map in ARCHITECTURE.md: a module uses only those above it in the table, and no files use one another in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The names from the root to a file: `["task", "batch"]`; those of `mod.rs` are its folder's, `lib.rs` has none.
type Place = Vec<String>;

/// What a file says, comments and tests aside.
struct File {
    /// The paths in its code, but for those that it only shows again.
    used: Vec<Place>,
    /// The names that it brings in or shows again, with what they stand for; `*` is all that a module shows.
    names: Vec<(String, Place)>,
}

#[test]
fn modules_use_only_those_above_them() {
    let rows =
        include_str!("../../ARCHITECTURE.md").lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    let order: Vec<&str> =
        rows.flat_map(|row| row.split("`, `")).map(|name| name.trim_end_matches(['`', '/'])).collect();
    let files = files();
    let modules: BTreeSet<&str> = files.keys().filter_map(|place| place.first()).map(String::as_str).collect();
    assert_eq!(modules, order.iter().copied().collect(), "the modules, and those in the table of ARCHITECTURE.md");
    let row = |place: &Place| order.iter().position(|name| *name == place[0]);
    let up = told(uses(&files).into_iter().filter(|(user, used)| row(used) > row(user)));
    assert!(up.is_empty(), "these use what is below them in the table of ARCHITECTURE.md:\n{up}");
}

#[test]
fn no_files_use_one_another_in_a_circle() {
    let uses = uses(&files());
    let around = told(uses.iter().filter(|(user, used)| leads(&uses, used, user)).cloned());
    assert!(around.is_empty(), "these use one another, by way of others or not:\n{around}");
}

fn told(uses: impl Iterator<Item = (Place, Place)>) -> String {
    uses.map(|(user, used)| format!("{} uses {}\n", user.join("::"), used.join("::"))).collect()
}

/// Whether a file uses another one, by way of others or not.
fn leads(uses: &BTreeSet<(Place, Place)>, from: &Place, to: &Place) -> bool {
    let (mut seen, mut waiting) = (BTreeSet::new(), vec![from]);
    while let Some(place) = waiting.pop() {
        if seen.insert(place) {
            waiting.extend(uses.iter().filter(|(user, _)| user == place).map(|(_, used)| used));
        }
    }
    seen.contains(to)
}

/// Which file uses which other. The root, which only shows what others have, is none.
fn uses(files: &BTreeMap<Place, File>) -> BTreeSet<(Place, Place)> {
    let mut uses = BTreeSet::new();
    for (user, file) in files.iter().filter(|(user, _)| !user.is_empty()) {
        let used = file.used.iter().filter_map(|path| owner(files, user, path, 9));
        uses.extend(used.filter(|used| !used.is_empty() && used != user).map(|used| (user.clone(), used)));
    }
    uses
}

/// The file that has what a path in another one leads to, by way of at most so many that only show it again.
fn owner(files: &BTreeMap<Place, File>, from: &Place, path: &[String], ways: usize) -> Option<Place> {
    let (place, rest) = follow(files, from, path)?;
    let Some(name) = rest.first().filter(|_| ways > 0) else { return Some(place) };
    let mut owners = files[&place].names.iter().filter_map(|(shown, path)| match shown.as_str() {
        "*" => {
            let all = follow(files, &place, path)?.0;
            owner(files, &place, &[&path[..], std::slice::from_ref(name)].concat(), ways - 1)
                .filter(|owner| *owner != all)
        }
        shown if shown == name => owner(files, &place, path, ways - 1),
        _ => None,
    });
    owners.next().or(Some(place))
}

/// The file that a path in another one names, and what of the path is left.
fn follow<'a>(files: &BTreeMap<Place, File>, from: &Place, path: &'a [String]) -> Option<(Place, &'a [String])> {
    let ups = path.iter().take_while(|name| *name == "super").count();
    let (mut place, mut rest) = match path.first()?.as_str() {
        "crate" => (Place::new(), &path[1..]),
        "self" => (from.clone(), &path[1..]),
        _ => (from[..from.len().checked_sub(ups)?].to_vec(), &path[ups..]),
    };
    let begun = place.len() != from.len() || path[0] == "self";
    let mut steps = 0;
    while let Some(name) = rest.first() {
        place.push(name.clone());
        if !files.contains_key(&place) {
            place.pop();
            break;
        }
        (rest, steps) = (&rest[1..], steps + 1);
    }
    (begun || steps > 0).then_some((place, rest))
}

fn files() -> BTreeMap<Place, File> {
    let mut files = BTreeMap::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &Place::new(), &mut files);
    files
}

fn read(folder: &Path, place: &Place, files: &mut BTreeMap<Place, File>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let inner = [&place[..], &[name.to_owned()]].concat();
        if path.is_dir() {
            read(&path, &inner, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests" {
            let place = if ["mod", "lib"].contains(&name) { place.clone() } else { inner };
            files.insert(place, parse(&fs::read_to_string(&path).unwrap()));
        }
    }
}

fn parse(text: &str) -> File {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code: String = code.lines().flat_map(|line| [line.split("//").next().unwrap_or_default(), "\n"]).collect();
    let words = words(&code);
    let (mut used, mut names, mut at) = (Vec::new(), Vec::new(), 0);
    while at < words.len() {
        if words[at..].starts_with(&["(", "in"]) {
            // How far a name is seen, not what is used.
            at += words[at..].iter().take_while(|word| **word != ")").count();
        } else if words[at] == "use" {
            let length = words[at..].iter().take_while(|word| **word != ";").count();
            let first = names.len();
            multiply_out(&[], &words[at + 1..at + length], &mut names);
            if at == 0 || !["pub", ")"].contains(&words[at - 1]) {
                used.extend(names[first..].iter().map(|(_, path)| path.clone()));
            }
            at += length;
        } else {
            let pairs = words[at..].chunks_exact(2).take_while(|pair| pair[1] == "::").count();
            if pairs > 0 {
                used.push(words[at..].iter().step_by(2).take(pairs + 1).map(|&word| word.to_owned()).collect());
            }
            at += 1 + 2 * pairs;
        }
    }
    File { used, names }
}

/// Names, `::`, and single characters.
fn words(code: &str) -> Vec<&str> {
    let (mut words, mut rest) = (Vec::new(), code.trim_start());
    while let Some(first) = rest.chars().next() {
        let length = match rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len()) {
            0 if rest.starts_with("::") => 2,
            0 => first.len_utf8(),
            name => name,
        };
        words.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    words
}

/// The paths of `a::{b, c::{d as e}}`, each with the name by which it is known afterwards.
fn multiply_out(before: &[String], words: &[&str], names: &mut Vec<(String, Place)>) {
    let mut depth = 0;
    let parts = words.split(|word| {
        depth += i32::from(*word == "{") - i32::from(*word == "}");
        depth == 0 && *word == ","
    });
    for part in parts.filter(|part| !part.is_empty()) {
        let head = part.iter().take_while(|word| !["{", "as"].contains(word)).count();
        let own = part[..head].iter().filter(|word| !["::", "self", "*"].contains(word)).map(|&word| word.to_owned());
        let path: Place = before.iter().cloned().chain(own).collect();
        match part.get(head) {
            Some(&"{") => multiply_out(&path, &part[head + 1..part.len() - 1], names),
            Some(_) => names.push((part[head + 1].to_owned(), path)),
            None if part[head - 1] == "*" => names.push(("*".to_owned(), path)),
            None => names.push((path.last().cloned().unwrap_or_default(), path)),
        }
    }
}
