//! A recording lists what the floor program does: the hook tools and the requests to Pebble of one
//! run of the Rust charm, in order. This module writes it as a C table.

use crate::calls::Call;

/// A step is what the floor program does for one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// A hook tool with its arguments and its input.
    Tool { argv: Vec<String>, input: Vec<u8> },
    /// A request to the Pebble of a container. If there is a `rest`, the request is `start`, then
    /// the id of the last change, then `rest`: the id differs from run to run, so it cannot be
    /// recorded.
    Request { container: String, start: Vec<u8>, rest: Option<Vec<u8>>, status: u16 },
}

/// A recording has all steps of the Rust charm in one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recording {
    pub(crate) steps: Vec<Step>,
}

impl Recording {
    /// Returns the hook tools alone, in their order.
    pub(crate) fn tools(&self) -> Vec<Call> {
        let tool = |step: &Step| match step {
            Step::Tool { argv, input } => {
                Some(Call::Tool { argv: argv.clone(), input: input.clone() })
            }
            Step::Request { .. } => None,
        };
        self.steps.iter().filter_map(tool).collect()
    }

    /// Writes the recording as the tables `containers` and `plan`, which `floor.c` includes.
    pub(crate) fn to_c_table(&self, containers: &[&str]) -> String {
        let mut text =
            "/* Written by the dispatch benchmark: what the Rust charm was seen to do. */\n"
                .to_owned();
        let names: Vec<String> = containers.iter().map(|it| c_string(it.as_bytes())).collect();
        text += &format!("static const char *const containers[] = {{{}}};\n", names.join(", "));
        let mut table = String::new();
        for (index, step) in self.steps.iter().enumerate() {
            match step {
                Step::Tool { argv, input } => {
                    let words: Vec<String> =
                        argv.iter().map(|word| c_string(word.as_bytes())).collect();
                    text += &format!(
                        "static char *const argv_{index}[] = {{{}, NULL}};\n",
                        words.join(", ")
                    );
                    let c_input =
                        if input.is_empty() { "NULL".to_owned() } else { c_string(input) };
                    table += &format!(
                        "    {{.argv = argv_{index}, .input = {c_input}, .input_length = {}}},\n",
                        input.len()
                    );
                }
                Step::Request { container, start, rest, status } => {
                    let container = containers.iter().position(|it| it == container).unwrap_or(0);
                    table += &format!(
                        "    {{.container = {container}, .request = {}, .request_length = {}, \
                         .status = {status}",
                        c_string(start),
                        start.len()
                    );
                    if let Some(rest) = rest {
                        table +=
                            &format!(", .rest = {}, .rest_length = {}", c_string(rest), rest.len());
                    }
                    table += "},\n";
                }
            }
        }
        text + &format!("static const struct step plan[] = {{\n{table}}};\n")
    }
}

/// Writes bytes as a C string literal.
///
/// Its escapes are octal: those have at most three digits, while a hexadecimal escape would swallow
/// the digits that follow it. A question mark is escaped too, since two could begin a trigraph.
fn c_string(bytes: &[u8]) -> String {
    let mut text = "\"".to_owned();
    for byte in bytes {
        match byte {
            b'"' | b'\\' | b'?' => text += &format!("\\{byte:03o}"),
            0x20..=0x7e => text.push(char::from(*byte)),
            _ => text += &format!("\\{byte:03o}"),
        }
    }
    text + "\""
}
