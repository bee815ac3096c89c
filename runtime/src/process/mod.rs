//! Processes of one node: the process table, mailboxes, local links and monitors, timers, and names.
//!
//! Links and monitors that cross nodes belong to the sessions ([`remote`] is the interface between the two). A
//! process keeps only the list of sessions that must learn of its end. Each process is one task, and ends inside
//! that task.

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
mod recent;
pub(crate) mod remote;
pub(crate) mod room;
#[cfg(all(test, shuttle))]
mod schedules;
mod selection;
mod shares;
#[cfg(all(test, not(shuttle), target_pointer_width = "64"))]
mod sizes;
pub(crate) mod small;
mod spawning;
mod supervision;
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
pub use groups::{GroupChanges, Groups, GroupsError, JoinError};
pub use looking::{ProcessInfo, ProcessStats};
pub use mailbox::{Mailbox, WhenFull};
pub use message::{Message, MonitorRef, Payload, Received};
pub use selection::Selection;
pub(crate) use shares::Owner;
pub(crate) use supervision::Supervision;
pub use supervision::SupervisorCounts;
pub use table::Left;
pub use timers::Timer;
