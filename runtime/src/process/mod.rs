//! Processes: the process table, mailboxes, links and monitors within a node, names.
//!
//! Links and monitors that cross nodes live in the sessions ([`remote`] is the seam); a process only keeps the list of
//! sessions that must be told of its end. Each process is a task, and each ends in its own.

mod call;
mod calling;
mod cell;
mod cells;
mod charge;
mod context;
mod delegate;
mod delivery;
mod ending;
mod error;
mod failures;
pub(crate) mod functions;
pub(crate) mod groups;
#[cfg(test)]
#[cfg(not(shuttle))]
mod hoarding;
mod looking;
mod mailbox;
mod message;
pub(crate) mod remote;
#[cfg(all(test, shuttle))]
mod schedules;
mod selection;
mod shares;
mod small;
mod spawning;
pub(crate) mod table;
mod task;
pub(crate) mod term;
mod timers;

pub use call::{Call, Replier};
pub use context::Context;
pub use delegate::Delegate;
pub(crate) use delivery::Delivery;
pub use error::{
    CallError, MonitorNamedError, MonitorNodeError, NotHere, Refused, RegisterError, RegisterFunctionError,
    ReplyError, SendError, SpawnError, SpawnOnError,
};
pub use failures::EndCounts;
pub(crate) use failures::{Lost, shown};
pub use functions::Allowed;
pub use groups::{GroupChanges, Groups, GroupsError, JoinError};
pub use looking::{ProcessInfo, ProcessStats};
pub use mailbox::{Mailbox, WhenFull};
pub use message::{Message, MonitorRef, Payload, Received};
pub use selection::Selection;
pub(crate) use shares::Owner;
pub use table::Left;
pub use timers::Timer;
