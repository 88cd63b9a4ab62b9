//! The services, one file each: parse, call, render.

mod account;
mod admin;
mod association;
mod contact;
mod history;
mod import;
mod settings;
mod ticket;
mod visibility;
mod visitor;

pub(crate) use account::Accounts;
pub(crate) use admin::Admin;
pub(crate) use association::Associations;
pub(crate) use contact::Contacts;
pub(crate) use history::History;
pub(crate) use import::Imports;
pub(crate) use settings::SettingsOf;
pub(crate) use ticket::Tickets;
pub(crate) use visibility::Visibilities;
pub(crate) use visitor::Visitors;
