//! The paths.

use anyhow::Result;
use clap::ValueEnum;

use crate::{codec, engine, node};

/// A hot path of the codec, of the core of two nodes whose streams are buffers, or of a node on tokio.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Path {
    /// A frame is read: half of them SEND of 64 bytes, a fifth LINK, the rest exits.
    Decode,
    /// The same is written.
    Encode,
    /// A message of 64 bytes goes to the other node, and nothing else with it.
    Send,
    /// The same, of a hundred at once.
    SendMany,
    /// A link is made and ended.
    Link,
    /// A monitor is made and ended.
    Monitor,
    /// A link is made, and its process ends.
    Exit,
    /// A call and its reply.
    Call,
    /// A message of 64 bytes is sent and received within a node.
    Deliver,
    /// A process is started and ends.
    Spawn,
    /// A linked process is started, ends, and the other is told.
    LocalExit,
}

impl Path {
    /// Its name on the command line and among the figures.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Encode => "encode",
            Self::Send => "send",
            Self::SendMany => "send-many",
            Self::Link => "link",
            Self::Monitor => "monitor",
            Self::Exit => "exit",
            Self::Call => "call",
            Self::Deliver => "deliver",
            Self::Spawn => "spawn",
            Self::LocalExit => "local-exit",
        }
    }

    /// The times of a short run.
    pub(crate) const fn times(self) -> usize {
        match self {
            Self::Decode | Self::Encode => 20_000,
            _ => 2_000,
        }
    }

    pub(crate) fn go(self, times: usize) -> Result<()> {
        match self {
            Self::Decode => codec::decode(times),
            Self::Encode => codec::encode(times),
            Self::Send => engine::send(times, 1),
            Self::SendMany => engine::send(times, 100),
            Self::Link => engine::link(times),
            Self::Monitor => engine::monitor(times),
            Self::Exit => engine::exit(times),
            Self::Call => engine::call(times),
            Self::Deliver => node::deliver(times),
            Self::Spawn => node::spawn(times),
            Self::LocalExit => node::exit(times),
        }
    }
}
