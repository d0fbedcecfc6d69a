//! The status table, in the form of `juju status`.

use super::duration_text::whole_seconds;
use crate::columns::{cut, pad, width};
use crate::sanitize::one_line;

/// The largest number of columns of a cell. A longer cell is cut.
const CELL_COLUMNS: usize = 64;
/// The largest number of columns of the last cell of a row, which is a message or a reason.
const LAST_CELL_COLUMNS: usize = 240;
/// The largest number of rows of one part of the table.
const ROWS_LIMIT: usize = 100;

/// The content of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub application: String,
    /// The application's own status, or that of its unit if it has none.
    pub application_status: String,
    pub application_message: String,
    pub unit: String,
    pub is_leader: bool,
    pub version: String,
    pub workload: String,
    pub message: String,
    /// The agent's status, and the hook that it runs.
    pub agent: String,
    pub ports: Vec<String>,
    /// The name and state of each container.
    pub containers: Vec<(String, String)>,
    /// The storage instances of the model, in the order in which they were made.
    pub storage: Vec<StorageRow>,
    /// The name, the kind and the path of each resource that has a file.
    pub resources: Vec<[String; 3]>,
    /// The relations of the application, by their numbers.
    pub relations: Vec<RelationRow>,
    /// The secrets that the unit or its application owns, that it has read, or that commands have
    /// added. There is never a content here.
    pub secrets: Vec<SecretRow>,
    /// The events that the charm has deferred, from the oldest to the newest.
    pub deferred: Vec<Deferred>,
}

/// A storage instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageRow {
    pub id: String,
    pub kind: String,
    pub state: String,
    /// The unit to which it belongs; empty if it is detached.
    pub unit: String,
    /// The path at which the charm finds it; empty if it is not provisioned or is detached.
    pub location: String,
}

/// A relation of the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationRow {
    pub endpoint: String,
    pub id: u32,
    pub remote: String,
    pub interface: String,
    pub state: String,
    /// The remote units of which the charm was told.
    pub units: Vec<String>,
}

/// A secret, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRow {
    pub uri: String,
    /// The name that `add-secret` gave it, or else the label by which the unit knows it.
    pub name: String,
    pub owner: String,
    pub revision: u32,
    /// The revision that the unit tracks, if it has read the secret.
    pub tracked: Option<u32>,
    pub rotation: String,
}

/// An event that the charm has deferred.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deferred {
    pub event: String,
    pub reason: String,
    /// The time of the first deferral, in seconds since 1970.
    pub since: u64,
    /// The number of times that Juju has sent the event.
    pub count: u32,
    /// The number of times that the charm has tried it.
    pub tries: u32,
}

impl Snapshot {
    /// Returns the table as several lines, each with its line end. `now` is the time in seconds
    /// since 1970.
    pub fn table(&self, now: u64) -> String {
        let unit = if self.is_leader { format!("{}*", self.unit) } else { self.unit.clone() };
        let mut text = format_rows(
            ["App", "Version", "Status", "Message"],
            [[
                self.application.clone(),
                self.version.clone(),
                self.application_status.clone(),
                self.application_message.clone(),
            ]],
        );
        text.push_str(&format_rows(
            ["Unit", "Workload", "Agent", "Ports", "Message"],
            [[
                unit,
                self.workload.clone(),
                self.agent.clone(),
                self.ports.join(","),
                self.message.clone(),
            ]],
        ));
        let containers = self.containers.iter();
        text.push_str(&format_rows(
            ["Container", "Pebble"],
            containers.map(|(name, state)| [name.clone(), state.clone()]),
        ));
        text.push_str(&format_rows(
            ["Storage", "Kind", "State", "Unit", "Location"],
            self.storage.iter().map(|storage| {
                let StorageRow { id, kind, state, unit, location } = storage.clone();
                [id, kind, state, unit, location]
            }),
        ));
        text.push_str(&format_rows(["Resource", "Kind", "File"], self.resources.iter().cloned()));
        text.push_str(&format_rows(
            ["Relation", "Id", "App", "Interface", "State", "Units"],
            self.relations.iter().map(|relation| {
                [
                    relation.endpoint.clone(),
                    relation.id.to_string(),
                    relation.remote.clone(),
                    relation.interface.clone(),
                    relation.state.clone(),
                    relation.units.join(","),
                ]
            }),
        ));
        text.push_str(&format_rows(
            ["Secret", "Name", "Owner", "Revision", "Tracked", "Rotation"],
            self.secrets.iter().map(|secret| {
                [
                    secret.uri.clone(),
                    secret.name.clone(),
                    secret.owner.clone(),
                    secret.revision.to_string(),
                    secret.tracked.map_or_else(|| "-".to_owned(), |tracked| tracked.to_string()),
                    secret.rotation.clone(),
                ]
            }),
        ));
        text.push_str(&format_rows(
            ["Deferred", "Age", "Count", "Tries", "Reason"],
            self.deferred.iter().map(|deferred| {
                [
                    deferred.event.clone(),
                    whole_seconds(now.saturating_sub(deferred.since)),
                    deferred.count.to_string(),
                    deferred.tries.to_string(),
                    deferred.reason.clone(),
                ]
            }),
        ));
        text
    }
}

/// Formats a head and its rows. A column is as wide as its widest cell, and columns are two blanks
/// apart. Without a row the text is empty.
fn format_rows<const N: usize>(
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = vec![head.map(str::to_owned)];
    let mut rows = rows.into_iter();
    for row in rows.by_ref().take(ROWS_LIMIT) {
        let mut index = 0;
        table.push(row.map(|cell| {
            index += 1;
            cut(&one_line(&cell), if index == N { LAST_CELL_COLUMNS } else { CELL_COLUMNS })
        }));
    }
    if table.len() == 1 {
        return String::new();
    }
    let mut widths = [0; N];
    for row in &table {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = width(cell).max(*widest);
        }
    }
    let mut text = String::new();
    for row in &table {
        let cells = row.iter().zip(widths).map(|(cell, width)| pad(cell, width));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    match rows.count() {
        0 => {}
        more => text.push_str(&format!("... {more} more\n")),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> Snapshot {
        Snapshot {
            application: "web".to_owned(),
            application_status: "waiting".to_owned(),
            application_message: "for all".to_owned(),
            unit: "web/0".to_owned(),
            is_leader: true,
            version: String::new(),
            workload: "active".to_owned(),
            message: "a\nb".to_owned(),
            agent: "executing (config-changed, 40 s)".to_owned(),
            ports: vec!["80/tcp".to_owned(), "81/tcp".to_owned()],
            containers: vec![("web".to_owned(), "up v1.32.1".to_owned())],
            storage: Vec::new(),
            resources: Vec::new(),
            relations: Vec::new(),
            secrets: Vec::new(),
            deferred: Vec::new(),
        }
    }

    #[test]
    fn the_table_reads_like_juju_status() {
        assert_eq!(
            snapshot().table(0),
            "\
App  Version  Status   Message
web           waiting  for all
Unit    Workload  Agent                             Ports          Message
web/0*  active    executing (config-changed, 40 s)  80/tcp,81/tcp  a b
Container  Pebble
web        up v1.32.1
"
        );
    }

    #[test]
    fn a_deferred_event_has_an_age_and_a_count() {
        let deferred = |event: &str, since, count| Deferred {
            event: event.to_owned(),
            reason: "no Pebble".to_owned(),
            since,
            count,
            tries: count,
        };
        let unit = Snapshot {
            containers: Vec::new(),
            deferred: vec![deferred("install", 1_000, 2), deferred("start", 1_064, 1)],
            ..snapshot()
        };
        let table = unit.table(1_065);
        let rows = "\
Deferred  Age    Count  Tries  Reason
install   1m05s  2      2      no Pebble
start     1 s    1      1      no Pebble
";
        assert!(table.ends_with(rows), "{table}");
        // A clock that was set back must not give a huge age.
        assert!(unit.table(0).contains("install   0 s "), "{}", unit.table(0));
    }

    #[test]
    fn relations_and_secrets_have_their_rows() {
        let unit = Snapshot {
            containers: Vec::new(),
            relations: vec![RelationRow {
                endpoint: "database".to_owned(),
                id: 3,
                remote: "pg".to_owned(),
                interface: "postgresql_client".to_owned(),
                state: "joined".to_owned(),
                units: vec!["pg/0".to_owned(), "pg/1".to_owned()],
            }],
            secrets: vec![SecretRow {
                uri: "secret:9m4e2mr0ui3e8a215n4g".to_owned(),
                name: "pg/user".to_owned(),
                owner: "pg".to_owned(),
                revision: 2,
                tracked: Some(1),
                rotation: String::new(),
            }],
            ..snapshot()
        };
        let rows = "\
Relation  Id  App  Interface          State   Units
database  3   pg   postgresql_client  joined  pg/0,pg/1
Secret                       Name     Owner  Revision  Tracked  Rotation
secret:9m4e2mr0ui3e8a215n4g  pg/user  pg     2         1
";
        assert!(unit.table(0).ends_with(rows), "{}", unit.table(0));
    }

    #[test]
    fn storage_and_resources_have_their_rows() {
        let row = |id: &str, state: &str, unit: &str, location: &str| StorageRow {
            id: id.to_owned(),
            kind: "filesystem".to_owned(),
            state: state.to_owned(),
            unit: unit.to_owned(),
            location: location.to_owned(),
        };
        let unit = Snapshot {
            containers: Vec::new(),
            storage: vec![
                row("data/0", "attached", "web/0", "/tmp/run/storage/data/0"),
                row("logs/1", "detached", "", ""),
            ],
            resources: vec![["conf", "file", "/tmp/run/resources/conf/c"].map(str::to_owned)],
            ..snapshot()
        };
        let rows = "\
Storage  Kind        State     Unit   Location
data/0   filesystem  attached  web/0  /tmp/run/storage/data/0
logs/1   filesystem  detached
Resource  Kind  File
conf      file  /tmp/run/resources/conf/c
";
        assert!(unit.table(0).ends_with(rows), "{}", unit.table(0));
    }

    #[test]
    fn no_text_breaks_the_table() {
        let long = "x".repeat(70_000);
        let hostile = "\u{1b}[2J\u{202e}\r\n\0";
        let unit = Snapshot {
            version: "1.0\n2.0".to_owned(),
            message: long.clone(),
            application_message: hostile.repeat(10_000),
            workload: hostile.to_owned(),
            ports: vec![long.clone()],
            containers: (0..1_000).map(|n| (format!("{n}"), long.clone())).collect(),
            ..snapshot()
        };
        let table = unit.table(0);
        assert!(table.contains("1.0 2.0"));
        assert!(!table.contains(['\u{1b}', '\u{202e}', '\r', '\0']));
        assert_eq!(table.lines().count(), 2 + 2 + 1 + ROWS_LIMIT + 1, "{table}");
        assert!(
            table.lines().all(|line| width(line) <= 4 * (CELL_COLUMNS + 2) + LAST_CELL_COLUMNS)
        );
        assert!(table.ends_with("... 900 more\n"));
    }
}
