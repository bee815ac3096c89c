//! The room that every process takes, or has in its future for what it awaits.
//!
//! A process is two allocations: its cell, and the task of the executor with its future. On 64-bit machines tokio's task
//! has 104 bytes of its own and is rounded up to a multiple of 128; the allocator then leaves no gap between the two if
//! the cell fits into the rest of another 256. One field more in a cell or a context can thus cost each process 128 bytes.

use std::time::Duration;

use super::cell::Cell;
use super::table::ProcessTable;
use super::{Context, Mailbox};
use crate::Node;
use crate::sync::Executor;

/// The largest cell that takes 240 bytes with its counts of owners and the allocator's word.
const CELL_MAX: usize = 216;

/// The largest future of a process whose task takes 256 bytes.
const FUTURE_MAX: usize = 136;

#[tokio::test]
async fn a_process_that_links_and_waits_takes_512_bytes() {
    const { assert!(size_of::<Cell>() <= CELL_MAX) };
    let table = ProcessTable::new("", 1, Executor::current());
    let context = Context::new(table.add(Mailbox::default()).unwrap());
    let other = context.pid();
    let kept = std::sync::Arc::new(());
    let process = async move |mut ctx: Context| {
        ctx.link(other).await?;
        drop(kept);
        ctx.recv().await;
        Ok::<_, super::Refused>(())
    };
    let bytes = size_of_val(&process(context));
    assert!(bytes <= FUTURE_MAX, "{bytes}");
}

/// A process has these futures in its own while it awaits them.
#[tokio::test]
async fn what_a_process_awaits_is_small() {
    let node = Node::alone(tokio::runtime::Handle::current());
    let (done, is_done) = tokio::sync::oneshot::channel();
    node.spawn(async move |mut ctx: Context| {
        let (pid, longest) = (ctx.pid(), Duration::from_secs(1));
        let recv = size_of_val(&ctx.recv());
        let recv_timeout = size_of_val(&ctx.recv_timeout(longest));
        let sizes = [
            ("recv", recv, 16),
            ("recv_timeout", recv_timeout, 304),
            ("send", size_of_val(&ctx.send(pid, "bytes")), 160),
            ("send_term", size_of_val(&ctx.send_term(pid, &1)), 320),
            ("link", size_of_val(&ctx.link(pid)), 40),
            ("monitor", size_of_val(&ctx.monitor(pid)), 56),
            ("call", size_of_val(&ctx.call::<u8>(pid, &1, longest)), 296),
        ];
        done.send(sizes).unwrap();
    })
    .unwrap();
    for (what, bytes, bytes_max) in is_done.await.unwrap() {
        assert!(bytes <= bytes_max, "{what}: {bytes} of {bytes_max}");
    }
}
