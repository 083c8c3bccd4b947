//! The legend, and where it covers least.

use plotters::prelude::DrawingBackend;

use super::geometry::{Point, Rect, thin};
use super::layout::{insets, legend_entries, legend_width};
use super::marks::{length, pen};
use super::sizes::{CAPITAL, LEGEND_GAP, LEGEND_LINE, SWATCH, TICK_SIZE};
use super::{Painter, letters};
use crate::error::Result;
use crate::plot::color::Color;
use crate::plot::panel::Mark;
use crate::plot::style::{Legend, Style};

/// Between places at which one looks whether something is covered.
const APART: f64 = 3.0;

impl<DB: DrawingBackend> Painter<'_, '_, DB> {
    /// The size of the legend; both are 0 if there is none.
    fn legend_size(&self) -> (f64, f64) {
        let lines = if self.axes.legend == Legend::None { 0 } else { legend_entries(self.axes, self.fonts).len() };
        if lines == 0 { (0.0, 0.0) } else { (legend_width(self.axes, self.fonts), lines as f64 * LEGEND_LINE) }
    }

    /// Whether the legend would cover data wherever it stood within the axes, and there is room for it beside them: `free` already, or
    /// where the axes can end.
    pub(super) fn is_legend_in_the_way(&self, free: f64) -> bool {
        let size = self.legend_size();
        self.axes.legend == Legend::Auto
            && size.1 > 0.0
            && self.free_place(size).1.0 > 0
            && LEGEND_GAP + size.0 <= free.max(0.6 * self.area.width())
    }

    /// The place within the axes, of the corners and what lies between them, where a legend covers least, and how much that is:
    /// data, and rules.
    fn free_place(&self, (width, height): (f64, f64)) -> (Point, (usize, usize)) {
        let area = self.area;
        let (left, right) = (area.left + 8.0, area.right - 4.0 - width);
        let (top, bottom) = (area.top + 2.0, area.bottom - 6.0 - height);
        let (center, middle) = ((left + right) / 2.0, (top + bottom) / 2.0);
        let corners = [(right, top), (left, top), (right, bottom), (left, bottom)];
        let between = [(right, middle), (left, middle), (center, top), (center, bottom)];
        let (inked, ruled) = (self.inked(), self.ruled());
        let hidden = |(left, top): Point| {
            let place = Rect { left, top, right: left + width, bottom: top + height }.grown(2.0);
            // What does not fit within the axes covers what is beside them.
            let within = area.grown(4.0).contains((left, top)) && place.bottom <= area.bottom + 4.0;
            let covered = |points: &[Point]| points.iter().filter(|at| place.contains(**at)).count();
            (covered(&inked) + usize::from(!within), covered(&ruled))
        };
        let places = corners.into_iter().chain(between).map(|place| (place, hidden(place)));
        places.min_by_key(|(_, hidden)| *hidden).unwrap_or(((right, top), (0, 0)))
    }

    pub(super) fn legend(&self) -> Result<()> {
        let axes = self.axes;
        let (width, height) = self.legend_size();
        if height == 0.0 {
            return Ok(());
        }
        let area = self.area;
        let (left, right) = (area.left + 8.0, area.right - 4.0 - width);
        let (top, bottom) = (area.top + 2.0, area.bottom - 6.0 - height);
        let (left, top) = match axes.legend {
            Legend::TopRight => (right, top),
            Legend::TopLeft => (left, top),
            Legend::BottomRight => (right, bottom),
            Legend::BottomLeft => (left, bottom),
            Legend::Outside => {
                let bar =
                    if axes.bar.is_some() { insets(axes, area, false, self.fonts).right - width } else { LEGEND_GAP };
                (area.right + bar, top)
            }
            Legend::Auto | Legend::None => self.free_place((width, height)).0,
        };
        let place = Rect { left, top, right: left + width, bottom: top + height };
        self.sheet.fill(&[place.grown(2.0).corners()], Color::WHITE, 0.8)?;
        for (line, (named, label)) in legend_entries(axes, self.fonts).into_iter().enumerate() {
            let middle = top + (line as f64 + 0.5) * LEGEND_LINE;
            if let Some((mark, style, color)) = named {
                self.swatch(mark, style, color, (left, middle))?;
            }
            let at = (left + SWATCH + 6.0, middle + TICK_SIZE * CAPITAL / 2.0);
            self.sheet.text(at, &label, letters(TICK_SIZE))?;
        }
        Ok(())
    }

    fn swatch(&self, mark: &Mark, style: &Style, color: Color, (left, middle): Point) -> Result<()> {
        let center = left + SWATCH / 2.0;
        match mark {
            Mark::Points { .. } => {
                // The place of a legend need not be on the axes, which `points` clips to.
                let area = Rect { left, top: middle, right: left + SWATCH, bottom: middle };
                Painter { area, ..*self }.points(&[(center, middle)], style, color)
            }
            Mark::Band { .. } | Mark::Shade { .. } => {
                let patch = Rect { left, right: left + SWATCH, top: middle - 4.0, bottom: middle + 4.0 };
                self.sheet.fill(&[patch.corners()], color, style.opacity.unwrap_or(0.25))
            }
            Mark::Intervals { .. } => {
                self.sheet.stroke(&[vec![(center, middle - 5.0), (center, middle + 5.0)]], pen(style, color, 1.25))
            }
            _ => {
                let width = if matches!(mark, Mark::Line { .. }) { 1.5 } else { 1.0 };
                self.sheet.stroke(&[vec![(left, middle), (left + SWATCH, middle)]], pen(style, color, width))
            }
        }
    }

    /// Places where there are data, a few points apart.
    fn inked(&self) -> Vec<Point> {
        let mut inked = Vec::new();
        for mark in &self.axes.panel.marks {
            match mark {
                Mark::Line { x, y, .. } => inked.extend(self.runs(x, y).iter().flat_map(|run| self.along(run))),
                Mark::Points { x, y, .. } => inked.extend(self.runs(x, y).into_iter().flatten()),
                Mark::Intervals { x, low, high, .. } | Mark::Band { x, low, high, .. } => {
                    let end = |value: &f64| self.y(self.axes.y.raised(*value));
                    let bars = x.iter().zip(low.iter().zip(high)).filter_map(|(x, (low, high))| {
                        let x = self.x(*x)?;
                        Some([(x, end(low)?), (x, end(high)?)])
                    });
                    let bars: Vec<[Point; 2]> = bars.collect();
                    // Of bars closer than a point some are enough, and a band has more between them.
                    let every = bars.len() / 1000 + 1;
                    inked.extend(bars.iter().step_by(every).flat_map(|bar| self.along(bar)));
                    for pair in bars.windows(2).filter(|_| matches!(mark, Mark::Band { .. })) {
                        let steps = ((pair[1][0].0 - pair[0][0].0).abs() / APART).ceil().min(1000.0);
                        let at = |end: usize, t: f64| {
                            let [from, to] = [pair[0][end], pair[1][end]];
                            (from.0 + t * (to.0 - from.0), from.1 + t * (to.1 - from.1))
                        };
                        let between = (1..steps as usize).map(|n| n as f64 / steps);
                        inked.extend(between.flat_map(|t| self.along(&[at(0, t), at(1, t)])));
                    }
                }
                Mark::Heatmap(map) if !map.cells.is_empty() => {
                    let ((left, right), (top, bottom)) = map.extent();
                    let corners = self.x(left).zip(self.x(right)).zip(self.y(top).zip(self.y(bottom)));
                    let Some(((left, right), (top, bottom))) = corners else { continue };
                    let down = |x: f64| [(x, top.max(self.area.top)), (x, bottom.min(self.area.bottom))];
                    let (from, to) = (left.max(self.area.left), right.min(self.area.right));
                    let columns = ((to - from) / APART).clamp(0.0, 1e4) as usize;
                    inked.extend((0..=columns).flat_map(|n| self.along(&down(from + n as f64 * APART))));
                }
                Mark::Text { x, y, text, style } => {
                    let Some((x, y)) = self.x(*x).zip(self.y(*y)) else { continue };
                    let size = length(style.size).unwrap_or(TICK_SIZE - 1.0);
                    let middle = y - size * CAPITAL / 2.0;
                    inked.extend(self.along(&[(x, middle), (x + self.fonts.width(text, size, false), middle)]));
                }
                Mark::Heatmap(_) | Mark::VLine { .. } | Mark::HLine { .. } | Mark::Shade { .. } => (),
            }
        }
        inked
    }

    /// Places on rules across the axes.
    fn ruled(&self) -> Vec<Point> {
        let area = self.area;
        let rules = self.axes.panel.marks.iter().filter_map(|mark| match mark {
            Mark::VLine { x, .. } => self.x(*x).map(|x| [(x, area.bottom), (x, area.top)]),
            Mark::HLine { y, .. } => self.y(*y).map(|y| [(area.left, y), (area.right, y)]),
            _ => None,
        });
        rules.flat_map(|rule| self.along(&rule)).collect()
    }

    /// Places along the part of a line that can be seen.
    fn along(&self, line: &[Point]) -> Vec<Point> {
        let mut places = Vec::new();
        for part in self.area.clip_line(&thin(line.to_vec())) {
            for ends in part.windows(2) {
                let (dx, dy) = (ends[1].0 - ends[0].0, ends[1].1 - ends[0].1);
                let steps = (dx.hypot(dy) / APART).ceil().max(1.0);
                places.extend((0..=steps as usize).map(|n| {
                    let t = n as f64 / steps;
                    (ends[0].0 + t * dx, ends[0].1 + t * dy)
                }));
            }
        }
        places
    }
}
