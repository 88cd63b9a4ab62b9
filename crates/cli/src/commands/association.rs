//! `roster associate`, `roster set-primary` and `roster association update`.

use clap::{Args, Subcommand};
use prost_types::FieldMask;
use roster_client::Refusal;
use roster_client::v1::{
    AssociateContactsRequest, AssociateContactsResponse, AssociateOutcome, Association,
    ContactToAssociate, SetPrimaryAccountRequest, UpdateAssociationRequest,
};

use super::Mask;
use crate::app::App;
use crate::failure::{Exit, Failure, reason};
use crate::find;
use crate::output::Rows;
use crate::words;

/// The contacts to associate.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  roster associate a12 c1 c2 --sees-tickets\n  roster associate D0001 tanaka@example.jp --role 部長 --adopt"
)]
pub(crate) struct Associate {
    /// The account: its id (a12) or external id.
    account: String,
    /// The contacts: ids (c12), external ids or e-mail addresses.
    #[arg(required = true)]
    contacts: Vec<String>,
    /// Whether they see the account's tickets if the account shares with marked associations. By
    /// default the organization's setting decides.
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    sees_tickets: Option<bool>,
    /// Their role at the account.
    #[arg(long, default_value = "", hide_default_value = true)]
    role: String,
    /// Move their tickets that have no account to this account.
    #[arg(long)]
    adopt: bool,
    /// Associate all of them or no contact.
    #[arg(long)]
    all_or_nothing: bool,
}

/// The account that becomes primary.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  roster set-primary tanaka@example.jp a12")]
pub(crate) struct SetPrimary {
    /// The contact: its id (c12), external id or e-mail address.
    contact: String,
    /// One of its accounts: its id (a12) or external id.
    account: String,
}

/// The commands for one association.
#[derive(Debug, Subcommand)]
pub(crate) enum AssociationCommand {
    /// Change the role of an association, or whether it sees the account's tickets
    #[command(
        after_help = "Examples:\n  roster association update a12 c1 --sees-tickets true\n  roster association update a12 c1 --role ''"
    )]
    Update(Update),
}

/// A change of an association.
#[derive(Args, Clone, Debug)]
pub(crate) struct Update {
    /// The account: its id (a12) or external id.
    account: String,
    /// The contact: its id (c12), external id or e-mail address.
    contact: String,
    /// Whether it sees the account's tickets if the account shares with marked associations.
    #[arg(long, value_name = "true|false", action = clap::ArgAction::Set)]
    sees_tickets: Option<bool>,
    /// The contact's role at the account; '' clears it.
    #[arg(long)]
    role: Option<String>,
}

impl Associate {
    pub(crate) async fn run(self, app: &mut App) -> Result<Exit, Failure> {
        let contacts = find::contacts(&app.roster, &self.contacts).await?;
        let contacts = contacts.into_iter().map(|contact_id| ContactToAssociate {
            contact_id,
            sees_account_tickets: self.sees_tickets,
            role: self.role.clone(),
        });
        let request = AssociateContactsRequest {
            account_id: find::account(&app.roster, &self.account).await?,
            contacts: contacts.collect(),
            all_or_nothing: self.all_or_nothing,
            adopt_unassigned_tickets: self.adopt,
            ..Default::default()
        };
        let answer = app.roster.call(request).await?;
        app.output.answer(&answer, outcomes)?;
        if self.adopt {
            let adopted = words::count(answer.tickets_adopted, "ticket");
            app.output.note(&format!("{adopted} adopted"))?;
        }
        let failed = answer
            .results
            .iter()
            .filter(|result| result.error.is_some());
        Ok(Exit::of_items(failed.count(), answer.results.len()))
    }
}

fn outcomes(answer: &AssociateContactsResponse) -> Rows {
    let mut rows = Rows::with_header(&["CONTACT", "OUTCOME", "PRIMARY", "SEES TICKETS", "ROLE"]);
    for result in &answer.results {
        let outcome = match (result.outcome(), &result.error) {
            (_, Some(error)) => {
                let refusal = Refusal::of_item(error);
                format!("{}: {}", reason(&refusal), refusal.message)
            }
            (AssociateOutcome::Created, _) => "associated".to_owned(),
            (AssociateOutcome::AlreadyAssociated, _) => "already associated".to_owned(),
            (AssociateOutcome::Duplicate, _) => "named twice".to_owned(),
            (AssociateOutcome::Failed | AssociateOutcome::Unspecified, None) => String::new(),
        };
        let association = result.association.clone().unwrap_or_default();
        rows.push(vec![
            result.contact_id.clone(),
            outcome,
            words::mark(association.primary, "primary"),
            words::mark(association.sees_account_tickets, "yes"),
            association.role,
        ]);
    }
    rows
}

impl SetPrimary {
    pub(crate) async fn run(self, app: &mut App) -> Result<Exit, Failure> {
        let request = SetPrimaryAccountRequest {
            contact_id: find::contact(&app.roster, &self.contact).await?,
            account_id: find::account(&app.roster, &self.account).await?,
            ..Default::default()
        };
        let answer = app.roster.call(request).await?;
        app.output
            .answer(&answer, |answer| shown(answer.association.as_ref()))?;
        Ok(Exit::Done)
    }
}

impl AssociationCommand {
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let Self::Update(update) = self;
        update.clone().change().map(drop)
    }

    pub(crate) async fn run(self, app: &mut App) -> Result<Exit, Failure> {
        let Self::Update(update) = self;
        update.run(app).await
    }
}

impl Update {
    /// The values, with the mask of fields to write.
    fn change(self) -> Result<(Association, FieldMask), Failure> {
        let mut mask = Mask::default();
        let association = Association {
            sees_account_tickets: mask.take("sees_account_tickets", self.sees_tickets),
            role: mask.take("role", self.role),
            ..Default::default()
        };
        Ok((association, mask.with_cleared(Vec::new())?))
    }

    async fn run(self, app: &mut App) -> Result<Exit, Failure> {
        let account_id = find::account(&app.roster, &self.account).await?;
        let contact_id = find::contact(&app.roster, &self.contact).await?;
        let (association, mask) = self.change()?;
        let request = UpdateAssociationRequest {
            update_mask: Some(mask),
            association: Some(Association {
                account_id,
                contact_id,
                ..association
            }),
            ..Default::default()
        };
        let answer = app.roster.call(request).await?;
        app.output
            .answer(&answer, |answer| shown(answer.association.as_ref()))?;
        Ok(Exit::Done)
    }
}

pub(super) fn shown(association: Option<&Association>) -> Rows {
    let association = association.cloned().unwrap_or_default();
    Rows::of_fields(vec![
        ("account", association.account_id),
        ("contact", association.contact_id),
        ("primary", words::yes(association.primary)),
        ("sees tickets", words::yes(association.sees_account_tickets)),
        ("role", association.role),
    ])
}
