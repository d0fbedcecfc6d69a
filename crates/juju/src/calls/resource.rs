//! The call that fetches a charm's resource.

use std::path::PathBuf;

use crate::error::Error;
use crate::hook_tools::HookTools;
use crate::tool_runner::ToolCall;

const ATTEMPT: &str = "fetch the resource";

impl HookTools {
    /// Fetches a resource and returns the path of its file on this machine. The file of an image
    /// resource is YAML that names the image.
    ///
    /// Juju downloads the file if it has no copy of it, which may take long. The path is not
    /// cached, because an operator may have attached a newer file.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if no file is attached to it, or if
    ///   the charm declares no such resource.
    /// - The name is empty, the download failed, or the tool printed no path.
    pub fn resource(&self, name: &str) -> Result<PathBuf, Error> {
        // The tool would ask the controller for a resource without a name (Juju 3.6 and 4.0).
        if name.is_empty() {
            return Err(Error::refused(ATTEMPT, "resource-get", "its name is empty"));
        }
        let attempt = format!("fetch the resource {name:?}");
        let call = ToolCall::new("resource-get").free_text(name);
        let output = self.query_text(attempt.clone(), &call)?;
        // A path need not be UTF-8, but Juju builds this one from names that are.
        let Ok(path) = String::from_utf8(output) else {
            return Err(Error::output(attempt, call.tool, "printed a path that is not UTF-8"));
        };
        // Juju prints no newline after the path (2.9 to 4.1), unlike after every other answer.
        let path = path.trim_end_matches('\n');
        if !path.starts_with('/') {
            return Err(Error::output(attempt, call.tool, "printed what is not an absolute path"));
        }
        Ok(path.into())
    }
}
