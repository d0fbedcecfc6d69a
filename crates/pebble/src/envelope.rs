//! An envelope is the JSON object around every result of Pebble. It is decoded here and nowhere
//! else.
//!
//! On the wire it is `{"type": "sync"|"async"|"error", "status-code", "status", "change"?,
//! "result"?, "maintenance"?, …}`. The kind and message of an error are inside `result`. Unknown
//! keys are ignored, so that a newer Pebble cannot break a reader (Pebble 1.32.1,
//! `internals/daemon/response.go`).

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::change::ChangeId;
use charmwright_yaml::text;

/// A sync or async answer.
#[derive(Debug, Clone)]
pub(crate) struct Envelope {
    /// The change that an async request has made.
    pub(crate) change: Option<ChangeId>,
    pub(crate) result: Document,
}

/// The form of the body in which an endpoint answers a request that succeeds. A refusal is always
/// an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Envelope,
    /// One JSON value on each line (NDJSON), which is decoded as an array.
    Lines,
    /// Plain text, which is decoded as a string.
    Text,
}

/// A complete answer that refuses the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) kind: Option<String>,
    pub(crate) message: String,
}

impl Refusal {
    /// Returns `true` if the server only cannot answer now. Pebble itself says so never; a proxy in
    /// front of it may.
    pub(super) fn is_busy(&self) -> bool {
        matches!(self.status, 429 | 503)
    }

    /// Makes a refusal from a body that is no envelope. Its message is the first 200 bytes.
    fn from_body(status: u16, body: &[u8]) -> Self {
        Self {
            status,
            kind: None,
            message: format!("{:?}", String::from_utf8_lossy(body.get(..200).unwrap_or(body))),
        }
    }

    /// Returns `true` if Pebble says that a layer of that label exists already (Pebble 1.32,
    /// `internals/overlord/planstate`).
    pub(crate) fn is_existing_layer(&self) -> bool {
        self.status == 400
            && self.message.starts_with("layer ")
            && self.message.ends_with(" already exists")
    }

    /// Returns `true` if the daemon does not have the path, or not for this method, as one that is
    /// older than the endpoint.
    ///
    /// A known path to a thing that does not exist is answered with 404 as well, and with a text of
    /// its own (Pebble, `internals/daemon/api.go`).
    pub(crate) fn is_missing_route(&self) -> bool {
        match self.status {
            404 => self.kind.is_none() && !self.message.starts_with("cannot "),
            405 => true,
            _ => false,
        }
    }
}

/// A complete answer is none of Pebble's for one of these reasons.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidAnswer {
    #[error("its body is not the JSON of an answer")]
    Json(#[from] serde_json::Error),
    #[error("its type is {0:?} instead of sync, async or error")]
    Type(String),
    #[error("it is no plain text")]
    NoText,
    #[error("it is async but names no change")]
    NoChange,
}

/// A complete HTTP answer is one of these.
#[derive(Debug)]
pub(crate) enum Decoded {
    Answer(Envelope),
    Refusal(Refusal),
}

/// The result of an answer as undecoded JSON, so that it is decoded once, into the type that is
/// wanted.
#[derive(Debug, Clone)]
pub(crate) struct Document(Option<Box<RawValue>>);

impl Document {
    /// The document of an answer without a result.
    pub(crate) const NULL: Self = Self(None);

    /// Makes the document of a value.
    pub(crate) fn of(value: &impl Serialize) -> Self {
        Self(serde_json::value::to_raw_value(value).ok())
    }

    /// Decodes the document as a `T`. The error says where in it the decoding failed.
    pub(crate) fn decode<T: DeserializeOwned>(
        &self,
    ) -> Result<T, serde_path_to_error::Error<serde_json::Error>> {
        let text = self.0.as_ref().map_or("null", |raw| raw.get());
        serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(text))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct WireEnvelope<'b> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'b, str>,
    #[serde(default)]
    change: Option<ChangeId>,
    #[serde(default, borrow)]
    result: Option<&'b RawValue>,
    #[serde(default, borrow)]
    maintenance: Option<&'b RawValue>,
}

/// The result of an error, or the announcement of a maintenance. Each key may be missing or have a
/// value of any type.
#[derive(Default, Deserialize)]
#[serde(default)]
struct KindAndMessage {
    kind: Value,
    message: Value,
}

impl KindAndMessage {
    fn read(raw: Option<&RawValue>) -> Self {
        raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
    }

    fn message(&self) -> String {
        self.message.as_str().unwrap_or_default().to_owned()
    }
}

/// Decodes a complete answer: in this form if its status is 200, else as an envelope. `is_text`
/// says whether its content type is plain text.
pub(crate) fn decode_answer(
    status: u16,
    is_text: bool,
    body: &[u8],
    form: Form,
) -> Result<Decoded, InvalidAnswer> {
    let result = match form {
        Form::Envelope => return decode(status, body),
        Form::Lines if status == 200 => {
            let values: Result<Vec<&RawValue>, _> =
                serde_json::Deserializer::from_slice(body).into_iter().collect();
            Document::of(&values?)
        }
        // Go's server sets no content type for an empty body.
        Form::Text if status == 200 && !is_text && !body.is_empty() => {
            return Err(InvalidAnswer::NoText);
        }
        Form::Text if status == 200 => Document::of(&String::from_utf8_lossy(body)),
        // Pebble failed while it wrote the text, and answers in plain text itself.
        Form::Text if status == 500 => {
            return decode(status, body)
                .or_else(|_| Ok(Decoded::Refusal(Refusal::from_body(status, body))));
        }
        Form::Lines | Form::Text => return decode(status, body),
    };
    Ok(Decoded::Answer(Envelope { change: None, result }))
}

/// Decodes the envelope of a complete answer with the HTTP status `status`.
fn decode(status: u16, body: &[u8]) -> Result<Decoded, InvalidAnswer> {
    let wire: WireEnvelope<'_> = match serde_json::from_slice(body) {
        Ok(wire) => wire,
        // The answer is not from a handler of Pebble's, but from a proxy or a server without this
        // path. It is a definite refusal all the same.
        Err(_) if (400..500).contains(&status) => {
            return Ok(Decoded::Refusal(Refusal::from_body(status, body)));
        }
        Err(error) => return Err(error.into()),
    };
    if wire.maintenance.is_some() {
        let message = KindAndMessage::read(wire.maintenance).message();
        tracing::debug!("Pebble announces maintenance: {}", text::clean(&message, 1024));
    }
    match &*wire.kind {
        "async" if wire.change.is_none() => Err(InvalidAnswer::NoChange),
        "sync" | "async" => Ok(Decoded::Answer(Envelope {
            change: wire.change,
            result: Document(wire.result.map(ToOwned::to_owned)),
        })),
        "error" => {
            let error = KindAndMessage::read(wire.result);
            Ok(Decoded::Refusal(Refusal {
                status,
                kind: error.kind.as_str().map(str::to_owned),
                message: error.message(),
            }))
        }
        kind => Err(InvalidAnswer::Type(kind.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn answer(status: u16, value: &Value) -> Result<Decoded, InvalidAnswer> {
        decode(status, value.to_string().as_bytes())
    }

    #[test]
    fn sync_async_and_error_are_told_apart() {
        let Ok(Decoded::Answer(sync)) =
            answer(200, &json!({"type": "sync", "status-code": 200, "result": [1], "future": {}}))
        else {
            panic!()
        };
        assert_eq!(sync.result.decode::<Value>().unwrap(), json!([1]));
        let Ok(Decoded::Answer(done)) =
            answer(202, &json!({"type": "async", "change": "7", "result": null}))
        else {
            panic!()
        };
        assert_eq!(done.change.unwrap().as_str(), "7");
        let Ok(Decoded::Refusal(refusal)) = answer(
            400,
            &json!({
                "type": "error",
                "result": {"message": "no default services", "kind": "no-default-services"}
            }),
        ) else {
            panic!()
        };
        assert_eq!(
            refusal,
            Refusal {
                status: 400,
                kind: Some("no-default-services".into()),
                message: "no default services".into()
            }
        );
    }

    #[test]
    fn an_unhealthy_answer_is_an_answer() {
        assert!(matches!(
            answer(502, &json!({"type": "sync", "result": {"healthy": false}})),
            Ok(Decoded::Answer(Envelope { .. }))
        ));
    }

    #[test]
    fn maintenance_changes_nothing() {
        let body = json!({
            "type": "sync", "result": 1,
            "maintenance": {"kind": "daemon-restart", "message": "daemon is restarting"}
        });
        assert!(matches!(answer(200, &body), Ok(Decoded::Answer(_))));
        assert!(matches!(
            answer(200, &json!({"type": "sync", "maintenance": 7})),
            Ok(Decoded::Answer(_))
        ));
    }

    #[test]
    fn what_is_no_envelope_is_invalid() {
        assert!(matches!(decode(200, b""), Err(InvalidAnswer::Json(_))));
        assert!(matches!(decode(200, b"<html>"), Err(InvalidAnswer::Json(_))));
        assert!(matches!(answer(200, &json!({"type": "new"})), Err(InvalidAnswer::Type(_))));
        assert!(matches!(answer(202, &json!({"type": "async"})), Err(InvalidAnswer::NoChange)));
        assert!(matches!(
            answer(202, &json!({"type": "async", "change": "../x"})),
            Err(InvalidAnswer::Json(_))
        ));
        assert!(matches!(
            decode(404, b"not here"),
            Ok(Decoded::Refusal(Refusal { status: 404, .. }))
        ));
    }

    proptest! {
        #[test]
        fn any_bytes_have_an_answer(status in 100u16..600, bytes: Vec<u8>) {
            let _ = decode(status, &bytes);
        }

        #[test]
        fn any_result_has_an_answer(
            kind in "sync|async|error|x",
            result in ".{0,20}",
            change in ".{0,6}",
        ) {
            let _ = answer(200, &json!({"type": kind, "result": result, "change": change}));
            let _ = answer(500, &json!({"type": kind, "result": {"message": [result], "kind": 1}}));
        }
    }
}
