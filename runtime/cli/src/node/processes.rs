//! The processes of the prompt: what they do with what they receive.

use snow_dist_runtime::{Allowed, Context, Message, Node, Received, RegisterFunctionError};

use super::console::Console;
use super::terms;

/// A process that does nothing but show what it receives.
pub(super) const PRINTER: &str = "printer";
/// One that replies to each call with what it was called with, as well.
pub(super) const ECHO: &str = "echo";

/// The functions that this node offers, to itself and to all others.
pub(super) const FUNCTIONS: [&str; 2] = [PRINTER, ECHO];

/// Registers the functions, by which the prompt and other nodes start processes here.
pub(super) fn offer(node: &Node, console: &Console) -> Result<(), RegisterFunctionError> {
    let of_printer = console.clone();
    node.register_function_of_message(PRINTER, Allowed::Everyone, move |ctx: Context, arguments| {
        let console = of_printer.clone();
        async move {
            begin(&ctx, &console, &arguments).await;
            print(ctx, console).await;
        }
    })?;
    let of_echo = console.clone();
    node.register_function_of_message(ECHO, Allowed::Everyone, move |ctx: Context, arguments| {
        let console = of_echo.clone();
        async move {
            begin(&ctx, &console, &arguments).await;
            echo(ctx, console).await;
        }
    })
}

/// A process begins: its end will be told, if it has a number.
async fn begin(ctx: &Context, console: &Console, arguments: &Message) {
    if let Some(number) = console.add_of_peer(ctx.pid())
        && let Some((_, own)) = console.own()
        && let Ok(watch) = own.monitor(ctx.pid()).await
    {
        console.watch(watch, number);
    }
    console.happens(format!("{} begins with {}", console.shown(ctx.pid()), terms::shown(arguments)));
}

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
