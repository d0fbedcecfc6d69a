//! The open ports of the unit, as a set that a charm declares.

use std::collections::BTreeSet;

use crate::declaration::Declaration;
use crate::hook::Hook;
use crate::juju::{self, ErrorKind, OpenPort, Port, Protocol};
use crate::stop::{NotReady, Result, Stop};
use crate::unit::Unit;

impl Unit {
    /// Returns the open ports, whatever endpoints they are open for, including what this hook has
    /// opened and closed so far.
    ///
    /// # Errors
    ///
    /// Returns an error if the hook tool fails.
    pub fn opened_ports(&self) -> Result<BTreeSet<Port>, juju::Error> {
        self.context.tools.opened_ports()
    }

    /// Returns the open ports with the endpoints that they are open for, including what this hook
    /// has opened and closed so far.
    ///
    /// # Errors
    ///
    /// Returns an error if the hook tool fails.
    pub fn port_openings(&self) -> Result<BTreeSet<OpenPort>, juju::Error> {
        self.context.tools.port_openings()
    }
}

impl<D: Declaration> Hook<D> {
    /// Opens exactly these ports, for all endpoints: it opens those that are closed and closes all
    /// others. Juju applies the change when the hook succeeds.
    ///
    /// ```
    /// use charmwright::juju::Protocol;
    /// use charmwright::{Context as _, Declaration, Hook, Port, Result};
    ///
    /// fn open<D: Declaration>(hook: &Hook<D>) -> Result {
    ///     let passive = Port::range(30_000, 30_099, Protocol::Tcp).context("open the ports")?;
    ///     hook.set_ports([Port::tcp(21), passive])
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// - *Not ready* (Waiting), and the event is stored, if a range overlaps one that was open when
    ///   the hook began. Juju closes that one with this hook, and opens the new one only in a later
    ///   hook (its source, Juju 3.6 and 4.0).
    /// - An error for what Juju does not have on Kubernetes: a range, and ICMP.
    /// - An error if a hook tool fails, for instance because the range of another unit on the
    ///   machine conflicts.
    pub fn set_ports(&self, ports: impl IntoIterator<Item = Port>) -> Result {
        self.open_exactly(ports.into_iter().map(OpenPort::from).collect())
    }

    /// Opens exactly these ports, each for all endpoints or for one, as
    /// [`set_ports`](Self::set_ports) does for all.
    ///
    /// A port that is open for all endpoints needs no opening for a single one, so such an opening
    /// is not made.
    ///
    /// ```
    /// use charmwright::{Declaration, Endpoint, Hook, Port, Result};
    ///
    /// # use charmwright::{NoLimit, Provides};
    /// # #[derive(Clone, Copy)]
    /// # struct Admin;
    /// # impl Endpoint for Admin {
    /// #     const NAME: &'static str = "admin";
    /// #     const INTERFACE: &'static str = "http";
    /// #     type Role = Provides;
    /// #     type Limit = NoLimit;
    /// # }
    /// fn open<D: Declaration>(hook: &Hook<D>) -> Result {
    ///     hook.set_port_openings([Port::tcp(80).into(), Port::tcp(8080).on(Admin.name())])
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails as [`set_ports`](Self::set_ports) does. An endpoint that the charm's YAML does not
    /// declare fails the hook, because Juju checks that only when it commits the hook.
    pub fn set_port_openings(&self, ports: impl IntoIterator<Item = OpenPort>) -> Result {
        self.open_exactly(ports.into_iter().collect())
    }

    fn open_exactly(&self, wanted: BTreeSet<OpenPort>) -> Result {
        if self.is_on_kubernetes()? {
            let icmp = |opening: &OpenPort| opening.port().protocol() == Protocol::Icmp;
            if wanted.iter().any(icmp) {
                // The tool would take it, and Juju would fail the hook (measured).
                return Err(Stop::failed("cannot open icmp: Juju opens no ICMP on Kubernetes"));
            }
        }
        let for_all = |opening: &OpenPort| wanted.contains(&opening.port().into());
        let needed = |opening: &&OpenPort| opening.endpoint().is_none() || !for_all(opening);
        let wanted: BTreeSet<&OpenPort> = wanted.iter().filter(needed).collect();

        // The stale ones are closed first, since a range must not overlap an open one.
        let mut opened = self.port_openings()?;
        let mut closed = BTreeSet::new();
        // Juju shows for which single endpoints a port is open only once it is not open for all.
        while let Some(stale) = opened.iter().find(|opening| !wanted.contains(opening)).cloned() {
            // A tool that goes on to list what was closed must not keep the hook for ever.
            if !closed.insert(stale.clone()) {
                break;
            }
            self.close(&stale)?;
            opened = self.port_openings()?;
        }
        let mut later = None;
        for missing in wanted.into_iter().filter(|wanted| !opened.contains(wanted)) {
            let Err(error) = self.open(missing) else { continue };
            let port = missing.port();
            let blocking = closed.iter().map(OpenPort::port).find(|closed| closed.overlaps(port));
            match blocking {
                Some(closed) if error.kind() == &ErrorKind::Invalid => {
                    later = Some(format!("port {port}: Juju closes {closed} first"));
                }
                _ => return Err(error.into()),
            }
        }
        later.map_or(Ok(()), |reason| Err(NotReady::waiting(reason).stored().into()))
    }

    fn open(&self, opening: &OpenPort) -> Result<(), juju::Error> {
        match opening.endpoint() {
            None => self.tools().open_port(opening.port()),
            Some(endpoint) => self.tools().open_port_on(opening.port(), endpoint),
        }
    }

    fn close(&self, opening: &OpenPort) -> Result<(), juju::Error> {
        match opening.endpoint() {
            None => self.tools().close_port(opening.port()),
            Some(endpoint) => self.tools().close_port_on(opening.port(), endpoint),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::played_juju::{Declared, Ran, run};

    const ON_MACHINE: &[(&str, &str)] = &[("JUJU_MACHINE_ID", "0")];

    fn port(text: &str) -> OpenPort {
        match text.split_once(' ') {
            None => text.parse::<Port>().unwrap().into(),
            Some((port, endpoint)) => port.parse::<Port>().unwrap().on(endpoint.parse().unwrap()),
        }
    }

    /// Runs a hook in which these ports are open and those are wanted. Returns the calls that
    /// change ports, without the port tool's common ending.
    fn set_in(
        variables: &[(&str, &str)],
        open: &[&str],
        wanted: &[&str],
        conflict: &'static str,
    ) -> Ran {
        let open: BTreeSet<OpenPort> = open.iter().map(|text| port(text)).collect();
        let open = Arc::new(Mutex::new(open));
        let answers = move |tool: &str, args: &str| {
            let (text, endpoint) = args.split_once(" --endpoints=").unwrap_or((args, ""));
            let opening = format!("{text} {endpoint}");
            let mut open = open.lock().unwrap();
            match tool {
                "opened-ports" => return Ok(shown(&open)),
                "open-port" if args == conflict => {
                    return Err(format!(
                        "cannot open {args} (unit \"web/0\"): port range conflicts with 1-9/tcp \
                         (unit \"web/0\")"
                    ));
                }
                "open-port" => drop(open.insert(port(opening.trim_end()))),
                "close-port" => drop(open.remove(&port(opening.trim_end()))),
                _ => return Err("not played".to_owned()),
            }
            Ok(String::new())
        };
        let step = |hook: &Hook<Declared>| {
            hook.set_port_openings(wanted.iter().map(|text| port(text)))?;
            let openings = hook.port_openings()?;
            // A second call finds nothing to do.
            hook.set_port_openings(wanted.iter().map(|text| port(text)))?;
            assert_eq!(hook.port_openings()?, openings);
            Ok(())
        };
        let mut ran = run("config-changed", variables, answers, step);
        ran.calls.retain(|call| !call.starts_with("opened-ports"));
        ran
    }

    /// Shows the openings as `opened-ports --endpoints` does.
    fn shown(open: &BTreeSet<OpenPort>) -> String {
        let ports: BTreeSet<Port> = open.iter().map(OpenPort::port).collect();
        let line = |port: &Port| {
            let of_port = open.iter().filter(|opening| opening.port() == *port);
            let endpoints: Vec<String> = of_port
                .map(|opening| opening.endpoint().map_or("*".to_owned(), ToString::to_string))
                .collect();
            let is_for_all = endpoints.contains(&"*".to_owned());
            let shown = if is_for_all { "*".to_owned() } else { endpoints.join(", ") };
            format!("{port} ({shown})")
        };
        serde_json::to_string(&ports.iter().map(line).collect::<Vec<_>>()).unwrap()
    }

    fn set(open: &[&str], wanted: &[&str]) -> Vec<String> {
        let ran = set_in(ON_MACHINE, open, wanted, "");
        assert_eq!((ran.report.exit_code(), ran.status()), (0, "active".to_owned()), "{ran:?}");
        ran.calls
    }

    #[test]
    fn only_the_difference_is_opened_and_closed() {
        assert_eq!(set(&["80", "443"], &["443", "80"]), [""; 0]);
        assert_eq!(
            set(&["80", "443"], &["443", "53/udp", "icmp", "8000-8010"]),
            ["close-port 80/tcp", "open-port 8000-8010/tcp", "open-port 53/udp", "open-port icmp"]
        );
        assert_eq!(set(&["80", "1-9/udp"], &[]), ["close-port 80/tcp", "close-port 1-9/udp"]);
    }

    #[test]
    fn an_opening_for_one_endpoint_is_not_one_for_all() {
        assert_eq!(
            set(&["80 web"], &["80"]),
            ["close-port 80/tcp --endpoints=web", "open-port 80/tcp"]
        );
        assert_eq!(
            set(&["80"], &["80 web", "80 admin"]),
            [
                "close-port 80/tcp",
                "open-port 80/tcp --endpoints=admin",
                "open-port 80/tcp --endpoints=web"
            ]
        );
        assert_eq!(
            set(&["80 web", "80 admin"], &["80 web"]),
            ["close-port 80/tcp --endpoints=admin"]
        );
        // What is open for all needs no opening for one.
        assert_eq!(set(&[], &["80", "80 web"]), ["open-port 80/tcp"]);
    }

    /// Juju shows them only once the port is not open for all (measured).
    #[test]
    fn an_opening_that_is_hidden_by_one_for_all_is_closed_too() {
        assert_eq!(
            set(&["80", "80 admin", "80 web"], &["80 web"]),
            ["close-port 80/tcp", "close-port 80/tcp --endpoints=admin"]
        );
    }

    #[test]
    fn a_range_that_overlaps_a_closed_one_is_opened_later() {
        let ran = set_in(ON_MACHINE, &["1-9"], &["5-12", "80"], "5-12/tcp");
        assert_eq!(ran.status(), "waiting: port 5-12/tcp: Juju closes 1-9/tcp first");
        assert_eq!(ran.report.exit_code(), 0, "{ran:?}");
        // The others are opened all the same.
        assert!(ran.calls.contains(&"open-port 80/tcp".to_owned()), "{ran:?}");
        let ran = set_in(ON_MACHINE, &["1-9/udp"], &["5-12"], "5-12/tcp");
        assert_eq!(ran.report.exit_code(), 1, "a range of another unit: {ran:?}");
    }

    #[test]
    fn kubernetes_has_no_icmp() {
        let ran = set_in(&[], &[], &["80", "icmp"], "");
        assert_eq!(ran.report.exit_code(), 1);
        assert_eq!(ran.calls, [""; 0]);
    }

    #[test]
    fn a_tool_that_lists_what_was_closed_does_not_keep_the_hook() {
        let answers = |tool: &str, _: &str| match tool {
            "opened-ports" => Ok("[\"80/tcp (a)\"]".to_owned()),
            _ => Ok(String::new()),
        };
        let ran = run("config-changed", ON_MACHINE, answers, |hook| hook.set_ports([]));
        assert_eq!(ran.report.exit_code(), 0, "{ran:?}");
    }
}
