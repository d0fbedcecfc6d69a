//! Gives a workload's own HTTP interface the care that calls to Pebble have: bounded retries, out
//! of one budget with them.
//!
//! It waits until a service is active, then reads a path of its interface on 127.0.0.1:
//! `cargo run --example retry_http -- SOCKET SERVICE PORT [PATH]`

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use charmwright::pebble::{Attempt, Budget, Client, RetryDecision, RetryPolicy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Why the interface has not done what it was asked for.
#[derive(Debug, thiserror::Error)]
enum AdminError {
    #[error("no answer: {0}")]
    Connection(#[from] io::Error),
    #[error("it answered {status}")]
    Status { status: u16, retry_after: Option<Duration> },
    #[error("what answered does not speak HTTP")]
    NotHttp,
}

/// What a failure means. The request only reads, so it may be sent again after any break; one that
/// acts has to think of the answer that was lost.
fn classify(error: &AdminError) -> RetryDecision {
    match error {
        AdminError::Connection(_) => RetryDecision::Retry,
        AdminError::Status { status: 429 | 503, retry_after: Some(time) } => {
            RetryDecision::RetryAfter(*time)
        }
        AdminError::Status { status: 429 | 503, .. } => RetryDecision::Retry,
        AdminError::Status { .. } | AdminError::NotHttp => RetryDecision::Final,
    }
}

/// One request, once. Whoever waits for it drops it when the attempt's time is over.
async fn get(port: u16, path: &str) -> Result<String, AdminError> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    // A megabyte is enough for an answer that is to be understood.
    stream.take(1024 * 1024).read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(AdminError::NotHttp)?;
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|word| word.parse().ok())
        .ok_or(AdminError::NotHttp)?;
    if (200..300).contains(&status) {
        return Ok(body.to_owned());
    }
    let retry_after = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .map(Duration::from_secs);
    Err(AdminError::Status { status, retry_after })
}

async fn run(
    socket: &str,
    service: &str,
    port: u16,
    path: &str,
) -> Result<String, Box<dyn std::error::Error>> {
    // One budget for all that this hook does with the container; in a charm `Container` has it.
    let (policy, budget) = (RetryPolicy::new(), Budget::new());
    let client = Client::new(socket).with_retry(policy.clone()).with_budget(budget.clone());
    let deadline = Duration::from_secs(30);
    client.wait_service_active(service, Duration::ZERO, deadline).await?;
    let operation = |_: Attempt| get(port, path);
    let body = policy.run("read the workload's status", &budget, operation, classify).await?;
    eprintln!("retries: {}, without an answer: {:?}", budget.retries(), budget.unanswered());
    Ok(body)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (socket, service, port, path) = match arguments.as_slice() {
        [socket, service, port] => (socket, service, port.parse(), "/"),
        [socket, service, port, path] if path.starts_with('/') => {
            (socket, service, port.parse(), path.as_str())
        }
        _ => return usage(),
    };
    let Ok(port) = port else { return usage() };
    match run(socket, service, port, path).await {
        Ok(body) => {
            println!("{body}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            let mut source = error.source();
            while let Some(cause) = source {
                eprintln!("  because: {cause}");
                source = cause.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: retry_http SOCKET SERVICE PORT [PATH]");
    ExitCode::from(2)
}
