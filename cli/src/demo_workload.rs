//! `charmwright demo-workload` is a small HTTP server, so that a first `cargo dev` needs no other
//! program.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use clap::Args;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::error::{Error, Result};

/// Serve HTTP on 127.0.0.1, at the port in the environment variable PORT: what `charmwright dev`
/// runs when nothing else is asked for
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The port to listen on; 0 picks a free one [default: the environment variable PORT, else
    /// 8080]
    #[arg(long)]
    port: Option<u16>,
}

/// Serves until the process is killed.
pub fn run(args: &DemoArgs) -> Result<ExitCode> {
    let port = match args.port {
        Some(port) => port,
        None => port_from(std::env::var("PORT").ok().as_deref())?,
    };
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new("cannot start the workload's event loop").because(error))?
        .block_on(serve(port))
}

/// Returns the port that the variable PORT names, or 8080 if it is unset or empty.
fn port_from(variable: Option<&str>) -> Result<u16> {
    match variable {
        None | Some("") => Ok(8080),
        Some(text) => text.parse().map_err(|error| {
            Error::new(format!("cannot use PORT={text}"))
                .because(error)
                .advice("it must be a number from 0 to 65535")
        }),
    }
}

async fn serve(port: u16) -> Result<ExitCode> {
    let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = TcpListener::bind(wanted)
        .await
        .map_err(|error| Error::new(format!("cannot listen on {wanted}")).because(error))?;
    let address = listener
        .local_addr()
        .map_err(|error| Error::new("cannot learn the port").because(error))?;
    println!("demo-workload listens on http://{address}/");
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // The process is out of file descriptors, or the peer left at once. The wait keeps the
            // loop from spinning.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            continue;
        };
        tokio::spawn(async move {
            let answer =
                service_fn(
                    move |request| async move { Ok::<_, Infallible>(answer(&request, address)) },
                );
            // A connection that the peer breaks off is no failure of the server.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
    }
}

fn answer(request: &Request<Incoming>, address: SocketAddr) -> Response<Full<Bytes>> {
    println!("{} {}", request.method(), request.uri().path());
    let (status, text) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/") => (
            StatusCode::OK,
            format!(
                "hello from the demo workload, process {} on port {}\n",
                std::process::id(),
                address.port()
            ),
        ),
        (_, "/") => (StatusCode::METHOD_NOT_ALLOWED, "only GET is answered here\n".to_owned()),
        _ => (StatusCode::NOT_FOUND, "only / is here\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_comes_from_the_environment() {
        assert_eq!(port_from(None).unwrap(), 8080);
        assert_eq!(port_from(Some("9191")).unwrap(), 9191);
        assert!(port_from(Some("http")).unwrap_err().chain().starts_with("cannot use PORT=http"));
        assert!(port_from(Some("70000")).is_err());
    }
}
