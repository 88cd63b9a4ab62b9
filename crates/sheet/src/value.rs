//! Numbers and dates of a workbook as text, and what a number format makes of them.

use std::fmt::Write;

/// What a number format makes of a number, as far as it changes what a person means by it.
/// Currencies, percentages and decimal places do not: the number itself is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Style {
    #[default]
    Number,
    Date,
    DateTime,
    /// A time of day.
    Time,
    /// Hours that go on beyond 24: `[h]:mm`.
    Duration,
    /// Zeros alone: the number is a code and keeps its leading zeros.
    Padded(u8),
}

/// The longest number of zeros that is taken for a code: Excel keeps 15 digits of a number.
const PADDED_DIGITS_MAX: usize = 15;

impl Style {
    /// The styles of the formats that a workbook names by number alone, the Japanese included.
    pub(crate) fn built_in(id: u32) -> Self {
        match id {
            14..=17 | 27..=31 | 34..=36 | 50..=58 => Self::Date,
            18..=21 | 32 | 33 | 45 | 47 => Self::Time,
            22 => Self::DateTime,
            46 => Self::Duration,
            _ => Self::Number,
        }
    }

    /// The style of a format that a workbook spells out.
    pub(crate) fn of_code(code: &str) -> Self {
        let tokens = Tokens::of(code);
        if tokens.elapsed {
            return Self::Duration;
        }
        match (tokens.date || (tokens.m && !tokens.time), tokens.time) {
            (true, true) => Self::DateTime,
            (true, false) => Self::Date,
            (false, true) => Self::Time,
            (false, false) => Self::padded(code),
        }
    }

    fn padded(code: &str) -> Self {
        let zeros = code.len();
        if (2..=PADDED_DIGITS_MAX).contains(&zeros) && code.bytes().all(|byte| byte == b'0') {
            return u8::try_from(zeros).map_or(Self::Number, Self::Padded);
        }
        Self::Number
    }
}

/// What letters stand in the first section of a format, outside of literals.
#[derive(Default)]
struct Tokens {
    date: bool,
    time: bool,
    /// Month or minute.
    m: bool,
    elapsed: bool,
}

impl Tokens {
    fn of(code: &str) -> Self {
        let mut tokens = Self::default();
        let lower = code
            .to_ascii_lowercase()
            .replace("am/pm", "h")
            .replace("a/p", "h");
        if lower.starts_with("general") {
            return tokens;
        }
        let mut letters = lower.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '"' => drop(letters.by_ref().find(|&letter| letter == '"')),
                // What follows is text, a width or a filling.
                '\\' | '_' | '*' => drop(letters.next()),
                '[' => {
                    let inner: String = letters.by_ref().take_while(|&end| end != ']').collect();
                    tokens.elapsed |=
                        matches!(inner.as_str(), "h" | "hh" | "m" | "mm" | "s" | "ss");
                }
                ';' => break,
                'y' | 'd' => tokens.date = true,
                'h' | 's' => tokens.time = true,
                'm' => tokens.m = true,
                _ => {}
            }
        }
        tokens
    }
}

/// A number of a workbook and how days are counted in it.
#[derive(Clone, Copy)]
pub(crate) struct Number {
    pub(crate) value: f64,
    pub(crate) style: Style,
    /// Days count from 1904 and not from 1900.
    pub(crate) from_1904: bool,
}

/// Writes a number as a person sees it.
pub(crate) fn write_number(number: Number, text: &mut String) {
    let seconds = seconds_of(number);
    match number.style {
        Style::Duration if let Some(seconds) = seconds => write_duration(seconds, text),
        Style::Date | Style::DateTime | Style::Time if let Some(seconds) = seconds => {
            write_date(seconds, number, text);
        }
        Style::Padded(digits) if number.value >= 0.0 && number.value.fract() == 0.0 => {
            let before = text.len();
            write_plain(number.value, text);
            for _ in text.len() - before..usize::from(digits) {
                text.insert(before, '0');
            }
        }
        _ => write_plain(number.value, text),
    }
}

const DAY_SECONDS: i64 = 86_400;

/// The day after 9999-12-31, where Excel's calendar ends.
const DAY_END: f64 = 2_958_466.0;

/// Days between 1900-01-00 and 1904-01-01.
const DAYS_TO_1904: i64 = 1_462;

/// The moment in seconds of the 1900 calendar, rounded as Excel shows it; `None` for numbers that
/// its calendar does not have.
fn seconds_of(number: Number) -> Option<i64> {
    if !(0.0..DAY_END).contains(&number.value) {
        return None;
    }
    let seconds = (number.value * DAY_SECONDS as f64).round() as i64;
    let is_day = number.style != Style::Duration && (!number.from_1904 || seconds >= DAY_SECONDS);
    let moved = if number.from_1904 && is_day {
        DAYS_TO_1904 * DAY_SECONDS
    } else {
        0
    };
    Some(seconds + moved)
}

// Writing into a String cannot fail, so the results of `write!` below carry nothing.

fn write_duration(seconds: i64, text: &mut String) {
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let _ = write!(text, "{hours:02}:{minutes:02}:{seconds:02}");
}

fn write_date(seconds: i64, number: Number, text: &mut String) {
    let (day, second) = (seconds / DAY_SECONDS, seconds % DAY_SECONDS);
    // A number below 1 is a time without a day, whatever the format shows of it.
    let has_day = day > 0;
    if !has_day {
        return write_duration(second, text);
    }
    let (year, month, day) = calendar_day(day);
    let _ = write!(text, "{year:04}-{month:02}-{day:02}");
    if number.style != Style::Date {
        text.push('T');
        write_duration(second, text);
    }
}

/// Year, month and day of a serial day. Day 60 is 1900-02-29, which was not: Excel has it because
/// its forerunner had it, and counts all later days accordingly.
fn calendar_day(serial: i64) -> (i64, i64, i64) {
    if serial == 60 {
        return (1900, 2, 29);
    }
    // 25,569 is 1970-01-01; before the day that was not, the count is one less.
    let unix_day = if serial > 60 {
        serial - 25_569
    } else {
        serial - 25_568
    };
    // Days since 0000-03-01, in which a leap day is the last of its year.
    let day = unix_day + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// Beyond these a number is written with an exponent, as Excel does at far smaller ones: plain
/// digits up to here are still digits that a person can compare.
const PLAIN_MAX: f64 = 1e21;
const PLAIN_MIN: f64 = 1e-12;

/// Writes a number with at most 15 digits, which is what Excel shows and keeps: 0.1 + 0.2 is 0.3.
fn write_plain(value: f64, text: &mut String) {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        let _ = write!(text, "{}", value as i64);
        return;
    }
    let rounded = format!("{value:.14e}").parse::<f64>().unwrap_or(value);
    let size = rounded.abs();
    let _ = if (PLAIN_MIN..PLAIN_MAX).contains(&size) {
        write!(text, "{rounded}")
    } else {
        write!(text, "{rounded:E}")
    };
}
