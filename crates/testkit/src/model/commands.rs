//! Commands of any kind as one type.

use roster_core::change::Change;
use roster_core::command::{Circumstances, Command};
use roster_core::fact::Facts;
use roster_core::refusal::{Refusal, Refused};
use roster_core::rules::account::{CreateAccount, UpdateAccount};
use roster_core::rules::association::{AssociateContacts, SetPrimaryAccount, UpdateAssociation};
use roster_core::rules::contact::{CreateContact, UpdateContact};
use roster_core::rules::deletion::{DeleteAccount, DeleteContact};
use roster_core::rules::disposition::{DissociateContact, TransferContact};
use roster_core::rules::settings::UpdateSettings;
use roster_core::rules::ticket::{DeleteTickets, RecordTickets};
use roster_core::rules::visitor::RevokeVisitorTokens;

use super::answer_text::AnswerText;

/// A command of any kind.
#[derive(Clone, Debug)]
pub enum AnyCommand {
    CreateAccount(CreateAccount),
    UpdateAccount(UpdateAccount),
    CreateContact(CreateContact),
    UpdateContact(UpdateContact),
    Associate(AssociateContacts),
    SetPrimary(SetPrimaryAccount),
    UpdateAssociation(UpdateAssociation),
    Dissociate(DissociateContact),
    Transfer(TransferContact),
    Record(RecordTickets),
    DeleteTickets(DeleteTickets),
    DeleteAccount(DeleteAccount),
    DeleteContact(DeleteContact),
    Settings(UpdateSettings),
    RevokeTokens(RevokeVisitorTokens),
}

/// Runs the same code for each kind of command.
#[macro_export]
macro_rules! with_command {
    ($any:expr, $command:ident => $body:expr) => {
        match $any {
            $crate::model::AnyCommand::CreateAccount($command) => $body,
            $crate::model::AnyCommand::UpdateAccount($command) => $body,
            $crate::model::AnyCommand::CreateContact($command) => $body,
            $crate::model::AnyCommand::UpdateContact($command) => $body,
            $crate::model::AnyCommand::Associate($command) => $body,
            $crate::model::AnyCommand::SetPrimary($command) => $body,
            $crate::model::AnyCommand::UpdateAssociation($command) => $body,
            $crate::model::AnyCommand::Dissociate($command) => $body,
            $crate::model::AnyCommand::Transfer($command) => $body,
            $crate::model::AnyCommand::Record($command) => $body,
            $crate::model::AnyCommand::DeleteTickets($command) => $body,
            $crate::model::AnyCommand::DeleteAccount($command) => $body,
            $crate::model::AnyCommand::DeleteContact($command) => $body,
            $crate::model::AnyCommand::Settings($command) => $body,
            $crate::model::AnyCommand::RevokeTokens($command) => $body,
        }
    };
}

impl AnyCommand {
    pub fn name(&self) -> &'static str {
        fn name_of<C: Command>(_: &C) -> &'static str {
            C::NAME
        }
        with_command!(self, command => name_of(command))
    }

    /// Decides the command and returns the answer as text, in one form for all kinds.
    pub fn decide<F: Facts>(
        &self,
        facts: &F,
        given: &mut Circumstances,
    ) -> Result<(Vec<Change>, String), Refusal> {
        fn decided<C: Command, F: Facts>(
            command: &C,
            facts: &F,
            given: &mut Circumstances,
        ) -> Result<(Vec<Change>, String), Refusal>
        where
            C::Answer: AnswerText,
        {
            match command.decide(facts, given) {
                Ok(decision) => Ok((decision.changes, decision.answer.answer_text())),
                Err(Refused::Rule(refusal)) => Err(refusal),
                Err(Refused::Facts(error)) => panic!("facts never fail here: {error}"),
            }
        }
        with_command!(self, command => decided(command, facts, given))
    }
}
