//! The fields of a record, each named once: from them come the record, the patch that writes some of
//! them, and the look at all of them that the guard of limits takes.

/// A value that has limits.
pub(crate) trait Limited {
    /// Calls `found` with each limit that the value breaks: how it breaks it, in words.
    fn limits(&self, found: &mut dyn FnMut(String));
}

/// See the module. The required field is what a record cannot be created without; every other field
/// begins as its type's default.
macro_rules! record_fields {
    (
        $(#[$record_doc:meta])*
        $record:ident,
        $(#[$patch_doc:meta])*
        $patch:ident,
        required $(#[$required_doc:meta])* $required:ident: $required_type:ty;
        $($(#[$doc:meta])* $field:ident: $type:ty;)+
    ) => {
        $(#[$record_doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $record {
            $(#[$required_doc])*
            pub $required: $required_type,
            $($(#[$doc])* pub $field: $type,)+
            /// When it was created.
            pub create_time: Time,
            /// When it was last written.
            pub update_time: Time,
        }

        impl $record {
            /// A record that has just been created, with nothing but what is required.
            pub fn new($required: $required_type, now: Time) -> Self {
                Self {
                    $required,
                    $($field: Default::default(),)+
                    create_time: now,
                    update_time: now,
                }
            }

            /// Shows each field with its name.
            pub(crate) fn each_field(&self, see: &mut dyn FnMut(&'static str, &dyn Limited)) {
                let Self {
                    $required,
                    $($field,)+
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
            /// Writes the fields that are set.
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
