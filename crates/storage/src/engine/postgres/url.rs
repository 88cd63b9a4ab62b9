//! The parts of a PostgreSQL URL.

/// Limits of the network, in libpq's words, unless the URL has its own:
/// - connecting, with its handshakes, within five seconds;
/// - what was sent is acknowledged by the other machine within ten seconds;
/// - a silent connection is probed after five seconds, and closed if three probes in a row, two
///   seconds apart, are not acknowledged.
///
/// They end a connection to a machine that is gone. They do not end one to a database that hangs on
/// a machine that is well: see [`silence`](crate::engine::silence).
pub(super) const NETWORK_LIMITS: [(&str, &str); 5] = [
    ("connect_timeout", "5"),
    ("tcp_user_timeout", "10000"),
    ("keepalives_idle", "5"),
    ("keepalives_interval", "2"),
    ("keepalives_count", "3"),
];

/// Returns a parameter of the query, encoded as it is; the last if it is given twice.
pub(super) fn parameter<'u>(url: &'u str, name: &str) -> Option<&'u str> {
    let (_, query) = url.split_once('?')?;
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let values = pairs.filter(|(found, _)| *found == name);
    values.map(|(_, value)| value).next_back()
}

/// Appends a parameter whose value needs no more encoding.
pub(super) fn append(url: &mut String, name: &str, value: &str) {
    let separator = if url.contains('?') { '&' } else { '?' };
    url.push(separator);
    url.push_str(name);
    url.push('=');
    url.push_str(value);
}

/// Returns the URL without the parameters of some names.
pub(super) fn without(url: &str, left_out: impl Fn(&str) -> bool) -> String {
    let Some((place, query)) = url.split_once('?') else {
        return url.to_owned();
    };
    let mut kept = place.to_owned();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some((name, value)) if !left_out(name) => append(&mut kept, name, value),
            _ => {}
        }
    }
    kept
}

/// Splits a URL at its hosts: what is before them, they themselves, and what follows.
fn at_hosts(url: &str) -> (&str, &str, &str) {
    let begin = url.find("://").map_or(0, |scheme| scheme + 3);
    let end = url[begin..]
        .find('?')
        .map_or(url.len(), |query| begin + query);
    // A password that holds a slash or an at sign unencoded is libpq's to refuse.
    let place = &url[begin..end];
    let hosts = place.find('@').map_or(0, |at| at + 1);
    let name = place[hosts..]
        .find('/')
        .map_or(place.len(), |slash| hosts + slash);
    (
        &url[..begin + hosts],
        &place[hosts..name],
        &url[begin + name..],
    )
}

/// Returns the hosts and the ports of the URL before its query; empty texts where it has none.
pub(super) fn hosts(url: &str) -> (Vec<String>, Vec<String>) {
    let (_, hosts, _) = at_hosts(url);
    let host = |one: &str| {
        let (name, port) = match one.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, rest)) => (address, rest.strip_prefix(':').unwrap_or_default()),
            None => one.split_once(':').unwrap_or((one, "")),
        };
        (decoded(name), port.to_owned())
    };
    hosts.split(',').map(host).unzip()
}

/// Returns the URL without its hosts and ports before the query.
pub(super) fn without_hosts(url: &str) -> String {
    let (before, _, after) = at_hosts(url);
    format!("{before}{after}")
}

/// Decodes the bytes that are written as `%` and two digits.
pub(super) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let byte = match tail {
            [high, low, ..] if *first == b'%' => {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).ok();
                digits.and_then(|digits| u8::from_str_radix(digits, 16).ok())
            }
            _ => None,
        };
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Encodes a text as the value of a parameter.
pub(super) fn encoded(text: &str) -> String {
    use std::fmt::Write;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b',' => {
                encoded.push(char::from(byte));
            }
            // Writing to a text succeeds.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_and_put_together_without_a_change_to_the_rest() {
        let url = "postgres://u:p%40@a:1,b/n?x=1&host=c&y=2";
        assert_eq!(
            without(url, |name| name == "host"),
            "postgres://u:p%40@a:1,b/n?x=1&y=2"
        );
        assert_eq!(without_hosts(url), "postgres://u:p%40@/n?x=1&host=c&y=2");
        assert_eq!(without_hosts("postgres://a"), "postgres://");
        assert_eq!(parameter(url, "y"), Some("2"));
        assert_eq!(parameter(url, "z"), None);
    }

    #[test]
    fn encoding_and_decoding_are_inverse() {
        for text in ["/tmp/a b", "取引先", "50%", "a,b", "%zz", "x%4"] {
            assert_eq!(decoded(&encoded(text)), text);
        }
        assert_eq!(decoded("%2Ftmp"), "/tmp");
        assert_eq!(decoded("50%"), "50%");
    }
}
