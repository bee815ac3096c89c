//! A discovery with names from the domain name system.

mod template;

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError as NoAnswer, NetError};
use hickory_resolver::proto::rr::{Name, RData, RecordType};

use super::{Discovery, LookError};
use crate::core::limits::{DISCOVERY_INTERVAL, DNS_RETRIES, DNS_TIMEOUT};
use template::{Template, Values};

/// An error that says why a discovery by DNS cannot be created.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DnsError {
    /// The name is not a valid domain name.
    #[error("{name:?} is not a domain name: {error}")]
    Name {
        /// The name that was given.
        name: String,
        /// The problem with the name.
        error: String,
    },
    /// The template does not produce names of nodes, or produces the same name for all records.
    #[error("the template {template:?}: {error}")]
    Template {
        /// The template that was given.
        template: String,
        /// The problem with the template.
        error: String,
    },
}

/// A discovery with names from the DNS records of a domain name. A template turns each record into the name of a
/// node.
///
/// A record does not contain the part of a node's name before the `@`. The template must therefore contain it, just
/// as the node announces it. The template can contain these placeholders, which are replaced for each record:
///
/// | | in an SRV record | in an A or AAAA record |
/// |---|---|---|
/// | `{target}` | the host in the record, in lower case and without the final dot | |
/// | `{label}` | the first label of the host in the record | |
/// | `{port}` | the port in the record | |
/// | `{address}` | | the address in the record; an IPv6 address is in brackets |
///
/// ```
/// # fn example() -> Result<(), snow_dist_runtime::discovery::DnsError> {
/// use snow_dist_runtime::discovery::Dns;
///
/// // Names such as worker@snow-0.snow.prod.svc.cluster.local:4000, for the pods of a stateful set in Kubernetes.
/// let pods = Dns::srv("_dist._tcp.snow.prod.svc.cluster.local", "worker@{target}:{port}")?;
/// // Names such as worker@10.0.0.1:4000, for nodes whose names contain their addresses.
/// let hosts = Dns::addresses("nodes.example.com", "worker@{address}:4000")?;
/// # Ok(()) }
/// # example().unwrap();
/// ```
///
/// # The queries of a look
/// A look queries the name server that [`server`](Self::server) has set. If none is set, it queries the name servers
/// of this machine, for which it reads `/etc/resolv.conf` at each look. Queries use UDP, or TCP if the answer is too
/// long for UDP. The node caches nothing between looks. Name servers, however, cache answers for the time to live of
/// the records (usually 5 s in Kubernetes). A new node is therefore found at the latest after the time to live plus
/// one interval. An interval much shorter than the time to live finds nothing earlier.
///
/// The domain name is used as it is, without a search list. Priorities and weights of SRV records are ignored.
///
/// - If the domain name or its records do not exist, the look finds no nodes.
/// - If no answer comes within about 9 s, or if the name server reports a failure or a refusal, the look fails and
///   changes nothing. [`addresses`](Self::addresses) sends two queries, for A and for AAAA records. If one of them
///   fails, the whole look fails, because half of the nodes must not be mistaken for all of them.
#[derive(Debug)]
pub struct Dns {
    name: Name,
    records: &'static [RecordType],
    template: Template,
    server: Option<SocketAddr>,
    interval: Duration,
}

impl Dns {
    /// Creates a discovery of the nodes in all SRV records of a name, which has the form
    /// `_service._protocol.domain`.
    ///
    /// # Errors
    /// Returns [`DnsError`] if `name` is not a domain name, if `template` does not produce names of nodes, or if it
    /// produces the same name for all records.
    pub fn srv(name: &str, template: &str) -> Result<Self, DnsError> {
        Self::new(name, &[RecordType::SRV], template)
    }

    /// Creates a discovery of the nodes at all IPv4 and IPv6 addresses of a host.
    ///
    /// # Errors
    /// Returns [`DnsError`] as [`srv`](Self::srv) does.
    pub fn addresses(name: &str, template: &str) -> Result<Self, DnsError> {
        Self::new(name, &[RecordType::A, RecordType::AAAA], template)
    }

    /// Creates a discovery of the nodes at the IPv4 addresses of a host, for name servers that fail on queries for
    /// IPv6 addresses.
    ///
    /// # Errors
    /// Returns [`DnsError`] as [`srv`](Self::srv) does.
    pub fn ipv4_addresses(name: &str, template: &str) -> Result<Self, DnsError> {
        Self::new(name, &[RecordType::A], template)
    }

    fn new(name: &str, records: &'static [RecordType], template: &str) -> Result<Self, DnsError> {
        let wrong = |error: String| DnsError::Template { template: template.to_owned(), error };
        let parsed = Template::parse(template, Values::known(records)).map_err(wrong)?;
        let mut name = Name::from_utf8(name)
            .map_err(|error| DnsError::Name { name: name.to_owned(), error: error.to_string() })?;
        name.set_fqdn(true);
        Ok(Self { name, records, template: parsed, server: None, interval: DISCOVERY_INTERVAL })
    }

    /// Sets the address of the name server to query instead of the name servers of this machine.
    #[must_use]
    pub const fn server(mut self, server: SocketAddr) -> Self {
        self.server = Some(server);
        self
    }

    /// Sets the time between two looks, from 100 ms to 24 hours. The default is 5 s. With a time outside of this
    /// range the discovery is not started ([`DiscoverError::Interval`](super::DiscoverError::Interval)).
    #[must_use]
    pub const fn every(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    fn resolver(&self) -> Result<TokioResolver, NetError> {
        let mut builder = match self.server {
            Some(server) => {
                let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                    connection.port = server.port();
                    connection
                });
                let server = NameServerConfig::new(server.ip(), true, connections.into());
                let config = ResolverConfig::from_name_servers(vec![server]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
            None => TokioResolver::builder_tokio()?,
        };
        let options = builder.options_mut();
        (options.timeout, options.attempts) = (DNS_TIMEOUT, DNS_RETRIES);
        (options.cache_size, options.use_hosts_file) = (0, ResolveHosts::Never);
        builder.build()
    }

    /// Returns the nodes in the records of one kind.
    async fn ask(&self, resolver: &TokioResolver, kind: RecordType) -> Result<Vec<String>, LookError> {
        match resolver.lookup(self.name.clone(), kind).await {
            Ok(answer) => {
                let answers = answer.answers().iter();
                Ok(answers.filter_map(|record| self.template.fill(&values(&record.data)?)).collect())
            }
            Err(error) if is_nobody(&error) => Ok(Vec::new()),
            Err(error) => Err(format!("{kind} {}: {error}", self.name).into()),
        }
    }
}

/// Returns the values of a record, if it is of the right kind. An SRV record for "." says that there is no node.
fn values(data: &RData) -> Option<Values> {
    Some(match data {
        RData::SRV(srv) if !srv.target.is_root() => {
            let target = srv.target.to_lowercase().to_ascii();
            let target = target.strip_suffix('.').unwrap_or(&target).to_owned();
            Values::Srv { target, port: srv.port }
        }
        RData::A(address) => Values::Address(address.0.into()),
        RData::AAAA(address) => Values::Address(address.0.into()),
        _ => return None,
    })
}

/// Returns `true` if this is the answer that such records do not exist. A referral to other servers is not such an
/// answer.
fn is_nobody(error: &NetError) -> bool {
    matches!(error, NetError::Dns(NoAnswer::NoRecordsFound(found)) if found.ns.is_none())
}

impl Discovery for Dns {
    async fn look(&mut self) -> Result<Vec<String>, LookError> {
        let resolver = self.resolver()?;
        let mut names = Vec::new();
        for kind in self.records {
            names.extend(self.ask(&resolver, *kind).await?);
        }
        Ok(names)
    }

    fn interval(&self) -> Duration {
        self.interval
    }

    fn source(&self) -> String {
        let kinds: Vec<_> = self.records.iter().map(ToString::to_string).collect();
        format!("DNS {} {}", kinds.join(" and "), self.name)
    }
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use hickory_resolver::proto::rr::rdata::SRV;

    use super::*;

    #[test]
    fn a_discovery_says_what_it_asks_for() {
        let srv = Dns::srv("_dist._tcp.Snow.svc", "w@{target}:{port}").unwrap();
        assert_eq!(
            (srv.source().as_str(), srv.interval()),
            ("DNS SRV _dist._tcp.snow.svc.", DISCOVERY_INTERVAL)
        );
        let hosts = Dns::addresses("nodes.example.", "w@{address}").unwrap().every(Duration::from_secs(9));
        assert_eq!(hosts.source(), "DNS A and AAAA nodes.example.");
        assert_eq!(hosts.interval(), Duration::from_secs(9));
        let error = Dns::srv("a..b", "w@{target}:{port}").unwrap_err();
        assert!(error.to_string().starts_with("\"a..b\" is not a domain name: "), "{error}");
    }

    #[test]
    fn a_record_is_a_node() {
        let target = Name::from_utf8("Snow-0.snow.ns.svc.").unwrap();
        let srv = values(&RData::SRV(SRV::new(0, 0, 4000, target))).unwrap();
        assert_eq!(srv, Values::Srv { target: "snow-0.snow.ns.svc".to_owned(), port: 4000 });
        assert_eq!(values(&RData::SRV(SRV::new(0, 0, 0, Name::root()))), None);
        let address = values(&RData::AAAA(Ipv6Addr::LOCALHOST.into())).unwrap();
        assert_eq!(address, Values::Address(Ipv6Addr::LOCALHOST.into()));
        let address = values(&RData::A(Ipv4Addr::LOCALHOST.into())).unwrap();
        assert_eq!(address, Values::Address(Ipv4Addr::LOCALHOST.into()));
        assert_eq!(values(&RData::NULL(Default::default())), None);
    }
}
