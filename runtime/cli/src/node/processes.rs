//! The processes of the prompt: what they do with what they receive.

use snow_dist_runtime::{Context, Received};

use super::console::Console;
use super::terms;

/// A process that does nothing but show what it receives.
pub(super) const PRINTER: &str = "printer";
/// One that replies to each call with what it was called with, as well.
pub(super) const ECHO: &str = "echo";

/// What a process of the prompt can be, with what it does.
pub(super) const FUNCTIONS: [(&str, &str); 2] = [
    (PRINTER, "shows what it receives; `reply` answers its calls"),
    (ECHO, "shows what it receives, and answers each call with what it was called with"),
];

/// Shows all that comes, for ever.
pub(super) async fn print(mut ctx: Context, console: Console) {
    loop {
        let received = ctx.recv().await;
        console.received(ctx.pid(), received);
    }
}

/// The same, and answers calls.
pub(super) async fn echo(mut ctx: Context, console: Console) {
    loop {
        match ctx.recv().await {
            Received::Call(call) => {
                let (from, request) = (console.shown(call.from()), terms::shown(call.message()));
                console.happens(format!("{} answers {from}: {request}", console.shown(ctx.pid())));
                if let Ok(term) = terms::again(call.message()) {
                    // Who has given up waiting needs no answer.
                    let _ = call.into_replier().reply_written(term).await;
                }
            }
            received => console.received(ctx.pid(), received),
        }
    }
}
