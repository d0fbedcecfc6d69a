//! The error type of handlers and of the framework.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt;

use crate::juju::{self, ContainerName};
use crate::pebble;
use crate::phase::Phase;
use crate::text;

/// An error says what a handler, or the framework, attempted and why it failed.
///
/// `Display` prints this level only and starts with "cannot"; [`source`](StdError::source) gives
/// the causes. The texts may change in any version, so ask [`kind`](Error::kind),
/// [`pebble`](Error::pebble) and [`juju`](Error::juju).
///
/// The operator `?` converts an error of [`pebble`](crate::pebble) or [`juju`](crate::juju) to this
/// type. Any other error goes through [`Error::new`], and a config option that only the user can
/// correct through [`Error::config`]. In a function of a charm `?` converts it on to a
/// [`Stop`](crate::Stop).
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    cause: Cause,
    explanation: Option<Explanation>,
}

/// An explanation describes Pebble's answer in the framework's words, because Pebble's own text may
/// repeat a value that the user gave, such as a password.
pub(crate) struct Explanation {
    option: Option<&'static str>,
    text: String,
    /// Whether the text of Pebble's answer is kept out of the log too, since it may repeat such a
    /// value.
    is_cause_hidden: bool,
}

impl Explanation {
    /// Makes the explanation that Pebble cannot use the value of this option.
    pub(crate) fn user_mistake(option: &'static str, words: &str) -> Self {
        Self {
            option: Some(option),
            text: text::one_line(&format_args!("invalid \"{option}\": {words}")),
            is_cause_hidden: true,
        }
    }

    /// Makes the explanation of services that failed for reasons which the user alone cannot
    /// correct.
    pub(crate) fn failed_services(text: String, is_cause_hidden: bool) -> Self {
        Self { option: None, text, is_cause_hidden }
    }
}

/// A tag says which container an error of Pebble's client comes from, and whether the container was
/// in setup or in operation. The framework attaches one to each error of a container's client.
///
/// [`Error::container`] and [`Error::in_setup`] read the tag. A test of
/// [`Charm::on_error`](crate::Charm::on_error) makes an error with a tag:
///
/// ```
/// use std::sync::Arc;
///
/// use charmwright::pebble::{ErrorKind, testing::ErrorBuilder};
/// use charmwright::{ContainerTag, Error, Event, Phase, Verdict};
///
/// let tag = |phase| Arc::new(ContainerTag::new("web".parse().unwrap(), phase));
/// let away = |phase| {
///     Error::from(ErrorBuilder::new(ErrorKind::Unreachable, "replan").tag(tag(phase)).build())
/// };
/// let verdict = |phase| Verdict::by_table(&Event::ConfigChanged, &away(phase));
/// assert_eq!(verdict(Phase::Operation), Verdict::Fail);
/// assert!(matches!(verdict(Phase::Setup), Verdict::Store(_)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerTag {
    container: ContainerName,
    phase: Phase,
}

impl ContainerTag {
    /// Makes the tag of a container in this phase.
    #[must_use]
    pub fn new(container: ContainerName, phase: Phase) -> Self {
        Self { container, phase }
    }
}

enum Cause {
    Text(String),
    Pebble(pebble::Error),
    Juju(juju::Error),
    /// An error of another crate, which is printed as it is.
    Other(Box<dyn StdError + Send + Sync>),
    /// A sentence that says what was attempted, and the error that is its source.
    Context(String, Box<dyn StdError + Send + Sync>),
}

/// The kind of an [`Error`] says what failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The config cannot be used, and only the user can correct it.
    Config {
        /// The option at fault, or `None` if several of them are wrong together.
        option: Option<String>,
    },
    /// A call to Pebble failed: see [`Error::pebble`].
    Pebble,
    /// A hook tool failed, or the hook's environment is not what Juju promises: see
    /// [`Error::juju`].
    Juju,
    /// The unit's stored state cannot be read, is from a newer version, or is too large to be
    /// written.
    State,
    /// An event cannot be stored: its kind does not allow it, or the queue is full.
    Deferral,
    /// The charm does not declare this container or action, or a relation is one of another
    /// endpoint.
    Undeclared,
    /// A databag holds a value that cannot be read as the type that was asked for, or a value
    /// cannot be written to a databag.
    Databag,
    /// This unit has lost the leadership since the hook asked for it, so the data of the
    /// application cannot be written.
    LostLeadership,
    /// An action does not do what it was asked for: see [`Error::refused`].
    Refused,
    /// A handler panicked.
    Panic,
    /// The charm returned an error of its own.
    Charm,
}

impl Error {
    /// Makes an error of the charm's own from any error or a text.
    ///
    /// A text should say what was attempted and why it failed, and start with "cannot". A given
    /// error is printed as it is, and [`downcast_ref`](Error::downcast_ref) returns it, for
    /// instance in [`Charm::on_error`](crate::Charm::on_error). If its chain of sources contains an
    /// error of [`pebble`](crate::pebble) or of this type, that is still found, so wrapping an
    /// error does not change what it means for the unit.
    pub fn new(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        // An error that the framework knows keeps its kind, so that the table judges it in the same
        // way however the charm passes it on.
        let error = match error.into().downcast::<Self>() {
            Ok(error) => return *error,
            Err(error) => error,
        };
        let error = match error.downcast::<pebble::Error>() {
            Ok(error) => return (*error).into(),
            Err(error) => error,
        };
        match error.downcast::<juju::Error>() {
            Ok(error) => (*error).into(),
            Err(error) => Self::build(ErrorKind::Charm, Cause::Other(error)),
        }
    }

    /// Wraps the error in a sentence that says what was attempted. The text `attempt` completes a
    /// sentence that starts with "cannot", such as `read the license`.
    ///
    /// The [`kind`](Error::kind) stays the same, and so does what the error means for the unit.
    #[must_use]
    pub fn context(self, attempt: impl fmt::Display) -> Self {
        let text = format!("cannot {attempt}");
        Self::build(self.inner.kind.clone(), Cause::Context(text, Box::new(self)))
    }

    /// Makes the error that the value of a config option cannot be used. The unit is Blocked with
    /// this message until the user changes the option.
    ///
    /// The message should say what is wrong and what is allowed: `Error::config("port", "must be 1
    /// to 65535")`.
    pub fn config(option: impl Into<String>, message: impl fmt::Display) -> Self {
        Self::build(
            ErrorKind::Config { option: Some(option.into()) },
            Cause::Text(text::one_line(&message)),
        )
    }

    /// Makes the error that an action refuses what it was asked for. The user of the action reads
    /// this message alone.
    pub fn refused(message: impl fmt::Display) -> Self {
        Self::build(ErrorKind::Refused, Cause::Text(text::long_line(&message)))
    }

    /// Makes the error that the config as a whole cannot be used. Prefer [`Error::config`], which
    /// names the option.
    pub(crate) fn whole_config(message: impl fmt::Display) -> Self {
        Self::build(ErrorKind::Config { option: None }, Cause::Text(text::one_line(&message)))
    }

    pub(crate) fn state(message: impl Into<String>) -> Self {
        Self::build(ErrorKind::State, Cause::Text(message.into()))
    }

    pub(crate) fn state_because(
        message: impl Into<String>,
        cause: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self::build(ErrorKind::State, Cause::Context(message.into(), cause.into()))
    }

    pub(crate) fn deferral(message: impl Into<String>) -> Self {
        Self::build(ErrorKind::Deferral, Cause::Text(message.into()))
    }

    /// Makes the error of a databag. The message must not quote a value of it.
    pub(crate) fn databag(message: impl Into<String>) -> Self {
        Self::build(ErrorKind::Databag, Cause::Text(message.into()))
    }

    pub(crate) fn lost_leadership(message: impl Into<String>) -> Self {
        Self::build(ErrorKind::LostLeadership, Cause::Text(message.into()))
    }

    pub(crate) fn undeclared(message: impl Into<String>) -> Self {
        Self::build(ErrorKind::Undeclared, Cause::Text(message.into()))
    }

    /// Makes the error of a panic from its payload. The text `place` names the code that panicked.
    pub(crate) fn panic(place: &dyn fmt::Display, payload: &(dyn Any + Send)) -> Self {
        let message = if let Some(text) = payload.downcast_ref::<&str>() {
            (*text).to_owned()
        } else if let Some(text) = payload.downcast_ref::<String>() {
            text.clone()
        } else {
            "no message".to_owned()
        };
        let text = format!(
            "cannot finish \"{place}\": the charm panicked ({message}); this is a bug of the charm"
        );
        Self::build(ErrorKind::Panic, Cause::Text(text))
    }

    /// Attaches an explanation, which replaces the text of Pebble's answer.
    pub(crate) fn with_explanation(mut self, explanation: Option<Explanation>) -> Self {
        self.inner.explanation = explanation;
        self
    }

    /// Returns the explanation of services that failed, for a status that must not repeat Pebble's
    /// text.
    pub(crate) fn failure_explanation(&self) -> Option<&str> {
        let explanation = self
            .errors_in_chain()
            .find_map(|error| error.downcast_ref::<Self>()?.inner.explanation.as_ref())?;
        Some(&explanation.text)
    }

    fn build(kind: ErrorKind, cause: Cause) -> Self {
        Self { inner: Box::new(Inner { kind, cause, explanation: None }) }
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.inner.kind
    }

    /// Returns the first error of the Pebble client in the chain of sources.
    #[must_use]
    pub fn pebble(&self) -> Option<&pebble::Error> {
        self.downcast_ref()
    }

    /// Returns the first error of a hook tool or of the hook's environment in the chain of sources.
    #[must_use]
    pub fn juju(&self) -> Option<&juju::Error> {
        self.downcast_ref()
    }

    /// Returns the first error of the type `E` in the chain: this error, the error that it was made
    /// from, or a source of that.
    ///
    /// ```
    /// use charmwright::{Context as _, Error};
    ///
    /// fn license() -> charmwright::Result<String> {
    ///     std::fs::read_to_string("/no/such/license").context("read the license")
    /// }
    ///
    /// let stop = license().unwrap_err();
    /// let error: &Error = stop.error().unwrap();
    /// assert_eq!(error.to_string(), "cannot read the license");
    /// let cause = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    /// assert_eq!(cause, Some(std::io::ErrorKind::NotFound));
    /// ```
    #[must_use]
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        self.errors_in_chain().find_map(|error| error.downcast_ref())
    }

    /// Returns the container whose client returned the error.
    #[must_use]
    pub fn container(&self) -> Option<&ContainerName> {
        self.tag().map(|tag| &tag.container)
    }

    /// Returns `true` if the container was in setup: its Pebble is expected to start and has not
    /// announced itself yet.
    #[must_use]
    pub fn in_setup(&self) -> bool {
        self.tag().is_some_and(|tag| tag.phase == Phase::Setup)
    }

    fn tag(&self) -> Option<&ContainerTag> {
        self.errors_in_chain().find_map(|error| error.downcast_ref::<pebble::Error>()?.tag())
    }

    /// Iterates over this error and all that it wraps. `source` leaves out an error that is printed
    /// in place of this one; the iterator includes it.
    fn errors_in_chain(&self) -> impl Iterator<Item = &(dyn StdError + 'static)> {
        let first: &(dyn StdError + 'static) = self;
        std::iter::successors(Some(first), |error| {
            let error = *error;
            match error.downcast_ref::<Self>() {
                None => error.source(),
                Some(error) => match &error.inner.cause {
                    Cause::Text(_) => None,
                    Cause::Pebble(error) => Some(error),
                    Cause::Juju(error) => Some(error),
                    Cause::Other(error) | Cause::Context(_, error) => Some(&**error),
                },
            }
        })
    }

    /// Returns the error and its sources as one line.
    #[must_use]
    pub(crate) fn chain(&self) -> String {
        match &self.inner.explanation {
            Some(explanation)
                if explanation.is_cause_hidden && !matches!(self.inner.cause, Cause::Pebble(_)) =>
            {
                text::long_line(&format_args!("{self}: {}", explanation.text))
            }
            _ => text::chain(self),
        }
    }

    /// Returns the config option that the user has to change: that of [`Error::config`], or the one
    /// that the charm names for a refused field of its layer
    /// ([`Charm::option_of`](crate::Charm::option_of)).
    #[must_use]
    pub fn option(&self) -> Option<&str> {
        self.errors_in_chain().find_map(|error| {
            let inner = &error.downcast_ref::<Self>()?.inner;
            match &inner.kind {
                ErrorKind::Config { option: Some(option) } => Some(option.as_str()),
                _ => inner.explanation.as_ref()?.option,
            }
        })
    }

    /// Returns the message of the unit's Blocked status if the error concerns a config that only
    /// the user can correct.
    pub(crate) fn blocked_message(&self) -> Option<String> {
        self.errors_in_chain().find_map(|error| {
            let inner = &error.downcast_ref::<Self>()?.inner;
            if let Some(explanation) =
                inner.explanation.as_ref().filter(|explanation| explanation.option.is_some())
            {
                return Some(explanation.text.clone());
            }
            match (&inner.kind, &inner.cause) {
                (ErrorKind::Config { option: Some(option) }, Cause::Text(message)) => {
                    Some(text::one_line(&format_args!("invalid config \"{option}\": {message}")))
                }
                (ErrorKind::Config { option: None }, Cause::Text(message)) => {
                    Some(text::one_line(&format_args!("invalid config: {message}")))
                }
                _ => None,
            }
        })
    }
}

impl From<pebble::Error> for Error {
    fn from(error: pebble::Error) -> Self {
        Self::build(ErrorKind::Pebble, Cause::Pebble(error))
    }
}

/// Converts the error of a [`RetryPolicy::run`](pebble::RetryPolicy::run) that had no success.
impl<E: StdError + Send + Sync + 'static> From<pebble::RetryError<E>> for Error {
    fn from(error: pebble::RetryError<E>) -> Self {
        Self::new(error)
    }
}

impl From<juju::Error> for Error {
    fn from(error: juju::Error) -> Self {
        Self::build(ErrorKind::Juju, Cause::Juju(error))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.inner.kind, &self.inner.cause) {
            (ErrorKind::Config { option: Some(option) }, Cause::Text(message)) => {
                write!(f, "cannot use the config option \"{option}\": {message}")
            }
            (ErrorKind::Config { option: None }, Cause::Text(message)) => {
                write!(f, "cannot use the config: {message}")
            }
            (_, Cause::Text(text) | Cause::Context(text, _)) => f.write_str(text),
            (_, Cause::Pebble(error)) => match &self.inner.explanation {
                Some(explanation) if explanation.is_cause_hidden => {
                    write!(f, "cannot {}: {}", error.attempt(), explanation.text)
                }
                _ => error.fmt(f),
            },
            (_, Cause::Juju(error)) => error.fmt(f),
            (_, Cause::Other(error)) => error.fmt(f),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("container", &self.container().map(ToString::to_string))
            .field("chain", &self.chain())
            .finish()
    }
}

/// Returns the source. An error that is printed in place of this one gives its own source, so that
/// no line of the chain is printed twice.
impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.inner.cause {
            Cause::Text(_) => None,
            Cause::Pebble(error) => error.source(),
            Cause::Juju(error) => error.source(),
            Cause::Other(error) => error.source(),
            Cause::Context(_, error) => Some(&**error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::pebble::testing::ErrorBuilder;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot bake the cake")]
    struct Wrapping(#[source] Error);

    fn no_answer() -> pebble::Error {
        ErrorBuilder::new(pebble::ErrorKind::Unreachable, "replan")
            .target("container \"web\"")
            .reason("no answer")
            .tag(Arc::new(ContainerTag::new("web".parse().unwrap(), Phase::Setup)))
            .build()
    }

    fn unreachable() -> Error {
        no_answer().into()
    }

    #[test]
    fn it_is_one_word_wide_and_crosses_threads() {
        fn crosses<T: Send + Sync + 'static>() {}
        crosses::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn a_wrapped_error_is_still_found() {
        let retried = pebble::RetryError::Final {
            operation: "replan twice".to_owned(),
            attempts: 1,
            error: no_answer(),
        };
        for error in [
            unreachable(),
            retried.into(),
            Error::new(no_answer()),
            Error::new(unreachable()),
            Error::new(Wrapping(unreachable())),
            Error::new(Wrapping(Error::new(Wrapping(unreachable())))),
        ] {
            assert_eq!(error.pebble().unwrap().kind(), &pebble::ErrorKind::Unreachable, "{error}");
            assert_eq!(error.container().unwrap().as_str(), "web");
            assert!(error.in_setup());
            assert!(error.juju().is_none());
        }
        let config = Error::new(Wrapping(Error::config("port", "must be even")));
        assert_eq!(config.blocked_message().unwrap(), "invalid config \"port\": must be even");
    }

    #[test]
    fn an_error_of_the_charms_own_is_found_again() {
        #[derive(Debug, PartialEq, thiserror::Error)]
        #[error("cannot count sheep number {0}")]
        struct Sheep(u32);

        let retried = pebble::RetryError::Final {
            operation: "count".to_owned(),
            attempts: 2,
            error: Sheep(7),
        };
        for (error, chain) in [
            (Error::new(Sheep(7)), "cannot count sheep number 7"),
            (Error::new(Sheep(7)).context("sleep"), "cannot sleep: cannot count sheep number 7"),
            (
                Error::new(Sheep(7)).context("sleep").context("rest"),
                "cannot rest: cannot sleep: cannot count sheep number 7",
            ),
            (
                retried.into(),
                "cannot count: attempt 2 failed, and another would not help: cannot count sheep \
                 number 7",
            ),
        ] {
            assert_eq!(error.downcast_ref(), Some(&Sheep(7)), "{error:?}");
            assert_eq!((error.chain().as_str(), error.kind()), (chain, &ErrorKind::Charm));
            assert!(error.downcast_ref::<std::io::Error>().is_none());
        }
    }

    #[test]
    fn context_changes_no_meaning() {
        let config = Error::config("port", "must be even").context("open the port");
        assert_eq!(config.to_string(), "cannot open the port");
        assert_eq!(config.option(), Some("port"));
        assert_eq!(config.blocked_message().unwrap(), "invalid config \"port\": must be even");
        let away = unreachable().context("bring up the web");
        assert_eq!(away.kind(), &ErrorKind::Pebble);
        assert!(away.in_setup() && away.pebble().is_some_and(pebble::Error::is_unavailable));
        let error = ErrorBuilder::new(pebble::ErrorKind::Unreachable, "replan").build();
        assert_eq!(Error::new(error).kind(), &ErrorKind::Pebble);
        let tool = || juju::Error::missing_variable("JUJU_UNIT_NAME");
        let error = Error::from(tool()).context("name the unit");
        assert_eq!((error.kind(), Error::new(tool()).kind()), (&ErrorKind::Juju, &ErrorKind::Juju));
        assert!(error.juju().is_some());
    }

    #[test]
    fn no_line_of_a_chain_is_printed_twice() {
        let cause = std::io::Error::other("the moon is full");
        assert_eq!(
            Error::state_because("cannot write the state", cause).chain(),
            "cannot write the state: the moon is full"
        );
        assert_eq!(
            Error::new(Wrapping(unreachable())).chain(),
            "cannot bake the cake: cannot replan container \"web\": no answer"
        );
        assert_eq!(Error::new("cannot do it").chain(), "cannot do it");
        assert_eq!(unreachable().chain(), "cannot replan container \"web\": no answer");
    }

    #[test]
    fn a_panic_tells_what_it_said() {
        for (payload, said) in [
            (Box::new("text") as Box<dyn Any + Send>, "(text)"),
            (Box::new("owned".to_owned()), "(owned)"),
            (Box::new(7), "(no message)"),
        ] {
            let error = Error::panic(&"install", &*payload);
            assert!(error.to_string().contains(said), "{error}");
            assert_eq!(error.kind(), &ErrorKind::Panic);
        }
    }
}
