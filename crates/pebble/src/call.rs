//! One call: its attempts, what became of each, and the error in the end.
//!
//! Every attempt of a call goes through [`Call::attempt`], so the order of things is written once:
//! take a connection, see that the daemon behind it still has our layers, deal with an answer that
//! was lost before, send, and judge what came of it.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::time::Instant;

use super::connection::{Connection, Reply};
use super::envelope::{self, Decoded, Document, Envelope, Refusal};
use super::error::Error;
use super::no_answer::NoAnswer;
use super::plan::{Plan, read_plan};
use super::reader::Reader;
use super::request::Request;
use super::resend::{Recovery, Resend};
use super::retry::{Classification, GaveUp, Reporter, RetryDecision, drive};
use super::timestamp::Timestamp;
use super::transport::{TransportError, TransportFailure, seconds};

/// A call in progress.
pub(super) struct Call<'c> {
    client: &'c Reader,
    request: Request,
    lost: Mutex<Option<Lost>>,
    accepted: AtomicBool,
    unfinished: Arc<AtomicBool>,
}

/// An answer was lost: the request may have acted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lost {
    /// When the first request whose answer was lost was sent.
    pub(super) since: Timestamp,
    /// How often its effect has been looked for in vain.
    looks: u32,
    /// The number of known restarts when it was sent.
    pub(super) restarts: u64,
}

/// The answer to a call, and where it came from.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) envelope: Envelope,
    /// The connection it came over.
    pub(super) lane: u64,
    /// No change that it names was spawned before.
    pub(super) since: Timestamp,
    /// Its own answer was lost, and this was found instead.
    pub(super) found: bool,
}

impl Answered {
    pub(super) fn here(envelope: Envelope, lane: &Connection) -> Self {
        Self { envelope, lane: lane.number(), since: Timestamp::now(), found: false }
    }
}

/// Why an attempt has failed.
#[derive(Debug)]
pub(super) enum AttemptError {
    /// Another attempt may be made.
    Temporary { cause: String, unanswered: Duration, hint: Option<Duration> },
    /// A request is out and the connection is open: no other attempt may be made.
    TimedOut { unanswered: Duration, acted: bool },
    /// No other attempt would change it.
    Final(Error),
}

impl AttemptError {
    /// A failure that came as an answer, or after one, so that it costs no time.
    pub(super) fn temporary(cause: impl Into<String>) -> Self {
        Self::after(Duration::ZERO, cause)
    }

    /// A failure that cost this much time without an answer.
    pub(super) fn after(unanswered: Duration, cause: impl Into<String>) -> Self {
        Self::Temporary { cause: cause.into(), unanswered, hint: None }
    }
}

/// Why an attempt stops on one connection.
#[derive(Debug)]
pub(super) enum Halt {
    /// The kept connection was dead before anything was sent: take another, nothing has failed.
    Stale,
    Failed(AttemptError),
}

impl From<AttemptError> for Halt {
    fn from(failure: AttemptError) -> Self {
        Self::Failed(failure)
    }
}

/// What became of one request on one connection, when it was not answered as hoped.
#[derive(Debug)]
pub(super) enum ExchangeError {
    Halt(Halt),
    /// Sent, or perhaps sent, and no answer.
    ReplyLost {
        cause: String,
        unanswered: Duration,
    },
    /// A complete answer that refuses.
    Refused(Refusal),
}

impl<'c> Call<'c> {
    pub(super) fn new(client: &'c Reader, request: Request) -> Self {
        Self {
            client,
            request,
            lost: Mutex::new(None),
            accepted: AtomicBool::new(false),
            unfinished: Arc::default(),
        }
    }

    pub(super) fn client(&self) -> &'c Reader {
        self.client
    }

    pub(super) fn request(&self) -> &Request {
        &self.request
    }

    fn lost(&self) -> std::sync::MutexGuard<'_, Option<Lost>> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The request whose answer was lost, if one was.
    pub(super) fn lost_request(&self) -> Option<Lost> {
        *self.lost()
    }

    /// Whether an answer was lost on the way to the one that came.
    pub(super) fn was_resent(&self) -> bool {
        self.lost().is_some()
    }

    /// The lost request belongs to a daemon that is gone, and so does its effect.
    pub(super) fn forget_lost(&self) {
        *self.lost() = None;
    }

    /// Counts one more look for a lost effect, and says how many there have been.
    pub(super) fn count_look(&self) -> u32 {
        self.lost().as_mut().map_or(0, |lost| {
            lost.looks = lost.looks.saturating_add(1);
            lost.looks
        })
    }

    /// Pebble has taken the request on: whatever happens now, it may have acted.
    pub(super) fn note_accepted(&self) {
        self.accepted.store(true, Ordering::Relaxed);
    }

    /// Whether an attempt up to now may have acted.
    pub(super) fn may_have_acted(&self) -> bool {
        self.accepted.load(Ordering::Relaxed) || (self.was_resent() && !self.request.is_read())
    }

    /// The request was refused. If that is no proof, then nothing that comes later is.
    pub(super) fn note_refused(&self, refusal: &Refusal) {
        if self.request.may_have_acted(Some(refusal)) {
            self.note_accepted();
        }
    }

    /// It has been answered, but what it was for has not come about yet: no success is told of.
    pub(super) fn note_unfinished(&self) {
        self.unfinished.store(true, Ordering::Relaxed);
    }

    /// Notes an answer that says of a path that it failed: after a retry, too, no success is told
    /// of.
    pub(super) fn note_failed_paths(&self, envelope: &Envelope) {
        #[derive(Deserialize)]
        struct OfPath {
            error: Option<IgnoredAny>,
        }
        let paths = envelope.result.decode::<Vec<OfPath>>().unwrap_or_default();
        if paths.iter().any(|path| path.error.is_some()) {
            self.note_unfinished();
        }
    }

    /// Runs attempts under the client's policy and budget, and turns the end into an error.
    pub(super) async fn run<T, Op, Fut>(&self, mut operation: Op) -> Result<T, Error>
    where
        Op: FnMut(u32) -> Fut,
        Fut: Future<Output = Result<T, AttemptError>>,
    {
        let client = self.client;
        self.request.check(client.daemon())?;
        let reporter = Reporter {
            operation: self.request.step().to_owned(),
            target: client.target().map(str::to_owned),
            unfinished: Arc::clone(&self.unfinished),
            observer: client.observer().cloned(),
        };
        let judge = |failure: &AttemptError| match failure {
            AttemptError::Temporary { cause, unanswered, hint } => Classification {
                meaning: hint.map_or(RetryDecision::Retry, RetryDecision::RetryAfter),
                unanswered: *unanswered,
                cause: cause.clone(),
            },
            AttemptError::TimedOut { unanswered, .. } => Classification {
                meaning: RetryDecision::Final,
                unanswered: *unanswered,
                cause: "no answer".to_owned(),
            },
            AttemptError::Final(error) => Classification {
                meaning: RetryDecision::Final,
                unanswered: Duration::ZERO,
                cause: error.reason().to_owned(),
            },
        };
        // An attempt has the states of all that can happen in it, some kilobytes, and is handed on
        // before it begins: in a box that costs nothing.
        let operation = |attempt| Box::pin(operation(attempt));
        drive(client.policy(), client.budget(), &reporter, operation, judge)
            .await
            .map_err(|drained| self.error(drained))
    }

    fn error(&self, drained: GaveUp<AttemptError>) -> Error {
        let GaveUp { attempts, elapsed, error, .. } = drained;
        let (operation, daemon) = (self.request.operation(), self.client.daemon());
        let socket = self.client.socket().display();
        let acted_before = self.may_have_acted();
        let error = match error {
            AttemptError::Final(error) => {
                let acted = error.may_have_acted() || acted_before;
                return error.with_attempts(attempts).with_acted(acted);
            }
            AttemptError::TimedOut { unanswered, acted } => {
                let acted = acted || acted_before;
                let warning = if acted { "; the request may have acted" } else { "" };
                let reason = format!(
                    "Pebble at {socket} took the request and has been silent for {}{warning}",
                    seconds(unanswered)
                );
                Error::unreachable(operation, daemon, reason).with_acted(acted)
            }
            AttemptError::Temporary { cause, .. } => {
                let reason = NoAnswer {
                    socket: self.client.socket(),
                    attempts,
                    elapsed,
                    budget_is_spent: self.client.policy().max_attempts() > 1,
                    cause: &cause,
                    may_have_acted: acted_before,
                    hint: self.client.hint(),
                };
                Error::unreachable(operation, daemon, reason.to_string()).with_acted(acted_before)
            }
        };
        error.with_attempts(attempts)
    }

    /// One attempt, on a kept connection or a new one.
    pub(super) async fn attempt(&self, number: u32) -> Result<Answered, AttemptError> {
        // Ends: each turn but the last uses up one kept connection, and a new one is never stale.
        loop {
            let mut lane = self.client.lane(self.request.operation()).await?;
            let result = self.attempt_on(&mut lane, number).await;
            self.client.transport().keep(lane);
            match result {
                Ok(answered) => return Ok(answered),
                Err(Halt::Stale) => {}
                Err(Halt::Failed(failure)) => return Err(failure),
            }
        }
    }

    pub(super) async fn attempt_on(
        &self,
        lane: &mut Connection,
        number: u32,
    ) -> Result<Answered, Halt> {
        let known = self.client.known_layers();
        if self.request.needs_layers() {
            let perhaps = match self.request.resend() {
                Resend::Layer(layer) if self.lost().is_some() => Some(layer),
                _ => None,
            };
            self.client.restore_layers(lane, number, perhaps).await?;
        }
        let restarts = known.restarts();
        // On a daemon that was started since, the effect is wanted again, and there is nothing to
        // look for.
        if self.lost().is_some_and(|lost| lost.restarts != restarts)
            && !self.request.resend().outlives_the_daemon()
        {
            self.forget_lost();
        }
        let lost = *self.lost();
        if let Some(lost) = lost {
            match self.resume(lane, number, lost).await? {
                Recovery::Send => {}
                Recovery::Done(envelope) => return Ok(Answered::here(envelope, lane)),
                Recovery::Found(id) => {
                    let envelope = Envelope { change: Some(id), result: Document::NULL };
                    return Ok(Answered {
                        envelope,
                        lane: lane.number(),
                        since: lost.since,
                        found: true,
                    });
                }
                Recovery::Later(cause) => return Err(AttemptError::temporary(cause).into()),
            }
        }
        let since = Timestamp::now();
        match self.client.ask(lane, &self.request, number).await {
            Ok(envelope) => Ok(Answered { envelope, lane: lane.number(), since, found: false }),
            Err(ExchangeError::Halt(halt)) => Err(halt),
            Err(ExchangeError::ReplyLost { cause, unanswered }) => {
                self.lost().get_or_insert(Lost { since, looks: 0, restarts });
                if matches!(self.request.resend(), Resend::Never) {
                    let reason = format!(
                        "the answer of Pebble was lost ({cause}), and this request is not sent \
                         twice; it may have acted"
                    );
                    let error =
                        Error::unreachable(self.request.operation(), self.client.daemon(), reason);
                    return Err(AttemptError::Final(error.with_acted(true)).into());
                }
                Err(AttemptError::after(unanswered, cause).into())
            }
            Err(ExchangeError::Refused(refusal)) => {
                self.note_refused(&refusal);
                if lost.is_some()
                    && let Some(answered) = self.explained(lane, number, &refusal).await?
                {
                    return Ok(answered);
                }
                Err(self.client.refusal(&self.request, refusal).into())
            }
        }
    }
}

/// Single exchanges, from which the attempts are made.
impl Reader {
    /// A connection for one attempt of `operation`.
    pub(super) async fn lane(&self, operation: &str) -> Result<Connection, AttemptError> {
        let started = Instant::now();
        match self.transport().lane().await {
            Ok(lane) => Ok(lane),
            Err(broken) => Err(match self.judge(operation, broken, started.elapsed(), false) {
                ExchangeError::Halt(Halt::Failed(failure)) => failure,
                // A connection that is being opened has carried nothing that could be lost.
                ExchangeError::Halt(Halt::Stale)
                | ExchangeError::ReplyLost { .. }
                | ExchangeError::Refused(_) => AttemptError::temporary("no connection"),
            }),
        }
    }

    /// Sends one request over one connection, once.
    pub(super) async fn ask(
        &self,
        lane: &mut Connection,
        request: &Request,
        attempt: u32,
    ) -> Result<Envelope, ExchangeError> {
        let limit = self.policy().limit(self.budget().unanswered(), attempt == 1);
        let started = Instant::now();
        let exchange = async {
            let message = request.message()?;
            lane.exchange(message, limit.saturating_add(request.expected_duration())).await
        };
        match exchange.await {
            Ok(reply) => self.decode_reply(request, &reply),
            // What a daemon takes its rightful time for is no time without an answer.
            Err(broken) => Err(self.judge(
                request.operation(),
                broken,
                started.elapsed().saturating_sub(request.expected_duration()),
                !request.is_read(),
            )),
        }
    }

    /// What a complete answer says.
    pub(super) fn decode_reply(
        &self,
        request: &Request,
        reply: &Reply,
    ) -> Result<Envelope, ExchangeError> {
        match envelope::decode_answer(reply.status, reply.is_text(), &reply.body, request.form()) {
            Ok(Decoded::Answer(envelope)) => Ok(envelope),
            Ok(Decoded::Refusal(refusal)) => Err(ExchangeError::Refused(refusal)),
            Err(garbage) => {
                let reason = format!(
                    "what answered at {} with status {} is not Pebble: {garbage}",
                    self.socket().display(),
                    reply.status
                );
                Err(ExchangeError::Halt(
                    AttemptError::Final(request.misanswered(self.daemon(), reason)).into(),
                ))
            }
        }
    }

    /// The failure of a request that is refused. Pebble itself never says that it is busy; a proxy
    /// may, and then a safe request is made again.
    pub(super) fn refusal(&self, request: &Request, refusal: Refusal) -> AttemptError {
        if matches!(refusal.status, 429 | 503) && matches!(request.resend(), Resend::Safe) {
            return AttemptError::temporary(format!(
                "answered {}: {}",
                refusal.status, refusal.message
            ));
        }
        AttemptError::Final(request.refused(self.daemon(), refusal))
    }

    /// A request beside the one that the call is about. It only reads, or may be repeated, so a
    /// lost answer is just a failed attempt.
    pub(super) async fn read(
        &self,
        lane: &mut Connection,
        attempt: u32,
        request: &Request,
    ) -> Result<Envelope, Halt> {
        self.ask(lane, request, attempt).await.map_err(|snag| self.halt_of(request, snag))
    }

    /// What it means that such a request was not answered as hoped.
    pub(super) fn halt_of(&self, request: &Request, snag: ExchangeError) -> Halt {
        match snag {
            ExchangeError::Halt(halt) => halt,
            ExchangeError::ReplyLost { cause, unanswered } => {
                AttemptError::after(unanswered, cause).into()
            }
            ExchangeError::Refused(refusal) => {
                AttemptError::Final(request.refused(self.daemon(), refusal)).into()
            }
        }
    }

    /// As [`Self::read`], for a list; Go writes an empty one as null.
    pub(super) async fn read_list<T: DeserializeOwned>(
        &self,
        lane: &mut Connection,
        attempt: u32,
        request: &Request,
    ) -> Result<Vec<T>, Halt> {
        let envelope = self.read(lane, attempt, request).await?;
        let list: Option<Vec<T>> = self.decode_as(request, envelope)?;
        Ok(list.unwrap_or_default())
    }

    /// As [`Self::read_list`], on a kept connection or a new one.
    pub(super) async fn read_list_once<T: DeserializeOwned>(
        &self,
        request: &Request,
        attempt: u32,
    ) -> Result<Vec<T>, AttemptError> {
        request.check(self.daemon()).map_err(AttemptError::Final)?;
        loop {
            let mut lane = self.lane(request.operation()).await?;
            let result = self.read_list(&mut lane, attempt, request).await;
            self.transport().keep(lane);
            match result {
                Ok(list) => return Ok(list),
                Err(Halt::Stale) => {}
                Err(Halt::Failed(failure)) => return Err(failure),
            }
        }
    }

    pub(super) fn decode_as<T: DeserializeOwned>(
        &self,
        request: &Request,
        envelope: Envelope,
    ) -> Result<T, AttemptError> {
        envelope.result.decode().map_err(|error| {
            let reason = "the result in Pebble's answer has another shape than expected";
            AttemptError::Final(request.misanswered(self.daemon(), reason).with_cause(&error))
        })
    }

    pub(super) async fn plan_on(&self, lane: &mut Connection, attempt: u32) -> Result<Plan, Halt> {
        let text = self.plan_text_on(lane, attempt).await?;
        self.parse_plan(&text).map_err(Halt::from)
    }

    pub(super) async fn plan_text_on(
        &self,
        lane: &mut Connection,
        attempt: u32,
    ) -> Result<String, Halt> {
        let request = read_plan();
        let envelope = self.read(lane, attempt, &request).await?;
        Ok(self.decode_as(&request, envelope)?)
    }

    pub(super) fn parse_plan(&self, text: &str) -> Result<Plan, AttemptError> {
        Plan::from_yaml(text).map_err(|error| {
            let reason = "what Pebble sent is not a plan";
            let error = read_plan().misanswered(self.daemon(), reason).with_cause(&error);
            AttemptError::Final(error)
        })
    }

    /// `acts` says whether the request would have an effect.
    pub(super) fn judge(
        &self,
        operation: &str,
        broken: TransportError,
        unanswered: Duration,
        acts: bool,
    ) -> ExchangeError {
        let TransportError { class, cause, stale } = broken;
        let failure = match class {
            TransportFailure::NotSent if stale => return ExchangeError::Halt(Halt::Stale),
            TransportFailure::NotSent => AttemptError::after(unanswered, cause),
            TransportFailure::ReplyLost => return ExchangeError::ReplyLost { cause, unanswered },
            TransportFailure::TimedOut => AttemptError::TimedOut { unanswered, acted: acts },
            TransportFailure::Denied => {
                AttemptError::Final(Error::denied(operation, self.daemon(), self.socket(), &cause))
            }
            TransportFailure::BadPath => {
                let reason = format!("{cause}: {}", self.socket().display());
                AttemptError::Final(Error::invalid(operation, self.daemon(), reason))
            }
            TransportFailure::Unwritable => {
                let reason =
                    format!("the request cannot be written ({cause}); ask for less at a time");
                AttemptError::Final(Error::invalid(operation, self.daemon(), reason))
            }
            TransportFailure::NotHttp => {
                let reason =
                    format!("what answered at {} is not Pebble: {cause}", self.socket().display());
                AttemptError::Final(
                    Error::protocol(operation, self.daemon(), reason).with_acted(acts),
                )
            }
        };
        ExchangeError::Halt(failure.into())
    }
}
