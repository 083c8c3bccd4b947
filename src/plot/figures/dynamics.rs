//! Modes about a state, and branches of fixed points.

use std::f64::consts::TAU;

use crate::analysis::{BifurcationKind, Branches, FixedPointSet, Pca};
use crate::dynamics::{Eigenvalue, Modes};
use crate::plot::{Color, Figure, Legend, Marker, Panel, Style};
use crate::{Error, Result};

impl Modes {
    /// The eigenvalues in the complex plane: those of the flow, as growth rate and frequency, on whose right side modes grow; without a flow
    /// those of a step, with the unit circle, outside of which modes grow.
    #[must_use]
    pub fn plot_eigenvalues(&self) -> Figure {
        eigenvalues(
            &[
                ("decays", self.eigenvalues().filter(|one| !one.grows()).collect()),
                ("grows", self.eigenvalues().filter(Eigenvalue::grows).collect()),
            ],
            self.tau,
        )
    }

    /// The time constant of each mode, the slowest first, on a logarithmic axis: dots decay, circles grow. The line is the longest time
    /// constant of a unit alone.
    #[must_use]
    pub fn plot_time_constants(&self) -> Figure {
        let mut constants: Vec<f64> = self.eigenvalues().map(|one| one.time_constant).collect();
        constants.sort_by(|a, b| b.abs().total_cmp(&a.abs()));
        let of = |grows: bool| -> (Vec<usize>, Vec<f64>) {
            let all = constants.iter().enumerate().filter(|(_, constant)| (**constant < 0.0) == grows);
            all.map(|(place, constant)| (place + 1, constant.abs())).unzip()
        };
        let mut panel = Panel::new().x_label("Mode").y_label("Time constant (ms)").log_y();
        panel = panel.hline(self.tau, Style::new().color(Color::GRAY).dashed().label("a unit alone"));
        panel = panel.x_range(0.0, constants.len() as f64 + 1.0);
        for (label, grows, style) in [
            ("decays", false, Style::new().color(Color::BLUE)),
            ("grows", true, Style::new().color(Color::VERMILION).marker(Marker::Circle)),
        ] {
            let (modes, constants) = of(grows);
            if !modes.is_empty() {
                panel = panel.points(modes, constants, style.label(label));
            }
        }
        panel.figure().size(360.0, 260.0)
    }
}

impl FixedPointSet {
    /// The eigenvalues of all fixed points in the complex plane, those of stable points in blue. See [`Modes::plot_eigenvalues`].
    ///
    /// # Errors
    /// If they cannot be computed.
    pub fn plot_eigenvalues(&self) -> Result<Figure> {
        let (mut stable, mut others) = (Vec::new(), Vec::new());
        for (number, point) in self.points.iter().enumerate() {
            let of = if point.is_stable() { &mut stable } else { &mut others };
            of.extend(self.at(number)?.eigenvalues()?);
        }
        Ok(eigenvalues(&[("of stable points", stable), ("of others", others)], self.exact.tau()))
    }
}

/// Groups of eigenvalues in the complex plane, of units with this longest time constant.
fn eigenvalues(groups: &[(&str, Vec<Eigenvalue>)], tau: f64) -> Figure {
    let is_flow = groups.iter().flat_map(|(_, all)| all).all(|one| one.flow.is_some());
    let mut panel = match is_flow {
        true => {
            let panel = Panel::new().x_label("Growth rate Re λ (1/s)").y_label("Frequency Im λ / 2π (Hz)");
            let alone = Style::new().color(Color::GRAY).dashed().label("a unit alone");
            panel.vline(0.0, Color::BLACK).vline(-1000.0 / tau, alone)
        }
        false => {
            let around: Vec<(f64, f64)> = (0..=180).map(|step| (TAU * f64::from(step) / 180.0).sin_cos()).collect();
            let (y, x): (Vec<f64>, Vec<f64>) = around.into_iter().unzip();
            let panel = Panel::new().x_label("Re μ").y_label("Im μ").equal();
            panel.line(x, y, Style::new().color(Color::BLACK).width(1.0))
        }
    };
    for (number, (label, all)) in groups.iter().enumerate().filter(|(_, (_, all))| !all.is_empty()) {
        let place = |one: &Eigenvalue| match one.flow {
            Some(flow) if is_flow => (1000.0 * flow.re, 1000.0 * flow.im / TAU),
            _ => (one.map.re, one.map.im),
        };
        let (x, y): (Vec<f64>, Vec<f64>) = all.iter().map(place).unzip();
        let style = Style::new().color(Color::cycle(number)).size(4.5).opacity(0.8);
        panel = panel.points(x, y, style.label(*label));
    }
    panel.figure().size(380.0, 280.0)
}

impl Branches {
    /// The bifurcation diagram of an output, counted from 0: its value at the fixed points of each branch against the number that changes. Lines
    /// are stable, dashes are not; dots are folds, squares Hopf points, triangles crossings.
    ///
    /// # Errors
    /// If there is no such output.
    pub fn plot(&self, output: usize) -> Result<Figure> {
        let n_out = self.branches.iter().map(|branch| branch.outputs.ncols()).max().unwrap_or(0);
        if output >= n_out {
            return Err(Error::argument("output", format!("below the number of outputs, {n_out}"), output));
        }
        let of = |branch: usize| self.branches[branch].outputs.column(output).to_vec();
        Ok(self.diagram(&format!("Output {output}"), of))
    }

    /// The bifurcation diagram of a principal component of the states on all branches, counted from 0, as [`Branches::plot`].
    ///
    /// # Errors
    /// If the states do not vary, or if there is no such component.
    pub fn plot_component(&self, component: usize) -> Result<Figure> {
        let states: Vec<_> = self.branches.iter().map(|branch| branch.states.view()).collect();
        let pca = Pca::fit(&ndarray::concatenate(ndarray::Axis(0), &states)?, component + 1)?;
        let of = |branch: &crate::analysis::Branch| Ok(pca.project(&branch.states)?.column(component).to_vec());
        let places = self.branches.iter().map(of).collect::<Result<Vec<_>>>()?;
        let label = format!("PC {} ({:.0} %)", component + 1, 100.0 * pca.shares[component]);
        Ok(self.diagram(&label, |branch| places[branch].clone()))
    }

    fn diagram(&self, label: &str, of: impl Fn(usize) -> Vec<f64>) -> Figure {
        let mut panel = Panel::new().x_label(&self.parameter).y_label(label).x_range(self.range.start, self.range.end);
        let mut lines = [(Vec::new(), Vec::new()), (Vec::new(), Vec::new())];
        for (number, branch) in self.branches.iter().enumerate() {
            let heights = of(number);
            let is_stable = |place: usize| branch.unstable[place] == 0;
            for place in 0..branch.s.len().saturating_sub(1) {
                let (s, height) = &mut lines[usize::from(!is_stable(place))];
                s.push(branch.s[place]);
                height.push(heights[place]);
                // The end of a stretch of one stability, and a gap after it.
                if place + 2 == branch.s.len() || is_stable(place) != is_stable(place + 1) {
                    s.extend([branch.s[place + 1], f64::NAN]);
                    height.extend([heights[place + 1], f64::NAN]);
                }
            }
        }
        let [stable, unstable] = lines;
        for ((s, height), style) in [
            (unstable, Style::new().color(Color::GRAY).dashed().width(1.2).label("unstable")),
            (stable, Style::new().color(Color::BLUE).width(1.8).label("stable")),
        ] {
            if !s.is_empty() {
                panel = panel.line(s, height, style);
            }
        }
        for (kind, label, marker) in [
            (BifurcationKind::Fold, "fold", Marker::Dot),
            (BifurcationKind::Hopf, "Hopf", Marker::Square),
            (BifurcationKind::BranchPoint, "branch point", Marker::Triangle),
            (BifurcationKind::PeriodDoubling, "period doubling", Marker::Cross),
        ] {
            let (s, height): (Vec<f64>, Vec<f64>) =
                self.of_kind(kind).map(|one| (one.s, of(one.branch)[one.place])).unzip();
            if !s.is_empty() {
                panel = panel.points(s, height, Style::new().color(Color::VERMILION).marker(marker).label(label));
            }
        }
        panel.legend(Legend::Outside).figure().size(440.0, 280.0)
    }
}
