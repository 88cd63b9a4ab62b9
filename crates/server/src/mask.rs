//! Update masks: the fields of each resource that an update can write, as an enum that the compiler
//! checks. A `match` over the fields has no catch-all arm, so a new field cannot be left out of it.

use prost_types::FieldMask;
use roster_api::v1::ErrorReason;

use crate::fault::Fault;
use crate::parse::Parsed;

/// The fields of one resource.
pub(crate) trait MaskField: Copy + 'static {
    /// All of them, in the order in which they are parsed.
    const ALL: &'static [Self];

    /// The path that names the field in an update mask.
    fn path(self) -> &'static str;
}

/// Declares the fields of a resource: the one list of paths and variants.
macro_rules! mask_fields {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $path:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name { $($variant,)+ }

        impl MaskField for $name {
            const ALL: &'static [Self] = &[$(Self::$variant,)+];

            fn path(self) -> &'static str {
                match self { $(Self::$variant => $path,)+ }
            }
        }
    };
}

mask_fields! {
    /// The fields of `Account`.
    AccountField {
        Name = "name",
        NameReading = "name_reading",
        ExternalId = "external_id",
        Attributes = "attributes",
        SharingMode = "sharing_mode",
        SharingRoles = "sharing_roles",
        Website = "website",
    }
}

mask_fields! {
    /// The fields of `Contact`.
    ContactField {
        FamilyName = "family_name",
        GivenName = "given_name",
        FamilyNameReading = "family_name_reading",
        GivenNameReading = "given_name_reading",
        Emails = "emails",
        ExternalId = "external_id",
        Attributes = "attributes",
        Blocked = "blocked",
        Phone = "phone",
    }
}

mask_fields! {
    /// The fields of `Association`.
    AssociationField {
        SeesAccountTickets = "sees_account_tickets",
        Role = "role",
    }
}

mask_fields! {
    /// The fields of `Settings`.
    SettingsField {
        MultipleAccounts = "multiple_accounts",
        AccountsPerContactMax = "accounts_per_contact_max",
        SharingEnabled = "sharing_enabled",
        DefaultSharingMode = "default_sharing_mode",
        DefaultSharingRoles = "default_sharing_roles",
        NewAssociationsSeeAccountTickets = "new_associations_see_account_tickets",
        SharingPrimaryOnly = "sharing_primary_only",
    }
}

mask_fields! {
    /// The fields of `Credential`.
    CredentialField {
        Name = "name",
        Scopes = "scopes",
        ExpireTime = "expire_time",
        Networks = "networks",
        RequestsPerSecondMax = "requests_per_second_max",
        ConcurrentCallsMax = "concurrent_calls_max",
        Subjects = "subjects",
        CertificateNames = "certificate_names",
    }
}

mask_fields! {
    /// The fields of `Organization`.
    OrganizationField {
        DisplayName = "display_name",
        Suspended = "suspended",
        RequestsPerSecondMax = "requests_per_second_max",
        ConcurrentCallsMax = "concurrent_calls_max",
    }
}

/// The fields that an update mask names; `*` is all of them.
pub(crate) fn parse<F: MaskField>(given: Option<FieldMask>) -> Parsed<Vec<F>> {
    const FIELD: &str = "update_mask";
    let reason = ErrorReason::UpdateMaskInvalid;
    let paths = given.map(|mask| mask.paths).unwrap_or_default();
    if paths.is_empty() {
        let what = "is empty: name the fields to write, or * for all";
        return Err(Fault::field(FIELD, reason, what));
    }
    if paths == ["*"] {
        return Ok(F::ALL.to_vec());
    }
    let field = |path: &String| {
        let found = F::ALL.iter().find(|field| field.path() == path);
        found.copied().ok_or_else(|| {
            let what = format!("contains {path:?}, which no update can write");
            Fault::field(FIELD, reason, what).with("path", path)
        })
    };
    paths.iter().map(field).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message;

    use super::*;

    fn mask(paths: &[&str]) -> Option<FieldMask> {
        let paths = paths.iter().map(ToString::to_string).collect();
        Some(FieldMask { paths })
    }

    fn every_path_leads_to_its_field<F: MaskField + PartialEq + std::fmt::Debug>() {
        let paths: BTreeSet<_> = F::ALL.iter().map(|field| field.path()).collect();
        assert_eq!(
            paths.len(),
            F::ALL.len(),
            "a path is there twice: {paths:?}"
        );
        for field in F::ALL {
            assert_eq!(
                parse::<F>(mask(&[field.path()])).expect("a field"),
                [*field]
            );
        }
        assert_eq!(parse::<F>(mask(&["*"])).expect("all"), F::ALL);
        for wrong in [&[][..], &["id"], &["*", "*"], &[""]] {
            let fault = parse::<F>(mask(wrong)).expect_err("refused");
            assert_eq!(fault.reason, ErrorReason::UpdateMaskInvalid, "{wrong:?}");
        }
    }

    #[test]
    fn every_path_of_every_resource_leads_to_its_own_field_and_a_star_to_all() {
        every_path_leads_to_its_field::<AccountField>();
        every_path_leads_to_its_field::<ContactField>();
        every_path_leads_to_its_field::<AssociationField>();
        every_path_leads_to_its_field::<SettingsField>();
        every_path_leads_to_its_field::<CredentialField>();
        every_path_leads_to_its_field::<OrganizationField>();
    }

    /// An update would silently ignore a field of the proto that is not listed here.
    #[test]
    fn every_field_of_a_message_can_be_written_or_is_output_only_or_an_id() {
        let set = prost_types::FileDescriptorSet::decode(roster_api::FILE_DESCRIPTOR_SET);
        let set = set.expect("the descriptor set");
        let fields_of = |message: &str| -> BTreeSet<String> {
            let messages = set.file.iter().flat_map(|file| &file.message_type);
            let found = messages.filter(|of| of.name() == message);
            let names = found.flat_map(|of| &of.field).map(|field| field.name());
            names.map(str::to_owned).collect()
        };
        fn written<F: MaskField>(fixed: &[&str]) -> BTreeSet<String> {
            let paths = F::ALL.iter().map(|field| field.path());
            paths
                .chain(fixed.iter().copied())
                .map(str::to_owned)
                .collect()
        }
        let record = ["id", "etag", "create_time", "update_time"];
        assert_eq!(fields_of("Account"), written::<AccountField>(&record));
        assert_eq!(fields_of("Contact"), written::<ContactField>(&record));
        let pair = ["account_id", "contact_id", "primary", "etag", "create_time"];
        assert_eq!(fields_of("Association"), written::<AssociationField>(&pair));
        assert_eq!(fields_of("Settings"), written::<SettingsField>(&["etag"]));
        let of_credential = [&record[..], &["organization", "suspended", "keys"]].concat();
        assert_eq!(
            fields_of("Credential"),
            written::<CredentialField>(&of_credential)
        );
        let of_organization = ["name", "state", "etag", "create_time", "undelete_end_time"];
        assert_eq!(
            fields_of("Organization"),
            written::<OrganizationField>(&of_organization)
        );
    }
}
