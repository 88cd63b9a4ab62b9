//! One description of each record: its columns, each with the field that it holds. It generates the
//! table for diesel, the row to read, the cells to write, the names of the columns with personal
//! data, and the message of the change log.
//!
//! Omitting a field from a codec or from the message of the change log is a compile error: records
//! and messages are destructured and built without `..`.

use prost::Message;
use roster_core::names::Derived;

use crate::error::{NotUnderstood, StorageError};
use crate::tables::cell::{Cell, Rows};
use crate::tables::column::column;
use crate::tables::origin::Stamp;

/// Whether a column holds personal data.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Privacy {
    Personal,
    Plain,
}

/// A record as stored in the change log.
pub(crate) trait Logged: Sized {
    type Message: Message + Default;
    fn message(&self) -> Self::Message;
    /// Returns `None` if the message holds a value that no record may have.
    fn of_message(message: Self::Message) -> Option<Self>;
}

/// The error for a column with a value that this server does not understand.
pub(crate) fn not_understood(
    table: &'static str,
    column: &'static str,
    key: &[i64],
) -> StorageError {
    let key = key.to_vec();
    NotUnderstood { table, column, key }.into()
}

/// Appends the cells of the columns that are derived from names.
pub(crate) fn push_derived<'a>(rows: &mut Rows<'a>, derived: &'a Derived) {
    rows.push(Cell::Int(Some(derived.heading.code().into())));
    rows.push(Cell::bytes(&derived.sort_key));
    rows.push(Cell::text(&derived.name_key));
    rows.push(Cell::text(&derived.search_text));
}

/// Appends the cells of a row's origin. They are written when the row is created; an update ignores
/// them.
pub(crate) fn push_stamp(rows: &mut Rows<'_>, stamp: Option<Stamp>) {
    rows.push(Cell::Int(stamp.map(|stamp| stamp.origin.kind.number())));
    rows.push(Cell::Int(
        stamp.and_then(|stamp| stamp.origin.id).map(column),
    ));
    let revision = stamp.map(|stamp| column(stamp.revision.number()));
    rows.push(Cell::Int(revision));
}

/// See the module. `beside` names the fields that another table holds but the change log includes.
macro_rules! record_codec {
    (
        $(#[$doc:meta])*
        $row:ident for $record:ident in $table:ident,
        key $key:ident { $($key_column:ident),+ }
        columns { $($column:ident = $field:ident: $type:ty => ($($sql:tt)+), $privacy:ident;)+ }
        beside { $($beside:ident: $beside_type:ty;)* }
        derived { $($derived:ident => $derived_sql:ident, $derived_kind:ident;)* }
        stamps { $($stamp:ident;)* }
    ) => {
        diesel::table! {
            $table (org, $($key_column),+) {
                org -> BigInt,
                $($key_column -> BigInt,)+
                $($column -> $($sql)+,)+
                revision -> BigInt,
                $($derived -> $derived_sql,)*
                $($stamp -> Nullable<BigInt>,)*
            }
        }

        $(#[$doc])*
        #[derive(diesel::Queryable, diesel::Selectable)]
        #[diesel(table_name = $table)]
        pub(crate) struct $row {
            $($key_column: i64,)+
            $($column: <$type as Column>::Sql,)+
            revision: i64,
        }

        impl $row {
            pub(crate) const TABLE: Table = Table {
                name: stringify!($table),
                keys: [$(stringify!($key_column)),+].len(),
                columns: &[
                    $((stringify!($key_column), ColumnType::Int),)+
                    $((stringify!($column), <$type as Column>::KIND),)+
                    ("revision", ColumnType::Int),
                    $((stringify!($derived), ColumnType::$derived_kind),)*
                    $((stringify!($stamp), ColumnType::Int),)*
                ],
                stamps: &[$(stringify!($stamp)),*],
            };

            /// Each column, and whether it holds personal data.
            #[cfg(test)]
            pub(crate) const PRIVACY: &[(&str, Privacy)] = &[
                $((stringify!($column), Privacy::$privacy),)+
                $((stringify!($derived), Privacy::Personal),)*
            ];

            pub(crate) fn key(&self) -> $key {
                RowKey::of([$(self.$key_column),+])
            }

            /// Returns the record. Fails if any value of the row is not understood.
            pub(crate) fn record(
                self,
                $($beside: $beside_type,)*
            ) -> Result<($key, Stored<$record>)> {
                let (key, numbers) = (self.key(), [$(self.$key_column),+]);
                let unclear = |column| not_understood(stringify!($table), column, &numbers);
                $(u64::from_sql(self.$key_column).ok_or_else(|| unclear(stringify!($key_column)))?;)+
                let record = $record {
                    $($field: Column::from_sql(self.$column)
                        .ok_or_else(|| unclear(stringify!($column)))?,)+
                    $($beside,)*
                };
                let revision = Revision::from_sql(self.revision);
                let revision = revision.ok_or_else(|| unclear("revision"))?;
                Ok((key, Stored { record, revision }))
            }

            /// Appends the cells of a record, except the cells derived from its names and the cells
            /// of its origin.
            pub(crate) fn push<'a>(rows: &mut Rows<'a>, key: $key, stored: &'a Stored<$record>) {
                let $record { $($field,)+ $($beside: _,)* } = &stored.record;
                for number in key.numbers() {
                    rows.push(Cell::Int(Some(number)));
                }
                $(rows.push($field.cell());)+
                rows.push(Cell::Int(Some(column(stored.revision.number()))));
            }
        }

        impl Logged for $record {
            type Message = message::$record;

            fn message(&self) -> Self::Message {
                let $record { $($field,)+ $($beside,)* } = self;
                message::$record {
                    $($column: $field.log(),)+
                    $($beside: $beside.log(),)*
                }
            }

            fn of_message(message: Self::Message) -> Option<Self> {
                let message::$record { $($column,)+ $($beside,)* } = message;
                Some($record {
                    $($field: LogValue::from_log($column)?,)+
                    $($beside: LogValue::from_log($beside)?,)*
                })
            }
        }
    };
}
pub(crate) use record_codec;
