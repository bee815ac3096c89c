//! Dials that the endpoint asks for: to nodes that are kept connected.

use std::sync::Arc;

use tokio::sync::SetOnce;

use super::{Net, connection};
use crate::core::endpoint::Dial;
use crate::random::randomness;

/// Dials whatever the endpoint asks for, from when the node listens: whom it dials finds no empty node.
pub(super) async fn dial_kept(net: Arc<Net>, opened: Arc<SetOnce<()>>) {
    opened.wait().await;
    loop {
        for name in net.registry.asked().await {
            dial(&net, name);
        }
    }
}

/// What comes of it, the endpoint hears of the connection.
fn dial(net: &Arc<Net>, name: Arc<str>) {
    let random = match randomness() {
        Ok(random) => random,
        Err(error) => return net.registry.cannot_dial(&name, &error),
    };
    if let Dial::Start(_, session) = net.registry.dial(&name, random) {
        net.runtime.spawn(connection::dial(net.clone(), name, session));
    }
}
