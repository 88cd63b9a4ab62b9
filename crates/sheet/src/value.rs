//! Formats the numbers and dates of a workbook as text.

use std::fmt::Write;

/// The effect of a number format on the meaning of a number. Currencies, percentages and decimal
/// places do not change the meaning: they are [`Style::Number`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Style {
    #[default]
    Number,
    Date,
    DateTime,
    /// A time of day.
    Time,
    /// A duration, whose hours can exceed 24: `[h]:mm`.
    Duration,
    /// The format consists only of zeros: the number is a code and keeps its leading zeros.
    Padded(u8),
}

/// Maximum zeros of the format of a code. Excel stores 15 digits of a number.
const PADDED_DIGITS_MAX: usize = 15;

impl Style {
    /// Returns the style of a built-in format, including the Japanese ones. A workbook refers to
    /// these formats only by number.
    pub(crate) fn built_in(id: u32) -> Self {
        match id {
            14..=17 | 27..=31 | 34..=36 | 50..=58 => Self::Date,
            18..=21 | 32 | 33 | 45 | 47 => Self::Time,
            22 => Self::DateTime,
            46 => Self::Duration,
            _ => Self::Number,
        }
    }

    /// Returns the style of a format code of the workbook.
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

/// The letters in the first section of a format, outside of literals.
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
                // The next character is a literal, a width or a fill character.
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

/// A number of a workbook, with its style and the first day of its calendar.
#[derive(Clone, Copy)]
pub(crate) struct Number {
    pub(crate) value: f64,
    pub(crate) style: Style,
    /// Whether days count from 1904 instead of 1900.
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

/// Returns the number as seconds of the 1900 calendar, rounded as Excel shows it; `None` for
/// numbers outside of the calendar.
fn seconds_of(number: Number) -> Option<i64> {
    if !(0.0..DAY_END).contains(&number.value) {
        return None;
    }
    let seconds = (number.value * DAY_SECONDS as f64).round() as i64;
    let is_day = number.style != Style::Duration && (!number.from_1904 || seconds >= DAY_SECONDS);
    let offset = if number.from_1904 && is_day {
        DAYS_TO_1904 * DAY_SECONDS
    } else {
        0
    };
    Some(seconds + offset)
}

// Writing into a `String` cannot fail, so the functions below ignore the results of `write!`.

fn write_duration(seconds: i64, text: &mut String) {
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let _ = write!(text, "{hours:02}:{minutes:02}:{seconds:02}");
}

fn write_date(seconds: i64, number: Number, text: &mut String) {
    let (day, second) = (seconds / DAY_SECONDS, seconds % DAY_SECONDS);
    // A number below 1 is a time without a day, even if the format shows a date.
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

/// Returns year, month and day of a serial day. Day 60 is 1900-02-29, which did not exist: Excel
/// has this day for compatibility with an older program, and counts all later days accordingly.
fn calendar_day(serial: i64) -> (i64, i64, i64) {
    if serial == 60 {
        return (1900, 2, 29);
    }
    // 25,569 is 1970-01-01. Before the nonexistent day, the offset is one less.
    let unix_day = if serial > 60 {
        serial - 25_569
    } else {
        serial - 25_568
    };
    // Days since 0000-03-01. In years that begin in March, a leap day is the last day.
    let day = unix_day + 719_468;
    let era = day.div_euclid(146_097);
    let day_of_era = day.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// Outside of these bounds a number is written with an exponent. Excel uses an exponent much
/// earlier, but up to these bounds a person can still compare plain digits.
const PLAIN_MAX: f64 = 1e21;
const PLAIN_MIN: f64 = 1e-12;

/// Writes a number with at most 15 digits, which Excel stores and shows: 0.1 + 0.2 is 0.3.
fn write_plain(value: f64, text: &mut String) {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        let _ = write!(text, "{}", value as i64);
        return;
    }
    let rounded = format!("{value:.14e}").parse::<f64>().unwrap_or(value);
    let magnitude = rounded.abs();
    let _ = if (PLAIN_MIN..PLAIN_MAX).contains(&magnitude) {
        write!(text, "{rounded}")
    } else {
        write!(text, "{rounded:E}")
    };
}

#[cfg(test)]
mod tests {
    use super::{Number, Style, write_number};

    fn text_of(value: f64, style: Style) -> String {
        let mut text = String::from("=");
        write_number(
            Number {
                value,
                style,
                from_1904: false,
            },
            &mut text,
        );
        text.split_off(1)
    }

    #[test]
    fn numbers_are_written_without_artefacts_of_binary_storage() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-12.0, "-12"),
            (0.1 + 0.2, "0.3"),
            (1.1 * 3.0, "3.3"),
            (100.0 / 3.0, "33.3333333333333"),
            (999_999_999_999_999.0, "999999999999999"),
            (1e15, "1000000000000000"),
            (1e20, "100000000000000000000"),
            (1e21, "1E21"),
            (-2.5e300, "-2.5E300"),
            (1e-12, "0.000000000001"),
            (1e-13, "1E-13"),
        ] {
            assert_eq!(text_of(value, Style::Number), text);
        }
    }

    #[test]
    fn a_format_code_determines_the_style() {
        for (code, style) in [
            ("General", Style::Number),
            ("G/標準", Style::Number),
            ("0.00E+00", Style::Number),
            ("#,##0;[Red]-#,##0", Style::Number),
            ("\"day\" 0", Style::Number),
            ("0\\d", Style::Number),
            ("_d0*s", Style::Number),
            ("0;yyyy", Style::Number),
            ("[$-411]yyyy/m/d", Style::Date),
            ("ggge\"年\"m\"月\"d\"日\"", Style::Date),
            ("mmm", Style::Date),
            ("YYYY-MM-DD", Style::Date),
            ("yyyy-mm-dd hh:mm", Style::DateTime),
            ("m/d h:mm AM/PM", Style::DateTime),
            ("h:mm AM/PM", Style::Time),
            ("mm:ss", Style::Time),
            ("[h]:mm", Style::Duration),
            ("[mm]:ss", Style::Duration),
            ("0", Style::Number),
            ("00", Style::Padded(2)),
            ("000000000000000", Style::Padded(15)),
            ("0000000000000000", Style::Number),
        ] {
            assert_eq!(Style::of_code(code), style, "{code}");
        }
    }

    #[test]
    fn dates_match_excel_from_its_first_day_to_its_last_day() {
        for (value, text) in [
            (0.0, "00:00:00"),
            (1.0, "1900-01-01T00:00:00"),
            (59.0, "1900-02-28T00:00:00"),
            (60.0, "1900-02-29T00:00:00"),
            (61.0, "1900-03-01T00:00:00"),
            (36_585.0, "2000-02-29T00:00:00"),
            (46_350.395_833_333_336, "2026-11-24T09:30:00"),
            (46_349.999_999_999, "2026-11-24T00:00:00"),
            (2_958_465.999_9, "9999-12-31T23:59:51"),
            (2_958_466.0, "2958466"),
            (-1.0, "-1"),
        ] {
            assert_eq!(text_of(value, Style::DateTime), text);
        }
    }

    #[test]
    fn each_style_writes_only_its_parts() {
        assert_eq!(text_of(46_350.75, Style::Date), "2026-11-24");
        assert_eq!(text_of(0.75, Style::Time), "18:00:00");
        assert_eq!(text_of(46_350.75, Style::Time), "2026-11-24T18:00:00");
        assert_eq!(text_of(2.5, Style::Duration), "60:00:00");
        assert_eq!(text_of(42.0, Style::Padded(5)), "00042");
        assert_eq!(text_of(123_456.0, Style::Padded(5)), "123456");
        assert_eq!(text_of(4.5, Style::Padded(5)), "4.5");
        assert_eq!(text_of(-42.0, Style::Padded(5)), "-42");
    }
}
