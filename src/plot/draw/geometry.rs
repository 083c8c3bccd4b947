//! Points in the plane: clipping to the axes, and thinning to what can be seen.

/// A place on the figure in points, x to the right and y downwards.
pub(super) type Point = (f64, f64);

/// Lines with fewer points are drawn as they are.
const THIN_ABOVE: usize = 2000;
/// What a pixel of the raster is in points.
const PIXEL: f64 = 0.5;

/// A rectangle on the figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rect {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Rect {
    pub(super) fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(super) fn height(&self) -> f64 {
        self.bottom - self.top
    }

    pub(super) fn center(&self) -> Point {
        ((self.left + self.right) / 2.0, (self.top + self.bottom) / 2.0)
    }

    pub(super) fn contains(&self, (x, y): Point) -> bool {
        (self.left..=self.right).contains(&x) && (self.top..=self.bottom).contains(&y)
    }

    pub(super) fn grown(&self, by: f64) -> Self {
        Self { left: self.left - by, top: self.top - by, right: self.right + by, bottom: self.bottom + by }
    }

    pub(super) fn corners(&self) -> Vec<Point> {
        vec![(self.left, self.top), (self.right, self.top), (self.right, self.bottom), (self.left, self.bottom)]
    }

    /// The parts of a line that lie inside.
    pub(super) fn clip_line(&self, line: &[Point]) -> Vec<Vec<Point>> {
        let mut parts: Vec<Vec<Point>> = Vec::new();
        for ends in line.windows(2) {
            let Some((from, to)) = self.clip_segment(ends[0], ends[1]) else { continue };
            match parts.last_mut() {
                Some(part) if part.last() == Some(&from) => part.push(to),
                _ => parts.push(vec![from, to]),
            }
        }
        parts
    }

    /// The part of a segment that lies inside (Liang and Barsky).
    fn clip_segment(&self, (x0, y0): Point, (x1, y1): Point) -> Option<(Point, Point)> {
        let (dx, dy) = (x1 - x0, y1 - y0);
        let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
        for (step, room) in [(-dx, x0 - self.left), (dx, self.right - x0), (-dy, y0 - self.top), (dy, self.bottom - y0)]
        {
            if step == 0.0 && room < 0.0 {
                return None;
            }
            match step {
                step if step < 0.0 => enter = enter.max(room / step),
                step if step > 0.0 => leave = leave.min(room / step),
                _ => (),
            }
        }
        let at = |t: f64| match t {
            0.0 => (x0, y0),
            1.0 => (x1, y1),
            t => (x0 + t * dx, y0 + t * dy),
        };
        (enter <= leave).then(|| (at(enter), at(leave)))
    }

    /// The part of a polygon that lies inside (Sutherland and Hodgman).
    pub(super) fn clip_polygon(&self, polygon: Vec<Point>) -> Vec<Point> {
        let cut = |polygon: Vec<Point>, room: &dyn Fn(Point) -> f64| {
            let mut inside = Vec::with_capacity(polygon.len() + 4);
            for (index, &to) in polygon.iter().enumerate() {
                let from = polygon[(index + polygon.len() - 1) % polygon.len()];
                let (before, after) = (room(from), room(to));
                if (before < 0.0) != (after < 0.0) {
                    let t = before / (before - after);
                    inside.push((from.0 + t * (to.0 - from.0), from.1 + t * (to.1 - from.1)));
                }
                if after >= 0.0 {
                    inside.push(to);
                }
            }
            inside
        };
        let polygon = cut(polygon, &|(x, _)| x - self.left);
        let polygon = cut(polygon, &|(x, _)| self.right - x);
        let polygon = cut(polygon, &|(_, y)| y - self.top);
        cut(polygon, &|(_, y)| self.bottom - y)
    }
}

/// Leaves out points of a long line that make no difference to the picture: of the points in one column of pixels only
/// the first, the lowest, the highest and the last are kept; in a line that goes back and forth, those that move.
pub(super) fn thin(line: Vec<Point>) -> Vec<Point> {
    if line.len() <= THIN_ABOVE {
        return line;
    }
    let one_way = line.is_sorted_by(|a, b| a.0 <= b.0) || line.is_sorted_by(|a, b| a.0 >= b.0);
    if !one_way {
        let mut kept: Vec<Point> = Vec::new();
        for &(x, y) in &line {
            if kept.last().is_none_or(|last| (x - last.0).abs().max((y - last.1).abs()) >= PIXEL / 2.0) {
                kept.push((x, y));
            }
        }
        kept.extend(line.last());
        return kept;
    }
    let mut kept = Vec::new();
    for column in line.chunk_by(|a, b| (a.0 / PIXEL).floor() == (b.0 / PIXEL).floor()) {
        let by_y = |a: &usize, b: &usize| column[*a].1.total_cmp(&column[*b].1);
        let lowest = (0..column.len()).min_by(by_y).unwrap_or(0);
        let highest = (0..column.len()).max_by(by_y).unwrap_or(0);
        let mut indices = [0, lowest, highest, column.len() - 1];
        indices.sort_unstable();
        for (place, &index) in indices.iter().enumerate() {
            if place == 0 || index != indices[place - 1] {
                kept.push(column[index]);
            }
        }
    }
    kept
}
