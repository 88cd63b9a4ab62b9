//! Parses times as people write them into cells.

use jiff::civil::{Date, DateTime, Time as Clock};
use jiff::tz::TimeZone;
use roster_core::id::Time;
use roster_core::names::fold;

/// Parses RFC 3339, or a date with or without a time in UTC, of the years 1 to 9999. Digits and
/// separators can have either width.
pub(crate) fn parse_time(cell: &str) -> Option<Time> {
    let folded = fold(cell);
    let cell = folded.trim();
    let instant = match cell.parse::<jiff::Timestamp>() {
        Ok(instant) => instant,
        Err(_) => TimeZone::UTC.to_timestamp(parse_civil(cell)?).ok()?,
    };
    let year = TimeZone::UTC.to_datetime(instant).year();
    (year >= 1).then(|| Time::from_micros(instant.as_microsecond()))
}

fn parse_civil(cell: &str) -> Option<DateTime> {
    let (date, clock) = match cell.split_once('日') {
        Some((date, clock)) => (parse_date(date, '年', '月')?, clock),
        None => {
            let (date, clock) = cell.split_once(['t', ' ']).unwrap_or((cell, ""));
            let dashed = parse_date(date, '-', '-').or_else(|| parse_date(date, '/', '/'));
            (dashed?, clock)
        }
    };
    Some(date.to_datetime(parse_clock(clock.trim())?))
}

/// Parses year, month and day with these separators.
fn parse_date(text: &str, after_year: char, after_month: char) -> Option<Date> {
    let (year, rest) = text.split_once(after_year)?;
    let (month, day) = rest.split_once(after_month)?;
    let (year, month, day) = (
        parse_digits(year, 4)?,
        parse_digits(month, 2)?,
        parse_digits(day, 2)?,
    );
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Parses a time of day; returns midnight for an empty text.
fn parse_clock(text: &str) -> Option<Clock> {
    if text.is_empty() {
        return Some(Clock::midnight());
    }
    let (hour, minute, second) = match text.split_once('時') {
        Some((hour, rest)) => {
            let (minute, rest) = rest.split_once('分').unwrap_or(("0", rest));
            let second = match rest.trim() {
                "" => "0",
                rest => rest.strip_suffix('秒')?,
            };
            (hour, minute, second)
        }
        None => {
            let (hour, rest) = text.split_once(':')?;
            let (minute, second) = rest.split_once(':').unwrap_or((rest, "0"));
            // Ignores fractions of a second: nobody types them.
            (hour, minute, second.split('.').next()?)
        }
    };
    let number = |text: &str| i8::try_from(parse_digits(text, 2)?).ok();
    Clock::new(number(hour)?, number(minute)?, number(second)?, 0).ok()
}

fn parse_digits(text: &str, max: usize) -> Option<i16> {
    let text = text.trim();
    let all = !text.is_empty() && text.len() <= max && text.bytes().all(|b| b.is_ascii_digit());
    if all { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(cell: &str) -> Option<i64> {
        parse_time(cell).map(Time::micros)
    }

    #[test]
    fn a_time_is_parsed_in_any_common_notation_and_is_utc_without_an_offset() {
        let nine_thirty = Some(1_795_512_600_000_000);
        for cell in [
            "2026-11-24T09:30:00Z",
            "2026-11-24T18:30:00+09:00",
            "２０２６－１１－２４Ｔ１８：３０：００＋０９：００",
            "2026-11-24T09:30:00",
            "2026-11-24 09:30",
            "2026/11/24 9:30",
            "2026/11/24 9:30:00.5",
            "２０２６／１１／２４　９：３０",
            "2026年11月24日 9:30",
            "2026年11月24日 09時30分",
            "2026年11月24日9時30分0秒",
            "２０２６年１１月２４日　９時３０分",
            "2026年 11月 24日 9時 30分",
        ] {
            let read = micros(cell).map(|read| read / 1_000_000 * 1_000_000);
            assert_eq!(read, nine_thirty, "{cell}");
        }
        for cell in [
            "2026/1/5",
            "2026年1月5日",
            "2026年01月05日 0時",
            "２０２６年１月５日",
        ] {
            assert_eq!(micros(cell), micros("2026-01-05T00:00:00Z"), "{cell}");
        }
        assert_eq!(
            micros("2026年1月2日10時05分"),
            micros("2026-01-02T10:05:00Z")
        );
        assert_eq!(
            micros("2026年1月2日 10:05:09"),
            micros("2026-01-02T10:05:09Z")
        );
    }

    #[test]
    fn an_invalid_time_is_refused() {
        for wrong in [
            "",
            "yesterday",
            "2026-13-01",
            "2026-02-30",
            "2026-02/03",
            "26:00",
            "2026-11-24 25:00",
            "11/24/2026",
            "-1-1-1",
            "2026年2月30日",
            "2026年1月",
            "1月2日",
            "年月日",
            "2026年1月2日 10時60分",
            "2026年1月2日 10時5",
            "2026年1月2日 分",
            "2026年1月2日3日",
            "2026-1月2日",
            "令和8年1月2日",
        ] {
            assert_eq!(micros(wrong), None, "{wrong}");
        }
    }
}
