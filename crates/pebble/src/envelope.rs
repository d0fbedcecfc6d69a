//! The envelope around every JSON answer of Pebble, decoded here and nowhere else.
//!
//! Wire: `{"type": "sync"|"async"|"error", "status-code", "status", "change"?, "result"?,
//! "maintenance"?, …}`; an error's kind and message stand inside `result`. Unknown keys are
//! ignored, so that a newer Pebble cannot break a reader. (Pebble 1.32.1,
//! `internals/daemon/response.go`.)

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::change::ChangeId;
use charmwright_yaml::text;

/// A sync or async answer, as it stands on the wire.
#[derive(Debug, Clone)]
pub(crate) struct Envelope {
    /// The change that an async request started.
    pub(crate) change: Option<ChangeId>,
    pub(crate) result: Document,
}

/// The form in which an endpoint answers when it does what it was asked to; a refusal is always an
/// envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Envelope,
    /// One JSON value a line (NDJSON), given as an array.
    Lines,
    /// Plain text, given as a string.
    Text,
}

/// A complete answer of type `error`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) kind: Option<String>,
    pub(crate) message: String,
}

impl Refusal {
    /// One whose body is no envelope: its start is the message.
    fn from_body(status: u16, body: &[u8]) -> Self {
        Self {
            status,
            kind: None,
            message: format!("{:?}", String::from_utf8_lossy(body.get(..200).unwrap_or(body))),
        }
    }

    /// Whether it says that there is a layer of that label already. (Pebble 1.32,
    /// `internals/overlord/planstate`.)
    pub(crate) fn is_existing_layer(&self) -> bool {
        self.status == 400
            && self.message.starts_with("layer ")
            && self.message.ends_with(" already exists")
    }

    /// Whether the daemon has no such path, or not for this method: what one says that is older
    /// than the endpoint.
    ///
    /// A path that is there and names something that is not answers 404 as well, with a text of its
    /// own. (Pebble, `internals/daemon/api.go`.)
    pub(crate) fn is_missing_route(&self) -> bool {
        match self.status {
            404 => self.kind.is_none() && !self.message.starts_with("cannot "),
            405 => true,
            _ => false,
        }
    }
}

/// Why a complete answer is none of Pebble's.
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

/// What a complete HTTP answer says.
#[derive(Debug)]
pub(crate) enum Decoded {
    Answer(Envelope),
    Refusal(Refusal),
}

/// The result of an answer as it came, so that it is read once, as what it is to be.
#[derive(Debug, Clone)]
pub(crate) struct Document(Option<Box<RawValue>>);

impl Document {
    /// What an absent result is.
    pub(crate) const NULL: Self = Self(None);

    /// The document that this is written as.
    pub(crate) fn of(value: &impl Serialize) -> Self {
        Self(serde_json::value::to_raw_value(value).ok())
    }

    /// Reads it as a `T`; the error says where in it.
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

/// The result of an error, and what is said of maintenance: each key may be missing or be anything.
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

/// Decodes a complete answer: of this form when its status is 200, else an envelope. `is_text` is
/// what its content type says.
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
        // Go's server gives a body of nothing no type.
        Form::Text if status == 200 && !is_text && !body.is_empty() => {
            return Err(InvalidAnswer::NoText);
        }
        Form::Text if status == 200 => Document::of(&String::from_utf8_lossy(body)),
        // It failed while it wrote its text, and says so in a text.
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
        // Not Pebble's own handler, but a definite refusal all the same (a proxy, a server without
        // this path).
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
