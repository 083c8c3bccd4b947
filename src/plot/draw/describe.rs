//! Figures in words.

use super::axes::{Axes, color_range};
use super::ticks::{Scale, brief};
use crate::plot::panel::{Axis, Heatmap, Mark, Panel};
use crate::plot::style::Style;

/// The panel in words: its title, its axes with their ranges, and what is on them.
pub(crate) fn describe(panel: &Panel) -> String {
    let axes = match Axes::new(panel) {
        Ok(axes) => axes,
        Err(error) => return error.to_string(),
    };
    let axis = |name: &str, axis: &Axis, scale: Scale| {
        let label = if axis.label.is_empty() { String::new() } else { format!(" \"{}\"", axis.label) };
        let log = if scale.log { ", logarithmic" } else { "" };
        format!("{name}{label} {} to {}{log}", brief(scale.range.0), brief(scale.range.1))
    };
    let mut parts = vec![axis("x", &panel.x, axes.x), axis("y", &panel.y, axes.y)];
    if !panel.title.is_empty() {
        parts.insert(0, format!("\"{}\"", panel.title));
    }
    // What has no name is counted.
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for mark in &panel.marks {
        let (what, style) = match mark {
            Mark::Line { x, style: Style { label: Some(label), .. }, .. } if x.is_empty() => {
                parts.push(format!("by \"{label}\":"));
                continue;
            }
            Mark::Line { style, .. } => ("line", style),
            Mark::Points { style, .. } => ("points", style),
            Mark::Intervals { style, .. } => ("intervals", style),
            Mark::Band { style, .. } => ("band", style),
            Mark::VLine { style, .. } => ("vertical rule", style),
            Mark::HLine { style, .. } => ("horizontal rule", style),
            Mark::Shade { style, .. } => ("shade", style),
            Mark::Heatmap(map) => {
                parts.push(describe_heatmap(map));
                continue;
            }
            Mark::Text { text, .. } => {
                parts.push(format!("text \"{text}\""));
                continue;
            }
        };
        match (&style.label, counts.iter_mut().find(|count| count.0 == what)) {
            (Some(label), _) => parts.push(format!("{what} \"{label}\"")),
            (None, Some(count)) => count.1 += 1,
            (None, None) => counts.push((what, 1)),
        }
    }
    parts.extend(axes.emptiness().map(str::to_owned));
    parts.extend(counts.into_iter().map(|(what, n)| if n == 1 { what.to_owned() } else { format!("{n} × {what}") }));
    parts.join(", ")
}

fn describe_heatmap(map: &Heatmap) -> String {
    let (low, high) = color_range(map);
    let label = if map.label.is_empty() { String::new() } else { format!(" of \"{}\"", map.label) };
    let cells = format!("heatmap{label}, {} by {} cells", map.rows, map.columns);
    format!("{cells}, colors {} to {}", brief(low), brief(high))
}
