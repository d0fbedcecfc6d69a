//! This example retries requests to a workload's own HTTP interface as the client retries those to
//! Pebble. Both share one budget, so their retries together are bounded.
//!
//! It waits until a service is active, and then reads a path of its interface on 127.0.0.1:
//! `cargo run --example retry_http -- SOCKET SERVICE PORT [PATH]`

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use charmwright::pebble::{Attempt, Budget, Client, RetryDecision, RetryPolicy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An error says why a request to the interface failed.
#[derive(Debug, thiserror::Error)]
enum AdminError {
    #[error("no answer: {0}")]
    Connection(#[from] io::Error),
    #[error("it answered {status}")]
    Status { status: u16, retry_after: Option<Duration> },
    #[error("what answered does not speak HTTP")]
    NotHttp,
}

/// Classifies an error for the retries.
///
/// The request only reads, so it may be sent again whenever the connection breaks. A request that
/// changes something may have done so although its answer was lost; it must not be retried so
/// simply.
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

/// Sends one request and returns the body of the answer.
///
/// It sets no timeout: `RetryPolicy::run` drops the future when the attempt's time is over, which
/// closes the connection.
async fn get(port: u16, path: &str) -> Result<String, AdminError> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    // With HTTP/1.0 the end of the connection is the end of the body: there are no chunks to parse.
    let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    // The limit of 1 MiB keeps a wrong server on this port from filling the memory.
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

/// Waits for the service, reads the path with retries and returns the body.
async fn run(
    socket: &str,
    service: &str,
    port: u16,
    path: &str,
) -> Result<String, Box<dyn std::error::Error>> {
    // The client and the policy take their retries out of one budget. In a charm, `Container` has
    // the budget of the hook.
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
            // An error prints its own level only, so the causes are printed one by one.
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
