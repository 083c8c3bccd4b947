//! Elementary functions in vector registers. Polynomials in the manner of Cephes (Moshier SL 1989, Methods and Programs for
//! Mathematical Functions), in single precision; NaN goes in and comes out.

#![allow(
    clippy::excessive_precision,
    reason = "the constants are written with the digits that they were published with"
)]

use pulp::Simd;

/// `1.5 · 2²³`: a float of this size has a unit in the last place of 1, so that adding it rounds to a whole number, which then
/// stands in the low bits.
const ROUND: f32 = 12_582_912.0;

/// `c[0] xⁿ + c[1] xⁿ⁻¹ + … + c[n]`.
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(simd: S, x: S::f32s, coefficients: [f32; N]) -> S::f32s {
    let mut sum = simd.splat_f32s(coefficients[0]);
    for &c in &coefficients[1..] {
        sum = simd.mul_add_e_f32s(sum, x, simd.splat_f32s(c));
    }
    sum
}

#[inline(always)]
pub(in crate::dynamics) fn shift_left<S: Simd>(simd: S, bits: S::u32s, by: u32) -> S::u32s {
    simd.wrapping_dyn_shl_u32s(bits, simd.splat_u32s(by))
}

#[inline(always)]
pub(in crate::dynamics) fn shift_right<S: Simd>(simd: S, bits: S::u32s, by: u32) -> S::u32s {
    simd.wrapping_dyn_shr_u32s(bits, simd.splat_u32s(by))
}

/// `|x|`. That of pulp is not inlined whole.
#[inline(always)]
fn abs<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    simd.and_f32s(x, simd.transmute_f32s_u32s(simd.splat_u32s(0x7fff_ffff)))
}

/// `exp(x)`, held within the normal numbers; relative error below 2e-7.
#[inline(always)]
pub(in crate::dynamics) fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    // The second operand is what comes out if one of them is NaN.
    let x = simd.max_f32s(simd.splat_f32s(-87.0), simd.min_f32s(simd.splat_f32s(88.0), x));
    let rounded = simd.mul_add_e_f32s(x, simd.splat_f32s(std::f32::consts::LOG2_E), simd.splat_f32s(ROUND));
    let n = simd.sub_f32s(rounded, simd.splat_f32s(ROUND));
    // ln 2 in two parts, so that the remainder is exact.
    let rest = simd.mul_add_e_f32s(n, simd.splat_f32s(-0.693_359_375), x);
    let rest = simd.mul_add_e_f32s(n, simd.splat_f32s(2.121_944_4e-4), rest);
    let p = polynomial(
        simd,
        rest,
        [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 5.000_000_1e-1],
    );
    let one = simd.splat_f32s(1.0);
    let mantissa = simd.add_f32s(simd.mul_add_e_f32s(simd.mul_f32s(rest, rest), p, rest), one);
    let exponent = shift_left(simd, simd.transmute_u32s_f32s(rounded), 23);
    let power = simd.transmute_f32s_u32s(simd.add_u32s(exponent, simd.transmute_u32s_f32s(one)));
    simd.mul_f32s(mantissa, power)
}

/// `ln(x)` of a positive normal number.
#[inline(always)]
pub(in crate::dynamics) fn ln<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let bits = simd.transmute_u32s_f32s(x);
    let one = simd.splat_f32s(1.0);
    // The mantissa in [√½, √2) and the exponent that belongs to it.
    let shifted = simd.sub_u32s(bits, simd.splat_u32s(0x3f35_04f3));
    let e = simd.sub_f32s(
        // The exponent is read as a signed number: biased by 128 it is positive.
        simd.transmute_f32s_u32s(simd.or_u32s(
            shift_right(simd, simd.add_u32s(shifted, simd.splat_u32s(128 << 23)), 23),
            simd.splat_u32s(0x4b00_0000),
        )),
        simd.splat_f32s(8_388_608.0 + 128.0),
    );
    let mantissa = simd.add_u32s(simd.and_u32s(shifted, simd.splat_u32s(0x007f_ffff)), simd.splat_u32s(0x3f35_04f3));
    let m = simd.sub_f32s(simd.transmute_f32s_u32s(mantissa), one);
    let square = simd.mul_f32s(m, m);
    let p = polynomial(
        simd,
        m,
        [
            7.037_683_6e-2,
            -1.151_461e-1,
            1.167_699_9e-1,
            -1.242_014_1e-1,
            1.424_932_3e-1,
            -1.666_805_8e-1,
            2.000_071_5e-1,
            -2.499_999_4e-1,
            3.333_333_1e-1,
        ],
    );
    let small = simd.mul_add_e_f32s(e, simd.splat_f32s(-2.121_944_4e-4), simd.mul_f32s(simd.mul_f32s(p, m), square));
    let small = simd.mul_add_e_f32s(simd.splat_f32s(-0.5), square, small);
    simd.mul_add_e_f32s(e, simd.splat_f32s(0.693_359_375), simd.add_f32s(m, small))
}

/// `sin(x)` and `cos(x)` for `x` from `-π/4` to `π/4`.
#[inline(always)]
pub(in crate::dynamics) fn sin_cos_quarter<S: Simd>(simd: S, x: S::f32s) -> (S::f32s, S::f32s) {
    let square = simd.mul_f32s(x, x);
    let p = polynomial(simd, square, [-1.951_529_6e-4, 8.332_161e-3, -1.666_665_5e-1]);
    let sin = simd.mul_add_e_f32s(simd.mul_f32s(p, square), x, x);
    let p = polynomial(simd, square, [2.443_315_7e-5, -1.388_731_6e-3, 4.166_664_6e-2, -0.5]);
    (sin, simd.mul_add_e_f32s(p, square, simd.splat_f32s(1.0)))
}

/// `xⁿ` where `x` is positive, and 0 elsewhere; relative error below 1e-6 for numbers about 1.
#[inline(always)]
pub(in crate::dynamics) fn positive_power<S: Simd>(simd: S, x: S::f32s, n: f32) -> S::f32s {
    let (zero, least) = (simd.splat_f32s(0.0), simd.splat_f32s(f32::MIN_POSITIVE));
    let power = exp(simd, simd.mul_f32s(simd.splat_f32s(n), ln(simd, simd.max_f32s(least, x))));
    simd.select_f32s(simd.greater_than_f32s(x, zero), power, zero)
}

/// `max(x, 0)ⁿ` and its slope, `n xⁿ⁻¹` where `x` is positive and 0 elsewhere.
#[inline(always)]
pub(in crate::dynamics) fn positive_power_and_slope<S: Simd>(simd: S, x: S::f32s, n: f32) -> (S::f32s, S::f32s) {
    let positive = simd.max_f32s(simd.splat_f32s(0.0), x);
    // A square, the usual power, takes no logarithm.
    let below = if n == 2.0 { positive } else { positive_power(simd, x, n - 1.0) };
    (simd.mul_f32s(positive, below), simd.mul_f32s(simd.splat_f32s(n), below))
}

/// `1 / (1 + exp(-x))`.
#[inline(always)]
pub(in crate::dynamics) fn sigmoid<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let one = simd.splat_f32s(1.0);
    simd.div_f32s(one, simd.add_f32s(one, exp(simd, simd.neg_f32s(x))))
}

/// `tanh(x)`.
#[inline(always)]
pub(in crate::dynamics) fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let size = abs(simd, x);
    let square = simd.mul_f32s(x, x);
    let p =
        polynomial(simd, square, [-5.704_988_7e-3, 2.063_908_9e-2, -5.373_971_6e-2, 1.333_144_2e-1, -3.333_328_2e-1]);
    let near = simd.mul_add_e_f32s(simd.mul_f32s(p, square), x, x);
    let (one, two) = (simd.splat_f32s(1.0), simd.splat_f32s(2.0));
    let twice = exp(simd, simd.add_f32s(size, size));
    let far = simd.sub_f32s(one, simd.div_f32s(two, simd.add_f32s(twice, one)));
    let far = simd.or_f32s(far, simd.and_f32s(x, simd.splat_f32s(-0.0)));
    simd.select_f32s(simd.less_than_f32s(size, simd.splat_f32s(0.625)), near, far)
}

/// `ln(1 + exp(x))` and its slope, `1 / (1 + exp(-x))`.
///
/// With `y = exp(-|x|)` and `s = y / (2 + y)`, at most 1/3, `ln(1 + y) = 2 artanh(s) = 2 (s + s³ / 3 + s⁵ / 5 + …)`: as precise where `y`
/// is small, and one division gives both.
#[inline(always)]
pub(in crate::dynamics) fn softplus_and_slope<S: Simd>(simd: S, x: S::f32s) -> (S::f32s, S::f32s) {
    let (zero, one) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0));
    let y = exp(simd, simd.neg_f32s(abs(simd, x)));
    let (plus_one, plus_two) = (simd.add_f32s(one, y), simd.add_f32s(simd.splat_f32s(2.0), y));
    let inverse = simd.div_f32s(one, simd.mul_f32s(plus_one, plus_two));
    let s = simd.mul_f32s(simd.mul_f32s(y, plus_one), inverse);
    let square = simd.mul_f32s(s, s);
    let p = polynomial(simd, square, [1.0 / 13.0, 1.0 / 11.0, 1.0 / 9.0, 1.0 / 7.0, 1.0 / 5.0, 1.0 / 3.0]);
    let log = simd.mul_add_e_f32s(simd.mul_f32s(s, square), p, s);
    let above = simd.select_f32s(simd.greater_than_f32s(zero, x), y, one);
    let slope = simd.mul_f32s(simd.mul_f32s(above, plus_two), inverse);
    (simd.add_f32s(simd.max_f32s(zero, x), simd.add_f32s(log, log)), slope)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulp::{Arch, Scalar, WithSimd};

    /// One of the functions on many numbers, in the widest registers that there are.
    #[derive(Clone, Copy)]
    enum Function {
        Exp,
        Ln,
        Sigmoid,
        Tanh,
        Softplus,
        SlopeOfSoftplus,
    }

    struct Map<'a>(Function, &'a mut [f32]);

    impl WithSimd for Map<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let (vectors, rest) = S::as_mut_simd_f32s(self.1);
            assert!(rest.is_empty());
            for x in vectors {
                *x = match self.0 {
                    Function::Exp => exp(simd, *x),
                    Function::Ln => ln(simd, *x),
                    Function::Sigmoid => sigmoid(simd, *x),
                    Function::Tanh => tanh(simd, *x),
                    Function::Softplus => softplus_and_slope(simd, *x).0,
                    Function::SlopeOfSoftplus => softplus_and_slope(simd, *x).1,
                };
            }
        }
    }

    #[test]
    fn functions_are_those_of_double_precision() {
        type Exact = fn(f64) -> f64;
        let exact: [(Function, Exact, f64, f64); 6] = [
            (Function::Exp, f64::exp, -86.0, 87.0),
            (Function::Ln, f64::ln, 1e-30, 20.0),
            (Function::Sigmoid, |x| 1.0 / (1.0 + (-x).exp()), -80.0, 80.0),
            (Function::Tanh, f64::tanh, -20.0, 20.0),
            (Function::Softplus, |x| x.max(0.0) + (-x.abs()).exp().ln_1p(), -80.0, 80.0),
            (Function::SlopeOfSoftplus, |x| 1.0 / (1.0 + (-x).exp()), -80.0, 80.0),
        ];
        for (function, exact, low, high) in exact {
            let n = 1 << 16;
            let numbers: Vec<f32> = (0..n)
                .map(|i| (low + (high - low) * (f64::from(i) / f64::from(n)).powi(3)) as f32)
                .chain((0..n).map(|i| (low.max(-1.0) + f64::from(i) / f64::from(n) * 2.0).max(low) as f32))
                .collect();
            for scalar in [false, true] {
                let mut found = numbers.clone();
                let map = Map(function, &mut found);
                if scalar {
                    map.with_simd(Scalar)
                } else {
                    Arch::new().dispatch(map)
                }
                for (x, y) in numbers.iter().zip(found) {
                    let expected = exact(f64::from(*x));
                    let scale = expected.abs().max(if matches!(function, Function::Ln) { 0.1 } else { 0.0 });
                    assert!((f64::from(y) - expected).abs() <= 4e-7 * scale, "{x}: {y} for {expected}");
                }
            }
        }
    }

    #[test]
    fn nan_and_infinity_are_not_hidden() {
        for function in
            [Function::Exp, Function::Sigmoid, Function::Tanh, Function::Softplus, Function::SlopeOfSoftplus]
        {
            let mut numbers = [f32::NAN; 64];
            Arch::new().dispatch(Map(function, &mut numbers));
            assert!(numbers.iter().all(|x| x.is_nan()));
            let mut numbers = [f32::INFINITY; 64];
            Arch::new().dispatch(Map(function, &mut numbers));
            assert!(numbers.iter().all(|x| *x >= 1.0));
        }
    }
}
