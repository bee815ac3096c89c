//! Typed servers: processes with a message type, calls with a known reply type, and a loop over both.
//!
//! The message type is a serde type, mostly an enum. A variant that contains a [`Reply`] is a call, and the type
//! parameter of the `Reply` is the type of the value that the caller gets. Any other variant is a message. An
//! [`Address`] is the pid of a process together with its message type. It has methods to send and to call, and can be
//! part of a message like a pid.
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
//!             // An error is ignored: the caller may have given up in the meantime.
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
//! To find a process by its name, ask for its pid first: `ctx.whereis_on("store",
//! node).await?.map(Address::<Ask>::of)`. Unlike a call, the lookup has no time limit of its own. It waits until the
//! node answers or the session ends. If the peer is silent, the heartbeat ends the session, by default after 75 s. For
//! a shorter wait use `tokio::time::timeout`.
//!
//! # Changing the message type
//! Before nodes of different versions of a program run together, read the table of changes in
//! [`stf`], "Changing types". The name of the enum is part of each message, so a renamed enum needs
//! `#[serde(rename = "Old")]`.
//!
//! # A loop over `recv`
//! [`serve`] receives with [`Context::recv`], decodes with [`Received::read`] and calls the server. A process with
//! other needs, such as waiting for one message before all others, can write its own loop with the same two calls. A
//! process can also receive with any method of [`Context`] before and after [`serve`], and in [`Server::handle`].
//! This is a server as a child of a supervisor:
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
//!     // Code here runs when `serve` has returned, but not after a panic, a kill, or an exit signal that ends the
//!     // process. Code that must always run belongs in a `Drop`.
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

/// The state and the behaviour of a process that handles one typed message after the other.
pub trait Server: Send {
    /// The type of the messages and calls that the server accepts, mostly an enum.
    type Message: DeserializeOwned + Send;

    /// Handles a message or a call. If this method returns `Continue`, the server receives the next item. If it
    /// returns `Break`, [`serve`] returns that reason.
    ///
    /// The server receives nothing else until the future is ready. A call is answered through its [`Reply`], now or
    /// later, and from any task. A server whose answer depends on something slow should keep the [`Reply`] and
    /// return, or move it to another task or process that waits.
    fn handle(
        &mut self,
        ctx: &mut Context,
        message: Self::Message,
    ) -> impl Future<Output = ControlFlow<Reason>> + Send;

    /// Handles everything that is not a message or call of the type [`Message`](Self::Message): exit signals, ends of
    /// monitored processes, beginnings and ends of sessions with watched nodes, lost global names, and messages that
    /// cannot be decoded.
    ///
    /// The default implementation calls [`Unread::by_default`]. An implementation should do the same for all items
    /// that it does not handle itself.
    fn other(
        &mut self,
        ctx: &mut Context,
        unread: Unread,
    ) -> impl Future<Output = ControlFlow<Reason>> + Send {
        ready(unread.by_default(ctx))
    }
}

/// Runs a server: receives items and passes each one to [`Server::handle`] or [`Server::other`], until one of these
/// returns `Break`. Returns the reason in the `Break`.
///
/// An exit signal that the process receives has its place in the mailbox like a message: messages and calls that came
/// before it are handled first. When this function then returns and the process ends, calls whose [`Reply`] the
/// server still keeps fail with [`CallError::Ended`](crate::CallError::Ended) and the reason of the end. To send
/// these replies first, override [`Server::other`]: keep the reason of the signal, return `Continue`, and return
/// `Break` with the reason after the last reply.
///
/// If the future is dropped between two messages, nothing is lost. If it is dropped while a message is handled,
/// that message is lost.
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

/// Starts a process that runs the server by [`serve`], and returns its address. The process ends with the reason that
/// `serve` returns.
///
/// # Errors
/// Returns [`SpawnError`] if no more processes can be started, for example because the node is shutting down.
pub fn start<S: Server + 'static>(node: &Node, mut server: S) -> Result<Address<S::Message>, SpawnError> {
    let pid = node.spawn(async move |mut ctx: Context| serve(&mut ctx, &mut server).await)?;
    Ok(Address::of(pid))
}

/// An item that a process has received and that is not a message or call of the process's message type.
#[derive(Debug)]
#[non_exhaustive]
pub enum Unread {
    /// An item that is neither a message nor a call: an exit signal, the end of a monitored process, the beginning or
    /// end of a session with a watched node, or the loss of a global name.
    Signal(Received),
    /// A message or call that cannot be decoded as the message type. The error contains the position at which decoding
    /// failed.
    ///
    /// A call can still be answered, or decoded as another type. When it is dropped, its caller immediately receives
    /// [`CallError::Unanswered`](crate::CallError::Unanswered).
    Unreadable(Received, stf::Error),
}

impl Unread {
    /// Handles the item in the default way:
    /// - An exit signal with a reason other than Normal ends the server with that reason. The only such reason that
    ///   reaches a process that does not trap exits is Shutdown, by which supervisors stop their children. Servers
    ///   that trap exits usually need a different behaviour.
    /// - A message that cannot be decoded is ignored and logged. If there are many, one line stands for several of
    ///   them. If it is a call, the caller receives [`CallError::Unanswered`](crate::CallError::Unanswered).
    /// - Everything else is ignored.
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
    /// Decodes a message or a call as a value of type `M`, which for a call contains a [`Reply`].
    ///
    /// If the value of a call contains no [`Reply`], the value is returned and the call is dropped: its caller
    /// receives [`CallError::Unanswered`](crate::CallError::Unanswered). If the value of a message would have to
    /// contain a [`Reply`], the message cannot be decoded.
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
    /// Returns the item as [`Unread`] if it is neither a message nor a call, or cannot be decoded as type `M`.
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
