//! The framing of gRPC messages: one byte of flags, four of length, the message.

/// The bytes before a message.
const PREFIX_BYTES: usize = 5;

/// Follows the messages of a body as its bytes pass.
#[derive(Debug, Default)]
pub(super) struct Framing {
    prefix: [u8; PREFIX_BYTES],
    prefix_read: usize,
    /// The bytes of the message that have not come.
    rest: usize,
}

/// The messages in some bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// The length of a message that is not complete.
    pub(super) begun: Option<usize>,
    /// Whether a message was completed.
    pub(super) completed: bool,
}

impl Framing {
    /// Follows the next bytes.
    pub(super) fn follow(&mut self, mut bytes: &[u8]) -> Seen {
        let mut seen = Seen::default();
        while !bytes.is_empty() {
            if self.prefix_read < PREFIX_BYTES {
                let take = bytes.len().min(PREFIX_BYTES - self.prefix_read);
                let (now, later) = bytes.split_at(take);
                self.prefix[self.prefix_read..self.prefix_read + take].copy_from_slice(now);
                self.prefix_read += take;
                bytes = later;
                if self.prefix_read < PREFIX_BYTES {
                    break;
                }
                let [_, a, b, c, d] = self.prefix;
                // 32 bits fit into the usize of every platform that Roster supports.
                self.rest = u32::from_be_bytes([a, b, c, d]) as usize;
                if self.rest > bytes.len() {
                    seen.begun = Some(self.rest);
                }
            }
            let take = bytes.len().min(self.rest);
            bytes = &bytes[take..];
            self.rest -= take;
            if self.rest == 0 {
                self.prefix_read = 0;
                seen.completed = true;
            }
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: usize) -> Vec<u8> {
        let prefix = u32::try_from(length).unwrap().to_be_bytes();
        [&[0][..], &prefix, &vec![7; length]].concat()
    }

    fn seen(begun: Option<usize>, completed: bool) -> Seen {
        Seen { begun, completed }
    }

    #[test]
    fn a_message_in_one_piece_is_completed_without_having_begun() {
        for length in [0, 1, 5, 300] {
            let mut framing = Framing::default();
            assert_eq!(framing.follow(&message(length)), seen(None, true));
            assert_eq!(framing.follow(&message(length)), seen(None, true));
        }
    }

    #[test]
    fn a_message_in_pieces_begins_with_its_prefix_and_completes_with_its_last_byte() {
        for cut in 1..25 {
            let mut framing = Framing::default();
            let whole = message(20);
            let (first, second) = whole.split_at(cut);
            let begun = (cut >= 5).then_some(20);
            assert_eq!(framing.follow(first), seen(begun, false), "cut at {cut}");
            let after = seen(None, true);
            assert_eq!(framing.follow(second), after, "cut at {cut}");
        }
    }

    #[test]
    fn the_message_after_a_completed_one_may_begin_in_the_same_bytes() {
        let mut framing = Framing::default();
        let both = [message(3), message(1_000)[..100].to_vec()].concat();
        assert_eq!(framing.follow(&both), seen(Some(1_000), true));
        assert_eq!(framing.follow(&vec![7; 904]), seen(None, false));
        assert_eq!(framing.follow(&[7]), seen(None, true));
    }
}
