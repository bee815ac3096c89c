//! A node of a cluster in Kubernetes: it is named after its pod, finds the others by DNS, and greets each of them.
//! `README.md` beside this says how to run it.

use std::collections::BTreeSet;
use std::env;
use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use snow_dist_runtime::discovery::Dns;
use snow_dist_runtime::signals::until_told_to_stop;
use snow_dist_runtime::{Context, Node, Received};
use tokio::time::interval;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    if let Err(error) = run().await {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|error| format!("{name}: {error}"))
}

async fn run() -> Result<(), Box<dyn Error>> {
    // The node tells what its operator should know by `tracing`: `kubectl logs` shows it.
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    // `snow-0`, and `snow.prod.svc.cluster.local`: the pod, and the service by which it is found.
    let (pod, service) = (variable("POD_NAME")?, variable("SERVICE")?);
    let others = Dns::srv(&format!("_dist._tcp.{service}"), "worker@{target}:{port}")?;
    let prepared = Node::builder(format!("worker@{pod}.{service}:4000"))
        .cookie_file(variable("COOKIE_FILE")?)
        // By its address, as the name of a pod that begins may not be in the DNS yet, not even for itself.
        .listen(SocketAddr::new(variable("POD_IP")?.parse()?, 4000).to_string())
        .discover(others)
        .prepare()
        .await?;
    // Whoever comes in finds this process.
    let greeter = prepared.node().spawn(greeter)?;
    prepared.node().register("greeter", greeter)?;
    let node = prepared.listen();
    println!("{} listens", node.name());
    // As the first process of its container the program is asked in vain to stop if it does not listen to that.
    tokio::select! {
        told = until_told_to_stop() => told?,
        greeted = greet(&node) => greeted?,
    }
    // Kubernetes waits for 30 s.
    for left in node.shutdown_within(Duration::from_secs(20)).await {
        println!("{} {:?} has not ended in time", left.pid, left.names);
    }
    Ok(())
}

/// Greets each node once, when it is there.
async fn greet(node: &Node) -> Result<(), Box<dyn Error>> {
    let (mut greeted, mut looks) = (BTreeSet::new(), interval(Duration::from_secs(1)));
    loop {
        looks.tick().await;
        let nodes: BTreeSet<_> = node.nodes().into_iter().collect();
        for new in nodes.difference(&greeted) {
            node.send_named("greeter", new, format!("{} says hello", node.name())).await?;
        }
        for gone in greeted.difference(&nodes) {
            println!("{gone} is gone");
        }
        greeted = nodes;
    }
}

/// Says what it is told, until the node is to stop.
async fn greeter(mut ctx: Context) {
    loop {
        match ctx.recv().await {
            Received::Message(message) => println!("{}", String::from_utf8_lossy(message.as_bytes())),
            Received::Exit { .. } => break,
            _ => {}
        }
    }
}
