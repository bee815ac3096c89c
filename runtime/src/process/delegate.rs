//! Acting for a process from outside of its own function.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::Context;
use crate::core::{Pid, Reason};

/// A handle that acts for a process of this node from outside of the process's function, from any thread.
/// [`Node::delegate`] returns it.
///
/// A delegate dereferences to the [`Context`] of the process, so it has all methods of [`Context`] that take `&self`:
/// it sends, links and monitors as that process. It cannot receive; only the process's own context can. If a delegate
/// and the process act at the same time, the order of their actions is not defined.
///
/// A delegate does not keep the process alive. Once the process has ended, the delegate behaves like a context that
/// has outlived its process (see [`Context`]): methods that send, link or monitor return an error.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use snow_dist_runtime::{Context, Node, Reason, Received};
///
/// let node = Node::alone(tokio::runtime::Handle::current());
/// let (tell, told) = tokio::sync::oneshot::channel();
/// let receiver = node.spawn(async |mut ctx: Context| drop(tell.send(ctx.recv().await)))?;
/// let sender = node.spawn(async |_| std::future::pending::<()>().await)?;
///
/// node.delegate(receiver).ok_or("it lives")?.trap_exit(true);
/// let delegate = node.delegate(sender).ok_or("it lives")?;
/// delegate.link(receiver).await?;
/// delegate.exit(Reason::error("told to"));
/// let Received::Exit { from, reason } = told.await? else { panic!() };
/// assert_eq!((from, reason), (sender, Reason::error("told to")));
/// # Ok(())
/// # }
/// ```
///
/// [`Node::delegate`]: crate::Node::delegate
#[derive(Clone)]
pub struct Delegate(Arc<Context>);

impl Delegate {
    pub(crate) fn new(context: Context) -> Self {
        Self(Arc::new(context))
    }

    /// Ends the process with `reason`. This method returns at once, and the process ends in its own task.
    ///
    /// If the process is already ending, this method has no effect, and the first reason stays.
    pub fn exit(&self, reason: Reason) {
        self.0.doom(reason);
    }

    /// Returns the pid of the process.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.0.pid()
    }
}

impl Deref for Delegate {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.0
    }
}

impl fmt::Debug for Delegate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Delegate").field(&self.pid()).finish()
    }
}
