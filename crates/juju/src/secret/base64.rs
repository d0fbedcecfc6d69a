//! Base64 as Juju writes and reads it: the standard alphabet with padding (Go's `StdEncoding`).
//!
//! Both directions work on buffers that do not grow, because they hold secrets: a buffer that grows
//! is moved, and the old one is not wiped.

use ::base64::alphabet::STANDARD;
use ::base64::engine::{Engine as _, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

/// Go does not check the bits that the last digit has too many, so this does not either.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Returns the length in base64 of `length` bytes.
pub(super) const fn encoded_length(length: usize) -> usize {
    length.div_ceil(3).saturating_mul(4)
}

/// Appends the base64 of `bytes` to `output`. The caller has reserved the room.
pub(super) fn encode(bytes: &[u8], output: &mut Vec<u8>) {
    let start = output.len();
    output.resize(start.saturating_add(encoded_length(bytes.len())), 0);
    let written = output.get_mut(start..).map(|room| ENGINE.encode_slice(bytes, room));
    debug_assert!(matches!(written, Some(Ok(_))), "the room is as long as the base64");
}

/// Decodes base64; `None` if the text is not base64. Go skips line breaks in it, so this does too.
pub(crate) fn decode(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut digits = Zeroizing::new(Vec::with_capacity(text.len()));
    digits.extend(text.iter().filter(|byte| !matches!(byte, b'\r' | b'\n')));
    let mut output = Zeroizing::new(vec![0; ::base64::decoded_len_estimate(digits.len())]);
    let length = ENGINE.decode_slice(&*digits, &mut output).ok()?;
    output.truncate(length);
    Some(output)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(bytes: &[u8]) -> Vec<u8> {
        let mut output = Vec::new();
        encode(bytes, &mut output);
        output
    }

    #[test]
    fn the_vectors_of_rfc_4648_hold() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encoded(bytes.as_bytes()), text.as_bytes());
            assert_eq!(decode(text.as_bytes()).unwrap().as_slice(), bytes.as_bytes());
            assert_eq!(encoded_length(bytes.len()), text.len());
        }
        assert_eq!(encoded(&[0xfb, 0xff, 0xfe]), b"+//+");
        assert_eq!(decode(b"Zm9v\r\nYg==\n").unwrap().as_slice(), b"foob");
        // Go takes the bits that are too many.
        assert_eq!(decode(b"Zh==").unwrap().as_slice(), b"f");
    }

    #[test]
    fn what_is_not_base64_is_refused() {
        for text in ["Z", "Zg", "Zg=", "Zg===", "Z===", "====", "Zg==Zg==", "Z=g=", "Zm9-", "é==="]
        {
            assert!(decode(text.as_bytes()).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn bytes_read_back(bytes: Vec<u8>) {
            let text = encoded(&bytes);
            prop_assert_eq!(text.len(), encoded_length(bytes.len()));
            let decoded = decode(&text).unwrap();
            prop_assert_eq!(decoded.as_slice(), bytes.as_slice());
        }

        #[test]
        fn no_text_makes_the_decoder_panic(text: Vec<u8>, near in "[A-Za-z0-9+/=\n]{0,12}") {
            let _ = decode(&text);
            let _ = decode(near.as_bytes());
        }
    }
}
