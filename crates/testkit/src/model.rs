//! A model to compare the rules with: random steps, facts as plain maps, and a naive evaluator.

mod answer_text;
mod commands;
mod maps;
mod naive;
mod naive_associations;
mod naive_tickets;
mod steps;

pub use answer_text::AnswerText;
pub use commands::AnyCommand;
pub use maps::{Maps, violations};
pub use naive::{NOW, Naive};
pub use steps::{PREVIEW_KEY, Step, prelude, step};
