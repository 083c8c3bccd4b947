//! The names of runs: what varies and how, short, and safe as those of folders.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::vary::Axis;

/// Up to here a value stands in a name as it is; longer ones stand there by their number.
const LONGEST_VALUE: usize = 40;
/// A name of a folder may have 255 bytes, and those of files get endings.
const LONGEST: usize = 200;

/// A part of a name: `noise=0.05`.
struct Part<'a> {
    axis: usize,
    /// Its place among the columns of the axis.
    place: usize,
    /// The columns that it tells of: those whose values are the same in all rows.
    columns: Vec<&'a str>,
}

/// The names of all combinations, each a row of each axis.
pub(super) fn names(axes: &[Axis], combinations: &[Vec<usize>]) -> Vec<String> {
    let parts: Vec<Part<'_>> = axes.iter().enumerate().flat_map(|(i, axis)| parts(i, axis)).collect();
    let heads: Vec<String> = (0..parts.len()).map(|i| head(&parts, i)).collect();
    let bodies: Vec<Vec<String>> = parts.iter().map(|part| bodies(&axes[part.axis], part.place)).collect();
    let named = |combination: &Vec<usize>, numbered: bool| -> String {
        let one = |i: usize| {
            let row = combination[parts[i].axis];
            match numbered {
                true => format!("{}=#{}", heads[i], row + 1),
                false => format!("{}={}", heads[i], bodies[i][row]),
            }
        };
        (0..parts.len()).map(one).collect::<Vec<_>>().join(" ")
    };
    let mut names: Vec<String> = combinations.iter().map(|combination| named(combination, false)).collect();
    if names.iter().any(|name| name.len() > LONGEST) {
        names = combinations.iter().map(|combination| named(combination, true)).collect();
    }
    if names.iter().any(|name| name.len() > LONGEST) {
        names = (1..=combinations.len()).map(|number| format!("run {number}")).collect();
    }
    names
}

/// The parts that an axis has in a name: columns of the same last word and the same values are one.
fn parts(number: usize, axis: &Axis) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = Vec::new();
    for (place, column) in axis.columns.iter().enumerate() {
        let same = |part: &&mut Part<'_>| {
            last(part.columns[0]) == last(column)
                && axis.rows.iter().all(|row| row.values[part.place] == row.values[place])
        };
        match parts.iter_mut().find(same) {
            Some(part) => part.columns.push(column),
            None => parts.push(Part { axis: number, place, columns: vec![column] }),
        }
    }
    parts
}

fn last(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// What stands before the value: as much of the key's end as tells it from all others.
fn head(parts: &[Part<'_>], i: usize) -> String {
    let end = |key: &str, words: usize| -> String {
        let all: Vec<&str> = key.split('.').collect();
        all[all.len().saturating_sub(words)..].join(".")
    };
    let key = parts[i].columns[0];
    let others = || parts.iter().enumerate().filter(|(other, _)| *other != i).flat_map(|(_, part)| &part.columns);
    let alone = |words: &usize| others().all(|other| safe(&end(other, *words)) != safe(&end(key, *words)));
    let words = (1..=key.split('.').count()).find(alone);
    safe(&words.map_or_else(|| key.to_owned(), |words| end(key, words)))
}

/// The values of a column as they stand in names; those that are long, or would be the same, by their number.
fn bodies(axis: &Axis, place: usize) -> Vec<String> {
    let bodies: Vec<String> = axis.rows.iter().map(|row| safe(&said(&row.values[place]))).collect();
    let mut values: Vec<String> = axis.rows.iter().map(|row| row.values[place].to_string()).collect();
    values.sort();
    values.dedup();
    let told: BTreeSet<String> = bodies.iter().map(|body| body.to_lowercase()).collect();
    match told.len() < values.len() || bodies.iter().any(|body| body.is_empty() || body.len() > LONGEST_VALUE) {
        true => (1..=bodies.len()).map(|number| format!("#{number}")).collect(),
        false => bodies,
    }
}

fn said(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(list) => list.iter().map(said).collect::<Vec<_>>().join(","),
        value => value.to_string(),
    }
}

/// What may stand in the name of a folder anywhere, and in a shell between quotes.
fn safe(text: &str) -> String {
    let plain: String =
        text.chars().map(|c| if c.is_alphanumeric() || "-_.,+".contains(c) { c } else { '_' }).collect();
    // A folder that begins with a point is hidden.
    match plain.strip_prefix('.') {
        Some(rest) => format!("_{rest}"),
        None => plain,
    }
}
