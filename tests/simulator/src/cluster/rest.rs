//! What was given is held against the reference; and the whole cluster, when it is at rest.

use snow_dist_runtime::core::{NodeNumber, Pid, Reason as CoreReason};

use super::Cluster;
use super::connection::{Connection, Stage};
use super::table::Seen;
use crate::coverage::Of;
use crate::oracle::{Brings, Checked, Reason, Who, check};

const GIVEN: &str = "a process is given what is due to it, and nothing else";

impl Connection {
    /// Which end is on this start of a node.
    pub(super) fn end_of(&self, node: usize, start: u32) -> usize {
        usize::from((self.ends[0].node, self.ends[0].start) != (node, start))
    }
}

impl Cluster<'_> {
    /// What the processes of a node were given must be what was due to them.
    pub(super) fn confirm(&mut self, node: usize, due: &[Brings]) -> Checked {
        let seen = std::mem::take(&mut self.seen);
        let mut given = Vec::with_capacity(seen.len());
        for it in &seen {
            given.push(self.in_truth(node, it)?);
        }
        let is_exit = |brings: &&Brings| matches!(brings, Brings::Exit(..));
        let exits = given.iter().take_while(is_exit).count();
        check(
            given.iter().skip(exits).all(|it| !is_exit(&it)),
            "all exits come before the DOWNs of a lost session",
            || format!("{given:?}"),
        )?;
        for it in &given {
            self.note_given(node, it)?;
        }
        given.sort_by_key(key);
        let is_it = given.len() == due.len() && given.iter().zip(due).all(|(given, due)| given == due);
        check(is_it, GIVEN, || format!("node {node}: due is {due:?}, given was {given:?}"))?;
        self.seen = seen;
        Ok(())
    }

    fn in_truth(&mut self, node: usize, seen: &Seen) -> Checked<Brings> {
        Ok(match seen {
            Seen::Message { local, number, bytes } => {
                let to = Who { start: self.nodes[node].start, local: *local };
                self.truth.delivered(*number, to, *bytes)?;
                Brings::Message(*local, *number)
            }
            Seen::Term { local, number, bytes, pid } => {
                let to = Who { start: self.nodes[node].start, local: *local };
                self.truth.delivered(*number, to, *bytes)?;
                self.truth.is_told(*number, self.hop(node, *pid))?;
                Brings::Message(*local, *number)
            }
            Seen::Exit { local, from, reason } => {
                Brings::Exit(*local, self.who(node, *from)?, self.reason_in_truth(node, reason)?)
            }
            Seen::Down { local, reference, from, reason } => {
                Brings::Down(*local, *reference, self.who(node, *from)?, self.reason_in_truth(node, reason)?)
            }
        })
    }

    fn who(&self, node: usize, pid: Pid) -> Checked<Who> {
        let found = self.hop(node, pid);
        check(found.is_some(), "a signal comes from a process that can be named", || {
            format!("{pid} at node {node}")
        })?;
        Ok(found.unwrap_or(Who { start: u32::MAX, local: 0 }))
    }

    fn hop(&self, node: usize, pid: Pid) -> Option<Who> {
        let start = match pid.node() {
            NodeNumber::HERE => Some(self.nodes[node].start),
            NodeNumber::UNKNOWN => None,
            number => self.nodes[node].numbers.get(&number).copied(),
        }?;
        Some(Who { start, local: pid.local() as u32 })
    }

    fn reason_in_truth(&mut self, node: usize, reason: &CoreReason) -> Checked<Reason> {
        let CoreReason::Linked(chain) = reason else { return Ok(Reason::of(reason.clone())) };
        let hops: Vec<_> = chain.hops.iter().map(|hop| self.hop(node, *hop)).collect();
        for hop in &hops {
            self.coverage.count(if hop.is_some() { Of::Named } else { Of::Unnamed });
        }
        Ok(Reason { hops: Some(hops.into()), root: chain.root.clone() })
    }

    /// Counts it, and says what has ended a process that it ended.
    fn note_given(&mut self, node: usize, given: &Brings) -> Checked {
        match given {
            Brings::Message(..) => self.coverage.count(Of::Received),
            Brings::Exit(local, from, reason) => {
                self.coverage.count(Of::Exits);
                if *reason == Reason::noproc() {
                    self.coverage.count(Of::Noprocs);
                }
                if reason.root == CoreReason::Noconnection {
                    self.coverage.count(Of::Noconnections);
                }
                if let Some(process) = self.nodes[node].table.get(*local)
                    && process.ended.is_some()
                    && process.truth.is_none()
                {
                    process.truth = Some(reason.linked(*from));
                    self.coverage.count(Of::Killed);
                }
            }
            Brings::Down(_, _, _, reason) => {
                self.coverage.count(Of::Downs);
                if reason.root == CoreReason::Noconnection {
                    self.coverage.count(Of::DownsLost);
                }
            }
        }
        Ok(())
    }

    /// Nothing goes wrong any more: whoever has to do with whom wants a session.
    pub(super) fn make_up(&mut self) {
        for (node, peer) in self.plan.edges.clone() {
            let (node, peer) = if self.random.chance(500) { (node, peer) } else { (peer, node) };
            let wait = self.random.below(20_000_000);
            self.after(wait, super::Step::Dial { node: node as u32, peer: peer as u32, elections: 0 });
        }
    }

    /// Nothing is under way, and both ends of everything agree.
    pub(super) fn is_at_rest(&self) -> Checked {
        const AGREED: &str = "both ends agree at rest";
        for connection in self.live.clone() {
            let Some(it) = &self.connections[connection as usize] else { continue };
            let both = it.ends.iter().all(|end| matches!(end.stage, Stage::Session));
            let stages = || {
                let [one, other] = &it.ends;
                let (stages, nodes) = ([one.stage.name(), other.stage.name()], [one.node, other.node]);
                format!("connection {connection} of nodes {nodes:?} is {stages:?}")
            };
            check(both, AGREED, stages)?;
            for end in 0..2 {
                let here = &self.nodes[it.ends[end].node];
                let peer = it.ends[1 - end].node;
                check(here.watched[peer] == Some((connection, end)), AGREED, stages)?;
                let recorded = here.epochs.session(&self.plan.nodes[peer].name);
                check(recorded == Some(it.ends[end].id), AGREED, stages)?;
                self.session_is_at_rest(connection, it, end)?;
            }
        }
        Ok(())
    }

    fn session_is_at_rest(&self, connection: u32, it: &Connection, end: usize) -> Checked {
        let (Some(joint), Some(driver)) = (&self.joints[connection as usize], &it.ends[end].driver) else {
            return check(false, "a session has a driver", || format!("connection {connection}"));
        };
        joint.agrees()?;
        let (sizes, due) = (driver.session.table_sizes(), joint.sizes(end));
        check(sizes == due, "the core's tables are those of the reference at rest", || {
            format!("{sizes:?} and {due:?} at node {}", it.ends[end].node)
        })?;
        let (here, peer) = driver.session.places();
        let all = sizes.0 + sizes.1 + sizes.2;
        check((here + peer) as usize == all, "at rest each link and monitor has one place", || {
            format!("{here} and {peer} places for {sizes:?} at node {}", it.ends[end].node)
        })?;
        check(
            driver.session.waiting_bytes() == 0 && driver.waiting.is_empty(),
            "at rest nothing waits",
            || format!("{} bytes at node {}", driver.session.waiting_bytes(), it.ends[end].node),
        )
    }

    /// Every process ends.
    pub(super) fn end_all(&mut self) -> Checked {
        for node in 0..self.nodes.len() {
            for local in self.nodes[node].table.alive() {
                self.end_process(node, local, u64::from(local))?;
            }
        }
        Ok(())
    }

    /// Nothing is left of all that was.
    pub(super) fn is_empty(&self) -> Checked {
        self.is_at_rest()?;
        for connection in &self.live {
            let Some(it) = &self.connections[*connection as usize] else { continue };
            for end in &it.ends {
                let Some(driver) = &end.driver else { continue };
                let (sizes, places) = (driver.session.table_sizes(), driver.session.places());
                check(
                    sizes == (0, 0, 0) && places == (0, 0),
                    "nothing is left when all processes have ended",
                    || format!("{sizes:?} and places {places:?} at node {}", end.node),
                )?;
            }
        }
        Ok(())
    }
}

/// The order in which the reference says what is due.
fn key(brings: &Brings) -> (u8, u64, u64) {
    match brings {
        Brings::Message(local, number) => (0, u64::from(*local), u64::from(*number)),
        Brings::Exit(local, from, _) => (1, u64::from(*local), u64::from(from.local)),
        Brings::Down(_, reference, ..) => (2, *reference, 0),
    }
}
