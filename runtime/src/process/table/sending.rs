//! Sending messages to processes of this node and of others.

use std::future::Ready;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::task::coop;

use super::ProcessTable;
use crate::core::{Pid, Term};
use crate::foreign::apart;
use crate::process::cell::{Cell, NotPut, wake};
use crate::process::remote::{Denied, Later, Remote, Sender, Sent, Towards};
use crate::process::{Message, Payload, Received, Refused, SendError};
use crate::sync::Ordering;

impl ProcessTable {
    pub(crate) fn send<'p, M: Payload>(
        &'p self,
        from: Sender<'p>,
        to: Pid,
        message: M,
    ) -> impl Future<Output = Result<(), SendError>> + use<'p, M> {
        if to.is_here() {
            return Sending::here(self, from, to, move || Message::of_payload(message));
        }
        let attempt =
            move |remote: &dyn Remote, from: &Sender<'p>, to| remote.send(from, to, message.as_slice());
        Sending::there(self, from, to, attempt, Self::send_later)
    }

    pub(crate) fn send_term<'p>(
        &'p self,
        from: Sender<'p>,
        to: Pid,
        mut term: Term,
    ) -> impl Future<Output = Result<(), SendError>> + use<'p> {
        if to.is_here() {
            return Sending::here(self, from, to, move || term_here(term));
        }
        let attempt = move |remote: &dyn Remote, from: &Sender<'p>, to| remote.send_term(from, to, &mut term);
        Sending::there(self, from, to, attempt, Self::send_later)
    }

    pub(crate) async fn send_named_term(
        &self,
        from: Sender<'_>,
        name: &str,
        node: &str,
        mut term: Term,
    ) -> Result<(), SendError> {
        from.check()?;
        let node = &*self.completed(node)?;
        if node == self.node() {
            return Ok(self.send_here(from, || self.whereis_cell(name), || term_here(term)).await?);
        }
        let attempt = || self.remote()?.send_named_term(&from, node, name, &mut term);
        self.sent(self.taken(from, Towards::Node(node), attempt).await?).await
    }

    pub(crate) async fn send_named(
        &self,
        from: Sender<'_>,
        name: &str,
        node: &str,
        message: impl Payload,
    ) -> Result<(), SendError> {
        from.check()?;
        let node = &*self.completed(node)?;
        if node == self.node() {
            return Ok(self
                .send_here(from, || self.whereis_cell(name), || Message::of_payload(message))
                .await?);
        }
        let attempt = || self.remote()?.send_named(&from, node, name, message.as_slice());
        self.sent(self.taken(from, Towards::Node(node), attempt).await?).await
    }
}

/// The sending of a message to a process of this node, or of another one.
enum Sending<'p, M, A, G, F> {
    Here(Here<'p, M>),
    There(There<'p, A, G, F>),
}

/// The sending of a message to a process of this node, as most messages are sent. It is written by hand: an async
/// function copies what it captures once more, in other pieces than it was written in, and the processor then waits
/// for its own writes.
struct Here<'p, M> {
    table: &'p ProcessTable,
    from: Sender<'p>,
    to: Pid,
    /// The message, until it is put into the mailbox, or has to wait for room there.
    message: Option<M>,
    room: Option<Later<'p, Result<(), Refused>>>,
}

/// The sending of a message to a process of another node, as most messages are sent: a session takes it at once. Written
/// by hand for the same reason.
struct There<'p, A, G, F> {
    table: &'p ProcessTable,
    from: Sender<'p>,
    to: Pid,
    /// Passes the message to a session, until one has taken it, or the sender has to wait.
    attempt: Option<A>,
    /// Makes of an attempt and its first outcome what is left to do.
    go_on: G,
    /// What is left to do. It is boxed, since few senders have it.
    later: Option<Pin<Box<F>>>,
}

impl<'p, M, A, G, F> Sending<'p, M, A, G, F> {
    const fn here(table: &'p ProcessTable, from: Sender<'p>, to: Pid, message: M) -> Self {
        Self::Here(Here { table, from, to, message: Some(message), room: None })
    }

    const fn there(table: &'p ProcessTable, from: Sender<'p>, to: Pid, attempt: A, go_on: G) -> Self {
        Self::There(There { table, from, to, attempt: Some(attempt), go_on, later: None })
    }
}

/// Only what is in boxes is pinned.
impl<M, A, G, F> Unpin for Sending<'_, M, A, G, F> {}

impl<'p, M, A, G, F> Future for Sending<'p, M, A, G, F>
where
    M: FnOnce() -> Message,
    A: FnMut(&dyn Remote, &Sender<'p>, Pid) -> Result<Sent, Denied>,
    G: Fn(&'p ProcessTable, Sender<'p>, Pid, A, Result<Sent, Denied>) -> F,
    F: Future<Output = Result<(), SendError>>,
{
    type Output = Result<(), SendError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Here(here) => here.poll(cx).map(|sent| Ok(sent?)),
            Self::There(there) => there.poll(cx),
        }
    }
}

impl<'p, A, G, F> There<'p, A, G, F>
where
    A: FnMut(&dyn Remote, &Sender<'p>, Pid) -> Result<Sent, Denied>,
    G: Fn(&'p ProcessTable, Sender<'p>, Pid, A, Result<Sent, Denied>) -> F,
    F: Future<Output = Result<(), SendError>>,
{
    #[inline]
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let Self { table, from, to, attempt, .. } = self;
        if let Some(attempt) = attempt {
            from.check()?;
            // See `send_here`.
            ready!(coop::poll_proceed(cx)).made_progress();
            let outcome = table.remote().and_then(|remote| attempt(remote, from, *to));
            let attempt = self.attempt.take();
            if matches!(outcome, Ok(Sent::GoOn)) {
                return Poll::Ready(Ok(()));
            }
            let go_on = |attempt| Box::pin((self.go_on)(self.table, self.from, self.to, attempt, outcome));
            self.later = attempt.map(go_on);
        }
        // Nobody polls it after its end.
        self.later.as_mut().map_or(Poll::Pending, |later| later.as_mut().poll(cx))
    }
}

impl<M: FnOnce() -> Message> Here<'_, M> {
    #[inline]
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        if self.message.is_some() {
            self.from.check()?;
            // See `send_here`.
            ready!(coop::poll_proceed(cx)).made_progress();
        }
        if let Some(message) = self.message.take() {
            self.room = self.table.post(&self.from, self.to, message)?;
            if self.room.is_none() {
                return Poll::Ready(Ok(()));
            }
        }
        // Nobody polls it after its end. After a panic of the payload there is nothing left to send.
        self.room.as_mut().map_or(Poll::Pending, |room| room.as_mut().poll(cx))
    }
}

/// Processes of this node.
impl ProcessTable {
    /// Sends a message to a process of this node, if there is one. Waits if its mailbox is full.
    pub(crate) async fn send_here(
        &self,
        from: Sender<'_>,
        find: impl FnOnce() -> Option<Arc<Cell>>,
        message: impl FnOnce() -> Message,
    ) -> Result<(), Refused> {
        from.check()?;
        // A process that only sends never waits for a mailbox with room, and must not keep its thread from others. The
        // budget is consumed before the message is sent, so that a sender that is dropped here has not sent it, and
        // before a name is resolved, which may move while others run.
        coop::consume_budget().await;
        match find() {
            Some(cell) => cell.put(from, Received::Message(message())).await,
            None => Ok(()),
        }
    }

    /// Sends a message to a process of this node at once, if there is one, or returns the future that does so when
    /// there is room.
    #[inline]
    fn post<'p>(
        &self,
        from: &Sender<'p>,
        to: Pid,
        message: impl FnOnce() -> Message,
    ) -> Result<Option<Later<'p, Result<(), Refused>>>, Refused> {
        // This is the program's code, so it runs before anything is borrowed.
        let message = Received::Message(message());
        let Some(cell) = from.find(self, to) else { return Ok(None) };
        let put = cell.put_here(from, message);
        drop(cell);
        match put {
            Ok(waker) => {
                wake(waker);
                Ok(None)
            }
            Err(NotPut::Ended) => Err(Refused::Ended),
            Err(NotPut::Full(full)) => {
                let (from, (cell, message)) = (*from, *full);
                Ok(Some(Box::pin(async move { cell.put_waiting(from, message).await })))
            }
        }
    }
}

/// Waiting for sessions.
impl ProcessTable {
    /// Goes on with an attempt whose first outcome is known.
    async fn send_later<'p, A>(
        &'p self,
        from: Sender<'p>,
        to: Pid,
        mut attempt: A,
        outcome: Result<Sent, Denied>,
    ) -> Result<(), SendError>
    where
        A: FnMut(&dyn Remote, &Sender<'p>, Pid) -> Result<Sent, Denied>,
    {
        let sent = match outcome {
            Ok(sent) => Some(sent),
            Err(denied) => {
                let attempt = || attempt(self.remote()?, &from, to);
                self.repeated(denied, from, Towards::Process(to), attempt).await?
            }
        };
        self.sent(sent).await
    }

    /// Ends a send: the message was taken, or is dropped because there is no session.
    async fn sent(&self, sent: Option<Sent>) -> Result<(), SendError> {
        match sent {
            Some(Sent::GoOn) => {}
            Some(Sent::MakeWay) => tokio::task::yield_now().await,
            None => {
                //= spec/session.md#ses-off-001
                //# A node MUST drop a message of its process to a pid that has no session, or to a name on a
                //# node without a session.
                self.unsent.fetch_add(1, Ordering::Relaxed);
                // A process that only sends to a lost node never waits, and must not keep its thread from others.
                coop::consume_budget().await;
            }
        }
        Ok(())
    }

    /// Makes an attempt at once, when this is called, and repeats it when the outcome is awaited until a session accepts
    /// it. The outcome is `None` if there is no session. If the node dials when needed, a dial is made first.
    pub(super) fn taken<'t, T: 't>(
        &'t self,
        from: Sender<'t>,
        towards: Towards<'t>,
        mut attempt: impl FnMut() -> Result<T, Denied> + 't,
    ) -> Taken<T, impl Future<Output = Result<Option<T>, Refused>>> {
        match attempt() {
            Ok(taken) => Taken::Now(std::future::ready(taken)),
            Err(denied) => Taken::Later(Box::pin(self.repeated(denied, from, towards, attempt))),
        }
    }

    /// Makes an attempt as [`taken`](Self::taken) does, where nothing has to be kept of one that was accepted at once: what
    /// is awaited is a pointer.
    pub(super) fn attempted<'t>(
        &'t self,
        from: Sender<'t>,
        towards: Towards<'t>,
        mut attempt: impl FnMut() -> Result<(), Denied> + 't,
    ) -> Attempted<impl Future<Output = Result<Option<()>, Refused>>> {
        let denied = attempt().err();
        Attempted(denied.map(|denied| Box::pin(self.repeated(denied, from, towards, attempt))))
    }

    /// Repeats an attempt whose first outcome is `denied`.
    async fn repeated<T>(
        &self,
        mut denied: Denied,
        from: Sender<'_>,
        towards: Towards<'_>,
        mut attempt: impl FnMut() -> Result<T, Denied>,
    ) -> Result<Option<T>, Refused> {
        let (mut has_dialled, mut turn) = (false, None);
        loop {
            match denied {
                Denied::Refused(refused) => return Err(*refused),
                Denied::Full(room) => apart(Box::pin(room.wait(&mut turn))).await,
                Denied::NotConnected if has_dialled || !from.dials() => return Ok(None),
                Denied::NotConnected => {
                    turn = None;
                    let dial = self.connections().and_then(|connections| connections.reach(towards));
                    let Some(dial) = dial else { return Ok(None) };
                    apart(dial).await;
                    has_dialled = true;
                }
            }
            denied = match attempt() {
                Ok(taken) => return Ok(Some(taken)),
                Err(denied) => denied,
            };
        }
    }
}

/// The outcome of an attempt. Whoever sends or links has this in its own future, so what is needed only by those who
/// wait is boxed.
#[must_use = "an attempt that has to wait goes on when it is awaited"]
pub(super) enum Taken<T, F> {
    Now(Ready<T>),
    Later(Pin<Box<F>>),
}

/// Only what is in the box is pinned.
impl<T, F> Unpin for Taken<T, F> {}

impl<T, F: Future<Output = Result<Option<T>, Refused>>> Future for Taken<T, F> {
    type Output = Result<Option<T>, Refused>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Now(taken) => Pin::new(taken).poll(cx).map(|taken| Ok(Some(taken))),
            Self::Later(later) => later.as_mut().poll(cx),
        }
    }
}

/// The outcome of an attempt of which nothing is kept once it was accepted: what is left to be awaited, if anything.
#[must_use = "an attempt that has to wait goes on when it is awaited"]
pub(super) struct Attempted<F>(Option<Pin<Box<F>>>);

impl<F: Future<Output = Result<Option<()>, Refused>>> Future for Attempted<F> {
    type Output = Result<Option<()>, Refused>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.get_mut().0 {
            None => Poll::Ready(Ok(Some(()))),
            Some(later) => later.as_mut().poll(cx),
        }
    }
}

pub(super) fn term_here(term: Term) -> Message {
    let (bytes, pids) = term.into_local();
    Message::short_term(&bytes, &pids).unwrap_or_else(|| Message::of_term(bytes.into(), pids))
}
