//! The expected content of the tables, and their real content, read without any code of storage.

use diesel::prelude::*;
use diesel::sql_types::Text;
use roster_core::fact::UniqueKey;
use roster_core::names::{AccountNames, ContactNames, Derived};
use roster_core::record::{Account, Contact, SharingMode, TicketStatus};
use roster_core::text::{Email, ExternalId, Name, Role};
use roster_storage::OrganizationName;
use serde_json::{Value, json};

use crate::world::{Engine, World};
use roster_testkit::model::Maps;

/// How a column is shown.
enum Shown {
    Plain(&'static str),
    Bool(&'static str),
    Hex(&'static str),
}
use Shown::{Bool, Hex, Plain};

/// Every table of records, with its columns except the organization.
const TABLES: [(&str, &[Shown]); 6] = [
    (
        "accounts",
        &[
            Plain("account"),
            Plain("name"),
            Plain("name_reading"),
            Plain("external_id"),
            Plain("attributes"),
            Plain("sharing_mode"),
            Plain("sharing_roles"),
            Plain("create_time"),
            Plain("update_time"),
            Plain("revision"),
            Plain("heading"),
            Hex("sort_key"),
            Plain("name_key"),
            Plain("search_text"),
        ],
    ),
    (
        "contacts",
        &[
            Plain("contact"),
            Plain("family_name"),
            Plain("given_name"),
            Plain("family_name_reading"),
            Plain("given_name_reading"),
            Plain("emails"),
            Plain("external_id"),
            Plain("attributes"),
            Bool("blocked"),
            Plain("create_time"),
            Plain("update_time"),
            Plain("revision"),
            Plain("heading"),
            Hex("sort_key"),
            Plain("name_key"),
            Plain("search_text"),
        ],
    ),
    (
        "associations",
        &[
            Plain("contact"),
            Plain("account"),
            Bool("is_primary"),
            Bool("sees_account_tickets"),
            Plain("role"),
            Plain("create_time"),
            Plain("revision"),
        ],
    ),
    (
        "tickets",
        &[
            Plain("ticket"),
            Plain("id"),
            Plain("requester"),
            Plain("account"),
            Plain("subject"),
            Bool("closed"),
            Bool("is_private"),
            Plain("create_time"),
            Plain("revision"),
        ],
    ),
    (
        "ticket_copies",
        &[Plain("ticket"), Plain("position"), Plain("contact")],
    ),
    ("unique_keys", &[Plain("key"), Plain("owner")]),
];

#[derive(QueryableByName)]
struct Shows {
    #[diesel(sql_type = Text)]
    row: String,
}

/// Returns all rows of all tables of records, table by table, in a fixed order.
pub fn held(world: &World, organization: &OrganizationName) -> Vec<(&'static str, Vec<Value>)> {
    let all = TABLES.iter().map(|(table, columns)| {
        let columns: Vec<String> = columns.iter().map(|of| show(world.engine, of)).collect();
        let array = match world.engine {
            Engine::Sqlite => "json_array",
            Engine::Postgres => "json_build_array",
        };
        let sql = format!(
            "SELECT CAST({array}({}) AS TEXT) AS row FROM {table} WHERE org = \
             (SELECT org FROM organizations WHERE name = '{organization}')",
            columns.join(", ")
        );
        let rows = query(world, &sql);
        let rows = rows.iter().map(|row| serde_json::from_str(row).unwrap());
        (*table, sorted(rows.collect()))
    });
    all.collect()
}

fn show(engine: Engine, column: &Shown) -> String {
    match (engine, column) {
        (_, Plain(name)) => (*name).to_owned(),
        (_, Bool(name)) => format!("CASE WHEN {name} THEN 1 ELSE 0 END"),
        (Engine::Sqlite, Hex(name)) => format!("lower(hex({name}))"),
        (Engine::Postgres, Hex(name)) => format!("encode({name}, 'hex')"),
    }
}

/// Runs a query directly on the engine.
pub fn query(world: &World, sql: &str) -> Vec<String> {
    let url = &world.database.url;
    let rows: Vec<Shows> = match world.engine {
        Engine::Sqlite => {
            let path = url.strip_prefix("sqlite:").unwrap();
            let mut conn = SqliteConnection::establish(path).unwrap();
            diesel::sql_query(sql).load(&mut conn).unwrap()
        }
        Engine::Postgres => {
            let mut conn = PgConnection::establish(url).unwrap();
            diesel::sql_query(sql).load(&mut conn).unwrap()
        }
    };
    rows.into_iter().map(|shows| shows.row).collect()
}

/// Runs a statement directly on the engine, past all rules.
pub fn damage(world: &World, sql: &str) {
    let url = &world.database.url;
    let touched = match world.engine {
        Engine::Sqlite => {
            let path = url.strip_prefix("sqlite:").unwrap();
            let mut conn = SqliteConnection::establish(path).unwrap();
            diesel::sql_query(sql).execute(&mut conn).unwrap()
        }
        Engine::Postgres => {
            let mut conn = PgConnection::establish(url).unwrap();
            diesel::sql_query(sql).execute(&mut conn).unwrap()
        }
    };
    assert!(touched > 0, "{sql}");
}

fn sorted(mut rows: Vec<Value>) -> Vec<Value> {
    rows.sort_by_key(Value::to_string);
    rows
}

/// Returns the rows for these records, with newly computed derived columns.
pub fn expected(maps: &Maps) -> Vec<(&'static str, Vec<Value>)> {
    let accounts = maps
        .accounts
        .iter()
        .map(|(id, stored)| account_row(id.number(), &stored.record, stored.revision.number()));
    let contacts = maps
        .contacts
        .iter()
        .map(|(id, stored)| contact_row(id.number(), &stored.record, stored.revision.number()));
    let associations = maps.associations.iter().map(|(pair, stored)| {
        let of = &stored.record;
        json!([
            pair.contact.number(),
            pair.account.number(),
            i32::from(of.primary),
            i32::from(of.sees_account_tickets),
            of.role.as_str(),
            of.create_time.micros(),
            stored.revision.number(),
        ])
    });
    let tickets = maps.tickets.iter().map(|(no, stored)| {
        let of = &stored.record;
        json!([
            no.number(),
            of.key.as_str(),
            of.requester.number(),
            of.account.map(|id| id.number()),
            of.subject.as_str(),
            i32::from(of.status == TicketStatus::Closed),
            i32::from(of.private),
            of.create_time.micros(),
            stored.revision.number(),
        ])
    });
    let cc = maps.tickets.iter().flat_map(|(no, stored)| {
        let cc = stored.record.cc.iter().enumerate();
        cc.map(|(place, contact)| json!([no.number(), place, contact.number()]))
    });
    let keys = maps.keys.iter().filter_map(|(key, owner)| {
        let column = match key {
            UniqueKey::AccountExternalId(text) => format!("a:{text}"),
            UniqueKey::ContactExternalId(text) => format!("c:{text}"),
            UniqueKey::Email(text) => format!("e:{text}"),
            // They are stored with their tickets.
            UniqueKey::Ticket(_) => return None,
        };
        Some(json!([column, owner]))
    });
    vec![
        ("accounts", sorted(accounts.collect())),
        ("contacts", sorted(contacts.collect())),
        ("associations", sorted(associations.collect())),
        ("tickets", sorted(tickets.collect())),
        ("ticket_copies", sorted(cc.collect())),
        ("unique_keys", sorted(keys.collect())),
    ]
}

fn text(name: Option<&Name>) -> Option<&str> {
    name.map(Name::as_str)
}

fn mode(mode: SharingMode) -> i32 {
    match mode {
        SharingMode::Nobody => 1,
        SharingMode::Granted => 2,
        SharingMode::Roles => 3,
        SharingMode::Everyone => 4,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn account_row(number: u64, of: &Account, revision: u64) -> Value {
    let external_id = of.external_id.as_ref().map(ExternalId::as_str);
    let derived = Derived::of_account(&AccountNames {
        name: of.name.as_str(),
        reading: text(of.name_reading.as_ref()),
        external_id,
    });
    let roles: Vec<&str> = of.sharing_roles.iter().map(Role::as_str).collect();
    json!([
        number,
        of.name.as_str(),
        text(of.name_reading.as_ref()),
        external_id,
        json!(of.attributes).to_string(),
        of.sharing_mode.map(mode),
        json!(roles).to_string(),
        of.create_time.micros(),
        of.update_time.micros(),
        revision,
        derived.heading.code(),
        hex(&derived.sort_key),
        derived.name_key,
        derived.search_text,
    ])
}

fn contact_row(number: u64, of: &Contact, revision: u64) -> Value {
    let external_id = of.external_id.as_ref().map(ExternalId::as_str);
    let emails: Vec<&str> = of.emails.iter().map(Email::as_str).collect();
    let names = ContactNames {
        family: of.family_name.as_str(),
        given: text(of.given_name.as_ref()),
        family_reading: text(of.family_name_reading.as_ref()),
        given_reading: text(of.given_name_reading.as_ref()),
        external_id,
        phone: None,
    };
    let derived = Derived::of_contact(&names, &emails);
    json!([
        number,
        of.family_name.as_str(),
        text(of.given_name.as_ref()),
        text(of.family_name_reading.as_ref()),
        text(of.given_name_reading.as_ref()),
        json!(emails).to_string(),
        external_id,
        json!(of.attributes).to_string(),
        i32::from(of.blocked),
        of.create_time.micros(),
        of.update_time.micros(),
        revision,
        derived.heading.code(),
        hex(&derived.sort_key),
        derived.name_key,
        derived.search_text,
    ])
}
