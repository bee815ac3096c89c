//! Names of nodes that can be dialled. Specification: `dist.md`, "Node names".

use std::net::IpAddr;
use std::sync::Arc;

use snow_dist_codec::{NodeName, NodeNameError};

/// An error that says why a name cannot be dialled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotDialled {
    /// The name is not a valid node name.
    #[error("{0}")]
    Name(#[from] NodeNameError),
    /// The name has port 0, so the port on which the node listens is not known.
    #[error("the name has port 0: where that node listens is not known")]
    PortUnknown,
    /// The host in the name stands for every address of a machine, so no node can be found there.
    #[error("{host} is not the address of a node: it stands for every address of a machine")]
    HostUnspecified {
        /// The host in the name.
        host: String,
    },
}

/// Returns a name with its port, after checking that a node of this name can be dialled.
///
/// # Errors
/// Returns [`NotDialled`] if the name is not a node name, if its port is 0, or if its host stands for every address
/// of a machine.
///
/// ```
/// use snow_dist_runtime::core::{NotDialled, name_to_dial};
///
/// assert_eq!(&*name_to_dial("a@host").unwrap(), "a@host:9000");
/// assert_eq!(name_to_dial("a@host:0"), Err(NotDialled::PortUnknown));
/// ```
//= spec/dist.md#dist-nam-002
//# A node MUST NOT dial anything but a name to dial.
//= spec/dist.md#dist-nam-003
//# A node MUST complete a node name without a port with `:9000` before it announces, dials, compares or
//# orders it.
pub fn name_to_dial(name: &str) -> Result<Arc<str>, NotDialled> {
    let name = NodeName::parse(name)?;
    if name.port() == 0 {
        return Err(NotDialled::PortUnknown);
    }
    if is_unspecified(name.host()) {
        return Err(NotDialled::HostUnspecified { host: name.host().to_owned() });
    }
    Ok(name.completed().into())
}

/// Returns `true` if a host stands for every address of a machine. The system takes `0` for `0.0.0.0`.
pub(crate) fn is_unspecified(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let is_zero = bare.contains('0') && bare.chars().all(|character| matches!(character, '0' | '.'));
    is_zero || bare.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_unspecified())
}
