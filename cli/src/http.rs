//! One HTTP GET on a connection that is already open, to Pebble's socket or to a workload.

use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::error::{Error, Result};

/// The largest body that is read, in bytes. What this command asks for is far smaller.
const BODY_LIMIT: usize = 4 << 20;

/// A complete response.
#[derive(Debug)]
pub struct HttpResponse {
    pub status: StatusCode,
    pub body: Bytes,
}

/// Sends `GET target` (path and query) over `stream` and reads the complete response, within
/// `limit`.
///
/// Dropping the future closes the connection.
///
/// # Errors
/// Fails if the connection breaks, the response is no HTTP, its body is longer than 4 MiB, or
/// `limit` passes.
pub async fn get<S>(stream: S, host: &str, target: &str, limit: Duration) -> Result<HttpResponse>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // A query may hold a token, so the error names only the path.
    let path = target.split('?').next().unwrap_or(target);
    let failed = || Error::new(format!("cannot get {path} from {host}"));
    let exchange = async {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|e| failed().because(e))?;
        let request = Request::get(target)
            .header(header::HOST, host)
            .header(header::CONNECTION, "close")
            .body(Empty::<Bytes>::new())
            .map_err(|e| failed().because(e))?;
        let answer = async {
            let response = sender.send_request(request).await.map_err(|e| failed().because(e))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), BODY_LIMIT)
                .collect()
                .await
                .map_err(|e| failed().because(e))?;
            Ok(HttpResponse { status, body: body.to_bytes() })
        };
        tokio::pin!(answer, connection);
        // The connection is polled here and not in a task of its own, so that it ends with this
        // future.
        tokio::select! {
            // The response is polled first: the connection may end in the same moment, after the
            // response is complete.
            biased;
            answer = &mut answer => answer,
            _ = &mut connection => answer.await,
        }
    };
    tokio::time::timeout(limit, exchange).await.unwrap_or_else(|_| {
        Err(failed().because(format!("no complete answer in {} s", limit.as_secs())))
    })
}
