//! Dials to nodes that are kept connected, which the endpoint requests.

use std::sync::Arc;

use tokio::sync::SetOnce;

use super::{Net, connection};
use crate::core::endpoint::Dial;
use crate::random::randomness;

/// Dials the nodes that the endpoint requests, once this node listens, so that peers find its processes ready.
pub(super) async fn dial_kept(net: Arc<Net>, opened: Arc<SetOnce<()>>) {
    opened.wait().await;
    loop {
        for name in net.registry.asked().await {
            dial(&net, name);
        }
    }
}

/// Dials a node. The endpoint learns of the outcome from the connection.
fn dial(net: &Arc<Net>, name: Arc<str>) {
    let random = match randomness() {
        Ok(random) => random,
        Err(error) => return net.registry.cannot_dial(&name, &error),
    };
    if let Dial::Start(_, session) = net.registry.dial(&name, random) {
        net.runtime.spawn(connection::dial(net.clone(), name, session));
    }
}
