//! Calls and monitors by name: within a node and from node to node, which must be the same.

use std::time::Duration;

use snow_dist_runtime::core::limits::MONITORED_NAME_BYTES_MAX;
use snow_dist_runtime::{
    Call, CallError, Capabilities, Context, Mailbox, MonitorNamedError, Node, Pid, Reason, Received, Refused,
    Replier, ReplyError,
};
use snow_dist_tests::program::{
    begin, connect, connected, node, received, run, seen_from, start, until, within,
};

/// Longer than any test lasts.
const LONG: Duration = Duration::from_secs(600);

async fn call(ctx: &mut Context) -> Call {
    match received(ctx).await {
        Received::Call(call) => call,
        other => panic!("no call: {other:?}"),
    }
}

/// Doubles numbers, until it is told 0: then it ends with an error.
async fn doubler(mut ctx: Context) -> Reason {
    ctx.register("doubler").unwrap();
    loop {
        let call = call(&mut ctx).await;
        match call.term::<i64>() {
            Ok(0) => return Reason::error("told 0"),
            Ok(number) => call.reply(&(2 * number)).await.unwrap(),
            Err(_) => {}
        }
    }
}

/// Has one call in its hands and has given another away when it panics; more may be in its mailbox.
async fn panics(mut ctx: Context) {
    let [_in_hand, given] = [call(&mut ctx).await, call(&mut ctx).await];
    ctx.spawn(async move |_| {
        let _given: Replier = given.into_replier();
        std::future::pending::<()>().await;
    })
    .unwrap();
    let _last = ctx.recv().await;
    panic!("in the middle");
}

async fn lets_go_and_ends(mut ctx: Context) {
    drop(call(&mut ctx).await);
    ctx.exit(Reason::error("bad")).await
}

/// Replies with texts the other way round.
async fn reverses(mut ctx: Context) {
    while let Received::Call(call) = ctx.recv().await {
        let text: String = call.term().unwrap();
        call.reply(&text.chars().rev().collect::<String>()).await.unwrap();
    }
}

/// A node, and one that calls processes of it: the node itself, or another.
async fn both_ways() -> [(Node, Node); 2] {
    let alone = node("alone").await;
    [(alone.clone(), alone), connected().await]
}

fn seen(caller: &Node, of: &Node, pid: Pid) -> Pid {
    if caller.name() == of.name() { pid } else { seen_from(caller, of, pid) }
}

//= spec/capabilities.md#cap-cal-002
//# When its process calls a process or a name of the peer, a node MUST write one CALL or CALL_NAME, unless
//# CAP-CAL-004 forbids it.
//= spec/capabilities.md#cap-cal-006
//# A node MUST treat a CALL of a living process, or a CALL_NAME with a registered name, as a SEND_TERM, and
//# let the process tell who calls and reply, unless CAP-CAL-008 or CAP-CAL-009 applies.
//= spec/capabilities.md#cap-cal-015
//# A node that reads a CALL_REPLY that matches an open call MUST end the call, and give the term to the
//# caller as its reply.
#[tokio::test]
async fn a_call_has_its_reply() {
    for (a, b) in both_ways().await {
        let pid = b.spawn(doubler).unwrap();
        until("the name", || b.whereis("doubler").is_some()).await;
        let (to, name) = (seen(&a, &b, pid), b.name().to_owned());
        run(&a, async move |ctx| {
            assert_eq!(ctx.call::<i64>(to, &21, LONG).await.unwrap(), 42);
            assert_eq!(ctx.call_named::<i64>("doubler", &name, &4, LONG).await.unwrap(), 8);
            let (one, other) = tokio::join!(ctx.call::<i64>(to, &1, LONG), ctx.call::<i64>(to, &10, LONG));
            assert_eq!((one.unwrap(), other.unwrap()), (2, 20));
        })
        .await;
        assert_eq!(a.call::<i64>(to, &-3, LONG).await.unwrap(), -6);
        assert_eq!(a.call_named::<i64>("doubler", b.name(), &5, LONG).await.unwrap(), 10);
        let wrong = a.call::<String>(to, &5, LONG).await.unwrap_err();
        assert!(matches!(wrong, CallError::Reply(_)), "{wrong}");
    }
}

//= spec/capabilities.md#cap-cal-007
//# A node MUST answer a CALL of a dead process, or a CALL_NAME with a name that is not registered, with one
//# MONITOR_EXIT "noproc".
//= spec/capabilities.md#cap-cal-013
//# When a callee has ended, a node MUST write one matching MONITOR_EXIT with the reason of that end for each
//# of its calls in state called.
//= spec/capabilities.md#cap-cal-014
//# When nobody is left who could reply to a call in state called, the node SHOULD write one MONITOR_EXIT
//# "unanswered".
#[tokio::test]
async fn a_call_without_a_reply_ends_at_once() {
    for (a, b) in both_ways().await {
        let pid = b.spawn(doubler).unwrap();
        let to = seen(&a, &b, pid);
        assert_eq!(a.call::<i64>(to, &"no number", LONG).await, Err(CallError::Unanswered));
        assert_eq!(a.call::<i64>(to, &0, LONG).await, Err(CallError::Ended(Reason::error("told 0"))));
        assert_eq!(a.call::<i64>(to, &1, LONG).await, Err(CallError::Ended(Reason::noproc())));
        let nobody = a.call_named::<i64>("nobody", b.name(), &1, LONG).await;
        assert_eq!(nobody, Err(CallError::Ended(Reason::noproc())));

        // What is in its hands, in its mailbox, and in somebody else's hands, ends with it; also by a panic.
        let panics = b.spawn(panics).unwrap();
        let to = seen(&a, &b, panics);
        let callers: Vec<_> =
            (0..4).map(|_| begin(&a, async move |ctx| ctx.call::<i64>(to, &1, LONG).await).1).collect();
        for ended in callers {
            let ended = within("an end", ended).await.unwrap();
            let by_panic = ended == Err(CallError::Ended(Reason::error("panic: in the middle")));
            // Whoever calls when it is dead already is told so.
            assert!(by_panic || ended == Err(CallError::Ended(Reason::noproc())), "{ended:?}");
        }
    }
}

//= spec/capabilities.md#cap-cal-005
//# When the caller gives up an open call, or ends, a node MUST write DEMONITOR with the pids and the ref of
//# the call.
//= spec/capabilities.md#cap-cal-012
//# A node MUST NOT queue a CALL_REPLY for a call that is not in state called.
//= spec/capabilities.md#cap-cal-016
//# A node MUST ignore a CALL_REPLY that matches no open call.
#[tokio::test]
async fn a_call_that_was_given_up_has_no_reply_and_leaves_nothing() {
    for (a, b) in both_ways().await {
        let (pid, late) = begin(&b, async |mut ctx: Context| {
            let [out_of_time, dropped, of_an_ended] =
                [call(&mut ctx).await, call(&mut ctx).await, call(&mut ctx).await];
            // All three callers have given up when this one calls, and its CALL comes behind.
            call(&mut ctx).await.reply(&"now").await.unwrap();
            // Those of other processes may be told in another order.
            let ended = of_an_ended.from();
            while ctx.node().is_alive(ended) {
                tokio::task::yield_now().await;
            }
            let mut late = Vec::new();
            for call in [out_of_time, dropped] {
                late.push(call.reply(&"late").await);
            }
            late
        });
        let to = seen(&a, &b, pid);
        run(&a, async move |mut ctx| {
            let short = Duration::from_millis(20);
            assert_eq!(ctx.call::<String>(to, &1, short).await, Err(CallError::TimedOut));
            tokio::select! {
                biased;
                _ = ctx.call::<String>(to, &2, LONG) => panic!("nobody replies"),
                () = tokio::time::sleep(short) => {}
            }
            let (ends, _) = ctx
                .spawn_monitor(async move |ctx| {
                    tokio::select! {
                        biased;
                        _ = ctx.call::<String>(to, &3, LONG) => panic!("nobody replies"),
                        () = tokio::time::sleep(short) => {}
                    }
                })
                .unwrap();
            assert!(matches!(received(&mut ctx).await, Received::Down { from, .. } if from == ends));
            assert_eq!(ctx.call::<String>(to, &4, LONG).await.unwrap(), "now");
            // Nothing of a call is ever in the mailbox.
            assert_eq!(ctx.recv_timeout(Duration::from_millis(50)).await, None);
        })
        .await;
        let late = within("late replies", late).await.unwrap();
        assert_eq!(late, [Err(ReplyError::Over), Err(ReplyError::Over)]);
    }
}

#[tokio::test]
async fn a_call_can_be_delegated_and_ends_with_its_callee_all_the_same() {
    for (a, b) in both_ways().await {
        let worker = b.spawn(doubler).unwrap();
        let desk = b
            .spawn(async move |mut ctx: Context| {
                loop {
                    let call = call(&mut ctx).await;
                    match call.term::<i64>() {
                        Ok(100) => break,
                        _ => call.delegate(worker).await.unwrap(),
                    }
                }
            })
            .unwrap();
        let to = seen(&a, &b, desk);
        assert_eq!(a.call::<i64>(to, &8, LONG).await.unwrap(), 16);
        // The worker ends, and so lets go of it.
        assert_eq!(a.call::<i64>(to, &0, LONG).await, Err(CallError::Unanswered));
        assert_eq!(a.call::<i64>(to, &9, LONG).await, Err(CallError::Unanswered));
        assert_eq!(a.call::<i64>(to, &100, LONG).await, Err(CallError::Ended(Reason::Normal)));
    }
}

//= spec/capabilities.md#cap-cal-009
//# A node that drops the message of a call for want of room MUST answer with one MONITOR_EXIT "full".
#[tokio::test]
async fn a_full_mailbox_refuses_a_call_of_another_node() {
    let (a, b) = connected().await;
    let pid = b.spawn_with(Mailbox::bounded(1), async |_| std::future::pending::<()>().await).unwrap();
    let to = seen_from(&a, &b, pid);
    let (_, first) = begin(&a, async move |ctx| ctx.call::<i64>(to, &1, LONG).await);
    let refused = run(&a, async move |ctx| {
        loop {
            // The first may be behind.
            match ctx.call::<i64>(to, &2, Duration::from_secs(1)).await {
                Err(CallError::TimedOut) => {}
                other => return other,
            }
        }
    })
    .await;
    assert_eq!(refused, Err(CallError::NoRoom));
    assert!(b.messages_dropped() > 0);
    b.kill(pid).unwrap();
    let first = within("its end", first).await.unwrap();
    assert!(matches!(first, Err(CallError::Ended(Reason::Killed) | CallError::NoRoom)), "{first:?}");
}

//= spec/capabilities.md#cap-cal-019
//# A node MUST tell the caller Noconnection as the end of each open call when its session ends, and of a call
//# without a session at once.
#[tokio::test]
async fn a_lost_session_ends_its_calls_and_later_replies_go_nowhere() {
    let (a, b) = connected().await;
    let (pid, late) = begin(&b, async |mut ctx: Context| {
        let first = call(&mut ctx).await;
        // Of the next session.
        let second = call(&mut ctx).await;
        (first.reply(&1).await, second.reply(&2).await)
    });
    let to = seen_from(&a, &b, pid);
    let (_, lost) = begin(&a, async move |ctx| ctx.call::<i64>(to, &1, LONG).await);
    until("the call", || b.process_count() == 1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(a.disconnect(b.name()));
    assert_eq!(within("its end", lost).await.unwrap(), Err(CallError::NotConnected));
    assert_eq!(a.call::<i64>(to, &1, LONG).await, Err(CallError::NotConnected));
    assert_eq!(a.call_named::<i64>("x", b.name(), &1, LONG).await, Err(CallError::NotConnected));
    connect(&a, &b).await;
    assert_eq!(a.call::<i64>(to, &2, LONG).await.unwrap(), 2);
    assert_eq!(within("late", late).await.unwrap(), (Err(ReplyError::Over), Ok(())));
}

//= spec/capabilities.md#cap-cal-001
//# A node MUST NOT write CALL, CALL_NAME or CALL_REPLY in a session that does not have `calls`.
//= spec/capabilities.md#cap-nam-001
//# A node MUST NOT write SEND_NAME_TERM, MONITOR_NAME or NAMED in a session that does not have `names`.
#[tokio::test]
async fn a_node_without_calls_or_names_is_named_with_what_it_lacks() {
    for lacks in [Capabilities::CALLS, Capabilities::NAMES] {
        let all = snow_dist_runtime::core::session::CAPABILITIES;
        let left = Capabilities::from_bits(all.to_bits() & !lacks.to_bits());
        let a = node("a").await;
        let b = start(Node::builder("b@127.0.0.1:0").capabilities(left)).await;
        connect(&a, &b).await;
        let pid = b.spawn(doubler).unwrap();
        until("the name", || b.whereis("doubler").is_some()).await;
        let (to, name) = (seen_from(&a, &b, pid), b.name().to_owned());
        let refused = |capability| Refused::NotInSession { capability, peer: name.as_str().into() };
        if lacks == Capabilities::CALLS {
            assert_eq!(a.call::<i64>(to, &1, LONG).await, Err(CallError::Refused(refused("calls"))));
            let named = a.call_named::<i64>("doubler", b.name(), &1, LONG).await;
            assert_eq!(named, Err(CallError::Refused(refused("calls"))));
            assert_eq!(a.whereis_on("doubler", b.name()).await, Ok(Some(to)));
        } else {
            let asked = a.whereis_on("doubler", b.name()).await;
            assert_eq!(asked, Err(MonitorNamedError::Refused(refused("names"))));
            assert_eq!(a.call_named::<i64>("doubler", b.name(), &1, LONG).await, Ok(2));
        }
        a.shutdown().await;
        b.shutdown().await;
    }
}

//= spec/capabilities.md#cap-nam-004
//# A node MUST answer a MONITOR_NAME with a name that is not registered with one MONITOR_EXIT "noproc".
//= spec/capabilities.md#cap-nam-005
//# A node MUST answer a MONITOR_NAME with a registered name with one NAMED that has its `ref` and that
//# process's pid, unless CAP-CAL-008 applies.
//= spec/capabilities.md#cap-nam-006
//# A node that reads a NAMED MUST take the open monitor by name with its ref for one of the process in `pid`,
//# unless CAP-NAM-007 applies.
#[tokio::test]
async fn who_has_a_name_is_found_and_monitored() {
    for (a, b) in both_ways().await {
        let pid = b.spawn(doubler).unwrap();
        until("the name", || b.whereis("doubler").is_some()).await;
        let (to, name) = (seen(&a, &b, pid), b.name().to_owned());
        assert_eq!(a.whereis_on("doubler", b.name()).await, Ok(Some(to)));
        assert_eq!(a.whereis_on("nobody", b.name()).await, Ok(None));
        run(&a, async move |mut ctx| {
            let nobody = ctx.monitor_named("nobody", &name).await;
            assert_eq!(nobody, Err(MonitorNamedError::Nobody));
            let (reference, found) = ctx.monitor_named("doubler", &name).await.unwrap();
            let (other, _) = ctx.monitor_named("doubler", &name).await.unwrap();
            assert_eq!(found, to);
            ctx.demonitor(other);
            let told = ctx.call::<i64>(to, &0, LONG).await;
            assert_eq!(told, Err(CallError::Ended(Reason::error("told 0"))));
            let down = received(&mut ctx).await;
            assert_eq!(down, Received::Down { reference, from: to, reason: Reason::error("told 0") });
            assert_eq!(ctx.recv_timeout(Duration::from_millis(50)).await, None);
        })
        .await;
    }
    let (a, b) = connected().await;
    let long = a.whereis_on(&"n".repeat(MONITORED_NAME_BYTES_MAX + 1), b.name()).await;
    assert!(matches!(long, Err(MonitorNamedError::Refused(Refused::TooLong { .. }))), "{long:?}");
    assert!(matches!(a.whereis_on("x", "no node").await, Err(MonitorNamedError::Node(_))));
}

//= spec/capabilities.md#cap-nam-002
//# In a session with `names` a node whose process sends a term to a name MUST write SEND_NAME_TERM.
//= spec/capabilities.md#cap-nam-003
//# A node MUST treat the message of a SEND_NAME_TERM as that of a REG_SEND, and let the process tell that it
//# was marked as a term.
#[tokio::test]
async fn a_pid_in_a_term_to_a_name_is_the_process() {
    for (a, b) in both_ways().await {
        let registry = b
            .spawn(async |mut ctx: Context| {
                ctx.register("registry").unwrap();
                let message = ctx.recv().await.into_message().unwrap();
                assert!(message.is_term());
                let (word, who): (String, Pid) = message.term().unwrap();
                ctx.send_term(who, &format!("{word}ed")).await.unwrap();
            })
            .unwrap();
        until("the name", || b.whereis("registry") == Some(registry)).await;
        let name = b.name().to_owned();
        run(&a, async move |mut ctx| {
            ctx.send_named_term("registry", &name, &("register", ctx.pid())).await.unwrap();
            let Received::Message(answer) = received(&mut ctx).await else { panic!("an answer") };
            assert_eq!(answer.term::<String>().unwrap(), "registered");
        })
        .await;
    }
}

/// What a caller waits for is found by its number: a long mailbox is not looked through, and keeps its order.
#[tokio::test]
async fn a_full_mailbox_of_the_caller_is_not_looked_through() {
    let (a, b) = connected().await;
    let to = seen_from(&a, &b, b.spawn(doubler).unwrap());
    run(&a, async move |mut ctx| {
        for number in 0..10_000_u32 {
            ctx.send(ctx.pid(), number.to_le_bytes().to_vec()).await.unwrap();
        }
        for number in 1..100 {
            assert_eq!(ctx.call::<i64>(to, &number, LONG).await.unwrap(), 2 * number);
        }
        for number in 0..10_000_u32 {
            let message = ctx.recv().await.into_message().unwrap();
            assert_eq!(message.as_bytes(), number.to_le_bytes());
        }
    })
    .await;
}

//= spec/capabilities.md#cap-frg-001
//# In a session with `fragments` a node MUST send each message whose payload is longer than
//# `fragment_bytes_max` in fragments.
#[tokio::test]
async fn requests_and_replies_of_any_length_come_whole() {
    let (a, b) = connected().await;
    let pid = b.spawn(reverses).unwrap();
    let to = seen_from(&a, &b, pid);
    for length in [0, 1, 65_000, 70_000, 3_000_000] {
        let text: String = ('a'..='z').cycle().take(length).collect();
        let back: String = a.call(to, &text, LONG).await.unwrap();
        assert!(back.chars().rev().eq(text.chars()), "{length}");
    }
}

//= spec/capabilities.md#cap-cal-014
//# When nobody is left who could reply to a call in state called, the node SHOULD write one MONITOR_EXIT
//# "unanswered".
/// A callee that lets go of a call and then ends, whichever way, is told by its end.
#[tokio::test]
async fn who_lets_go_of_a_call_and_ends_is_told_by_the_end() {
    for (a, b) in both_ways().await {
        let ends = b.spawn(lets_go_and_ends).unwrap();
        let to = seen(&a, &b, ends);
        assert_eq!(a.call::<i64>(to, &1, LONG).await, Err(CallError::Ended(Reason::error("bad"))));
    }
}

/// The program has no mailbox: what is sent to it in the middle of a call holds nobody up.
#[tokio::test]
async fn a_callee_may_send_to_the_program_that_calls() {
    for (a, b) in both_ways().await {
        let chatty = b
            .spawn(async |mut ctx: Context| {
                let waits = call(&mut ctx).await;
                for part in 0..10 {
                    ctx.send_term(waits.from(), &part).await.unwrap();
                }
                let called = ctx.call::<i64>(waits.from(), &1, LONG);
                let (called, replied) = tokio::join!(called, waits.reply(&"done"));
                replied.unwrap();
                assert!(matches!(called, Err(CallError::Ended(_))), "{called:?}");
            })
            .unwrap();
        let to = seen(&a, &b, chatty);
        assert_eq!(a.call::<String>(to, &1, LONG).await.unwrap(), "done");
        until("its end", || !b.is_alive(chatty)).await;
    }
}

/// An answer that has come and that nobody takes leaves no monitor.
#[tokio::test]
async fn a_look_up_that_is_dropped_when_it_is_answered_leaves_no_monitor() {
    let (a, b) = connected().await;
    let pid = b.spawn(doubler).unwrap();
    until("the name", || b.whereis("doubler").is_some()).await;
    let (to, name) = (seen_from(&a, &b, pid), b.name().to_owned());
    run(&a, async move |mut ctx| {
        {
            let mut asked = std::pin::pin!(ctx.monitor_named("doubler", &name));
            let polled =
                std::future::poll_fn(|cx| std::task::Poll::Ready(asked.as_mut().poll(cx).is_ready()));
            assert!(!polled.await);
            // NAMED has come before the reply to what was asked behind it.
            assert_eq!(ctx.call::<i64>(to, &1, LONG).await, Ok(2));
        }
        assert_eq!(ctx.call::<i64>(to, &0, LONG).await, Err(CallError::Ended(Reason::error("told 0"))));
        assert_eq!(ctx.recv_timeout(Duration::from_millis(50)).await, None);
    })
    .await;
}

//= spec/capabilities.md#cap-nam-003
//# A node MUST treat the message of a SEND_NAME_TERM as that of a REG_SEND, and let the process tell that it
//# was marked as a term.
#[tokio::test]
async fn what_is_sent_to_a_name_that_nobody_has_is_counted() {
    let (a, b) = connected().await;
    a.send_named("nobody", b.name(), "lost").await.unwrap();
    a.send_named_term("nobody", b.name(), &"lost").await.unwrap();
    until("the count", || b.messages_to_nobody() == 2).await;
}
