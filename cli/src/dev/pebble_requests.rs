//! The commands that send a request to a container's Pebble, as its own command line would:
//! `notify` and `kill`.

use std::time::Duration;

use charmwright::pebble::{Client, Notify, RetryPolicy, Signal};

use super::session::Session;
use super::session_event::SessionEvent;
use crate::error::{Error, Result};

/// The time that Pebble may take to answer.
const RESPONSE_LIMIT: Duration = Duration::from_secs(10);

impl Session {
    /// Records a custom notice. Pebble's answer comes as an event.
    ///
    /// # Errors
    /// Fails if the charm has no such container, or has several and none is named.
    pub(super) fn notify(&mut self, key: String, container: Option<&str>) -> Result<()> {
        let (name, client) = self.pebble_client(container)?;
        let sender = self.event_sender.clone();
        tokio::spawn(async move {
            let result = client.notify(&Notify::new(&key)).await;
            let printed = result
                .map(|id| format!("notice {id} is recorded in {name}"))
                .map_err(|error| Error::new(format!("cannot notify {name}")).because(error));
            let _ = sender.send(SessionEvent::RequestAnswered(printed));
        });
        Ok(())
    }

    /// Kills the process of a service. Pebble's answer comes as an event.
    ///
    /// # Errors
    /// Fails if the charm has no such container, or has several and none is named.
    pub(super) fn kill_service(&mut self, service: String, container: Option<&str>) -> Result<()> {
        let (name, client) = self.pebble_client(container)?;
        let sender = self.event_sender.clone();
        tokio::spawn(async move {
            let result = client.signal(&Signal::KILL, &[&service]).await;
            let printed =
                result.map(|()| format!("SIGKILL was sent to {service} in {name}")).map_err(
                    |error| Error::new(format!("cannot kill {service} in {name}")).because(error),
                );
            let _ = sender.send(SessionEvent::RequestAnswered(printed));
        });
        Ok(())
    }

    /// Returns the container's name and a client of its Pebble. The client does not retry, so that
    /// the operator sees the answer as it is.
    fn pebble_client(&self, name: Option<&str>) -> Result<(String, Client)> {
        let container_names = || {
            let names: Vec<&str> =
                self.containers.iter().map(|container| container.name.as_str()).collect();
            names.join(", ")
        };
        let container = match (name, self.containers.as_slice()) {
            (_, []) => return Err(Error::new("cannot ask Pebble: the charm has no container")),
            (None, [only]) => only,
            (None, _) => {
                return Err(Error::new("cannot choose a container: the charm has several")
                    .advice(format!("name one of {}", container_names())));
            }
            (Some(name), containers) => {
                containers.iter().find(|container| container.name == name).ok_or_else(|| {
                    Error::new(format!(
                        "cannot find container {name:?}: the charm has {}",
                        container_names()
                    ))
                })?
            }
        };
        let client = Client::new(&container.socket).with_retry(RetryPolicy::once(RESPONSE_LIMIT));
        Ok((container.name.clone(), client))
    }
}
