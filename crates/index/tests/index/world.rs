//! Organizations to be loaded and changed.

use roster_core::change::{Change, Row};
use roster_core::id::{AccountId, ContactId, Pair, Revision, TicketNo, Time};
use roster_core::organization::{OrganizationName, RevisionId};
use roster_core::record::{
    Account, Association, Contact, Settings, Sharing, SharingMode, Ticket, TicketStatus,
};
use roster_core::rules::visibility::{
    FactSink, SinkFull, StreamedAssociation, TicketFacts, check_ticket,
};
use roster_core::text::{Name, Role, Subject, TicketKey};
use roster_index::{Loading, OrganizationFacts};

use roster_testkit::model::Maps;

/// More than any test's organization takes.
pub const ROOM: usize = 1 << 30;

pub fn at(revision: u64) -> RevisionId {
    RevisionId {
        revision: Revision::new(revision),
        nonce: revision as i64 * 7,
    }
}

pub fn name(text: &str) -> OrganizationName {
    OrganizationName::parse(text).unwrap()
}

pub fn key(text: &str) -> TicketKey {
    TicketKey::parse(text).unwrap()
}

/// What a load from these tables gives.
pub fn loaded(maps: &Maps, at: RevisionId) -> OrganizationFacts {
    let mut loading = Loading::new(at, &maps.settings_now().record, ROOM);
    stream_facts(maps, &mut loading).unwrap();
    loading.finish().unwrap()
}

fn stream_facts(maps: &Maps, sink: &mut dyn FactSink) -> Result<(), SinkFull> {
    for (ticket, stored) in &maps.tickets {
        let record = &stored.record;
        let mut cc = record.cc.clone();
        cc.sort();
        for contact in cc {
            sink.cc(*ticket, contact)?;
        }
        let asked = TicketFacts {
            number: *ticket,
            requester: record.requester,
            account: record.account,
            private: record.private,
        };
        sink.ticket(record.key.as_str(), asked)?;
    }
    for (pair, stored) in &maps.associations {
        sink.association(*pair, StreamedAssociation::of(&stored.record))?;
    }
    for (account, stored) in &maps.accounts {
        let sharing = Sharing {
            mode: stored.record.sharing_mode,
            roles: stored.record.sharing_roles.clone(),
        };
        sink.account(*account, &sharing)?;
    }
    for (contact, stored) in &maps.contacts {
        sink.contact(*contact, stored.record.blocked)?;
        if let Some(time) = stored.record.visitors_not_before {
            sink.visitors_not_before(*contact, time)?;
        }
    }
    Ok(())
}

pub fn empty() -> OrganizationFacts {
    loaded(&Maps::default(), RevisionId::default())
}

pub fn account(id: u64, mode: Option<SharingMode>) -> Change {
    let record = Account {
        name: Name::parse("A").unwrap(),
        name_reading: None,
        external_id: None,
        attributes: Default::default(),
        sharing_mode: mode,
        sharing_roles: Vec::new(),
        create_time: Time::default(),
        update_time: Time::default(),
        website: None,
    };
    Change::Account(Row::Created(AccountId::new(id), record))
}

pub fn contact(id: u64, blocked: bool) -> Change {
    let record = Contact {
        family_name: Name::parse("C").unwrap(),
        given_name: None,
        family_name_reading: None,
        given_name_reading: None,
        emails: Vec::new(),
        external_id: None,
        attributes: Default::default(),
        blocked,
        create_time: Time::default(),
        update_time: Time::default(),
        phone: None,
        visitors_not_before: None,
    };
    Change::Contact(Row::Created(ContactId::new(id), record))
}

pub fn associated(sees: bool, role: &str) -> Association {
    Association {
        primary: true,
        sees_account_tickets: sees,
        role: Role::parse(role).unwrap(),
        create_time: Time::default(),
    }
}

pub fn pair(contact: u64, account: u64) -> Pair {
    Pair {
        contact: ContactId::new(contact),
        account: AccountId::new(account),
    }
}

pub fn association(contact: u64, account: u64, sees: bool) -> Change {
    Change::Association(Row::Created(
        pair(contact, account),
        associated(sees, "営業"),
    ))
}

pub fn ticket_record(id: &str, requester: u64, account: Option<u64>) -> Ticket {
    Ticket {
        key: key(id),
        requester: ContactId::new(requester),
        account: account.map(AccountId::new),
        subject: Subject::default(),
        status: TicketStatus::Open,
        private: false,
        cc: Vec::new(),
        create_time: Time::default(),
    }
}

pub fn ticket(number: u64, id: &str, requester: u64, account: Option<u64>) -> Change {
    let record = ticket_record(id, requester, account);
    Change::Ticket(Row::Created(TicketNo::new(number), record))
}

/// Whether a contact sees a ticket; none where there is no answer.
pub fn sees(facts: &OrganizationFacts, contact: u64, id: &TicketKey) -> Option<bool> {
    let verdict = check_ticket(facts, ContactId::new(contact), id);
    verdict.ok().map(|verdict| verdict.visible())
}

/// The settings with the switch over.
pub fn switched(enabled: bool) -> Change {
    let settings = |enabled| {
        Box::new(Settings {
            sharing_enabled: enabled,
            ..Settings::default()
        })
    };
    Change::Settings {
        before: settings(!enabled),
        after: settings(enabled),
    }
}
