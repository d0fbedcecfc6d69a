//! Runs a command in a container and stands for it: what comes in goes to it, what it says comes
//! out, and its exit code is passed on.
//!
//! `cargo run --example exec -- /charm/containers/web/pebble.socket sh -c 'cat; exit 3'`

use std::io::{self, Read as _, Write};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use charmwright::pebble::{Client, Exec, ExecReader, ExecStdin, RetryPolicy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(socket), command) = (arguments.next(), arguments.collect::<Vec<_>>()) else {
        eprintln!("usage: exec SOCKET COMMAND [ARGUMENT ...]");
        return ExitCode::from(2);
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => {
            // Somebody waits at a terminal: three attempts, not the fifteen of a hook.
            let client =
                Client::new(socket).with_retry(RetryPolicy::new().deadline(Duration::from_secs(5)));
            runtime.block_on(run(&client, &Exec::new(command).without_timeout()))
        }
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(client: &Client, exec: &Exec) -> Result<u8, Box<dyn std::error::Error>> {
    let mut process = client.exec(exec).await?;
    let input = process.take_stdin().map(forward_stdin);
    let stdout = process.take_stdout().map(|stdout| copy(stdout, io::stdout()));
    let stderr = process.take_stderr().map(|stderr| copy(stderr, io::stderr()));
    let status = {
        // All of it in this one task. The input may never end, so it is not waited for.
        let output = async {
            let (stdout, stderr) = futures_util::future::join(maybe(stdout), maybe(stderr)).await;
            stdout.and(stderr)
        };
        let ended = async {
            let (output, status) = futures_util::future::join(output, process.wait()).await;
            output?;
            Ok::<_, Box<dyn std::error::Error>>(status?)
        };
        let mut ended = std::pin::pin!(ended);
        match input {
            None => ended.await?,
            Some(input) => {
                let input = std::pin::pin!(input);
                match futures_util::future::select(input, ended.as_mut()).await {
                    futures_util::future::Either::Left(_) => ended.await?,
                    futures_util::future::Either::Right((status, _)) => status?,
                }
            }
        }
    };
    Ok(u8::try_from(status.exit_code()).unwrap_or(u8::MAX))
}

async fn maybe(work: Option<impl Future<Output = io::Result<()>>>) -> io::Result<()> {
    match work {
        Some(work) => work.await,
        None => Ok(()),
    }
}

/// Writes each piece as it comes. A reader that is slow holds the command up, as a pipe would.
async fn copy(mut from: ExecReader, mut to: impl Write) -> io::Result<()> {
    let mut piece = vec![0; 64 * 1024];
    loop {
        match from.read(&mut piece).await? {
            0 => return Ok(()),
            count => {
                to.write_all(piece.get(..count).unwrap_or_default())?;
                to.flush()?;
            }
        }
    }
}

/// Reads standard input on a thread, since a terminal cannot be read otherwise, and ends the
/// command's input with it.
async fn forward_stdin(mut to: ExecStdin) {
    let (sender, mut pieces) = mpsc::channel::<Vec<u8>>(1);
    thread::spawn(move || {
        let mut piece = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = io::stdin().lock().read(&mut piece) {
            let bytes = piece.get(..count).unwrap_or_default().to_vec();
            if sender.blocking_send(bytes).is_err() {
                break;
            }
        }
    });
    while let Some(piece) = pieces.recv().await {
        // A command that takes no more is no failure of this program.
        if to.write_all(&piece).await.is_err() || to.flush().await.is_err() {
            return;
        }
    }
}
