//! This example runs a command in a container as if it ran here: it forwards standard input to the
//! command, prints the command's output, and exits with the command's exit code.
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
            // A person waits at a terminal, so the client gives up after three attempts in 5 s. In
            // a hook it would make fifteen.
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

/// Runs the command and returns its exit code.
async fn run(client: &Client, exec: &Exec) -> Result<u8, Box<dyn std::error::Error>> {
    let mut process = client.exec(exec).await?;
    let input = process.take_stdin().map(forward_stdin);
    let stdout = process.take_stdout().map(|stdout| copy(stdout, io::stdout()));
    let stderr = process.take_stderr().map(|stderr| copy(stderr, io::stderr()));
    let status = {
        // One task polls all of it. The input may never end, so the end of the command ends the
        // example: nothing waits for the input.
        let output = async {
            let (stdout, stderr) =
                futures_util::future::join(copy_if_present(stdout), copy_if_present(stderr)).await;
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

/// Awaits the copying of a stream that the command has; a stream that it has not counts as copied.
async fn copy_if_present(copying: Option<impl Future<Output = io::Result<()>>>) -> io::Result<()> {
    match copying {
        Some(copying) => copying.await,
        None => Ok(()),
    }
}

/// Copies a stream and flushes after each chunk, so that the output appears at once.
///
/// A slow reader of this example's output makes the command wait, as a pipe would.
async fn copy(mut from: ExecReader, mut to: impl Write) -> io::Result<()> {
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match from.read(&mut chunk).await? {
            0 => return Ok(()),
            count => {
                to.write_all(chunk.get(..count).unwrap_or_default())?;
                to.flush()?;
            }
        }
    }
}

/// Forwards standard input to the command, and ends the command's input at its end.
///
/// A thread reads standard input, since a terminal cannot be read without blocking. The process may
/// exit while the thread still blocks in a read.
async fn forward_stdin(mut to: ExecStdin) {
    // One chunk is read ahead: a larger channel would only hold input that the command may not
    // take.
    let (sender, mut chunks) = mpsc::channel::<Vec<u8>>(1);
    thread::spawn(move || {
        let mut chunk = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = io::stdin().lock().read(&mut chunk) {
            let bytes = chunk.get(..count).unwrap_or_default().to_vec();
            if sender.blocking_send(bytes).is_err() {
                break;
            }
        }
    });
    while let Some(chunk) = chunks.recv().await {
        // A command may end before it has read all of its input. That is no failure of this
        // example, whose exit code is the command's.
        if to.write_all(&chunk).await.is_err() || to.flush().await.is_err() {
            return;
        }
    }
}
