//! A node in a session, step by step: what it is asked and receives, and what it then writes and gives to its
//! processes.
//!
//! [`stories`] says what happens; the answers are those of the core that runs in production, driven by [`node`] as the
//! runtime drives it. What the peer writes is laid out by the second layout of this crate.

mod calls;
mod capabilities;
mod fragments;
mod frames;
mod globals;
mod names;
mod node;
mod places;
mod stories;
mod story;
mod terms;
mod version_1;

use serde_json::Value;

pub(super) fn file() -> Value {
    let about = "A node of version 2 in a session, step by step. Its peer speaks version 2, or version 1.";
    super::file("sessions", about, stories::all())
}
