//! What the columns of a file are: header to field, told by name or by a mapping, never guessed.

use roster_core::names::fold;
use roster_core::rules::import::Field;
use roster_storage::ImportKind;

use Field as F;

use crate::fault::At;
use crate::header::HeaderFault;

/// Columns that one file may fill `contact.email` with: as many as a contact has addresses.
const EMAIL_COLUMNS_MAX: usize = roster_core::limit::EMAILS_MAX;
/// The columns that a file of rejects has after those of its file: see [`Layout::is_corrected`].
pub(crate) const REJECT_HEADERS: [&str; 3] = ["Row", "Column", "Reason"];

/// What the rows of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Accounts.
    Accounts,
    /// Contacts, each with at most one account.
    Contacts,
    /// Associations.
    Associations,
    /// Tickets.
    Tickets,
}

/// Names of columns by the field that they fill.
type Names = &'static [(Field, &'static [&'static str])];

const ACCOUNT_NAMES: &[&str] = &[
    "取引先名",
    "取引先",
    "会社名",
    "企業名",
    "顧客名(企業)",
    "Account Name",
    "Company",
    "Company Name",
    "Organization",
];
const EMAILS: &[&str] = &[
    "メール",
    "メールアドレス",
    "Eメール",
    "Email",
    "E-mail",
    "Email Address",
    "Secondary Email",
    "予備のメール",
];
const FAMILY_NAMES: &[&str] = &["姓", "苗字", "Last Name", "LastName", "Family Name"];
const GIVEN_NAMES: &[&str] = &["名", "First Name", "FirstName", "Given Name"];

/// The account that a row of another kind names.
const ITS_ACCOUNT: Names = &[
    (F::AccountId, &["取引先ID", "Account ID", "AccountId"]),
    (
        F::AccountExternalId,
        &["取引先コード", "Account:External_Id__c"],
    ),
    (F::AccountName, ACCOUNT_NAMES),
    (F::AccountName, &["Associated Company"]),
];

const OF_ACCOUNTS: Names = &[
    (F::AccountId, &["取引先ID", "Account ID", "AccountId"]),
    (
        F::AccountExternalId,
        &[
            "外部ID",
            "取引先コード",
            "顧客コード",
            "External ID",
            "External_Id__c",
            "Account Number",
        ],
    ),
    (F::AccountName, ACCOUNT_NAMES),
    (F::AccountName, &["Name"]),
    (
        F::AccountNameReading,
        &["取引先名(フリガナ)", "フリガナ", "ふりがな", "カナ"],
    ),
    (
        F::AccountWebsite,
        &[
            "Webサイト",
            "ウェブサイト",
            "ホームページ",
            "Website",
            "Web Site",
        ],
    ),
];

/// What names a contact.
const CONTACT_KEYS: Names = &[
    (F::ContactId, &["連絡先ID", "Contact ID", "ContactId"]),
    (
        F::ContactExternalId,
        &[
            "外部ID",
            "社員番号",
            "顧客ID",
            "顧客コード",
            "External ID",
            "External_Id__c",
        ],
    ),
    (F::ContactFamilyName, FAMILY_NAMES),
    (F::ContactGivenName, GIVEN_NAMES),
    (
        F::ContactName,
        &[
            "氏名",
            "名前",
            "連絡先名",
            "担当者名",
            "Full Name",
            "Contact Name",
            "Name",
        ],
    ),
    (F::ContactEmail, EMAILS),
];

const CONTACT_DETAILS: Names = &[(
    F::ContactPhone,
    &["電話", "電話番号", "TEL", "Phone", "Phone Number"],
)];

const CONTACT_READINGS: Names = &[
    (F::ContactFamilyNameReading, &["セイ"]),
    (F::ContactGivenNameReading, &["メイ"]),
    (F::ContactNameReading, &["フリガナ", "ふりがな", "氏名カナ"]),
];

const OF_ASSOCIATIONS: Names = &[
    (F::ContactExternalId, &["Contact:External_Id__c"]),
    (F::AccountExternalId, &["Account:External_Id__c"]),
    (F::AccountName, &["Associated Company"]),
    (F::AssociationPrimary, &["メイン", "主取引先", "Primary"]),
    (
        F::AssociationSeesAccountTickets,
        &["問い合わせの閲覧", "Can View Account Tickets"],
    ),
    (F::AssociationRole, &["役割", "Role"]),
];

const OF_TICKETS: Names = &[
    (
        F::TicketId,
        &[
            "問い合わせID",
            "チケットID",
            "問い合わせ番号",
            "Ticket ID",
            "Case Number",
            "External_Id__c",
        ],
    ),
    (F::TicketSubject, &["件名", "Subject"]),
    (F::TicketStatus, &["ステータス", "状態", "Status"]),
    (F::TicketCc, &["CC"]),
    (F::TicketPrivate, &["非公開", "Private"]),
    (
        F::TicketCreateTime,
        &["作成日時", "Created Time", "CreatedDate"],
    ),
    (F::ContactId, &["連絡先ID", "Contact ID", "ContactId"]),
    (
        F::ContactExternalId,
        &[
            "連絡先コード",
            "連絡先の外部ID",
            "社員番号",
            "Contact External ID",
            "Contact:External_Id__c",
        ],
    ),
    (
        F::ContactName,
        &[
            "連絡先",
            "連絡先名",
            "担当者名",
            "氏名",
            "Contact",
            "Contact Name",
        ],
    ),
    (
        F::ContactEmail,
        &["連絡先メール", "連絡先のメール", "Contact Email"],
    ),
    (F::ContactEmail, EMAILS),
];

/// What names an account.
pub(crate) const ACCOUNT: &[Field] = &[F::AccountId, F::AccountExternalId, F::AccountName];
/// What names a contact.
pub(crate) const CONTACT: &[Field] = &[
    F::ContactId,
    F::ContactExternalId,
    F::ContactEmail,
    F::ContactName,
    F::ContactFamilyName,
];
/// What holds the name of a contact: a file has the one or the other.
const PERSON: &[Field] = &[F::ContactFamilyName, F::ContactName];

impl Kind {
    /// The kind as it is stored.
    pub fn stored(self) -> ImportKind {
        match self {
            Self::Accounts => ImportKind::Accounts,
            Self::Contacts => ImportKind::Contacts,
            Self::Associations => ImportKind::Associations,
            Self::Tickets => ImportKind::Tickets,
        }
    }

    fn names(self) -> &'static [Names] {
        match self {
            Self::Accounts => &[OF_ACCOUNTS],
            Self::Contacts => &[CONTACT_KEYS, CONTACT_READINGS, CONTACT_DETAILS, ITS_ACCOUNT],
            // The keys of both sides: what both have, such as 顧客コード, the mapping must say.
            Self::Associations => &[OF_ASSOCIATIONS, CONTACT_KEYS, OF_ACCOUNTS],
            Self::Tickets => &[OF_TICKETS, ITS_ACCOUNT],
        }
    }

    /// Whether a column of this kind of file may fill a field.
    pub fn has(self, field: Field) -> bool {
        let fills = |names: &&Names| names.iter().any(|(named, _)| *named == field);
        // An association writes nothing of the account but what names it.
        let of_account = [F::AccountNameReading, F::AccountWebsite].contains(&field);
        let of_account = self == Self::Associations && of_account;
        self.names().iter().any(|names| fills(&names)) && !of_account
    }

    /// The fields of which a header needs one, for each side that must be named.
    fn needed(self) -> &'static [&'static [Field]] {
        match self {
            Self::Accounts => &[ACCOUNT],
            Self::Contacts => &[CONTACT],
            Self::Associations => &[CONTACT, ACCOUNT],
            Self::Tickets => &[&[F::TicketId]],
        }
    }

    /// The fields that a header may mean, each once.
    fn fields_of(self, header: &str) -> Vec<Field> {
        let wanted = normal(header);
        let mut found = Vec::new();
        let all = self.names().iter().flat_map(|names| names.iter());
        for (field, names) in all.filter(|(field, _)| self.has(*field)) {
            let means = wanted == field.path() || names.iter().any(|name| normal(name) == wanted);
            if means && !found.contains(field) {
                found.push(*field);
            }
        }
        found
    }
}

/// A header as headers are compared: folded, without white space and marks of required fields.
fn normal(header: &str) -> String {
    const MARKS: &[&str] = &[
        "*",
        "※",
        "(必須)",
        "[必須]",
        "【必須】",
        "〔必須〕",
        "<必須>",
        "(required)",
        "[required]",
    ];
    let folded: String = fold(header).split_whitespace().collect();
    let mut text = folded.as_str();
    while let Some(rest) = MARKS
        .iter()
        .find_map(|mark| text.strip_prefix(mark).or_else(|| text.strip_suffix(mark)))
    {
        text = rest;
    }
    text.to_owned()
}

/// What a caller says of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The column's header.
    pub header: String,
    /// The field that it fills; none: it is ignored.
    pub field: Option<Field>,
}

/// A column of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// Its header as it stands in the file.
    pub(crate) header: String,
    /// The field that it fills.
    pub(crate) field: Option<Field>,
}

/// The columns of a file in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// What the rows are.
    pub(crate) kind: Kind,
    /// The columns.
    pub(crate) columns: Vec<Column>,
    /// Whether this is a file of rejects that was corrected: its last three columns are those that
    /// we added, which are left out here, and the mark before cells that Excel would take for
    /// formulas is taken off again.
    pub(crate) is_corrected: bool,
}

impl Layout {
    /// What the cells of a header say.
    pub(crate) fn of(
        kind: Kind,
        header: &[String],
        mapping: &[Mapping],
    ) -> Result<Self, HeaderFault> {
        let is_corrected = header.ends_with(&REJECT_HEADERS.map(str::to_owned));
        let own = header.len()
            - if is_corrected {
                REJECT_HEADERS.len()
            } else {
                0
            };
        let there = |given: &Mapping| header[..own].iter().any(|h| same(h.trim(), &given.header));
        if let Some(absent) = mapping.iter().find(|given| !there(given)) {
            return Err(HeaderFault::NotThere(absent.header.clone()));
        }
        let mut columns = Vec::with_capacity(own);
        for header in &header[..own] {
            let header = header.trim().to_owned();
            let field = field_of(kind, &header, mapping)?;
            columns.push(Column { header, field });
        }
        let layout = Self {
            kind,
            columns,
            is_corrected,
        };
        layout.check()?;
        Ok(layout)
    }

    fn check(&self) -> Result<(), HeaderFault> {
        let mut filled: Vec<Field> = Vec::new();
        for column in &self.columns {
            let Some(field) = column.field else { continue };
            let before = filled.iter().filter(|other| **other == field).count();
            let most = if field == F::ContactEmail && self.kind == Kind::Contacts {
                EMAIL_COLUMNS_MAX
            } else {
                1
            };
            if before >= most {
                let header = column.header.clone();
                return Err(HeaderFault::Twice { header, field });
            }
            filled.push(field);
        }
        let lacks = |needed: &&&'static [Field]| !needed.iter().any(|f| filled.contains(f));
        match self.kind.needed().iter().find(lacks) {
            Some(needed) => Err(HeaderFault::Lacks(needed)),
            None => Ok(()),
        }
    }

    /// What a person knows a place by: a header, several where any of their columns would do, or the
    /// name of the field where the file has no column for it.
    pub(crate) fn header_at(&self, at: At) -> String {
        match at {
            At::Column(column) => {
                let column = self.columns.get(column);
                column.map_or_else(String::new, |column| column.header.clone())
            }
            At::Field(field) => {
                let column = self.columns.iter().find(|c| c.field == Some(field));
                match column {
                    Some(column) => column.header.clone(),
                    None if PERSON.contains(&field) => self.header_at(At::AnyOf(PERSON)),
                    None => field.path().to_owned(),
                }
            }
            At::AnyOf(fields) => {
                let fills = |column: &&Column| column.field.is_some_and(|f| fields.contains(&f));
                let columns = self.columns.iter().filter(fills);
                let headers: Vec<&str> = columns.map(|column| column.header.as_str()).collect();
                match (headers.as_slice(), fields) {
                    ([], [field, ..]) => field.path().to_owned(),
                    _ => headers.join(", "),
                }
            }
        }
    }
}

fn field_of(kind: Kind, header: &str, mapping: &[Mapping]) -> Result<Option<Field>, HeaderFault> {
    if let Some(given) = mapping.iter().find(|given| same(&given.header, header)) {
        return Ok(given.field);
    }
    if header.is_empty() {
        return Ok(None);
    }
    let fields = kind.fields_of(header);
    match fields.as_slice() {
        [] => Ok(None),
        [field] => Ok(Some(*field)),
        _ => {
            let header = header.to_owned();
            Err(HeaderFault::Ambiguous { header, fields })
        }
    }
}

fn same(header: &str, given: &str) -> bool {
    header == given.trim()
}
