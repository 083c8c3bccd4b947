//! Fixed points in the plane of two principal components.

use std::f64::consts::TAU;

use ndarray::{Array1, Array2, ArrayView1, Axis, s, stack};

use crate::analysis::{FixedPointSet, Kind, Pca};
use crate::dynamics::{Linearization, Mode};
use crate::plot::{Color, Figure, Legend, Marker, Panel, Style};
use crate::simulate::{Session, Signal};
use crate::{Error, Result};

/// More trajectories than this are not drawn.
const TRIALS: usize = 30;
/// How many arrows stand side by side.
const ARROWS: usize = 14;
/// How many growing modes of a point are drawn, the fastest first.
const MODES: usize = 3;
/// How long a mode is drawn, to either side, relative to the plane.
const LENGTH: f64 = 0.09;
/// Planes that are so many times longer in one direction have another scale in the other.
const LONG: f64 = 3.0;

impl FixedPointSet {
    /// The fixed points in the plane of two principal components of themselves and of the slow points, counted from 0, with the flow about
    /// them. See [`FixedPointSet::plot_session`], which draws them among trajectories.
    ///
    /// # Errors
    /// If there are not enough points for such a plane, or if there is no such component.
    pub fn plot(&self, x: usize, y: usize) -> Result<Figure> {
        let n = self.exact.counts().n_rec;
        let states = self.points.iter().map(|point| &point.state).chain(self.slow.iter().map(|slow| &slow.state));
        let states: Vec<ArrayView1<'_, f64>> = states.map(|state| state.slice(s![..n])).collect();
        let needed = x.max(y) + 2;
        if states.len() < needed {
            let expected =
                format!("at least {needed} for these components: `plot_session` takes those of trajectories");
            return Err(Error::argument("fixed points", expected, states.len()));
        }
        let states = stack(Axis(0), &states)?;
        self.plane(Plane::new(Pca::fit(&states, x.max(y) + 1)?, x, y), None)
    }

    /// The fixed points in the plane of two principal components of the states of a session, counted from 0: dots are stable, circles
    /// saddles, gray dots slow points (the larger, the longer the drift takes). About them are the trajectories of up to 30
    /// trials, thin; growing modes, those that rotate as ellipses; and the flow, projected, in the plane through the mean of the states, at
    /// the input of the fixed points.
    ///
    /// # Errors
    /// If the session is that of another network or has not the states of all units, if these do not vary, or if there is no such
    /// component.
    pub fn plot_session(&self, session: &Session, x: usize, y: usize) -> Result<Figure> {
        let (samples, n) = (session.samples(Signal::States)?, self.exact.counts().n_rec);
        if samples.ncols() != n {
            let expected = format!("[n_batch, n_steps, n_rec = {n}], of all units");
            return Err(Error::shape("states of the session", expected, &[session.n_trials(), 0, samples.ncols()]));
        }
        self.plane(Plane::new(Pca::fit(&samples, x.max(y) + 1)?, x, y), Some(session))
    }

    fn plane(&self, plane: Plane, session: Option<&Session>) -> Result<Figure> {
        let ways = match session {
            Some(session) => plane.ways(session)?,
            None => Vec::new(),
        };
        let points: Vec<(f64, f64)> = self.points.iter().map(|point| plane.place(&point.state)).collect();
        let slow: Vec<(f64, f64)> = self.slow.iter().map(|slow| plane.place(&slow.state)).collect();
        let frame = Frame::of(points.iter().chain(&slow).chain(&ways));
        let mut panel = Panel::new()
            .x_label(plane.label(0))
            .y_label(plane.label(1))
            .x_range(frame.left, frame.left + frame.width)
            .y_range(frame.bottom, frame.bottom + frame.height);
        if frame.is_square() {
            panel = panel.equal();
        }
        let style = |color| Style::new().color(color);
        let (arrows_x, arrows_y) = self.arrows(&plane, &frame);
        panel = panel.line(arrows_x, arrows_y, style(Color::SKY.blend(Color::WHITE, 0.35)).width(0.8));
        let (ways_x, ways_y): (Vec<f64>, Vec<f64>) = ways.into_iter().unzip();
        panel = panel.line(ways_x, ways_y, style(Color::GRAY).width(0.5).opacity(0.5));
        let [growing, rotating] = self.growing_modes(&plane, &frame)?;
        for ((x, y), label, color) in
            [(growing, "growing mode", Color::VERMILION), (rotating, "growing, rotates", Color::ORANGE)]
        {
            if !x.is_empty() {
                panel = panel.line(x, y, style(color).width(1.4).label(label));
            }
        }
        for (i, at) in slow.iter().enumerate() {
            let drift = self.slow[i].drift_time.max(1.0).log10();
            let name = if i == 0 { style(Color::GRAY).label("slow point") } else { style(Color::GRAY) };
            panel = panel.points([at.0], [at.1], name.size((2.0 + 1.2 * drift).min(9.0)));
        }
        let looks = [
            ("stable", Marker::Dot, &[Kind::StableNode, Kind::StableFocus][..]),
            ("saddle", Marker::Circle, &[Kind::Saddle][..]),
            ("unstable", Marker::Triangle, &[Kind::Unstable][..]),
            ("degenerate", Marker::Square, &[Kind::Degenerate][..]),
        ];
        for (label, marker, kinds) in looks {
            let is_one = |i: &usize| kinds.contains(&self.points[*i].kind);
            let (x, y): (Vec<f64>, Vec<f64>) = (0..points.len()).filter(is_one).map(|i| points[i]).unzip();
            if !x.is_empty() {
                panel = panel.points(x, y, style(Color::BLACK).marker(marker).size(7.0).label(label));
            }
        }
        Ok(panel.legend(Legend::Outside).figure().size(460.0, 320.0))
    }

    /// The flow in the plane through the mean, as arrows with gaps between them.
    fn arrows(&self, plane: &Plane, frame: &Frame) -> (Vec<f64>, Vec<f64>) {
        let rows = ((ARROWS as f64 * frame.height / frame.width).round() as usize).clamp(6, ARROWS);
        let rows = if frame.is_square() { rows } else { ARROWS };
        let cell = frame.width / ARROWS as f64;
        // In units of the plane's width, so that arrows look alike where the two axes have different scales.
        let stretch = if frame.is_square() { 1.0 } else { frame.height / frame.width };
        let mut flows = Vec::new();
        for row in 0..rows {
            for column in 0..ARROWS {
                let at = (
                    frame.left + frame.width * (column as f64 + 0.5) / ARROWS as f64,
                    frame.bottom + frame.height * (row as f64 + 0.5) / rows as f64,
                );
                let flow = plane.direction(&self.exact.flow(plane.state(at).view(), self.input.view()));
                flows.push((at, (flow.0, flow.1 / stretch)));
            }
        }
        let mut speeds: Vec<f64> = flows.iter().map(|(_, flow)| flow.0.hypot(flow.1)).collect();
        speeds.sort_by(f64::total_cmp);
        let typical = speeds[speeds.len() / 2];
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for ((from_x, from_y), (flow_x, flow_y)) in flows {
            let speed = flow_x.hypot(flow_y);
            if speed.is_nan() || speed == 0.0 {
                continue;
            }
            let length = 0.8 * cell * speed / (speed + typical);
            let (along_x, along_y) = (flow_x / speed, flow_y / speed);
            let tip = (from_x + length * along_x, from_y + length * along_y * stretch);
            let head = 0.35 * length;
            let barb = |side: f64| {
                let (back_x, back_y) = (-along_x + side * 0.6 * along_y, -along_y - side * 0.6 * along_x);
                (tip.0 + head * back_x, tip.1 + head * back_y * stretch)
            };
            let (left, right) = (barb(1.0), barb(-1.0));
            x.extend([from_x, tip.0, left.0, tip.0, right.0, f64::NAN]);
            y.extend([from_y, tip.1, left.1, tip.1, right.1, f64::NAN]);
        }
        (x, y)
    }

    /// The growing modes of all points: those that do not rotate as lines, the others as ellipses, with gaps between them.
    fn growing_modes(&self, plane: &Plane, frame: &Frame) -> Result<[(Vec<f64>, Vec<f64>); 2]> {
        let mut found = [(Vec::new(), Vec::new()), (Vec::new(), Vec::new())];
        let length = LENGTH * frame.width.max(if frame.is_square() { frame.height } else { 0.0 });
        for point in self.points.iter().filter(|point| point.unstable > 0) {
            let linear = Linearization::of(self.exact.as_ref(), point.state.view(), self.input.view())?;
            let modes = linear.modes()?.modes;
            let (at_x, at_y) = plane.place(&point.state);
            let is_shown = |mode: &&Mode| mode.eigenvalue.grows() && mode.eigenvalue.frequency >= 0.0;
            for mode in modes.iter().filter(is_shown).take(MODES) {
                let real = plane.direction(&mode.right.mapv(|part| part.re));
                let imaginary = plane.direction(&mode.right.mapv(|part| part.im));
                let rotates = mode.eigenvalue.frequency > 0.0;
                let steps = if rotates { 40 } else { 2 };
                let (x, y) = &mut found[usize::from(rotates)];
                for step in 0..=steps {
                    let (sin, cos) =
                        (TAU * f64::from(step) / f64::from(2 * steps) * if rotates { 2.0 } else { 1.0 }).sin_cos();
                    x.push(at_x + length * (cos * real.0 - sin * imaginary.0));
                    y.push(at_y + length * (cos * real.1 - sin * imaginary.1));
                }
                x.push(f64::NAN);
                y.push(f64::NAN);
            }
        }
        Ok(found)
    }
}

/// The plane of two components.
struct Plane {
    pca: Pca,
    axes: [usize; 2],
}

impl Plane {
    fn new(pca: Pca, x: usize, y: usize) -> Self {
        Self { pca, axes: [x, y] }
    }

    fn label(&self, axis: usize) -> String {
        let component = self.axes[axis];
        format!("PC {} ({:.0} %)", component + 1, 100.0 * self.pca.shares[component])
    }

    /// Where a state is, of which the first numbers are those of the units.
    fn place(&self, state: &Array1<f64>) -> (f64, f64) {
        self.direction(&(&state.slice(s![..self.pca.mean.len()]) - &self.pca.mean))
    }

    /// Where a change of the state goes.
    fn direction(&self, change: &Array1<f64>) -> (f64, f64) {
        let change = change.slice(s![..self.pca.mean.len()]);
        let along = |axis: usize| self.pca.components.row(self.axes[axis]).dot(&change);
        (along(0), along(1))
    }

    /// The state at a place of the plane through the mean.
    fn state(&self, (x, y): (f64, f64)) -> Array1<f64> {
        let [first, second] = self.axes.map(|axis| self.pca.components.row(axis));
        &self.pca.mean + &(&first * x) + &(&second * y)
    }

    /// The trajectories of trials, evenly picked, with gaps between them.
    fn ways(&self, session: &Session) -> Result<Vec<(f64, f64)>> {
        let (states, n_trials) = (session.signal(Signal::States)?, session.n_trials());
        let mut ways = Vec::new();
        for trial in (0..n_trials).step_by(n_trials.div_ceil(TRIALS)) {
            let steps = session.batch.lengths[trial];
            let states: Array2<f64> = states.slice(s![trial, ..steps, ..]).mapv(f64::from);
            ways.extend(states.outer_iter().map(|state| self.place(&state.to_owned())));
            ways.push((f64::NAN, f64::NAN));
        }
        Ok(ways)
    }
}

/// What of the plane is drawn.
struct Frame {
    left: f64,
    bottom: f64,
    width: f64,
    height: f64,
}

impl Frame {
    fn of<'a>(places: impl Iterator<Item = &'a (f64, f64)> + Clone) -> Self {
        let span = |of: fn(&(f64, f64)) -> f64| {
            let numbers = places.clone().map(of).filter(|number| number.is_finite());
            let (low, high) =
                numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
            let room = if high > low { 0.12 * (high - low) } else { 1.0 };
            (low - room, high - low + 2.0 * room)
        };
        let ((left, width), (bottom, height)) = (span(|place| place.0), span(|place| place.1));
        Self { left, bottom, width, height }
    }

    /// Whether both axes have the same scale.
    fn is_square(&self) -> bool {
        self.width < LONG * self.height && self.height < LONG * self.width
    }
}
