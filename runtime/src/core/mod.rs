//! The protocol, pure: state machines that are lent bytes, told the time, and lent the process table.
//!
//! No clock, socket, task, lock or random source is used here. Whoever drives a machine hands it what it needs:
//! payloads that were cut off the stream, the time since an origin of the driver's choosing, random bytes, and
//! [`Processes`], through which signals come out. Everything that frames can change is `Clone + Eq + Hash`, so
//! that the code that runs is the code that is model-checked.
//!
//! Whoever embeds it begins with [`Host`], whose [module](host) says what to call when, and goes on to [`Endpoint`] and
//! [`Connection`] where a lock for each connection is wanted. [`connection`] has the states, the deadlines and the endings.

mod addresses;
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
