//! Numbers on the command line, written as in a specification.

/// A whole number, also as 5e5.
pub(crate) fn whole(text: &str) -> Result<u64, String> {
    /// Up to here each whole number has a value of its own.
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    let exact = |number: &f64| number.fract() == 0.0 && (0.0..=LARGEST).contains(number);
    let number = || text.parse().ok().filter(exact).map(|number| number as u64);
    text.parse().ok().or_else(number).ok_or_else(|| "it must be a whole number of 0 or more".to_owned())
}

/// A number of things of which there must be one.
pub(crate) fn count(text: &str) -> Result<usize, String> {
    let count = whole(text).ok().and_then(|count| usize::try_from(count).ok());
    count.filter(|&count| count > 0).ok_or_else(|| "it must be a whole number of at least 1".to_owned())
}

/// A number that is one.
pub(crate) fn finite(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| "it must be a finite number".to_owned())
}
