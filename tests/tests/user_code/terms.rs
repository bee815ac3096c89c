//! Values that are sent and read as terms: how they are written and read is code of the program.

use std::sync::Arc;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, SerializeTuple, Serializer};
use snow_dist_runtime::{Context, Node, Pid, Reason};
use snow_dist_tests::program::{
    assert_they_talk, connected, end_of, idle, message, run, seen_from, until, within,
};
use tokio::sync::oneshot;

use super::{CallsBack, watchdog};

/// A pair of pids, between which something is done when it is written.
struct Writes<'a>(Pid, &'a (dyn Fn() + Sync));

impl Serialize for Writes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pair = serializer.serialize_tuple(2)?;
        pair.serialize_element(&self.0)?;
        (self.1)();
        pair.serialize_element(&self.0)?;
        pair.end()
    }
}

/// The same when it is read.
struct Reads(Pid, Pid);

thread_local! {
    static IN_READS: std::cell::RefCell<Option<Arc<dyn Fn()>>> = const { std::cell::RefCell::new(None) };
}

impl<'de> Deserialize<'de> for Reads {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (one, Does, other) = <(Pid, Does, Pid)>::deserialize(deserializer)?;
        Ok(Self(one, other))
    }
}

struct Does;

impl<'de> Deserialize<'de> for Does {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <()>::deserialize(deserializer)?;
        if let Some(does) = IN_READS.with_borrow(Clone::clone) {
            does();
        }
        Ok(Self)
    }
}

fn in_reads(does: Option<Arc<dyn Fn()>>) {
    IN_READS.with_borrow_mut(|in_reads| *in_reads = does);
}

/// A process that takes a pair of pids.
fn takes(node: &Node) -> (Pid, oneshot::Receiver<(Pid, Pid)>) {
    snow_dist_tests::program::begin(node, async |mut ctx: Context| {
        message(&mut ctx).await.term::<(Pid, Pid)>().unwrap()
    })
}

#[tokio::test]
async fn a_value_may_use_the_node_while_it_is_written_and_read() {
    let _watchdog = watchdog();
    let (a, b) = connected().await;
    let (of_a, (of_b, taken)) = (a.spawn(idle).unwrap(), takes(&b));
    let calls_back = CallsBack::default();
    let far = seen_from(&a, &b, of_b);
    let other = b.spawn(idle).unwrap();
    calls_back.know(vec![(a.clone(), of_a), (b.clone(), other)], Vec::new());
    // Another term is written and read meanwhile, too.
    let node = a.clone();
    let in_both = calls_back.clone();
    let does = move || {
        in_both.call();
        super::poll_once(node.send_term(of_a, &(of_a, "another")));
    };
    a.send_term(far, &Writes(of_a, &does)).await.unwrap();
    let seen = seen_from(&b, &a, of_a);
    assert_eq!(within("the pair", taken).await.unwrap(), (seen, seen));

    in_reads(Some(Arc::new(does)));
    let read = run(&a, async move |mut ctx: Context| {
        ctx.send_term(ctx.pid(), &(of_a, (), of_a)).await.unwrap();
        let Reads(one, other) = message(&mut ctx).await.term().unwrap();
        (one, other)
    })
    .await;
    in_reads(None);
    assert_eq!(read, (of_a, of_a));
    calls_back.assert_finished().await;
}

#[tokio::test]
async fn a_value_that_panics_while_it_is_written_or_read_ends_its_process_alone() {
    let _watchdog = watchdog();
    let (a, b) = connected().await;
    let ((of_b, taken), of_a) = (takes(&b), a.spawn(idle).unwrap());
    let far = seen_from(&a, &b, of_b);
    for to in [far, of_a] {
        let writes = a.spawn(async move |mut ctx: Context| {
            ctx.recv().await;
            ctx.send_term(to, &Writes(to, &|| panic!("written"))).await
        });
        let writes = writes.unwrap();
        let end = tokio::spawn({
            let a = a.clone();
            async move { end_of(&a, writes).await }
        });
        tokio::task::yield_now().await;
        a.send(writes, "begin").await.unwrap();
        let reason = within("its end", end).await.unwrap();
        assert!(reason == Reason::error("panic: written") || reason == Reason::error("noproc"), "{reason}");
        until("its end", || !a.is_alive(writes)).await;
    }
    in_reads(Some(Arc::new(|| panic!("read"))));
    let reads = a.spawn(async move |mut ctx: Context| {
        ctx.send_term(ctx.pid(), &(to_self(&ctx), (), to_self(&ctx))).await.unwrap();
        drop(message(&mut ctx).await.term::<Reads>());
    });
    let reads = reads.unwrap();
    until("its end", || !a.is_alive(reads)).await;
    in_reads(None);
    // What a pid is there is known no more: it is an error in another format, and a term of its own is whole.
    assert!(snow_dist_codec::stf::to_vec(&of_a).is_err());
    a.send_term(far, &(of_a, far)).await.unwrap();
    assert_eq!(within("the pair", taken).await.unwrap(), (seen_from(&b, &a, of_a), of_b));
    assert_they_talk(&a, &b).await;
}

fn to_self(ctx: &Context) -> Pid {
    ctx.pid()
}
