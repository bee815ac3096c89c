//! The rights of a peer in a session, by the operator's rules.

use super::Local;
use crate::core::Allowed;
use crate::core::session::Rights;

impl Local {
    /// Returns the rights of the peer of this name.
    //= spec/session.md#ses-glb-018
    //# A node MAY let its operator say from which peers it takes global names.
    pub(in crate::core) fn rights_of(&self, peer: &str, is_version_1: bool) -> Rights {
        Rights {
            spawn: self.remote_spawn.allows(peer),
            global_names: self.global_names.allows(peer),
            peer_lists: self.hears_lists(is_version_1),
        }
    }

    /// Returns `true` if a name is dialled because it is in a peer's list. `of_version_1` is set if that peer speaks
    /// version 1.
    //= spec/session.md#ses-lst-002
    //# A node MUST NOT dial a name because of a PEER_LIST unless its operator has allowed that name, or every name.
    //= spec/version1.md#v1-lst-001
    //# A node MUST NOT dial a name from a PEER_LIST of a version 1 peer unless its operator has allowed that name.
    pub(in crate::core) fn obeys_list(&self, name: &str, of_version_1: bool) -> bool {
        self.hears_lists(of_version_1) && self.peer_lists.allows(name)
    }

    /// Returns `true` if any name in a list of such a peer can be dialled.
    const fn hears_lists(&self, of_version_1: bool) -> bool {
        match self.peer_lists {
            Allowed::Nobody => false,
            Allowed::Only(_) => true,
            // A rule that allows names without naming them does not apply to lists of version 1 nodes.
            Allowed::Except(_) | Allowed::Everyone => !of_version_1,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use snow_dist_codec::NodeName;

    use super::*;
    use crate::core::Cookie;

    fn node() -> Local {
        let cookie = Cookie::new(b"correct-horse-battery-staple").unwrap();
        Local::new(NodeName::parse("a@h:1").unwrap(), NonZeroU64::MIN, cookie.into())
    }

    //= spec/version1.md#v1-lst-001
    //= type=test
    //# A node MUST NOT dial a name from a PEER_LIST of a version 1 peer unless its operator has allowed that name.
    #[test]
    fn leave_to_dial_every_name_does_not_extend_to_lists_of_version_1_nodes() {
        let [only, except] = [Allowed::only(["b@h:1"]), Allowed::except(["b@h:1"])].map(Result::unwrap);
        for (allowed, name, of_version_2, of_version_1) in [
            (&Allowed::Nobody, "b@h:1", false, false),
            (&only, "b@h:1", true, true),
            (&only, "c@h:1", false, false),
            (&except, "b@h:1", false, false),
            (&except, "c@h:1", true, false),
            (&Allowed::Everyone, "c@h:1", true, false),
        ] {
            let mut local = node();
            local.peer_lists = allowed.clone();
            let dials = [false, true].map(|of_version_1| local.obeys_list(name, of_version_1));
            assert_eq!(dials, [of_version_2, of_version_1], "{allowed:?} {name}");
        }
    }

    //= spec/session.md#ses-glb-018
    //= type=test
    //# A node MAY let its operator say from which peers it takes global names.
    #[test]
    fn each_peer_has_the_rights_that_the_rules_give_to_its_name() {
        assert_eq!(node().rights_of("b@h:1", false), Rights::default(), "without rules");
        let mut local = node();
        local.remote_spawn = Allowed::only(["b@h:1"]).unwrap();
        local.global_names = Allowed::except(["b@h:1"]).unwrap();
        local.peer_lists = Allowed::Everyone;
        let (of_b, of_c) = (local.rights_of("b@h:1", false), local.rights_of("c@h:1", true));
        assert_eq!(of_b, Rights { spawn: true, global_names: false, peer_lists: true });
        assert_eq!(of_c, Rights { spawn: false, global_names: true, peer_lists: false });
    }
}
