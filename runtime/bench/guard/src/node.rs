//! Processes within a node on tokio, on one thread.

use anyhow::{Result, ensure};
use snow_dist_runtime::{Context, Node, Reason, Received};
use tokio::runtime::{Builder, Handle};

const MESSAGE: &[u8] = &[7; 64];

/// Messages that are sent before they are received.
const AT_ONCE: usize = 100;

/// Runs a process of a node, to its end.
fn run<F, Fut>(body: F) -> Result<()>
where
    F: FnOnce(Node, Context) -> Fut + Send + 'static,
    Fut: Future<Output = Result<()>> + Send + 'static,
{
    Builder::new_current_thread().enable_time().build()?.block_on(async {
        let node = Node::alone(Handle::current());
        let (tell, told) = tokio::sync::oneshot::channel();
        let own = node.clone();
        node.spawn(async move |ctx: Context| {
            let _ = tell.send(body(own, ctx).await);
        })?;
        told.await?
    })
}

pub(crate) fn deliver(times: usize) -> Result<()> {
    run(async move |_, mut ctx| {
        let own = ctx.pid();
        for _ in 0..times / AT_ONCE {
            for _ in 0..AT_ONCE {
                ctx.send(own, MESSAGE).await?;
            }
            for _ in 0..AT_ONCE {
                ensure!(matches!(ctx.recv().await, Received::Message(_)), "a message");
            }
        }
        Ok(())
    })
}

pub(crate) fn spawn(times: usize) -> Result<()> {
    run(async move |node, _| {
        for _ in 0..times {
            node.spawn(async |_: Context| {})?;
            tokio::task::yield_now().await;
        }
        Ok(())
    })
}

pub(crate) fn exit(times: usize) -> Result<()> {
    run(async move |_, mut ctx| {
        ctx.trap_exit(true);
        for _ in 0..times {
            ctx.spawn_link(async |_: Context| Reason::Shutdown)?;
            ensure!(matches!(ctx.recv().await, Received::Exit { .. }), "an exit signal");
        }
        Ok(())
    })
}
