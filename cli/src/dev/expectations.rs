//! What a script waits for: a time, a status, an answer.

use std::time::{Duration, Instant};

use hyper::Uri;
use tokio::net::TcpStream;

use super::commands::WantedStatus;
use super::events::human;
use super::table::{Snapshot, one_line};
use crate::error::{Error, Result};
use crate::http;

const FETCH_LIMIT: Duration = Duration::from_secs(10);

/// What holds the script up.
#[derive(Debug)]
pub enum Wait {
    Until(Instant),
    For {
        status: WantedStatus,
        limit: Duration,
        deadline: Instant,
    },
    Expect {
        status: WantedStatus,
        part: Option<String>,
        limit: Duration,
        deadline: Instant,
    },
    /// A fetch is under way.
    Fetch,
}

/// Whether the script may go on.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    NotYet,
    Met,
    Failed(String),
}

impl Wait {
    /// When it has to be looked at again, even if nothing happens.
    pub fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Until(deadline) | Self::For { deadline, .. } | Self::Expect { deadline, .. } => Some(*deadline),
            Self::Fetch => None,
        }
    }

    /// Looks at the unit. Only a settled unit has a status to speak of; an error is one that does not settle.
    pub fn check(&self, now: Instant, settled: bool, seen: &Snapshot) -> Verdict {
        match self {
            Self::Until(deadline) if now >= *deadline => Verdict::Met,
            Self::Until(_) | Self::Fetch => Verdict::NotYet,
            Self::For {
                status,
                limit,
                deadline,
            } => {
                if is(*status, settled, seen) {
                    Verdict::Met
                } else if now < *deadline {
                    Verdict::NotYet
                } else {
                    Verdict::Failed(format!(
                        "cannot wait any longer for {status}: after {} {}",
                        human(*limit),
                        what_is(settled, seen)
                    ))
                }
            }
            Self::Expect {
                status,
                part,
                limit,
                deadline,
            } => {
                let in_error = *status == WantedStatus::Error && is(*status, settled, seen);
                if !settled && !in_error {
                    if now < *deadline {
                        return Verdict::NotYet;
                    }
                    return Verdict::Failed(format!(
                        "cannot say whether the unit is {status}: after {} {}",
                        human(*limit),
                        what_is(settled, seen)
                    ));
                }
                let message = one_line(&seen.message);
                let part_seen = part.as_ref().is_none_or(|part| message.contains(part.as_str()));
                if is(*status, settled, seen) && part_seen {
                    return Verdict::Met;
                }
                let wanted = part.as_ref().map_or_else(
                    || status.to_string(),
                    |part| format!("{status} with {part:?} in its message"),
                );
                Verdict::Failed(format!("cannot confirm {wanted}: {}", what_is(settled, seen)))
            }
        }
    }
}

fn is(wanted: WantedStatus, settled: bool, seen: &Snapshot) -> bool {
    match wanted {
        WantedStatus::Error => seen.workload == "error",
        WantedStatus::Idle => settled,
        other => settled && seen.workload == other.to_string(),
    }
}

/// The unit as it is, for the one who expected something else.
pub fn what_is(settled: bool, seen: &Snapshot) -> String {
    let message = one_line(&seen.message);
    let colon = if message.is_empty() { "" } else { ": " };
    let agent = if settled { "settled" } else { "not settled yet" };
    format!(
        "{} is {}{colon}{message} (agent {}, {agent})",
        seen.unit, seen.workload, seen.agent
    )
}

/// Gets `url`, and gives its code and first line.
///
/// # Errors
/// When there is no answer in 10 s, or its code is 400 or more.
pub async fn fetch(url: &str) -> Result<String> {
    let failed = || Error::new(format!("cannot fetch {url}"));
    let uri: Uri = url.parse().map_err(|e| failed().because(e))?;
    if uri.scheme_str() != Some("http") {
        return Err(failed().because("only http:// is spoken here"));
    }
    let host = uri.host().ok_or_else(|| failed().because("it names no host"))?;
    let port = uri.port_u16().unwrap_or(80);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let connect = tokio::time::timeout(FETCH_LIMIT, TcpStream::connect((bare, port)));
    let stream = connect
        .await
        .map_err(|_| failed().because("no connection in 10 s"))?
        .map_err(|e| failed().because(e))?;
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let answer = http::get(stream, &format!("{host}:{port}"), target, FETCH_LIMIT).await?;
    let body = String::from_utf8_lossy(&answer.body);
    let told = format!("{} {}", answer.status.as_u16(), body.lines().next().unwrap_or(""));
    if answer.status.as_u16() >= 400 {
        return Err(failed().because(format!("it answered {told}")));
    }
    Ok(told.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(workload: &str, message: &str) -> Snapshot {
        Snapshot {
            application: "web".to_owned(),
            unit: "web/0".to_owned(),
            leader: true,
            version: String::new(),
            workload: workload.to_owned(),
            message: message.to_owned(),
            agent: "idle".to_owned(),
            ports: Vec::new(),
            containers: Vec::new(),
            deferred: Vec::new(),
        }
    }

    fn wait_for(status: WantedStatus, deadline: Instant) -> Wait {
        Wait::For {
            status,
            limit: Duration::from_secs(90),
            deadline,
        }
    }

    #[test]
    fn only_a_settled_unit_has_the_status() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let wait = wait_for(WantedStatus::Active, later);
        assert_eq!(wait.check(now, false, &seen("active", "")), Verdict::NotYet);
        assert_eq!(wait.check(now, true, &seen("waiting", "")), Verdict::NotYet);
        assert_eq!(wait.check(now, true, &seen("active", "")), Verdict::Met);
        assert_eq!(
            wait_for(WantedStatus::Error, later).check(now, false, &seen("error", "hook failed")),
            Verdict::Met
        );
        assert_eq!(
            wait_for(WantedStatus::Idle, later).check(now, true, &seen("blocked", "")),
            Verdict::Met
        );
        let Verdict::Failed(told) = wait.check(later, true, &seen("blocked", "port: too big")) else {
            panic!()
        };
        assert_eq!(
            told,
            "cannot wait any longer for active: after 1m30s web/0 is blocked: port: too big (agent idle, settled)"
        );
    }

    #[test]
    fn expect_answers_as_soon_as_the_unit_is_settled() {
        let now = Instant::now();
        let expect = |status, part: &str| Wait::Expect {
            status,
            part: Some(part.to_owned()).filter(|part| !part.is_empty()),
            limit: Duration::from_secs(180),
            deadline: now + Duration::from_secs(180),
        };
        assert_eq!(
            expect(WantedStatus::Blocked, "").check(now, false, &seen("blocked", "")),
            Verdict::NotYet
        );
        assert_eq!(
            expect(WantedStatus::Blocked, "port").check(now, true, &seen("blocked", "the port\nis bad")),
            Verdict::Met
        );
        assert_eq!(
            expect(WantedStatus::Error, "hook").check(now, false, &seen("error", "hook failed")),
            Verdict::Met
        );
        let Verdict::Failed(told) = expect(WantedStatus::Blocked, "user").check(now, true, &seen("blocked", "port"))
        else {
            panic!()
        };
        assert!(told.contains("web/0 is blocked: port"), "{told}");
    }
}
