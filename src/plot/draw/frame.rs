//! The axes themselves: lines, ticks and labels, the title, the color bar.

use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::HPos;

use super::geometry::Rect;
use super::layout::{bar_ticks, x_ticks, y_ticks};
use super::sheet::{Letters, Pen};
use super::sizes::{BAR, CAPITAL, GAP, LABEL_SIZE, LEGEND_LINE, LETTER_SIZE, SHADES, TICK, TICK_SIZE, TITLE_SIZE};
use super::ticks::Scale;
use super::{Painter, letters};
use crate::error::Result;
use crate::plot::color::Color;
use crate::plot::panel::Axis;

const SPINE: f64 = 1.0;
const MINOR_TICK: f64 = 2.0;

impl<DB: DrawingBackend> Painter<'_, '_, DB> {
    /// The two axes with their ticks and labels.
    pub(super) fn frame(&self) -> Result<()> {
        let area = self.area;
        let (x, y) = (x_ticks(self.axes, area.width(), self.fonts), y_ticks(self.axes, area.height()));
        // Half a line longer at the ends, so that the corner and the outermost ticks close.
        let reach = SPINE / 2.0;
        let mut lines = vec![
            vec![(area.left - reach, area.bottom), (area.right + reach, area.bottom)],
            vec![(area.left, area.bottom + reach), (area.left, area.top - reach)],
        ];
        // A picture has an edge also where it is white.
        if self.axes.bar.is_some() {
            lines.push(vec![(area.left, area.top), (area.right, area.top), (area.right, area.bottom + reach)]);
        }
        // On a pixel of the raster: thin lines stay crisp.
        let crisp = |place: f64| (place * 2.0).round() / 2.0;
        let mut widest = 0.0_f64;
        for (fraction, text) in &x {
            let at = crisp(area.left + fraction * area.width());
            lines.push(vec![(at, area.bottom), (at, area.bottom + TICK)]);
            let baseline = area.bottom + TICK + GAP + TICK_SIZE * CAPITAL;
            self.sheet.text((at, baseline), text, Letters { anchor: HPos::Center, ..letters(TICK_SIZE) })?;
        }
        for (fraction, text) in &y {
            let at = crisp(area.bottom - fraction * area.height());
            lines.push(vec![(area.left, at), (area.left - TICK, at)]);
            let place = (area.left - TICK - GAP, at + TICK_SIZE * CAPITAL / 2.0);
            self.sheet.text(place, text, Letters { anchor: HPos::Right, ..letters(TICK_SIZE) })?;
            widest = widest.max(self.fonts.width(text, TICK_SIZE, false));
        }
        let panel = self.axes.panel;
        let minor = |axis: &Axis, scale: Scale| if axis.ticks.is_none() { scale.minor_ticks() } else { Vec::new() };
        for fraction in minor(&panel.x, self.axes.x).into_iter().filter_map(|tick| self.axes.x.fraction(tick)) {
            let at = crisp(area.left + fraction * area.width());
            lines.push(vec![(at, area.bottom), (at, area.bottom + MINOR_TICK)]);
        }
        for fraction in minor(&panel.y, self.axes.y).into_iter().filter_map(|tick| self.axes.y.fraction(tick)) {
            let at = crisp(area.bottom - fraction * area.height());
            lines.push(vec![(area.left, at), (area.left - MINOR_TICK, at)]);
        }
        self.sheet.stroke(&lines, Pen::new(Color::BLACK, SPINE))?;
        let (center, middle) = area.center();
        let below = if x.is_empty() { 0.0 } else { TICK_SIZE * CAPITAL + GAP + 2.0 };
        let baseline = area.bottom + TICK + below + 4.0 + LABEL_SIZE * CAPITAL;
        let style = Letters { anchor: HPos::Center, ..letters(LABEL_SIZE) };
        self.sheet.text((center, baseline), &panel.x.label, style)?;
        let baseline = area.left - TICK - GAP - widest - 7.0;
        self.sheet.text((baseline, middle), &panel.y.label, Letters { upwards: true, ..style })
    }

    pub(super) fn title(&self, lettered: Option<Rect>) -> Result<()> {
        let title = &self.axes.panel.title;
        // Centered over the axes, but clear of the letter.
        let half = self.fonts.width(title, TITLE_SIZE, false) / 2.0;
        let free = lettered.map_or(f64::NEG_INFINITY, |cell| cell.left + LETTER_SIZE + 4.0);
        let at = (self.area.center().0.max(free + half), self.area.top - 9.0);
        self.sheet.text(at, title, Letters { anchor: HPos::Center, ..letters(TITLE_SIZE) })
    }

    pub(super) fn color_bar(&self) -> Result<()> {
        let Some((map, scale)) = self.axes.bar else { return Ok(()) };
        let left = self.area.right + 12.0;
        let bar = Rect { left, right: left + BAR, ..self.area };
        let color = |n: usize| map.colormap.color(1.0 - n as f64 / SHADES);
        self.sheet.cells(bar, 1, &(0..=SHADES as usize).map(color).collect::<Vec<_>>())?;
        let mut outline = bar.corners();
        outline.push((bar.left, bar.top - SPINE / 2.0));
        let mut lines = vec![outline];
        let mut widest = 0.0_f64;
        for (fraction, text) in bar_ticks(scale, bar.height()) {
            let at = ((bar.bottom - fraction * bar.height()) * 2.0).round() / 2.0;
            lines.push(vec![(bar.right, at), (bar.right + TICK - 1.0, at)]);
            let place = (bar.right + TICK + GAP - 1.0, at + TICK_SIZE * CAPITAL / 2.0);
            self.sheet.text(place, &text, letters(TICK_SIZE))?;
            widest = widest.max(self.fonts.width(&text, TICK_SIZE, false));
        }
        self.sheet.stroke(&lines, Pen::new(Color::BLACK, SPINE))?;
        let baseline = bar.right + TICK + GAP + widest + 4.0 + LABEL_SIZE * CAPITAL;
        let style = Letters { anchor: HPos::Center, upwards: true, ..letters(LABEL_SIZE) };
        self.sheet.text((baseline, bar.center().1), &map.label, style)
    }

    /// Says that there is nothing to see.
    pub(super) fn emptiness(&self) -> Result<()> {
        let Some(why) = self.axes.emptiness() else { return Ok(()) };
        // Narrow axes have a line for each half of the sentence.
        let narrow = self.fonts.width(why, LABEL_SIZE, false) > self.area.width();
        let lines: Vec<&str> = if narrow { why.split_inclusive(": ").collect() } else { vec![why] };
        let (center, middle) = self.area.center();
        for (number, line) in lines.iter().enumerate() {
            let at = (center, middle + number as f64 * LEGEND_LINE);
            let style = Letters { anchor: HPos::Center, color: Color::GRAY, ..letters(LABEL_SIZE) };
            self.sheet.text(at, line.trim_end(), style)?;
        }
        Ok(())
    }
}
