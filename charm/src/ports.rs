//! The port that Juju opens for the workload.

use charmwright::Result;
use charmwright::juju::{HookTools, Port};

/// Leaves exactly this TCP port open, or none.
pub fn open_only(juju: &HookTools, port: Option<u16>) -> Result<()> {
    let wanted = port.map(Port::tcp);
    let opened = juju.opened_ports()?;
    for stale in opened.iter().filter(|opened| Some(**opened) != wanted) {
        juju.close_port(*stale)?;
    }
    if let Some(wanted) = wanted.filter(|wanted| !opened.contains(wanted)) {
        juju.open_port(wanted)?;
    }
    Ok(())
}
