//! This example prints notices as they occur, until Ctrl-C. It goes on after a restart of Pebble.
//!
//! To see a notice, run `pebble notify example.com/hello name=value` in the container.
//!
//! `cargo run --example watch_notices -- SOCKET [KEY...]`

use std::process::ExitCode;

use charmwright::pebble::{Client, NoticeQuery, Timestamp};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(socket) = arguments.next() else {
        eprintln!("usage: watch_notices SOCKET [KEY...]");
        return ExitCode::from(2);
    };
    // Without `after` the stream would start with the notices that Pebble keeps, which are those of
    // the last seven days.
    let query = NoticeQuery::new().keys(arguments).after(Timestamp::now());
    let mut watch = Client::new(socket).watch_notices(query);
    while let Some(notice) = watch.next().await {
        match notice {
            Ok(notice) => println!(
                "{} {} {} (occurrence {}) {:?}",
                notice.last_repeated(),
                notice.notice_type(),
                notice.key(),
                notice.occurrences(),
                notice.last_data()
            ),
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
