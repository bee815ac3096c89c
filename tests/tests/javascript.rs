//! The node in JavaScript, `tests/peers/javascript`, as a peer: it runs in a process of its own, and does as the lines
//! of its adapter say. Each story is told with either node as the initiator.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use snow_dist_runtime::{Context, Direction, Groups, Node, Pid, Reason, Received};
use snow_dist_tests::adapter::Adapter;
use tokio::sync::oneshot;
use tokio::time::timeout;

const ADAPTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/javascript/adapter.sh");
const COOKIE: &str = "a cookie for the tests of two languages";
const PATIENCE: Duration = Duration::from_secs(60);
const UNLINK_ID: u8 = 0x80;
const UNLINK_ACK: u8 = 0x81;

type Frames = Arc<Mutex<Vec<(bool, u8)>>>;

fn start() -> Adapter {
    Adapter::start(Command::new(ADAPTER), "script", COOKIE)
}

/// One story: a process of the node in Rust, and all of the node in JavaScript.
struct Story {
    ctx: Context,
    script: Adapter,
    node: Node,
    frames: Frames,
}

impl Story {
    async fn next(&mut self) -> Received {
        timeout(PATIENCE, self.ctx.recv()).await.unwrap()
    }

    fn pid(&self, local: u64) -> Pid {
        self.node.pid_on(&self.script.name, local).unwrap()
    }

    /// What this process has done for that one is handled when this message has arrived behind it.
    async fn settle(&mut self, local: u64) {
        self.ctx.send(self.pid(local), "settled").await.unwrap();
        self.script.sees(local, json!([{"message": hex::encode("settled")}])).await;
    }

    /// A process of the node in Rust that fails with this text when it gets a message.
    fn worker(&self, text: &'static str) -> u64 {
        let worker = self.node.spawn(async move |mut ctx| {
            ctx.recv().await;
            Reason::error(text)
        });
        worker.unwrap().local()
    }

    /// Sends, in JavaScript, from a process to one of the node in Rust.
    fn send_back(&mut self, process: u64, other: u64) {
        let node = self.node.name();
        self.script
            .ask(&json!({"do": "send", "process": process, "node": node, "other": other, "message": "00"}));
    }

    fn seen(&self, came: bool, tag: u8) -> bool {
        self.frames.lock().unwrap().contains(&(came, tag))
    }

    async fn connect(&mut self, script_dials: bool) {
        self.ctx.trap_exit(true);
        self.ctx.monitor_node(&self.script.name).unwrap();
        if script_dials {
            self.script.ask(&json!({"do": "connect", "to": self.node.name()}));
        } else {
            self.node.connect(&self.script.name).await.unwrap();
        }
        assert_eq!(self.next().await, Received::NodeUp { name: self.script.name.as_str().into() });
    }

    async fn named_sends(&mut self) {
        let echo = self.script.spawn();
        self.script.ask(&json!({"do": "register", "process": echo, "name": "echo"}));
        self.ctx.register("main").unwrap();
        self.ctx.send_named("echo", &self.script.name, "hello").await.unwrap();
        self.script.sees(echo, json!([{"message": hex::encode("hello")}])).await;
        self.script.ask(&json!({
            "do": "send", "process": echo, "node": self.node.name(), "other_name": "main",
            "message": hex::encode("hello"),
        }));
        assert_eq!(self.next().await.into_message().unwrap().as_bytes(), b"hello");
    }

    async fn links(&mut self) {
        let there = self.script.spawn();
        self.ctx.link(self.pid(there)).await.unwrap();
        self.settle(there).await;
        self.script.exit(there, "boom");
        let from = self.pid(there);
        assert_eq!(self.next().await, Received::Exit { from, reason: Reason::error("boom") });

        let (linked, worker) = (self.script.spawn_trapping(), self.worker("disk full"));
        let node = self.node.name().to_owned();
        self.script.ask(&json!({"do": "link", "process": linked, "node": node, "other": worker}));
        self.send_back(linked, worker);
        let exit = json!({"node": node, "process": worker});
        let reason = json!({"kind": "error", "text": "disk full"});
        self.script.sees(linked, json!([{"exit": exit, "reason": reason}])).await;
    }

    async fn monitors(&mut self) {
        let there = self.script.spawn();
        let reference = self.ctx.monitor(self.pid(there)).await.unwrap();
        self.settle(there).await;
        self.script.exit(there, "boom");
        let from = self.pid(there);
        assert_eq!(self.next().await, Received::Down { reference, from, reason: Reason::error("boom") });

        let (monitoring, worker) = (self.script.spawn(), self.worker("disk full"));
        let node = self.node.name().to_owned();
        let answer =
            self.script.ask(&json!({"do": "monitor", "process": monitoring, "node": node, "other": worker}));
        self.send_back(monitoring, worker);
        let down = json!({"node": node, "process": worker});
        let reason = json!({"kind": "error", "text": "disk full"});
        self.script
            .sees(monitoring, json!([{"down": down, "monitor": answer["monitor"], "reason": reason}]))
            .await;
    }

    async fn unlinks(&mut self) {
        let there = self.script.spawn();
        self.ctx.link(self.pid(there)).await.unwrap();
        self.ctx.unlink(self.pid(there));
        let reference = self.ctx.monitor(self.pid(there)).await.unwrap();
        self.settle(there).await;
        assert!(self.seen(false, UNLINK_ID));
        // The monitor is told of the end, and the link is not.
        self.script.exit(there, "boom");
        let from = self.pid(there);
        assert_eq!(self.next().await, Received::Down { reference, from, reason: Reason::error("boom") });
        assert!(self.seen(true, UNLINK_ACK));

        let (linked, worker) = (self.script.spawn(), self.worker("disk full"));
        let node = self.node.name().to_owned();
        for command in ["link", "unlink"] {
            self.script.ask(&json!({"do": command, "process": linked, "node": node, "other": worker}));
        }
        let monitored =
            self.script.ask(&json!({"do": "monitor", "process": linked, "node": node, "other": worker}));
        self.send_back(linked, worker);
        let down = json!({"node": node, "process": worker});
        let reason = json!({"kind": "error", "text": "disk full"});
        self.script
            .sees(linked, json!([{"down": down, "monitor": monitored["monitor"], "reason": reason}]))
            .await;
        assert!(self.seen(true, UNLINK_ID) && self.seen(false, UNLINK_ACK));
    }

    /// Members on both nodes, in both directions; the script's server is started when the session is up.
    async fn groups(&mut self) {
        let groups = self.node.groups().unwrap();
        let (own, script) = (self.node.name().to_owned(), self.script.name.clone());
        groups.join("chat", self.ctx.pid()).unwrap();
        let there = self.script.spawn();
        self.script.ask(&json!({"do": "join_group", "process": there, "group": "chat"}));
        let both = [self.ctx.pid(), self.pid(there)];
        knows(&groups, "chat", &both).await;
        assert_eq!(groups.send_all("chat", "hello").await, 2);
        assert_eq!(self.next().await.into_message().unwrap().as_bytes(), b"hello");
        self.script.sees(there, json!([{"message": hex::encode("hello")}])).await;
        let members =
            json!([{"node": script, "process": there}, {"node": own, "process": self.ctx.pid().local()}]);
        self.script.tells(&json!({"do": "group_members", "group": "chat"}), "members", &members).await;
        // A server that has ended takes its members with it, and another one is told all.
        self.node.kill(self.node.whereis("groups").unwrap()).unwrap();
        let alone = json!([{"node": script, "process": there}]);
        self.script.tells(&json!({"do": "group_members", "group": "chat"}), "members", &alone).await;
        let groups = self.node.groups().unwrap();
        knows(&groups, "chat", &both[1..]).await;
        groups.join("chat", self.ctx.pid()).unwrap();
        self.script.tells(&json!({"do": "group_members", "group": "chat"}), "members", &members).await;
        self.script.exit(there, "boom");
        knows(&groups, "chat", &both[..1]).await;
        assert_eq!(groups.counts().entries_ignored, 0);
    }

    async fn killed(&mut self) {
        let there = self.script.spawn();
        let reference = self.ctx.monitor(self.pid(there)).await.unwrap();
        self.ctx.link(self.pid(there)).await.unwrap();
        self.settle(there).await;
        let from = self.pid(there);
        self.script.kill();
        assert_eq!(self.next().await, Received::Exit { from, reason: Reason::Noconnection });
        assert_eq!(self.next().await, Received::Down { reference, from, reason: Reason::Noconnection });
        assert_eq!(self.next().await, Received::NodeDown { name: self.script.name.as_str().into() });
    }
}

/// Waits until the node in Rust knows these members of a group.
async fn knows(groups: &Groups, group: &str, members: &[Pid]) {
    let mut changes = groups.changes();
    let known = async {
        while groups.members(group) != members {
            changes.next().await.unwrap();
        }
    };
    timeout(PATIENCE, known).await.unwrap();
}

async fn tell(script_dials: bool) {
    let frames = Frames::default();
    let seen = Arc::clone(&frames);
    let tap = move |message: snow_dist_runtime::Seen<'_>| {
        if let (false, Some(tag)) = (message.handshake, message.payload.first()) {
            seen.lock().unwrap().push((matches!(message.direction, Direction::In), *tag));
        }
    };
    let node = Node::builder("rust@127.0.0.1:0").cookie(COOKIE).tap(tap).start().await.unwrap();
    let (done, told) = oneshot::channel();
    let own = node.clone();
    node.spawn(async move |ctx| {
        let mut story = Story { ctx, script: start(), node: own, frames };
        story.connect(script_dials).await;
        story.named_sends().await;
        story.links().await;
        story.monitors().await;
        story.unlinks().await;
        story.groups().await;
        story.killed().await;
        done.send(()).unwrap();
    })
    .unwrap();
    told.await.unwrap();
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs Node.js 20 or newer; .ci/run installs it and runs this"]
async fn the_script_accepts() {
    tell(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs Node.js 20 or newer; .ci/run installs it and runs this"]
async fn the_script_dials() {
    tell(true).await;
}
