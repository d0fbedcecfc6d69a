//! The calls about the status of the unit and the status of its application.

use serde_json::Value;

use crate::error::Error;
use crate::hook_tools::{HookTools, replace_nul};
use crate::status::{Status, StatusKind};
use crate::tool_output::type_name;
use crate::tool_runner::ToolCall;

/// The owner of a status.
#[derive(Clone, Copy)]
enum StatusScope {
    Unit,
    Application,
}

impl StatusScope {
    fn read_attempt(self) -> &'static str {
        match self {
            Self::Unit => "read the unit's status",
            Self::Application => "read the application's status",
        }
    }

    fn set_attempt(self) -> &'static str {
        match self {
            Self::Unit => "set the unit's status",
            Self::Application => "set the application's status",
        }
    }
}

impl HookTools {
    /// Returns the unit's status.
    ///
    /// The answer is cached for the hook, and [`set_status`](Self::set_status) replaces it. It may
    /// differ from the status that the charm set in an earlier hook, because Juju sets statuses of
    /// its own between hooks.
    ///
    /// # Errors
    ///
    /// The tool failed, or its output has no status.
    pub fn status(&self) -> Result<Status, Error> {
        self.status.get_or_try_init(|| self.read_status(StatusScope::Unit))
    }

    /// Sets the unit's status. It takes effect at once and stays if the hook fails later.
    ///
    /// # Errors
    ///
    /// - Only Juju may set this kind of status. No tool was started.
    /// - [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) if the message is longer than an
    ///   argument may be (131,071 bytes). No tool was started.
    /// - The tool failed.
    pub fn set_status(&self, status: &Status) -> Result<(), Error> {
        self.write_status(StatusScope::Unit, status)?;
        self.status.set(status.clone());
        Ok(())
    }

    /// Returns the application's status. Only the leader may ask.
    ///
    /// The answer is cached for the hook, and
    /// [`set_application_status`](Self::set_application_status) replaces it.
    ///
    /// # Errors
    ///
    /// The tool failed, with [`ErrorKind::NotLeader`](crate::ErrorKind::NotLeader) on a unit that
    /// is not the leader, or its output has no status.
    pub fn application_status(&self) -> Result<Status, Error> {
        self.application_status.get_or_try_init(|| self.read_status(StatusScope::Application))
    }

    /// Sets the application's status. It takes effect at once and stays if the hook fails later.
    /// Only the leader may set it.
    ///
    /// # Errors
    ///
    /// The call fails as [`HookTools::set_status`] does, and with
    /// [`ErrorKind::NotLeader`](crate::ErrorKind::NotLeader) on a unit that is not the leader.
    pub fn set_application_status(&self, status: &Status) -> Result<(), Error> {
        self.write_status(StatusScope::Application, status)?;
        self.application_status.set(status.clone());
        Ok(())
    }

    fn read_status(&self, scope: StatusScope) -> Result<Status, Error> {
        let mut call = ToolCall::new("status-get");
        if let StatusScope::Application = scope {
            call = call.arg("--application");
        }
        // Without `--include-data` the tool leaves the message out (Juju 2.9 to 4.1).
        let answer =
            self.query_json(scope.read_attempt(), call.arg("--include-data").arg("--format=json"))?;
        parse_status(&answer, scope)
            .map_err(|cause| Error::output(scope.read_attempt(), "status-get", &cause))
    }

    fn write_status(&self, scope: StatusScope, status: &Status) -> Result<(), Error> {
        if !status.kind().is_settable() {
            let cause = format!(
                "only Juju itself sets {}; a charm sets active, waiting, maintenance or blocked",
                status.kind()
            );
            return Err(Error::refused(scope.set_attempt(), "status-set", cause));
        }
        let mut call = ToolCall::new("status-set");
        if let StatusScope::Application = scope {
            call = call.arg("--application");
        }
        call = call.arg(status.kind().as_str());
        // Without a message argument Juju clears the message (2.9 to 4.1).
        if !status.message().is_empty() {
            call = call.free_text(replace_nul(status.message()));
        }
        self.execute(scope.set_attempt(), call)
    }
}

fn parse_status(answer: &Value, scope: StatusScope) -> Result<Status, String> {
    // The answer for the application also lists the units' statuses, and holds its own under a key.
    let status = match scope {
        StatusScope::Unit => Some(answer),
        StatusScope::Application => answer.get("application-status"),
    };
    let Some(Value::Object(status)) = status else {
        return Err(format!("printed {} where a map with the status was due", type_name(answer)));
    };
    let Some(Value::String(word)) = status.get("status") else {
        return Err("printed a map that has no status in it".to_owned());
    };
    let message = status.get("message").and_then(Value::as_str).unwrap_or_default();
    // A newer Juju may have more kinds of status; one of them must not fail the hook.
    Ok(Status::new(word.parse().unwrap_or(StatusKind::Unknown), message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool_output::parse_json;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_output_makes_the_parser_panic(output: Vec<u8>, text in ".*") {
            for scope in [StatusScope::Unit, StatusScope::Application] {
                let _ = parse_json(&output).and_then(|answer| parse_status(&answer, scope));
                let _ = parse_json(text.as_bytes()).and_then(|answer| parse_status(&answer, scope));
            }
        }

        #[test]
        fn a_status_reads_back(message in ".*", which in 0..4_usize) {
            let kind = [
                StatusKind::Active, StatusKind::Waiting, StatusKind::Maintenance,
                StatusKind::Blocked,
            ][which];
            let status = Status::new(kind, message);
            let answer = parse_json(&serde_json::to_vec(&status).unwrap()).unwrap();
            prop_assert_eq!(parse_status(&answer, StatusScope::Unit).unwrap(), status.clone());
            let answer = serde_json::json!({ "application-status": status });
            prop_assert_eq!(parse_status(&answer, StatusScope::Application).unwrap(), status);
        }
    }
}
