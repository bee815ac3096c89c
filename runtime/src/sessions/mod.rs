//! The sessions of a node, as its processes and its connections share them: the core's endpoint and each of its
//! connections, each with its own lock. This module knows no bytes, streams or TLS; [`net`](crate::net) moves
//! them.

mod denied;
mod registry;
mod routes;
mod session;

pub(crate) use registry::Registry;
pub(crate) use session::{Refill, SessionHandle};
