//! The settings of a node that is not started yet.

use std::num::NonZeroU16;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use snow_dist_runtime::{Allowed, Node, NodeBuilder, Timing};

use crate::failure::{Failure, Outcome};
use crate::handles::{Handles, Kind};
use crate::limits::{SNOW_BUILDERS_MAX, SNOW_THREADS_MAX};
use crate::node::Running;
use crate::types::snow_setting::{self, *};

pub(crate) static BUILDERS: Handles<Builder> = Handles::new(Kind::Builder, SNOW_BUILDERS_MAX);

pub(crate) struct Builder {
    pub(crate) id: u64,
    settings: Mutex<Settings>,
}

struct Settings {
    /// Taken for a moment by each change, and in the end by the start.
    node: Option<NodeBuilder>,
    threads: usize,
    timing: Timing,
    version_1: Vec<String>,
    remote_exit: Vec<String>,
}

impl Builder {
    pub(crate) fn of_name(name: &str) -> Outcome<Arc<Self>> {
        let node = Some(Node::builder(name));
        let settings = Settings {
            node,
            threads: 1,
            timing: Timing::default(),
            version_1: Vec::new(),
            remote_exit: Vec::new(),
        };
        BUILDERS.add(|id| Self { id, settings: Mutex::new(settings) })
    }

    fn lock(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn change(&self, change: impl FnOnce(NodeBuilder) -> NodeBuilder) {
        self.lock().change(change);
    }

    pub(crate) fn set(&self, setting: u32, value: u64) -> Outcome<()> {
        self.lock().set(setting, value)
    }

    /// Lets a version 1 node in, by its name; with the node id by which it will know this one, if that is not 0.
    pub(crate) fn version_1(&self, peer: &str, node_id: u16) -> Outcome<()> {
        let mut settings = self.lock();
        let allowed = one_more(&mut settings.version_1, peer)?;
        settings.change(|node| match NonZeroU16::new(node_id) {
            Some(node_id) => node.version_1(allowed).version_1_node_id(peer, node_id),
            None => node.version_1(allowed),
        });
        Ok(())
    }

    /// Lets a node send exit signals, by its name.
    pub(crate) fn remote_exit(&self, peer: &str) -> Outcome<()> {
        let mut settings = self.lock();
        let allowed = one_more(&mut settings.remote_exit, peer)?;
        settings.change(|node| node.remote_exit(allowed));
        Ok(())
    }

    /// Starts a node of these settings, and forgets them.
    pub(crate) fn start(&self) -> Outcome<Arc<Running>> {
        let (node, threads, timing) = {
            let mut settings = self.lock();
            (settings.node.take(), settings.threads, settings.timing)
        };
        let node = node.ok_or_else(|| Failure::argument("a node of these settings has been started"))?;
        Running::start(node.heartbeat(timing), threads)
    }
}

impl Settings {
    fn change(&mut self, change: impl FnOnce(NodeBuilder) -> NodeBuilder) {
        self.node = self.node.take().map(change);
    }

    /// Numbers that are too large for the runtime are refused by it, as the largest that it can be given.
    fn set(&mut self, setting: u32, value: u64) -> Outcome<()> {
        let setting = setting_of(setting)?;
        let size = usize::try_from(value).unwrap_or(usize::MAX);
        let count = u32::try_from(value).unwrap_or(u32::MAX);
        match setting {
            SNOW_SETTING_THREADS => {
                within(value, 1, SNOW_THREADS_MAX)?;
                self.threads = size;
            }
            SNOW_SETTING_HEARTBEAT_INTERVAL => self.timing.interval = Duration::from_millis(value),
            SNOW_SETTING_HEARTBEAT_TIMEOUT => self.timing.timeout = Duration::from_millis(value),
            SNOW_SETTING_FRAME_BYTES_MAX => self.change(|node| node.frame_bytes_max(count)),
            SNOW_SETTING_REASSEMBLY_BYTES_MAX => self.change(|node| node.reassembly_bytes_max(value)),
            SNOW_SETTING_FRAGMENTED_MESSAGES_MAX => self.change(|node| node.fragmented_messages_max(count)),
            SNOW_SETTING_LINKS_AND_MONITORS_MAX => self.change(|node| node.links_and_monitors_max(count)),
            SNOW_SETTING_HANDSHAKES_MAX => self.change(|node| node.handshakes_max(size)),
            SNOW_SETTING_HANDSHAKES_PER_ADDRESS_MAX => {
                self.change(|node| node.handshakes_per_address_max(size));
            }
            SNOW_SETTING_SESSIONS_MAX => self.change(|node| node.sessions_max(size)),
            SNOW_SETTING_SESSIONS_PER_ADDRESS_MAX => self.change(|node| node.sessions_per_address_max(size)),
            SNOW_SETTING_MAILBOX_REMOTE_BYTES_MAX => self.change(|node| node.mailbox_remote_bytes_max(size)),
            SNOW_SETTING_REMOTE_EXIT => {
                let allowed = if within(value, 0, 1)? == 1 { Allowed::Everyone } else { Allowed::Nobody };
                // The last call counts: names that are added from now on stand alone.
                self.remote_exit.clear();
                self.change(|node| node.remote_exit(allowed));
            }
            SNOW_SETTING_KEY_LOG => {
                let on = within(value, 0, 1)? == 1;
                self.change(|node| node.key_log(on));
            }
        }
        Ok(())
    }
}

/// Adds a node to those that something is allowed for.
fn one_more(peers: &mut Vec<String>, peer: &str) -> Outcome<Allowed> {
    let all = peers.iter().map(String::as_str).chain([peer]);
    let allowed = Allowed::only(all).map_err(|error| Failure::argument(error.to_string()))?;
    peers.push(peer.to_owned());
    Ok(allowed)
}

fn within(value: u64, least: u64, most: u64) -> Outcome<u64> {
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    Err(Failure::argument(format!("the value is {value}: it must be from {least} to {most}")))
}

fn setting_of(number: u32) -> Outcome<snow_setting> {
    const ALL: [snow_setting; 14] = [
        SNOW_SETTING_THREADS,
        SNOW_SETTING_HEARTBEAT_INTERVAL,
        SNOW_SETTING_HEARTBEAT_TIMEOUT,
        SNOW_SETTING_FRAME_BYTES_MAX,
        SNOW_SETTING_REASSEMBLY_BYTES_MAX,
        SNOW_SETTING_FRAGMENTED_MESSAGES_MAX,
        SNOW_SETTING_LINKS_AND_MONITORS_MAX,
        SNOW_SETTING_HANDSHAKES_MAX,
        SNOW_SETTING_HANDSHAKES_PER_ADDRESS_MAX,
        SNOW_SETTING_SESSIONS_MAX,
        SNOW_SETTING_SESSIONS_PER_ADDRESS_MAX,
        SNOW_SETTING_MAILBOX_REMOTE_BYTES_MAX,
        SNOW_SETTING_REMOTE_EXIT,
        SNOW_SETTING_KEY_LOG,
    ];
    let known = ALL.into_iter().find(|known| *known as u32 == number);
    known.ok_or_else(|| Failure::argument(format!("there is no setting {number}")))
}
