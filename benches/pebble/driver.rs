//! This executable can act as a peer: the benchmark starts it again as
//! `peer ours|floor SOCKET OPERATION WARM-UP COUNT [TARGET [SOURCE]]`. Every other peer but curl
//! takes the same arguments from SOCKET on.
//!
//! A peer prints these lines on standard output:
//!
//! - `elapsed NANOSECONDS`: the time of all measured repetitions together.
//! - `cpu NANOSECONDS`: the CPU time of all measured repetitions together.
//! - `phase NANOSECONDS NAME`: the average time of one phase of a repetition.

use std::process::ExitCode;

use crate::common::print_progress;
use crate::task::Task;
use crate::{charmwright_client, floor};

/// The first argument that makes this executable a peer instead of the benchmark.
pub(crate) const PEER_ARGUMENT: &str = "peer";

/// Runs the peer that the first argument names, and returns its exit code.
pub(crate) fn main(arguments: &[String]) -> ExitCode {
    let done = match arguments.split_first() {
        Some((name, rest)) if name == "ours" => {
            Task::parse(rest).and_then(|task| charmwright_client::run(&task))
        }
        Some((name, rest)) if name == "floor" => {
            Task::parse(rest).and_then(|task| floor::run(&task))
        }
        _ => Err("a peer is ours or floor".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            print_progress(&format!("{arguments:?}: {failure}"));
            ExitCode::FAILURE
        }
    }
}
