//! The protocol without I/O ("sans I/O"): state machines for endpoints, connections, sessions and groups.
//!
//! Nothing here uses a clock, a socket, a task, a lock or a random source. The driver of a machine passes everything
//! in: the bytes that have arrived, the time since the node was started, random bytes, and a process table
//! ([`Processes`]), to which signals are delivered. All state that frames can change is `Clone + Eq + Hash`, so the
//! model checker can check the same code that runs.
//!
//! Most embedders use [`Host`]. The [module of `Host`](host) lists the calls that a host makes, and when. A host that
//! wants one lock for each connection uses [`Endpoint`] and [`Connection`] directly. [`connection`] describes the
//! states, deadlines and endings of a connection.

mod addresses;
mod allowed;
pub mod connection;
pub mod endpoint;
pub mod epochs;
pub mod globals;
pub mod groups;
pub mod handshake;
pub mod host;
pub mod limits;
mod numbers;
mod patience;
pub mod peers;
mod pid;
mod processes;
mod reason;
pub mod session;
mod shown;
mod source;
mod spawn;
mod term;

pub use allowed::Allowed;
pub use connection::{Connection, Inbound};
pub use endpoint::{Attempts, Dial, Endpoint, NotDialled, name_to_dial};
pub use globals::{GlobalNews, Globals};
pub use groups::Groups;
pub use handshake::{Cookie, CookieError, Cookies};
pub use host::Host;
pub use numbers::{Numbering, Numbers, Start};
pub use patience::Patience;
pub use pid::{NodeNumber, Pid};
pub use processes::{Block, Caller, Processes};
#[cfg(feature = "tokio")]
pub(crate) use reason::arc_bytes;
pub use reason::{Chain, Reason};
pub use session::Session;
pub use shown::Shown;
pub use source::Source;
pub use spawn::{SpawnFailure, SpawnRequest, SpawnTie};
pub use term::{Term, TermError, TermPids};
