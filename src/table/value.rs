//! One cell of a table.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::number::decimal;

/// One cell of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(#[serde(with = "number")] f64),
    /// A text.
    Text(String),
    /// Nothing.
    Missing,
}

impl Value {
    /// The value as a number: truth values as 0 and 1, nothing as NaN; `None` for a text.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Bool(value) => Some(f64::from(u8::from(*value))),
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            Self::Text(_) => None,
            Self::Missing => Some(f64::NAN),
        }
    }

    /// Whether it is this number, truth value or text: `side.is("left")`. Whole or not, equal numbers are the same; 1 is true and 0 is
    /// false, as many files write them; NaN is nothing.
    ///
    /// ```
    /// use psychrnn::table::Value;
    /// assert!(Value::Int(1).is(true) && Value::Float(2.0).is(2) && Value::from("left").is("left"));
    /// assert!(!Value::from("1").is(1));
    /// ```
    #[must_use]
    pub fn is(&self, other: impl Into<Self>) -> bool {
        self.order(&other.into()).is_eq()
    }

    /// Numbers, among which truth values are 0 and 1, then texts, then nothing, each ascending.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        let kind = |value: &Self| match value {
            Self::Text(_) => 1,
            value if value.is_missing() => 2,
            _ => 0,
        };
        match (self, other) {
            (Self::Text(text), Self::Text(other)) => text.cmp(other),
            // Large whole numbers that are not the same may be as numbers with a point.
            (Self::Int(number), Self::Int(other)) => number.cmp(other),
            _ if kind(self) == 0 && kind(other) == 0 => {
                // Zero with a sign is zero.
                let number = |value: &Self| value.number().unwrap_or(f64::NAN) + 0.0;
                number(self).total_cmp(&number(other))
            }
            _ => kind(self).cmp(&kind(other)),
        }
    }

    /// Whether there is nothing: no value, or NaN.
    pub(crate) fn is_missing(&self) -> bool {
        self.number().is_some_and(f64::is_nan)
    }
}

/// JSON has no word for NaN and infinities, and their names alone would be texts.
mod number {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Named {
        #[serde(with = "crate::number")]
        number: f64,
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Plain(f64),
        Named(Named),
    }

    pub(super) fn serialize<S: Serializer>(&number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if number.is_finite() { serializer.serialize_f64(number) } else { Named { number }.serialize(serializer) }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        Ok(match Written::deserialize(deserializer)? {
            Written::Plain(number) | Written::Named(Named { number }) => number,
        })
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
            Self::Text(value) => value.fmt(f),
            Self::Missing => Ok(()),
        }
    }
}

impl From<f32> for Value {
    /// By way of the shortest decimal, so that 0.1 in a task is 0.1 in the table.
    fn from(value: f32) -> Self {
        Self::Float(decimal(value))
    }
}

macro_rules! values {
    ($($kind:ident: $($from:ty),+ => $convert:expr;)+) => {$($(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                let convert: fn($from) -> _ = $convert;
                Self::$kind(convert(value))
            }
        }
    )+)+};
}
values! {
    Float: f64 => |number| number;
    Int: i8, i16, i32, i64, u8, u16, u32 => Into::into;
    Bool: bool => |truth| truth;
    Text: String => |text| text;
    Text: &str, &String, char, Box<str>, Cow<'_, str> => |text| text.to_string();
}

/// Whole numbers that may be too large for 64 bits with a sign, and then are numbers with a point.
macro_rules! wide {
    ($($from:ty),+) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                i64::try_from(value).map_or(Self::Float(value as f64), Self::Int)
            }
        }
    )+};
}
wide!(isize, usize, u64, i128, u128);

impl From<&Value> for Value {
    fn from(value: &Self) -> Self {
        value.clone()
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Missing, Into::into)
    }
}
