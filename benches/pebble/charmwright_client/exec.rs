//! The charmwright client runs `/bin/true` with `Client::exec_output`.

use charmwright::pebble::{Client, Exec};

use crate::common::Failure;
use crate::task::Phases;

/// Runs `/bin/true` once and adds the time of each phase. Standard error is separate, as in the
/// peers, so that each of them opens three websockets.
pub(super) async fn run_once(client: &Client, phases: &mut Phases) -> Result<(), Failure> {
    let output = client.exec_output(&Exec::new(["/bin/true"])).await?;
    if !output.success() {
        return Err(format!("exit code {}", output.exit_code()).into());
    }
    let timings = output.timings();
    let (requested, connected) = (timings.requested(), timings.connected());
    phases.add("request", requested);
    phases.add("websockets connected", connected.saturating_sub(requested));
    if let (Some(ended), Some(ready)) = (timings.output_ended(), timings.ready()) {
        phases.add("output ended", ended.saturating_sub(connected));
        phases.add("change ready", ready.saturating_sub(ended));
    }
    Ok(())
}
