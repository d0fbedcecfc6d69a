//! The client sends signals to the processes of services.

use std::fmt;
use std::str::FromStr;

use serde_json::json;

use super::client::Client;
#[cfg(test)]
use super::docs_table::Sample;
use super::error::Error;
use super::names::owned;
use super::request::Request;
use super::resend::Resend;

/// The full name of a signal, as Pebble takes it: `SIGHUP`, not `HUP`.
///
/// ```
/// use charmwright_pebble::Signal;
/// assert_eq!("SIGHUP".parse::<Signal>()?, Signal::HUP);
/// assert!("HUP".parse::<Signal>().is_err());
/// # Ok::<(), charmwright_pebble::InvalidSignal>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Signal(std::borrow::Cow<'static, str>);

impl Signal {
    /// `SIGHUP`, at which many servers read their configuration again.
    pub const HUP: Self = Self::known("SIGHUP");
    /// `SIGINT`, which Ctrl-C sends.
    pub const INT: Self = Self::known("SIGINT");
    /// `SIGQUIT`.
    pub const QUIT: Self = Self::known("SIGQUIT");
    /// `SIGKILL`, which no process can catch.
    pub const KILL: Self = Self::known("SIGKILL");
    /// `SIGTERM`, which asks a process to end.
    pub const TERM: Self = Self::known("SIGTERM");
    /// `SIGUSR1`.
    pub const USR1: Self = Self::known("SIGUSR1");
    /// `SIGUSR2`.
    pub const USR2: Self = Self::known("SIGUSR2");

    const fn known(name: &'static str) -> Self {
        Self(std::borrow::Cow::Borrowed(name))
    }

    /// Returns the full name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A text that cannot be the name of a signal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot use {text:?} as a signal: write its full name in capitals, such as SIGHUP")]
pub struct InvalidSignal {
    text: String,
}

impl FromStr for Signal {
    type Err = InvalidSignal;

    /// Accepts every name of the right form. Pebble says whether the system knows the signal.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = text.strip_prefix("SIG").is_some_and(|rest| {
            (1..=16).contains(&rest.len())
                && rest.bytes().all(|byte| {
                    byte.is_ascii_uppercase()
                        || byte.is_ascii_digit()
                        || matches!(byte, b'+' | b'-')
                })
        });
        if fits {
            Ok(Self(text.to_owned().into()))
        } else {
            Err(InvalidSignal { text: text.chars().take(64).collect() })
        }
    }
}

impl Client {
    /// Sends a signal to the main process of each of these services, not to its children: `POST
    /// /v1/signals`.
    ///
    /// The request is sent once. It is not repeated after a lost answer, since the process may have
    /// got its signal. Dropping the future does not take back what was sent.
    ///
    /// # Errors
    /// It fails with `Api` and status 500 when a service does not run or the system does not know
    /// the signal; the other services may then have got theirs ([`Error::may_have_acted`]). It
    /// fails with [`InvalidRequest`](super::ErrorKind::InvalidRequest) when no service is named,
    /// and with [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within the
    /// policy, or the answer was lost.
    pub async fn signal(
        &self,
        signal: &Signal,
        services: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<(), Error> {
        let services = owned(services);
        let request = signal_request(signal, &services);
        if services.is_empty() {
            return Err(self.refuse(request.operation(), "name at least one service"));
        }
        self.send(request).await.map(drop)
    }
}

fn signal_request(signal: &Signal, services: &[String]) -> Request {
    let quoted: Vec<String> = services.iter().map(|name| format!("{name:?}")).collect();
    let operation = match quoted.as_slice() {
        [] => format!("send {signal}"),
        [one] => format!("send {signal} to service {one}"),
        several => format!("send {signal} to services {}", several.join(", ")),
    };
    let body = json!({ "signal": signal.as_str(), "services": services });
    Request::post("/v1/signals", operation, &body, Resend::Never).naming("service", services)
}

#[cfg(test)]
pub(super) fn samples() -> Vec<Sample> {
    let request = signal_request(&Signal::HUP, &["web".to_owned()]);
    vec![Sample::new("Client::signal", "/v1/signals", request)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_full_names_are_taken() {
        for good in ["SIGHUP", "SIGUSR1", "SIGRTMIN+3", "SIGNAL"] {
            assert_eq!(good.parse::<Signal>().unwrap().to_string(), good);
        }
        for bad in
            ["", "HUP", "sighup", "SIG", "1", "SIGHUP ", "SIG\u{391}", "SIGTHISISNOTASIGNALNAME"]
        {
            assert!(bad.parse::<Signal>().is_err(), "{bad:?}");
        }
    }
}
