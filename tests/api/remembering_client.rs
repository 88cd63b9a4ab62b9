//! A client of many calls that remembers every answer, and can tell from what it finds whether a
//! call without an answer was done.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use prost::Message;
use roster_api::v1::*;
use tokio::sync::Semaphore;
use tonic::{Response, Status};

use crate::world::{Clients, World};

/// The steps of one story.
const STEPS: usize = 11;

/// A write, as it can be sent again.
#[derive(Clone, Debug)]
enum Call {
    Create(CreateContactRequest),
    Associate(AssociateContactsRequest),
    Record(RecordTicketsRequest),
    Promote(SetPrimaryAccountRequest),
    Dissociate(DissociateContactRequest),
    Update(UpdateContactRequest),
    Delete(DeleteTicketsRequest),
    Transfer(TransferContactRequest),
}

/// An answer, whole, and its token.
#[derive(Clone, Debug, PartialEq)]
struct Answered {
    bytes: Vec<u8>,
    token: String,
    /// Of a contact that was created.
    id: Option<String>,
}

macro_rules! answered {
    ($answer:expr) => {
        $answer.map(|answer: Response<_>| {
            let answer = answer.into_inner();
            Answered {
                bytes: answer.encode_to_vec(),
                token: answer.written_token,
                id: None,
            }
        })
    };
}

impl Call {
    async fn send(&self, clients: &Clients) -> Result<Answered, Status> {
        let Clients {
            mut contacts,
            mut associations,
            mut tickets,
            ..
        } = clients.clone();
        match self.clone() {
            Self::Create(request) => {
                let answer = contacts.create_contact(request).await?.into_inner();
                Ok(Answered {
                    bytes: answer.encode_to_vec(),
                    token: answer.written_token,
                    id: answer.contact.map(|contact| contact.id),
                })
            }
            Self::Associate(request) => answered!(associations.associate_contacts(request).await),
            Self::Record(request) => answered!(tickets.record_tickets(request).await),
            Self::Promote(request) => answered!(associations.set_primary_account(request).await),
            Self::Dissociate(request) => answered!(associations.dissociate_contact(request).await),
            Self::Update(request) => answered!(contacts.update_contact(request).await),
            Self::Delete(request) => answered!(tickets.delete_tickets(request).await),
            Self::Transfer(request) => answered!(associations.transfer_contact(request).await),
        }
    }
}

/// What is known of a contact: all that a story changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Person {
    pub id: String,
    pub given_name: String,
    /// Account and whether it is the primary.
    pub accounts: BTreeMap<String, bool>,
    /// Ticket and its account.
    pub tickets: BTreeMap<String, String>,
}

/// The two people of a story by their family names.
pub type Cast = BTreeMap<String, Person>;

/// A call whose answer has not come, and what is true once it is done.
struct Doubt {
    call: Call,
    after: Cast,
}

/// Plays one story after the other and remembers.
pub struct Writer {
    number: usize,
    accounts: [String; 2],
    story: usize,
    step: usize,
    cast: Cast,
    /// What former stories left, for the last look.
    left: Cast,
    doubt: Option<Doubt>,
    /// The newest token that was answered.
    pub token: Option<String>,
}

impl Writer {
    pub fn new(number: usize, accounts: [String; 2]) -> Self {
        Self {
            number,
            accounts,
            story: 0,
            step: 0,
            cast: Cast::new(),
            left: Cast::new(),
            doubt: None,
            token: None,
        }
    }

    /// How many calls were answered.
    pub fn answered(&self) -> usize {
        self.story * STEPS + self.step
    }

    /// Returns all people that the client knows of, in their present state.
    pub fn expected(&self) -> Cast {
        let mut expected = self.left.clone();
        expected.extend(self.cast.clone());
        expected
    }

    fn name(&self, who: char) -> String {
        format!("w{}s{:06}{who}", self.number, self.story)
    }

    fn ticket(&self, number: usize) -> String {
        format!("w{}s{:06}t{number}", self.number, self.story)
    }

    /// The id of one of the cast; empty before it is known.
    fn id(&self, name: &str) -> String {
        let found = self.cast.get(name);
        found.map(|found| found.id.clone()).unwrap_or_default()
    }

    /// The next step: the call, and the cast after it.
    fn next(&self) -> Doubt {
        let request_id = format!("w{}s{}n{}", self.number, self.story, self.step);
        let mut after = self.cast.clone();
        let call = if self.step < 5 {
            self.begin(&mut after, request_id)
        } else {
            self.go_on(&mut after, request_id)
        };
        Doubt { call, after }
    }

    /// Two people, associated with both accounts, and their tickets.
    fn begin(&self, after: &mut Cast, request_id: String) -> Call {
        let (p, q) = (self.name('p'), self.name('q'));
        let [a, b] = &self.accounts;
        match self.step {
            0 | 1 => {
                let name = if self.step == 0 { p } else { q };
                after.insert(name.clone(), Person::default());
                create(name, request_id)
            }
            2 | 3 => {
                let account = if self.step == 2 { a } else { b };
                for person in after.values_mut() {
                    person.accounts.insert(account.clone(), self.step == 2);
                }
                associate(account, [self.id(&p), self.id(&q)], request_id)
            }
            _ => {
                let of = |number: usize| if number < 4 { &p } else { &q };
                for number in 1..=4 {
                    let person = after.get_mut(of(number)).expect("created");
                    person.tickets.insert(self.ticket(number), a.clone());
                }
                let tickets = (1..=4).map(|n| (self.ticket(n), self.id(of(n)), a.clone()));
                record(tickets.collect(), request_id)
            }
        }
    }

    /// One leaves an account, with its tickets; the other is renamed and transferred.
    fn go_on(&self, after: &mut Cast, request_id: String) -> Call {
        let (p, q) = (self.name('p'), self.name('q'));
        let [a, b] = &self.accounts;
        match self.step {
            5 => {
                let person = after.get_mut(&p).expect("created");
                person.accounts = [(a.clone(), false), (b.clone(), true)].into();
                Call::Promote(SetPrimaryAccountRequest {
                    contact_id: self.id(&p),
                    account_id: b.clone(),
                    request_id,
                })
            }
            6 => {
                let person = after.get_mut(&p).expect("created");
                person.accounts.remove(a);
                person
                    .tickets
                    .values_mut()
                    .for_each(|account| account.clone_from(b));
                Call::Dissociate(DissociateContactRequest {
                    account_id: a.clone(),
                    contact_id: self.id(&p),
                    ticket_disposition: TicketDisposition::MoveToPrimary.into(),
                    request_id,
                    ..Default::default()
                })
            }
            7 | 8 => {
                let given_name = format!("{request_id}の名");
                after
                    .get_mut(&q)
                    .expect("created")
                    .given_name
                    .clone_from(&given_name);
                rename(self.id(&q), given_name, request_id)
            }
            9 => {
                after.get_mut(&q).expect("created").tickets.clear();
                Call::Delete(DeleteTicketsRequest {
                    ids: vec![self.ticket(4)],
                    request_id,
                })
            }
            _ => {
                after.get_mut(&q).expect("created").accounts = [(b.clone(), true)].into();
                Call::Transfer(TransferContactRequest {
                    contact_id: self.id(&q),
                    to_account_id: b.clone(),
                    request_id,
                    ..Default::default()
                })
            }
        }
    }

    /// A call was answered: what it did is true now.
    fn learn(&mut self, doubt: Doubt, answered: Answered) {
        self.cast = doubt.after;
        if let Some(id) = answered.id {
            let created = self.cast.values_mut().find(|person| person.id.is_empty());
            created.expect("who was created").id = id;
        }
        self.token = Some(answered.token);
        self.step += 1;
        if self.step == STEPS {
            self.left.append(&mut self.cast);
            self.story += 1;
            self.step = 0;
        }
    }

    /// Writes until the server is gone.
    pub async fn write(&mut self, clients: Clients, in_flight: &AtomicUsize, answers: &Semaphore) {
        loop {
            let doubt = self.next();
            in_flight.fetch_add(1, Ordering::SeqCst);
            let answer = doubt.call.send(&clients).await;
            in_flight.fetch_sub(1, Ordering::SeqCst);
            match answer {
                Ok(answered) => {
                    self.learn(doubt, answered);
                    answers.add_permits(1);
                }
                Err(status) => {
                    assert!(
                        status.details().is_empty(),
                        "the server refused: {status:?}"
                    );
                    self.doubt = Some(doubt);
                    return;
                }
            }
        }
    }

    /// Looks whether all that was answered is there and nothing is half done.
    ///
    /// Answers whether the call in doubt was done.
    pub async fn look(&self, clients: &Clients) -> Option<bool> {
        let doubt = self
            .doubt
            .as_ref()
            .expect("the server was killed while it was asked");
        let names = doubt.after.keys().cloned().collect::<Vec<_>>();
        let found = observe(clients, &names).await;
        let same = |expected: &Cast| known(expected, &found);
        if same(&doubt.after) {
            Some(true)
        } else if same(&self.cast) {
            Some(false)
        } else {
            panic!(
                "neither before nor after {:?}:\n{found:#?}\nbefore: {:#?}\nafter: {:#?}",
                doubt.call, self.cast, doubt.after
            );
        }
    }

    /// Sends the call in doubt again, twice.
    pub async fn repeat(&mut self, world: &World, was_done: bool) {
        let doubt = self.doubt.take().expect("a call in doubt");
        let before = world.read_token().await;
        let first = doubt
            .call
            .send(&world.clients)
            .await
            .expect("a repeat is answered");
        let second = doubt
            .call
            .send(&world.clients)
            .await
            .expect("so is the next");
        assert_eq!(first, second, "{:?}", doubt.call);
        if was_done {
            assert_eq!(
                world.read_token().await,
                before,
                "done twice: {:?}",
                doubt.call
            );
        } else {
            assert_eq!(world.read_token().await, first.token);
        }
        let names = doubt.after.keys().cloned().collect::<Vec<_>>();
        let after = doubt.after.clone();
        self.learn(doubt, first);
        assert!(known(&after, &observe(&world.clients, &names).await));
    }
}

/// Whether the people that were found are the expected ones; of a contact whose answer never came,
/// whatever its id.
fn known(expected: &Cast, found: &Cast) -> bool {
    let anonymous = |cast: &Cast| {
        let mut cast = cast.clone();
        for (name, person) in &mut cast {
            if expected
                .get(name)
                .is_none_or(|expected| expected.id.is_empty())
            {
                person.id.clear();
            }
        }
        cast
    };
    anonymous(expected) == anonymous(found)
}

fn create(family_name: String, request_id: String) -> Call {
    Call::Create(CreateContactRequest {
        contact: Some(Contact {
            emails: vec![format!("{family_name}@example.com")],
            family_name,
            ..Default::default()
        }),
        request_id,
    })
}

fn associate(account: &str, contacts: [String; 2], request_id: String) -> Call {
    let one = |contact_id| ContactToAssociate {
        contact_id,
        ..Default::default()
    };
    Call::Associate(AssociateContactsRequest {
        account_id: account.to_owned(),
        contacts: contacts.map(one).into(),
        all_or_nothing: true,
        request_id,
        ..Default::default()
    })
}

fn record(tickets: Vec<(String, String, String)>, request_id: String) -> Call {
    let one = |(id, requester_id, account)| TicketRecord {
        id,
        requester_id,
        account_id: Some(account),
        ..Default::default()
    };
    Call::Record(RecordTicketsRequest {
        tickets: tickets.into_iter().map(one).collect(),
        request_id,
    })
}

fn rename(id: String, given_name: String, request_id: String) -> Call {
    Call::Update(UpdateContactRequest {
        contact: Some(Contact {
            id,
            given_name,
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["given_name".into()],
        }),
        request_id,
        ..Default::default()
    })
}

/// What the server answers of these people now.
pub async fn observe(clients: &Clients, names: &[String]) -> Cast {
    let one = |name: String| {
        let mut clients = clients.clone();
        async move {
            let request = ListContactsRequest {
                query: name.clone(),
                ..Default::default()
            };
            let found = clients
                .contacts
                .list_contacts(request)
                .await
                .expect("a list");
            let mut found = found.into_inner().contacts;
            assert!(found.len() < 2, "created twice: {found:?}");
            let contact = found.pop()?;
            let person = person(&mut clients, contact).await;
            Some((name, person))
        }
    };
    let found = join_all(names.iter().cloned().map(one)).await;
    found.into_iter().flatten().collect()
}

async fn person(clients: &mut Clients, contact: Contact) -> Person {
    let request = ListContactAccountsRequest {
        contact_id: contact.id.clone(),
        ..Default::default()
    };
    let accounts = clients.associations.list_contact_accounts(request).await;
    let accounts = accounts.expect("a list").into_inner().associations;
    let request = ListTicketsRequest {
        requester_id: contact.id.clone(),
        ..Default::default()
    };
    let tickets = clients.tickets.list_tickets(request).await;
    let tickets = tickets.expect("a list").into_inner().tickets;
    Person {
        id: contact.id,
        given_name: contact.given_name,
        accounts: accounts
            .into_iter()
            .filter_map(|of| of.association)
            .map(|of| (of.account_id, of.primary))
            .collect(),
        tickets: tickets
            .into_iter()
            .map(|of| (of.id, of.account_id))
            .collect(),
    }
}
