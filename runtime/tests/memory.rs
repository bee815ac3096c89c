//! What an idle process costs: its task, its mailbox and one link. Linux; by hand, with
//! `cargo test --release -p snow-dist-runtime --test memory -- --ignored --nocapture`.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use snow_dist_runtime::{Context, Node};

const PAIRS: u32 = 250_000;
const BYTES_MAX: u32 = 1_024;

/// Memory of this program that is resident, in KiB.
fn resident() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

async fn idle(mut ctx: Context) {
    ctx.recv().await;
}

async fn linked_and_idle(mut ctx: Context) {
    ctx.spawn_link(idle).unwrap();
    ctx.recv().await;
}

#[tokio::test]
#[ignore = "measures the whole program"]
async fn an_idle_process_with_one_link_takes_at_most_a_kilobyte() {
    let node = Node::alone(tokio::runtime::Handle::current());
    let before = resident();
    for _ in 0..PAIRS {
        node.spawn(linked_and_idle).unwrap();
        // Each starts at once, so that the queue of tasks to be run does not count.
        tokio::task::yield_now().await;
    }
    while node.process_count() < 2 * PAIRS as usize {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let bytes = (resident() - before) * 1_024 / (2 * PAIRS);
    println!("an idle process with one link: {bytes} bytes");
    assert!(bytes <= BYTES_MAX, "{bytes} bytes");
}
