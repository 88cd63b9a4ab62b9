//! A stream of questions with their answers: own tickets, cc, tickets shared by an account, and
//! tickets that are hidden, a quarter each.

use super::{Expected, For, Ticket, World, mix};

/// How often chance is asked for a question of the wanted kind. A kind that is not found then gives
/// way to what was found: the answer is told by the rule, whatever it is.
const TRIES: u64 = 16;

/// May this contact see this ticket?
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    pub(crate) contact: u64,
    pub(crate) ticket: Ticket,
    pub(crate) expected: Expected,
}

/// Questions without end, the same for the same seed.
pub(crate) struct Questions<'w> {
    world: &'w World,
    state: u64,
    asked: u64,
}

impl<'w> Questions<'w> {
    pub(crate) fn new(world: &'w World, seed: u64) -> Self {
        Self {
            world,
            state: mix(seed),
            asked: 0,
        }
    }

    pub(crate) fn chance(&mut self, of: u64) -> u64 {
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
        let number = 1 + self.chance(self.world.tickets);
        self.world.ticket(number)
    }

    /// The first of some tries that is as wanted, else the last.
    fn try_for(
        &mut self,
        mut one: impl FnMut(&mut Self) -> Question,
        wanted: impl Fn(&Question) -> bool,
    ) -> Question {
        let mut found = one(self);
        for _ in 1..TRIES {
            if wanted(&found) {
                break;
            }
            found = one(self);
        }
        found
    }

    fn own(&mut self) -> Question {
        let ticket = self.any_ticket();
        self.question(ticket.requester, ticket)
    }

    fn cc(&mut self) -> Question {
        let asked = |this: &mut Self| {
            let ticket = this.any_ticket();
            let contact = ticket.cc().first().copied();
            this.question(contact.unwrap_or(ticket.requester), ticket)
        };
        self.try_for(asked, |found| found.expected.cc)
    }

    fn shared(&mut self) -> Question {
        let colleague = |this: &mut Self| {
            let contact = 1 + this.chance(this.world.contacts);
            let Some(belonging) = this.world.belongings(contact).last() else {
                return this.own();
            };
            let nth = this.chance(u64::MAX);
            let other = this.world.member(belonging.account, nth);
            let ticket = this.world.ticket_of(other, nth >> 8);
            this.question(contact, ticket)
        };
        self.try_for(colleague, |found| found.expected.account.is_some())
    }

    fn hidden(&mut self) -> Question {
        let stranger = |this: &mut Self| {
            let contact = 1 + this.chance(this.world.contacts);
            let ticket = this.any_ticket();
            this.question(contact, ticket)
        };
        self.try_for(stranger, |found| !found.expected.visible())
    }

    /// A contact with many tickets before its eyes: a member of a large account that shares with it.
    pub(crate) fn reader(&mut self) -> u64 {
        for _ in 0..TRIES * TRIES {
            let account = 1 + self.chance(self.world.large());
            let nth = self.chance(u64::MAX);
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

    /// A contact and this many tickets for it, as a help center asks for a page: its own, its
    /// colleagues' and some that it may not see.
    pub(crate) fn batch(&mut self, tickets: usize) -> Vec<Question> {
        let contact = self.shared().contact;
        let account = self.world.first_account(contact);
        let one = |_| {
            let nth = self.chance(u64::MAX);
            let ticket = match nth % 4 {
                0 => self.world.ticket_of(contact, nth / 4),
                1 | 2 => self
                    .world
                    .ticket_of(self.world.member(account, nth / 4), nth >> 8),
                _ => self.any_ticket(),
            };
            self.question(contact, ticket)
        };
        (0..tickets).map(one).collect()
    }
}

impl Iterator for Questions<'_> {
    type Item = Question;

    fn next(&mut self) -> Option<Question> {
        self.asked += 1;
        Some(match self.asked % 4 {
            0 => self.own(),
            1 => self.cc(),
            2 => self.shared(),
            _ => self.hidden(),
        })
    }
}

impl World {
    /// Seeds of question streams that differ from world to world.
    pub(crate) fn questions(&self, stream: u64) -> Questions<'_> {
        Questions::new(self, self.draw(For::Names, u64::MAX) ^ stream)
    }
}
