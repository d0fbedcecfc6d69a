//! This peer is curl: a configuration file lists one transfer for each repetition, and curl prints
//! a line about each transfer.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::common::Failure;
use crate::common::setup::run_to_end;
use crate::environment::Environment;
use crate::operation::{Content, Operation};
use crate::peer::Peer;

/// Writes curl's configuration file and returns the command line that uses it.
///
/// One process makes all transfers, so that curl keeps its connection as the other peers do.
pub(crate) fn command_line(
    operation: Operation,
    environment: &Environment,
) -> Result<Vec<String>, Failure> {
    let content = operation.content().ok_or("curl moves files only")?;
    let (warm_up, count) = operation.repetitions(Peer::Curl);
    let source = environment.source(content);
    let mut config = format!(
        "silent\nshow-error\nunix-socket = {}\nwrite-out = \"transfer %{{time_total}} \
         %{{size_download}} %{{size_upload}} %{{http_code}}\\n\"\n",
        quoted(&environment.daemon(operation).socket().display().to_string()),
    );
    let url = if operation.pushes() {
        let target = environment.target(Peer::Curl, operation);
        let metadata = json!({"action": "write", "files": [{"path": target}]});
        writeln!(config, "form-string = {}", quoted(&format!("request={metadata}")))?;
        let form = format!("files=@{};filename={}", source.display(), target.display());
        writeln!(config, "form = {}", quoted(&form))?;
        // Without this line curl sends `Expect: 100-continue` for a large body and waits for an
        // answer before it sends the body. No other peer does.
        config += "header = \"Expect:\"\n";
        "http://localhost/v1/files".to_owned()
    } else {
        config += "header = \"Accept: multipart/form-data\"\n";
        format!("http://localhost/v1/files?action=read&path={}", source.display())
    };
    for _ in 0..warm_up + count {
        writeln!(config, "url = {}\noutput = \"/dev/null\"", quoted(&url))?;
    }
    let file = environment.folder().join("curl.config");
    fs::write(&file, config)?;
    // `launch` takes the path of a program and does not search $PATH, so the shell finds curl.
    let curl = run_to_end(Command::new("sh").args(["-c", "command -v curl"]))?;
    // -q makes curl ignore the user's own configuration, which could change what is measured.
    Ok(vec![
        curl.trim_end().to_owned(),
        "-q".to_owned(),
        "--config".to_owned(),
        file.display().to_string(),
    ])
}

/// Quotes a value for curl's configuration file.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Returns the total time of the measured transfers, without those of the warm-up.
///
/// # Errors
///
/// A transfer is missing, moved fewer bytes than the file has, or had another status than 200.
pub(crate) fn total_time(output: &str, operation: Operation) -> Result<Duration, Failure> {
    let (warm_up, count) = operation.repetitions(Peer::Curl);
    let minimum = operation.content().map_or(0, Content::size);
    let mut times = Vec::new();
    for line in output.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let ["transfer", seconds, down, up, status] = words[..] else {
            return Err(format!("curl said {line:?}").into());
        };
        let moved: usize = if operation.pushes() { up } else { down }.parse()?;
        if status != "200" || moved < minimum {
            return Err(format!(
                "curl moved {moved} of {minimum} bytes and was answered with {status}"
            )
            .into());
        }
        times.push(Duration::try_from_secs_f64(seconds.parse()?)?);
    }
    if times.len() == warm_up + count {
        return Ok(times.iter().skip(warm_up).sum());
    }
    Err(format!("curl made {} transfers and not {}", times.len(), warm_up + count).into())
}
