//! Numbers as they are written.
//!
//! JSON has no word for NaN and infinities: they are texts, `"NaN"`, `"inf"` and `"-inf"`, as R writes and NumPy reads them. What is
//! written is read back, bit for bit. For `#[serde(with = "crate::number")]` on a field that holds numbers.
//!
//! An `f32` is read as the decimal that stands for it, see [`decimal`].

use std::fmt;
use std::ops::Range;

use ndarray::{Array, Dimension};
use serde::de::{DeserializeOwned, Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) fn serialize<T: Numbers, S: Serializer>(numbers: &T, serializer: S) -> Result<S::Ok, S::Error> {
    numbers.to_written().serialize(serializer)
}

pub(crate) fn deserialize<'de, T: Numbers, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::Written::deserialize(deserializer).map(T::of_written)
}

/// What holds numbers, and what it is with [`Number`]s in it.
pub(crate) trait Numbers {
    type Written: Serialize + DeserializeOwned;
    fn to_written(&self) -> Self::Written;
    fn of_written(written: Self::Written) -> Self;
}

impl Numbers for f64 {
    type Written = Number;
    fn to_written(&self) -> Number {
        Number(*self)
    }
    fn of_written(Number(number): Number) -> Self {
        number
    }
}

impl<T: Numbers> Numbers for Vec<T> {
    type Written = Vec<T::Written>;
    fn to_written(&self) -> Self::Written {
        self.iter().map(T::to_written).collect()
    }
    fn of_written(written: Self::Written) -> Self {
        written.into_iter().map(T::of_written).collect()
    }
}

impl<T: Numbers> Numbers for Option<T> {
    type Written = Option<T::Written>;
    fn to_written(&self) -> Self::Written {
        self.as_ref().map(T::to_written)
    }
    fn of_written(written: Self::Written) -> Self {
        written.map(T::of_written)
    }
}

impl<T: Numbers, U: Numbers> Numbers for (T, U) {
    type Written = (T::Written, U::Written);
    fn to_written(&self) -> Self::Written {
        (self.0.to_written(), self.1.to_written())
    }
    fn of_written((first, second): Self::Written) -> Self {
        (T::of_written(first), U::of_written(second))
    }
}

impl<T: Numbers> Numbers for Range<T> {
    type Written = Range<T::Written>;
    fn to_written(&self) -> Self::Written {
        self.start.to_written()..self.end.to_written()
    }
    fn of_written(written: Self::Written) -> Self {
        T::of_written(written.start)..T::of_written(written.end)
    }
}

/// What a number is paired with: its name.
impl Numbers for String {
    type Written = Self;
    fn to_written(&self) -> Self {
        self.clone()
    }
    fn of_written(written: Self) -> Self {
        written
    }
}

impl<D: Dimension + Serialize + DeserializeOwned> Numbers for Array<f64, D> {
    type Written = Array<Number, D>;
    fn to_written(&self) -> Self::Written {
        self.mapv(Number)
    }
    fn of_written(written: Self::Written) -> Self {
        written.mapv(|Number(number)| number)
    }
}

/// A number that is written by its name where JSON has none. `null`, as it was written once, is read as NaN.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number(f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(number) = self;
        if number.is_finite() || !serializer.is_human_readable() {
            serializer.serialize_f64(*number)
        } else {
            serializer.collect_str(number)
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(AnyNumber).map(Self)
        } else {
            f64::deserialize(deserializer).map(Self)
        }
    }
}

struct AnyNumber;

impl Visitor<'_> for AnyNumber {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, \"NaN\", \"inf\" or \"-inf\"")
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<f64, E> {
        Ok(number)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<f64, E> {
        Ok(number as f64)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<f64, E> {
        Ok(number as f64)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<f64, E> {
        text.parse()
            .ok()
            .filter(|number: &f64| !number.is_finite())
            .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }

    fn visit_unit<E: Error>(self) -> Result<f64, E> {
        Ok(f64::NAN)
    }
}

/// A value as JSON, with numbers as they are written. Values with other keys than names are nothing.
pub(crate) fn json<T: Serialize>(value: &T) -> serde_json::Value {
    // By way of a text, so that 0.2 in single precision stays 0.2.
    let text = serde_json::to_string(value).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// A number as it is written: of all that are this `f32` the one with the fewest digits.
pub(crate) fn decimal(number: f32) -> f64 {
    let (numerator, denominator) = fraction(number);
    numerator / denominator
}

/// A thousand times a number, likewise.
pub(crate) fn in_thousandths(number: f32) -> f64 {
    let (numerator, denominator) = fraction(number);
    1000.0 * numerator / denominator
}

/// That number as a whole one over a power of ten.
pub(crate) fn fraction(number: f32) -> (f64, f64) {
    let (exact, mut denominator) = (f64::from(number), 1.0);
    // Most times have few decimals, and there are many times; an `f32` from 2²⁴ on has digits of its own before the point.
    while exact.abs() < 16_777_216.0 && denominator < 1e9 {
        let numerator = (exact * denominator).round();
        if (numerator / denominator) as f32 == number {
            return (numerator, denominator);
        }
        denominator *= 10.0;
    }
    (number.to_string().parse().unwrap_or(exact), 1.0)
}

#[cfg(test)]
mod tests {
    use ndarray::arr2;

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct All {
        #[serde(with = "super")]
        one: f64,
        #[serde(with = "super")]
        perhaps: Vec<Option<f64>>,
        #[serde(with = "super")]
        pairs: Vec<(f64, f64)>,
        #[serde(with = "super")]
        matrix: ndarray::Array2<f64>,
    }

    #[test]
    fn what_is_written_is_read_back() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        let all = All {
            one: nan,
            perhaps: vec![None, Some(nan), Some(0.1), Some(-0.0)],
            pairs: vec![(inf, -inf), (1.0, f64::MIN_POSITIVE)],
            matrix: arr2(&[[nan, 1e300, 0.1 + 0.2]]),
        };
        let json = serde_json::to_string(&all).unwrap();
        let read: All = serde_json::from_str(&json).unwrap();
        let bits = |all: &All| {
            let perhaps = all.perhaps.iter().map(|number| number.map(f64::to_bits)).collect::<Vec<_>>();
            let pairs = all.pairs.iter().map(|(a, b)| (a.to_bits(), b.to_bits())).collect::<Vec<_>>();
            (all.one.to_bits(), perhaps, pairs, all.matrix.mapv(f64::to_bits))
        };
        assert_eq!(bits(&read), bits(&all), "{json}");
        let Number(number) = serde_json::from_str("null").unwrap();
        assert!(number.is_nan());
        assert!(serde_json::from_str::<Number>("\"1\"").is_err() && serde_json::from_str::<Number>("true").is_err());
    }

    #[test]
    fn a_number_reads_as_it_is_written() {
        for number in [
            0.0,
            0.1,
            -33.3,
            0.0001,
            765.9,
            1e6,
            12_345_678_000.0,
            0.333_333_34,
            1.234_567_8e-12,
            1e30,
            f32::MAX,
            1e-40,
        ] {
            let read = decimal(number);
            assert_eq!(read as f32, number);
            assert_eq!(read.to_string(), number.to_string());
        }
        assert!(decimal(f32::NAN).is_nan());
        assert_eq!(decimal(f32::NEG_INFINITY), f64::NEG_INFINITY);
    }
}
