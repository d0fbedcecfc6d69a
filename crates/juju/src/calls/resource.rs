//! The files that come with the charm as resources.

use std::path::PathBuf;

use crate::error::Error;
use crate::hook_tools::HookTools;
use crate::tool_runner::ToolCall;

const ATTEMPT: &str = "fetch the resource";

impl HookTools {
    /// Fetches a resource, and gives the path of its file on this machine. Of an image it is a file
    /// of YAML that says where the image is.
    ///
    /// Juju downloads the file where it has no copy yet, which may take long; it is asked each
    /// time, since a newer file may have been attached.
    ///
    /// # Errors
    ///
    /// The charm declares no such resource, it has no file, or it could not be downloaded.
    pub fn resource(&self, name: &str) -> Result<PathBuf, Error> {
        // An empty name would be told as a wrong use of the tool.
        if name.is_empty() {
            return Err(Error::refused(ATTEMPT, "resource-get", "its name is empty"));
        }
        let call = ToolCall::new("resource-get").free_text(name);
        let output = self.query_text(format!("fetch the resource {name:?}"), &call)?;
        // Juju prints the path without a newline; a path need not be UTF-8, and a charm's own is.
        let path = String::from_utf8(output)
            .map_err(|_| Error::output(ATTEMPT, call.tool, "printed a path that is not UTF-8"))?;
        let path = path.trim_end_matches('\n');
        if path.is_empty() {
            return Err(Error::output(ATTEMPT, call.tool, "printed no path"));
        }
        Ok(path.into())
    }
}
