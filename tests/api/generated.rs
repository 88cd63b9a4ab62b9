//! Small organizations made by chance, written only through the API, with what must be true of
//! them kept beside as plain facts.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use roster_api::v1::*;

use crate::naive::{Case, Company, Membership, Mode, Organization, Rules};
use crate::world::Clients;

const ACCOUNTS: usize = 4;
const CONTACTS: usize = 25;
const TICKETS: usize = 90;

/// Some differ only in width and case; two are empty.
const ROLES: [&str; 9] = [
    "Manager",
    "ｍａｎａｇｅｒ",
    "MANAGER",
    "リーダー",
    "ﾘｰﾀﾞｰ",
    "部長",
    "manager",
    "",
    "",
];

/// A generated organization, and the clients that write and read it.
pub struct Generated {
    pub clients: Clients,
    pub seed: u64,
    pub facts: Organization,
    pub chance: StdRng,
    writes: u64,
}

pub fn wire_mode(mode: Option<Mode>) -> SharingMode {
    match mode {
        None => SharingMode::Unspecified,
        Some(Mode::Nobody) => SharingMode::Nobody,
        Some(Mode::Granted) => SharingMode::Granted,
        Some(Mode::Roles) => SharingMode::Roles,
        Some(Mode::Everyone) => SharingMode::Everyone,
    }
}

fn any_mode(chance: &mut StdRng) -> Mode {
    use Mode::*;
    *[
        Nobody, Granted, Granted, Roles, Roles, Roles, Roles, Everyone,
    ]
    .choose(chance)
    .unwrap()
}

/// None, one or two roles.
pub fn any_roles(chance: &mut StdRng) -> Vec<String> {
    let listed = &ROLES[..7];
    let count = *[0, 1, 1, 2, 2, 2].choose(chance).unwrap();
    let mut roles: Vec<String> = Vec::new();
    for _ in 0..count {
        roles.push((*listed.choose(chance).unwrap()).into());
    }
    roles
}

/// The turn sets the switches, so that each has each value often enough for any seed.
pub fn any_rules(chance: &mut StdRng, turn: u64) -> Rules {
    Rules {
        sharing_enabled: !turn.is_multiple_of(4),
        default_mode: any_mode(chance),
        default_roles: any_roles(chance),
        primary_only: turn % 5 < 2,
    }
}

pub fn any_company(chance: &mut StdRng) -> Company {
    Company {
        mode: chance.random_bool(0.55).then(|| any_mode(chance)),
        roles: any_roles(chance),
    }
}

pub fn mask(paths: &[&str]) -> Option<prost_types::FieldMask> {
    Some(prost_types::FieldMask {
        paths: paths.iter().map(ToString::to_string).collect(),
    })
}

impl Generated {
    /// Makes one; the same seed makes the same.
    pub async fn make(clients: Clients, seed: u64) -> Self {
        let mut chance = StdRng::seed_from_u64(seed);
        let mut made = Self {
            clients,
            seed,
            facts: Organization {
                rules: any_rules(&mut chance, seed),
                companies: BTreeMap::new(),
                people: BTreeMap::new(),
                memberships: BTreeMap::new(),
                cases: BTreeMap::new(),
            },
            chance,
            writes: 0,
        };
        made.write_rules().await;
        for _ in 0..ACCOUNTS {
            made.add_company().await;
        }
        for _ in 0..CONTACTS {
            made.add_person().await;
        }
        made.associate_all().await;
        made.record_all().await;
        made
    }

    /// A request to this organization.
    pub fn ask<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        let name = format!("w{}", self.seed).parse().expect("a name");
        request.metadata_mut().insert("roster-organization", name);
        request
    }

    /// The number of one more write.
    pub fn next_write(&mut self) -> u64 {
        self.writes += 1;
        self.writes
    }

    pub async fn write_rules(&self) {
        let rules = &self.facts.rules;
        let request = self.ask(UpdateSettingsRequest {
            settings: Some(Settings {
                multiple_accounts: true,
                accounts_per_contact_max: 300,
                sharing_enabled: rules.sharing_enabled,
                default_sharing_mode: wire_mode(Some(rules.default_mode)).into(),
                default_sharing_roles: rules.default_roles.clone(),
                sharing_primary_only: rules.primary_only,
                ..Settings::default()
            }),
            update_mask: mask(&["*"]),
            ..Default::default()
        });
        let mut client = self.clients.settings.clone();
        client.update_settings(request).await.expect("settings");
    }

    async fn add_company(&mut self) {
        let company = any_company(&mut self.chance);
        let request = self.ask(CreateAccountRequest {
            account: Some(Account {
                name: format!("商店{}", self.facts.companies.len()),
                sharing_mode: wire_mode(company.mode).into(),
                sharing_roles: company.roles.clone(),
                ..Account::default()
            }),
            ..Default::default()
        });
        let mut client = self.clients.accounts.clone();
        let made = client.create_account(request).await.expect("an account");
        let id = made.into_inner().account.expect("it").id;
        self.facts.companies.insert(id, company);
    }

    async fn add_person(&mut self) {
        let blocked = self.chance.random_bool(0.07);
        let request = self.ask(CreateContactRequest {
            contact: Some(Contact {
                family_name: format!("人{}", self.facts.people.len()),
                blocked,
                ..Contact::default()
            }),
            ..Default::default()
        });
        let mut client = self.clients.contacts.clone();
        let made = client.create_contact(request).await.expect("a contact");
        let id = made.into_inner().contact.expect("it").id;
        self.facts.people.insert(id, blocked);
    }

    /// Some contacts stay without an account; the others have one to three.
    async fn associate_all(&mut self) {
        let loners: BTreeSet<String> = {
            let chance = &mut self.chance;
            let people = self.facts.people.keys().cloned();
            people.filter(|_| chance.random_bool(0.12)).collect()
        };
        let mut companies: Vec<String> = self.facts.companies.keys().cloned().collect();
        companies.shuffle(&mut self.chance);
        for company in companies {
            let mut joining = Vec::new();
            for person in self.facts.people.clone().into_keys() {
                if !loners.contains(&person) && self.chance.random_bool(0.72) {
                    joining.push(self.a_member(person));
                }
            }
            self.associate(&company, joining).await;
        }
    }

    fn a_member(&mut self, contact_id: String) -> ContactToAssociate {
        ContactToAssociate {
            contact_id,
            sees_account_tickets: Some(self.chance.random_bool(0.5)),
            role: (*ROLES.choose(&mut self.chance).unwrap()).into(),
        }
    }

    /// Associates these; whoever had no account has its primary now.
    pub async fn associate(&mut self, company: &str, joining: Vec<ContactToAssociate>) {
        if joining.is_empty() {
            return;
        }
        let request = self.ask(AssociateContactsRequest {
            account_id: company.into(),
            contacts: joining.clone(),
            all_or_nothing: true,
            ..Default::default()
        });
        let mut client = self.clients.associations.clone();
        client.associate_contacts(request).await.expect("members");
        let touched = self.next_write();
        for member in joining {
            let membership = Membership {
                primary: self.facts.companies_of(&member.contact_id).is_empty(),
                sees_account_tickets: member.sees_account_tickets == Some(true),
                role: member.role,
                touched,
            };
            let pair = (member.contact_id, company.into());
            self.facts.memberships.insert(pair, membership);
        }
    }

    async fn record_all(&mut self) {
        let mut cases = BTreeMap::new();
        for number in 0..TICKETS {
            // Cases and widths of letters are different ids.
            let letter = *["T", "t", "Ｔ", "t "].choose(&mut self.chance).unwrap();
            cases.insert(format!("{letter}{number}"), self.any_case());
        }
        self.record(cases).await;
    }

    pub fn any_person(&mut self) -> String {
        let people: Vec<&String> = self.facts.people.keys().collect();
        (*people.choose(&mut self.chance).unwrap()).clone()
    }

    pub fn any_case(&mut self) -> Case {
        let requester = self.any_person();
        let own = self.facts.companies_of(&requester);
        let all: Vec<String> = self.facts.companies.keys().cloned().collect();
        let chance = &mut self.chance;
        let account = match chance.random_range(0..10) {
            0 => None,
            1..=5 => own.choose(chance).cloned(),
            _ => all.choose(chance).cloned(),
        };
        let chosen = self.facts.people.keys();
        Case {
            account,
            private: chance.random_bool(0.2),
            closed: chance.random_bool(0.4),
            cc: chosen
                .filter(|_| chance.random_bool(0.04))
                .cloned()
                .collect(),
            // Many of the same moment, so that ids decide the order.
            created: 1_700_000_000 + chance.random_range(0..TICKETS as i64 / 4),
            requester,
        }
    }

    /// Records cases, new or known.
    pub async fn record(&mut self, cases: BTreeMap<String, Case>) {
        let records = cases.iter().map(|(id, case)| TicketRecord {
            id: id.clone(),
            requester_id: case.requester.clone(),
            cc_contact_ids: case.cc.iter().cloned().collect(),
            allow_unassociated_account: true,
            account_id: Some(case.account.clone().unwrap_or_default()),
            subject: None,
            status: Some(wire_status(case).into()),
            private: Some(case.private),
            create_time: Some(prost_types::Timestamp {
                seconds: case.created,
                nanos: 0,
            }),
        });
        let request = self.ask(RecordTicketsRequest {
            tickets: records.collect(),
            ..Default::default()
        });
        let mut client = self.clients.tickets.clone();
        let answer = client.record_tickets(request).await.expect("tickets");
        for result in answer.into_inner().results {
            assert!(result.error.is_none(), "{:?}", result.error);
        }
        self.facts.cases.extend(cases);
    }
}

pub fn wire_status(case: &Case) -> TicketStatus {
    if case.closed {
        TicketStatus::Closed
    } else {
        TicketStatus::Open
    }
}
