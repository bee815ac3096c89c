//! The interface of a node's connections for its program.

use std::num::NonZeroU64;
use std::sync::Arc;

use tokio::sync::SetOnce;
use tokio::task::JoinHandle;

use super::{Net, keeping, listening};
use crate::connect_error::ConnectError;
use crate::core::endpoint::{KeptNode, NotKept};
use crate::core::{Cookies, Pid, Shown, name_to_dial};
use crate::discovery::{DiscoverError, Discoveries, Discovering, DiscoveryStatus, Holder, Keep, Planned};
use crate::error::ReloadError;
use crate::foreign::{apart, event};
use crate::network::{Listener, Listening};
use crate::notices::ConnectionCounts;
use crate::peer_info::PeerInfo;
use crate::process::remote::{Connections, Later, Towards};
use crate::sessions::Registry;
use crate::stats::{PeerStats, SessionTotals};
use crate::sync::Mutex;
use crate::tls::Certificates;

/// The network part of a node. It stops listening when it is dropped.
pub(super) struct Front {
    net: Arc<Net>,
    /// Set when incoming connections are accepted.
    opened: Arc<SetOnce<()>>,
    listeners: Mutex<Vec<JoinHandle<()>>>,
    /// The task that dials the nodes that are kept connected.
    keeper: JoinHandle<()>,
    discoveries: Discoveries,
}

impl Front {
    /// Creates the network part, which does not accept connections yet.
    pub(super) fn new(net: Arc<Net>, listeners: Vec<Listening<impl Listener>>) -> Self {
        let opened = Arc::new(SetOnce::new());
        let listen = |listener| listening::listen(net.clone(), listener, opened.clone());
        let listeners = Mutex::new(listeners.into_iter().map(listen).collect());
        let keeper = net.runtime.spawn(keeping::dial_kept(net.clone(), opened.clone()));
        Self { net, opened, listeners, keeper, discoveries: Discoveries::default() }
    }

    async fn stop(&self) {
        // All is told to end before anything is waited for: whoever waits no longer leaves a node that stops.
        let listeners = std::mem::take(&mut *self.listeners.lock());
        listeners.iter().for_each(JoinHandle::abort);
        self.keeper.abort();
        let discoveries_ended = self.discoveries.stop();
        let registry = &self.net.registry;
        registry.stop();
        for listener in listeners {
            // It has been aborted: that is its result.
            let _ = apart(listener).await;
        }
        discoveries_ended.await;
        registry.idle().await;
    }
}

impl Keep for Arc<Registry> {
    fn keep(&self, name: &Arc<str>) -> Result<(), NotKept> {
        Registry::keep(self, name)
    }

    fn let_go(&self, name: &str) -> bool {
        Registry::let_go(self, name)
    }
}

impl Connections for Front {
    fn incarnation(&self) -> NonZeroU64 {
        self.net.registry.incarnation
    }

    fn listen(&self) {
        // A second time changes nothing.
        let _ = self.opened.set(());
    }

    fn connect<'a>(&'a self, name: &'a str) -> Later<'a, Result<(), ConnectError>> {
        Box::pin(self.net.connect(name))
    }

    fn disconnect(&self, name: &str) -> bool {
        self.net.registry.disconnect(name)
    }

    fn reach<'a>(&'a self, towards: Towards<'a>) -> Option<Later<'a, ()>> {
        if !self.net.dials_when_needed {
            return None;
        }
        let name = match towards {
            Towards::Node(name) => name.into(),
            Towards::Process(pid) => self.net.registry.name_of(pid)?,
            Towards::Nobody => return None,
        };
        Some(Box::pin(async move {
            if let Err(error) = self.net.connect(&name).await {
                event!(connections, DEBUG, peer = %Shown(&name), %error, "a node that a process has turned to is not reached");
            }
        }))
    }

    fn keep(&self, name: &str) -> Result<(), NotKept> {
        self.net.holds.hold(Holder::PROGRAM, &name_to_dial(name)?)
    }

    fn let_go(&self, name: &str) -> bool {
        name_to_dial(name).is_ok_and(|name| self.net.holds.release(Holder::PROGRAM, &name))
    }

    fn kept(&self) -> Vec<KeptNode> {
        self.net.registry.kept()
    }

    fn discover(&self, planned: Planned) -> Result<Discovering, DiscoverError> {
        let Net { holds, runtime, .. } = &*self.net;
        self.discoveries.begin(planned, holds.clone(), runtime, self.opened.clone())
    }

    fn discoveries(&self) -> Vec<DiscoveryStatus> {
        self.discoveries.statuses()
    }

    fn nodes(&self) -> Vec<Arc<str>> {
        self.net.registry.routes.nodes()
    }

    fn peers(&self) -> Vec<PeerInfo> {
        let registry = &self.net.registry;
        registry.routes.peers(registry.clock.now())
    }

    fn pid_on(&self, node: &str, local: u64) -> Option<Pid> {
        self.net.registry.routes.pid_on(node, local)
    }

    fn node_of(&self, pid: Pid) -> Option<Arc<str>> {
        self.net.registry.routes.node_of(pid)
    }

    fn counts(&self) -> ConnectionCounts {
        self.net.registry.notices.connection_counts()
    }

    fn session_stats(&self) -> (Vec<PeerStats>, SessionTotals) {
        self.net.registry.session_stats()
    }

    fn reload(&self) -> Result<(), ReloadError> {
        self.net.reload()
    }

    fn set_cookies(&self, cookies: Cookies) {
        self.net.set_cookies(cookies);
    }

    fn set_certificates(&self, certificates: Certificates) -> Result<(), ReloadError> {
        self.net.set_certificates(certificates)
    }

    fn shutdown(&self) -> Later<'_, ()> {
        Box::pin(self.stop())
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.keeper.abort();
        self.listeners.lock().iter().for_each(JoinHandle::abort);
    }
}
