//! `-p`

use std::net::IpAddr;
use std::ops::RangeInclusive;

use bollard::models::{PortBinding, PortMap};

use super::OptionError;

#[derive(Debug, Default)]
pub(super) struct Ports {
    /// `80/tcp`
    pub(super) exposed: Vec<String>,
    pub(super) bindings: PortMap,
}

pub(super) fn publish(options: &[String]) -> Result<Ports, OptionError> {
    let mut ports = Ports::default();
    for option in options {
        let refused = |reason: String| OptionError::new("-p", option, reason);
        for (container, binding) in parse(option).map_err(refused)? {
            let bindings = ports.bindings.entry(container.clone()).or_default();
            bindings.get_or_insert_default().push(binding);
            if !ports.exposed.contains(&container) {
                ports.exposed.push(container);
            }
        }
    }
    Ok(ports)
}

/// `[[IP:][HOST]:]CONTAINER[/PROTOCOL]`, where ports may be ranges, as in
/// <https://github.com/docker/go-connections/blob/v0.5.0/nat/nat.go>.
fn parse(option: &str) -> Result<Vec<(String, PortBinding)>, String> {
    let (place, protocol) = option.split_once('/').unwrap_or((option, "tcp"));
    if !["tcp", "udp", "sctp"].contains(&protocol) {
        return Err(format!("{protocol:?} is not tcp, udp or sctp"));
    }
    let (rest, container) = match place.rsplit_once(':') {
        Some((rest, container)) => (Some(rest), container),
        None => (None, place),
    };
    let (address, host) = match rest.map(|rest| rest.rsplit_once(':').ok_or(rest)) {
        None => ("", ""),
        Some(Err(host)) => ("", host),
        Some(Ok((address, host))) => (address, host),
    };
    let address = address.trim_start_matches('[').trim_end_matches(']');
    if !address.is_empty() && address.parse::<IpAddr>().is_err() {
        return Err(format!("{address:?} is not an IP address"));
    }
    let containers = range(container)?;
    let hosts = if host.is_empty() {
        None
    } else {
        Some(range(host)?)
    };
    let one_of_many = containers.len() == 1;
    if let Some(hosts) = &hosts
        && hosts.len() != containers.len()
        && !one_of_many
    {
        return Err("the two ranges differ in length".into());
    }
    let binding = |index: usize| PortBinding {
        host_ip: (!address.is_empty()).then(|| address.to_owned()),
        host_port: match &hosts {
            None => None,
            // The engine takes a free one of the range.
            Some(_) if one_of_many => Some(host.to_owned()),
            Some(hosts) => hosts.clone().nth(index).map(|port| port.to_string()),
        },
    };
    Ok(containers
        .enumerate()
        .map(|(index, port)| (format!("{port}/{protocol}"), binding(index)))
        .collect())
}

fn range(ports: &str) -> Result<RangeInclusive<u16>, String> {
    let port = |text: &str| match text.parse::<u16>() {
        // parse takes a sign.
        Ok(port) if port > 0 && !text.starts_with('+') => Ok(port),
        _ => Err(format!("{text:?} is not a port from 1 to 65535")),
    };
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let (first, last) = (port(first)?, port(last)?);
    if first > last {
        return Err(format!("{ports:?} runs backwards"));
    }
    Ok(first..=last)
}

#[cfg(test)]
mod tests {
    use super::publish;

    fn published(option: &str) -> Result<Vec<String>, String> {
        let ports = publish(&[option.to_owned()]).map_err(|error| error.to_string())?;
        Ok(ports
            .exposed
            .iter()
            .map(|port| {
                let bindings = ports.bindings[port].as_deref().unwrap();
                let host = bindings.iter().map(|binding| {
                    let part = |text: &Option<String>| text.clone().unwrap_or_default();
                    format!("{} {}", part(&binding.host_ip), part(&binding.host_port))
                });
                format!("{port} <- {}", host.collect::<Vec<_>>().join(", "))
            })
            .collect())
    }

    #[test]
    fn each_form() {
        for (option, expected) in [
            ("80", &["80/tcp <-  "][..]),
            ("8080:80", &["80/tcp <-  8080"]),
            ("53:53/udp", &["53/udp <-  53"]),
            ("127.0.0.1:8080:80", &["80/tcp <- 127.0.0.1 8080"]),
            ("127.0.0.1::80", &["80/tcp <- 127.0.0.1 "]),
            ("[::1]:8080:80", &["80/tcp <- ::1 8080"]),
            ("8080-8081:80-81", &["80/tcp <-  8080", "81/tcp <-  8081"]),
            ("8080-8090:80", &["80/tcp <-  8080-8090"]),
        ] {
            assert_eq!(published(option).unwrap(), expected, "{option}");
        }
    }

    #[test]
    fn one_port_may_be_published_twice() {
        let ports = publish(&["81:80".into(), "82:80".into()]).unwrap();
        assert_eq!(ports.exposed, ["80/tcp"]);
        assert_eq!(ports.bindings["80/tcp"].as_ref().unwrap().len(), 2);
    }

    #[test]
    fn what_is_no_port_is_refused() {
        for (option, part) in [
            ("", "\"\" is not a port"),
            ("http", "\"http\" is not a port"),
            ("0", "\"0\" is not a port"),
            ("70000:80", "\"70000\" is not a port"),
            ("+80", "is not a port"),
            ("80/icmp", "\"icmp\" is not tcp"),
            ("1.2.3:80:80", "\"1.2.3\" is not an IP"),
            ("90-80:80", "backwards"),
            ("80-82:80-81", "differ in length"),
        ] {
            let error = published(option).unwrap_err();
            assert!(error.contains(part), "{option}: {error}");
        }
    }
}
