//! Generated worlds: the associations of contacts, their tickets, and, by a visibility rule that is
//! independent of Roster's, who sees which ticket. Every fact is computed from a record's number
//! and a seed, so a world takes no memory.
//!
//! Numbers begin with 1 and equal the numbers that Roster assigns when a world is filled in order:
//! contact 12 is `c12`. Every tenth contact belongs to one of a few large accounts, as is usual.

mod names;
mod questions;
#[cfg(test)]
mod tests;

pub(crate) use names::PersonNames;
pub(crate) use questions::Question;

use clap::ValueEnum;

/// The default seed.
pub(crate) const SEED_DEFAULT: u64 = 20_261_125;
/// The roles of associations. Accounts list the first two.
pub(crate) const ROLES: [&str; 4] = ["情報システム", "Administrator", "経理", ""];
/// The first two roles as accounts list them: equal to [`ROLES`] after folding.
pub(crate) const ROLES_LISTED: [&str; 2] = ["情報システム", "ＡＤＭＩＮＩＳＴＲＡＴＯＲ"];
/// Scrambles the order of requesters. It is coprime to the number of contacts of every world.
const SCRAMBLE: u64 = 7_919;
/// One account in this many is large.
const LARGE_ONE_IN: u64 = 1_000;
/// The first ticket's `create_time`, in seconds since 1970.
const FIRST_TICKET_SECONDS: u64 = 1_600_000_000;
/// The most contacts that a ticket has in CC.
const CC_MAX: usize = 3;

/// The size of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
#[value(rename_all = "verbatim")]
pub(crate) enum Size {
    /// 600 tickets of 200 contacts of 80 accounts: for tests.
    #[value(name = "tiny")]
    Tiny,
    /// 10,000 tickets of 1,000 contacts of 100 accounts.
    S,
    /// 20,000 tickets of 10,000 contacts of 1,000 accounts: the files that `compare` imports unless
    /// it measures in a tiny world.
    #[value(skip)]
    Files,
    /// 2,000,000 tickets of 1,000,000 contacts of 100,000 accounts, 1.2 million associations.
    M,
    /// 10,000,000 tickets of 200,000 contacts of 20,000 accounts.
    L,
}

/// A generated world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct World {
    pub(crate) size: Size,
    pub(crate) seed: u64,
    pub(crate) accounts: u64,
    pub(crate) contacts: u64,
    pub(crate) tickets: u64,
    /// The inverse of [`SCRAMBLE`] modulo the contacts.
    unscramble: u64,
}

/// One association of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) account: u64,
    pub(crate) primary: bool,
    pub(crate) marked: bool,
    /// An index into [`ROLES`].
    pub(crate) role: usize,
}

/// The sharing mode of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Nobody,
    Granted,
    /// The account lists this many of [`ROLES_LISTED`].
    Roles(usize),
    Everyone,
}

/// A generated ticket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    pub(crate) number: u64,
    pub(crate) requester: u64,
    pub(crate) account: Option<u64>,
    pub(crate) private: bool,
    pub(crate) closed: bool,
    /// Whether its account differs from the account that Roster would choose by the requester's
    /// associations.
    pub(crate) exceptional: bool,
    pub(crate) create_seconds: u64,
    cc: [u64; CC_MAX],
    cc_count: usize,
}

impl Ticket {
    /// The contacts in CC, without duplicates.
    pub(crate) fn cc(&self) -> &[u64] {
        &self.cc[..self.cc_count]
    }

    /// The id that the caller assigned.
    pub(crate) fn id(&self) -> String {
        ticket_id(self.number)
    }
}

/// Formats a caller's id of a ticket, as long as the ids of ticket systems.
pub(crate) fn ticket_id(number: u64) -> String {
    format!("T-{number:010}")
}

/// The expected answer to a check: the grounds on which a contact sees a ticket. Without grounds,
/// the ticket is hidden.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) requester: bool,
    pub(crate) cc: bool,
    pub(crate) account: Option<u64>,
}

impl Expected {
    pub(crate) fn visible(&self) -> bool {
        self.requester || self.cc || self.account.is_some()
    }
}

/// The purpose of a random number, so that numbers for different purposes are independent.
#[derive(Clone, Copy)]
enum Purpose {
    SecondAccount,
    SecondDistance,
    Flag,
    Role,
    Blocked,
    Homeless,
    Mode,
    TicketAccount,
    TicketPrivate,
    TicketClosed,
    CcList,
    Names,
}

impl World {
    pub(crate) fn new(size: Size, seed: u64) -> Self {
        let (accounts, contacts, tickets) = match size {
            Size::Tiny => (80, 200, 600),
            Size::S => (100, 1_000, 10_000),
            Size::Files => (1_000, 10_000, 20_000),
            Size::M => (100_000, 1_000_000, 2_000_000),
            Size::L => (20_000, 200_000, 10_000_000),
        };
        Self {
            size,
            seed,
            accounts,
            contacts,
            tickets,
            unscramble: inverse(SCRAMBLE, contacts),
        }
    }

    /// Returns a pseudorandom number for a purpose and a record.
    fn draw(&self, purpose: Purpose, number: u64) -> u64 {
        mix(self.seed ^ mix(number ^ (purpose as u64) << 56))
    }

    fn large(&self) -> u64 {
        (self.accounts / LARGE_ONE_IN).max(1)
    }

    /// The primary account of a contact.
    fn first_account(&self, contact: u64) -> u64 {
        let (tens, ones) = ((contact - 1) / 10, (contact - 1) % 10);
        let large = self.large();
        if ones == 9 {
            return 1 + tens % large;
        }
        large + 1 + (tens * 9 + ones) % (self.accounts - large)
    }

    /// The `nth` contact with this primary account. After the last contact, it starts again.
    pub(crate) fn member(&self, account: u64, nth: u64) -> u64 {
        let large = self.large();
        let tens = self.contacts / 10;
        if account <= large {
            let all = (tens - account) / large + 1;
            return ((account - 1) + nth % all * large) * 10 + 10;
        }
        let (first, step) = (account - large - 1, self.accounts - large);
        let all = (tens * 9 - 1 - first) / step + 1;
        let place = first + nth % all * step;
        place / 9 * 10 + place % 9 + 1
    }

    /// The associations of a contact, at most two, with the primary one first.
    pub(crate) fn memberships(&self, contact: u64) -> impl Iterator<Item = Membership> + use<> {
        let membership = |account: u64, primary| Membership {
            account,
            primary,
            marked: self
                .draw(Purpose::Flag, contact ^ account << 32)
                .is_multiple_of(3),
            role: (self.draw(Purpose::Role, contact ^ account << 32) % ROLES.len() as u64) as usize,
        };
        let first = self.first_account(contact);
        let at_home = !self.draw(Purpose::Homeless, contact).is_multiple_of(50);
        let second = (self.draw(Purpose::SecondAccount, contact).is_multiple_of(5)).then(|| {
            let near = self.accounts / 2 - 1;
            self.account_at(
                first,
                1 + self.draw(Purpose::SecondDistance, contact) % near,
            )
        });
        let all = [
            Some(membership(first, true)),
            second.map(|second| membership(second, false)),
        ];
        all.into_iter().flatten().filter(move |_| at_home)
    }

    /// Returns a contact and an account that are not associated. Numbers below
    /// [`new_pairs`](Self::new_pairs) give distinct pairs; consecutive pairs differ in both parts.
    pub(crate) fn new_pair(&self, number: u64) -> (u64, u64) {
        let contact = number % self.contacts * SCRAMBLE % self.contacts + 1;
        // A second account is always less than half the accounts away.
        let away = self.accounts / 2 + number / self.contacts % (self.accounts / 2);
        (contact, self.account_at(self.first_account(contact), away))
    }

    /// The number of distinct pairs that [`new_pair`](Self::new_pair) returns.
    pub(crate) fn new_pairs(&self) -> u64 {
        self.contacts * (self.accounts / 2)
    }

    fn account_at(&self, from: u64, away: u64) -> u64 {
        (from - 1 + away) % self.accounts + 1
    }

    /// The sharing mode that an account sets. `None` is the default, which is GRANTED.
    pub(crate) fn mode(&self, account: u64) -> Option<Mode> {
        match self.draw(Purpose::Mode, account) % 20 {
            0 => Some(Mode::Nobody),
            1 => Some(Mode::Granted),
            2 => Some(Mode::Roles(ROLES_LISTED.len())),
            3 => Some(Mode::Everyone),
            _ => None,
        }
    }

    /// Whether a contact is blocked.
    pub(crate) fn blocked(&self, contact: u64) -> bool {
        self.draw(Purpose::Blocked, contact).is_multiple_of(200)
    }

    /// The names of a contact.
    pub(crate) fn names(&self, contact: u64) -> PersonNames {
        PersonNames::drawn(self.draw(Purpose::Names, contact))
    }

    /// The `nth` ticket that a contact requested. After the last ticket, it starts again.
    pub(crate) fn ticket_of(&self, contact: u64, nth: u64) -> Ticket {
        let first = (contact - 1) * self.unscramble % self.contacts;
        let each = self.tickets / self.contacts;
        self.ticket(first + nth % each * self.contacts + 1)
    }

    pub(crate) fn ticket(&self, number: u64) -> Ticket {
        let requester = (number - 1) % self.contacts * SCRAMBLE % self.contacts + 1;
        let drawn = self.draw(Purpose::TicketAccount, number);
        let memberships = self.memberships(requester);
        let (account, exceptional) = match drawn % 100 {
            0 => (None, true),
            1 => (Some(1 + drawn / 100 % self.accounts), true),
            2..12 => (memberships.last().map(|last| last.account), false),
            _ => (memberships.take(1).last().map(|first| first.account), false),
        };
        let mut ticket = Ticket {
            number,
            requester,
            account,
            exceptional,
            private: self.draw(Purpose::TicketPrivate, number).is_multiple_of(10),
            closed: !self.draw(Purpose::TicketClosed, number).is_multiple_of(3),
            create_seconds: FIRST_TICKET_SECONDS + number * 10,
            cc: [0; CC_MAX],
            cc_count: 0,
        };
        self.put_cc(&mut ticket);
        ticket
    }

    /// Puts one to three contacts in CC of every fifth ticket, often colleagues.
    fn put_cc(&self, ticket: &mut Ticket) {
        let mut drawn = self.draw(Purpose::CcList, ticket.number);
        if !drawn.is_multiple_of(5) {
            return;
        }
        for _ in 0..1 + drawn / 5 % CC_MAX as u64 {
            drawn = mix(drawn);
            let contact = match ticket.account {
                Some(account) if drawn.is_multiple_of(2) => self.member(account, drawn / 2),
                _ => 1 + drawn / 2 % self.contacts,
            };
            if !ticket.cc().contains(&contact) {
                ticket.cc[ticket.cc_count] = contact;
                ticket.cc_count += 1;
            }
        }
    }

    /// Applies the visibility rule. It is written independently of the rule in `roster-core` on
    /// purpose: if the two disagree, one of them is wrong.
    pub(crate) fn expected(&self, contact: u64, ticket: &Ticket) -> Expected {
        if self.blocked(contact) {
            return Expected::default();
        }
        let shared = |account: &u64| {
            self.sharing_accounts(contact)
                .any(|sharing| sharing == *account)
        };
        Expected {
            requester: ticket.requester == contact,
            cc: ticket.cc().contains(&contact),
            account: ticket.account.filter(|_| !ticket.private).filter(shared),
        }
    }

    /// The accounts that share their tickets with a contact, if it is not blocked.
    pub(crate) fn sharing_accounts(&self, contact: u64) -> impl Iterator<Item = u64> {
        let shares = |membership: &Membership| match self.mode(membership.account) {
            Some(Mode::Nobody) => false,
            Some(Mode::Granted) | None => membership.marked,
            Some(Mode::Roles(listed)) => membership.role < listed,
            Some(Mode::Everyone) => true,
        };
        let sharing = self
            .memberships(contact)
            .filter(move |membership| shares(membership));
        sharing.map(|membership| membership.account)
    }
}

/// SplitMix64: every bit of the result depends on every bit of `number`.
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ mixed >> 31
}

/// The multiplicative inverse modulo `modulo`, by the extended Euclidean algorithm.
fn inverse(of: u64, modulo: u64) -> u64 {
    let (mut rest, mut next_rest) = (modulo as i64, of as i64);
    let (mut factor, mut next_factor) = (0, 1);
    while next_rest != 0 {
        let times = rest / next_rest;
        (rest, next_rest) = (next_rest, rest - times * next_rest);
        (factor, next_factor) = (next_factor, factor - times * next_factor);
    }
    factor.rem_euclid(modulo as i64) as u64
}
