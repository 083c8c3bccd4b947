//! Lines of fixed points: regions in which a piecewise linear network has a mode that neither grows nor decays, and nothing pushes along it.

use linfa_linalg::eigh::Eigh;
use ndarray::{Array1, Array2, ArrayView1, Axis};

use super::pieces::{Pieces, Region, units};
use super::still::{Still, largest, length};

/// A mode whose rate of decay is below this, relative to the leak's, does neither; and such a push does not push.
pub(super) const NEITHER: f64 = 1e-6;

/// How far from its middle it is looked along a line, which may be shorter.
const SHORT: f64 = 1e-3;

/// The states of a region that stand still, of which there is more than one.
pub(super) struct Line {
    /// One of them, in the middle where there is one.
    pub(super) x: Array1<f64>,
    /// The directions in which others lie, each of length 1, `[n_directions, n_rec]`.
    pub(super) directions: Array2<f64>,
    /// How far it goes along the only direction, backward and forward; infinite where it has no end, or where there are several.
    pub(super) ends: [f64; 2],
}

impl Line {
    /// That of a region, if it has one.
    pub(super) fn of(pieces: &Pieces, region: &Region) -> Option<Self> {
        let on = units(region);
        let matrix = pieces.within(&on);
        let drive = pieces.drive.select(Axis(0), &on);
        let (squares, right) = matrix.t().dot(&matrix).eigh().ok()?;
        let (left_squares, left) = matrix.dot(&matrix.t()).eigh().ok()?;
        let is_null = |square: &f64| *square <= NEITHER * NEITHER;
        let n_null = squares.iter().filter(|square| is_null(square)).count();
        let pushes = left_squares.iter().zip(left.columns()).filter(|(square, _)| is_null(square));
        let size = 1.0 + largest(&pieces.drive);
        if n_null == 0 || pushes.map(|(_, left)| left.dot(&drive).abs()).any(|push| push > NEITHER * size) {
            return None;
        }
        // The shortest of all rates that stand still.
        let back = matrix.t().dot(&drive);
        let along = squares.iter().zip(right.columns()).filter(|(square, _)| !is_null(square));
        let rates = along.fold(Array1::zeros(on.len()), |sum: Array1<f64>, (square, right)| {
            sum + &right * (right.dot(&back) / square)
        });
        let mut x = pieces.driven(&on, &rates);
        on.iter().zip(&rates).for_each(|(&unit, &rate)| x[unit] = rate);
        let mut nulls: Vec<Array1<f64>> = Vec::new();
        for (_, right) in squares.iter().zip(right.columns()).filter(|(square, _)| is_null(square)) {
            let mut direction = pieces.driven(&on, &right.to_owned()) - &pieces.drive;
            on.iter().zip(right).for_each(|(&unit, &rate)| direction[unit] = rate);
            for other in &nulls {
                let by = other.dot(&direction);
                direction.scaled_add(-by, other);
            }
            let size = length(&direction);
            // The largest entry points forward.
            let largest = direction.fold(0.0, |most: f64, &x| if x.abs() > most.abs() { x } else { most });
            nulls.push(direction / (size * largest.signum()));
        }
        let views: Vec<ArrayView1<'_, f64>> = nulls.iter().map(Array1::view).collect();
        let directions = ndarray::stack(Axis(0), &views).ok()?;
        let mut line = Self { x, directions, ends: [f64::INFINITY; 2] };
        if pieces.rectified && nulls.len() == 1 {
            line.cut(region)?;
        }
        pieces.is_in(&line.x, region).then_some(line)
    }

    /// Cuts it where it leaves the region, and takes the middle of what is left.
    fn cut(&mut self, region: &Region) -> Option<()> {
        let direction = self.directions.row(0).to_owned();
        let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
        for (unit, &on) in region.iter().enumerate() {
            let (x, by) = if on { (self.x[unit], direction[unit]) } else { (-self.x[unit], -direction[unit]) };
            if by.abs() <= NEITHER {
                continue;
            }
            let at = -x / by;
            if by > 0.0 { low = low.max(at) } else { high = high.min(at) }
        }
        if high - low <= NEITHER {
            return None;
        }
        let middle = match (low.is_finite(), high.is_finite()) {
            (true, true) => (low + high) / 2.0,
            // As near to its end as the length of what is known.
            (true, false) => low + 1.0,
            (false, true) => high - 1.0,
            (false, false) => 0.0,
        };
        self.x.scaled_add(middle, &direction);
        self.ends = [middle - low, high - middle];
        Some(())
    }

    /// The directions in which the states lie, each of length 1 and at right angles to the others, `[n_directions, n_rec]`.
    pub(super) fn directions_of_states(&self, still: &Still) -> Array2<f64> {
        let mut directions = self.directions.clone();
        for k in 0..directions.nrows() {
            // Within the line, where states go straight with the unknowns.
            let step = &self.directions.row(k) * self.ends[0].min(self.ends[1]).min(SHORT);
            let apart = still.state((&self.x + &step).view()) - still.state((&self.x - &step).view());
            let mut apart = apart / 2.0;
            for before in directions.rows().into_iter().take(k) {
                apart.scaled_add(-before.dot(&apart), &before);
            }
            directions.row_mut(k).assign(&(&apart / length(&apart)));
        }
        directions
    }

    /// The state so far from the middle along the only direction.
    pub(super) fn at(&self, along: f64) -> Array1<f64> {
        &self.x + &(&self.directions.row(0) * along)
    }

    /// Whether a state lies on it.
    pub(super) fn has(&self, still: &Still, x: &Array1<f64>) -> bool {
        let mut apart = x - &self.x;
        let along = self.directions.row(0).dot(&apart);
        for direction in self.directions.outer_iter() {
            let by = direction.dot(&apart);
            apart.scaled_add(-by, &direction);
        }
        let near = 10.0 * NEITHER * (1.0 + length(x));
        let within = -self.ends[0] - near <= along && along <= self.ends[1] + near;
        within && length(&apart) <= near || still.is_same(x, &self.x)
    }
}
