//! The columns of a file: maps each header to a field by its name or by the mapping. Never guesses.

use roster_core::names::fold;
use roster_core::rules::import::Field;
use roster_storage::ImportKind;

use Field as F;

use crate::fault::Location;
use crate::header::HeaderFault;

/// Maximum columns of `contact.email` in a file: as many as a contact can have addresses.
const EMAIL_COLUMNS_MAX: usize = roster_core::limit::EMAILS_MAX;
/// The columns that a file of rejects adds after the original columns: see
/// [`Layout::is_corrected`].
pub(crate) const REJECT_HEADERS: [&str; 3] = ["Row", "Column", "Reason"];

/// The kind of the rows of a file.
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

/// Fields and the headers that name them.
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
const EMAIL_NAMES: &[&str] = &[
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

/// Columns by which a row of another kind identifies its account.
const ACCOUNT_KEY_COLUMNS: Names = &[
    (F::AccountId, &["取引先ID", "Account ID", "AccountId"]),
    (
        F::AccountExternalId,
        &["取引先コード", "Account:External_Id__c"],
    ),
    (F::AccountName, ACCOUNT_NAMES),
    (F::AccountName, &["Associated Company"]),
];

const ACCOUNT_COLUMNS: Names = &[
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

/// Columns that identify a contact.
const CONTACT_KEY_COLUMNS: Names = &[
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
    (F::ContactEmail, EMAIL_NAMES),
];

const CONTACT_DETAIL_COLUMNS: Names = &[(
    F::ContactPhone,
    &["電話", "電話番号", "TEL", "Phone", "Phone Number"],
)];

const CONTACT_READING_COLUMNS: Names = &[
    (F::ContactFamilyNameReading, &["セイ"]),
    (F::ContactGivenNameReading, &["メイ"]),
    (F::ContactNameReading, &["フリガナ", "ふりがな", "氏名カナ"]),
];

const ASSOCIATION_COLUMNS: Names = &[
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

const TICKET_COLUMNS: Names = &[
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
    (F::ContactEmail, EMAIL_NAMES),
];

/// The fields that identify an account.
pub(crate) const ACCOUNT_FIELDS: &[Field] = &[F::AccountId, F::AccountExternalId, F::AccountName];
/// The fields that identify a contact.
pub(crate) const CONTACT_FIELDS: &[Field] = &[
    F::ContactId,
    F::ContactExternalId,
    F::ContactEmail,
    F::ContactName,
    F::ContactFamilyName,
];
/// The fields that contain the name of a contact. A file has one of them.
const CONTACT_NAME_FIELDS: &[Field] = &[F::ContactFamilyName, F::ContactName];

impl Kind {
    /// Returns the stored form of the kind.
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
            Self::Accounts => &[ACCOUNT_COLUMNS],
            Self::Contacts => &[
                CONTACT_KEY_COLUMNS,
                CONTACT_READING_COLUMNS,
                CONTACT_DETAIL_COLUMNS,
                ACCOUNT_KEY_COLUMNS,
            ],
            // The keys of both sides. A header that fits both, such as 顧客コード, needs the mapping.
            Self::Associations => &[ASSOCIATION_COLUMNS, CONTACT_KEY_COLUMNS, ACCOUNT_COLUMNS],
            Self::Tickets => &[TICKET_COLUMNS, ACCOUNT_KEY_COLUMNS],
        }
    }

    /// Returns whether a file of this kind can have a column for a field.
    pub fn has(self, field: Field) -> bool {
        let contains = |names: &&Names| names.iter().any(|(named, _)| *named == field);
        // An association writes only the fields that identify the account.
        let is_account_detail = [F::AccountNameReading, F::AccountWebsite].contains(&field);
        let is_excluded = self == Self::Associations && is_account_detail;
        self.names().iter().any(|names| contains(&names)) && !is_excluded
    }

    /// Returns the fields of each record that a row must identify. A header needs one of each.
    fn required(self) -> &'static [&'static [Field]] {
        match self {
            Self::Accounts => &[ACCOUNT_FIELDS],
            Self::Contacts => &[CONTACT_FIELDS],
            Self::Associations => &[CONTACT_FIELDS, ACCOUNT_FIELDS],
            Self::Tickets => &[&[F::TicketId]],
        }
    }

    /// Returns the fields that a header matches, each once.
    fn fields_of(self, header: &str) -> Vec<Field> {
        let normalized_header = normalized(header);
        let mut found = Vec::new();
        let all = self.names().iter().flat_map(|names| names.iter());
        for (field, names) in all.filter(|(field, _)| self.has(*field)) {
            let is_named = |name: &&str| normalized(name) == normalized_header;
            let matches = normalized_header == field.path() || names.iter().any(is_named);
            if matches && !found.contains(field) {
                found.push(*field);
            }
        }
        found
    }
}

/// Returns the form in which headers are compared: folded, without white space and without marks of
/// required fields.
fn normalized(header: &str) -> String {
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

/// The field that a caller assigns to a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The header of the column.
    pub header: String,
    /// The field of the column. If `None`, the column is ignored.
    pub field: Option<Field>,
}

/// A column of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// The header in the file.
    pub(crate) header: String,
    /// The field of the column. If `None`, the column is ignored.
    pub(crate) field: Option<Field>,
}

/// The columns of a file, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The kind of the rows.
    pub(crate) kind: Kind,
    /// The columns.
    pub(crate) columns: Vec<Column>,
    /// Whether this is a corrected file of rejects: its last three columns are [`REJECT_HEADERS`].
    /// These columns are not part of `columns`, and the apostrophe before cells that look like
    /// formulas is removed.
    pub(crate) is_corrected: bool,
}

impl Layout {
    /// Assigns a field to each column of a header.
    pub(crate) fn from_header(
        kind: Kind,
        header: &[String],
        mapping: &[Mapping],
    ) -> Result<Self, HeaderFault> {
        let is_corrected = header.ends_with(&REJECT_HEADERS.map(str::to_owned));
        let added = if is_corrected {
            REJECT_HEADERS.len()
        } else {
            0
        };
        let original = &header[..header.len() - added];
        let exists = |mapped: &Mapping| original.iter().any(|h| is_same(h.trim(), &mapped.header));
        if let Some(unknown) = mapping.iter().find(|mapped| !exists(mapped)) {
            return Err(HeaderFault::UnknownColumn(unknown.header.clone()));
        }
        let mut columns = Vec::with_capacity(original.len());
        for header in original {
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
        let mut seen: Vec<Field> = Vec::new();
        for column in &self.columns {
            let Some(field) = column.field else { continue };
            let count = seen.iter().filter(|other| **other == field).count();
            let max = if field == F::ContactEmail && self.kind == Kind::Contacts {
                EMAIL_COLUMNS_MAX
            } else {
                1
            };
            if count >= max {
                let header = column.header.clone();
                return Err(HeaderFault::DuplicateField { header, field });
            }
            seen.push(field);
        }
        let is_missing = |fields: &&&'static [Field]| !fields.iter().any(|f| seen.contains(f));
        match self.kind.required().iter().find(is_missing) {
            Some(fields) => Err(HeaderFault::Missing(fields)),
            None => Ok(()),
        }
    }

    /// Returns the headers of the columns of a location, or the path of the field if the file has
    /// no column for it.
    pub(crate) fn header_at(&self, location: Location) -> String {
        match location {
            Location::Column(column) => {
                let column = self.columns.get(column);
                column.map_or_else(String::new, |column| column.header.clone())
            }
            Location::Field(field) => {
                let column = self.columns.iter().find(|c| c.field == Some(field));
                match column {
                    Some(column) => column.header.clone(),
                    None if CONTACT_NAME_FIELDS.contains(&field) => {
                        self.header_at(Location::AnyOf(CONTACT_NAME_FIELDS))
                    }
                    None => field.path().to_owned(),
                }
            }
            Location::AnyOf(fields) => {
                let matches = |column: &&Column| column.field.is_some_and(|f| fields.contains(&f));
                let columns = self.columns.iter().filter(matches);
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
    if let Some(mapped) = mapping
        .iter()
        .find(|mapped| is_same(header, &mapped.header))
    {
        return Ok(mapped.field);
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

fn is_same(header: &str, mapped: &str) -> bool {
    header == mapped.trim()
}
