//! Base64 as Juju writes and reads it: the standard alphabet with padding (Go's `StdEncoding`).
//!
//! It is written here because both directions must not leave a copy of a secret behind: a buffer
//! that grows is moved, and the old one is not wiped.

use zeroize::Zeroizing;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Returns the length in base64 of `length` bytes.
pub(super) const fn encoded_length(length: usize) -> usize {
    length.div_ceil(3).saturating_mul(4)
}

/// Appends the base64 of `bytes` to `output`. The caller has reserved the room.
pub(super) fn encode(bytes: &[u8], output: &mut Vec<u8>) {
    for chunk in bytes.chunks(3) {
        let [first, second, third] = [0, 1, 2].map(|at| chunk.get(at).copied().unwrap_or(0));
        let group = u32::from_be_bytes([0, first, second, third]);
        for place in 0..4 {
            // A chunk of n bytes fills n + 1 digits.
            let digit = ALPHABET.get((group >> (18 - 6 * place)) as usize & 0x3f);
            let digit = digit.filter(|_| place <= chunk.len());
            output.push(digit.copied().unwrap_or(b'='));
        }
    }
}

/// Decodes base64; `None` if the text is not base64. Go skips line breaks in it, so this does too.
pub(crate) fn decode(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut output = Zeroizing::new(Vec::with_capacity(text.len() / 4 * 3 + 3));
    let mut digits = text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).peekable();
    while digits.peek().is_some() {
        let mut group = 0_u32;
        let mut padding = 0;
        for _ in 0..4 {
            let digit = digits.next()?;
            let value = if digit == b'=' {
                padding += 1;
                0
            } else if padding > 0 {
                return None;
            } else {
                digit_value(digit)?
            };
            group = group << 6 | u32::from(value);
        }
        let [_, first, second, third] = group.to_be_bytes();
        match padding {
            0 => output.extend([first, second, third]),
            1 => output.extend([first, second]),
            2 => output.push(first),
            _ => return None,
        }
        // Padding ends the text.
        if padding > 0 && digits.peek().is_some() {
            return None;
        }
    }
    Some(output)
}

fn digit_value(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
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
