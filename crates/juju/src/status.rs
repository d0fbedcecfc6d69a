//! Statuses of the unit and of its application.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::Error;
use super::hook_tools::{HookTools, free_text, shape};
use super::names::InvalidName;
use super::tool_runner::ToolCall;

/// What a status means. Ordered by severity: the greater is the worse, so that the worst of several
/// is their maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum StatusKind {
    /// The unit is gone. Set by Juju alone.
    Terminated,
    /// No status was ever set. Set by Juju alone; a word of a newer Juju reads as this too.
    Unknown,
    /// All is well.
    Active,
    /// Something else has to happen first, and it will without anybody's help.
    Waiting,
    /// The charm is at work.
    Maintenance,
    /// Nothing goes on until a person does something; the message says what.
    Blocked,
    /// A hook failed. Set by Juju alone.
    Error,
}

impl StatusKind {
    /// The word that Juju uses for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Terminated => "terminated",
            Self::Unknown => "unknown",
            Self::Active => "active",
            Self::Waiting => "waiting",
            Self::Maintenance => "maintenance",
            Self::Blocked => "blocked",
            Self::Error => "error",
        }
    }

    /// Whether a charm may set it; the others are Juju's own.
    #[must_use]
    pub fn is_settable(self) -> bool {
        match self {
            Self::Active | Self::Waiting | Self::Maintenance | Self::Blocked => true,
            Self::Terminated | Self::Unknown | Self::Error => false,
        }
    }
}

impl fmt::Display for StatusKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for StatusKind {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let all = [
            Self::Terminated,
            Self::Unknown,
            Self::Active,
            Self::Waiting,
            Self::Maintenance,
            Self::Blocked,
            Self::Error,
        ];
        all.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
            InvalidName::new(
                "a status",
                text,
                "expected active, waiting, maintenance or blocked, or one of Juju's own",
            )
        })
    }
}

/// A status: what it means, and a message for the operator.
///
/// ```
/// use charmwright_juju::{Status, StatusKind};
///
/// let status = Status::blocked("port must be between 1 and 65535");
/// assert_eq!(status.kind(), StatusKind::Blocked);
/// assert_eq!(status.to_string(), "blocked: port must be between 1 and 65535");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Status {
    #[serde(rename = "status")]
    kind: StatusKind,
    #[serde(default)]
    message: String,
}

impl Status {
    /// A status of this kind.
    #[must_use]
    pub fn new(kind: StatusKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// All is well, and there is nothing to say.
    #[must_use]
    pub fn active() -> Self {
        Self::new(StatusKind::Active, "")
    }

    /// Something else has to happen first; the message says what.
    #[must_use]
    pub fn waiting(message: impl Into<String>) -> Self {
        Self::new(StatusKind::Waiting, message)
    }

    /// The charm is at work; the message says on what.
    #[must_use]
    pub fn maintenance(message: impl Into<String>) -> Self {
        Self::new(StatusKind::Maintenance, message)
    }

    /// A person has to do something; the message says what.
    #[must_use]
    pub fn blocked(message: impl Into<String>) -> Self {
        Self::new(StatusKind::Blocked, message)
    }

    /// The same status with another message.
    #[must_use]
    pub fn with_message(self, message: impl Into<String>) -> Self {
        Self::new(self.kind, message)
    }

    /// What the status means.
    #[must_use]
    pub fn kind(&self) -> StatusKind {
        self.kind
    }

    /// The message; empty when there is nothing to say.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// `KIND: MESSAGE`, or the kind alone.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message.as_str() {
            "" => write!(f, "{}", self.kind),
            message => write!(f, "{}: {message}", self.kind),
        }
    }
}

/// Whose status it is.
#[derive(Clone, Copy)]
enum Whose {
    Unit,
    Application,
}

impl Whose {
    fn reading(self) -> &'static str {
        match self {
            Self::Unit => "read the unit's status",
            Self::Application => "read the application's status",
        }
    }

    fn setting(self) -> &'static str {
        match self {
            Self::Unit => "set the unit's status",
            Self::Application => "set the application's status",
        }
    }
}

impl HookTools {
    /// The unit's status as it was when this hook first asked, or as this hook set it since.
    ///
    /// Juju sets statuses of its own between hooks, so what the charm set in an earlier hook may be
    /// gone.
    ///
    /// # Errors
    ///
    /// The tool failed or printed no status.
    pub fn status(&self) -> Result<Status, Error> {
        self.status.get_or_ask(|| self.read_status(Whose::Unit))
    }

    /// Sets the unit's status; it takes effect at once and stays, also when the hook fails.
    ///
    /// # Errors
    ///
    /// The tool failed, the kind is one that only Juju sets, or the message is longer than an
    /// argument may be (131,071 bytes).
    pub fn set_status(&self, status: &Status) -> Result<(), Error> {
        self.write_status(Whose::Unit, status)?;
        self.status.set(status.clone());
        Ok(())
    }

    /// The application's status as it was when this hook first asked, or as this hook set it since.
    /// Leader only.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotLeader`](super::ErrorKind::NotLeader), the tool failed, or it printed no
    /// status.
    pub fn application_status(&self) -> Result<Status, Error> {
        self.application_status.get_or_ask(|| self.read_status(Whose::Application))
    }

    /// Sets the application's status; it takes effect at once and stays. Leader only.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotLeader`](super::ErrorKind::NotLeader), and as [`HookTools::set_status`].
    pub fn set_application_status(&self, status: &Status) -> Result<(), Error> {
        self.write_status(Whose::Application, status)?;
        self.application_status.set(status.clone());
        Ok(())
    }

    fn read_status(&self, whose: Whose) -> Result<Status, Error> {
        let mut call = ToolCall::new("status-get");
        if let Whose::Application = whose {
            call = call.arg("--application");
        }
        let answer = self.ask(whose.reading(), call.arg("--include-data").arg("--format=json"))?;
        status_in(&answer, whose)
            .map_err(|cause| Error::output(whose.reading(), "status-get", &cause))
    }

    fn write_status(&self, whose: Whose, status: &Status) -> Result<(), Error> {
        if !status.kind.is_settable() {
            let cause = format!(
                "only Juju itself sets {}; a charm sets active, waiting, maintenance or blocked",
                status.kind
            );
            return Err(Error::refused(whose.setting(), "status-set", cause));
        }
        let mut call = ToolCall::new("status-set");
        if let Whose::Application = whose {
            call = call.arg("--application");
        }
        call = call.arg(status.kind.as_str());
        if !status.message.is_empty() {
            call = call.free_text(free_text(&status.message));
        }
        self.tell(whose.setting(), call)
    }
}

fn status_in(answer: &Value, whose: Whose) -> Result<Status, String> {
    let status = match whose {
        Whose::Unit => Some(answer),
        Whose::Application => answer.get("application-status"),
    };
    let Some(Value::Object(status)) = status else {
        return Err(format!("printed {} where a map with the status was due", shape(answer)));
    };
    let Some(Value::String(word)) = status.get("status") else {
        return Err("printed a map that has no status in it".to_owned());
    };
    let message = status.get("message").and_then(Value::as_str).unwrap_or_default();
    Ok(Status::new(word.parse().unwrap_or(StatusKind::Unknown), message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook_tools::decode;
    use proptest::prelude::*;

    #[test]
    fn the_worst_is_the_greatest() {
        let mut kinds =
            [StatusKind::Blocked, StatusKind::Active, StatusKind::Maintenance, StatusKind::Waiting];
        kinds.sort();
        assert_eq!(
            kinds,
            [StatusKind::Active, StatusKind::Waiting, StatusKind::Maintenance, StatusKind::Blocked]
        );
    }

    proptest! {
        #[test]
        fn no_output_makes_it_panic(output: Vec<u8>, text in ".*") {
            for whose in [Whose::Unit, Whose::Application] {
                let _ = decode(&output).and_then(|answer| status_in(&answer, whose));
                let _ = decode(text.as_bytes()).and_then(|answer| status_in(&answer, whose));
            }
        }

        #[test]
        fn a_status_reads_back(message in ".*", which in 0..4_usize) {
            let kind = [
                StatusKind::Active, StatusKind::Waiting, StatusKind::Maintenance,
                StatusKind::Blocked,
            ][which];
            let status = Status::new(kind, message);
            let answer = decode(&serde_json::to_vec(&status).unwrap()).unwrap();
            prop_assert_eq!(status_in(&answer, Whose::Unit).unwrap(), status.clone());
            let answer = serde_json::json!({ "application-status": status });
            prop_assert_eq!(status_in(&answer, Whose::Application).unwrap(), status);
        }
    }
}
