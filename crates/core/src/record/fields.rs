//! A macro that lists the fields of a record once. It generates the record, the patch that writes
//! some fields, and the iteration over all fields that the guard of limits uses.

/// A value that has limits.
pub(crate) trait Limited {
    /// Calls `found` with a description of each limit that the value violates.
    fn limits(&self, found: &mut dyn FnMut(String));
}

/// See the module documentation. A record cannot be created without the required field; every other
/// field starts as its type's default. Fields `apart` have no limits and are in no patch: a command
/// of their own writes them.
macro_rules! record_fields {
    (
        $(#[$record_doc:meta])*
        $record:ident,
        $(#[$patch_doc:meta])*
        $patch:ident,
        required $(#[$required_doc:meta])* $required:ident: $required_type:ty;
        $($(#[$doc:meta])* $field:ident: $type:ty;)+
        [apart]
        $($(#[$apart_doc:meta])* $apart:ident: $apart_type:ty;)*
    ) => {
        $(#[$record_doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $record {
            $(#[$required_doc])*
            pub $required: $required_type,
            $($(#[$doc])* pub $field: $type,)+
            $($(#[$apart_doc])* pub $apart: $apart_type,)*
            /// When it was created.
            pub create_time: Time,
            /// When it was last written.
            pub update_time: Time,
        }

        impl $record {
            /// Creates a record with only its required field.
            pub fn new($required: $required_type, now: Time) -> Self {
                Self {
                    $required,
                    $($field: Default::default(),)+
                    $($apart: Default::default(),)*
                    create_time: now,
                    update_time: now,
                }
            }

            /// Calls `see` with each field and its name.
            pub(crate) fn each_field(&self, see: &mut dyn FnMut(&'static str, &dyn Limited)) {
                let Self {
                    $required,
                    $($field,)+
                    $($apart: _,)*
                    create_time: _,
                    update_time: _,
                } = self;
                see(stringify!($required), $required);
                $(see(stringify!($field), $field);)+
            }
        }

        $(#[$patch_doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $patch {
            $(#[$required_doc])*
            pub $required: Option<$required_type>,
            $($(#[$doc])* pub $field: Option<$type>,)+
        }

        impl $patch {
            /// Writes the fields that are `Some`.
            pub(crate) fn onto(self, record: &mut $record) {
                let Self { $required, $($field,)+ } = self;
                if let Some(value) = $required {
                    record.$required = value;
                }
                $(if let Some(value) = $field {
                    record.$field = value;
                })+
            }
        }
    };
}
pub(crate) use record_fields;
