//! Counts in error messages.

/// Formats a count with its noun: 0 tickets, 1 ticket, 2 tickets. The noun must have a plural in s.
pub fn counted(count: u64, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {thing}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_alone_is_no_plural() {
        assert_eq!(counted(0, "ticket"), "0 tickets");
        assert_eq!(counted(1, "ticket"), "1 ticket");
        assert_eq!(counted(2, "ticket"), "2 tickets");
    }
}
