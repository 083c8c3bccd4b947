//! Colors and color maps.

use serde::{Deserialize, Serialize};

/// An opaque color.
///
/// The named colors other than black and the grays are the palette of Okabe and Ito, which people with every kind of
/// color vision tell apart (<https://jfly.uni-koeln.de/color/>).
///
/// ```
/// use psychrnn::plot::Color;
/// assert_eq!(Color::BLUE, Color::rgb(0, 114, 178));
/// assert_eq!(Color::cycle(0), Color::BLUE);
/// assert_eq!(Color::VERMILION.hex(), "#d55e00");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Color {
    /// Red, 0 to 255.
    pub red: u8,
    /// Green, 0 to 255.
    pub green: u8,
    /// Blue, 0 to 255.
    pub blue: u8,
}

impl Color {
    /// Black.
    pub const BLACK: Self = Self::rgb(0, 0, 0);
    /// A middle gray.
    pub const GRAY: Self = Self::rgb(128, 128, 128);
    /// A light gray; cells of a heatmap without a value have it.
    pub const LIGHT_GRAY: Self = Self::rgb(210, 210, 210);
    /// White.
    pub const WHITE: Self = Self::rgb(255, 255, 255);
    /// The palette's blue.
    pub const BLUE: Self = Self::rgb(0, 114, 178);
    /// The palette's vermilion, a red.
    pub const VERMILION: Self = Self::rgb(213, 94, 0);
    /// The palette's bluish green.
    pub const GREEN: Self = Self::rgb(0, 158, 115);
    /// The palette's orange.
    pub const ORANGE: Self = Self::rgb(230, 159, 0);
    /// The palette's reddish purple.
    pub const PURPLE: Self = Self::rgb(204, 121, 167);
    /// The palette's sky blue.
    pub const SKY: Self = Self::rgb(86, 180, 233);
    /// The palette's yellow.
    pub const YELLOW: Self = Self::rgb(240, 228, 66);

    /// The color of these parts.
    pub const fn rgb(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// The color that the line or the points number `index` (from 0) of a panel have by default; after eight colors
    /// they repeat.
    pub const fn cycle(index: usize) -> Self {
        const CYCLE: [Color; 8] = [
            Color::BLUE,
            Color::VERMILION,
            Color::GREEN,
            Color::ORANGE,
            Color::PURPLE,
            Color::SKY,
            Color::BLACK,
            Color::YELLOW,
        ];
        CYCLE[index % CYCLE.len()]
    }

    /// The color on the way from this one (`fraction` 0) to another (`fraction` 1).
    pub fn blend(self, other: Self, fraction: f64) -> Self {
        let part = |from: u8, to: u8| {
            (f64::from(from) + (f64::from(to) - f64::from(from)) * fraction.clamp(0.0, 1.0)).round() as u8
        };
        Self::rgb(part(self.red, other.red), part(self.green, other.green), part(self.blue, other.blue))
    }

    /// The color as web pages write it, such as `#d55e00`.
    pub fn hex(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

/// How values become colors in a [`Heatmap`](super::Heatmap).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Colormap {
    /// Blue over white to red, for values with a sign: inhibition is blue, excitation red. The default.
    #[default]
    Diverging,
    /// Dark violet over green to yellow, evenly brighter (matplotlib's viridis), for values without a sign.
    Sequential,
    /// White to black.
    Grays,
}

impl Colormap {
    /// The color at `fraction` of the way from the low end (0) to the high end (1). Fractions outside are held to the
    /// ends; NaN, a missing value, is [`Color::LIGHT_GRAY`].
    ///
    /// ```
    /// use psychrnn::plot::{Color, Colormap};
    /// assert_eq!(Colormap::Diverging.color(0.5), Color::WHITE);
    /// ```
    pub fn color(self, fraction: f64) -> Color {
        const DIVERGING: [Color; 5] = [
            Color::rgb(5, 48, 140),
            Color::rgb(80, 130, 210),
            Color::WHITE,
            Color::rgb(225, 95, 80),
            Color::rgb(140, 5, 25),
        ];
        const SEQUENTIAL: [Color; 9] = [
            Color::rgb(68, 1, 84),
            Color::rgb(71, 44, 122),
            Color::rgb(59, 81, 139),
            Color::rgb(44, 113, 142),
            Color::rgb(33, 144, 141),
            Color::rgb(39, 173, 129),
            Color::rgb(92, 200, 99),
            Color::rgb(170, 220, 50),
            Color::rgb(253, 231, 37),
        ];
        const GRAYS: [Color; 2] = [Color::WHITE, Color::BLACK];
        if fraction.is_nan() {
            return Color::LIGHT_GRAY;
        }
        let stops: &[Color] = match self {
            Self::Diverging => &DIVERGING,
            Self::Sequential => &SEQUENTIAL,
            Self::Grays => &GRAYS,
        };
        let place = fraction.clamp(0.0, 1.0) * (stops.len() - 1) as f64;
        let low = (place as usize).min(stops.len() - 2);
        stops[low].blend(stops[low + 1], place - low as f64)
    }
}
