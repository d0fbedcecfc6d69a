//! Parses what a run prints: the line of a hook, and the status table.

use std::time::Duration;

/// The line of a hook that ended.
#[derive(Debug, Clone)]
pub struct HookLine {
    pub name: String,
    /// The number of the attempt, counted from 1.
    pub attempt: u32,
    pub took: Duration,
    /// The way it ended: `exit 0`, `signal 9`.
    pub exit: String,
    /// The hook tools that it called, as they are printed.
    pub tools: String,
}

impl HookLine {
    /// Reads `  3.0s  config-changed (again, 2)   149 ms  exit 1    config-get, state-get`, and
    /// returns `None` for any other line.
    pub fn read(line: &str) -> Option<Self> {
        let (time, rest) = line.trim_start().split_once("s  ")?;
        time.parse::<f64>().ok()?;
        let mut words = rest.split_whitespace().peekable();
        let name = words.next()?.to_owned();
        let mut attempt = 1;
        if words.next_if_eq(&"(again,").is_some() {
            attempt = words.next()?.trim_end_matches(')').parse().ok()?;
        }
        let took = words.next()?;
        let took = match words.peek() {
            Some(&"ms") => took.parse::<f64>().ok()? / 1000.0,
            Some(&"s") => took.parse().ok()?,
            // A time like 1m05s is not read: no test waits so long.
            _ => return None,
        };
        words.next();
        let exit = format!("{} {}", words.next()?, words.next()?);
        Some(Self {
            name,
            attempt,
            took: Duration::from_secs_f64(took),
            exit,
            tools: words.collect::<Vec<_>>().join(" "),
        })
    }
}

/// The status table.
#[derive(Debug, Clone)]
pub struct Table {
    pub workload: String,
    pub agent: String,
    pub ports: String,
    pub message: String,
    /// The name and reason of each deferred event.
    pub deferred: Vec<(String, String)>,
}

impl Table {
    /// Reads the lines of a table, without the empty lines around it.
    pub fn read(lines: &[String]) -> Self {
        let [_, _, head, row, rest @ ..] = lines else { panic!("no table: {lines:?}") };
        let cell = |name: &str| {
            let names = ["Unit", "Workload", "Agent", "Ports", "Message"];
            let start = head.find(name).unwrap_or_else(|| panic!("no {name} in {head:?}"));
            let end = names
                .iter()
                .skip_while(|known| **known != name)
                .nth(1)
                .map_or(row.len(), |next| head.find(next).unwrap());
            row.get(start..end.min(row.len())).unwrap_or_default().trim().to_owned()
        };
        let mut deferred = rest.iter().skip_while(|line| !line.starts_with("Deferred"));
        // The columns for age, count and tries are between the two.
        let reason = deferred.next().and_then(|head| head.find("Reason")).unwrap_or(0);
        Self {
            workload: cell("Workload"),
            agent: cell("Agent"),
            ports: cell("Ports"),
            message: cell("Message"),
            deferred: deferred
                .map(|line| {
                    let name = line.split("  ").next().unwrap_or_default();
                    let reason = line.get(reason..).unwrap_or_default();
                    (name.to_owned(), reason.trim().to_owned())
                })
                .collect(),
        }
    }

    /// Returns the workload status and its message.
    pub fn status(&self) -> (&str, &str) {
        (&self.workload, &self.message)
    }
}

#[test]
fn a_hook_line_and_a_table_are_read() {
    let line =
        "   16.4s  config-changed (again, 2)        149 ms  exit 1    close-port, config-get x2";
    let hook = HookLine::read(line).unwrap();
    assert_eq!((hook.name.as_str(), hook.attempt), ("config-changed", 2));
    assert_eq!((hook.took, hook.exit.as_str()), (Duration::from_millis(149), "exit 1"));
    assert_eq!(hook.tools, "close-port, config-get x2");
    assert!(HookLine::read("   16.3s  config-changed ...").is_none());
    assert!(HookLine::read("   16.3s  > config port=1 2 3").is_none());
    let lines = [
        "App  Version  Status   Message",
        "web           waiting  for Pebble",
        "Unit    Workload  Agent  Ports   Message",
        "web/0*  waiting   idle   80/tcp  for Pebble",
        "Container  Pebble",
        "web        up v1",
        "Deferred  Age  Count  Tries  Reason",
        "install   4 s  1      1      for Pebble",
    ]
    .map(str::to_owned);
    let table = Table::read(&lines);
    assert_eq!(table.status(), ("waiting", "for Pebble"));
    assert_eq!((table.agent.as_str(), table.ports.as_str()), ("idle", "80/tcp"));
    assert_eq!(table.deferred, [("install".to_owned(), "for Pebble".to_owned())]);
}
