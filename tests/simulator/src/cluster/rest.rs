//! The whole cluster when it is at rest: both ends of everything agree, and nothing is left when all processes have ended.

use super::connection::{DIALLED, End};
use super::{At, Cluster, Step};
use crate::oracle::{Checked, Joint, check};

const AGREED: &str = "both ends agree at rest";

impl Cluster<'_> {
    /// Nothing goes wrong any more: whoever has to do with whom wants a session.
    pub(crate) fn make_up(&mut self) {
        // A mesh does by itself.
        if self.plan.is_mesh {
            return;
        }
        for (node, peer) in self.plan.edges.clone() {
            let (node, peer) = if self.random.chance(500) { (node, peer) } else { (peer, node) };
            let wait = self.random.below(20_000_000);
            self.after(wait, Step::Dial { node: node as u32, peer: peer as u32, again: false });
        }
    }

    /// Nothing is under way, and both ends of everything agree.
    pub(crate) fn is_at_rest(&mut self) -> Checked {
        self.is_complete()?;
        self.names_agree()?;
        self.groups_agree()?;
        for connection in self.live.clone() {
            for end in [DIALLED as u8, 1] {
                let at = At { connection, end };
                let Some(it) = &mut self.connections[connection as usize] else { continue };
                let peer = it.ends[at.other().end()].node;
                let end = &mut it.ends[at.end()];
                let here = &self.nodes[end.node];
                let is_session = end.is_open()
                    && here.watched[peer] == Some(at)
                    && here.endpoint.is_up(&self.plan.nodes[peer].name);
                check(is_session, AGREED, || {
                    format!("{at:?} is no session of node {} with node {peer}", here.index)
                })?;
                it.joint.agrees()?;
                end.is_at_rest(&it.joint, at)?;
                let held = here.table.requests.values().filter(|request| request.at == at);
                let open = held.filter(|request| it.joint.is_called(at.end(), request.caller.reference));
                let (held, open) = (open.count(), it.joint.calls(at.end()));
                check(held == open, "at rest each call is in somebody's hands", || {
                    format!("{held} of {open} at {at:?}")
                })?;
            }
        }
        Ok(())
    }

    /// Every process ends.
    pub(crate) fn end_all(&mut self) {
        self.is_ending = true;
        for node in 0..self.nodes.len() {
            for local in self.nodes[node].table.alive() {
                self.end_process(node, local, u64::from(local));
            }
        }
    }

    /// Nothing is left of all that was.
    pub(crate) fn is_empty(&mut self) -> Checked {
        self.is_at_rest()?;
        for it in self.connections.iter_mut().flatten() {
            for session in it.ends.iter_mut().filter_map(|end| end.engine.as_mut()?.session()) {
                let (sizes, places) = (session.table_sizes(), session.places());
                let is_empty = sizes == (0, 0, 0) && places == (0, 0);
                check(is_empty, "nothing is left when all processes have ended", || {
                    format!("{sizes:?} and places {places:?}")
                })?;
            }
        }
        Ok(())
    }
}

impl End {
    fn is_at_rest(&mut self, joint: &Joint, at: At) -> Checked {
        let Some(session) = self.engine.as_mut().and_then(|engine| engine.session()) else {
            return check(false, AGREED, || format!("{at:?} has no session"));
        };
        let (sizes, due) = (session.table_sizes(), joint.sizes(at.end()));
        check(sizes == due, "the core's tables are those of the reference at rest", || {
            format!("{sizes:?} and {due:?} at node {}", self.node)
        })?;
        let (here, peer) = session.places();
        let all = sizes.0 + sizes.1 + sizes.2;
        check((here + peer) as usize == all, "at rest each link and monitor has one place", || {
            format!("{here} and {peer} places for {sizes:?} at node {}", self.node)
        })?;
        check(session.waiting_bytes() == 0 && self.waiting.is_empty(), "at rest nothing waits", || {
            format!("{} bytes at node {}", session.waiting_bytes(), self.node)
        })
    }
}
