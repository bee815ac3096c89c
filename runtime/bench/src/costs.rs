//! What a message costs in instructions: between two hosts on the engine, whose streams are buffers, and between two nodes on
//! tokio over TLS, all in one process. `costs.sh` counts them.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use clap::ValueEnum;
use snow_dist_runtime::core::connection::Transmit;
use snow_dist_runtime::core::handshake::Channel;
use snow_dist_runtime::core::host::{Event, Host, Input, Mailboxes, Settings, Written};
use snow_dist_runtime::core::peers::ConnectionId;
use snow_dist_runtime::core::{Cookie, Dial};
use snow_dist_runtime::{Node, NodeName};

static MESSAGE: [u8; 100] = [7; 100];
/// Bytes that are carried at once.
const BLOCK_BYTES: usize = 16 << 10;
const COOKIE: &str = "a cookie of thirty-two letters..";
const NOW: Duration = Duration::ZERO;

/// Who carries the messages.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Way {
    Engine,
    Tokio,
}

impl Way {
    /// Sends so many messages, `batch` of them before the other end has to have received them.
    pub(crate) fn send(self, messages: usize, batch: usize) -> Result<()> {
        match self {
            Self::Engine => engine(messages, batch),
            Self::Tokio => tokio(messages, batch),
        }
    }
}

/// One process, which counts what it is given.
#[derive(Default)]
struct Counter(usize);

impl Mailboxes for Counter {
    fn has(&self, local: u64) -> bool {
        local == 1
    }

    fn registered(&self, _: &str) -> Option<u64> {
        None
    }

    fn traps_exits(&self, _: u64) -> bool {
        false
    }

    fn watching(&self, _: &str) -> Vec<u64> {
        Vec::new()
    }

    fn put(&mut self, _: u64, event: Event) {
        self.0 += usize::from(matches!(event, Event::Message(_)));
    }
}

type End = (Host<Counter>, ConnectionId);

fn host(name: &str) -> Result<Host<Counter>> {
    let settings = Settings::new(NodeName::parse(name)?, Cookie::new(COOKIE)?, [7; 32]);
    Ok(Host::new(settings, Counter::default()))
}

/// Brings what one end has to write to the other. True if that was something.
fn carry((from, id): &mut End, (to, other): &mut End, block: &mut Vec<u8>) -> bool {
    block.clear();
    let Some(Transmit::Bytes { .. }) = from.transmit(*id, block, BLOCK_BYTES, NOW) else { return false };
    from.handle_written(*id, Written::All, NOW);
    to.handle_input(*other, Input::Bytes(block), NOW);
    true
}

fn engine(messages: usize, batch: usize) -> Result<()> {
    let (mut a, mut b, mut block) = (host("a@host:1")?, host("b@host:1")?, Vec::new());
    let Dial::Start(dialled, _) = a.dial("b@host:1", NOW)? else { bail!("no dial") };
    let accepted = b.accept("192.0.2.1:4000".parse()?, NOW).context("stopped")?;
    let (mut a, mut b) = ((a, dialled), (b, accepted));
    for (host, id) in [&mut a, &mut b] {
        host.handle_input(*id, Input::Secured(Channel::Tls13 { exporter: [3; 32] }), NOW);
    }
    while carry(&mut a, &mut b, &mut block) | carry(&mut b, &mut a, &mut block) {}
    let to = a.0.pid_on("b@host:1", 1).context("no session")?;
    for _ in 0..messages / batch {
        for _ in 0..batch {
            a.0.send(1, to, &MESSAGE)?;
        }
        while carry(&mut a, &mut b, &mut block) {}
    }
    ensure!(b.0.processes.0 == messages, "all messages have come");
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn tokio(messages: usize, batch: usize) -> Result<()> {
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
