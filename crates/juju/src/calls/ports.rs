//! The calls about the unit's open ports.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::error::Error;
use crate::hook_cache::lock;
use crate::hook_tools::HookTools;
use crate::port::Port;
use crate::tool_output::type_name;
use crate::tool_runner::ToolCall;

const READ_ATTEMPT: &str = "read the unit's open ports";

impl HookTools {
    /// Opens a port or a range of ports for all endpoints. Juju opens it when the hook exits with
    /// code 0. A port that is open already is not an error.
    ///
    /// # Errors
    ///
    /// The tool failed, for instance because the range conflicts with another one on the machine,
    /// or because it is a range on Kubernetes.
    pub fn open_port(&self, port: Port) -> Result<(), Error> {
        // Held while the tool runs: two threads that open and close the same port must record their
        // changes in the order in which Juju saw them.
        let mut ports = lock(&self.ports);
        self.execute(
            format!("open port {port}"),
            ToolCall::new("open-port").arg(port.to_string()),
        )?;
        ports.record_opened(port);
        Ok(())
    }

    /// Closes a port or a range of ports for all endpoints. Juju closes it when the hook exits with
    /// code 0. A port that is not open is not an error.
    ///
    /// # Errors
    ///
    /// The tool failed.
    pub fn close_port(&self, port: Port) -> Result<(), Error> {
        let mut ports = lock(&self.ports);
        self.execute(
            format!("close port {port}"),
            ToolCall::new("close-port").arg(port.to_string()),
        )?;
        ports.record_closed(port);
        Ok(())
    }

    /// Returns the unit's open ports, with the changes that this hook made so far.
    ///
    /// The answer is cached for the hook, and [`open_port`](Self::open_port) and
    /// [`close_port`](Self::close_port) keep it up to date.
    ///
    /// # Errors
    ///
    /// The tool failed, or its output is not a list of ports.
    pub fn opened_ports(&self) -> Result<BTreeSet<Port>, Error> {
        let mut ports = lock(&self.ports);
        if let Some(open_ports) = &ports.cached {
            return Ok(open_ports.clone());
        }
        let answer =
            self.query_json(READ_ATTEMPT, ToolCall::new("opened-ports").arg("--format=json"))?;
        let mut open_ports = parse_ports(&answer)
            .map_err(|cause| Error::output(READ_ATTEMPT, "opened-ports", &cause))?;
        // Juju 2.9 leaves this hook's changes out of its answer; 3.6 and 4 include them, and to
        // apply them a second time does no harm.
        open_ports.extend(&ports.opened);
        open_ports.retain(|port| !ports.closed.contains(port));
        ports.cached = Some(open_ports.clone());
        Ok(open_ports)
    }
}

fn parse_ports(answer: &Value) -> Result<BTreeSet<Port>, String> {
    let list = match answer {
        // Go prints a list without items as `null` in some places.
        Value::Null => return Ok(BTreeSet::new()),
        Value::Array(list) => list,
        other => return Err(format!("printed {} where a list of ports was due", type_name(other))),
    };
    list.iter()
        .map(|port| {
            let text = port
                .as_str()
                .ok_or_else(|| format!("printed {} where a port was due", type_name(port)))?;
            text.parse().map_err(|_| {
                format!(
                    "printed {:?} where a port was due",
                    text.chars().take(60).collect::<String>()
                )
            })
        })
        .collect()
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
            let _ = parse_json(&output).and_then(|answer| parse_ports(&answer));
        }

        #[test]
        fn every_listed_port_is_read(a: u16, b: u16, which in 0..3_usize) {
            let protocol = [Protocol::Tcp, Protocol::Udp, Protocol::Icmp][which];
            let port = Port::range(a.min(b), a.max(b), protocol).unwrap();
            let listed = parse_ports(&serde_json::json!([port])).unwrap();
            prop_assert!(listed.contains(&port));
        }
    }
}
