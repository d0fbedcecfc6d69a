//! This example prints the logs of services until Ctrl-C. It goes on after a restart of a service
//! or of Pebble.
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
    // The stream starts with the ten newest lines. Without `newest` it has only the lines that are
    // written from now on.
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
            // `LogEvent` is not exhaustive; a later version may have other events.
            Ok(_) => {}
            // The stream itself waits until Pebble is back, so an error that arrives here will not
            // pass by itself.
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
