//! The chart on speed: the numbers of the table that `cargo xtask bench` gave.

use std::fs;

use anyhow::{Context, Result};
use psychrnn::plot::{Figure, Legend, Marker, Panel, Style};

/// How the table begins.
const HEAD: &str = "| one update";
/// Where it stands.
const PAGE: &str = "site/pages/speed.md";

/// The time of one update of networks of this many units, ours and of the others, in milliseconds.
struct Measured {
    names: Vec<String>,
    rows: Vec<(f64, Vec<Option<f64>>)>,
}

pub(crate) fn figure() -> Result<Figure> {
    let text = fs::read_to_string(crate::root().join(PAGE)).with_context(|| format!("cannot read {PAGE}"))?;
    let table = read(&text).with_context(|| format!("no table in {PAGE} begins with `{HEAD}`"))?;
    let mut panel = Panel::new()
        .x_label("Units")
        .y_label("One update (ms)")
        .log_x()
        .log_y()
        .x_ticks(table.rows.iter().map(|(units, _)| (*units, units.to_string())))
        .legend(Legend::Outside);
    for (i, name) in table.names.iter().enumerate() {
        let (units, times): (Vec<f64>, Vec<f64>) =
            table.rows.iter().filter_map(|(units, times)| Some((*units, (*times.get(i)?)?))).unzip();
        let color = psychrnn::plot::Color::cycle(i);
        panel = panel.line(&units, &times, Style::new().label(name).color(color));
        panel = panel.points(&units, &times, Style::new().color(color).marker(Marker::Dot));
    }
    Ok(panel.figure().size(460.0, 260.0))
}

/// The rows `| RNN with 50 units | 6.1 ms | 11.7 × | … |` of a table.
fn read(text: &str) -> Option<Measured> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with(HEAD));
    let cells =
        |line: &str| -> Vec<String> { line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect() };
    let names: Vec<String> = cells(lines.next()?).into_iter().skip(1).collect();
    let number = |cell: &String| cell.split_whitespace().next()?.parse::<f64>().ok();
    let mut rows = Vec::new();
    for line in lines.take_while(|line| line.starts_with('|')) {
        let cells = cells(line);
        let units = cells[0].strip_prefix("RNN with ").and_then(|rest| rest.strip_suffix(" units"));
        let Some(units) = units.and_then(|units| units.parse().ok()) else { continue };
        let ours = number(&cells[1])?;
        let others = cells[2..].iter().map(|cell| number(cell).map(|factor| factor * ours));
        rows.push((units, std::iter::once(Some(ours)).chain(others).collect()));
    }
    let names =
        names.into_iter().map(|name| if name == "ours" { "psychrnn (ours)".to_owned() } else { name }).collect();
    (!rows.is_empty()).then_some(Measured { names, rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chart_has_the_numbers_of_the_table() {
        let text = "x\n| one update: all | ours | PyTorch 2 |\n| --- | ---: | ---: |\n| RNN with 50 units | 6.0 ms | 2.5 × |\n\
                    | RNN with 50 units, its batch included | 10.0 ms | |\n| RNN with 100 units | 10 ms | |\n";
        let Measured { names, rows } = read(text).unwrap();
        assert_eq!(names, ["psychrnn (ours)", "PyTorch 2"]);
        assert_eq!(rows, [(50.0, vec![Some(6.0), Some(15.0)]), (100.0, vec![Some(10.0), None])]);
        assert!(read("nothing").is_none());
        figure().unwrap().svg().unwrap();
    }
}
