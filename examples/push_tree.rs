//! This example pushes a local folder into a container, through the socket of its Pebble.
//!
//! ```sh
//! cargo run --example push_tree -- /charm/containers/web/pebble.socket ./site /var/www
//! ```

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use charmwright::pebble::{Client, Error, RetryPolicy, Symlinks, TreeOptions, TreeReport};

const USAGE: &str = "usage: push_tree SOCKET LOCAL-FOLDER REMOTE-FOLDER";

/// Pushes the folder and prints each path as it is done.
async fn push(socket: &OsString, local: &OsString, remote: &str) -> Result<TreeReport, Error> {
    let options = TreeOptions::new().symlinks(Symlinks::Follow).on_progress(|progress| {
        let so_far = progress.so_far();
        println!("{:>6} {}", so_far.files() + so_far.folders(), progress.path().display());
    });
    // A person waits at a terminal, so the client gives up after three attempts in 5 s. In a hook
    // it would make fifteen.
    let client =
        Client::new(socket).with_retry(RetryPolicy::new().deadline(Duration::from_secs(5)));
    client.push_tree(local, remote, &options).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [socket, local, remote] = arguments.as_slice() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let Some(remote) = remote.to_str() else {
        eprintln!("cannot push to {}: Pebble's paths are UTF-8", remote.display());
        return ExitCode::from(2);
    };
    match push(socket, local, remote).await {
        Ok(report) => {
            println!("{report}");
            for failure in report.failures() {
                eprintln!("{}", failure.error());
            }
            // A push that failed for some files returns a report and no error.
            ExitCode::from(u8::from(!report.is_complete()))
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
