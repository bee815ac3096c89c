//! Processes: futures that have a number, a mailbox, links and monitors.
//!
//! A link or monitor between processes of this node is kept in their cells; one that crosses to another node is kept
//! by the session, and the cell knows only that the session is interested. Lock order: a session, then a cell.

mod cell;
mod context;
mod inbound;
mod mailbox;
mod message;
mod spawn;
mod table;
mod task;

pub(crate) use cell::{Cell, Interested};
pub(crate) use inbound::Inbound;
pub(crate) use spawn::spawn;
pub(crate) use table::Table;

pub use context::Context;
pub use mailbox::{MailboxBound, MailboxPolicy};
pub use message::{Message, MonitorRef, Payload, Received};
pub use spawn::Spawn;
pub use table::{Exhausted, NameTaken};
