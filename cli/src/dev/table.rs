//! The table that a person reads, in the shape of `juju status`.

use std::fmt::Write as _;

/// What the table shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub application: String,
    pub unit: String,
    pub leader: bool,
    pub version: String,
    pub workload: String,
    pub message: String,
    pub agent: String,
    pub ports: Vec<String>,
    /// Name and state of each container.
    pub containers: Vec<(String, String)>,
    /// Name and reason of each event that the charm has put off.
    pub deferred: Vec<(String, String)>,
}

impl Snapshot {
    /// The table, several lines, each ended.
    pub fn table(&self) -> String {
        let unit = if self.leader {
            format!("{}*", self.unit)
        } else {
            self.unit.clone()
        };
        let mut text = rows(&[
            ["App", "Version", "Unit", "Workload", "Agent", "Ports", "Message"],
            [
                &self.application,
                &self.version,
                &unit,
                &self.workload,
                &self.agent,
                &self.ports.join(","),
                &one_line(&self.message),
            ],
        ]);
        for (head, pairs) in [
            (["Container", "Pebble"], &self.containers),
            (["Deferred", "Reason"], &self.deferred),
        ] {
            if !pairs.is_empty() {
                let mut table = vec![head];
                table.extend(pairs.iter().map(|(name, state)| [name.as_str(), state.as_str()]));
                text.push_str(&rows(&table));
            }
        }
        text
    }
}

/// `text` on one line: a charm's message may hold line ends.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Columns as wide as their widest cell, two blanks apart.
fn rows<const N: usize>(rows: &[[&str; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            let _ = write!(line, "{cell:<width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads_like_juju_status() {
        let snapshot = Snapshot {
            application: "web".to_owned(),
            unit: "web/0".to_owned(),
            leader: true,
            version: String::new(),
            workload: "active".to_owned(),
            message: "a\nb".to_owned(),
            agent: "idle".to_owned(),
            ports: vec!["80/tcp".to_owned(), "81/tcp".to_owned()],
            containers: vec![("web".to_owned(), "up v1.32.1".to_owned())],
            deferred: Vec::new(),
        };
        assert_eq!(
            snapshot.table(),
            "\
App  Version  Unit    Workload  Agent  Ports          Message
web           web/0*  active    idle   80/tcp,81/tcp  a b
Container  Pebble
web        up v1.32.1
"
        );
    }
}
