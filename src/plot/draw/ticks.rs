//! Ranges, scales and round numbers.

/// Values beyond this, and on a logarithmic axis below its inverse, are not drawn: their differences would overflow.
pub(crate) const LARGEST: f64 = 1e300;

/// The way from values to places along one axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    /// The values at the two ends; the first may be the larger.
    pub(super) range: (f64, f64),
    pub(super) log: bool,
}

impl Scale {
    /// A value as a fraction of the axis; `None` for one that cannot be shown on it.
    pub(super) fn fraction(&self, value: f64) -> Option<f64> {
        let place = |value: f64| if self.log { value.log10() } else { value };
        if !drawable(value, self.log) {
            return None;
        }
        let (from, to) = (place(self.range.0), place(self.range.1));
        // Far outside is far enough: larger fractions would lose the precision of what is inside.
        Some(((place(value) - from) / (to - from)).clamp(-1e9, 1e9))
    }

    /// The end of an interval as it is shown: on a logarithmic axis 0 and what is below it are far down.
    pub(super) fn raised(&self, end: f64) -> f64 {
        if self.log && drawable(end, false) { end.max(1.0 / LARGEST) } else { end }
    }

    /// At most about `count` ticks at round numbers, with their labels.
    pub(super) fn ticks(&self, count: usize) -> Vec<(f64, String)> {
        let (low, high) = (self.range.0.min(self.range.1), self.range.0.max(self.range.1));
        let places = if self.log { log_ticks(low, high, count) } else { linear_ticks(low, high, count) };
        let labels = labels(&places);
        places.into_iter().zip(labels).collect()
    }

    /// Places for ticks without labels.
    pub(super) fn minor_ticks(&self) -> Vec<f64> {
        let (low, high) = (self.range.0.min(self.range.1), self.range.0.max(self.range.1));
        if self.log { log_minor_ticks(low, high) } else { Vec::new() }
    }
}

/// Whether a value has a place on an axis at all.
pub(super) fn drawable(value: f64, log: bool) -> bool {
    value.abs() <= LARGEST && (!log || value >= 1.0 / LARGEST)
}

/// The range of an axis that shows `values`, with a margin at both ends as a fraction of the range.
pub(super) fn span(values: impl IntoIterator<Item = f64>, margin: f64, log: bool) -> (f64, f64) {
    let place = |value: f64| if log { value.log10() } else { value };
    let (low, high) = values
        .into_iter()
        .filter(|value| drawable(*value, log))
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return if log { (1.0, 10.0) } else { (0.0, 1.0) };
    }
    let (from, to) = (place(low), place(high));
    let size = from.abs().max(to.abs());
    let (from, to) = if to - from > size * 1e-9 && to - from > 1e-290 {
        let margin = margin * (to - from);
        (from - margin, to + margin)
    } else {
        // All the same: some room on both sides.
        let room = if log || size < 1e-280 { 1.0 } else { 0.1 * size };
        (from - room, to + room)
    };
    // An axis of counts or losses does not dip below zero for the margin's sake.
    let from = if !log && low >= 0.0 && from < 0.0 { 0.0 } else { from };
    if log { (10_f64.powf(from.max(-300.0)), 10_f64.powf(to.min(300.0))) } else { (from, to) }
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn linear_ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let step = round_step((high - low) / count.max(1) as f64);
    if !(step > 0.0 && step.is_finite()) {
        return Vec::new();
    }
    let slack = 1e-9;
    let (first, last) = ((low / step - slack).ceil(), (high / step + slack).floor());
    // There are fewer than two ticks to the step; the limit guards against rounding.
    (0..=2 * count).map(|n| first + n as f64).take_while(|index| *index <= last).map(|index| index * step).collect()
}

/// The smallest of 1, 2 or 5 times a power of ten that is not below `step`.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= step * (1.0 - 1e-9)).unwrap_or(10.0);
    factor * power
}

/// Powers of ten, or within a decade or two 1, 2 and 5 times them, or linear ticks within less.
fn log_ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let (from, to) = (low.log10(), high.log10());
    let decades = |factors: &[f64], stride: i32| -> Vec<f64> {
        (from.floor() as i32..=to.ceil() as i32)
            .filter(|power| power.rem_euclid(stride) == 0)
            .flat_map(|power| factors.iter().map(move |factor| factor * 10_f64.powi(power)))
            .filter(|tick| (low * (1.0 - 1e-9)..=high * (1.0 + 1e-9)).contains(tick))
            .collect()
    };
    let stride = ((to - from) / count.max(1) as f64).ceil().max(1.0) as i32;
    [decades(&[1.0], stride), decades(&[1.0, 2.0, 5.0], 1)]
        .into_iter()
        .find(|ticks| ticks.len() >= 3)
        .unwrap_or_else(|| linear_ticks(low, high, count))
}

/// The places between powers of ten, at which a logarithmic axis of several has ticks without labels.
fn log_minor_ticks(low: f64, high: f64) -> Vec<f64> {
    const DECADES: std::ops::RangeInclusive<f64> = 1.0..=8.0;
    let (from, to) = (low.log10(), high.log10());
    if !DECADES.contains(&(to - from)) {
        return Vec::new();
    }
    let powers = from.floor() as i32..=to.ceil() as i32;
    let all = powers.flat_map(|power| (2..10).map(move |factor| f64::from(factor) * 10_f64.powi(power)));
    all.filter(|tick| (low..=high).contains(tick)).collect()
}

/// The labels of ticks. Evenly spaced ones share their digits; those of a logarithmic axis have what each needs, with exponents
/// but for numbers about 1 if one of them needs an exponent.
fn labels(ticks: &[f64]) -> Vec<String> {
    let largest = ticks.iter().fold(0.0_f64, |largest, tick| largest.max(tick.abs()));
    let even = ticks.windows(3).all(|t| ((t[2] - t[1]) - (t[1] - t[0])).abs() <= 1e-6 * (t[1] - t[0]).abs());
    let exponents = ticks.iter().any(|tick| !(1e-4..1e6).contains(&tick.abs()));
    let label = |tick: &f64| match ticks {
        [first, second, ..] if even => label(*tick, (second - first).abs(), largest),
        _ if exponents && !(0.01..1e3).contains(&tick.abs()) => label(*tick, tick.abs(), f64::INFINITY),
        _ => label(*tick, tick.abs(), tick.abs()),
    };
    ticks.iter().map(label).collect()
}

/// `value` to the precision of `step`, with an exponent if `largest`, the largest tick, asks for one.
fn label(value: f64, step: f64, largest: f64) -> String {
    let digit = |size: f64| if size > 0.0 { (size.log10() + 1e-9).floor() as i32 } else { 0 };
    let places = -digit(step);
    let plain = largest < 1e6 && places <= 4;
    // What is below the precision is a zero that rounding left over.
    let value = if value.abs() < step * 1e-6 { 0.0 } else { value };
    let text = match (plain, value == 0.0) {
        (true, _) => format!("{value:.*}", places.max(0) as usize),
        (false, true) => "0".into(),
        (false, false) => trimmed(&format!("{value:.*e}", (digit(value.abs()) + places).clamp(0, 15) as usize)),
    };
    text.replace('-', "\u{2212}")
}

/// The number without zeros at the end of its decimals.
fn trimmed(number: &str) -> String {
    let (digits, exponent) = number.find('e').map_or((number, ""), |at| number.split_at(at));
    let digits = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits };
    format!("{digits}{exponent}")
}

/// A number of a range in words: four significant digits.
pub(crate) fn brief(value: f64) -> String {
    if value != 0.0 && !(1e-3..1e6).contains(&value.abs()) {
        return trimmed(&format!("{value:.3e}"));
    }
    let places = (3 - value.abs().max(1e-3).log10().floor() as i32).clamp(0, 6) as usize;
    trimmed(&format!("{value:.places$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(low: f64, high: f64, log: bool, count: usize) -> Vec<String> {
        Scale { range: (low, high), log }.ticks(count).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(texts(0.0, 1.0, false, 5), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(texts(0.0, 2000.0, false, 4), ["0", "500", "1000", "1500", "2000"]);
        assert_eq!(texts(0.5, -0.5, false, 4), ["−0.5", "0.0", "0.5"]);
        assert_eq!(texts(-1e30, 1e30, false, 4), ["−1e30", "−5e29", "0", "5e29", "1e30"]);
        assert_eq!(texts(0.0, 4e-7, false, 4), ["0", "1e−7", "2e−7", "3e−7", "4e−7"]);
        assert_eq!(texts(0.001, 100.0, true, 6), ["0.001", "0.01", "0.1", "1", "10", "100"]);
        assert_eq!(texts(1.0, 20.0, true, 6), ["1", "2", "5", "10", "20"]);
        assert_eq!(texts(1e-6, 10.0, true, 8), ["1e−6", "1e−5", "1e−4", "1e−3", "0.01", "0.1", "1", "10"]);
        let minor = |low, high, log| Scale { range: (low, high), log }.minor_ticks().len();
        assert_eq!(
            [minor(1.0, 100.0, true), minor(100.0, 1.0, true), minor(1.0, 3.0, true), minor(1.0, 100.0, false)],
            [16, 16, 0, 0]
        );
    }

    #[test]
    fn ranges_hold_any_data() {
        assert_eq!(span([], 0.05, false), (0.0, 1.0));
        assert_eq!(span([f64::NAN, f64::INFINITY], 0.05, true), (1.0, 10.0));
        assert_eq!(span([3.0], 0.05, false), (2.7, 3.3));
        assert_eq!(span([0.0, 0.0], 0.05, false), (0.0, 1.0));
        assert_eq!(span([1.0, 101.0], 0.05, false), (0.0, 106.0));
        for (value, log) in [(5e-324, false), (-1e300, false), (1e300, false), (1e300, true), (1e-300, true)] {
            let (low, high) = span([value], 0.05, log);
            assert!(low < high && low.is_finite() && high.is_finite(), "{value}: {low} {high}");
        }
    }

    #[test]
    fn brief_numbers() {
        assert_eq!([0.0, 2000.0, -0.05, 1.0 / 3.0, 1e30].map(brief), ["0", "2000", "-0.05", "0.3333", "1e30"]);
    }
}
