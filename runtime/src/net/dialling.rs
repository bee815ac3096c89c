//! Establishing sessions: dialling, and waiting for other connections.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Net;
use super::connection::{self, Opened};
use crate::connect_error::{ConnectError, Stage};
use crate::core::endpoint::{Attempts, Dial};
use crate::core::limits::{ACK_DEADLINE, HANDSHAKE_DEADLINE, SHUTDOWN_PATIENCE, VERSION_1_CLEANUP};
use crate::core::name_to_dial;
use crate::foreign::apart;
use crate::random::randomness;
use crate::sessions::SessionHandle;

/// The time that a caller waits for a connection that is already being made, and for the end of the session before
/// it.
const UNDERWAY_DEADLINE: Duration = SHUTDOWN_PATIENCE
    .saturating_add(VERSION_1_CLEANUP)
    .saturating_add(HANDSHAKE_DEADLINE)
    .saturating_add(ACK_DEADLINE);

impl Net {
    /// Establishes a session with the node `name`, if there is none.
    pub(super) async fn connect(self: &Arc<Self>, name: &str) -> Result<(), ConnectError> {
        let name = name_to_dial(name)?;
        let (clock, mut attempts) = (self.registry.clock, Attempts::default());
        loop {
            let (registry, name) = (self.registry.clone(), name.clone());
            match registry.dial(&name, randomness()?) {
                Dial::Up => return Ok(()),
                Dial::OwnName => return Err(ConnectError::OwnName),
                Dial::Busy => return Err(ConnectError::Busy),
                Dial::Stopped => return Err(ConnectError::Stopped),
                Dial::Underway => {
                    let settled =
                        async move { clock.wait_for(UNDERWAY_DEADLINE, registry.settled(&name)).await };
                    self.on_runtime(settled).await?.ok_or(ConnectError::Deadline(Stage::Turn))?;
                }
                Dial::Later(at) => {
                    self.on_runtime(async move { registry.up_before(&name, at).await }).await?;
                }
                Dial::Start(_, session) => {
                    attempts.begin(clock.now());
                    let Err(failed) = self.dial(name.clone(), session).await? else { return Ok(()) };
                    let closed_early = matches!(failed.error, ConnectError::ClosedEarly(_));
                    match registry.again(&mut attempts, &name, &failed.ending, closed_early) {
                        Some(pause) => self.on_runtime(async move { sleep(pause).await }).await?,
                        None => return Err(failed.error),
                    }
                }
            }
        }
    }

    /// Dials in a separate task. The election waits for a dial that has begun, so the dial must continue even if
    /// the caller does not.
    async fn dial(
        self: &Arc<Self>,
        name: Arc<str>,
        session: Arc<SessionHandle>,
    ) -> Result<Opened, ConnectError> {
        let dial = self.runtime.spawn(connection::dial(self.clone(), name, session));
        apart(dial).await.map_err(ConnectError::of_task)
    }

    /// Runs a future that needs timers on the node's own runtime, and ends it when this is dropped: the caller may
    /// be on another runtime, or on none.
    async fn on_runtime<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, ConnectError> {
        let mut tasks = JoinSet::new();
        tasks.spawn_on(task, &self.runtime);
        match apart(tasks.join_next()).await {
            Some(done) => done.map_err(ConnectError::of_task),
            None => Err(ConnectError::RuntimeGone),
        }
    }
}
