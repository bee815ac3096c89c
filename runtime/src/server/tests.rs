use std::collections::BTreeMap;
use std::ops::ControlFlow::{Break, Continue};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::*;
use crate::{CallError, Pid, ReplyError};

const LONGEST: Duration = Duration::from_secs(60);

#[derive(Debug, Serialize, Deserialize)]
enum Ask {
    Put {
        key: String,
        value: u64,
    },
    Get(String, Reply<Option<u64>>),
    Keys {
        reply: Reply<Vec<String>>,
    },
    /// Replied to when the next one comes.
    Later(Reply<u64>),
    Tick,
    Introduce(Address<Self>, Reply<Option<u64>>),
    Stop,
}

#[derive(Default)]
struct Store {
    values: BTreeMap<String, u64>,
    ticks: u64,
    later: Option<Reply<u64>>,
}

impl Server for Store {
    type Message = Ask;

    async fn handle(&mut self, ctx: &mut Context, ask: Ask) -> ControlFlow<Reason> {
        match ask {
            Ask::Put { key, value } => drop(self.values.insert(key, value)),
            Ask::Get(key, reply) => reply.send(&self.values.get(&key).copied()).await.unwrap(),
            Ask::Keys { reply } => reply.send(&self.values.keys().cloned().collect()).await.unwrap(),
            Ask::Later(reply) => {
                if let Some(before) = self.later.replace(reply) {
                    before.send(&self.ticks).await.unwrap();
                }
            }
            Ask::Tick => self.ticks += 1,
            Ask::Introduce(other, reply) => {
                let got = other.call(&mut *ctx, |reply| Ask::Get("a".into(), reply), LONGEST).await;
                reply.send(&got.unwrap()).await.unwrap();
            }
            Ask::Stop => return Break(Reason::error("stopped")),
        }
        Continue(())
    }
}

fn node() -> Node {
    Node::alone(tokio::runtime::Handle::current())
}

/// Waits for the end of a process.
async fn end_of(node: &Node, pid: Pid) -> Reason {
    let (tell, told) = oneshot::channel();
    node.spawn(async move |mut ctx: Context| {
        ctx.monitor(pid).await.unwrap();
        if let Received::Down { reason, .. } = ctx.recv().await {
            let _ = tell.send(reason);
        }
    })
    .unwrap();
    told.await.unwrap()
}

#[tokio::test]
async fn a_call_has_a_reply_of_its_own_type() {
    let node = node();
    let (store, other) = (start(&node, Store::default()).unwrap(), start(&node, Store::default()).unwrap());
    other.send(&node, &Ask::Put { key: "a".into(), value: 7 }).await.unwrap();
    assert_eq!(store.call(&node, |reply| Ask::Get("a".into(), reply), LONGEST).await, Ok(None));
    assert_eq!(other.call(&node, |reply| Ask::Keys { reply }, LONGEST).await, Ok(vec!["a".to_owned()]));
    // An address goes along in a message, and its reader calls by it.
    assert_eq!(store.call(&node, |reply| Ask::Introduce(other, reply), LONGEST).await, Ok(Some(7)));
    // Programs without these types ask by the same terms.
    let untyped = node.call::<Option<u64>>(other.pid(), &Untyped::Get("a", ()), LONGEST).await;
    assert_eq!(untyped, Ok(Some(7)));
    let asked = tokio::join!(
        store.call(&node, Ask::Later, LONGEST),
        store.call(&node, Ask::Later, LONGEST),
        store.send(&node, &Ask::Stop)
    );
    assert_eq!((asked.0, asked.2), (Ok(0), Ok(())));
    assert_eq!(asked.1, Err(CallError::Ended(Reason::error("stopped"))));
}

/// What is written alike.
#[derive(Serialize)]
#[serde(rename = "Ask")]
enum Untyped<'a> {
    #[expect(dead_code, reason = "its place is taken")]
    Put(()),
    Get(&'a str, ()),
}

#[tokio::test(start_paused = true)]
async fn timers_have_types_too() {
    let node = node();
    let store = start(&node, Store::default()).unwrap();
    let (tell, told) = oneshot::channel();
    node.spawn(async move |ctx: Context| {
        let every = store.send_every(&ctx, Duration::from_secs(1), &Ask::Tick).unwrap();
        let late = store.send_after(&ctx, Duration::from_millis(4_500), &Ask::Stop).unwrap();
        tokio::time::sleep(Duration::from_millis(3_500)).await;
        assert!(every.cancel() && late.cancel());
        let first = store.call(&ctx, Ask::Later, Duration::from_secs(1));
        assert_eq!(first.await, Err(CallError::TimedOut));
        let own = Address::<u64>::of(ctx.pid());
        own.send(&ctx, &7).await.unwrap();
        let _ = tell.send(ctx);
    })
    .unwrap();
    let _ctx = told.await.unwrap();
    assert_eq!(store.call(&node, Ask::Later, Duration::ZERO).await, Err(CallError::TimedOut));
}

#[tokio::test]
async fn what_cannot_be_read_is_passed_over_and_its_caller_is_told() {
    let node = node();
    let store = start(&node, Store::default()).unwrap();
    node.send(store.pid(), "no term").await.unwrap();
    node.send_term(store.pid(), &"no variant").await.unwrap();
    // A message with the place of a reply has nobody who waits for it.
    node.send_term(store.pid(), &Untyped::Get("a", ())).await.unwrap();
    for unreadable in ["no variant", "Tick"] {
        let reply = node.call::<()>(store.pid(), &unreadable, LONGEST).await;
        assert_eq!(reply, Err(CallError::Unanswered));
    }
    // Nor has a call one who would reply, if it has no place for that.
    assert_eq!(store.call(&node, |_: Reply<()>| Ask::Tick, LONGEST).await, Err(CallError::Unanswered));
    assert_eq!(store.call(&node, |reply| Ask::Get("a".into(), reply), LONGEST).await, Ok(None));
}

#[tokio::test]
async fn an_exit_signal_ends_a_server_unless_its_reason_is_normal() {
    let node = node();
    let store = start(&node, Store::default()).unwrap();
    for reason in [Reason::Normal, Reason::Shutdown] {
        node.spawn(async move |ctx: Context| ctx.send_exit(store.pid(), reason).await).unwrap();
    }
    let reason = end_of(&node, store.pid()).await;
    assert!(reason == Reason::Shutdown || reason == Reason::noproc(), "{reason}");
}

/// Tells what it receives beside its messages, and replies to calls of another type.
struct Curious(Vec<String>);

impl Server for Curious {
    type Message = Reply<Vec<String>>;

    async fn handle(&mut self, _: &mut Context, reply: Self::Message) -> ControlFlow<Reason> {
        reply.send(&self.0).await.unwrap();
        Continue(())
    }

    async fn other(&mut self, ctx: &mut Context, unread: Unread) -> ControlFlow<Reason> {
        match unread {
            Unread::Signal(Received::Down { reason, .. }) => self.0.push(reason.to_string()),
            Unread::Unreadable(Received::Call(call), _) => {
                let doubled = call.term::<u64>().map(|number| 2 * number).unwrap();
                call.reply(&doubled).await.unwrap();
            }
            Unread::Unreadable(received @ Received::Message(_), error) => {
                let again = received.read::<u64>().unwrap();
                self.0.push(format!("{again}: {error}"));
            }
            rest => return rest.by_default(ctx),
        }
        Continue(())
    }
}

#[tokio::test]
async fn a_server_takes_what_else_there_is() {
    let node = node();
    let (tell, told) = oneshot::channel();
    let pid = node
        .spawn(async move |mut ctx: Context| {
            ctx.spawn_monitor(async |_| Reason::error("down")).unwrap();
            let down = ctx.recv_where(|received| matches!(received, Received::Down { .. })).await;
            let mut curious = Curious(Vec::new());
            assert_eq!(curious.other(&mut ctx, down.read::<u64>().unwrap_err()).await, Continue(()));
            let reason = serve(&mut ctx, &mut curious).await;
            let _ = tell.send((reason, ctx.recv().await));
        })
        .unwrap();
    let curious = Address::<Reply<Vec<String>>>::of(pid);
    assert_eq!(node.call(pid, &21_u64, LONGEST).await, Ok(42));
    node.send_term(pid, &7_u64).await.unwrap();
    let seen = curious.call(&node, |reply| reply, LONGEST).await.unwrap();
    assert!(seen[0] == "error \"down\"" && seen[1].starts_with("7: "), "{seen:?}");
    // After the loop the process still receives.
    node.spawn(async move |ctx: Context| {
        ctx.send_exit(pid, Reason::Shutdown).await?;
        ctx.send(pid, "after").await
    })
    .unwrap();
    let (reason, after) = told.await.unwrap();
    assert_eq!((reason, after.into_message().unwrap().as_bytes()), (Reason::Shutdown, &b"after"[..]));
}

#[tokio::test]
async fn a_reply_that_nobody_has_asked_for_goes_nowhere() {
    assert_eq!(Reply::<u64>::asked_for().send(&1).await, Err(ReplyError::Over));
    assert!(Reply::<u64>::asked_for().into_replier().is_none());
}

/// Read in several attempts: an untagged enum tries one variant after the other.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number { reply: Reply<u64>, number: u64 },
    Text { reply: Reply<u64>, text: String },
}

#[tokio::test]
async fn an_attempt_at_reading_that_fails_takes_no_reply_away() {
    let node = node();
    let pid = node
        .spawn(async |mut ctx: Context| {
            while let Ok(asked) = ctx.recv().await.read() {
                match asked {
                    Untagged::Number { reply, number } => reply.send(&number).await.unwrap(),
                    Untagged::Text { reply, text } => reply.send(&(text.len() as u64)).await.unwrap(),
                }
            }
        })
        .unwrap();
    let asks = Address::of(pid);
    let number = asks.call(&node, |reply| Untagged::Number { reply, number: 3 }, LONGEST);
    assert_eq!(number.await, Ok(3));
    let text = asks.call(&node, |reply| Untagged::Text { reply, text: "four".into() }, LONGEST);
    assert_eq!(text.await, Ok(4));
}

#[tokio::test]
async fn a_reply_that_was_received_is_not_sent_on() {
    let node = node();
    let router = node.spawn(async |mut ctx: Context| {
        let Ok(Ask::Later(reply)) = ctx.recv().await.read() else { panic!("a call") };
        let ask = Ask::Later(reply);
        let sent = ctx.send_term(ctx.pid(), &ask).await;
        let Ask::Later(reply) = ask else { panic!("what it was") };
        reply.send(&u64::from(matches!(sent, Err(crate::SendError::Term(_))))).await.unwrap();
    });
    let router = Address::<Ask>::of(router.unwrap());
    assert_eq!(router.call(&node, Ask::Later, LONGEST).await, Ok(1));
}
