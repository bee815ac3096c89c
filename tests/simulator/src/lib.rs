//! Whole clusters of Snow DIST in virtual time, each from a seed.
//!
//! What runs is the production engine: one endpoint for each node, and one connection for each end of one. Sockets, TLS, tasks
//! and the process table are played, as the engine's documentation asks of a host. Faults are always on. A reference
//! that knows nothing of the engine says what each frame and each end must bring ([`Violation`] is what it says otherwise).
//!
//! ```
//! let outcome = snow_dist_simulator::run(7, None);
//! assert_eq!(outcome.violation, None);
//! assert_eq!(outcome, snow_dist_simulator::run(7, None));
//! ```

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "numbers of nodes, processes and messages of one run are small, and index what is made in order"
)]

mod cluster;
mod coverage;
mod faults;
mod oracle;
mod plan;
mod processes;
mod random;
mod run;
mod script;
mod shrink;
mod trace;
mod wire;

pub use coverage::Coverage;
pub use oracle::Violation;
pub use plan::{MESH_MAX, NODES_MAX, NODES_MIN};
pub use run::{Found, Outcome, Shape, first_violation, replay, run};
