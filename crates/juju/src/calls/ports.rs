//! The calls about the unit's open ports.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::error::Error;
use crate::hook_cache::lock;
use crate::hook_tools::HookTools;
use crate::names::EndpointName;
use crate::port::{OpenPort, Port};
use crate::tool_output::type_name;
use crate::tool_runner::ToolCall;

const READ_ATTEMPT: &str = "read the unit's open ports";

impl HookTools {
    /// Opens a port or a range of ports for all endpoints. Juju opens it when the hook exits with
    /// code 0. A port that is open already is not an error.
    ///
    /// # Errors
    ///
    /// The tool failed, with [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if the range
    /// overlaps another one on the machine, or if it is a range on Kubernetes. A range overlaps one
    /// that was open when the hook began even if this hook has closed it (Juju's source, 3.6).
    pub fn open_port(&self, port: Port) -> Result<(), Error> {
        self.open(port.into())
    }

    /// Opens a port or a range of ports for one endpoint, as [`open_port`](Self::open_port) does
    /// for all.
    ///
    /// Juju checks that the charm has the endpoint only when it commits the hook, and then fails
    /// the hook.
    ///
    /// # Errors
    ///
    /// Fails as [`open_port`](Self::open_port) does.
    pub fn open_port_on(&self, port: Port, endpoint: &EndpointName) -> Result<(), Error> {
        self.open(port.on(endpoint.clone()))
    }

    /// Closes a port or a range of ports for all endpoints. Juju closes it when the hook exits with
    /// code 0. A port that is not open is not an error.
    ///
    /// What was opened for a single endpoint stays open (measured on Juju 3.6 and 4.0):
    /// [`close_port_on`](Self::close_port_on) closes that.
    ///
    /// # Errors
    ///
    /// The tool failed, with [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if the range
    /// overlaps another one that is open.
    pub fn close_port(&self, port: Port) -> Result<(), Error> {
        self.close(port.into())
    }

    /// Closes a port or a range of ports for one endpoint. What was opened for all endpoints stays
    /// open.
    ///
    /// # Errors
    ///
    /// Fails as [`close_port`](Self::close_port) does.
    pub fn close_port_on(&self, port: Port, endpoint: &EndpointName) -> Result<(), Error> {
        self.close(port.on(endpoint.clone()))
    }

    /// Returns the unit's open ports, whatever endpoints they are open for, with the changes that
    /// this hook made so far.
    ///
    /// The answer is cached for the hook, and the calls that open and close keep it up to date.
    ///
    /// # Errors
    ///
    /// The tool failed, or its output is not a list of ports.
    pub fn opened_ports(&self) -> Result<BTreeSet<Port>, Error> {
        Ok(self.port_openings()?.iter().map(OpenPort::port).collect())
    }

    /// Returns the unit's open ports with the endpoints that they are open for, as
    /// [`opened_ports`](Self::opened_ports) returns them without.
    ///
    /// Juju does not tell the single endpoints of a port that is open for all as well. They are
    /// among the answer once the port is closed for all.
    ///
    /// # Errors
    ///
    /// Fails as [`opened_ports`](Self::opened_ports) does.
    pub fn port_openings(&self) -> Result<BTreeSet<OpenPort>, Error> {
        let call = || ToolCall::new("opened-ports").arg("--endpoints").arg("--format=json");
        let mut ports = lock(&self.ports);
        let openings = ports.get_or_ask(|| {
            let answer = self.query_json(READ_ATTEMPT, call())?;
            parse_openings(&answer)
                .map_err(|cause| Error::output(READ_ATTEMPT, "opened-ports", &cause))
        })?;
        Ok(openings.clone())
    }

    fn open(&self, opening: OpenPort) -> Result<(), Error> {
        // Held while the tool runs: two threads that open and close the same port must record their
        // changes in the order in which Juju saw them.
        let mut ports = lock(&self.ports);
        self.execute(format!("open port {opening}"), change("open-port", &opening))?;
        ports.record_opened(opening);
        Ok(())
    }

    fn close(&self, opening: OpenPort) -> Result<(), Error> {
        let mut ports = lock(&self.ports);
        self.execute(format!("close port {opening}"), change("close-port", &opening))?;
        ports.record_closed(opening);
        Ok(())
    }
}

/// Makes the call of a tool that opens or closes a port.
fn change(tool: &'static str, opening: &OpenPort) -> ToolCall<'static> {
    let call = ToolCall::new(tool).arg(opening.port().to_string());
    match opening.endpoint() {
        None => call,
        Some(endpoint) => call.arg(format!("--endpoints={endpoint}")),
    }
}

fn parse_openings(answer: &Value) -> Result<BTreeSet<OpenPort>, String> {
    let list = match answer {
        // Go prints a list without items as `null` in some places.
        Value::Null => return Ok(BTreeSet::new()),
        Value::Array(list) => list,
        other => return Err(format!("printed {} where a list of ports was due", type_name(other))),
    };
    let mut openings = BTreeSet::new();
    for item in list {
        let text = item
            .as_str()
            .ok_or_else(|| format!("printed {} where a port was due", type_name(item)))?;
        let unread = || {
            format!("printed {:?} where a port was due", text.chars().take(60).collect::<String>())
        };
        // `80/tcp (*)` is open for all endpoints, `80/tcp (a, b)` for two.
        let (port, endpoints) = text.split_once(" (").unwrap_or((text, "*)"));
        let port: Port = port.parse().map_err(|_| unread())?;
        for endpoint in endpoints.strip_suffix(')').ok_or_else(unread)?.split(", ") {
            openings.insert(match endpoint {
                "*" => port.into(),
                name => port.on(name.parse().map_err(|_| unread())?),
            });
        }
    }
    Ok(openings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::Protocol;
    use crate::tool_output::parse_json;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_output_makes_the_parser_panic(output: Vec<u8>) {
            let _ = parse_json(&output).and_then(|answer| parse_openings(&answer));
        }

        #[test]
        fn no_listed_text_makes_the_parser_panic(text in "[0-9/a-z(), *-]{0,20}") {
            let _ = parse_openings(&serde_json::json!([text]));
        }

        #[test]
        fn every_listed_port_is_read(a: u16, b: u16, which in 0..3_usize) {
            let protocol = [Protocol::Tcp, Protocol::Udp, Protocol::Icmp][which];
            let port = Port::range(a.min(b), a.max(b), protocol).unwrap();
            let listed = [format!("{port} (*)"), format!("{port} (a, b-c)"), port.to_string()];
            let [for_all, single, short] =
                listed.map(|text| parse_openings(&serde_json::json!([text])).unwrap());
            prop_assert_eq!(&for_all, &[port.into()].into());
            prop_assert_eq!(&short, &for_all);
            let on = |name: &str| port.on(name.parse().unwrap());
            prop_assert_eq!(&single, &[on("a"), on("b-c")].into());
        }
    }
}
