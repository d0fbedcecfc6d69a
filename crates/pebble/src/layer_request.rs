//! This request adds a layer, for a call and for a restarted Pebble that gets a layer back.

use serde_json::json;

use super::request::Request;
use super::resend::Resend;

/// Makes the request that adds a layer, or combines it into the one of its label.
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
        // Only a layer of a folder (`dir/label`) may be placed between others. For every other
        // label this is Pebble's own default.
        "inner": label.contains('/'),
        "label": label,
        "format": "yaml",
        "layer": yaml,
    });
    Request::post("/v1/layers", operation, &body, resend)
}
