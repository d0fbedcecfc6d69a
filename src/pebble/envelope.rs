//! The envelope around every JSON answer of Pebble, decoded here and nowhere else.
//!
//! Wire: `{"type": "sync"|"async"|"error", "status-code", "status", "change"?, "result"?, "maintenance"?, …}`; an error's kind and message stand
//! inside `result`. Unknown keys are ignored, so that a newer Pebble cannot break a reader. (Pebble 1.32.1, `internals/daemon/response.go`.)

use serde::Deserialize;
use serde_json::Value;

use super::change::ChangeId;

/// A sync or async answer, as it stands on the wire.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Envelope {
    /// The HTTP status; 502 for an unhealthy `/v1/health`, which is an answer like any other.
    pub(crate) status: u16,
    /// The change that an async request started.
    pub(crate) change: Option<ChangeId>,
    /// Null when absent.
    pub(crate) result: Value,
}

/// The form in which an endpoint answers when it does what it was asked to; a refusal is always an envelope.
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
    fn quoting(status: u16, body: &[u8]) -> Self {
        Self {
            status,
            kind: None,
            message: format!("{:?}", String::from_utf8_lossy(body.get(..200).unwrap_or(body))),
        }
    }

    /// Whether the daemon has no such path, or not for this method: what one says that is older than the endpoint.
    ///
    /// A path that is there and names something that is not answers 404 as well, with a text of its own. (Pebble, `internals/daemon/api.go`.)
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
pub(crate) enum Garbage {
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

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Wire {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    change: Option<ChangeId>,
    #[serde(default)]
    result: Value,
    #[serde(default)]
    maintenance: Option<Value>,
}

/// Decodes a complete answer: of this form when its status is 200, else an envelope. `is_text` is what its content type says.
pub(crate) fn decode_answer(status: u16, is_text: bool, body: &[u8], form: Form) -> Result<Decoded, Garbage> {
    let result = match form {
        Form::Envelope => return decode(status, body),
        Form::Lines if status == 200 => {
            let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_slice(body).into_iter().collect();
            Value::Array(values?)
        }
        // Go's server gives a body of nothing no type.
        Form::Text if status == 200 && !is_text && !body.is_empty() => return Err(Garbage::NoText),
        Form::Text if status == 200 => Value::String(String::from_utf8_lossy(body).into_owned()),
        // It failed while it wrote its text, and says so in a text.
        Form::Text if status == 500 => {
            return decode(status, body).or_else(|_| Ok(Decoded::Refusal(Refusal::quoting(status, body))));
        }
        Form::Lines | Form::Text => return decode(status, body),
    };
    Ok(Decoded::Answer(Envelope {
        status,
        change: None,
        result,
    }))
}

/// Decodes the envelope of a complete answer with the HTTP status `status`.
fn decode(status: u16, body: &[u8]) -> Result<Decoded, Garbage> {
    let wire: Wire = match serde_json::from_slice(body) {
        Ok(wire) => wire,
        // Not Pebble's own handler, but a definite refusal all the same (a proxy, a server without this path).
        Err(_) if (400..500).contains(&status) => return Ok(Decoded::Refusal(Refusal::quoting(status, body))),
        Err(error) => return Err(error.into()),
    };
    if let Some(maintenance) = wire.maintenance.filter(|value| !value.is_null()) {
        tracing::debug!(maintenance = %text_of(&maintenance, "message"), "Pebble announces maintenance");
    }
    match wire.kind.as_str() {
        "sync" => Ok(Decoded::Answer(Envelope {
            status,
            change: wire.change,
            result: wire.result,
        })),
        "async" if wire.change.is_none() => Err(Garbage::NoChange),
        "async" => Ok(Decoded::Answer(Envelope {
            status,
            change: wire.change,
            result: wire.result,
        })),
        "error" => Ok(Decoded::Refusal(Refusal {
            status,
            kind: wire.result.get("kind").and_then(Value::as_str).map(str::to_owned),
            message: text_of(&wire.result, "message"),
        })),
        _ => Err(Garbage::Type(wire.kind)),
    }
}

fn text_of(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn answer(status: u16, value: &Value) -> Result<Decoded, Garbage> {
        decode(status, value.to_string().as_bytes())
    }

    #[test]
    fn sync_async_and_error_are_told_apart() {
        let Ok(Decoded::Answer(sync)) = answer(
            200,
            &json!({"type": "sync", "status-code": 200, "result": [1], "future": {}}),
        ) else {
            panic!()
        };
        assert_eq!((sync.status, sync.result), (200, json!([1])));
        let Ok(Decoded::Answer(done)) = answer(202, &json!({"type": "async", "change": "7", "result": null})) else {
            panic!()
        };
        assert_eq!(done.change.unwrap().as_str(), "7");
        let Ok(Decoded::Refusal(refusal)) = answer(
            400,
            &json!({"type": "error", "result": {"message": "no default services", "kind": "no-default-services"}}),
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
            Ok(Decoded::Answer(Envelope { status: 502, .. }))
        ));
    }

    #[test]
    fn maintenance_changes_nothing() {
        let body = json!({"type": "sync", "result": 1, "maintenance": {"kind": "daemon-restart", "message": "daemon is restarting"}});
        assert!(matches!(answer(200, &body), Ok(Decoded::Answer(_))));
        assert!(matches!(
            answer(200, &json!({"type": "sync", "maintenance": 7})),
            Ok(Decoded::Answer(_))
        ));
    }

    #[test]
    fn what_is_no_envelope_is_garbage() {
        assert!(matches!(decode(200, b""), Err(Garbage::Json(_))));
        assert!(matches!(decode(200, b"<html>"), Err(Garbage::Json(_))));
        assert!(matches!(answer(200, &json!({"type": "new"})), Err(Garbage::Type(_))));
        assert!(matches!(answer(202, &json!({"type": "async"})), Err(Garbage::NoChange)));
        assert!(matches!(
            answer(202, &json!({"type": "async", "change": "../x"})),
            Err(Garbage::Json(_))
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
        fn any_result_has_an_answer(kind in "sync|async|error|x", result in ".{0,20}", change in ".{0,6}") {
            let _ = answer(200, &json!({"type": kind, "result": result, "change": change}));
            let _ = answer(500, &json!({"type": kind, "result": {"message": [result], "kind": 1}}));
        }
    }
}
