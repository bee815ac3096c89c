//! Processes whose messages have a type: addresses, calls with a reply of a known type, and a loop over both.
//!
//! A serde enum says what a process takes. A variant with a [`Reply`] in it is a call, and says by that of which type the reply is; any
//! other is a message. An [`Address`] is the pid of a process that takes such an enum: it sends and calls, and goes to other processes
//! inside of their messages, as a pid does.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::collections::HashMap;
//! use std::ops::ControlFlow;
//! use std::time::Duration;
//!
//! use serde::{Deserialize, Serialize};
//! use snow_dist_runtime::server::{self, Address, Reply, Server};
//! use snow_dist_runtime::{Context, Node, Reason};
//!
//! #[derive(Serialize, Deserialize)]
//! enum Ask {
//!     Put(String, u64),
//!     Get(String, Reply<Option<u64>>),
//!     Stop,
//! }
//!
//! #[derive(Default)]
//! struct Store(HashMap<String, u64>);
//!
//! impl Server for Store {
//!     type Message = Ask;
//!
//!     async fn handle(&mut self, _: &mut Context, ask: Ask) -> ControlFlow<Reason> {
//!         match ask {
//!             Ask::Put(key, value) => drop(self.0.insert(key, value)),
//!             // Whoever has asked may have gone meanwhile, which is no concern of the store's.
//!             Ask::Get(key, reply) => drop(reply.send(&self.0.get(&key).copied()).await),
//!             Ask::Stop => return ControlFlow::Break(Reason::Normal),
//!         }
//!         ControlFlow::Continue(())
//!     }
//! }
//!
//! let node = Node::alone(tokio::runtime::Handle::current());
//! let store: Address<Ask> = server::start(&node, Store::default())?;
//! store.send(&node, &Ask::Put("apples".into(), 3)).await?;
//! let apples = store.call(&node, |reply| Ask::Get("apples".into(), reply), Duration::from_secs(5)).await?;
//! assert_eq!(apples, Some(3));
//! store.send(&node, &Ask::Stop).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Whoever knows a process by its name asks for the pid first: `ctx.whereis_on("store", node).await?.map(Address::<Ask>::of)`.
//!
//! # It is a loop over `recv`
//! [`serve`] takes what [`Context::recv`] gives, reads it by [`Received::read`] and hands it to the server. A process that wants more
//! than that, such as to wait for one thing before all others, writes its own loop with the same two calls; before and after
//! [`serve`], or in [`Server::handle`], it may receive as it likes. A supervised server is a child like any other:
//!
//! ```
//! # use std::ops::ControlFlow;
//! # use snow_dist_runtime::{Context, Reason, supervisor::Child, server::{serve, Server}};
//! # #[derive(Default)]
//! # struct Store;
//! # impl Server for Store {
//! #     type Message = ();
//! #     async fn handle(&mut self, _: &mut Context, _: ()) -> ControlFlow<Reason> { ControlFlow::Continue(()) }
//! # }
//! let child = Child::new("store", async |mut ctx: Context| {
//!     let mut store = Store::default();
//!     let reason = serve(&mut ctx, &mut store).await;
//!     // What is to be done at the end, whatever its reason.
//!     reason
//! });
//! ```

mod address;
mod reply;
#[cfg(test)]
#[cfg(not(shuttle))]
mod tests;

use std::future::{Future, ready};
use std::ops::ControlFlow;

use serde::de::DeserializeOwned;
use snow_dist_codec::stf;

pub use address::{Address, Speaker};
pub use reply::Reply;

use crate::core::Reason;
use crate::node::Node;
use crate::process::{Context, Lost, Received, SpawnError};

/// A process that handles one message after the other.
pub trait Server: Send {
    /// What it takes: mostly an enum.
    type Message: DeserializeOwned + Send;

    /// Handles a message or a call. With `Break` the process ends, for this reason.
    ///
    /// Nothing else is received meanwhile. A call is answered by its [`Reply`], now or later and from any task: a server that waits for
    /// somebody else before it can reply keeps the reply and goes on, or gives it to a process that waits in its stead.
    fn handle(
        &mut self,
        ctx: &mut Context,
        message: Self::Message,
    ) -> impl Future<Output = ControlFlow<Reason>> + Send;

    /// Handles what is not a message of this type: exit signals, ends of what is monitored, nodes that come and go, messages that cannot
    /// be read. Unless it is implemented, [`Unread::by_default`] does that; an implementation calls that for what it leaves over.
    fn other(
        &mut self,
        ctx: &mut Context,
        unread: Unread,
    ) -> impl Future<Output = ControlFlow<Reason>> + Send {
        ready(unread.by_default(ctx))
    }
}

/// Receives for a server until one of its methods breaks off; gives the reason.
///
/// If this is dropped between two messages, nothing is lost; a message that is being handled is.
pub async fn serve<S: Server>(ctx: &mut Context, server: &mut S) -> Reason {
    loop {
        let flow = match ctx.recv().await.read() {
            Ok(message) => server.handle(ctx, message).await,
            Err(unread) => server.other(ctx, unread).await,
        };
        if let ControlFlow::Break(reason) = flow {
            return reason;
        }
    }
}

/// Starts a process that [`serve`]s.
///
/// # Errors
/// Returns [`SpawnError`] if no process can be started any more.
pub fn start<S: Server + 'static>(node: &Node, mut server: S) -> Result<Address<S::Message>, SpawnError> {
    let pid = node.spawn(async move |mut ctx: Context| serve(&mut ctx, &mut server).await)?;
    Ok(Address::of(pid))
}

/// What a process has received that is no message of its type.
#[derive(Debug)]
#[non_exhaustive]
pub enum Unread {
    /// No message and no call: an exit signal, an end of what is monitored, a node that comes or goes.
    Signal(Received),
    /// A message or a call that is not of this type, and where. The caller of such a call is told at once that there is no reply
    /// ([`CallError::Unanswered`](crate::CallError::Unanswered)) when it is dropped; until then it can be replied to, or read as another
    /// type.
    Unreadable(Received, stf::Error),
}

impl Unread {
    /// Does what is done with it unless a server does something else:
    /// - an exit signal whose reason is not Normal ends the server with that reason. Of a process that does not trap exits, this is
    ///   Shutdown, by which supervisors stop their children; whoever traps exits mostly wants something else.
    /// - what cannot be read is passed over, and the log tells of it, in sums when there is much. A caller is told that there is no reply.
    /// - all else is passed over.
    pub fn by_default(self, ctx: &Context) -> ControlFlow<Reason> {
        match self {
            Self::Signal(Received::Exit { reason, .. }) if reason != Reason::Normal => {
                ControlFlow::Break(reason)
            }
            Self::Signal(_) => ControlFlow::Continue(()),
            Self::Unreadable(received, error) => {
                drop(received);
                ctx.tell_of_lost(&error, Lost::Unread);
                ControlFlow::Continue(())
            }
        }
    }
}

impl Received {
    /// Reads a message or a call as a value of this type, which for a call has a [`Reply`] in it.
    ///
    /// A call without a [`Reply`] in its value is let go: its caller is told that there is no reply. A message whose value needs one is
    /// unreadable.
    ///
    /// ```
    /// # use serde::{Deserialize, Serialize};
    /// # use snow_dist_runtime::server::{Reply, Unread};
    /// # use snow_dist_runtime::{Context, Received, ReplyError};
    /// #[derive(Serialize, Deserialize)]
    /// enum Ask {
    ///     Length(String, Reply<usize>),
    /// }
    ///
    /// async fn measures(mut ctx: Context) -> Result<(), ReplyError> {
    ///     loop {
    ///         match ctx.recv().await.read() {
    ///             Ok(Ask::Length(text, reply)) => reply.send(&text.len()).await?,
    ///             Err(Unread::Signal(Received::Exit { .. })) => return Ok(()),
    ///             Err(_) => {}
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// Gives it back if it is something else, or cannot be read.
    pub fn read<M: DeserializeOwned>(self) -> Result<M, Unread> {
        match self {
            Self::Message(message) => match message.term() {
                Ok(value) => Ok(value),
                Err(error) => Err(Unread::Unreadable(Self::Message(message), error)),
            },
            Self::Call(call) => {
                reply::read(call).map_err(|(call, error)| Unread::Unreadable(Self::Call(call), error))
            }
            signal => Err(Unread::Signal(signal)),
        }
    }
}
