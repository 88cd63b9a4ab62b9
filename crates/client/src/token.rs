//! The token that proves who calls. It appears in no error, log or `Debug` text.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::HeaderValue;
use zeroize::Zeroizing;

use crate::error::Error;

/// How long a token that was read from a file is used before the file is read again.
const READ_EVERY: Duration = Duration::from_secs(5);
/// Longest token: the server accepts 16 KiB of headers.
const BYTES_MAX: usize = 8 << 10;

/// A token, sent with each call as `authorization: Bearer …`.
///
/// ```no_run
/// # fn example() -> Result<(), roster_client::Error> {
/// use roster_client::{Roster, Token};
///
/// let token = Token::from_file("/run/secrets/roster")?;
/// let roster = Roster::builder("https://roster.example.jp:7400").token(token);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Token(Arc<Source>);

enum Source {
    Fixed(HeaderValue),
    File {
        path: PathBuf,
        read: Mutex<(Instant, HeaderValue)>,
    },
}

impl Token {
    /// A token that does not change.
    pub fn new(token: &str) -> Result<Self, Error> {
        let header = header(token).map_err(|why| Error::Token(format!("the token {why}")))?;
        Ok(Self(Arc::new(Source::Fixed(header))))
    }

    /// The token in a file, without the white space around it. The file is read again at calls, at
    /// most every 5 seconds, so that a token can be replaced. If it becomes unreadable, the last
    /// token stays in use.
    pub fn from_file(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let read = Mutex::new((Instant::now(), read(&path)?));
        Ok(Self(Arc::new(Source::File { path, read })))
    }

    /// The value of the header.
    pub(crate) fn header(&self) -> HeaderValue {
        match &*self.0 {
            Source::Fixed(header) => header.clone(),
            Source::File { path, read: last } => {
                // A panic while the lock was held leaves a token, old or new.
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                if last.0.elapsed() >= READ_EVERY {
                    last.0 = Instant::now();
                    if let Ok(header) = read(path) {
                        last.1 = header;
                    }
                }
                last.1.clone()
            }
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

fn read(path: &Path) -> Result<HeaderValue, Error> {
    let wrong = |why: String| Error::Token(format!("the file {} {why}", path.display()));
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|error| wrong(format!("cannot be read: {error}")))?;
    header(text.trim()).map_err(|why| wrong(format!("contains no token: it {why}")))
}

/// The header, or what is wrong with the token.
fn header(token: &str) -> Result<HeaderValue, &'static str> {
    if token.is_empty() {
        return Err("is empty");
    }
    if token.len() > BYTES_MAX {
        return Err("is longer than 8 KiB");
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("has characters that no token has");
    }
    let text = Zeroizing::new(format!("Bearer {token}"));
    let mut header = HeaderValue::from_str(&text).map_err(|_| "is no value of a header")?;
    // No library prints it, and HTTP/2 does not index it.
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_sent_and_never_shown() {
        let token = Token::new("rst_s3cret").expect("a token");
        assert_eq!(token.header().as_bytes(), b"Bearer rst_s3cret");
        assert!(!format!("{token:?} {:?}", token.header()).contains("s3cret"));
    }

    #[test]
    fn what_is_no_token_is_refused_without_showing_it() {
        for wrong in [
            "",
            "s3cret s3cret",
            "s3cret\n",
            "s3crét",
            &"s3cret".repeat(2_000),
        ] {
            let error = Token::new(wrong).expect_err("no token").to_string();
            assert!(!error.contains("s3c"), "{error}");
        }
        assert!(Token::new(&"a".repeat(BYTES_MAX)).is_ok());
        assert!(Token::new(&"a".repeat(BYTES_MAX + 1)).is_err());
    }

    #[test]
    fn a_token_of_a_file_is_read_again_and_kept_if_the_file_goes() {
        let path = std::env::temp_dir().join(format!("roster-token-{}", std::process::id()));
        std::fs::write(&path, "first\n").expect("a file");
        let token = Token::from_file(&path).expect("a token");
        assert_eq!(token.header().as_bytes(), b"Bearer first");
        let age = |token: &Token| {
            let Source::File { read, .. } = &*token.0 else {
                panic!("a file")
            };
            let mut read = read.lock().expect("a lock");
            read.0 = read.0.checked_sub(READ_EVERY).expect("an earlier time");
        };
        std::fs::write(&path, "second").expect("a file");
        assert_eq!(token.header().as_bytes(), b"Bearer first");
        age(&token);
        assert_eq!(token.header().as_bytes(), b"Bearer second");
        std::fs::remove_file(&path).expect("a file");
        age(&token);
        assert_eq!(token.header().as_bytes(), b"Bearer second");
        assert!(Token::from_file(&path).is_err());
    }
}
