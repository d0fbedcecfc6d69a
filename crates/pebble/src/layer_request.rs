//! The request that adds a layer, as a call makes it and as a restarted Pebble gets it back.

use serde_json::json;

use super::request::Request;
use super::resend::Resend;

/// The request that adds a layer, or combines it into the one of its label.
pub(super) fn add_request(
    operation: &str,
    label: &str,
    yaml: &str,
    combine: bool,
    resend: Resend,
) -> Request {
    let body = json!({
        "action": "add",
        "combine": combine,
        // Only layers of a folder (`dir/label`) may go between others; for every other label this
        // is Pebble's own default.
        "inner": label.contains('/'),
        "label": label,
        "format": "yaml",
        "layer": yaml,
    });
    Request::post("/v1/layers", operation, &body, resend)
}
