//! The usage text for a run whose environment names no event.

use crate::declaration::Metadata;

/// Returns the text that explains how the charm is run.
pub(crate) fn usage(metadata: &Metadata) -> String {
    format!(
        "cannot tell which event this is: \
         neither JUJU_DISPATCH_PATH nor JUJU_HOOK_NAME names one\n\n\
         This is the charm \"{name}\". Juju's unit agent runs it, once for each event; \
         `charmwright dev` does so on this machine.\n\
         By hand, with the hook tools on PATH:\n\n    \
         JUJU_UNIT_NAME={name}/0 JUJU_DISPATCH_PATH=hooks/update-status ./dispatch",
        name = metadata.name()
    )
}
