//! Selective receive that goes on where it was left.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Weak};

use super::Received;

/// A condition for messages, together with how far a process has looked for them in its mailbox.
///
/// [`Context::recv_where`](super::Context::recv_where) looks through the mailbox from its beginning each time that it is
/// called. A loop that calls it again and again, for instance in a `select!` with a timer, therefore looks at each message
/// that waits once for each turn. [`Context::recv_selected`](super::Context::recv_selected) looks at each message once for
/// each selection: it goes on behind what this selection has passed over, whether or not the last call was dropped before
/// it was ready, and whatever else the process has received meanwhile.
///
/// A condition must therefore answer the same for the same message: one that was passed over is not looked at again. It
/// stays in the mailbox, in its place, for [`Context::recv`](super::Context::recv) and for other selections.
///
/// [`new`](Self::new) begins at the front of the mailbox, and
/// [`Context::select_from_now`](super::Context::select_from_now) behind everything that is in it already. A selection
/// belongs to one process: in the mailbox of another one it begins at the front.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::time::Duration;
/// use snow_dist_runtime::{Context, Node, Received};
///
/// let node = Node::alone(tokio::runtime::Handle::current());
/// let (done, is_done) = tokio::sync::oneshot::channel();
/// node.spawn(async move |mut ctx: Context| {
///     for number in 0..1_000_u64 {
///         ctx.send(ctx.pid(), &number.to_be_bytes()).await?;
///     }
///     // None of the thousand is looked at, however often it is waited for the answer.
///     let mut answers = ctx.select_from_now(
///         |received| matches!(received, Received::Message(message) if message.as_bytes() == b"answer"),
///     );
///     let own = ctx.pid();
///     ctx.spawn(async move |ctx: Context| ctx.send(own, "answer").await)?;
///     let mut tick = tokio::time::interval(Duration::from_millis(1));
///     let answer = loop {
///         tokio::select! {
///             answer = ctx.recv_selected(&mut answers) => break answer,
///             _ = tick.tick() => println!("still waiting"),
///         }
///     };
///     done.send(answer).map_err(|_| "nobody waits")?;
///     Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
/// })?;
/// assert_eq!(is_done.await?.into_message().unwrap().as_bytes(), b"answer");
/// # Ok(())
/// # }
/// ```
pub struct Selection<F> {
    look: Look,
    wanted: F,
}

impl<F: FnMut(&Received) -> bool> Selection<F> {
    /// Selects what `wanted` says, from the front of the mailbox on.
    pub fn new(wanted: F) -> Self {
        Self { look: Look(Arc::new(())), wanted }
    }

    #[cfg(test)]
    pub(crate) fn into_look(self) -> Look {
        self.look
    }

    pub(crate) fn parts(&mut self) -> (&Look, &mut F) {
        (&self.look, &mut self.wanted)
    }
}

impl<F> fmt::Debug for Selection<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Selection").finish_non_exhaustive()
    }
}

/// Tells a selection from all others, and that it is still there.
#[derive(Debug)]
pub(crate) struct Look(Arc<()>);

/// Which places of a mailbox selections have come to, by the address of their [`Look`]: nothing else has that address while
/// it is noted here.
#[derive(Debug, Default)]
pub(crate) struct Looks(BTreeMap<usize, (Weak<()>, usize)>);

impl Looks {
    /// The place that a selection looks at next: the first one if it has not looked yet.
    pub(crate) fn place_of(&mut self, look: &Look) -> &mut usize {
        let address = Arc::as_ptr(&look.0).addr();
        if !self.0.contains_key(&address) {
            self.0.retain(|_, (whose, _)| whose.strong_count() > 0);
        }
        &mut self.0.entry(address).or_insert_with(|| (Arc::downgrade(&look.0), 0)).1
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// What was at a place is there no more: all behind it move up.
    pub(crate) fn removed(&mut self, place: usize) {
        for (_, looked_at) in self.0.values_mut() {
            *looked_at -= usize::from(*looked_at > place);
        }
    }
}
