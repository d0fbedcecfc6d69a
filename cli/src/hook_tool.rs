//! The hook tools (`config-get`, `status-set` and the rest) run as processes that a hook starts.
//!
//! A tool does not know what it does. It sends its name, arguments and working directory to the
//! agent's socket, and then prints the answer and exits with its code. It sends its standard input
//! only if the agent asks for it, since that may be a pipe that nobody closes. No async runtime is
//! started, because a hook starts several tools.

use std::env;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use charmwright_agent::{ToolAnswer, ToolRequest};

use crate::error::system_text;
use crate::wire::{CONTENT_LIMIT, Reply, body_length, decode_reply, encode_request};

/// Runs the hook tool `name`. If the agent cannot be reached, the tool prints `ERROR <text>` and
/// exits with code 1, as Juju's own client does.
pub fn run(name: &str, args: Vec<OsString>) -> ExitCode {
    match call_agent(name, args) {
        Ok(ToolAnswer { code, stdout, stderr }) => {
            // A reader that closed the pipe early is not a failure of the tool.
            let _ = io::stdout().write_all(&stdout).and_then(|()| io::stdout().flush());
            let _ = io::stderr().write_all(&stderr);
            ExitCode::from(code)
        }
        Err(CallError { code, reason }) => {
            let _ = writeln!(io::stderr(), "ERROR {reason}");
            ExitCode::from(code)
        }
    }
}

/// A call that got no answer: the exit code of the tool, and the text to print.
struct CallError {
    code: u8,
    reason: String,
}

impl From<String> for CallError {
    fn from(reason: String) -> Self {
        Self { code: 1, reason }
    }
}

/// Returns an environment variable that must be set and must not be empty.
fn variable(name: &str) -> Result<OsString, String> {
    let value = env::var_os(name).filter(|value| !value.is_empty());
    value.ok_or_else(|| format!("{name} not set"))
}

/// Returns the path of the agent's socket. Go knows more networks than `unix`, and reports each as
/// this function does, but only `unix` leads to an agent here.
fn socket_path() -> Result<OsString, String> {
    let path = variable("JUJU_AGENT_SOCKET_ADDRESS")?;
    let network = variable("JUJU_AGENT_SOCKET_NETWORK")?;
    if network == "unix" {
        return Ok(path);
    }
    if network == "tcp" {
        variable("JUJU_AGENT_CA_CERT")?;
    }
    let network = network.display();
    Err(format!("dial {network}: unknown network {network}"))
}

/// Sends the call to the agent, with standard input only if the agent asks for it, and returns the
/// answer.
fn call_agent(name: &str, args: Vec<OsString>) -> Result<ToolAnswer, CallError> {
    // The working directory comes first, as in Juju's client. Exit code 2 is the one that client
    // has when it cannot make a context.
    let dir = env::current_dir().map_err(|error| CallError {
        code: 2,
        reason: format!("getwd: {}", system_text(&error)),
    })?;
    let context_id = variable("JUJU_CONTEXT_ID")?;
    let socket_path = socket_path()?;
    let mut stream = UnixStream::connect(&socket_path).map_err(|error| {
        format!("dial unix {}: connect: {}", socket_path.display(), system_text(&error))
    })?;
    let text = |value: OsString| value.to_string_lossy().into_owned();
    let mut request = ToolRequest {
        context_id: text(context_id),
        // A missing token is sent as an empty one: the agent refuses it with Juju's own text.
        token: text(env::var_os("JUJU_AGENT_TOKEN").unwrap_or_default()),
        dir,
        name: name.to_owned(),
        args: args.into_iter().map(text).collect(),
        ..ToolRequest::default()
    };
    let exchange_error = |error: io::Error| {
        format!("cannot talk to the agent at {}: {}", socket_path.display(), system_text(&error))
    };
    match exchange(&mut stream, &request).map_err(exchange_error)? {
        Reply::Done(answer) => return Ok(answer),
        Reply::NeedsInput => {}
    }
    let mut stdin = Vec::new();
    io::stdin()
        // One byte more than the limit, to tell a full input from one that is too long.
        .take(CONTENT_LIMIT as u64 + 1)
        .read_to_end(&mut stdin)
        .map_err(|error| format!("cannot read standard input: {}", system_text(&error)))?;
    if stdin.len() > CONTENT_LIMIT {
        let limit = CONTENT_LIMIT >> 20;
        return Err(format!("cannot send standard input: it is longer than {limit} MiB").into());
    }
    request.stdin = Some(stdin);
    match exchange(&mut stream, &request).map_err(exchange_error)? {
        Reply::Done(answer) => Ok(answer),
        Reply::NeedsInput => Err("hook tool requires stdin, none supplied".to_owned().into()),
    }
}

/// Sends one message and reads one reply. Blocks until the agent answers.
fn exchange(stream: &mut UnixStream, request: &ToolRequest) -> io::Result<Reply> {
    stream.write_all(&encode_request(request)?)?;
    let mut head = [0; 4];
    stream.read_exact(&mut head)?;
    let mut body = vec![0; body_length(head)?];
    stream.read_exact(&mut body)?;
    decode_reply(&body)
}
