//! The deadline that a caller set: how long a call may wait for the database.
//!
//! tonic ends a call at its deadline without a word of ours. What waits ends a little earlier, so
//! that its caller still hears why, and when to try again.

use std::time::Duration;

use tonic::metadata::MetadataMap;

/// The header of a deadline, as the gRPC protocol over HTTP/2 has it: up to 8 digits and a unit.
const TIMEOUT_KEY: &str = "grpc-timeout";
/// How long a call waits whose caller set no deadline.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a call may wait: nine tenths of what its caller does.
pub(crate) fn patience(metadata: &MetadataMap) -> Duration {
    let given = metadata.get(TIMEOUT_KEY).and_then(|v| v.to_str().ok());
    given.and_then(timeout).unwrap_or(PATIENCE) / 10 * 9
}

fn timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    let number: u32 = digits.parse().ok()?;
    let unit = match unit {
        "H" => Duration::from_secs(3_600),
        "M" => Duration::from_secs(60),
        "S" => Duration::from_secs(1),
        "m" => Duration::from_millis(1),
        "u" => Duration::from_micros(1),
        "n" => Duration::from_nanos(1),
        _ => return None,
    };
    unit.checked_mul(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_read_in_every_unit_and_nonsense_is_none() {
        for (text, read) in [
            ("5S", Some(Duration::from_secs(5))),
            ("1500m", Some(Duration::from_millis(1_500))),
            ("99999999u", Some(Duration::from_micros(99_999_999))),
            ("7n", Some(Duration::from_nanos(7))),
            ("2M", Some(Duration::from_secs(120))),
            ("1H", Some(Duration::from_secs(3_600))),
            ("", None),
            ("S", None),
            ("5", None),
            ("5x", None),
            ("-5S", None),
            ("999999999S", None),
            ("5µ", None),
        ] {
            assert_eq!(timeout(text), read, "{text}");
        }
    }

    #[test]
    fn a_call_waits_a_little_less_than_its_caller() {
        let mut metadata = MetadataMap::new();
        assert_eq!(patience(&metadata), PATIENCE / 10 * 9);
        metadata.insert(TIMEOUT_KEY, "1000m".parse().expect("a value"));
        assert_eq!(patience(&metadata), Duration::from_millis(900));
    }
}
