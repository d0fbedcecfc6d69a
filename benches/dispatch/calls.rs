//! The log of a run lists the calls of a charm; this module parses it.

use crate::common::Failure;

/// A call is what a charm does outside its own process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Call {
    /// A hook tool with its arguments, its bare name first, and its input.
    Tool { argv: Vec<String>, input: Vec<u8> },
    /// A request to the Pebble of a container. The log has only its place in the order, and the
    /// container's proxy has its content.
    Request { container: String },
}

/// Parses the log of the hook tools, in which the proxies mark each request. The log consists of
/// netstrings; `hook-tool.c` documents them.
pub(crate) fn parse_calls(log: &[u8]) -> Result<Vec<Call>, Failure> {
    let mut rest = log;
    let mut next = move || -> Result<Option<&[u8]>, Failure> {
        if rest.is_empty() {
            return Ok(None);
        }
        let colon =
            rest.iter().position(|byte| *byte == b':').ok_or("a record without a length")?;
        let (length, tail) = rest.split_at(colon);
        let length: usize = str::from_utf8(length)?.parse()?;
        let field = tail.get(1..=length).ok_or("a record that is cut short")?;
        // The colon before the field and the comma after it make two bytes more than its length.
        rest = tail.get(length + 2..).ok_or("a record that is cut short")?;
        Ok(Some(field))
    };
    let mut all = Vec::new();
    while let Some(kind) = next()? {
        let mut field =
            || next().and_then(|field| field.ok_or_else(|| "a record that is cut short".into()));
        if kind == b"request" {
            all.push(Call::Request { container: str::from_utf8(field()?)?.to_owned() });
            continue;
        }
        let count: usize = str::from_utf8(field()?)?.parse()?;
        let argv: Result<Vec<String>, Failure> =
            (0..count).map(|_| Ok(String::from_utf8(field()?.to_vec())?)).collect();
        all.push(Call::Tool { argv: argv?, input: field()?.to_vec() });
    }
    Ok(all)
}
