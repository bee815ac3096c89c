//! A node of a cluster in Kubernetes: it is named after its pod, finds the others by DNS, and greets each of them.
//! `README.md` beside this says how to run it.

use std::collections::BTreeSet;
use std::env;
use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use snow_dist_runtime::discovery::Dns;
use snow_dist_runtime::{Context, Node, Received};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // `snow-0`, and `snow.prod.svc.cluster.local`: the pod, and the service by which it is found.
    let (pod, service) = (env::var("POD_NAME")?, env::var("SERVICE")?);
    let others = Dns::srv(&format!("_dist._tcp.{service}"), "worker@{target}:{port}")?;
    let prepared = Node::builder(format!("worker@{pod}.{service}:4000"))
        .cookie_file(env::var("COOKIE_FILE")?)
        // By its address, as the name of a pod that begins may not be in the DNS yet, not even for itself.
        .listen(SocketAddr::new(env::var("POD_IP")?.parse()?, 4000).to_string())
        .discover(others)
        .prepare()
        .await?;
    // Whoever comes in finds this process.
    let greeter = prepared.node().spawn(greeter)?;
    prepared.node().register("greeter", greeter)?;
    let node = prepared.listen();
    println!("{} listens", node.name());
    let mut greeted = BTreeSet::new();
    loop {
        let nodes: BTreeSet<_> = node.nodes().into_iter().collect();
        for new in nodes.difference(&greeted) {
            node.send_named("greeter", new, format!("{} says hello", node.name())).await?;
        }
        for gone in greeted.difference(&nodes) {
            println!("{gone} is gone");
        }
        greeted = nodes;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Says what it is told.
async fn greeter(mut ctx: Context) {
    loop {
        if let Received::Message(message) = ctx.recv().await {
            println!("{}", String::from_utf8_lossy(message.as_bytes()));
        }
    }
}
