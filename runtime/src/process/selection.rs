//! Selective receive that resumes where it stopped.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Weak};

use super::Received;

/// A condition for items of a mailbox, together with the position up to which the process has searched its mailbox.
///
/// [`Context::recv_where`](super::Context::recv_where) searches the mailbox from the front on every call. A loop that
/// calls it repeatedly, for example in a `select!` with a timer, therefore examines every waiting item once per
/// iteration. [`Context::recv_selected`](super::Context::recv_selected) examines each item once per selection: it
/// resumes behind the items that the selection has examined before. This also holds if the last future was dropped
/// before it was ready, or if the process has received other items in the meantime.
///
/// An item for which the condition has returned `false` is not examined again by the same selection, so the condition
/// must not change its answer for an item later. The item keeps its place in the mailbox for
/// [`Context::recv`](super::Context::recv) and for other selections.
///
/// A selection made by [`new`](Self::new) starts at the front of the mailbox; one made by
/// [`Context::select_from_now`](super::Context::select_from_now) starts behind everything that is already there. A
/// selection belongs to one process. In another process it starts at the front of the mailbox of that process.
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
///     // This does not examine the thousand messages before, even if it is called several times.
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
    /// Creates a selection that starts at the front of the mailbox. `wanted` returns `true` for the items to be
    /// received.
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

/// The identity of a selection. It also tells whether the selection still exists.
#[derive(Debug)]
pub(crate) struct Look(Arc<()>);

/// The positions that selections have reached in a mailbox, by the address of their [`Look`]. No other selection
/// can have that address while it is recorded here. Few processes have any.
#[derive(Debug, Default)]
pub(crate) struct Looks(Option<Box<Places>>);

type Places = BTreeMap<usize, (Weak<()>, usize)>;

impl Looks {
    /// Returns the position that a selection examines next: the front if it has not searched yet.
    pub(crate) fn place_of(&mut self, look: &Look) -> &mut usize {
        let address = Arc::as_ptr(&look.0).addr();
        let places = self.0.get_or_insert_default();
        if !places.contains_key(&address) {
            places.retain(|_, (whose, _)| whose.strong_count() > 0);
        }
        &mut places.entry(address).or_insert_with(|| (Arc::downgrade(&look.0), 0)).1
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |places| places.len())
    }

    /// Adjusts all positions after the item at `place` was removed.
    #[inline]
    pub(crate) fn removed(&mut self, place: usize) {
        let Some(places) = &mut self.0 else { return };
        for (_, looked_at) in places.values_mut() {
            *looked_at -= usize::from(*looked_at > place);
        }
    }
}
