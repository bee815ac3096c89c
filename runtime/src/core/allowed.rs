//! The nodes to which a rule of the operator applies.

use std::collections::BTreeSet;
use std::sync::Arc;

use snow_dist_codec::{NodeName, NodeNameError};

/// A rule that says which other nodes may do something, for example start processes on this node. The operator or the
/// program gives the names of these nodes.
///
/// A node is identified by the name, with its port, that it has shown in the handshake.
///
/// **Security.** Without certificates, anyone who knows the cookie can use any name that has no session at the time. A
/// version 1 node is identified only by the name that it claims. In both cases a rule protects against mistakes, and
/// not against members of the cluster. A rule that allows a few names then protects better than a rule that excludes a
/// few.
///
/// ```
/// use snow_dist_runtime::Allowed;
///
/// let supervisors = Allowed::only(["boss@10.0.0.1"]).unwrap();
/// assert!(supervisors.allows("boss@10.0.0.1:9000"));
/// assert!(!supervisors.allows("other@10.0.0.2:9000"));
/// assert!(Allowed::except(["boss@10.0.0.1"]).unwrap().allows("other@10.0.0.2:9000"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Allowed {
    /// No other node is allowed.
    Nobody,
    /// Only the nodes with these names are allowed. Each name must include its port.
    Only(BTreeSet<Arc<str>>),
    /// All nodes are allowed except those with these names. Each name must include its port.
    Except(BTreeSet<Arc<str>>),
    /// Every node is allowed.
    Everyone,
}

impl Allowed {
    /// Creates a rule that allows only the nodes with these names. A name without a port gets port 9000.
    ///
    /// # Errors
    /// Returns [`NodeNameError`] if one of the names is not a node name.
    //= spec/version1.md#v1-alw-001
    //# A node that can speak version 1 SHOULD let its operator allow it for single peers by name.
    pub fn only(names: impl IntoIterator<Item: AsRef<str>>) -> Result<Self, NodeNameError> {
        completed(names).map(Self::Only)
    }

    /// Creates a rule that allows all nodes except those with these names. A name without a port gets port 9000.
    ///
    /// # Errors
    /// Returns [`NodeNameError`] if one of the names is not a node name.
    pub fn except(names: impl IntoIterator<Item: AsRef<str>>) -> Result<Self, NodeNameError> {
        completed(names).map(Self::Except)
    }

    /// Returns `true` if the rule allows the node with this name. The name must include its port.
    #[must_use]
    pub fn allows(&self, name: &str) -> bool {
        match self {
            Self::Nobody => false,
            Self::Only(names) => names.contains(name),
            Self::Except(names) => !names.contains(name),
            Self::Everyone => true,
        }
    }
}

fn completed(names: impl IntoIterator<Item: AsRef<str>>) -> Result<BTreeSet<Arc<str>>, NodeNameError> {
    let complete = |name: &str| Ok(NodeName::parse(name)?.completed().into());
    names.into_iter().map(|name| complete(name.as_ref())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_known_by_their_names_with_a_port() {
        let names = ["a@h", "b@h:1"];
        let (only, except) = (Allowed::only(names).unwrap(), Allowed::except(names).unwrap());
        for (name, is_one) in [("a@h:9000", true), ("b@h:1", true), ("a@h", false), ("b@h:9000", false)] {
            assert_eq!((only.allows(name), except.allows(name)), (is_one, !is_one), "{name}");
            assert!(Allowed::Everyone.allows(name) && !Allowed::Nobody.allows(name));
        }
        assert!(Allowed::only(["a name without a host"]).is_err());
        assert!(Allowed::except(["a name without a host"]).is_err());
    }
}
