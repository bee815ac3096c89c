//! Names from the domain name system.

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

/// Why a discovery by DNS cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DnsError {
    /// What was given is no name in the domain name system.
    #[error("{name:?} is not a domain name: {error}")]
    Name {
        /// What was given.
        name: String,
        /// What is wrong with it.
        error: String,
    },
    /// The template makes no names of nodes.
    #[error("the template {template:?}: {error}")]
    Template {
        /// What was given.
        template: String,
        /// What is wrong with it.
        error: String,
    },
}

/// The records of a domain name: each becomes the name of a node, by a template.
///
/// The part of a node's name before its `@` is in no record, and has to be the one that the node announces: the template says
/// it. In the template stand, for each record,
///
/// | | in an SRV record | in an A or AAAA record |
/// |---|---|---|
/// | `{target}` | the host that it names, without the dot at the end, in small letters | |
/// | `{label}` | the first label of that host | |
/// | `{port}` | its port | |
/// | `{address}` | | the address, one of IPv6 in brackets |
///
/// ```
/// # fn example() -> Result<(), snow_dist_runtime::discovery::DnsError> {
/// use snow_dist_runtime::discovery::Dns;
///
/// // worker@snow-0.snow.prod.svc.cluster.local:4000, and so on: what the pods of a stateful set are called in Kubernetes.
/// let pods = Dns::srv("_dist._tcp.snow.prod.svc.cluster.local", "worker@{target}:{port}")?;
/// // worker@10.0.0.1:4000, and so on: for nodes that are named by their addresses.
/// let hosts = Dns::addresses("nodes.example.com", "worker@{address}:4000")?;
/// # Ok(()) }
/// # example().unwrap();
/// ```
///
/// # What a look asks, and when
/// A look asks the name servers of this machine (`/etc/resolv.conf`, as it is then), or the one of [`server`](Self::server),
/// over UDP, and over TCP if the answer is long. Nothing is kept from one look to the next. But name servers keep answers for the
/// time that these say of themselves (their TTL: 5 s in Kubernetes, most often), so a node is found after that and an interval, at
/// the latest, and looks that follow each other faster than that see nothing new.
///
/// The domain name is taken as it stands: no search list is tried. Priorities and weights of SRV records have no meaning here.
///
/// - No such name, or no such records: nobody is found.
/// - No answer within some 9 s, a server that fails or refuses: the look has failed, which changes nothing. So it has if either
///   question of [`addresses`](Self::addresses) fails, for A and for AAAA records, as half of the nodes is not all of them.
#[derive(Debug)]
pub struct Dns {
    name: Name,
    records: &'static [RecordType],
    template: Template,
    server: Option<SocketAddr>,
    interval: Duration,
}

impl Dns {
    /// Finds the nodes of all SRV records of this name: `_service._protocol.domain`.
    ///
    /// # Errors
    /// Returns [`DnsError`] if `name` is no domain name, or if `template` makes no names of nodes, or the same for all records.
    pub fn srv(name: &str, template: &str) -> Result<Self, DnsError> {
        Self::new(name, &[RecordType::SRV], template)
    }

    /// Finds the nodes of all addresses of this host, those of IPv4 and those of IPv6.
    ///
    /// # Errors
    /// Returns [`DnsError`] as [`srv`](Self::srv) does.
    pub fn addresses(name: &str, template: &str) -> Result<Self, DnsError> {
        Self::new(name, &[RecordType::A, RecordType::AAAA], template)
    }

    /// Finds the nodes of the IPv4 addresses of this host. For name servers that fail when they are asked for others.
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

    /// Asks this name server instead of those of this machine.
    #[must_use]
    pub const fn server(mut self, server: SocketAddr) -> Self {
        self.server = Some(server);
        self
    }

    /// Looks so often: every 5 s if this is not called.
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

    /// The nodes of the records of one kind.
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

/// What a record says of a node, if it is of the right kind. An SRV record for "." says that there is none.
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

/// Whether this is the answer that there are no such records. One that sends on to other servers is none.
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
