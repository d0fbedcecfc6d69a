//! The client adds layers, and remembers each of them.

use std::sync::Arc;

use super::call::{Call, Exchange};
use super::client::Client;
#[cfg(test)]
use super::docs_table::Sample;
use super::error::{Error, UserFault};
use super::layer::{Layer, LayerFault};
use super::layer_request::add_request;
use super::resend::{LostLayer, Resend};

/// The mode says what happens when a layer of that label exists already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LayerMode {
    /// The label has to be new, else the call fails.
    New,
    /// The layer is combined into the one of that label, which keeps its place. If there is none,
    /// the layer is added on top.
    Combine,
}

impl Client {
    /// Adds a layer, or combines it into the one of that label: `POST /v1/layers`.
    ///
    /// Running services go on as they are until [`replan`](Self::replan); checks and log targets
    /// follow at once. The client remembers the layer, and puts it back if Pebble is restarted
    /// before a later call needs it. If the answer is lost, the client reads the plan before it
    /// sends the layer again, since combining a layer twice appends its lists twice. Safe to drop:
    /// the layer may have been added or not, and is not remembered.
    ///
    /// # Errors
    /// It fails with [`InvalidRequest`](super::ErrorKind::InvalidRequest) for a layer that the
    /// client refuses to send, such as one with an empty command, which would end the daemon; with
    /// `Api` and status 400 for one that Pebble refuses; and with
    /// [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within the policy.
    pub async fn add_layer(
        &self,
        label: &str,
        layer: &Layer,
        mode: LayerMode,
    ) -> Result<(), Error> {
        let operation = format!("add layer {label:?}");
        Layer::validate_label(label).and_then(|()| layer.validate()).map_err(|invalid| {
            let fault = (invalid.fault() == LayerFault::Command).then_some(UserFault::Command);
            self.refuse(&operation, invalid.to_string()).with_fault(fault)
        })?;
        let layer = Arc::new(layer.clone());
        let combine = mode == LayerMode::Combine;
        let resend =
            Resend::Layer(LostLayer { label: label.into(), layer: Arc::clone(&layer), combine });
        let yaml = layer.to_yaml().map_err(|error| self.refuse(&operation, error.to_string()))?;
        let request = add_request(&operation, label, &yaml, combine, resend);
        let answered = Call::new(self, request).run(&mut Exchange).await?;
        // Only after the answer: a layer that Pebble refused must not be put back after a restart.
        self.known_layers()
            .remember(label, &layer, answered.connection)
            .map_err(|error| self.refuse(&operation, error.to_string()))
    }
}

#[cfg(test)]
pub(super) fn samples() -> Vec<Sample> {
    let sample = |call, combine| {
        let lost = LostLayer { label: "a".into(), layer: Arc::new(Layer::new()), combine };
        Sample::new(call, "/v1/layers", add_request("", "a", "", combine, Resend::Layer(lost)))
    };
    vec![
        sample("Client::add_layer with LayerMode::New", false),
        sample("Client::add_layer with LayerMode::Combine", true),
    ]
}
