//! The template that turns a record into the name of a node.

use std::net::IpAddr;

use hickory_resolver::proto::rr::RecordType;

use crate::core::name_to_dial;

/// The values of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Values {
    Srv { target: String, port: u16 },
    Address(IpAddr),
}

impl Values {
    /// Returns example values for records of these kinds, with a value for each placeholder.
    pub(super) fn known(kinds: &[RecordType]) -> Self {
        if kinds.contains(&RecordType::SRV) {
            Self::Srv { target: "host.example".to_owned(), port: 1 }
        } else {
            Self::Address(IpAddr::from([192, 0, 2, 1]))
        }
    }

    fn get(&self, place: &str) -> Option<String> {
        match (self, place) {
            (Self::Srv { target, .. }, "target") => Some(target.clone()),
            (Self::Srv { target, .. }, "label") => target.split('.').next().map(str::to_owned),
            (Self::Srv { port, .. }, "port") => Some(port.to_string()),
            (Self::Address(IpAddr::V4(address)), "address") => Some(address.to_string()),
            (Self::Address(IpAddr::V6(address)), "address") => Some(format!("[{address}]")),
            _ => None,
        }
    }

    /// Returns the placeholders of which a template needs at least one. Otherwise all nodes would have the same name.
    const fn needed(&self) -> &'static [&'static str] {
        match self {
            Self::Srv { .. } => &["target", "label"],
            Self::Address(_) => &["address"],
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(String),
}

/// The name of a node with placeholders for the values of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

impl Template {
    /// Parses a template with the placeholders that `values` has. Returns an error with the problem if it is not
    /// valid.
    pub(super) fn parse(text: &str, values: Values) -> Result<Self, String> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, behind)) = rest.split_once('{') {
            let (place, after) = behind.split_once('}').ok_or("a `{` has no `}`")?;
            if values.get(place).is_none() {
                return Err(format!("{{{place}}} stands for nothing in such a record"));
            }
            parts.extend([Part::Text(before.to_owned()), Part::Place(place.to_owned())]);
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        let template = Self(parts);
        let needed = values.needed();
        if !template
            .0
            .iter()
            .any(|part| matches!(part, Part::Place(place) if needed.contains(&place.as_str())))
        {
            return Err(format!("without {{{}}} all nodes have one name", needed.join("} or {")));
        }
        let example = template.fill(&values).unwrap_or_default();
        name_to_dial(&example).map_err(|error| format!("it makes {example:?}: {error}"))?;
        Ok(template)
    }

    /// Returns the name of the node. `None` if a placeholder has no value in the record.
    pub(super) fn fill(&self, values: &Values) -> Option<String> {
        let part = |part: &Part| match part {
            Part::Text(text) => Some(text.clone()),
            Part::Place(place) => values.get(place),
        };
        self.0.iter().map(part).collect()
    }
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    const SRV: &[RecordType] = &[RecordType::SRV];
    const ADDRESSES: &[RecordType] = &[RecordType::A, RecordType::AAAA];

    #[test]
    fn places_are_filled() {
        let pod = Values::Srv { target: "snow-0.snow.ns.svc".to_owned(), port: 4000 };
        let localhost = Values::Address(Ipv6Addr::LOCALHOST.into());
        for (text, kinds, values, name) in [
            ("w@{target}:{port}", SRV, &pod, "w@snow-0.snow.ns.svc:4000"),
            ("{label}@{target}:4001", SRV, &pod, "snow-0@snow-0.snow.ns.svc:4001"),
            ("{label}@gateway:{port}", SRV, &pod, "snow-0@gateway:4000"),
            ("w@{address}", ADDRESSES, &localhost, "w@[::1]"),
            ("w}@{address}:1", ADDRESSES, &Values::Address([10, 0, 0, 1].into()), "w}@10.0.0.1:1"),
        ] {
            let template = Template::parse(text, Values::known(kinds)).unwrap();
            assert_eq!(template.fill(values).as_deref(), Some(name), "{text}");
        }
    }

    #[test]
    fn a_template_that_makes_no_names_is_an_error_that_says_why() {
        for (text, kinds, error) in [
            ("w@{target}:{port", SRV, "a `{` has no `}`"),
            ("w@{address}:1", SRV, "{address} stands for nothing in such a record"),
            ("w@{target}:1", ADDRESSES, "{target} stands for nothing in such a record"),
            ("w@{}:1", ADDRESSES, "{} stands for nothing in such a record"),
            ("w@h:{port}", SRV, "without {target} or {label} all nodes have one name"),
            ("w@h:1", ADDRESSES, "without {address} all nodes have one name"),
            (
                "{target}:{port}",
                SRV,
                "it makes \"host.example:1\": not a node name (`name@host:port`) at byte 14: an `@` stands between name and host",
            ),
            (
                "w@{address}:0",
                ADDRESSES,
                "it makes \"w@192.0.2.1:0\": the name has port 0: where that node listens is not known",
            ),
        ] {
            assert_eq!(Template::parse(text, Values::known(kinds)).unwrap_err(), error, "{text}");
        }
    }
}
