//! Asks a person for the ticket disposition.

use std::io::{self, BufRead, Write};
use std::str::FromStr;

use roster_client::v1::PreviewDissociationResponse;

use crate::words;

/// What becomes of tickets when a contact leaves an account or the account is deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The tickets stay with the account.
    Keep,
    /// The tickets move to the primary account.
    Primary,
    /// The tickets no longer have an account.
    Clear,
    /// The tickets move to this account.
    Move(String),
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None => match text {
                "keep" => Ok(Self::Keep),
                "primary" => Ok(Self::Primary),
                "clear" => Ok(Self::Clear),
                _ => Err("expected keep, primary, clear or move:ACCOUNT".to_owned()),
            },
            Some(("move", account)) if !account.is_empty() => Ok(Self::Move(account.to_owned())),
            Some(("move", _)) => Err("move: needs an account, for example move:a12".to_owned()),
            Some(_) => Err("expected keep, primary, clear or move:ACCOUNT".to_owned()),
        }
    }
}

/// The association that ends, and which of its tickets the question covers.
pub(crate) struct Pair {
    pub(crate) account: String,
    pub(crate) contact: String,
    pub(crate) open_only: bool,
}

/// Shows the preview and asks until it gets an answer. `None` means to change nothing.
pub(crate) fn ask(
    pair: &Pair,
    preview: &PreviewDissociationResponse,
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> io::Result<Option<Choice>> {
    show(pair, preview, output)?;
    loop {
        write!(output, "keep, primary, clear, move:ACCOUNT or quit? ")?;
        output.flush()?;
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            // The end of the input counts as quit.
            writeln!(output)?;
            return Ok(None);
        }
        match line.trim() {
            "" => {}
            "q" | "quit" => return Ok(None),
            answer => match answer.parse() {
                Ok(choice) => return Ok(Some(choice)),
                Err(why) => writeln!(output, "{answer:?} is not a valid answer: {why}, or quit")?,
            },
        }
    }
}

fn show(
    pair: &Pair,
    preview: &PreviewDissociationResponse,
    output: &mut impl Write,
) -> io::Result<()> {
    let Pair {
        account,
        contact,
        open_only,
    } = pair;
    let (open, closed) = (preview.tickets_open, preview.tickets_closed);
    writeln!(
        output,
        "{contact} requested {} of {account}: {open} open, {closed} closed.\n\
         Afterwards it still sees {} of {account} as requester and {} in CC.\n\n\
         What becomes of {}?\n  \
         keep          they stay with {account}\n  \
primary       they move to the primary account\n  \
clear         they no longer have an account\n  \
move:ACCOUNT  they move to another account of {contact}\n  \
quit          nothing changes\n",
        words::count(open + closed, "ticket"),
        words::count(preview.still_visible_as_requester, "ticket"),
        preview.still_visible_as_cc,
        if *open_only {
            let open = words::count(open, "open ticket");
            format!("{open}; closed tickets stay with {account}")
        } else {
            "them".to_owned()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(input: &str) -> (Option<Choice>, String) {
        let pair = Pair {
            account: "a7".into(),
            contact: "c12".into(),
            open_only: false,
        };
        let preview = PreviewDissociationResponse {
            tickets_open: 2,
            tickets_closed: 1,
            still_visible_as_requester: 3,
            still_visible_as_cc: 4,
            ..Default::default()
        };
        let mut shown = Vec::new();
        let choice = ask(&pair, &preview, &mut input.as_bytes(), &mut shown).expect("asked");
        (choice, String::from_utf8(shown).expect("text"))
    }

    #[test]
    fn the_preview_is_shown_before_the_question() {
        let (_, shown) = answered("keep\n");
        assert!(shown.starts_with("c12 requested 3 tickets of a7: 2 open, 1 closed.\n"));
        assert!(shown.contains("still sees 3 tickets of a7 as requester and 4 in CC"));
    }

    #[test]
    fn every_choice_can_be_answered() {
        assert_eq!(answered("keep\n").0, Some(Choice::Keep));
        assert_eq!(answered(" primary \n").0, Some(Choice::Primary));
        assert_eq!(answered("clear\n").0, Some(Choice::Clear));
        assert_eq!(answered("move:a9\n").0, Some(Choice::Move("a9".into())));
    }

    #[test]
    fn what_is_no_answer_is_asked_again_and_quitting_changes_nothing() {
        let (choice, shown) = answered("\nsure\nmove:\nclear\n");
        assert_eq!(choice, Some(Choice::Clear));
        assert!(shown.contains("\"sure\" is not a valid answer"));
        assert!(shown.contains("move: needs an account"));
        assert_eq!(answered("quit\n").0, None);
        assert_eq!(answered("").0, None);
    }
}
