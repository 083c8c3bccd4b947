//! How long an epoch lasts.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::positive;
use crate::random::TrialRng;
use crate::{Error, Result};

/// How long an epoch lasts, in milliseconds. A plain number converts into a fixed duration, in a file too.
///
/// ```
/// use psychrnn::task::Duration;
/// assert_eq!(Duration::from(500.0), Duration::Fixed(500.0));
/// assert_eq!(Duration::from(500), Duration::Fixed(500.0));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", remote = "Self")]
pub enum Duration {
    /// The same in every trial.
    Fixed(f32),
    /// All durations from `low` to `high` equally likely.
    Uniform {
        /// The shortest.
        low: f32,
        /// The longest.
        high: f32,
    },
    /// Exponential with this mean, as if drawn again until it lies between `low` and `high`. The mean is the one before
    /// cutting.
    TruncatedExponential {
        /// The mean of the distribution before it is cut.
        mean: f32,
        /// The shortest.
        low: f32,
        /// The longest.
        high: f32,
    },
    /// One of these, all equally likely.
    Choice(Vec<f32>),
    /// What is left until the end of the trial. Only for the last epoch, and only with [`TaskSpec::duration`](super::TaskSpec::duration).
    Rest,
}

/// Numbers of any type are milliseconds.
macro_rules! fixed {
    ($($number:ty),+) => {$(
        impl From<$number> for Duration {
            fn from(milliseconds: $number) -> Self {
                Self::Fixed(milliseconds as f32)
            }
        }
    )+};
}
fixed!(f32, f64, i32, i64, u32, u64, usize);

/// In words, for a message.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(duration) => write!(f, "{duration} ms"),
            Self::Uniform { low, high } => write!(f, "uniform from {low} to {high} ms"),
            Self::TruncatedExponential { mean, low, high } => {
                write!(f, "exponential of mean {mean} ms, from {low} to {high} ms")
            }
            Self::Choice(options) => write!(f, "one of {options:?} ms"),
            Self::Rest => f.write_str("the rest of the trial"),
        }
    }
}

/// Reads and writes an enum (`#[serde(remote = "Self")]`) for whose usual variant a plain number may stand in a file.
macro_rules! number_or_named {
    ($type:ty, $expecting:literal, $number:expr) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Self::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Written;

                impl<'de> serde::de::Visitor<'de> for Written {
                    type Value = $type;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str($expecting)
                    }

                    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<$type, E> {
                        let of: fn(f64) -> Option<$type> = $number;
                        of(number).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Float(number), &self))
                    }

                    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<$type, E> {
                        self.visit_f64(number as f64)
                    }

                    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<$type, E> {
                        self.visit_f64(number as f64)
                    }

                    fn visit_str<E: serde::de::Error>(self, kind: &str) -> Result<$type, E> {
                        <$type>::deserialize(serde::de::IntoDeserializer::into_deserializer(kind))
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<$type, A::Error> {
                        <$type>::deserialize(serde::de::value::MapAccessDeserializer::new(map))
                    }
                }

                deserializer.deserialize_any(Written)
            }
        }
    };
}
pub(super) use number_or_named;

number_or_named!(
    Duration,
    "a number of milliseconds, or one of fixed, uniform, truncated_exponential, choice, rest",
    |milliseconds| Some(Duration::Fixed(milliseconds as f32))
);

impl Duration {
    /// All durations from `low` to `high` equally likely.
    #[must_use]
    pub fn uniform(low: f32, high: f32) -> Self {
        Self::Uniform { low, high }
    }

    /// Exponential with this mean, cut to `low` and `high`.
    #[must_use]
    pub fn truncated_exponential(mean: f32, low: f32, high: f32) -> Self {
        Self::TruncatedExponential { mean, low, high }
    }

    /// One of these, all equally likely.
    #[must_use]
    pub fn choice(durations: &[f32]) -> Self {
        Self::Choice(durations.to_vec())
    }

    /// A duration drawn from `rng`; [`Duration::Rest`] gives zero, and what makes no sense, such as a shortest duration above the
    /// longest, NaN, which no trial takes.
    pub fn draw(&self, rng: &mut TrialRng) -> f32 {
        match self {
            _ if !self.makes_sense() => f32::NAN,
            Self::Fixed(duration) => *duration,
            Self::Uniform { low, high } => rng.uniform(*low, *high),
            Self::TruncatedExponential { mean, low, high } => {
                // The inverse of the cut distribution needs one draw, where rejection could need any number. It is counted from
                // `low`: far out in the tail e^(-low / mean) is 0. The middle of the 2²⁴ numbers that are drawn is never 0 or 1.
                let drawn = 1.0 - (f64::from(rng.uniform(0.0, 1.0)) + 0.5_f64.powi(25));
                let (mean, window) = (f64::from(*mean), f64::from(*high) - f64::from(*low));
                let beyond = -mean * (drawn * (-window / mean).exp_m1()).ln_1p();
                ((f64::from(*low) + beyond) as f32).clamp(*low, *high)
            }
            Self::Choice(options) => options[rng.index(options.len())],
            Self::Rest => 0.0,
        }
    }

    /// The shortest and the longest duration.
    #[must_use]
    pub fn range(&self) -> (f32, f32) {
        match self {
            Self::Fixed(duration) => (*duration, *duration),
            Self::Uniform { low, high } | Self::TruncatedExponential { low, high, .. } => (*low, *high),
            Self::Choice(options) => options
                .iter()
                .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &option| (low.min(option), high.max(option))),
            Self::Rest => (0.0, 0.0),
        }
    }

    pub(super) fn check(&self, name: &str) -> Result<()> {
        match self {
            _ if self.makes_sense() => Ok(()),
            Self::TruncatedExponential { mean, .. } if !(mean.is_finite() && *mean > 0.0) => {
                positive(&format!("{name}, mean"), *mean)
            }
            Self::Choice(options) if options.is_empty() => {
                Err(Error::argument(name, "one of at least one duration", "none"))
            }
            _ => Err(Error::argument(name, "a duration of 0 ms or more, the shortest first", self)),
        }
    }

    fn makes_sense(&self) -> bool {
        let in_order = |low: f32, high: f32| low >= 0.0 && high >= low && high.is_finite();
        match self {
            Self::Fixed(duration) => in_order(*duration, *duration),
            Self::Uniform { low, high } => in_order(*low, *high),
            Self::TruncatedExponential { mean, low, high } => in_order(*low, *high) && mean.is_finite() && *mean > 0.0,
            Self::Choice(options) => !options.is_empty() && options.iter().all(|&option| in_order(option, option)),
            Self::Rest => true,
        }
    }
}
