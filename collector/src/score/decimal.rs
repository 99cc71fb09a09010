//! Exact decimal numbers: how a fraction is printed with a fixed number of digits.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

/// The most digits after the point. With 9 digits one bad rating in 10 000 million is still seen.
pub const MAX_DIGITS: u8 = 9;

/// How a value between two printable ones is printed.
///
/// Publishers differ and seldom say: Kaifeng 2021 truncated (9 bad ratings of some 5 150 000 are
/// printed as 99.99 %), Weiyuan 2020 rounded half up.
///
/// # Source
/// Kaifeng <http://www.ceirp.cn/zhzw/hyyw/2022-01-14/8208.html> \[N\], Weiyuan
/// <http://xianyu.chinaxiaokang.com/dingxishi/weiyuanxian/huizhan/2021/0107/4143644.html> \[N\]:
/// both modes inferred from the printed figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoundingMode {
    /// 四舍五入: half and more goes up.
    HalfUp,
    /// 截位: further digits are cut off.
    Truncate,
}

impl RoundingMode {
    /// Both modes.
    pub const ALL: [Self; 2] = [Self::HalfUp, Self::Truncate];

    /// The name in JSON, queries and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HalfUp => "half_up",
            Self::Truncate => "truncate",
        }
    }

    /// The mode with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

/// The rounding of one report: mode and digits after the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rounding {
    mode: RoundingMode,
    digits: u8,
}

impl Rounding {
    /// A rounding; `None` when `digits` is above [`MAX_DIGITS`].
    #[must_use]
    pub const fn new(mode: RoundingMode, digits: u8) -> Option<Self> {
        if digits > MAX_DIGITS {
            return None;
        }
        Some(Self { mode, digits })
    }

    /// The mode.
    #[must_use]
    pub const fn mode(self) -> RoundingMode {
        self.mode
    }

    /// Digits after the point, at most [`MAX_DIGITS`].
    #[must_use]
    pub const fn digits(self) -> u8 {
        self.digits
    }

    /// `numerator / denominator` printed this way; `None` when the denominator is 0.
    ///
    /// Exact for any numerator and denominator below 2^120: long division, one digit at a time.
    #[must_use]
    pub fn print(self, numerator: u128, denominator: u128) -> Option<Decimal> {
        let mut units = numerator.checked_div(denominator)?;
        let mut rest = numerator.checked_rem(denominator)?;
        for _ in 0..self.digits {
            rest *= 10;
            units = units * 10 + rest / denominator;
            rest %= denominator;
        }
        if self.mode == RoundingMode::HalfUp && rest * 2 >= denominator {
            units += 1;
        }
        Some(Decimal {
            units,
            digits: self.digits,
        })
    }
}

impl Default for Rounding {
    /// Half up at two digits: what most publishers print.
    fn default() -> Self {
        Self {
            mode: RoundingMode::HalfUp,
            digits: 2,
        }
    }
}

/// A non-negative decimal number with a fixed number of digits: `units / 10^digits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    units: u128,
    digits: u8,
}

/// Text that is not a plain decimal number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidDecimal {
    /// The text.
    pub text: String,
}

impl fmt::Display for InvalidDecimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = &self.text;
        write!(
            f,
            "`{text}` is not a decimal number such as 7.8, with at most {MAX_DIGITS} digits after the point"
        )
    }
}

impl Error for InvalidDecimal {}

impl Decimal {
    /// The number without its point.
    #[must_use]
    pub const fn units(self) -> u128 {
        self.units
    }

    /// Digits after the point.
    #[must_use]
    pub const fn digits(self) -> u8 {
        self.digits
    }

    /// A whole number written with this many digits after the point.
    #[must_use]
    pub const fn whole(number: u128, digits: u8) -> Self {
        Self {
            units: number * 10_u128.pow(digits as u32),
            digits,
        }
    }

    /// The number with `units` as its digits, as many after the point as here.
    #[must_use]
    pub const fn with_units(self, units: u128) -> Self {
        Self { units, ..self }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.digits == 0 {
            return write!(f, "{}", self.units);
        }
        let scale = 10_u128.pow(u32::from(self.digits));
        let width = usize::from(self.digits);
        write!(f, "{}.{:0width$}", self.units / scale, self.units % scale)
    }
}

impl FromStr for Decimal {
    type Err = InvalidDecimal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidDecimal {
            text: text.chars().take(40).collect(),
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let point = text.contains('.');
        let plain = |part: &str| {
            !part.is_empty() && part.len() <= 18 && part.bytes().all(|b| b.is_ascii_digit())
        };
        if !plain(whole) || !plain(fraction) || fraction.len() > usize::from(MAX_DIGITS) {
            return Err(invalid());
        }
        let digits = if point {
            u8::try_from(fraction.len()).map_err(|_| invalid())?
        } else {
            0
        };
        let whole: u128 = whole.parse().map_err(|_| invalid())?;
        let fraction: u128 = fraction.parse().map_err(|_| invalid())?;
        let scaled = Self::whole(whole, digits);
        Ok(scaled.with_units(scaled.units + fraction))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(RoundingMode::HalfUp, 2, 1, 8, "0.13")]
    #[case(RoundingMode::Truncate, 2, 1, 8, "0.12")]
    #[case(RoundingMode::HalfUp, 0, 5, 2, "3")]
    #[case(RoundingMode::Truncate, 0, 5, 2, "2")]
    #[case(RoundingMode::HalfUp, 9, 2, 3, "0.666666667")]
    #[case(RoundingMode::HalfUp, 1, 1999, 100, "20.0")]
    fn a_fraction_prints(
        #[case] mode: RoundingMode,
        #[case] digits: u8,
        #[case] numerator: u128,
        #[case] denominator: u128,
        #[case] printed: &str,
    ) {
        let rounding = Rounding::new(mode, digits).unwrap();
        assert_eq!(
            rounding.print(numerator, denominator).unwrap().to_string(),
            printed
        );
    }

    #[test]
    fn nothing_divided_by_nothing_has_no_value() {
        assert_eq!(Rounding::default().print(0, 0), None);
    }

    #[test]
    fn a_decimal_reads_back_what_it_prints() {
        for text in ["7.8", "0", "10", "99.99", "0.050", "123456789.123456789"] {
            assert_eq!(text.parse::<Decimal>().unwrap().to_string(), text);
        }
    }

    #[rstest::rstest]
    #[case("")]
    #[case("-1")]
    #[case(".5")]
    #[case("7.")]
    #[case("7,8")]
    #[case("1e3")]
    #[case("1.0123456789")]
    fn text_that_is_no_decimal_is_refused(#[case] text: &str) {
        assert!(text.parse::<Decimal>().is_err(), "{text}");
    }
}
