//! Random commands of every kind, on so few records that they often collide.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use roster_core::fact::{Facts, Held};
use roster_core::id::{AccountId, ContactId, Pair, Revision, Time};
use roster_core::record::SharingMode;
use roster_core::rules::account::{AccountPatch, CreateAccount, UpdateAccount};
use roster_core::rules::association::{
    AssociateContacts, SetPrimaryAccount, UpdateAssociation, Wanted,
};
use roster_core::rules::contact::{ContactPatch, CreateContact, UpdateContact};
use roster_core::rules::deletion::{DeleteAccount, DeleteContact, RequestedTickets};
use roster_core::rules::disposition::{
    Disposition, DissociateContact, Leaving, Previewed, Scope, TransferContact, preview_digest,
};
use roster_core::rules::settings::UpdateSettings;
use roster_core::rules::ticket::{DeleteTickets, Record, RecordTickets};
use roster_core::rules::visitor::RevokeVisitorTokens;
use roster_core::text::{Email, ExternalId, Name, Role, Subject, TicketKey};

use super::commands::AnyCommand;
use super::maps::Maps;

/// The key of previews in tests.
pub const PREVIEW_KEY: [u8; 32] = [7; 32];

/// Picks a record by its position among the existing records, or (rarely) a record that does not
/// exist.
type Pick = u8;

/// Picks from here on refer to a record that does not exist.
const NOBODY_FROM: Pick = 245;

fn pick(living: Vec<u64>, pick: Pick) -> u64 {
    let count = living.len();
    if count == 0 || pick >= NOBODY_FROM {
        // A deleted record, or a future record.
        return (1..).find(|no| !living.contains(no)).expect("a number");
    }
    living[usize::from(pick) % count]
}

fn account(maps: &Maps, picked: Pick) -> AccountId {
    let living = maps.accounts.keys().map(|id| id.number()).collect();
    AccountId::new(pick(living, picked))
}

fn contact(maps: &Maps, picked: Pick) -> ContactId {
    let living = maps.contacts.keys().map(|id| id.number()).collect();
    ContactId::new(pick(living, picked))
}

/// The etag that a caller sends.
#[derive(Clone, Copy, Debug)]
pub enum Etag {
    Absent,
    Present,
    Stale,
}

impl Etag {
    fn of<R>(self, stored: Option<&roster_core::record::Stored<R>>) -> Option<Revision> {
        match (self, stored) {
            (Self::Absent, _) => None,
            (Self::Present, Some(stored)) => Some(stored.revision),
            (Self::Present | Self::Stale, _) => Some(Revision::new(u64::from(u32::MAX))),
        }
    }
}

fn etag() -> impl Strategy<Value = Etag> {
    prop_oneof![6 => Just(Etag::Absent), 3 => Just(Etag::Present), 1 => Just(Etag::Stale)]
}

/// Spellings of few external ids: the first three are equal after folding.
const EXTERNAL_IDS: [&str; 5] = ["D1", "d1", "Ｄ１", "E2", "F3"];
/// Spellings of few addresses.
const EMAILS: [&str; 6] = ["a@x.jp", "A@X.jp", "ａ@x.jp", "b@x.jp", "c@x.jp", "d@x.jp"];
const ROLES: [&str; 3] = ["", "営業", "経理"];

fn external_id(index: u8) -> ExternalId {
    ExternalId::parse(EXTERNAL_IDS[usize::from(index) % EXTERNAL_IDS.len()]).expect("an id")
}

fn email(index: u8) -> Email {
    Email::parse(EMAILS[usize::from(index) % EMAILS.len()]).expect("an address")
}

fn role(index: u8) -> Role {
    Role::parse(ROLES[usize::from(index) % ROLES.len()]).expect("a role")
}

fn name(index: u8) -> Name {
    Name::parse(["山田", "鈴木", "Tanaka"][usize::from(index) % 3]).expect("a name")
}

fn ticket_key(index: u8) -> TicketKey {
    TicketKey::parse(&format!("T{}", index % 9)).expect("a key")
}

/// How a contact leaves an account, with an unresolved target.
#[derive(Clone, Copy, Debug)]
pub struct Left {
    disposition: Option<(u8, Pick)>,
    open_only: bool,
    previewed: Etag,
}

fn left() -> impl Strategy<Value = Left> {
    (
        option::weighted(0.8, (0..4u8, any::<Pick>())),
        any::<bool>(),
        etag(),
    )
        .prop_map(|(disposition, open_only, previewed)| Left {
            disposition,
            open_only,
            previewed,
        })
}

fn disposition(maps: &Maps, (kind, target): (u8, Pick)) -> Disposition {
    match kind {
        0 => Disposition::Clear,
        1 => Disposition::MoveToPrimary,
        2 => Disposition::MoveTo(account(maps, target)),
        _ => Disposition::Keep,
    }
}

impl Left {
    fn of(self, maps: &Maps, pair: Pair) -> Leaving {
        let digest = match self.previewed {
            Etag::Absent => None,
            Etag::Stale => Some([0; 32]),
            Etag::Present => {
                let held = maps.held_tickets(Held {
                    requester: pair.contact,
                    account: Some(pair.account),
                });
                let held = held.expect("maps never fail");
                let association = maps.associations.get(&pair);
                let etag = association.map_or(Revision::ZERO, |of| of.revision);
                Some(preview_digest(&PREVIEW_KEY, pair, etag, &held))
            }
        };
        Leaving {
            disposition: self.disposition.map(|of| disposition(maps, of)),
            scope: if self.open_only {
                Scope::OpenOnly
            } else {
                Scope::All
            },
            previewed: digest.map(|digest| Previewed {
                key: PREVIEW_KEY,
                digest,
            }),
        }
    }
}

/// One step of a random run: a command whose records are unresolved picks.
#[derive(Clone, Debug)]
pub enum Step {
    CreateAccount(Option<u8>),
    UpdateAccount(Pick, Option<u8>, Option<Option<u8>>, Etag),
    CreateContact(Vec<u8>, Option<u8>),
    UpdateContact(
        Pick,
        Option<Vec<u8>>,
        Option<Option<u8>>,
        Option<bool>,
        Etag,
    ),
    Associate(Pick, Vec<(Pick, Option<bool>, u8)>, bool, bool),
    SetPrimary(Pick, Pick),
    UpdateAssociation(Pick, Pick, Option<bool>, Option<u8>, Etag),
    Dissociate(Pick, Pick, Left),
    Transfer(Pick, Pick, Option<bool>, u8, Left),
    Record(Vec<Item>),
    DeleteTickets(Vec<u8>),
    DeleteAccount(Pick, bool, Option<(u8, Pick)>, Etag),
    DeleteContact(Pick, bool, Option<Option<Pick>>, Etag),
    Settings(SettingsStep),
    RevokeTokens(Pick),
}

/// A ticket to record.
#[derive(Clone, Debug)]
pub struct Item {
    key: u8,
    requester: Pick,
    cc: Vec<Pick>,
    allow: bool,
    account: Option<Option<Pick>>,
    closed: Option<bool>,
    private: Option<bool>,
    time: Option<i64>,
}

/// Settings to write.
#[derive(Clone, Debug)]
pub struct SettingsStep {
    several: Option<bool>,
    max: Option<u32>,
    switches: (Option<bool>, Option<bool>, Option<bool>),
    etag: Etag,
}

fn item() -> impl Strategy<Value = Item> {
    (
        any::<u8>(),
        any::<Pick>(),
        vec(any::<Pick>(), 0..3),
        any::<bool>(),
        option::of(option::weighted(0.8, any::<Pick>())),
        option::of(any::<bool>()),
        option::of(any::<bool>()),
        option::of(0..1_000i64),
    )
        .prop_map(
            |(key, requester, cc, allow, account, closed, private, time)| Item {
                key,
                requester,
                cc,
                allow,
                account,
                closed,
                private,
                time,
            },
        )
}

fn settings() -> impl Strategy<Value = SettingsStep> {
    let switch = || option::weighted(0.3, any::<bool>());
    (
        option::weighted(0.5, prop::bool::weighted(0.7)),
        option::weighted(0.3, 1..5u32),
        (switch(), switch(), switch()),
        etag(),
    )
        .prop_map(|(several, max, switches, etag)| SettingsStep {
            several,
            max,
            switches,
            etag,
        })
}

/// Returns a step of any kind; steps that create records are more frequent than steps that delete
/// records.
pub fn step() -> impl Strategy<Value = Step> {
    let p = any::<Pick>;
    let wanted = || (p(), option::of(any::<bool>()), any::<u8>());
    let flag = || option::of(any::<bool>());
    let emails = || option::of(vec(any::<u8>(), 0..3));
    prop_oneof![
        4 => option::of(any::<u8>()).prop_map(Step::CreateAccount),
        3 => (p(), option::of(any::<u8>()), option::of(option::of(any::<u8>())), etag())
            .prop_map(|(a, n, x, e)| Step::UpdateAccount(a, n, x, e)),
        4 => (vec(any::<u8>(), 0..3), option::of(any::<u8>()))
            .prop_map(|(e, x)| Step::CreateContact(e, x)),
        3 => (p(), emails(), option::of(option::of(any::<u8>())), flag(), etag())
            .prop_map(|(c, m, x, b, e)| Step::UpdateContact(c, m, x, b, e)),
        12 => (p(), vec(wanted(), 1..4), any::<bool>(), any::<bool>())
            .prop_map(|(a, w, all, adopt)| Step::Associate(a, w, all, adopt)),
        6 => (p(), p()).prop_map(|(c, a)| Step::SetPrimary(c, a)),
        4 => (p(), p(), flag(), option::of(any::<u8>()), etag())
            .prop_map(|(c, a, f, r, e)| Step::UpdateAssociation(c, a, f, r, e)),
        10 => (p(), p(), left()).prop_map(|(c, a, l)| Step::Dissociate(c, a, l)),
        8 => (p(), p(), flag(), any::<u8>(), left())
            .prop_map(|(c, a, f, r, l)| Step::Transfer(c, a, f, r, l)),
        14 => vec(item(), 1..4).prop_map(Step::Record),
        2 => vec(any::<u8>(), 1..3).prop_map(Step::DeleteTickets),
        3 => (p(), any::<bool>(), option::of((0..3u8, p())), etag())
            .prop_map(|(a, d, t, e)| Step::DeleteAccount(a, d, t, e)),
        3 => (p(), any::<bool>(), option::of(option::of(p())), etag())
            .prop_map(|(c, d, t, e)| Step::DeleteContact(c, d, t, e)),
        5 => settings().prop_map(Step::Settings),
        6 => p().prop_map(Step::RevokeTokens),
    ]
}

/// Returns the first steps of every run, which create records for the others to collide with.
pub fn prelude() -> Vec<Step> {
    let several = SettingsStep {
        several: Some(true),
        max: None,
        switches: (None, None, None),
        etag: Etag::Absent,
    };
    let mut steps: Vec<Step> = (0..4).map(|_| Step::CreateAccount(None)).collect();
    steps.extend((0..4).map(|_| Step::CreateContact(Vec::new(), None)));
    steps.push(Step::Settings(several));
    steps
}

impl Step {
    /// Resolves the picks and returns the command.
    #[allow(clippy::too_many_lines, reason = "one arm a kind of step: a table")]
    pub fn command(&self, maps: &Maps) -> AnyCommand {
        match self.clone() {
            Self::CreateAccount(external) => AnyCommand::CreateAccount(CreateAccount {
                name: name(external.unwrap_or(0)),
                fields: AccountPatch {
                    external_id: external.map(|x| Some(external_id(x))),
                    ..AccountPatch::default()
                },
            }),
            Self::UpdateAccount(id, named, external, etag) => {
                let id = account(maps, id);
                AnyCommand::UpdateAccount(UpdateAccount {
                    id,
                    patch: AccountPatch {
                        name: named.map(name),
                        external_id: external.map(|x| x.map(external_id)),
                        sharing_mode: named.map(|n| (n > 99).then_some(SharingMode::Everyone)),
                        ..AccountPatch::default()
                    },
                    etag: etag.of(maps.accounts.get(&id)),
                })
            }
            Self::CreateContact(emails, external) => AnyCommand::CreateContact(CreateContact {
                family_name: name(emails.len() as u8),
                fields: ContactPatch {
                    emails: Some(emails.into_iter().map(email).collect()),
                    external_id: external.map(|x| Some(external_id(x))),
                    ..ContactPatch::default()
                },
            }),
            Self::UpdateContact(id, emails, external, blocked, etag) => {
                let id = contact(maps, id);
                AnyCommand::UpdateContact(UpdateContact {
                    id,
                    patch: ContactPatch {
                        emails: emails.map(|of| of.into_iter().map(email).collect()),
                        external_id: external.map(|x| x.map(external_id)),
                        blocked,
                        ..ContactPatch::default()
                    },
                    etag: etag.of(maps.contacts.get(&id)),
                })
            }
            Self::Record(items) => AnyCommand::Record(RecordTickets {
                tickets: items.iter().map(|item| item.record(maps)).collect(),
            }),
            Self::DeleteTickets(keys) => AnyCommand::DeleteTickets(DeleteTickets {
                keys: keys.into_iter().map(ticket_key).collect(),
            }),
            Self::DeleteAccount(id, dissociate_contacts, of, etag) => {
                let id = account(maps, id);
                AnyCommand::DeleteAccount(DeleteAccount {
                    id,
                    etag: etag.of(maps.accounts.get(&id)),
                    dissociate_contacts,
                    disposition: of.map(|of| disposition(maps, of)),
                })
            }
            Self::DeleteContact(id, dissociate_accounts, tickets, etag) => {
                let id = contact(maps, id);
                AnyCommand::DeleteContact(DeleteContact {
                    id,
                    etag: etag.of(maps.contacts.get(&id)),
                    dissociate_accounts,
                    tickets: tickets.map(|heir| match heir {
                        None => RequestedTickets::Delete,
                        Some(heir) => RequestedTickets::Reassign(contact(maps, heir)),
                    }),
                })
            }
            Self::RevokeTokens(id) => AnyCommand::RevokeTokens(RevokeVisitorTokens {
                contact: contact(maps, id),
            }),
            Self::Settings(of) => AnyCommand::Settings(UpdateSettings {
                multiple_accounts: of.several,
                accounts_per_contact_max: of.max,
                sharing_enabled: of.switches.0,
                new_associations_see_account_tickets: of.switches.1,
                sharing_primary_only: of.switches.2,
                etag: of.etag.of(Some(&maps.settings_now())),
                ..UpdateSettings::default()
            }),
            other => other.association_command(maps),
        }
    }

    fn association_command(self, maps: &Maps) -> AnyCommand {
        let pair = |of: Pick, with: Pick| Pair {
            contact: contact(maps, of),
            account: account(maps, with),
        };
        match self {
            Self::Associate(with, contacts, all_or_nothing, adopt_unassigned_tickets) => {
                let wanted =
                    |(of, sees_account_tickets, of_role): (Pick, Option<bool>, u8)| Wanted {
                        contact: contact(maps, of),
                        sees_account_tickets,
                        role: role(of_role),
                    };
                AnyCommand::Associate(AssociateContacts {
                    account: account(maps, with),
                    contacts: contacts.into_iter().map(wanted).collect(),
                    all_or_nothing,
                    adopt_unassigned_tickets,
                })
            }
            Self::SetPrimary(of, with) => AnyCommand::SetPrimary(SetPrimaryAccount {
                pair: pair(of, with),
            }),
            Self::UpdateAssociation(of, with, sees_account_tickets, to_role, etag) => {
                let pair = pair(of, with);
                AnyCommand::UpdateAssociation(UpdateAssociation {
                    pair,
                    sees_account_tickets,
                    role: to_role.map(role),
                    etag: etag.of(maps.associations.get(&pair)),
                })
            }
            Self::Dissociate(of, with, left) => {
                let pair = pair(of, with);
                AnyCommand::Dissociate(DissociateContact {
                    pair,
                    leaving: left.of(maps, pair),
                })
            }
            Self::Transfer(of, to, sees_account_tickets, to_role, left) => {
                let contact = contact(maps, of);
                let primary = maps.primary_account(contact).expect("maps never fail");
                let account = primary.unwrap_or(AccountId::new(1));
                AnyCommand::Transfer(TransferContact {
                    contact,
                    to: self::account(maps, to),
                    sees_account_tickets,
                    role: role(to_role),
                    leaving: left.of(maps, Pair { contact, account }),
                })
            }
            other => unreachable!("{other:?} is made elsewhere"),
        }
    }
}

impl Item {
    fn record(&self, maps: &Maps) -> Record {
        use roster_core::record::TicketStatus::{Closed, Open};
        Record {
            key: ticket_key(self.key),
            requester: contact(maps, self.requester),
            cc: self.cc.iter().map(|of| contact(maps, *of)).collect(),
            allow_unassociated_account: self.allow,
            account: self.account.map(|of| of.map(|of| account(maps, of))),
            subject: self
                .time
                .map(|t| Subject::parse(&format!("件名{t}")).expect("a subject")),
            status: self.closed.map(|closed| if closed { Closed } else { Open }),
            private: self.private,
            create_time: self.time.map(Time::from_micros),
        }
    }
}
