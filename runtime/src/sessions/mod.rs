//! The sessions of a node, as its processes and its connections share them: the core's endpoint and each of its connections
//! under a lock of its own. Bytes, streams and TLS are not known here: [`net`](crate::net) moves them.

mod denied;
mod registry;
mod routes;
mod session;

pub(crate) use registry::Registry;
pub(crate) use session::{Refill, SessionHandle};
