//! The protocol core, explored: every order in which processes can act, sessions write, frames arrive, connections be
//! lost and nodes be restarted, up to bounds.
//!
//! What stands in the states is the code that runs in a node: [`Session`](snow_dist_runtime::core::Session) and
//! [`Epochs`](snow_dist_runtime::core::epochs::Epochs). [`world`] is the state, [`step`] what can happen, [`turn`] and
//! its neighbours how it does; [`witness`] and [`rest`] say what must hold, [`models`] lists the bounds.

#![allow(
    missing_docs,
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::missing_panics_doc,
    reason = "a model that is not what it should be fails by panicking"
)]

pub mod bounds;
pub mod calls;
pub mod clean_up;
pub mod connections;
pub mod explore;
mod foreign;
pub mod globals;
pub mod groups;
mod life;
pub mod models;
mod notes;
pub mod rest;
pub mod search;
pub mod spawns;
pub mod step;
pub mod trace;
pub mod turn;
pub mod verdict;
pub mod witness;
pub mod world;
