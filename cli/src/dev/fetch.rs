//! The command `fetch`: one response of a workload's HTTP server.

use std::time::Duration;

use hyper::Uri;
use tokio::net::TcpStream;

use super::redaction::redact_url;
use crate::error::{Error, Result};
use crate::http;

const FETCH_LIMIT: Duration = Duration::from_secs(10);

/// Gets `url`, and returns the status code and the first line of the response.
///
/// # Errors
/// Fails if there is no response within 10 s, or if its status code is 400 or more.
pub async fn fetch(url: &str) -> Result<String> {
    let failed = || Error::new(format!("cannot fetch {}", redact_url(url)));
    let uri: Uri = url.parse().map_err(|e| failed().because(e))?;
    if uri.scheme_str() != Some("http") {
        return Err(failed().because("only http:// is spoken here"));
    }
    let host = uri.host().ok_or_else(|| failed().because("it names no host"))?;
    let port = uri.port_u16().unwrap_or(80);
    // The resolver wants an IPv6 address without the brackets that a URL has around it.
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let connect = tokio::time::timeout(FETCH_LIMIT, TcpStream::connect((address, port)));
    let stream = connect
        .await
        .map_err(|_| failed().because("no connection in 10 s"))?
        .map_err(|e| failed().because(e))?;
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let response = http::get(stream, &format!("{host}:{port}"), target, FETCH_LIMIT).await?;
    let body = String::from_utf8_lossy(&response.body);
    let summary = format!("{} {}", response.status.as_u16(), body.lines().next().unwrap_or(""));
    if response.status.as_u16() >= 400 {
        return Err(failed().because(format!("it answered {summary}")));
    }
    Ok(summary.trim_end().to_owned())
}
