//! The check that the unit still leads its application when the hook ends.

use crate::error::Error;
use crate::juju::HookTools;

/// Checks that this unit is still the leader if the hook changed a secret of the application. Juju
/// would refuse the change and fail the hook without a word about its cause.
///
/// Juju guarantees leadership for 30 seconds from each question, so most hooks start no tool here.
pub(crate) fn check_leadership(tools: &HookTools) -> Result<(), Error> {
    if !tools.changes_application_secrets() || tools.is_leader()? {
        return Ok(());
    }
    Err(Error::lost_leadership(
        "cannot change the secrets of the application: this unit lost leadership during the hook; \
         Juju drops what the hook wrote and runs it again",
    ))
}
