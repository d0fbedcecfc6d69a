//! Describes the configuration of a health check, with every key of Pebble's layer schema.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::service::Override;
use crate::duration::GoDuration;
use crate::service_info::Startup;
use crate::wire::{wire_object, wire_words};

/// The level of a check says which question about the container's health it answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CheckLevel {
    /// The check tells whether the container is alive (a liveness probe).
    Alive,
    /// The check tells whether the container can take requests (a readiness probe). A request for
    /// this level includes the checks of level `alive`.
    Ready,
    /// A level that this version does not know. Pebble 1.32 refuses it.
    Other(String),
}

wire_words!(CheckLevel { Alive = "alive", Ready = "ready" });

/// A check tells Pebble how and when to test the health of the container: with exactly one of an
/// HTTP request, a TCP connection and a command.
///
/// ```
/// use std::time::Duration;
/// use charmwright_pebble::{Check, Layer};
/// let up = Check::http("http://127.0.0.1:8080/health")
///     .period(Duration::from_secs(5))
///     .threshold(3);
/// let layer = Layer::new().check("up", up);
/// ```
#[derive(Clone, Default, PartialEq)]
#[must_use]
pub struct Check {
    override_: Option<Override>,
    level: Option<CheckLevel>,
    startup: Option<Startup>,
    period: Option<GoDuration>,
    timeout: Option<GoDuration>,
    threshold: Option<i64>,
    http: Option<HttpCheck>,
    tcp: Option<TcpCheck>,
    exec: Option<ExecCheck>,
    extra: Map<String, Value>,
}

wire_object!(Check, "the configuration of a check (an object)", {
    "override" => override_: get_override -> Option<&Override>,
    "level" => level: get_level -> Option<&CheckLevel>,
    "startup" => startup: get_startup -> Option<&Startup>,
    "period" => period: get_period -> Option<GoDuration>,
    "timeout" => timeout: get_timeout -> Option<GoDuration>,
    "threshold" => threshold: get_threshold -> Option<i64> = "A plan always shows it.",
    "http" => http: get_http -> Option<&HttpCheck>,
    "tcp" => tcp: get_tcp -> Option<&TcpCheck>,
    "exec" => exec: get_exec -> Option<&ExecCheck>,
});

impl Check {
    /// Makes an entry that replaces any entry of the same name in the layers below, with nothing
    /// else set. It still needs one of [`Self::with_http`], [`Self::with_tcp`] and
    /// [`Self::with_exec`].
    pub fn new() -> Self {
        Self { override_: Some(Override::Replace), ..Self::default() }
    }

    /// Makes a check that requests this URL and wants an answer with a 2xx status. Pebble follows
    /// redirects.
    pub fn http(url: impl Into<String>) -> Self {
        Self::new().with_http(HttpCheck::new(url))
    }

    /// Makes a check that connects to this port on `localhost`.
    pub fn tcp(port: u16) -> Self {
        Self::new().with_tcp(TcpCheck::new(port))
    }

    /// Makes a check that runs this command and wants exit code 0. Pebble splits it into words as
    /// for [`Service::command`](super::Service::command).
    pub fn exec(command: impl Into<String>) -> Self {
        Self::new().with_exec(ExecCheck::new(command))
    }

    /// Sets `override`. [`Self::new`] sets [`Override::Replace`].
    pub fn override_mode(mut self, mode: Override) -> Self {
        self.override_ = Some(mode);
        self
    }

    /// Sets `level`. A check without a level counts only if no level is asked for.
    pub fn level(mut self, level: CheckLevel) -> Self {
        self.level = Some(level);
        self
    }

    /// Sets `startup`. Pebble takes an absent value for `enabled` (Pebble 1.19).
    pub fn startup(mut self, startup: Startup) -> Self {
        self.startup = Some(startup);
        self
    }

    /// Sets `period`: the time from one run to the next, and before the first. It must not be zero.
    /// The default is 10 s.
    pub fn period(mut self, period: impl Into<GoDuration>) -> Self {
        self.period = Some(period.into());
        self
    }

    /// Sets `timeout`, the time that one run may take. It must not be zero, and Pebble caps it at
    /// the period. The default is 3 s.
    pub fn timeout(mut self, timeout: impl Into<GoDuration>) -> Self {
        self.timeout = Some(timeout.into());
        self
    }

    /// Sets `threshold`: the number of failures in a row after which the check is down. The
    /// default, also for 0, is 3.
    pub fn threshold(mut self, failures: u32) -> Self {
        self.threshold = Some(i64::from(failures));
        self
    }

    /// Sets `http`. A check in the plan must have exactly one of `http`, `tcp` and `exec`.
    pub fn with_http(mut self, http: HttpCheck) -> Self {
        self.http = Some(http);
        self
    }

    /// Sets `tcp`. A check in the plan must have exactly one of `http`, `tcp` and `exec`.
    pub fn with_tcp(mut self, tcp: TcpCheck) -> Self {
        self.tcp = Some(tcp);
        self
    }

    /// Sets `exec`. A check in the plan must have exactly one of `http`, `tcp` and `exec`.
    pub fn with_exec(mut self, exec: ExecCheck) -> Self {
        self.exec = Some(exec);
        self
    }

    /// Sets a key that this version does not know. A key that has its own setter is not sent from
    /// here.
    pub fn other(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(key.into(), value.into());
        self
    }

    /// Returns the keys that this version does not know.
    #[must_use]
    pub fn get_other(&self) -> &Map<String, Value> {
        &self.extra
    }
}

/// An HTTP check sends a GET request.
#[derive(Clone, Default, PartialEq)]
#[must_use]
pub struct HttpCheck {
    url: Option<String>,
    headers: BTreeMap<String, String>,
    extra: Map<String, Value>,
}

wire_object!(HttpCheck, "an HTTP check (an object)", {
    "url" => url: get_url -> Option<&str>,
    "headers" => headers: get_headers -> &BTreeMap<String, String>,
});

impl HttpCheck {
    /// Makes a request for this URL, such as `http://127.0.0.1:8080/health`.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), ..Self::default() }
    }

    /// Adds a header to the request.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// Returns the keys that this version does not know.
    #[must_use]
    pub fn get_other(&self) -> &Map<String, Value> {
        &self.extra
    }
}

/// A TCP check opens a connection.
#[derive(Clone, Default, PartialEq)]
#[must_use]
pub struct TcpCheck {
    port: Option<i64>,
    host: Option<String>,
    extra: Map<String, Value>,
}

wire_object!(TcpCheck, "a TCP check (an object)", {
    "port" => port: get_port -> Option<i64> = "Pebble itself takes any whole number here.",
    "host" => host: get_host -> Option<&str>,
});

impl TcpCheck {
    /// Makes a connection to this port.
    pub fn new(port: u16) -> Self {
        Self { port: Some(i64::from(port)), ..Self::default() }
    }

    /// Sets `host`. The default is `localhost`.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// Returns the keys that this version does not know.
    #[must_use]
    pub fn get_other(&self) -> &Map<String, Value> {
        &self.extra
    }
}

/// An exec check runs a command.
#[derive(Clone, Default, PartialEq)]
#[must_use]
pub struct ExecCheck {
    command: Option<String>,
    service_context: Option<String>,
    environment: BTreeMap<String, String>,
    user_id: Option<i64>,
    user: Option<String>,
    group_id: Option<i64>,
    group: Option<String>,
    working_dir: Option<String>,
    extra: Map<String, Value>,
}

wire_object!(ExecCheck, "an exec check (an object)", {
    "command" => command: get_command -> Option<&str>,
    "service-context" => service_context: get_service_context -> Option<&str>,
    "environment" => environment: get_environment -> &BTreeMap<String, String>,
    "user-id" => user_id: get_user_id -> Option<i64>,
    "user" => user: get_user -> Option<&str>,
    "group-id" => group_id: get_group_id -> Option<i64>,
    "group" => group: get_group -> Option<&str>,
    "working-dir" => working_dir: get_working_dir -> Option<&str>,
});

impl ExecCheck {
    /// Runs this command. Pebble splits it into words as a shell does, and runs it without a shell.
    pub fn new(command: impl Into<String>) -> Self {
        Self { command: Some(command.into()), ..Self::default() }
    }

    /// Sets `service-context`: the service that gives the command its environment, user, group and
    /// directory, where they are not set here. The service must be in the plan (Pebble 1.3).
    pub fn service_context(mut self, service: impl Into<String>) -> Self {
        self.service_context = Some(service.into());
        self
    }

    /// Adds a variable to `environment`.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// Sets `user-id`. Pebble checks it as soon as the layer is added.
    pub fn user_id(mut self, id: u32) -> Self {
        self.user_id = Some(i64::from(id));
        self
    }

    /// Sets `user`. Pebble checks it as soon as the layer is added.
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// Sets `group-id`. Pebble checks it as soon as the layer is added.
    pub fn group_id(mut self, id: u32) -> Self {
        self.group_id = Some(i64::from(id));
        self
    }

    /// Sets `group`. Pebble checks it as soon as the layer is added.
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.group = Some(name.into());
        self
    }

    /// Sets `working-dir`. The default is that of the service context, or else the daemon's own.
    pub fn working_dir(mut self, path: impl Into<String>) -> Self {
        self.working_dir = Some(path.into());
        self
    }

    /// Returns the keys that this version does not know.
    #[must_use]
    pub fn get_other(&self) -> &Map<String, Value> {
        &self.extra
    }
}
