//! What the two sides say to each other, beside what is measured.

use anyhow::{Context as _, Result, bail};
use snow_dist_runtime::{Context, Message, Pid, Received};

/// Receives a message. Nothing else must come.
pub(super) async fn message(ctx: &mut Context) -> Result<Message> {
    match ctx.recv().await {
        Received::Message(message) => Ok(message),
        other => bail!("a message was awaited and {other:?} came"),
    }
}

/// Asks a process of the other side for what it has to say.
pub(super) async fn ask(ctx: &mut Context, whom: Pid) -> Result<()> {
    let asker = format!("{} {}", ctx.node().name(), ctx.pid().local());
    Ok(ctx.send(whom, asker).await?)
}

/// Waits until somebody asks, and gives who: the name of the node, and the process.
pub(super) async fn asked(ctx: &mut Context) -> Result<(String, Pid)> {
    let message = message(ctx).await?;
    let (node, _) = parts(&message)?;
    Ok((node.to_owned(), asker(ctx, &message)?))
}

/// Who asks with this message.
pub(super) fn asker(ctx: &Context, message: &Message) -> Result<Pid> {
    let (node, local) = parts(message)?;
    ctx.node().pid_on(node, local.parse()?).context("there is no session with the asker")
}

fn parts(message: &Message) -> Result<(&str, &str)> {
    str::from_utf8(message.as_bytes())?.split_once(' ').context("nobody asks like this")
}

/// Answers with a number.
pub(super) async fn answer(ctx: &Context, asker: Pid, number: u64) -> Result<()> {
    Ok(ctx.node().send(asker, &number.to_le_bytes()).await?)
}

/// Waits for the answer.
pub(super) async fn answered(ctx: &mut Context) -> Result<u64> {
    let message = message(ctx).await?;
    Ok(u64::from_le_bytes(message.as_bytes().try_into()?))
}
