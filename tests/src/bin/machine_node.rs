//! A node for tests that cut networks: does what its input says, line by line, and prints what its processes are
//! told. It ends with its input.
//!
//! It has [`PROCESSES`] processes, numbered from 1 as all numbers of a node's processes are, so that both ends of a
//! session know each other's. The first argument is the node's name, the others are nodes that it watches.
//!
//! | line | what it does |
//! |---|---|
//! | `connect NODE` | dials, and prints `connected NODE` or `not connected NODE: WHY` |
//! | `tie NODE` | each process links to the one of its number there, and monitors it |
//! | `say NODE TEXT` | each process sends the text to the one of its number there, and prints `said NUMBER TEXT`, if there is a session |
//! | `fail` | each process ends with an error |
//!
//! Printed are `exit NUMBER REASON`, `down NUMBER REASON`, `message NUMBER TEXT`, with the number of the process that
//! is told, and `nodeup NODE` and `nodedown NODE`.

use std::io::{BufRead, Write};
use std::time::Duration;

use snow_dist_runtime::{Context, Node, Pid, Reason, Received, Timing};
use snow_dist_tests::program::start;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

const PROCESSES: u64 = 20;

const TIMING: Timing =
    Timing { interval: Duration::from_millis(1_500), timeout: Duration::from_millis(1_500) };

#[derive(Clone)]
enum Order {
    Tie(String),
    Say(String, String),
    Fail,
}

type Error = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let name = std::env::args().nth(1).ok_or("a node's name is missing")?;
    let node = start(Node::builder(name).heartbeat(TIMING)).await;
    let processes = people(&node)?;
    node.spawn(watch_nodes)?;
    say(format!("started {}", node.name()));
    let mut lines = lines();
    while let Some(line) = lines.recv().await {
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let order = match verb {
            "connect" => {
                connect(node.clone(), rest.to_owned());
                continue;
            }
            "tie" => Order::Tie(rest.to_owned()),
            "say" => {
                let (to, text) = rest.split_once(' ').ok_or("no text")?;
                Order::Say(to.to_owned(), text.to_owned())
            }
            "fail" => Order::Fail,
            other => return Err(format!("what is {other}?").into()),
        };
        for process in &processes {
            // One that has ended does nothing more.
            let _ = process.send(order.clone());
        }
    }
    Ok(())
}

fn lines() -> UnboundedReceiver<String> {
    let (tell, told) = unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                break;
            }
        }
    });
    told
}

fn say(line: String) {
    // Who does not listen has gone, and takes this program with it.
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn connect(node: Node, to: String) {
    tokio::spawn(async move {
        match node.connect(&to).await {
            Ok(()) => say(format!("connected {to}")),
            Err(error) => say(format!("not connected {to}: {error}")),
        }
    });
}

fn people(node: &Node) -> Result<Vec<UnboundedSender<Order>>, Error> {
    (0..PROCESSES)
        .map(|_| {
            let (tell, told) = unbounded_channel();
            node.spawn(|ctx| process(ctx, told))?;
            Ok(tell)
        })
        .collect()
}

async fn process(mut ctx: Context, mut orders: UnboundedReceiver<Order>) -> Reason {
    ctx.trap_exit(true);
    let (own, node) = (ctx.pid().local(), ctx.node());
    loop {
        let order = tokio::select! {
            told = ctx.recv() => {
                tell(own, &told);
                continue;
            }
            Some(order) = orders.recv() => order,
        };
        let there = |name: &str| node.pid_on(name, own);
        let done = match order {
            Order::Tie(to) => tie(&ctx, there(&to)).await,
            Order::Say(to, text) => match there(&to) {
                Some(to) => ctx
                    .send(to, &*text)
                    .await
                    .map_err(Error::from)
                    .map(|()| say(format!("said {own} {text}"))),
                None => Ok(()),
            },
            Order::Fail => return Reason::error("of itself"),
        };
        if let Err(error) = done {
            say(format!("failed {own} {error}"));
        }
    }
}

async fn tie(ctx: &Context, to: Option<Pid>) -> Result<(), Error> {
    let to = to.ok_or("no session")?;
    ctx.link(to).await?;
    ctx.monitor(to).await?;
    Ok(())
}

fn tell(own: u64, told: &Received) {
    match told {
        Received::Exit { reason, .. } => say(format!("exit {own} {reason}")),
        Received::Down { reason, .. } => say(format!("down {own} {reason}")),
        Received::Message(message) => {
            say(format!("message {own} {}", String::from_utf8_lossy(message.as_bytes())));
        }
        other => say(format!("unexpected {own} {other:?}")),
    }
}

async fn watch_nodes(mut ctx: Context) {
    for node in std::env::args().skip(2) {
        if let Err(error) = ctx.monitor_node(&node) {
            say(format!("{node}: {error}"));
        }
    }
    loop {
        match ctx.recv().await {
            Received::NodeUp { name } => say(format!("nodeup {name}")),
            Received::NodeDown { name } => say(format!("nodedown {name}")),
            _ => {}
        }
    }
}
