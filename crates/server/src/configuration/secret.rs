//! Which options hold secrets.

/// Words that the name of an option with a secret contains.
#[cfg(test)]
const WORDS: [&str; 5] = ["key", "token", "secret", "password", "passphrase"];
/// Options whose values nobody may see.
const SECRET: &[&str] = &[];
/// Options whose names contain such a word although their values are public, such as paths.
#[cfg(test)]
const PUBLIC: &[&str] = &["first-key-file", "secret-key-file", "tls-key"];

/// Shown in place of a secret.
pub(super) const HIDDEN: &str = "***";

/// Whether the values of an option are secret.
pub(super) fn is_secret(key: &str) -> bool {
    SECRET.contains(&key)
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Command, CommandFactory};

    use super::*;
    use crate::options::Options;

    /// The options that sound secret and are in neither list, or in both.
    fn unclassified(command: &Command) -> Vec<&str> {
        command
            .get_arguments()
            .filter_map(Arg::get_long)
            .filter(|name| WORDS.iter().any(|word| name.contains(word)))
            .filter(|name| SECRET.contains(name) == PUBLIC.contains(name))
            .collect()
    }

    #[test]
    fn every_option_that_sounds_secret_is_declared_secret_or_public() {
        let command = Options::command();
        let unclassified = unclassified(&command);
        assert!(
            unclassified.is_empty(),
            "{unclassified:?}: name each in SECRET or in PUBLIC of secret.rs"
        );
    }

    #[test]
    fn an_option_that_nobody_declared_is_found() {
        let command = Command::new("x")
            .arg(Arg::new("a").long("api-token"))
            .arg(Arg::new("b").long("listen"));
        assert_eq!(unclassified(&command), ["api-token"]);
    }
}
