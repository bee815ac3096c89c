//! A smaller script that still breaks the same promise.

use crate::script::{Act, Script};

/// Runs that are made for it.
const RUNS_MAX: usize = 600;

/// Leaves out what is not needed, as long as the rest still breaks the promise: nodes one after the other, then
/// halves, quarters and so on of what happens, down to single acts.
pub(crate) fn shrink(mut script: Script, breaks_it: impl Fn(&Script) -> bool) -> Script {
    let mut runs = 0;
    let mut keeps = |smaller: &Script| {
        runs += 1;
        runs <= RUNS_MAX && breaks_it(smaller)
    };
    for node in 0..crate::NODES_MAX as u8 {
        let without: Script = script.iter().filter(|(_, act)| !act.is_of(node)).copied().collect();
        if without.len() < script.len() && keeps(&without) {
            script = without;
        }
    }
    let mut part = script.len().div_ceil(2);
    while part > 0 {
        let mut begin = 0;
        let mut has_shrunk = false;
        while begin < script.len() {
            let end = (begin + part).min(script.len());
            let without: Script = [&script[..begin], &script[end..]].concat();
            if keeps(&without) {
                script = without;
                has_shrunk = true;
            } else {
                begin = end;
            }
        }
        if part == 1 && !has_shrunk {
            break;
        }
        part = if part == 1 { 1 } else { part / 2 };
    }
    script
}

impl Act {
    /// Whether a node has to do with it.
    fn is_of(&self, node: u8) -> bool {
        match *self {
            Self::Process { who, whom, .. } | Self::Flood { who, whom, .. } => {
                who.node == node || whom.node == node
            }
            Self::Name { who, .. } | Self::Group { who, .. } => who.node == node,
            Self::Dial { node: one, peer }
            | Self::BothDial { node: one, peer }
            | Self::Disconnect { node: one, peer }
            | Self::Cut { node: one, peer, .. }
            | Self::Silence { node: one, peer, .. }
            | Self::Stall { node: one, peer, .. }
            | Self::Slow { node: one, peer, .. } => one == node || peer == node,
            Self::Restart { node: one, .. }
            | Self::Suspend { node: one, .. }
            | Self::MassEnd { node: one, .. } => one == node,
            Self::Part { .. } | Self::Complete { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_needed_is_left_out() {
        let script: Script =
            (0..200).map(|at| (at, Act::Suspend { node: (at % 7) as u8, time: at, clock: false })).collect();
        let needed =
            |script: &Script| [11, 12, 150].iter().all(|time| script.iter().any(|(at, _)| at == time));
        let times: Vec<_> = shrink(script, needed).into_iter().map(|(at, _)| at).collect();
        assert_eq!(times, [11, 12, 150]);
    }
}
