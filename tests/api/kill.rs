//! The server is killed in the middle of its work, again and again, and a client that remembers
//! every answer looks for what was lost, half done or done twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use diesel::dsl::sql;
use diesel::sql_types::BigInt;
use diesel::{Connection, PgConnection, QueryResult, RunQueryDsl, SqliteConnection};
use futures::future::join_all;
use prost::Message;
use roster_api::v1::consistency::Requirement;
use roster_api::v1::*;
use tokio::sync::Semaphore;
use tonic::{Response, Status};

use crate::world::{Clients, Engine, Server, World, rounds};

/// How many kills CI has time for.
const KILLS: usize = 50;
/// Who write at the same time.
const WRITERS: usize = 4;
/// A kill comes after a number of answers that is drawn up to this one, from none at all …
const ANSWERS_BEFORE_MAX: u32 = 24;
/// … and then, one half of them, within what a write takes, so at any point of it; the other half
/// when the next commit is seen.
const KILL_WITHIN: Duration = Duration::from_millis(8);
/// The revision of the one organization that there is.
const REVISION: &str = "SELECT revision FROM organizations";
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
struct Told {
    bytes: Vec<u8>,
    token: String,
    /// Of a contact that was created.
    id: Option<String>,
}

macro_rules! told {
    ($answer:expr) => {
        $answer.map(|answer: Response<_>| {
            let answer = answer.into_inner();
            Told {
                bytes: answer.encode_to_vec(),
                token: answer.written_token,
                id: None,
            }
        })
    };
}

impl Call {
    async fn send(&self, clients: &Clients) -> Result<Told, Status> {
        let Clients {
            mut contacts,
            mut associations,
            mut tickets,
            ..
        } = clients.clone();
        match self.clone() {
            Self::Create(request) => {
                let answer = contacts.create_contact(request).await?.into_inner();
                Ok(Told {
                    bytes: answer.encode_to_vec(),
                    token: answer.written_token,
                    id: answer.contact.map(|contact| contact.id),
                })
            }
            Self::Associate(request) => told!(associations.associate_contacts(request).await),
            Self::Record(request) => told!(tickets.record_tickets(request).await),
            Self::Promote(request) => told!(associations.set_primary_account(request).await),
            Self::Dissociate(request) => told!(associations.dissociate_contact(request).await),
            Self::Update(request) => told!(contacts.update_contact(request).await),
            Self::Delete(request) => told!(tickets.delete_tickets(request).await),
            Self::Transfer(request) => told!(associations.transfer_contact(request).await),
        }
    }
}

/// What is known of a contact: all that a story changes.
#[derive(Clone, Debug, Default, PartialEq)]
struct Person {
    id: String,
    given_name: String,
    /// Account and whether it is the primary.
    accounts: BTreeMap<String, bool>,
    /// Ticket and its account.
    tickets: BTreeMap<String, String>,
}

/// The two people of a story by their family names.
type Cast = BTreeMap<String, Person>;

/// A call whose answer has not come, and what is true once it is done.
struct Doubt {
    call: Call,
    after: Cast,
}

/// Plays one story after the other and remembers.
struct Writer {
    number: usize,
    accounts: [String; 2],
    story: usize,
    step: usize,
    cast: Cast,
    /// What former stories left, for the last look.
    left: Cast,
    doubt: Option<Doubt>,
    /// The newest token that was answered.
    token: Option<String>,
}

impl Writer {
    fn name(&self, who: char) -> String {
        format!("w{}s{:06}{who}", self.number, self.story)
    }

    fn ticket(&self, number: usize) -> String {
        format!("w{}s{:06}t{number}", self.number, self.story)
    }

    /// The next step: the call, and the cast after it.
    fn next(&self) -> Doubt {
        let (p, q) = (self.name('p'), self.name('q'));
        let [a, b] = &self.accounts;
        let id = |who: &str| {
            self.cast
                .get(who)
                .map(|found| found.id.clone())
                .unwrap_or_default()
        };
        let request_id = format!("w{}s{}n{}", self.number, self.story, self.step);
        let mut after = self.cast.clone();
        let call = match self.step {
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
                associate(account, [id(&p), id(&q)], request_id)
            }
            4 => {
                let of = |number: usize| if number < 4 { &p } else { &q };
                for number in 1..=4 {
                    let person = after.get_mut(of(number)).expect("created");
                    person.tickets.insert(self.ticket(number), a.clone());
                }
                let tickets = (1..=4).map(|n| (self.ticket(n), id(of(n)), a.clone()));
                record(tickets.collect(), request_id)
            }
            5 => {
                let person = after.get_mut(&p).expect("created");
                person.accounts = [(a.clone(), false), (b.clone(), true)].into();
                Call::Promote(SetPrimaryAccountRequest {
                    contact_id: id(&p),
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
                    contact_id: id(&p),
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
                rename(id(&q), given_name, request_id)
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
                    contact_id: id(&q),
                    to_account_id: b.clone(),
                    request_id,
                    ..Default::default()
                })
            }
        };
        Doubt { call, after }
    }

    /// A call was answered: what it did is true now.
    fn learn(&mut self, doubt: Doubt, told: Told) {
        self.cast = doubt.after;
        if let Some(id) = told.id {
            let created = self.cast.values_mut().find(|person| person.id.is_empty());
            created.expect("who was created").id = id;
        }
        self.token = Some(told.token);
        self.step += 1;
        if self.step == STEPS {
            self.left.append(&mut self.cast);
            self.story += 1;
            self.step = 0;
        }
    }

    /// Writes until the server is gone.
    async fn write(&mut self, clients: Clients, in_flight: &AtomicUsize, answers: &Semaphore) {
        loop {
            let doubt = self.next();
            in_flight.fetch_add(1, Ordering::SeqCst);
            let answer = doubt.call.send(&clients).await;
            in_flight.fetch_sub(1, Ordering::SeqCst);
            match answer {
                Ok(told) => {
                    self.learn(doubt, told);
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
    async fn look(&self, clients: &Clients) -> Option<bool> {
        let doubt = self
            .doubt
            .as_ref()
            .expect("the server was killed while it was asked");
        let names = doubt.after.keys().cloned().collect::<Vec<_>>();
        let found = observe(clients, &names).await;
        let same = |told: &Cast| known(told, &found);
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
    async fn repeat(&mut self, world: &World, was_done: bool) {
        let doubt = self.doubt.take().expect("a call in doubt");
        let before = world.moment().await;
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
            assert_eq!(world.moment().await, before, "done twice: {:?}", doubt.call);
        } else {
            assert_eq!(world.moment().await, first.token);
        }
        let names = doubt.after.keys().cloned().collect::<Vec<_>>();
        let after = doubt.after.clone();
        self.learn(doubt, first);
        assert!(known(&after, &observe(&world.clients, &names).await));
    }
}

/// Whether what was found is what was told; of a contact whose answer never came, whatever its id.
fn known(told: &Cast, found: &Cast) -> bool {
    let anonymous = |cast: &Cast| {
        let mut cast = cast.clone();
        for (name, person) in &mut cast {
            if told.get(name).is_none_or(|told| told.id.is_empty()) {
                person.id.clear();
            }
        }
        cast
    };
    anonymous(told) == anonymous(found)
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
async fn observe(clients: &Clients, names: &[String]) -> Cast {
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

/// What came of all kills.
#[derive(Debug, Default)]
struct Toll {
    kills: usize,
    /// Kills that met a call.
    in_flight: usize,
    /// Calls without an answer that were done, and that were not.
    done: usize,
    undone: usize,
    answered: usize,
}

/// Waits for the next commit that others see: what it holds is done and, as a rule, not answered.
async fn next_commit(engine: Engine, database: &str) {
    let database = database.to_owned();
    let waiting = tokio::task::spawn_blocking(move || match engine {
        Engine::Sqlite => {
            let path = database.strip_prefix("sqlite:").expect("a path");
            let mut conn = SqliteConnection::establish(path).expect("the file");
            wait_for_change(|| sql::<BigInt>(REVISION).get_result(&mut conn));
        }
        Engine::Postgres => {
            let mut conn = PgConnection::establish(&database).expect("PostgreSQL");
            wait_for_change(|| sql::<BigInt>(REVISION).get_result(&mut conn));
        }
    });
    waiting.await.expect("a commit");
}

fn wait_for_change(mut revision: impl FnMut() -> QueryResult<i64>) {
    let first = revision().expect("the revision");
    while revision().expect("the revision") == first {}
}

/// Lets all writers write, kills the server at a random moment and looks.
async fn kill_once(world: &mut World, writers: &mut Vec<Writer>, toll: &mut Toll) {
    let in_flight = Arc::new(AtomicUsize::new(0));
    let answers = Arc::new(Semaphore::new(0));
    let mut running = Vec::new();
    for mut writer in writers.drain(..) {
        let clients = world.server.connect().await;
        let (in_flight, answers) = (Arc::clone(&in_flight), Arc::clone(&answers));
        running.push(tokio::spawn(async move {
            writer.write(clients, &in_flight, &answers).await;
            writer
        }));
    }
    let before = answers.acquire_many(rand::random_range(0..=ANSWERS_BEFORE_MAX));
    drop(before.await);
    if rand::random() {
        let delay = rand::random_range(0..KILL_WITHIN.as_micros() as u64);
        tokio::time::sleep(Duration::from_micros(delay)).await;
    } else {
        next_commit(world.engine, &world.database.url).await;
    }
    toll.kills += 1;
    toll.in_flight += usize::from(in_flight.load(Ordering::SeqCst) > 0);
    world.server.kill();
    for writer in join_all(running).await {
        writers.push(writer.expect("a writer that remembers"));
    }
    world.database.wait_until_forgotten();
    world.server = Server::start(&world.database);
    world.clients = world.server.connect().await;

    let clients = &world.clients;
    let looks = join_all(writers.iter().map(|writer| writer.look(clients))).await;
    for (writer, was_done) in writers.iter_mut().zip(looks) {
        if let Some(token) = writer.token.clone() {
            let request = GetSettingsRequest {
                consistency: Some(Consistency {
                    requirement: Some(Requirement::AtLeastAsFresh(token)),
                }),
            };
            let fresh = world.clients.settings.get_settings(request).await;
            fresh.expect("a token that was answered is known after the kill");
        }
        if let Some(was_done) = was_done {
            *(if was_done {
                &mut toll.done
            } else {
                &mut toll.undone
            }) += 1;
            writer.repeat(world, was_done).await;
        }
    }
}

async fn holds(engine: Engine) {
    let mut world = World::start(engine).await;
    world.allow_several_accounts().await;
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        let a = world.account(&format!("A{number}")).await;
        let b = world.account(&format!("B{number}")).await;
        writers.push(Writer {
            number,
            accounts: [a, b],
            story: 0,
            step: 0,
            cast: Cast::new(),
            left: Cast::new(),
            doubt: None,
            token: None,
        });
    }
    let mut toll = Toll::default();
    for _ in 0..rounds(KILLS) {
        kill_once(&mut world, &mut writers, &mut toll).await;
    }
    for writer in &writers {
        toll.answered += writer.story * STEPS + writer.step;
        let mut told = writer.left.clone();
        told.extend(writer.cast.clone());
        for names in told.keys().cloned().collect::<Vec<_>>().chunks(32) {
            let found = observe(&world.clients, names).await;
            for (name, person) in &found {
                assert_eq!(&told[name], person, "{name}");
            }
            assert_eq!(found.len(), names.len());
        }
    }
    assert!(toll.in_flight * 10 >= toll.kills * 8, "{toll:?}");
    // Else nothing was tried.
    assert!(toll.done > 0 && toll.undone > 0, "{toll:?}");
}

mod nothing_acknowledged_is_lost_and_nothing_is_done_half_or_twice_when_the_server_is_killed {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        holds(Engine::Sqlite).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        holds(Engine::Postgres).await;
    }
}
