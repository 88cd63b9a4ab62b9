//! A stream of checks with their expected answers: one quarter each of own tickets, tickets in CC,
//! tickets shared by an account, and hidden tickets.

use super::{Expected, Purpose, Ticket, World, mix};

/// How many random questions to try for the wanted kind. After that, a question of another kind is
/// used: the rule computes its answer too.
const TRIES: u64 = 16;

/// Whether a contact may see a ticket, with the expected answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    pub(crate) contact: u64,
    pub(crate) ticket: Ticket,
    pub(crate) expected: Expected,
}

/// An endless stream of questions, reproducible by its seed.
pub(crate) struct Questions<'w> {
    world: &'w World,
    state: u64,
    count: u64,
}

impl<'w> Questions<'w> {
    pub(crate) fn new(world: &'w World, seed: u64) -> Self {
        Self {
            world,
            state: mix(seed),
            count: 0,
        }
    }

    pub(crate) fn random(&mut self, of: u64) -> u64 {
        self.state = mix(self.state);
        self.state % of
    }

    fn question(&self, contact: u64, ticket: Ticket) -> Question {
        Question {
            contact,
            ticket,
            expected: self.world.expected(contact, &ticket),
        }
    }

    fn any_ticket(&mut self) -> Ticket {
        let number = 1 + self.random(self.world.tickets);
        self.world.ticket(number)
    }

    /// Returns the first try that is of the wanted kind, otherwise the last try.
    fn try_for(
        &mut self,
        mut draw: impl FnMut(&mut Self) -> Question,
        wanted: impl Fn(&Question) -> bool,
    ) -> Question {
        let mut found = draw(self);
        for _ in 1..TRIES {
            if wanted(&found) {
                break;
            }
            found = draw(self);
        }
        found
    }

    fn own(&mut self) -> Question {
        let ticket = self.any_ticket();
        self.question(ticket.requester, ticket)
    }

    fn cc(&mut self) -> Question {
        let in_cc = |this: &mut Self| {
            let ticket = this.any_ticket();
            let contact = ticket.cc().first().copied();
            this.question(contact.unwrap_or(ticket.requester), ticket)
        };
        self.try_for(in_cc, |found| found.expected.cc)
    }

    fn shared(&mut self) -> Question {
        let colleague = |this: &mut Self| {
            let contact = 1 + this.random(this.world.contacts);
            let Some(membership) = this.world.memberships(contact).last() else {
                return this.own();
            };
            let nth = this.random(u64::MAX);
            let other = this.world.member(membership.account, nth);
            let ticket = this.world.ticket_of(other, nth >> 8);
            this.question(contact, ticket)
        };
        self.try_for(colleague, |found| found.expected.account.is_some())
    }

    fn hidden(&mut self) -> Question {
        let stranger = |this: &mut Self| {
            let contact = 1 + this.random(this.world.contacts);
            let ticket = this.any_ticket();
            this.question(contact, ticket)
        };
        self.try_for(stranger, |found| !found.expected.visible())
    }

    /// A contact who sees many tickets: a member of a large account that shares its tickets.
    pub(crate) fn reader(&mut self) -> u64 {
        for _ in 0..TRIES * TRIES {
            let account = 1 + self.random(self.world.large());
            let nth = self.random(u64::MAX);
            let contact = self.world.member(account, nth);
            let ticket = Ticket {
                account: Some(account),
                private: false,
                ..self.world.ticket(1)
            };
            if self.world.expected(contact, &ticket).account.is_some() {
                return contact;
            }
        }
        1
    }

    /// One contact with this many tickets, like a page of a help center: its own tickets, tickets
    /// of colleagues, and random tickets that it may not be allowed to see.
    pub(crate) fn batch(&mut self, tickets: usize) -> Vec<Question> {
        let contact = self.shared().contact;
        let account = self.world.first_account(contact);
        let question = |_| {
            let nth = self.random(u64::MAX);
            let ticket = match nth % 4 {
                0 => self.world.ticket_of(contact, nth / 4),
                1 | 2 => self
                    .world
                    .ticket_of(self.world.member(account, nth / 4), nth >> 8),
                _ => self.any_ticket(),
            };
            self.question(contact, ticket)
        };
        (0..tickets).map(question).collect()
    }
}

impl Iterator for Questions<'_> {
    type Item = Question;

    fn next(&mut self) -> Option<Question> {
        self.count += 1;
        Some(match self.count % 4 {
            0 => self.own(),
            1 => self.cc(),
            2 => self.shared(),
            _ => self.hidden(),
        })
    }
}

impl World {
    /// A stream of questions. Its seed depends on the world and the number of the stream.
    pub(crate) fn questions(&self, stream: u64) -> Questions<'_> {
        Questions::new(self, self.draw(Purpose::Names, u64::MAX) ^ stream)
    }
}
