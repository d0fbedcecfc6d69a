//! Running commands in a container, as handlers do it.

use super::container::Container;
use super::error::Result;
use crate::pebble::{Exec, ExecOutput, ExecProcess};

impl Container {
    /// Starts a command, and gives the handle on it and its streams. Its own errors have to be
    /// given to [`Container::error`].
    ///
    /// # Errors
    ///
    /// If Pebble does not answer, or refuses the command, or if it may have been started and was
    /// ended.
    pub async fn exec(&self, exec: &Exec) -> Result<ExecProcess> {
        self.client().exec(exec).await.map_err(|error| self.error(error))
    }

    /// Runs a command to its end and collects what it writes. An exit code other than 0 is no
    /// error.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer, or refuses the command, or if how it ended is not known or was
    /// its timeout.
    pub async fn exec_output(&self, exec: &Exec) -> Result<ExecOutput> {
        self.client().exec_output(exec).await.map_err(|error| self.error(error))
    }
}
