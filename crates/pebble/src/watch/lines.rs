//! Splits a stream of bytes into lines (NDJSON), however the stream is cut into chunks.

use memchr::memchr;

/// The longest line that is read, in bytes. Pebble splits a service's line at about 4 KiB, and JSON
/// writes each byte of it with at most six.
const LONGEST_LINE: usize = 64 * 1024;

/// A line is longer than any line that Pebble writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a line of its answer is longer than {LONGEST_LINE} bytes")]
pub(crate) struct TooLong;

/// A splitter cuts a stream of bytes into lines. It holds at most the beginning of one line.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    /// Reads the next chunk and calls `line` with each line that the chunk completes, without its
    /// newline.
    pub(crate) fn take<E: From<TooLong>>(
        &mut self,
        mut chunk: &[u8],
        mut line: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(end) = memchr(b'\n', chunk) {
            let (tail, rest) = chunk.split_at(end);
            chunk = rest.get(1..).unwrap_or_default();
            if self.partial.len() + tail.len() > LONGEST_LINE {
                return Err(TooLong.into());
            }
            // A line that is whole in its chunk need not be copied.
            if self.partial.is_empty() {
                line(tail)?;
            } else {
                self.partial.extend_from_slice(tail);
                let whole = std::mem::take(&mut self.partial);
                line(&whole)?;
            }
        }
        // The limit is checked before the bytes are kept, so that it bounds the memory.
        if self.partial.len() + chunk.len() > LONGEST_LINE {
            return Err(TooLong.into());
        }
        self.partial.extend_from_slice(chunk);
        Ok(())
    }

    /// Returns `true` if a line has begun and not ended.
    pub(crate) fn is_cut_off(&self) -> bool {
        !self.partial.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Splits these chunks. Returns the lines and the rest, or an error if a line is too long.
    fn lines<'a>(
        chunks: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<(Vec<Vec<u8>>, Vec<u8>), TooLong> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for chunk in chunks {
            lines.take::<TooLong>(chunk, |line| {
                found.push(line.to_vec());
                Ok(())
            })?;
        }
        Ok((found, lines.partial))
    }

    #[test]
    fn a_line_has_a_longest_length() {
        let longest = vec![b'x'; LONGEST_LINE];
        let mut ended = longest.clone();
        ended.push(b'\n');
        assert_eq!(lines([&*ended]), Ok((vec![longest.clone()], vec![])));
        assert_eq!(lines([&*longest, b"\n"]), Ok((vec![longest.clone()], vec![])));
        assert_eq!(lines([&*longest, b"x"]), Err(TooLong));
        assert_eq!(lines([&*longest, b"x\n"]), Err(TooLong));
        assert_eq!(lines(std::iter::repeat_n(&b"endless"[..], LONGEST_LINE)), Err(TooLong));
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_lines(
            bytes in proptest::collection::vec(
                prop_oneof![Just(b'\n'), Just(b'a'), any::<u8>()],
                0..200,
            ),
            cuts: Vec<u8>,
        ) {
            let whole = lines([&*bytes]).unwrap();
            let mut rest = &*bytes;
            let mut chunks = Vec::new();
            for cut in cuts {
                let (chunk, after) = rest.split_at(usize::from(cut).min(rest.len()));
                chunks.push(chunk);
                rest = after;
            }
            chunks.push(rest);
            prop_assert_eq!(&lines(chunks).unwrap(), &whole);
            let mut joined: Vec<u8> =
                whole.0.iter().flat_map(|line| [line, &b"\n"[..]].concat()).collect();
            joined.extend(whole.1);
            prop_assert_eq!(joined, bytes);
        }
    }
}
