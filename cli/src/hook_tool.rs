//! The hook tools: `config-get`, `status-set` and the rest, as a hook calls them.
//!
//! A tool knows nothing but how to ask: it sends its name, arguments and working directory to the
//! agent's socket, sends its standard input only if the agent wants it (it may be a pipe that
//! nobody closes), and then prints and exits as it is told. No runtime is started: a hook starts
//! several of these.

use std::env;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use charmwright_agent::{ToolAnswer, ToolRequest};

use crate::error::system_text;
use crate::wire::{CONTENT_LIMIT, Reply, body_length, decode_reply, encode_request};

/// Runs the hook tool `name`. Any failure to ask is `ERROR <text>` and exit code 1, as Juju's own
/// client has it.
pub fn run(name: &str, args: Vec<OsString>) -> ExitCode {
    match call_agent(name, args) {
        Ok(ToolAnswer { code, stdout, stderr }) => {
            // A reader that left early is not the tool's failure.
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

/// A call that came to nothing: the exit code, and what to say.
struct CallError {
    code: u8,
    reason: String,
}

impl From<String> for CallError {
    fn from(reason: String) -> Self {
        Self { code: 1, reason }
    }
}

/// A variable that has to be there, and not empty.
fn variable(name: &str) -> Result<OsString, String> {
    let value = env::var_os(name).filter(|value| !value.is_empty());
    value.ok_or_else(|| format!("{name} not set"))
}

/// The socket's path; of the networks that Go knows, only this one leads to an agent.
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

fn call_agent(name: &str, args: Vec<OsString>) -> Result<ToolAnswer, CallError> {
    // First of all, as Juju's client does, and with the code that it has for a context it cannot
    // make.
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

fn exchange(stream: &mut UnixStream, request: &ToolRequest) -> io::Result<Reply> {
    stream.write_all(&encode_request(request)?)?;
    let mut head = [0; 4];
    stream.read_exact(&mut head)?;
    let mut body = vec![0; body_length(head)?];
    stream.read_exact(&mut body)?;
    decode_reply(&body)
}
