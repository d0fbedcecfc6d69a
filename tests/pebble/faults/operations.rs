//! The operations that faults happen to: each endpoint, by the call of the client.

use std::future::Future;
use std::pin::Pin;

use charmwright_pebble::Error;
use charmwright_testing::proxy::{Fault, Rule};

use super::fault_fixture::FaultFixture;

/// The content type of metrics.
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";

/// The future of a function in the table.
pub(crate) type BoxedFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// The form of an endpoint's reply, with its content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReplyForm {
    /// One document.
    Document(&'static str),
    /// A stream that ends.
    Stream(&'static str),
    /// A stream, or a series of documents, that does not end.
    Watch,
    /// A websocket.
    Websocket,
}

/// What the client does after a lost reply, by its rules for resending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LostReply {
    /// It sends the request again, and the call succeeds.
    Resent,
    /// It does not send the request again, and the error says that it may have acted.
    NotResent,
    /// It sends the request again only while the caller's reader or writer is unused. Else the
    /// error is `Interrupted`.
    Streamed,
}

/// One row of the table.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    /// The method and path, as in `docs/pebble.md`.
    pub(crate) endpoint: &'static str,
    pub(crate) reply_form: ReplyForm,
    pub(crate) after_lost_reply: LostReply,
    /// `true` if a request without a reply may have acted.
    pub(crate) may_have_acted: bool,
    /// `true` if it takes a second or longer. Pebble waits for a second to see whether a service
    /// stays up.
    pub(crate) is_slow: bool,
    /// `true` if it succeeds although Pebble is killed and started again, and has lost the state in
    /// its memory.
    pub(crate) succeeds_after_kill: bool,
    /// `true` if Pebble may be killed during it. `false` if it would then wait without end for
    /// something that the new Pebble does not have.
    pub(crate) may_be_killed: bool,
    /// The number of the request to its path that the fault happens to, counted from 1.
    pub(crate) nth: u32,
    /// Makes what the call needs, before the fault is injected.
    pub(crate) prepare: for<'a> fn(&'a mut FaultFixture) -> BoxedFuture<'a, ()>,
    /// Makes the call and checks its result.
    pub(crate) run: for<'a> fn(&'a FaultFixture) -> BoxedFuture<'a, Result<(), Error>>,
    /// Counts the effects of the call on that daemon on which it had the most.
    pub(crate) effects: for<'a> fn(&'a FaultFixture) -> BoxedFuture<'a, usize>,
}

impl Operation {
    /// Makes an operation that only reads and whose reply is one document.
    pub(crate) const fn read(
        name: &'static str,
        endpoint: &'static str,
        run: for<'a> fn(&'a FaultFixture) -> BoxedFuture<'a, Result<(), Error>>,
    ) -> Self {
        Self {
            name,
            endpoint,
            reply_form: ReplyForm::Document("application/json"),
            after_lost_reply: LostReply::Resent,
            may_have_acted: false,
            is_slow: false,
            succeeds_after_kill: true,
            may_be_killed: true,
            nth: 1,
            prepare: |_| Box::pin(async {}),
            run,
            effects: |_| Box::pin(async { 0 }),
        }
    }

    /// Makes an operation that changes something and whose reply is one document.
    pub(crate) const fn write(
        name: &'static str,
        endpoint: &'static str,
        run: for<'a> fn(&'a FaultFixture) -> BoxedFuture<'a, Result<(), Error>>,
    ) -> Self {
        Self { may_have_acted: true, succeeds_after_kill: false, ..Self::read(name, endpoint, run) }
    }

    fn method(&self) -> &'static str {
        self.endpoint.split(' ').next().unwrap()
    }

    /// Returns the content type of a reply.
    pub(crate) fn content_type(&self) -> &'static str {
        match self.reply_form {
            ReplyForm::Document(content_type) | ReplyForm::Stream(content_type) => content_type,
            ReplyForm::Watch => "application/json",
            ReplyForm::Websocket => "text/plain",
        }
    }

    /// Returns the proxy's rule for this fault in the next request of this operation.
    pub(crate) fn rule_for(&self, fixture: &FaultFixture, fault: Fault) -> Rule {
        let path = self.endpoint.split(' ').nth(1).unwrap();
        let rule = match path.split_once('{') {
            None => Rule::new(self.method(), path, fault).whole_path(),
            // The path with the id of this case: other cases may use the endpoint meanwhile.
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
