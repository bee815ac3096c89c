//! Three nodes: what one tells another of the third. Specification: `capabilities.md`.

use serde::{Deserialize, Serialize};
use snow_dist_runtime::core::NodeNumber;
use snow_dist_runtime::{
    CAPABILITIES, Capabilities, Context, Node, NodeBuilder, Pid, Reason, Received, Refused, SendError,
};
use snow_dist_tests::program::{
    begin, connect, connected, down, exit, message, node, received, run, seen_from, start, text, until,
    within,
};

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Introduction {
    who: Pid,
    also: Vec<(String, Option<Pid>)>,
}

fn builder(name: &str, capabilities: Capabilities) -> NodeBuilder {
    Node::builder(format!("{name}@127.0.0.1:0")).capabilities(capabilities)
}

fn without(capability: Capabilities) -> Capabilities {
    CAPABILITIES.intersection(Capabilities::from_bits(!capability.to_bits()))
}

/// A process of a node that hands out what it is sent.
fn listener(node: &Node) -> (Pid, tokio::sync::oneshot::Receiver<String>) {
    begin(node, async |mut ctx: Context| text(&mut ctx).await)
}

/// A process of `to` that waits for an introduction by a process of `by`, and gives it.
async fn introduce(by: &Node, to: &Node, introduction: impl FnOnce(Pid) -> Introduction) -> Introduction {
    let (student, got) = begin(to, async |mut ctx: Context| {
        let message = message(&mut ctx).await;
        assert!(message.is_term());
        message.term::<Introduction>().unwrap()
    });
    let there = seen_from(by, to, student);
    let introduction = introduction(there);
    run(by, async move |ctx| ctx.send_term(there, &introduction).await).await.unwrap();
    within("an introduction", got).await.unwrap()
}

//= spec/capabilities.md#cap-stm-002
//# A node MUST treat the message of a SEND_TERM as that of a SEND, and let the process tell that it was
//# marked as a term.
//= spec/capabilities.md#cap-ntb-011
//# A node MUST resolve an index to itself or to the peer of a session if, and only if, that node has the name
//# and the incarnation of the entry, unless it has forgotten that node by `nodes_heard_of_max` or
//# `nodes_known_max` since it read the entry.
#[tokio::test]
async fn a_pid_in_a_term_is_that_process_whether_its_node_is_met_before_or_after() {
    let (a, b) = connected().await;
    let c = node("c").await;
    connect(&b, &c).await;
    for is_met in [false, true] {
        let (listening, heard) = listener(&c);
        let at_b = seen_from(&b, &c, listening);
        let got = introduce(&b, &a, |student| Introduction {
            who: at_b,
            also: vec![("you".into(), Some(student)), ("nobody".into(), None)],
        })
        .await;
        assert!(matches!(got.also[0].1, Some(you) if you.is_here()), "{got:?}");
        assert_eq!(a.node_of(got.who).is_some(), is_met);
        if !is_met {
            // Nothing dials by itself: until there is a session, it is a pid without one.
            let before = a.messages_unsent();
            a.send(got.who, "lost").await.unwrap();
            assert_eq!(a.messages_unsent(), before + 1);
            connect(&a, &c).await;
        }
        assert_eq!(got.who, seen_from(&a, &c, listening));
        assert_eq!(a.node_of(got.who).as_deref(), Some(c.name()));
        a.send(got.who, "from a").await.unwrap();
        assert_eq!(within("the message", heard).await.unwrap(), "from a");
    }
}

//= spec/session.md#ses-rsn-007
//# A node that passes on a reason MUST write each hop as SES-PID-010 to SES-PID-012 ask for the process that
//# it took it for.
#[tokio::test]
async fn a_chain_of_ends_over_three_nodes_names_every_process_as_it_is() {
    let (a, b) = connected().await;
    let c = node("c").await;
    connect(&b, &c).await;
    connect(&a, &c).await;
    let first = c.spawn(async |mut ctx: Context| Err::<(), _>(text(&mut ctx).await)).unwrap();
    let at_b = seen_from(&b, &c, first);
    let middle = b
        .spawn(async move |ctx: Context| {
            ctx.link(at_b).await.unwrap();
            std::future::pending::<()>().await;
        })
        .unwrap();
    let middle = seen_from(&a, &b, middle);
    let nobody = a.pid_on(b.name(), 1 << 39).unwrap();
    let (at_a, c_name) = (seen_from(&a, &c, first), c.name().to_owned());
    let (reason, a_node) = run(&a, async move |mut ctx| {
        ctx.trap_exit(true);
        ctx.link(middle).await.unwrap();
        // The answer of who is not there comes behind the LINK.
        ctx.monitor(nobody).await.unwrap();
        down(&mut ctx, nobody).await;
        // Whether the other two are linked by now does not matter: the exit comes from the same process.
        ctx.send(at_a, "boom").await.unwrap();
        (exit(&mut ctx, middle).await, ctx.node())
    })
    .await;
    if let Reason::Linked(chain) = &reason {
        assert_eq!(chain.hops, [at_a]);
        assert_eq!(a_node.node_of(chain.hops[0]).as_deref(), Some(&*c_name));
    } else {
        panic!("{reason}");
    }
}

//= spec/session.md#ses-pid-018
//# A node MUST NOT take a pid from a session with another incarnation of the peer for a process of the peer's
//# present start.
#[tokio::test]
async fn a_third_node_that_is_restarted_makes_what_was_told_of_it_stale() {
    let (a, b) = connected().await;
    let c = node("c").await;
    connect(&b, &c).await;
    let at_b = seen_from(&b, &c, listener(&c).0);
    let old = introduce(&b, &a, |_| Introduction { who: at_b, also: vec![] }).await.who;
    let name = c.name().to_owned();
    within("the end", c.shutdown()).await;
    until("the end", || b.nodes().len() == 1).await;
    let c = start(Node::builder(name)).await;
    connect(&a, &c).await;
    connect(&b, &c).await;
    let (listening, heard) = listener(&c);
    let new = seen_from(&a, &c, listening);
    assert_eq!(new.local(), old.local());
    assert_ne!(new, old);
    // Told again by who still holds it, it is as dead as before; what B tells of the present start is that.
    let again = introduce(&b, &a, |_| Introduction { who: at_b, also: vec![] }).await.who;
    let present = seen_from(&b, &c, listening);
    let told_anew = introduce(&b, &a, |_| Introduction { who: present, also: vec![] }).await.who;
    assert_eq!((again, told_anew), (old, new));
    run(&a, async move |mut ctx| {
        ctx.trap_exit(true);
        ctx.send(old, "lost").await.unwrap();
        ctx.send_exit(old, Reason::Killed).await.unwrap();
        ctx.link(old).await.unwrap();
        assert_eq!(exit(&mut ctx, old).await, Reason::Noconnection);
        ctx.monitor(old).await.unwrap();
        assert_eq!(down(&mut ctx, old).await, Reason::Noconnection);
        ctx.send(new, "found").await.unwrap();
    })
    .await;
    assert_eq!(within("the message", heard).await.unwrap(), "found");
}

#[tokio::test]
async fn a_pid_goes_on_from_node_to_node() {
    // C is known to B alone; A learns of it by way of B, and D by way of A.
    let (a, b) = connected().await;
    let (c, d) = (node("c").await, node("d").await);
    connect(&b, &c).await;
    connect(&a, &d).await;
    let (listening, heard) = listener(&c);
    let at_b = seen_from(&b, &c, listening);
    let at_a = introduce(&b, &a, |_| Introduction { who: at_b, also: vec![] }).await.who;
    let at_d = introduce(&a, &d, |_| Introduction { who: at_a, also: vec![] }).await.who;
    connect(&c, &d).await;
    assert_eq!(at_d, seen_from(&d, &c, listening));
    d.send(at_d, "from d").await.unwrap();
    assert_eq!(within("the message", heard).await.unwrap(), "from d");
}

#[tokio::test]
async fn inside_a_node_terms_are_marked_and_pids_are_whole() {
    let a = node("a").await;
    let far = Pid::new(NodeNumber::UNKNOWN, 9, 9);
    let (student, got) = begin(&a, async |mut ctx: Context| {
        ctx.register("student").unwrap();
        let mut all = Vec::new();
        for _ in 0..3 {
            all.push(message(&mut ctx).await);
        }
        all
    });
    until("the name", || a.whereis("student").is_some()).await;
    let name = a.name().to_owned();
    run(&a, async move |ctx| {
        ctx.send_term(student, &(student, far)).await.unwrap();
        ctx.send_named_term("student", &name, &(far, student)).await.unwrap();
        ctx.send(student, "\u{1}\u{6}").await.unwrap();
    })
    .await;
    let all = within("the messages", got).await.unwrap();
    assert_eq!(all.iter().map(|message| message.is_term()).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(all[0].term::<(Pid, Pid)>().unwrap(), (student, far));
    assert_eq!(all[1].term::<(Pid, Pid)>().unwrap(), (far, student));
    all[2].term::<()>().unwrap();
    assert!(all[0].term::<u64>().is_err());
}

/// What a process of `to` sees of all that a process of `from` can say by capabilities, and what is refused to that.
async fn said(from: &Node, to: &Node, third: &Node) -> (Vec<String>, [Option<Refused>; 2]) {
    let (student, got) = begin(to, async |mut ctx: Context| {
        ctx.trap_exit(true);
        let mut all = Vec::new();
        loop {
            all.push(match received(&mut ctx).await {
                Received::Message(message) if message.as_bytes() == b"over" => return all,
                Received::Message(message) => match message.term::<(u32, Option<Pid>)>() {
                    Ok((7, None)) => format!("term {}", message.is_term()),
                    Ok((8, Some(pid))) => format!("third {}", pid.node() != NodeNumber::UNKNOWN),
                    other => panic!("{other:?}"),
                },
                Received::Exit { reason, .. } => reason.to_string(),
                other => panic!("{other:?}"),
            });
        }
    });
    let there = seen_from(from, to, student);
    let of_third = from.pid_on(third.name(), 5).unwrap();
    let refused = run(from, async move |ctx| {
        let exit = ctx.send_exit(there, Reason::Killed).await.err();
        ctx.send_term(there, &(7, None::<Pid>)).await.unwrap();
        let term = match ctx.send_term(there, &(8, Some(of_third))).await {
            Ok(()) => None,
            Err(SendError::Refused(refused)) => Some(refused),
            Err(other) => panic!("{other}"),
        };
        ctx.send(there, "over").await.unwrap();
        [exit, term]
    })
    .await;
    (within("all of it", got).await.unwrap(), refused)
}

//= spec/handshake.md#hs-ver-003
//# A node MUST NOT use a capability in a session unless it stands in both blocks.
#[tokio::test]
async fn nodes_that_lack_a_capability_talk_without_it() {
    let third = node("third").await;
    let sets = [
        CAPABILITIES,
        without(Capabilities::REMOTE_EXIT),
        without(Capabilities::SEND_TERM),
        without(Capabilities::NODE_TABLE),
        Capabilities::NONE,
    ];
    for (of_a, of_b) in sets.into_iter().flat_map(|a| sets.map(|b| (a, b))) {
        let (a, b) = (start(builder("a", of_a)).await, start(builder("b", of_b)).await);
        connect(&a, &b).await;
        let has = |capability| of_a.intersection(of_b).contains(capability);
        for (from, to) in [(&a, &b), (&b, &a)] {
            let lacking = |capability| Some(Refused::NotInSession { capability, peer: to.name().into() });
            connect(from, &third).await;
            let (seen, refused) = said(from, to, &third).await;
            let mut expected = Vec::new();
            if has(Capabilities::REMOTE_EXIT) {
                expected.push("killed".to_owned());
            }
            expected.push(format!("term {}", has(Capabilities::SEND_TERM)));
            if has(Capabilities::SEND_TERM) {
                expected.push(format!("third {}", has(Capabilities::NODE_TABLE)));
            }
            assert_eq!(seen, expected, "{of_a:?} {of_b:?}");
            let of_exit = if has(Capabilities::REMOTE_EXIT) { None } else { lacking("remote_exit") };
            let of_term = if has(Capabilities::SEND_TERM) { None } else { lacking("send_term") };
            assert_eq!(refused, [of_exit, of_term], "{of_a:?} {of_b:?}");
        }
        a.shutdown().await;
        b.shutdown().await;
    }
}

//= spec/capabilities.md#cap-stm-003
//# A node MUST refuse a term with pids for which it would have to write SEND or REG_SEND.
#[tokio::test]
async fn a_term_to_a_name_carries_no_pids_without_the_capability() {
    let (a, b) = (node("a").await, start(builder("b", without(Capabilities::NAMES))).await);
    connect(&a, &b).await;
    let (listening, got) = begin(&b, async |mut ctx: Context| {
        ctx.register("srv").unwrap();
        message(&mut ctx).await
    });
    until("the name", || b.whereis("srv") == Some(listening)).await;
    let name = b.name().to_owned();
    run(&a, async move |ctx| {
        let refused = ctx.send_named_term("srv", &name, &ctx.pid()).await.unwrap_err();
        let capability = "names";
        assert_eq!(refused, Refused::NotInSession { capability, peer: name.as_str().into() }.into());
        ctx.send_named_term("srv", &name, &"no pid").await.unwrap();
    })
    .await;
    let message = within("the message", got).await.unwrap();
    assert_eq!((message.is_term(), message.term::<&str>().unwrap()), (false, "no pid"));
}

/// The bytes of a SEND can look like a term with pids: they are not taken for processes.
#[tokio::test]
async fn a_pid_in_a_message_that_is_not_marked_leads_nowhere() {
    let (a, b) = connected().await;
    let (student, got) = begin(&b, async |mut ctx: Context| message(&mut ctx).await);
    assert_eq!(student.local(), 1);
    let bytes = [&[1, 30][..], &[1, 0, 0, 0, 0, b.creation(), 0xFE, 0xFF]].concat();
    a.send(seen_from(&a, &b, student), bytes).await.unwrap();
    let message = within("the message", got).await.unwrap();
    assert!(!message.is_term());
    assert_eq!(message.term::<Pid>().unwrap().node(), NodeNumber::UNKNOWN);
}
