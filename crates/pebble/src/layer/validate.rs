//! Checks a layer before it is sent. It refuses what Pebble certainly refuses, and a command that
//! would end the daemon.

use super::command::{CommandFault, check_exec_command, check_service_command};
use super::{Check, ExecCheck, Layer, LogTarget, Override, Service};
use crate::names::{check_environment, check_name, check_text};

/// A layer, or the label for one, cannot be sent. The message names the entry, and says what is
/// wrong and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot use {entry}: {why}")]
pub struct InvalidLayer {
    fault: LayerFault,
    entry: String,
    why: String,
}

/// Says which part of a layer is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LayerFault {
    /// The label of the layer.
    Label,
    /// The name of an entry.
    Name,
    /// The `override` of an entry, which is absent or unknown.
    Override,
    /// The command of a service or of an exec check.
    Command,
    /// The kind of a check: it does not have exactly one of `http`, `tcp` and `exec`.
    CheckKind,
    /// Any other value.
    Value,
}

impl InvalidLayer {
    fn new(fault: LayerFault, entry: impl Into<String>, why: impl Into<String>) -> Self {
        Self { fault, entry: entry.into(), why: why.into() }
    }

    /// Returns which part is wrong.
    #[must_use]
    pub fn fault(&self) -> LayerFault {
        self.fault
    }

    /// Returns the reason without the name of the entry, for a caller that names the entry in other
    /// words, such as a config option.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }
}

impl Service {
    /// Checks a command as [`Layer::validate`] does: it must have a word, close its quotes, and
    /// have its `[ ... ]` group of default arguments, if any, at the end. This is for a program
    /// that gets the command from its user.
    ///
    /// ```
    /// use charmwright_pebble::Service;
    ///
    /// let refused = Service::validate_command("sh -c 'echo").unwrap_err();
    /// assert_eq!(refused.why(), "a quote is not closed");
    /// ```
    ///
    /// # Errors
    /// Fails with what is wrong. The message does not repeat the command, which may hold a secret.
    pub fn validate_command(command: &str) -> Result<(), InvalidLayer> {
        check_service_command(command).map_err(CommandFault::into_invalid)
    }
}

impl ExecCheck {
    /// Checks a command as [`Layer::validate`] does: it must have a word and close its quotes.
    /// Brackets have no meaning in it.
    ///
    /// # Errors
    /// Fails with what is wrong. The message does not repeat the command, which may hold a secret.
    pub fn validate_command(command: &str) -> Result<(), InvalidLayer> {
        check_exec_command(command).map_err(CommandFault::into_invalid)
    }
}

impl CommandFault {
    fn into_invalid(self) -> InvalidLayer {
        InvalidLayer::new(LayerFault::Command, "the command", self.why())
    }
}

impl Layer {
    /// Checks what can be checked without Pebble.
    ///
    /// Above all it refuses a command without a word: Pebble (1.32 at least) accepts such a
    /// command, and panics when it is to run it. What depends on other layers is left to Pebble,
    /// which answers 400 and keeps its plan: whether a merged service has a command, and whether a
    /// required service exists.
    ///
    /// # Errors
    /// Fails with the first thing that is wrong. Services are checked first, then checks, then log
    /// targets, each in the order of their names.
    pub fn validate(&self) -> Result<(), InvalidLayer> {
        self.get_services().iter().try_for_each(|(name, service)| check_service(name, service))?;
        self.get_checks().iter().try_for_each(|(name, check)| check_check(name, check))?;
        self.get_log_targets().iter().try_for_each(|(name, target)| check_log_target(name, target))
    }

    /// Checks the label under which a layer is to be added.
    ///
    /// # Errors
    /// Fails if the label is empty, has a NUL in it, or starts with `pebble-`, which is reserved
    /// for Pebble.
    pub fn validate_label(label: &str) -> Result<(), InvalidLayer> {
        let refuse = |why: &str| {
            Err(InvalidLayer::new(LayerFault::Label, format!("the layer label {label:?}"), why))
        };
        if label.is_empty() {
            refuse("a label has at least one character")
        } else if label.contains('\0') {
            refuse("a label has no NUL in it")
        } else if label.starts_with("pebble-") {
            refuse("labels that start with \"pebble-\" are Pebble's own; choose another")
        } else {
            Ok(())
        }
    }
}

fn check_service(name: &str, service: &Service) -> Result<(), InvalidLayer> {
    let entry = || format!("service {name:?}");
    let bad_name = |why: &str| Err(InvalidLayer::new(LayerFault::Name, entry(), why));
    check_name("service", name).map_err(|why| InvalidLayer::new(LayerFault::Name, entry(), why))?;
    match name {
        "pebble" => return bad_name("the name \"pebble\" is Pebble's own; choose another"),
        _ if name.starts_with('-') => return bad_name("a name does not start with \"-\""),
        _ => {}
    }
    check_override(service.get_override(), entry)?;
    let bad_value = |why| InvalidLayer::new(LayerFault::Value, entry(), why);
    if let Some(command) = service.get_command() {
        check_command(command, service.get_override(), check_service_command(command), entry)?;
    }
    check_environment(service.get_environment()).map_err(bad_value)?;
    check_texts(&[
        ("user", service.get_user()),
        ("group", service.get_group()),
        ("working-dir", service.get_working_dir()),
    ])
    .map_err(bad_value)?;
    if service.get_backoff_factor().is_some_and(|factor| !factor.is_finite() || factor < 1.0) {
        return Err(InvalidLayer::new(
            LayerFault::Value,
            entry(),
            "backoff-factor has to be a finite number of at least 1",
        ));
    }
    Ok(())
}

fn check_check(name: &str, check: &Check) -> Result<(), InvalidLayer> {
    let entry = || format!("check {name:?}");
    check_name("check", name).map_err(|why| InvalidLayer::new(LayerFault::Name, entry(), why))?;
    check_override(check.get_override(), entry)?;
    check_check_texts(check).map_err(|why| InvalidLayer::new(LayerFault::Value, entry(), why))?;
    if check.get_period().is_some_and(|period| period.as_nanos() == 0) {
        return Err(InvalidLayer::new(LayerFault::Value, entry(), "period must not be zero"));
    }
    if check.get_timeout().is_some_and(|timeout| timeout.as_nanos() == 0) {
        return Err(InvalidLayer::new(LayerFault::Value, entry(), "timeout must not be zero"));
    }
    let kinds = [check.get_http().is_some(), check.get_tcp().is_some(), check.get_exec().is_some()];
    let kinds = kinds.into_iter().filter(|&is_set| is_set).count();
    // A merge may complete or change what lower layers set, but two kinds at once are never valid.
    if kinds > 1 || (kinds == 0 && check.get_override() == Some(&Override::Replace)) {
        return Err(InvalidLayer::new(
            LayerFault::CheckKind,
            entry(),
            "it has to have exactly one of http, tcp and exec",
        ));
    }
    if let Some(command) = check.get_exec().and_then(|exec| exec.get_command()) {
        check_command(command, check.get_override(), check_exec_command(command), entry)?;
    }
    Ok(())
}

/// Checks the texts of a check that are given to the operating system or to another program, where
/// a NUL would end them.
fn check_check_texts(check: &Check) -> Result<(), String> {
    if let Some(http) = check.get_http() {
        check_texts(&[("url", http.get_url())])?;
        for (name, value) in http.get_headers() {
            check_text("the name of a header", name)?;
            check_text(&format!("the header {name:?}"), value)?;
        }
    }
    if let Some(tcp) = check.get_tcp() {
        check_texts(&[("host", tcp.get_host())])?;
    }
    if let Some(exec) = check.get_exec() {
        check_environment(exec.get_environment())?;
        check_texts(&[
            ("user", exec.get_user()),
            ("group", exec.get_group()),
            ("working-dir", exec.get_working_dir()),
            ("service-context", exec.get_service_context()),
        ])?;
    }
    Ok(())
}

/// Checks that none of these texts has a NUL in it.
fn check_texts(texts: &[(&str, Option<&str>)]) -> Result<(), String> {
    texts.iter().try_for_each(|(what, text)| match text {
        Some(text) => check_text(what, text),
        None => Ok(()),
    })
}

fn check_log_target(name: &str, target: &LogTarget) -> Result<(), InvalidLayer> {
    let entry = || format!("log target {name:?}");
    let bad_name = |why| InvalidLayer::new(LayerFault::Name, entry(), why);
    check_name("log target", name).map_err(bad_name)?;
    check_override(target.get_override(), entry)?;
    check_texts(&[("location", target.get_location())])
        .map_err(|why| InvalidLayer::new(LayerFault::Value, entry(), why))?;
    if let Some(label) = target.get_labels().keys().find(|label| label.starts_with("pebble_")) {
        let why = format!("labels that start with \"pebble_\" are Pebble's own; rename {label:?}");
        return Err(InvalidLayer::new(LayerFault::Value, entry(), why));
    }
    Ok(())
}

fn check_override(mode: Option<&Override>, entry: impl Fn() -> String) -> Result<(), InvalidLayer> {
    match mode {
        Some(Override::Replace | Override::Merge) => Ok(()),
        Some(Override::Other(word)) => Err(InvalidLayer::new(
            LayerFault::Override,
            entry(),
            format!("override {word:?} is neither \"replace\" nor \"merge\""),
        )),
        None => Err(InvalidLayer::new(
            LayerFault::Override,
            entry(),
            "it has to say \"override: replace\" or \"override: merge\"",
        )),
    }
}

/// Checks the result for a command. In a merge an empty command means "not set", so only there it
/// does no harm.
fn check_command(
    command: &str,
    mode: Option<&Override>,
    checked: Result<(), CommandFault>,
    entry: impl Fn() -> String,
) -> Result<(), InvalidLayer> {
    match checked {
        Err(CommandFault::Empty) if command.is_empty() && mode == Some(&Override::Merge) => Ok(()),
        Err(fault) => Err(InvalidLayer::new(
            LayerFault::Command,
            entry(),
            format!("its command cannot be run: {}", fault.why()),
        )),
        Ok(()) => Ok(()),
    }
}
