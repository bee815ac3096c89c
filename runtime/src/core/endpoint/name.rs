//! Names that can be dialled. Specification: `dist.md`, "Node names".

use std::net::IpAddr;
use std::sync::Arc;

use snow_dist_codec::{NodeName, NodeNameError};

/// Why a name cannot be dialled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotDialled {
    /// It is not a node's.
    #[error("{0}")]
    Name(#[from] NodeNameError),
    /// It has port 0: where the node listens is not known.
    #[error("the name has port 0: where that node listens is not known")]
    PortUnknown,
    /// Its host stands for every address of a machine: no node is found there.
    #[error("{host} is not the address of a node: it stands for every address of a machine")]
    HostUnspecified {
        /// The host in the name.
        host: String,
    },
}

/// The completed name of a node that can be dialled.
///
/// # Errors
/// It cannot, and why.
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
//# A node MUST complete a node name that matches `node-name` and has no port with `:9000` before it
//# announces, dials, compares or orders it.
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

/// Whether a host stands for every address of a machine. The system takes `0` for `0.0.0.0`.
pub(crate) fn is_unspecified(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let is_zero = bare.contains('0') && bare.chars().all(|character| matches!(character, '0' | '.'));
    is_zero || bare.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_unspecified())
}
