//! What a message costs in instructions between two nodes on tokio over TLS, both in one process. `costs.sh` counts them.

use anyhow::{Context as _, Result};
use snow_dist_runtime::Node;

static MESSAGE: [u8; 64] = [7; 64];
const COOKIE: &str = "a cookie of thirty-two letters..";

/// Sends so many messages, `batch` of them before the other end has to have received them.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn send(messages: usize, batch: usize) -> Result<()> {
    let a = Node::builder("a@127.0.0.1:0").cookie(COOKIE).start().await?;
    let b = Node::builder("b@127.0.0.1:0").cookie(COOKIE).start().await?;
    a.connect(b.name()).await?;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let to = b.spawn(async move |mut ctx| {
        loop {
            for _ in 0..batch {
                ctx.recv().await;
            }
            if tell.send(()).is_err() {
                return;
            }
        }
    })?;
    let to = a.pid_on(b.name(), to.local()).context("no session")?;
    let (done, is_done) = tokio::sync::oneshot::channel();
    a.spawn(async move |ctx| {
        for _ in 0..messages / batch {
            for _ in 0..batch {
                if ctx.send(to, &MESSAGE[..]).await.is_err() {
                    return;
                }
            }
            told.recv().await;
        }
        let _ = done.send(());
    })?;
    is_done.await?;
    a.shutdown().await;
    b.shutdown().await;
    Ok(())
}
