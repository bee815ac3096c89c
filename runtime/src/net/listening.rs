//! Accepting connections.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::SetOnce;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::{Net, connection};
use crate::foreign::event;
use crate::network::{Listener, Listening};
use crate::notices::Limiter;

/// The pause of the listener when the operating system has no resources for another connection.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections once `opened` is set, with a task for each, until it is aborted.
pub(super) fn listen(
    net: Arc<Net>,
    mut listener: Listening<impl Listener>,
    opened: Arc<SetOnce<()>>,
) -> JoinHandle<()> {
    let runtime = net.runtime.clone();
    let mut failures = Limiter::new(1);
    runtime.spawn(async move {
        opened.wait().await;
        loop {
            match listener.accept().await {
                Ok((stream, from)) => {
                    //= spec/connection.md#con-plc-006
                    //# An acceptor MUST NOT let the handshake on one connection wait for what another
                    //# connection sends.
                    //= spec/connection.md#con-err-002
                    //# A node MUST NOT end or delay a session because of an error in another one.
                    net.runtime.spawn(connection::accept(net.clone(), stream, from));
                }
                // Of that one connection, which is gone.
                Err(error) if is_of_one(&error) => {}
                // Out of descriptors, most likely: the connections there are go on, and some of them end.
                Err(error) => {
                    if let Some(times) = failures.count(net.registry.clock.now()) {
                        event!(connections, WARN, %error, times, "no connection can be accepted");
                    }
                    sleep(EXHAUSTED_PAUSE).await;
                }
            }
        }
    })
}

/// Returns `true` if an error of `accept` concerns one connection, and not the listener.
fn is_of_one(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionReset)
}
