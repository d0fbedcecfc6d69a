//! This module reads the option `health-check`, which is `http:/PATH`, `tcp` or `exec:COMMAND`.

use std::str::FromStr;
use std::time::Duration;

use charmwright::pebble::{Check, CheckLevel, ExecCheck, Override};

/// The time from one run of the check to the next. A hook also waits no longer than this for the
/// check to pass.
pub const PERIOD: Duration = Duration::from_secs(10);

/// A check by which Pebble tells whether the workload is healthy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HealthCheck {
    /// It passes if a GET of this path on the workload's port has a status of 2xx.
    Http { path: String },
    /// It passes if the workload's port accepts a connection.
    Tcp,
    /// It passes if the command exits with code 0.
    Exec { command: String },
}

impl HealthCheck {
    /// Returns the check in Pebble's form. Its level is `ready`: a unit that fails it gets no
    /// traffic, and its container is not restarted.
    pub fn to_pebble(&self, port: Option<u16>) -> Check {
        // `Config::validate` refuses a check that needs a port where there is none, so the 0 is
        // never used.
        let port = port.unwrap_or_default();
        let check = match self {
            Self::Http { path } => Check::http(format!("http://localhost:{port}{path}")),
            Self::Tcp => Check::tcp(port),
            Self::Exec { command } => Check::exec(command),
        };
        check.override_mode(Override::Replace).level(CheckLevel::Ready).period(PERIOD)
    }

    /// Returns `true` if the check connects to the workload's port.
    pub fn needs_port(&self) -> bool {
        matches!(self, Self::Http { .. } | Self::Tcp)
    }
}

impl FromStr for HealthCheck {
    type Err = String;

    /// Parses the option. The message of an error never repeats the value, which may hold a
    /// password or a token.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "tcp" {
            return Ok(Self::Tcp);
        }
        match text.split_once(':') {
            // `http://HOST/` is refused, since the check goes to the workload's own port. A URL has
            // only printable ASCII characters: others have to be escaped.
            Some(("http", path))
                if path.starts_with('/')
                    && !path.starts_with("//")
                    && path.chars().all(|c| c.is_ascii_graphic()) =>
            {
                if has_valid_escapes(path) {
                    Ok(Self::Http { path: path.to_owned() })
                } else {
                    Err("has a % in its path without two hexadecimal digits after it; write %25 \
                         for a % itself"
                        .to_owned())
                }
            }
            Some(("exec", command)) if !command.trim().is_empty() => {
                match ExecCheck::validate_command(command) {
                    Ok(()) => Ok(Self::Exec { command: command.to_owned() }),
                    Err(refused) => {
                        Err(format!("has an exec command that cannot be run: {}", refused.why()))
                    }
                }
            }
            _ => Err("must be http:/PATH, tcp, exec:COMMAND or empty".to_owned()),
        }
    }
}

/// Returns `true` if every `%` in the path and in the fragment has two hexadecimal digits after it
/// (RFC 3986, section 2.1).
///
/// Pebble parses the URL at each run of the check and fails it if this is not so. The query is not
/// looked at: Go's parser takes it as it is.
fn has_valid_escapes(path: &str) -> bool {
    let (before_fragment, fragment) = path.split_once('#').unwrap_or((path, ""));
    let (path, _) = before_fragment.split_once('?').unwrap_or((before_fragment, ""));
    [path, fragment].iter().all(|part| {
        part.split('%').skip(1).all(|rest| {
            let digits: Vec<u8> = rest.bytes().take(2).collect();
            digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit)
        })
    })
}

/// Returns the reason why a check failed without the URL, the port and the program that Pebble
/// repeats in it. They are the operator's and may hold a secret, and `juju status` shows the reason
/// to everybody who may read the model.
///
/// The forms are those of Pebble (Pebble 1.32.1, `internals/overlord/checkstate/checkers.go`) and
/// of Go's `net/http` and `os/exec`.
pub fn without_values(error: &str) -> String {
    if error.starts_with("exec: ") && error.contains(": executable file not found") {
        return "the container has no such program".to_owned();
    }
    if let Some((_, why)) = error.strip_prefix("fork/exec ").and_then(|run| run.rsplit_once(": ")) {
        return format!("its program cannot be run: {why}");
    }
    // Go's errors nest, so after one of these prefixes another may follow.
    let mut rest = error;
    for quoted in ["cannot build request: parse \"", "Get \"", "parse \""] {
        if let Some((_, why)) = rest.strip_prefix(quoted).and_then(|quote| quote.split_once("\": "))
        {
            rest = why;
        }
    }
    // The output of the operator's command follows the status. It stays as it is: the command says
    // by it why it failed, and it may look like the errors below.
    if rest.starts_with("exit status ") {
        return rest.to_owned();
    }
    // The addresses, and with them the port, stand between these words and the next colon.
    for connection in ["dial tcp ", "read tcp ", "write tcp "] {
        if let Some((before, after)) = rest.split_once(connection)
            && let Some((_, why)) = after.split_once(": ")
        {
            return format!("{before}{why}");
        }
    }
    rest.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_form() {
        assert_eq!("http:/".parse(), Ok(HealthCheck::Http { path: "/".to_owned() }));
        assert_eq!("http:/a?b=c:d".parse(), Ok(HealthCheck::Http { path: "/a?b=c:d".to_owned() }));
        assert_eq!("tcp".parse(), Ok(HealthCheck::Tcp));
        let command = "pg_isready -h 'a:b'".to_owned();
        assert_eq!(format!("exec:{command}").parse(), Ok(HealthCheck::Exec { command }));
    }

    #[test]
    fn a_failure_is_told_without_what_the_operator_gave() {
        // These are errors of Pebble 1.32.1.
        for (from_pebble, expected) in [
            (
                "Get \"http://localhost:54321/live?token=T\": dial tcp 127.0.0.1:54321: connect: \
                 connection refused",
                "connect: connection refused",
            ),
            (
                "Get \"http://localhost:54321/live\": read tcp 127.0.0.1:43022->127.0.0.1:54321: \
                 read: connection reset by peer",
                "read: connection reset by peer",
            ),
            (
                "non-2xx status code 503; cannot read response: read tcp \
                 127.0.0.1:1->127.0.0.1:54321: i/o timeout",
                "non-2xx status code 503; cannot read response: i/o timeout",
            ),
            ("exit status 7; read tcp 10.0.0.1:1: no", "exit status 7; read tcp 10.0.0.1:1: no"),
            (
                "cannot build request: parse \"http://localhost:54321/%hunter2\": invalid URL \
                 escape \"%hu\"",
                "invalid URL escape \"%hu\"",
            ),
            ("dial tcp [::1]:54321: connect: connection refused", "connect: connection refused"),
            (
                "exec: \"nosuchprog\": executable file not found in $PATH",
                "the container has no such program",
            ),
            (
                "fork/exec /no/such: no such file or directory",
                "its program cannot be run: no such file or directory",
            ),
            ("exit status 7; bad thing", "exit status 7; bad thing"),
            ("non-2xx status code 503; x", "non-2xx status code 503; x"),
            ("check timed out after 3s", "check timed out after 3s"),
        ] {
            assert_eq!(without_values(from_pebble), expected);
        }
    }

    #[test]
    fn refuses_a_command_that_pebble_could_not_split() {
        let refused = "exec:sh -c \"true".parse::<HealthCheck>().unwrap_err();
        assert_eq!(refused, "has an exec command that cannot be run: a quote is not closed");
        let refused = "exec:# nothing".parse::<HealthCheck>().unwrap_err();
        assert!(refused.contains("only blanks or a comment"), "{refused}");
    }

    #[test]
    fn refuses_a_path_of_which_pebble_could_build_no_request() {
        for bad in ["http:/%hunter2", "http:/a%2", "http:/%", "http:/?a=%#%zz"] {
            let refused = bad.parse::<HealthCheck>().unwrap_err();
            assert!(
                refused.contains("write %25") && !refused.contains("hunter2"),
                "{bad}: {refused}"
            );
        }
        for good in ["http:/%20a%2Fb", "http:/a?b=100%", "http:/#%41"] {
            assert!(good.parse::<HealthCheck>().is_ok(), "{good}");
        }
    }

    #[test]
    fn refuses_the_rest_and_names_the_forms() {
        for bad in [
            "http",
            "http:",
            "http:relative",
            "http:/with blank",
            "http:/é",
            "http://host/",
            "tcp:80",
            "exec:",
            "exec:  ",
            "HTTP:/",
            "ping",
        ] {
            let error = bad.parse::<HealthCheck>().unwrap_err();
            assert_eq!(error, "must be http:/PATH, tcp, exec:COMMAND or empty", "{bad}");
        }
    }
}
