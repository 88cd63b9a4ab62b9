//! A moment as a person writes it into a cell.

use jiff::civil::{Date, DateTime, Time as Clock};
use jiff::tz::TimeZone;
use roster_core::id::Time;
use roster_core::names::fold;

/// RFC 3339, or a date with or without a time, then in UTC; the years 1 to 9999. Digits and marks
/// may be of either width.
pub(crate) fn instant(cell: &str) -> Option<Time> {
    let folded = fold(cell);
    let cell = folded.trim();
    let instant = match cell.parse::<jiff::Timestamp>() {
        Ok(instant) => instant,
        Err(_) => TimeZone::UTC.to_timestamp(local(cell)?).ok()?,
    };
    let year = TimeZone::UTC.to_datetime(instant).year();
    (year >= 1).then(|| Time::from_micros(instant.as_microsecond()))
}

fn local(cell: &str) -> Option<DateTime> {
    let (date, clock) = match cell.split_once('日') {
        Some((date, clock)) => (date_of(date, '年', '月')?, clock),
        None => {
            let (date, clock) = cell.split_once(['t', ' ']).unwrap_or((cell, ""));
            let dashed = date_of(date, '-', '-').or_else(|| date_of(date, '/', '/'));
            (dashed?, clock)
        }
    };
    Some(date.to_datetime(clock_of(clock.trim())?))
}

/// Year, month and day with these marks between them.
fn date_of(text: &str, behind_year: char, behind_month: char) -> Option<Date> {
    let (year, rest) = text.split_once(behind_year)?;
    let (month, day) = rest.split_once(behind_month)?;
    let (year, month, day) = (digits(year, 4)?, digits(month, 2)?, digits(day, 2)?);
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Midnight where nothing is written.
fn clock_of(text: &str) -> Option<Clock> {
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
            // What stands behind the second is finer than anybody writes by hand.
            (hour, minute, second.split('.').next()?)
        }
    };
    let number = |text: &str| i8::try_from(digits(text, 2)?).ok();
    Clock::new(number(hour)?, number(minute)?, number(second)?, 0).ok()
}

fn digits(text: &str, max: usize) -> Option<i16> {
    let text = text.trim();
    let all = !text.is_empty() && text.len() <= max && text.bytes().all(|b| b.is_ascii_digit());
    if all { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(cell: &str) -> Option<i64> {
        instant(cell).map(Time::micros)
    }

    #[test]
    fn a_time_is_read_however_it_is_written_and_without_an_offset_it_is_utc() {
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
    fn what_is_no_time_is_not_read_as_one() {
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
