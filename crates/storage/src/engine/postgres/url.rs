//! The parameters of a PostgreSQL URL.

/// Limits of the network, in libpq's words, unless the URL has its own:
/// - connecting, with its handshakes, within five seconds;
/// - what was sent is acknowledged by the other machine within ten seconds;
/// - a silent connection is probed after five seconds, and closed if three probes in a row, two
///   seconds apart, are not acknowledged.
///
/// They end a connection to a machine that is gone. They do not end one to a database that hangs on
/// a machine that is well: see [`silence`](crate::engine::silence).
const NETWORK_LIMITS: [(&str, &str); 5] = [
    ("connect_timeout", "5"),
    ("tcp_user_timeout", "10000"),
    ("keepalives_idle", "5"),
    ("keepalives_interval", "2"),
    ("keepalives_count", "3"),
];

/// Returns the URL with the limits of the network that it leaves open.
pub(crate) fn with_network_limits(url: &str) -> String {
    let mut limited = url.to_owned();
    for (name, value) in NETWORK_LIMITS {
        if parameter(url, name).is_none() {
            append(&mut limited, name, value);
        }
    }
    limited
}

/// Returns a parameter of the query, encoded as it is; the last if it is given twice.
pub(crate) fn parameter<'u>(url: &'u str, name: &str) -> Option<&'u str> {
    let (_, query) = url.split_once('?')?;
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let values = pairs.filter(|(found, _)| *found == name);
    values.map(|(_, value)| value).next_back()
}

/// Appends a parameter whose value needs no encoding.
pub(crate) fn append(url: &mut String, name: &str, value: &str) {
    let separator = if url.contains('?') { '&' } else { '?' };
    url.push(separator);
    url.push_str(name);
    url.push('=');
    url.push_str(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_keeps_its_own_limits_and_receives_the_others() {
        let limited = with_network_limits("postgres://u@h/d");
        assert!(limited.starts_with("postgres://u@h/d?connect_timeout=5&tcp_user_timeout=10000&"));
        let limited = with_network_limits("postgres://u@h/d?connect_timeout=30&x=1");
        assert!(limited.starts_with(
            "postgres://u@h/d?connect_timeout=30&x=1&tcp_user_timeout=10000&keepalives_idle=5&"
        ));
        assert_eq!(parameter(&limited, "connect_timeout"), Some("30"));
    }
}
