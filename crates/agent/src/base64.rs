//! [`encode`] and [`decode`] convert bytes to and from standard base64 (RFC 4648, section 4).

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Encodes bytes with padding.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_u32, |group, byte| (group << 8) | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let index = ((group >> (18 - 6 * place)) & 63) as usize;
            let character = ALPHABET.get(index).copied().unwrap_or(b'=');
            text.push(if place <= chunk.len() { char::from(character) } else { '=' });
        }
    }
    text
}

/// Decodes text with padding, and ignores line breaks as Go's `StdEncoding` does.
///
/// # Errors
/// Returns the place of the first byte that is wrong: what Go prints in its error.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, usize> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let mut characters =
        text.bytes().enumerate().filter(|(_, byte)| !matches!(byte, b'\n' | b'\r')).peekable();
    while characters.peek().is_some() {
        let mut group = 0_u32;
        let mut digits = 0_u32;
        while digits < 4 {
            let Some((place, byte)) = characters.next() else {
                // Go names the place after the last complete character.
                return Err(text.len() - digits as usize);
            };
            if byte == b'=' {
                // The padding of one group is `==` or `=`, and nothing may follow it.
                let is_complete = match digits {
                    0 | 1 => return Err(place),
                    2 => matches!(characters.next(), Some((_, b'='))),
                    _ => true,
                };
                if !is_complete {
                    return Err(text.len());
                }
                if let Some((after, _)) = characters.next() {
                    return Err(after);
                }
                group <<= 6 * (4 - digits);
                break;
            }
            let digit = ALPHABET.iter().position(|digit| *digit == byte).ok_or(place)?;
            group = (group << 6) | u32::try_from(digit).unwrap_or_default();
            digits += 1;
        }
        let [_, first, second, third] = group.to_be_bytes();
        bytes.push(first);
        bytes.extend((digits > 2).then_some(second));
        bytes.extend((digits > 3).then_some(third));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn base64_matches_the_standard() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("\u{0}", "AA=="),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text), Ok(bytes.as_bytes().to_vec()));
        }
        assert_eq!(encode(&[0xff, 0xfe]), "//4=");
        assert_eq!(decode("Zm\n9v\r\n"), Ok(b"foo".to_vec()));
    }

    #[test]
    fn a_wrong_text_is_refused_with_its_place() {
        for (text, place) in [("notb64!", 6), ("=", 0), ("Zg=x", 4), ("Zg==x", 4), ("Zg==Zg==", 4)]
        {
            assert_eq!(decode(text), Err(place), "{text}");
        }
        assert!(decode("Zg").is_err() && decode("Z").is_err() && decode("Zm9vZ").is_err());
    }

    proptest! {
        #[test]
        fn every_byte_comes_back(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(decode(&encode(&bytes)), Ok(bytes));
        }

        #[test]
        fn no_text_panics(text in "[A-Za-z0-9+/=\n]{0,16}|\\PC{0,8}") {
            let _ = decode(&text);
        }
    }
}
