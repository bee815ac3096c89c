//! A node in a process of its own, for tests of memory: its processes take nothing, but for one. Says its name, the
//! numbers of those that take nothing, and that of the one on a line; then, for each line that it reads, how many bytes
//! of memory its process of the system has in use, and how many messages it has dropped.

use std::io::{BufRead, Write};

use snow_dist_runtime::{Context, Node, Received};
use snow_dist_tests::program::{idle, start};

/// Processes that take nothing.
const HOARDERS: usize = 16;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bound = std::env::args().nth(1).ok_or("no bound")?.parse()?;
    let builder =
        Node::builder("hoarding@127.0.0.1:0").frame_bytes_max(2 << 20).reassembly_bytes_max(2 << 20);
    let node = start(builder.mailbox_remote_bytes_max(bound)).await;
    let mut line = node.name().to_owned();
    for number in 0..HOARDERS {
        let hoarder = node.spawn(async move |ctx: Context| {
            let _ = ctx.register(&format!("hoarder {number}"));
            idle(ctx).await;
        })?;
        line += &format!(" {}", hoarder.local());
    }
    line += &format!(" {}", node.spawn(take_all)?.local());
    tokio::task::spawn_blocking(move || answer(&node, &line)).await??;
    Ok(())
}

async fn take_all(mut ctx: Context) {
    while matches!(ctx.recv().await, Received::Message(_)) {}
}

fn answer(node: &Node, line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    for asked in std::io::stdin().lock().lines() {
        asked?;
        writeln!(out, "{} {}", resident()?, node.messages_dropped())?;
    }
    Ok(())
}

/// Bytes of memory in use; 0 where the system does not say.
fn resident() -> std::io::Result<usize> {
    const PAGE_BYTES: usize = 4_096;
    let pages = match std::fs::read_to_string("/proc/self/statm") {
        Ok(numbers) => numbers.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0),
        Err(_) => 0,
    };
    Ok(pages * PAGE_BYTES)
}
