//! TCP, the default transport of connections.

mod dial;
mod listen;

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream, lookup_host};

use crate::core::limits::CONNECT_DEADLINE;
use crate::network::{Connection, Listener, Network};
pub use listen::TcpListeners;

/// The default [`Network`]: TCP and the look-up of host names, both of the operating system. A node listens at all
/// addresses that its host has on this machine. When a node dials a host with several addresses, it tries them 250 ms
/// apart until one answers (RFC 8305), for at most 5 s.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tcp;

impl Network for Tcp {
    type Listener = TcpListeners;

    async fn listen(&self, address: &str) -> io::Result<TcpListeners> {
        let (host, port) = host_and_port(address)?;
        listen::bind(&resolve(host, port).await?)
    }

    async fn connect(&self, address: &str) -> io::Result<Connection> {
        let (host, port) = host_and_port(address)?;
        Connection::tcp(dial::connect(address, resolve(host, port), CONNECT_DEADLINE).await?)
    }
}

impl Listener for TcpListener {
    fn port(&self) -> io::Result<u16> {
        Ok(self.local_addr()?.port())
    }

    async fn accept(&mut self) -> io::Result<(Connection, SocketAddr)> {
        accepted(Self::accept(self).await?)
    }
}

fn accepted((socket, from): (TcpStream, SocketAddr)) -> io::Result<(Connection, SocketAddr)> {
    // That fails where the other end is gone already, and says nothing of the next connection.
    let gone = |error| io::Error::new(io::ErrorKind::ConnectionAborted, error);
    Ok((Connection::tcp(socket).map_err(gone)?, from))
}

/// Returns all addresses of a host, each once, in the operating system's order of preference.
async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let unknown = |error: io::Error| {
        io::Error::new(error.kind(), format!("the name {host} cannot be resolved: {error}"))
    };
    let mut addresses = Vec::new();
    for address in lookup_host((host, port)).await.map_err(unknown)? {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

/// Splits `host:port`, and removes the brackets of an IPv6 address, because the system's look-up takes it without
/// brackets, also with the name of an interface as its zone.
fn host_and_port(address: &str) -> io::Result<(&str, u16)> {
    let parts = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let (host, port) = parts.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not `host:port`"))?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    Ok((bare.unwrap_or(host), port))
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_address_loses_its_brackets_and_keeps_its_zone() {
        for (address, host, port) in [
            ("h:1", "h", 1),
            ("10.0.0.1:65535", "10.0.0.1", 65535),
            ("[::1]:4000", "::1", 4000),
            ("[fe80::1%eth0]:4000", "fe80::1%eth0", 4000),
            ("::1:4000", "::1", 4000),
        ] {
            assert_eq!(host_and_port(address).unwrap(), (host, port), "{address}");
        }
        for address in ["", "h", "h:", "h:x", "h:65536", "[::1]"] {
            let kind = host_and_port(address).map_err(|error| error.kind());
            assert_eq!(kind, Err(io::ErrorKind::InvalidInput), "{address}");
        }
    }

    /// Wherever an interface has one: the address means nothing without its zone.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn link_local_addresses_are_found_by_the_interface() {
        let interfaces = std::fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
        let Some((address, interface)) = interfaces.lines().find_map(link_local) else {
            println!("NOT TRIED: no interface has a link-local address");
            return;
        };
        let mut listener = Tcp.listen(&format!("[{address}%{interface}]:0")).await.unwrap();
        let port = listener.port().unwrap();
        let named = format!("[{address}%{interface}]:{port}");
        let (dialled, accepted) = tokio::join!(Tcp.connect(&named), Listener::accept(&mut listener));
        dialled.unwrap();
        assert_eq!(accepted.unwrap().1.ip(), std::net::IpAddr::V6(address));
    }

    /// Of a line of the system's list: 32 hexadecimal digits, four numbers and flags, the interface.
    #[cfg(target_os = "linux")]
    fn link_local(line: &str) -> Option<(std::net::Ipv6Addr, &str)> {
        let mut fields = line.split_whitespace();
        let address = u128::from_str_radix(fields.next()?, 16).ok()?;
        let address = std::net::Ipv6Addr::from(address);
        address.is_unicast_link_local().then_some((address, fields.last()?))
    }
}
