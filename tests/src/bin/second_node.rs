//! A node in a process of its own, for tests: says its name on a line, then sends back what its process `echo` is
//! sent, and ends when its input does. Of a message the first word is the name to send it to, the second the node.
//!
//! Its arguments are its name, and the interval and the timeout of its heartbeat in milliseconds.

use std::io::{Read, Write};
use std::time::Duration;

use snow_dist_runtime::{Context, Node, Received, Timing};
use snow_dist_tests::program::start;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "second@127.0.0.1:0".to_owned());
    let times = arguments.map(|millis| millis.parse().map(Duration::from_millis));
    let timing = match times.collect::<Result<Vec<_>, _>>()?[..] {
        [interval, timeout] => Timing { interval, timeout },
        _ => Timing::default(),
    };
    let node = start(Node::builder(name).heartbeat(timing)).await;
    node.spawn(echo)?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", node.name())?;
    out.flush()?;
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}

async fn echo(mut ctx: Context) -> Result<(), String> {
    ctx.trap_exit(true);
    ctx.register("echo").map_err(|error| error.to_string())?;
    loop {
        if let Received::Message(message) = ctx.recv().await {
            let text = String::from_utf8_lossy(message.as_bytes()).into_owned();
            let (name, node) = text.split_once(' ').ok_or("no address")?;
            let back = format!("{} {}", ctx.pid().local(), std::process::id());
            ctx.send_named(name, node, back).await.map_err(|error| error.to_string())?;
        }
    }
}
