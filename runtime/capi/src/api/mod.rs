//! The functions of the interface, in the order of the header.
//!
//! # Safety
//! The same rules hold for all functions. Each pointer must be null, or point to as many values as the call says, and
//! nothing may change these values during the call. A text must end with a zero byte. The library keeps no pointer
//! after the call.

#![allow(unsafe_code, reason = "C calls these functions, and gives them pointers")]
#![allow(clippy::missing_safety_doc, reason = "it is said above for all")]

mod builder;
mod error;
mod node;
mod process;
mod queue;
mod term;

pub use builder::*;
pub use error::*;
pub use node::*;
pub use process::*;
pub use queue::*;
pub use term::*;

use std::sync::Arc;

use crate::builder::{BUILDERS, Builder};
use crate::failure::Outcome;
use crate::node::{NODES, Running};
use crate::process::{PROCESSES, Process};
use crate::queue::{QUEUES, Queue};
use crate::types::{snow_builder, snow_node, snow_process, snow_queue};

impl snow_builder {
    fn get(self) -> Outcome<Arc<Builder>> {
        BUILDERS.get(self.id)
    }
}

impl snow_node {
    fn get(self) -> Outcome<Arc<Running>> {
        NODES.get(self.id)
    }
}

impl snow_queue {
    fn get(self) -> Outcome<Arc<Queue>> {
        QUEUES.get(self.id)
    }
}

impl snow_process {
    fn get(self) -> Outcome<Arc<Process>> {
        PROCESSES.get(self.id)
    }
}
