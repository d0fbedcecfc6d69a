//! Prints what services write, over restarts of the services and of Pebble, until Ctrl-C.
//!
//! `cargo run --example follow_logs -- SOCKET [SERVICE...]`

use std::process::ExitCode;

use charmwright::pebble::{Client, LogEvent, LogQuery};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(socket) = arguments.next() else {
        eprintln!("usage: follow_logs SOCKET [SERVICE...]");
        return ExitCode::from(2);
    };
    // The newest ten lines first; `LogQuery::new()` alone is only what comes.
    let query = LogQuery::new().services(arguments).newest(10);
    let mut follow = Client::new(socket).follow_logs(&query);
    while let Some(event) = follow.next().await {
        match event {
            Ok(LogEvent::Entry(entry)) => {
                println!("{} [{}] {}", entry.time(), entry.service(), entry.message());
            }
            Ok(LogEvent::Gap(gap)) => {
                println!(
                    "-- lines of {} may be missing here ({:?}) --",
                    gap.service(),
                    gap.cause()
                );
            }
            Ok(_) => {}
            // What passes by itself is waited for; this does not.
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
