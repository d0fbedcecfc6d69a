//! What is tried: each endpoint, by the call that a user makes.

use std::future::Future;
use std::pin::Pin;

use charmwright_pebble::Error;
use charmwright_testing::proxy::{Fault, Rule};

use super::fault_fixture::FaultFixture;

/// What metrics are.
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";

pub(crate) type Soon<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// How an endpoint answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// With one document.
    Whole(&'static str),
    /// With a stream that has an end.
    Stream(&'static str),
    /// With a stream, or stream of documents, that has none.
    Watch,
    Websocket,
}

/// What its rule says of a lost answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// In the end it works.
    SentAgain,
    /// In the end nobody knows.
    NeverAgain,
    /// It works, or says that its reader or writer was left in the middle.
    Partly,
}

/// One row of the table.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    /// As in the docs.
    pub(crate) endpoint: &'static str,
    pub(crate) way: Way,
    pub(crate) lost: Lost,
    /// What is sent and not answered may have acted.
    pub(crate) acts: bool,
    /// It takes Pebble's second, or longer.
    pub(crate) slow: bool,
    /// It works even when Pebble is killed and comes back, without what only that Pebble knew.
    pub(crate) survives: bool,
    /// It makes sense to kill Pebble under it: it does not wait for something that only that Pebble
    /// had.
    pub(crate) outlives: bool,
    /// Which of the requests to its path is spoiled, counted from 1.
    pub(crate) nth: u32,
    /// What has to be there before.
    pub(crate) prepare: for<'a> fn(&'a mut FaultFixture) -> Soon<'a, ()>,
    /// The call, and a look at what it gives.
    pub(crate) run: for<'a> fn(&'a FaultFixture) -> Soon<'a, Result<(), Error>>,
    /// How often it has had its effect, on that daemon on which it had it most often.
    pub(crate) effects: for<'a> fn(&'a FaultFixture) -> Soon<'a, usize>,
}

impl Operation {
    /// One that only reads, in one document.
    pub(crate) const fn read(
        name: &'static str,
        endpoint: &'static str,
        run: for<'a> fn(&'a FaultFixture) -> Soon<'a, Result<(), Error>>,
    ) -> Self {
        Self {
            name,
            endpoint,
            way: Way::Whole("application/json"),
            lost: Lost::SentAgain,
            acts: false,
            slow: false,
            survives: true,
            outlives: true,
            nth: 1,
            prepare: |_| Box::pin(async {}),
            run,
            effects: |_| Box::pin(async { 0 }),
        }
    }

    /// One that changes something and answers with one document.
    pub(crate) const fn write(
        name: &'static str,
        endpoint: &'static str,
        run: for<'a> fn(&'a FaultFixture) -> Soon<'a, Result<(), Error>>,
    ) -> Self {
        Self { acts: true, survives: false, ..Self::read(name, endpoint, run) }
    }

    fn method(&self) -> &'static str {
        self.endpoint.split(' ').next().unwrap()
    }

    pub(crate) fn content_type(&self) -> &'static str {
        match self.way {
            Way::Whole(content_type) | Way::Stream(content_type) => content_type,
            Way::Watch => "application/json",
            Way::Websocket => "text/plain",
        }
    }

    /// The next request of this operation meets this fault.
    pub(crate) fn spoiled(&self, fixture: &FaultFixture, fault: Fault) -> Rule {
        let path = self.endpoint.split(' ').nth(1).unwrap();
        let rule = match path.split_once('{') {
            None => Rule::new(self.method(), path, fault).whole_path(),
            // The id of this case, and no more than that.
            Some((start, rest)) => {
                let tail = rest.split_once('}').unwrap().1;
                match (fixture.id.is_empty(), tail.contains('{')) {
                    (false, false) => {
                        Rule::new(self.method(), format!("{start}{}{tail}", fixture.id), fault)
                            .whole_path()
                    }
                    _ => Rule::new(self.method(), start, fault),
                }
            }
        };
        rule.from_nth(self.nth)
    }
}
