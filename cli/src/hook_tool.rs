//! The hook tools: `config-get`, `status-set` and the rest, as a hook calls them.
//!
//! A tool knows nothing but how to ask: it sends its name, arguments and working directory to the agent's socket, sends its standard input only
//! if the agent wants it (it may be a pipe that nobody closes), and then prints and exits as it is told. Only std is used, and no runtime is
//! started: a hook starts several of these.

use std::env;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use crate::wire::{Answer, Request, body_length};

/// Runs the hook tool `name`. Any failure to ask is `ERROR <text>` and exit code 1, as Juju's own client has it.
pub fn run(name: &str, args: Vec<OsString>) -> ExitCode {
    match ask(name, args) {
        Ok((code, stdout, stderr)) => {
            // A reader that left early is not the tool's failure.
            let _ = io::stdout().write_all(&stdout).and_then(|()| io::stdout().flush());
            let _ = io::stderr().write_all(&stderr);
            ExitCode::from(code)
        }
        Err(reason) => {
            let _ = writeln!(io::stderr(), "ERROR {reason}");
            ExitCode::FAILURE
        }
    }
}

type Printed = (u8, Vec<u8>, Vec<u8>);

fn ask(name: &str, args: Vec<OsString>) -> Result<Printed, String> {
    let context_id = env::var_os("JUJU_CONTEXT_ID")
        .filter(|id| !id.is_empty())
        .ok_or("JUJU_CONTEXT_ID not set")?;
    let socket = env::var_os("JUJU_AGENT_SOCKET_ADDRESS")
        .filter(|path| !path.is_empty())
        .ok_or("JUJU_AGENT_SOCKET_ADDRESS not set")?;
    let dir = env::current_dir().map_err(|error| format!("cannot learn the working directory: {error}"))?;
    // Go's wording, without Rust's "(os error 2)".
    let mut stream = UnixStream::connect(&socket)
        .map_err(|error| format!("dial unix {}: connect: {}", socket.display(), go_text(&error)))?;
    let mut request = Request {
        context_id: context_id.into_vec(),
        dir: dir.as_os_str().as_bytes().to_vec(),
        name: name.as_bytes().to_vec(),
        args: args.into_iter().map(OsString::into_vec).collect(),
        stdin: None,
    };
    let failed = |error: io::Error| format!("cannot talk to the agent at {}: {}", socket.display(), go_text(&error));
    match exchange(&mut stream, &request).map_err(failed)? {
        Answer::Done { code, stdout, stderr } => return Ok((code, stdout, stderr)),
        Answer::WantsStdin => {}
    }
    let mut stdin = Vec::new();
    io::stdin()
        .read_to_end(&mut stdin)
        .map_err(|error| format!("cannot read standard input: {}", go_text(&error)))?;
    request.stdin = Some(stdin);
    match exchange(&mut stream, &request).map_err(failed)? {
        Answer::Done { code, stdout, stderr } => Ok((code, stdout, stderr)),
        Answer::WantsStdin => Err("hook tool requires stdin, none supplied".to_owned()),
    }
}

fn exchange(stream: &mut UnixStream, request: &Request) -> io::Result<Answer> {
    stream.write_all(&request.encode()?)?;
    let mut head = [0; 4];
    stream.read_exact(&mut head)?;
    let mut body = vec![0; body_length(head)?];
    stream.read_exact(&mut body)?;
    Answer::decode(&body)
}

/// The system's own words for an error, in lower case, as Go prints them.
fn go_text(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    text.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_errors_read_as_juju_prints_them() {
        assert_eq!(go_text(&io::Error::from_raw_os_error(2)), "no such file or directory");
        assert_eq!(go_text(&io::Error::from_raw_os_error(111)), "connection refused");
    }
}
