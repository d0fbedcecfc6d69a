//! The table of endpoints in the docs, held to the requests as the client really sends them.
//!
//! Each room gives the requests of its calls, made by the same code that the calls use, so the method, the path, the version and the rule for a lost
//! answer in the table are those of the code. `UPDATE_DOCS=1 cargo test -p charmwright --lib coverage` writes the table anew.


use super::request::Request;

/// One call of the client, and a request as it sends it.
pub(super) struct Sample {
    /// As it is called, such as `Client::replan`.
    pub(super) call: &'static str,
    /// The path as Pebble's documentation writes it, with names in braces.
    pub(super) path: &'static str,
    pub(super) request: Request,
}

impl Sample {
    pub(super) fn new(call: &'static str, path: &'static str, request: Request) -> Self {
        Self { call, path, request }
    }

    fn row(&self) -> String {
        let since = self.request.first_version().unwrap_or("1.1");
        format!(
            "| `{} {}` | {} | {since} | {} |",
            self.request.method(),
            self.path,
            self.call
                .split(", ")
                .map(|call| format!("`{call}`"))
                .collect::<Vec<_>>()
                .join(", "),
            self.request.resend().described()
        )
    }
}

fn samples() -> Vec<Sample> {
    [
        super::system_info::samples(),
        super::health::samples(),
        super::changes::samples(),
        super::services::samples(),
        super::plan::samples(),
        super::layers::samples(),
        super::logs::samples(),
        super::checks::samples(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[test]
fn the_requests_are_for_the_paths_that_they_are_listed_under() {
    for sample in samples() {
        let target = sample.request.target();
        let path = target.split('?').next().unwrap();
        let fits = path.split('/').count() == sample.path.split('/').count()
            && path
                .split('/')
                .zip(sample.path.split('/'))
                .all(|(part, pattern)| pattern.starts_with('{') || part == pattern);
        assert!(fits, "{}: {path} is no {}", sample.call, sample.path);
    }
}
