//! The sources of connections, as limits count them.

use std::net::{IpAddr, Ipv6Addr};

/// A source of connections that are counted together: one IPv4 address, or one network of IPv6.
///
/// A value is created from the remote address of a connection. Of an IPv6 address, only the first 64 bits count,
/// since a host that has one address of such a network has all of them. An IPv4-mapped IPv6 address counts as its
/// IPv4 address.
///
/// ```
/// use std::net::IpAddr;
///
/// use snow_dist_runtime::core::Source;
///
/// let source = |address: &str| Source::from(address.parse::<IpAddr>().unwrap());
/// assert_eq!(source("2001:db8:1:2::1"), source("2001:db8:1:2:ffff::9"));
/// assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Source(IpAddr);

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
            }
            address => Self(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        text.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn a_network_of_ipv6_is_one_source() {
        assert_eq!(source("2001:db8:1:2::1"), source("2001:db8:1:2:ffff::9"));
        assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
        assert_eq!(source("::ffff:10.0.0.1"), source("10.0.0.1"));
    }
}
