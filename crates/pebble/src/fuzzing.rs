//! This module has every decoder of Pebble's answers as a function of bytes: for fuzzing, and for
//! the properties in `tests/fuzzing.rs`, which try the same.
//!
//! Each decoder ends for any input, without a panic and with no more memory than its bounds allow.
//! It panics on purpose where it breaks a promise (if it does not parse what it has printed, say).
//! None may send its input to a real daemon: a command of white space only would end that daemon.

use super::envelope::{self, Form};
use super::exec::is_end;
use super::files;
use super::watch::{Lines, TooLong};
use super::{GoDuration, Layer, Plan, Timestamp};

/// A decoder, by the name of its fuzz target.
pub type Target = (&'static str, fn(&[u8]));

/// All decoders.
pub const TARGETS: &[Target] = &[
    ("envelope", envelope),
    ("multipart", multipart),
    ("lines", lines),
    ("layer", layer),
    ("duration", duration),
    ("timestamp", timestamp),
    ("exec_control", exec_control),
];

/// Decodes an answer in each of its forms. The first two bytes choose status and form.
pub fn envelope(bytes: &[u8]) {
    let Some(([first, second], body)) = bytes.split_first_chunk() else {
        return;
    };
    let status = u16::from_be_bytes([first & 0x3, *second]);
    for form in [Form::Envelope, Form::Lines, Form::Text] {
        let _answer = envelope::decode_answer(status, first & 4 != 0, body, form);
    }
}

/// Decodes the files of an answer, in one piece and in several. The first byte says how long these
/// are, and the first line is the content type.
pub fn multipart(bytes: &[u8]) {
    files::try_pieces(bytes);
}

/// Splits the stream of a followed log into lines. The first two bytes choose two ways of cutting
/// the rest into pieces, which have to give the same lines.
pub fn lines(bytes: &[u8]) {
    let Some(([first, second], stream)) = bytes.split_first_chunk() else {
        return;
    };
    let cut = |size: u8| {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        // A piece has 1 to 256 bytes. The memory for an unfinished line is bounded by the longest
        // line.
        let mut pieces = stream.chunks(usize::from(size) + 1);
        let whole = pieces.try_for_each(|piece| {
            lines.take(piece, |line| {
                found.push(line.to_vec());
                Ok::<_, TooLong>(())
            })
        });
        (found, whole, lines.is_cut_off())
    };
    let (lines, whole, cut_off) = cut(*first);
    assert_eq!(
        cut(*second),
        (lines.clone(), whole.clone(), cut_off),
        "the pieces make no difference"
    );
    let mut joined = lines.join(&b'\n');
    if !lines.is_empty() {
        joined.push(b'\n');
    }
    assert!(stream.starts_with(&joined), "each line is given once, in its order");
    if whole.is_ok() {
        let left = stream.get(joined.len()..).unwrap_or_default();
        assert_eq!(cut_off, !left.is_empty(), "what is begun is known");
        assert!(!left.contains(&b'\n'), "no line is held back");
    }
}

/// Decodes a layer, and a plan, in YAML.
pub fn layer(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let _plan = Plan::from_yaml(text);
    let Ok(layer) = Layer::from_yaml(text) else { return };
    let _verdict = layer.validate();
    let Ok(written) = layer.to_yaml() else { return };
    let again = Layer::from_yaml(&written);
    assert!(again.is_ok_and(|again| again == layer), "what is written is read back");
}

/// Decodes a duration of Go's.
pub fn duration(bytes: &[u8]) {
    let Ok(Ok(duration)) = std::str::from_utf8(bytes).map(str::parse::<GoDuration>) else {
        return;
    };
    assert_eq!(duration.to_string().parse(), Ok(duration), "what is printed is read back");
}

/// Decodes a time in RFC 3339.
pub fn timestamp(bytes: &[u8]) {
    let Ok(Ok(moment)) = std::str::from_utf8(bytes).map(str::parse::<Timestamp>) else {
        return;
    };
    assert_eq!(moment.to_string().parse(), Ok(moment), "what is printed is read back");
}

/// Decodes a text frame of an exec's stream.
pub fn exec_control(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if is_end(text) {
        assert!(text.contains("end") || text.contains('\\'), "what ends a stream says so");
        assert!(is_end(&format!(" {text}\n")), "white space around it has no meaning");
    }
}

#[cfg(test)]
#[path = "tests/fuzzing.rs"]
mod tests;
