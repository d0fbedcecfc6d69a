//! Watches the Pebble of each container as Juju's agent does: whether it answers, whether it was
//! started again, and what notices it recorded.
//!
//! Each container has two tasks. One asks for system-info every 5 s, and a boot id that the unit
//! has not seen yet causes pebble-ready. The other waits for notices in long polls of 30 s, and
//! custom notices and the ends of check changes cause hooks. Both go on while Pebble does not
//! answer. (Source: reference `juju-agent.md`, 7.)

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::container::Container;
use super::session_event::{Notice, PebbleInfo, SessionEvent};
use crate::error::{Error, Result};
use crate::http;

/// The time between two polls of system-info (reference `juju-agent.md`, 7).
const POLL_INTERVAL: Duration = Duration::from_secs(5);
/// The time that a request for notices waits at Pebble (reference `juju-agent.md`, 7).
const NOTICE_POLL: Duration = Duration::from_secs(30);
/// The time between a failed request for notices and the next one (reference `juju-agent.md`, 7).
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// The limit for a request that Pebble answers at once. A busy machine needs no longer.
const RESPONSE_LIMIT: Duration = Duration::from_secs(10);

/// The time after a failed notice hook until the container's notices are read again from the first:
/// about what Juju's agent needs to restart its watchers.
const REPLAY_DELAY: Duration = Duration::from_secs(5);

/// The watchers of all containers. Dropping the value ends them and closes their connections to
/// Pebble.
#[derive(Debug)]
pub struct Watchers {
    tasks: JoinSet<()>,
    notices: HashMap<String, AbortHandle>,
    speed: u32,
    events: mpsc::UnboundedSender<SessionEvent>,
}

impl Watchers {
    /// Watches `containers`, with every interval divided by `speed`.
    pub fn start(
        containers: &[Container],
        speed: u32,
        events: &mpsc::UnboundedSender<SessionEvent>,
    ) -> Self {
        let mut watchers = Self {
            tasks: JoinSet::new(),
            notices: HashMap::new(),
            speed: speed.max(1),
            events: events.clone(),
        };
        for container in containers {
            let poll = watchers.watcher(container).poll();
            watchers.tasks.spawn(poll);
            watchers.watch_notices(container, Duration::ZERO);
        }
        watchers
    }

    /// Reads the notices of `container` again, from the first one that Pebble still holds.
    pub fn replay_notices(&mut self, container: &Container) {
        self.watch_notices(container, REPLAY_DELAY / self.speed);
    }

    fn watch_notices(&mut self, container: &Container, delay: Duration) {
        let watcher = self.watcher(container);
        let task = self.tasks.spawn(async move {
            tokio::time::sleep(delay).await;
            watcher.watch_notices().await;
        });
        if let Some(old) = self.notices.insert(container.name.clone(), task) {
            // Two tasks would report each notice twice.
            old.abort();
        }
    }

    fn watcher(&self, container: &Container) -> Watcher {
        Watcher {
            name: container.name.clone(),
            socket: container.socket.clone(),
            start: container.follow_start(),
            speed: self.speed,
            events: self.events.clone(),
        }
    }
}

struct Watcher {
    name: String,
    socket: PathBuf,
    start: watch::Receiver<u64>,
    speed: u32,
    events: mpsc::UnboundedSender<SessionEvent>,
}

impl Watcher {
    async fn poll(mut self) {
        loop {
            // The first poll comes after the interval and not at once, as in Juju's agent
            // (reference `juju-agent.md`, 7).
            tokio::time::sleep(POLL_INTERVAL / self.speed).await;
            let start = *self.start.borrow_and_update();
            let info = match start {
                0 => None,
                _ => get::<SystemInfo>(&self.socket, "/v1/system-info", RESPONSE_LIMIT)
                    .await
                    .ok()
                    .map(|info| PebbleInfo {
                        // The daemon's boot id is the kernel's here, so the number of the start
                        // makes it unique.
                        boot_id: format!("{}-{start}", info.boot_id),
                        version: info.version,
                    }),
            };
            // The session ignores an answer of a start that is over.
            if self
                .events
                .send(SessionEvent::PebblePolled { container: self.name.clone(), start, info })
                .is_err()
            {
                return;
            }
        }
    }

    async fn watch_notices(mut self) {
        // The time is kept over restarts of Pebble, so that no notice is reported twice.
        let mut after: Option<String> = None;
        loop {
            if *self.start.borrow_and_update() == 0 && self.start.changed().await.is_err() {
                return;
            }
            if self.next_notices(&mut after).await.is_err() {
                tokio::time::sleep(RETRY_INTERVAL / self.speed).await;
            }
        }
    }

    /// Waits for notices later than `after`, sends each to the session, and sets `after` to the
    /// time of the last one.
    async fn next_notices(&self, after: &mut Option<String>) -> Result<()> {
        let mut target = format!("/v1/notices?users=all&timeout={}s", NOTICE_POLL.as_secs());
        if let Some(after) = after {
            // A time like 2026-01-02T03:04:05+01:00 is in the query, where an unescaped `+` is a
            // blank.
            target.push_str(&format!("&after={}", after.replace('+', "%2B")));
        }
        let notices: Vec<PebbleNotice> =
            get(&self.socket, &target, NOTICE_POLL + RESPONSE_LIMIT).await?;
        for notice in notices {
            if let Some(notice) = self.translate(&notice).await? {
                let _ =
                    self.events.send(SessionEvent::Notice { container: self.name.clone(), notice });
            }
            // Pebble returns the notices in the order of this time.
            *after = Some(notice.last_repeated);
        }
        Ok(())
    }

    /// Returns the event that a notice causes in the unit. Most notices cause none.
    async fn translate(&self, notice: &PebbleNotice) -> Result<Option<Notice>> {
        if notice.kind == "custom" {
            return Ok(Some(Notice::Custom { id: notice.id.clone(), key: notice.key.clone() }));
        }
        let data = notice.last_data.as_ref();
        let (Some(kind), Some(check)) = (
            data.and_then(|data| data.kind.as_deref()),
            data.and_then(|data| data.check_name.clone()),
        ) else {
            return Ok(None);
        };
        let wanted = match kind {
            "perform-check" => "Error",
            "recover-check" => "Done",
            _ => return Ok(None),
        };
        let status = self.change_status(&notice.key).await?;
        // A change that Pebble has forgotten counts as one with the wanted status (reference
        // `juju-agent.md`, 7).
        if status.is_some_and(|status| status != wanted) {
            return Ok(None);
        }
        Ok(Some(if kind == "perform-check" {
            Notice::CheckFailed { check }
        } else {
            Notice::CheckRecovered { check }
        }))
    }

    /// Returns the status of a change, or `None` if Pebble does not know the change any more.
    async fn change_status(&self, id: &str) -> Result<Option<String>> {
        let response =
            get_response(&self.socket, &format!("/v1/changes/{id}"), RESPONSE_LIMIT).await?;
        if response.status == hyper::StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Ok(Some(result::<Change>(&response)?.status))
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct SystemInfo {
    boot_id: String,
    version: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct PebbleNotice {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    key: String,
    last_repeated: String,
    last_data: Option<NoticeData>,
}

/// The data of a change-update notice. A custom notice may hold anything here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct NoticeData {
    kind: Option<String>,
    check_name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Change {
    status: String,
}

#[derive(Debug, Deserialize)]
struct Envelope<T> {
    result: T,
}

async fn get<T: DeserializeOwned>(socket: &Path, target: &str, limit: Duration) -> Result<T> {
    result(&get_response(socket, target, limit).await?)
}

async fn get_response(socket: &Path, target: &str, limit: Duration) -> Result<http::HttpResponse> {
    let stream = UnixStream::connect(socket).await.map_err(|e| {
        Error::new(format!("cannot connect to Pebble at {}", socket.display())).because(e)
    })?;
    http::get(stream, "localhost", target, limit).await
}

fn result<T: DeserializeOwned>(response: &http::HttpResponse) -> Result<T> {
    if !response.status.is_success() {
        return Err(
            Error::new("cannot watch Pebble").because(format!("it answered {}", response.status))
        );
    }
    let envelope: Envelope<T> = serde_json::from_slice(&response.body)
        .map_err(|e| Error::new("cannot read Pebble's answer").because(e))?;
    Ok(envelope.result)
}
