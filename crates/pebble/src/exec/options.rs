//! Describes a command: what to run, and how.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use hyper::body::Bytes;
use serde_json::{Map, Value, json};

use super::super::duration::GoDuration;
use super::super::files::Owner;
use super::super::names::{check_environment, check_name, check_text};

/// The number of bytes of each stream that [`ExecProcess::output`](super::ExecProcess::output)
/// keeps, unless [`Exec::output_limit`] sets another.
const OUTPUT_LIMIT: usize = 16 * 1024 * 1024;

/// Describes a command for [`Client::exec`](crate::Client::exec), with the options of Pebble's
/// `POST /v1/exec`.
///
/// ```
/// use std::time::Duration;
/// use charmwright_pebble::Exec;
///
/// let migrate = Exec::new(["/app/manage", "migrate"])
///     .service_context("app")
///     .env("VERBOSE", "1")
///     .timeout(Duration::from_secs(600));
/// ```
///
/// `Debug` shows neither the values of environment variables nor the stdin. It does show the
/// arguments, which must not hold a secret: every process in the container can read them.
#[derive(Clone)]
#[must_use]
pub struct Exec {
    command: Vec<String>,
    environment: BTreeMap<String, String>,
    working_dir: Option<String>,
    account: Owner,
    service_context: Option<String>,
    timeout: Timeout,
    stdin: Option<Bytes>,
    combined: bool,
    terminal: Option<(u16, u16)>,
    interactive: bool,
    output_limit: usize,
}

/// The limit on the time for which a command may run.
#[derive(Debug, Clone, Copy)]
enum Timeout {
    /// The client's change deadline.
    OfClient,
    /// A time of its own.
    After(Duration),
    /// No limit at all.
    Never,
}

impl Exec {
    /// Makes a command from a program and its arguments. Pebble looks the program up in the
    /// daemon's PATH, not in that of [`Exec::env`].
    pub fn new(command: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            command: command.into_iter().map(Into::into).collect(),
            environment: BTreeMap::new(),
            working_dir: None,
            account: Owner::new(),
            service_context: None,
            timeout: Timeout::OfClient,
            stdin: None,
            combined: false,
            terminal: None,
            interactive: false,
            output_limit: OUTPUT_LIMIT,
        }
    }

    /// Sets an environment variable. It takes precedence over those of the daemon and of the
    /// service context.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// Sets environment variables, as [`Exec::env`] does.
    pub fn envs(
        mut self,
        variables: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Self {
        self.environment
            .extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Sets the directory in which the command runs. The default is that of the service context, or
    /// else the user's home.
    pub fn working_dir(mut self, path: impl Into<String>) -> Self {
        self.working_dir = Some(path.into());
        self
    }

    /// Sets the name of the user that the command runs as. The default is that of the service
    /// context, or else the daemon's.
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.account = self.account.user(name);
        self
    }

    /// Sets the id of the user that the command runs as.
    pub fn user_id(mut self, id: u32) -> Self {
        self.account = self.account.user_id(id);
        self
    }

    /// Sets the name of the group that the command runs as. A group needs a user.
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.account = self.account.group(name);
        self
    }

    /// Sets the id of the group that the command runs as. A group needs a user.
    pub fn group_id(mut self, id: u32) -> Self {
        self.account = self.account.group_id(id);
        self
    }

    /// Sets the account that the command runs as. It replaces the user and group that were set
    /// before.
    pub fn run_as(self, account: Owner) -> Self {
        Self { account, ..self }
    }

    /// Takes the environment, user, group and working directory of this service where they are not
    /// set here (Pebble 1.3; an older Pebble ignores it).
    pub fn service_context(mut self, service: impl Into<String>) -> Self {
        self.service_context = Some(service.into());
        self
    }

    /// Sets the time for which the command may run, which must not be zero. Pebble then kills it.
    /// The default is the client's change deadline, which is 5 minutes unless it was set.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Timeout::After(timeout);
        self
    }

    /// Lets the command run without a time limit.
    pub fn without_timeout(mut self) -> Self {
        self.timeout = Timeout::Never;
        self
    }

    /// Sets all bytes of the command's stdin. Without them, the stdin is what is written to
    /// [`ExecProcess::take_stdin`](super::ExecProcess::take_stdin), or empty.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(Bytes::from(bytes.into()));
        self
    }

    /// Combines stderr with stdout, in the order in which the command writes.
    pub fn combine_stderr(mut self) -> Self {
        self.combined = true;
        self
    }

    /// Gives the command a terminal for its output, with this number of columns and rows (1 to
    /// 65535 each). Its stderr is then part of its stdout.
    pub fn terminal(mut self, width: u16, height: u16) -> Self {
        self.terminal = Some((width, height));
        self
    }

    /// Lets the command also read from its [`Exec::terminal`], which becomes its controlling
    /// terminal: the byte of Ctrl-C then sends a signal.
    ///
    /// The end of stdin is then sent as Ctrl-D (Pebble 1.16; an older Pebble does nothing at the
    /// end, so the byte 4 has to be written before it).
    pub fn interactive(mut self) -> Self {
        self.interactive = true;
        self
    }

    /// Sets how many bytes [`ExecProcess::output`](super::ExecProcess::output) and
    /// [`Client::exec_output`](crate::Client::exec_output) keep of the beginning of each stream.
    /// The default is 16 MiB. Further bytes are read, discarded and counted.
    pub fn output_limit(mut self, bytes: usize) -> Self {
        self.output_limit = bytes;
        self
    }

    /// Returns the name of the call for messages. Arguments may hold anything, so they are left
    /// out, as Pebble does.
    pub(super) fn operation(&self) -> String {
        format!("run command {:?}", self.program())
    }

    /// Returns the name of the first step for the log.
    pub(super) fn start_step(&self) -> String {
        format!("start command {:?}", self.program())
    }

    /// Returns the name of the last step for the log.
    pub(super) fn end_step(&self) -> String {
        format!("learn the end of command {:?}", self.program())
    }

    fn program(&self) -> &str {
        self.command.first().map_or("", String::as_str)
    }

    /// Refuses options that Pebble would refuse or misread, for a command that may run for `limit`.
    /// The error says what to change.
    pub(super) fn check(&self, limit: Option<Duration>) -> Result<(), String> {
        let refuse = |why: &str| Err(why.to_owned());
        // In a few places the daemon takes a program name of white space for none, and that ends
        // the daemon.
        if self.command.first().is_none_or(|program| program.trim().is_empty()) {
            return refuse("name the program to run");
        }
        if self.interactive && self.terminal.is_none() {
            return refuse("give it a terminal, without one it cannot be interactive");
        }
        if matches!(self.terminal, Some((0, _) | (_, 0))) {
            return refuse("give its terminal at least one column and one row");
        }
        // Pebble would take zero for no limit.
        if limit == Some(Duration::ZERO) {
            return refuse("give it some time, or run it without timeout");
        }
        for (number, argument) in self.command.iter().enumerate() {
            match number {
                0 => check_text("the name of the program", argument)?,
                number => check_text(&format!("argument {number}"), argument)?,
            }
        }
        check_environment(&self.environment)?;
        check_text("the working directory", self.working_dir.as_deref().unwrap_or_default())?;
        self.account.check()?;
        let service = self.service_context.as_deref();
        service.map_or(Ok(()), |name| check_name("service", name))
    }

    /// Returns the time for which the command may run.
    pub(super) fn limit(&self, of_client: Duration) -> Option<Duration> {
        match self.timeout {
            Timeout::OfClient => Some(of_client),
            Timeout::After(timeout) => Some(timeout),
            Timeout::Never => None,
        }
    }

    pub(super) fn given_stdin(&self) -> Option<Bytes> {
        self.stdin.clone()
    }

    pub(super) fn kept_output(&self) -> usize {
        self.output_limit
    }

    pub(super) fn has_terminal(&self) -> bool {
        self.terminal.is_some()
    }

    pub(super) fn splits_stderr(&self) -> bool {
        !self.combined && self.terminal.is_none()
    }

    pub(super) fn needs_service(&self) -> bool {
        self.service_context.is_some()
    }

    /// Returns the body of the request.
    pub(super) fn body(&self, limit: Option<Duration>) -> Value {
        let optional = [
            ("environment", (!self.environment.is_empty()).then(|| json!(self.environment))),
            ("working-dir", self.working_dir.as_ref().map(|path| json!(path))),
            ("user", self.account.user.as_ref().map(|name| json!(name))),
            ("user-id", self.account.user_id.map(|id| json!(id))),
            ("group", self.account.group.as_ref().map(|name| json!(name))),
            ("group-id", self.account.group_id.map(|id| json!(id))),
            ("service-context", self.service_context.as_ref().map(|name| json!(name))),
            ("timeout", limit.map(|limit| json!(GoDuration::from(limit).to_string()))),
            ("split-stderr", self.splits_stderr().then_some(json!(true))),
            ("terminal", self.terminal.map(|_| json!(true))),
            ("width", self.terminal.map(|(width, _)| json!(width))),
            ("height", self.terminal.map(|(_, height)| json!(height))),
            ("interactive", self.interactive.then_some(json!(true))),
        ];
        let mut body = Map::new();
        body.insert("command".to_owned(), json!(self.command));
        body.extend(optional.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
        Value::Object(body)
    }
}

impl fmt::Debug for Exec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exec")
            .field("command", &self.command)
            .field("environment", &self.environment.keys())
            .field("working_dir", &self.working_dir)
            .field("user", &self.account.user)
            .field("user_id", &self.account.user_id)
            .field("group", &self.account.group)
            .field("group_id", &self.account.group_id)
            .field("service_context", &self.service_context)
            .field("timeout", &self.timeout)
            .field("stdin_bytes", &self.stdin.as_ref().map(Bytes::len))
            .field("combined", &self.combined)
            .field("terminal", &self.terminal)
            .field("interactive", &self.interactive)
            .field("output_limit", &self.output_limit)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_says_what_was_set_and_nothing_else() {
        let limit = Duration::from_secs(90);
        assert_eq!(
            Exec::new(["a", "b"]).body(Some(limit)),
            json!({"command": ["a", "b"], "timeout": "1m30s", "split-stderr": true})
        );
        let all = Exec::new(["a"])
            .env("A", "1")
            .envs([("B", "2")])
            .working_dir("/w")
            .user("u")
            .user_id(1)
            .group("g")
            .group_id(2)
            .service_context("s")
            .terminal(80, 25)
            .interactive();
        assert_eq!(
            all.body(None),
            json!({
                "command": ["a"], "environment": {"A": "1", "B": "2"}, "working-dir": "/w",
                "user": "u", "user-id": 1, "group": "g", "group-id": 2, "service-context": "s",
                "terminal": true, "interactive": true, "width": 80, "height": 25
            })
        );
        assert_eq!(Exec::new(["a"]).combine_stderr().body(None), json!({"command": ["a"]}));
        let account = Owner::new().user("u").group_id(2);
        let same = Exec::new(["a"]).user("u").group_id(2);
        assert_eq!(
            Exec::new(["a"]).user_id(1).group("g").run_as(account).body(None),
            same.body(None)
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", Exec::new(["a"]).env("PASSWORD", "s3cret").stdin("t0psecret"));
        assert!(
            shown.contains("PASSWORD") && !shown.contains("s3cret") && !shown.contains("t0psecret"),
            "{shown}"
        );
    }

    #[test]
    fn what_cannot_be_run_is_refused() {
        let minute = Duration::from_secs(60);
        let check = |exec: &Exec, of_client| exec.check(exec.limit(of_client));
        assert!(check(&Exec::new([""; 0]), minute).is_err());
        for exec in [
            Exec::new([" \t"]),
            Exec::new(["a"]).interactive(),
            Exec::new(["a"]).terminal(0, 25),
            Exec::new(["a"]).timeout(Duration::ZERO),
        ] {
            assert!(check(&exec, minute).is_err(), "{exec:?}");
        }
        let bad = "hunter2\0";
        for (exec, named) in [
            (Exec::new([bad]), "program"),
            (Exec::new(["a", "b", bad]), "argument 2"),
            (Exec::new(["a"]).env("KEY", bad), "\"KEY\""),
            (Exec::new(["a"]).env("KEY=hunter2", ""), "\"KEY\""),
            (Exec::new(["a"]).env("", "hunter2"), "variable has no name"),
            (Exec::new(["a"]).working_dir(bad), "working directory"),
            (Exec::new(["a"]).user(bad), "user"),
            (Exec::new(["a"]).group(bad), "group"),
            (Exec::new(["a"]).service_context(""), "service"),
        ] {
            let why = check(&exec, minute).unwrap_err();
            assert!(why.contains(named) && !why.contains("hunter2"), "{why}");
        }
        let good = Exec::new(["a", ""]).env("A", "b=c").terminal(1, 1).interactive();
        assert!(check(&good, minute).is_ok());
        // Pebble takes a timeout of zero for no limit.
        assert!(check(&good, Duration::ZERO).is_err());
        assert!(check(&good.without_timeout(), Duration::ZERO).is_ok());
    }
}
