//! Changes of every kind to a generated organization, through the API, each kept in its plain
//! facts.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::seq::IndexedRandom;
use roster_api::v1::*;

use crate::generated::{Generated, any_company, any_roles, any_rules, mask, wire_mode};
use crate::naive::Membership;

/// What becomes of the tickets when an account is left.
const DISPOSITIONS: [TicketDisposition; 3] = [
    TicketDisposition::KeepWithAccount,
    TicketDisposition::MoveToPrimary,
    TicketDisposition::ClearAccount,
];

impl Generated {
    /// One change of each kind, in this order.
    pub async fn change_everything(&mut self) {
        self.change_rules().await;
        self.change_companies().await;
        self.change_memberships().await;
        self.block_some().await;
        self.rerecord_some().await;
        self.dissociate_one().await;
        self.promote_one().await;
        self.transfer_one().await;
        self.delete_tickets().await;
        self.delete_person().await;
        self.delete_company().await;
    }

    async fn change_rules(&mut self) {
        self.facts.rules = any_rules(&mut self.chance, self.seed + 2);
        self.write_rules().await;
    }

    async fn change_companies(&mut self) {
        for id in self.facts.companies.clone().into_keys() {
            if self.chance.random_bool(0.5) {
                continue;
            }
            let company = any_company(&mut self.chance);
            let request = self.ask(UpdateAccountRequest {
                account: Some(Account {
                    id: id.clone(),
                    sharing_mode: wire_mode(company.mode).into(),
                    sharing_roles: company.roles.clone(),
                    ..Account::default()
                }),
                update_mask: mask(&["sharing_mode", "sharing_roles"]),
                ..Default::default()
            });
            let mut client = self.clients.accounts.clone();
            client.update_account(request).await.expect("an account");
            self.facts.companies.insert(id, company);
        }
    }

    async fn change_memberships(&mut self) {
        for _ in 0..3 {
            let Some((person, company)) = self.any_membership(|_| true) else {
                return;
            };
            let sees = self.chance.random_bool(0.5);
            let role = any_roles(&mut self.chance).pop().unwrap_or_default();
            let request = self.ask(UpdateAssociationRequest {
                association: Some(Association {
                    account_id: company.clone(),
                    contact_id: person.clone(),
                    sees_account_tickets: sees,
                    role: role.clone(),
                    ..Association::default()
                }),
                update_mask: mask(&["sees_account_tickets", "role"]),
                ..Default::default()
            });
            let mut client = self.clients.associations.clone();
            client.update_association(request).await.expect("a member");
            let touched = self.next_write();
            let membership = self.membership(&person, &company);
            if (membership.sees_account_tickets, &membership.role) != (sees, &role) {
                membership.touched = touched;
            }
            membership.sees_account_tickets = sees;
            membership.role = role;
        }
    }

    async fn block_some(&mut self) {
        for _ in 0..3 {
            let person = self.any_person();
            let blocked = !self.facts.people[&person];
            let request = self.ask(UpdateContactRequest {
                contact: Some(Contact {
                    id: person.clone(),
                    blocked,
                    ..Contact::default()
                }),
                update_mask: mask(&["blocked"]),
                ..Default::default()
            });
            let mut client = self.clients.contacts.clone();
            client.update_contact(request).await.expect("a contact");
            self.facts.people.insert(person, blocked);
        }
    }

    /// Other requesters, accounts, CC and privacy for known tickets.
    async fn rerecord_some(&mut self) {
        let ids: Vec<String> = self.facts.cases.keys().cloned().collect();
        let mut cases = BTreeMap::new();
        for id in ids.into_iter().step_by(6) {
            cases.insert(id, self.any_case());
        }
        self.record(cases).await;
    }

    async fn dissociate_one(&mut self) {
        let Some((person, company)) = self.any_membership(|m| !m.primary) else {
            return;
        };
        let disposition = *DISPOSITIONS.choose(&mut self.chance).unwrap();
        let request = self.ask(DissociateContactRequest {
            account_id: company.clone(),
            contact_id: person.clone(),
            ticket_disposition: disposition.into(),
            ticket_scope: TicketScope::OpenOnly.into(),
            ..Default::default()
        });
        let mut client = self.clients.associations.clone();
        let answer = client.dissociate_contact(request).await.expect("its end");
        self.facts
            .memberships
            .remove(&(person.clone(), company.clone()));
        let moved = self.dispose(&person, &company, disposition, |closed| !closed);
        assert_eq!(answer.into_inner().tickets_changed, moved);
    }

    /// Moves the cases of a person under a company, as it was said; answers how many.
    fn dispose(
        &mut self,
        person: &str,
        company: &str,
        disposition: TicketDisposition,
        wanted: impl Fn(bool) -> bool,
    ) -> i64 {
        let target = match disposition {
            TicketDisposition::KeepWithAccount => return 0,
            TicketDisposition::MoveToPrimary => self.facts.primary_of(person),
            _ => None,
        };
        let mut moved = 0;
        for case in self.facts.cases.values_mut() {
            let under = case.account.as_deref() == Some(company);
            if under && case.requester == person && wanted(case.closed) {
                case.account = target.clone();
                moved += 1;
            }
        }
        moved
    }

    async fn promote_one(&mut self) {
        let Some((person, company)) = self.any_membership(|m| !m.primary) else {
            return;
        };
        let request = self.ask(SetPrimaryAccountRequest {
            contact_id: person.clone(),
            account_id: company.clone(),
            ..Default::default()
        });
        let mut client = self.clients.associations.clone();
        client.set_primary_account(request).await.expect("it");
        let touched = self.next_write();
        let old = self.facts.primary_of(&person).expect("it had one");
        for (company, primary) in [(old, false), (company, true)] {
            let membership = self.membership(&person, &company);
            membership.primary = primary;
            membership.touched = touched;
        }
    }

    async fn transfer_one(&mut self) {
        let Some((person, left)) = self.any_membership(|m| m.primary) else {
            return;
        };
        let mut others = self.facts.companies.clone();
        others.remove(&left);
        let others: Vec<String> = others.into_keys().collect();
        let to = others.choose(&mut self.chance).expect("another").clone();
        let disposition = *DISPOSITIONS.choose(&mut self.chance).unwrap();
        let request = self.ask(TransferContactRequest {
            contact_id: person.clone(),
            to_account_id: to.clone(),
            sees_account_tickets: Some(true),
            role: "MANAGER".into(),
            ticket_disposition: disposition.into(),
            ..Default::default()
        });
        let mut client = self.clients.associations.clone();
        let answer = client.transfer_contact(request).await.expect("a transfer");
        let touched = self.next_write();
        self.facts
            .memberships
            .remove(&(person.clone(), left.clone()));
        let arrived = Membership {
            primary: true,
            sees_account_tickets: true,
            role: "MANAGER".into(),
            touched,
        };
        let pair = (person.clone(), to);
        let membership = self.facts.memberships.entry(pair).or_insert(arrived);
        membership.primary = true;
        membership.touched = touched;
        let moved = self.dispose(&person, &left, disposition, |_| true);
        assert_eq!(answer.into_inner().tickets_changed, moved);
    }

    async fn delete_tickets(&mut self) {
        let ids: Vec<String> = self.facts.cases.keys().cloned().collect();
        let ids: Vec<String> = ids.sample(&mut self.chance, 2).cloned().collect();
        let request = self.ask(DeleteTicketsRequest {
            ids: ids.clone(),
            ..Default::default()
        });
        let mut client = self.clients.tickets.clone();
        client.delete_tickets(request).await.expect("they go");
        self.facts.cases.retain(|id, _| !ids.contains(id));
    }

    /// Its tickets go with it, or to another.
    async fn delete_person(&mut self) {
        let person = self.any_person();
        self.facts.people.remove(&person);
        let heir = self.chance.random_bool(0.5).then(|| self.any_person());
        let request = self.ask(DeleteContactRequest {
            id: person.clone(),
            dissociate_accounts: true,
            delete_tickets: heir.is_none(),
            new_requester_id: heir.clone().unwrap_or_default(),
            ..Default::default()
        });
        let mut client = self.clients.contacts.clone();
        client.delete_contact(request).await.expect("it goes");
        self.facts.memberships.retain(|(who, _), _| *who != person);
        self.facts.cases.retain(|_, case| {
            case.cc.remove(&person);
            let own = case.requester == person;
            if let (true, Some(heir)) = (own, &heir) {
                case.requester = heir.clone();
            }
            !own || heir.is_some()
        });
    }

    /// Whoever had it as primary has the oldest that remains.
    async fn delete_company(&mut self) {
        let ids: Vec<String> = self.facts.companies.keys().cloned().collect();
        let company = ids.choose(&mut self.chance).expect("an account").clone();
        let disposition = *DISPOSITIONS[1..].choose(&mut self.chance).unwrap();
        let request = self.ask(DeleteAccountRequest {
            id: company.clone(),
            dissociate_contacts: true,
            ticket_disposition: disposition.into(),
            ..Default::default()
        });
        let mut client = self.clients.accounts.clone();
        client.delete_account(request).await.expect("it goes");
        let touched = self.next_write();
        self.facts.companies.remove(&company);
        for person in self.facts.people.clone().into_keys() {
            let pair = (person.clone(), company.clone());
            let ended = self.facts.memberships.remove(&pair);
            if ended.is_some_and(|membership| membership.primary) {
                self.promote_oldest(&person, touched);
            }
            self.dispose(&person, &company, disposition, |_| true);
        }
    }

    fn promote_oldest(&mut self, person: &str, touched: u64) {
        let remaining = self.facts.companies_of(person);
        let age = |company: &String| {
            let membership = &self.facts.memberships[&(person.into(), company.clone())];
            let number: u64 = company[1..].parse().expect("a number");
            (membership.touched, number)
        };
        if let Some(oldest) = remaining.into_iter().min_by_key(age) {
            let membership = self.membership(person, &oldest);
            membership.primary = true;
            membership.touched = touched;
        }
    }

    fn membership(&mut self, person: &str, company: &str) -> &mut Membership {
        let pair = (person.into(), company.into());
        self.facts.memberships.get_mut(&pair).expect("a member")
    }

    fn any_membership(&mut self, wanted: fn(&Membership) -> bool) -> Option<(String, String)> {
        let all = self.facts.memberships.iter();
        let pairs: Vec<_> = all
            .filter(|(_, m)| wanted(m))
            .map(|(pair, _)| pair)
            .collect();
        pairs.choose(&mut self.chance).map(|pair| (*pair).clone())
    }
}
