//! The log of a hook, which sends each line to Juju.

use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

use crate::juju::{HookTools, LogLevel};
use crate::pebble::WAITS;

/// The subscriber of one hook takes everything that is logged through `tracing`.
///
/// The unit agent logs a hook's standard output at DEBUG and its standard error at WARNING without
/// a further process, so TRACE and DEBUG lines go to the former and WARN lines to the latter. An
/// INFO or ERROR line needs the hook tool `juju-log`, so these lines are collected in batches of
/// one level and at most 100 KiB, and sent before a long wait, before a failure and at exit. In an
/// action standard output and error are part of the result, so all lines go to `juju-log`. A retry
/// says by an event of the target [`WAITS`] that it is about to wait. A line below the level is
/// dropped before it is formatted.
///
/// A `juju-log` that fails does not fail the hook: the lines go to standard error, and in an action
/// they are lost.
#[derive(Clone)]
pub(crate) struct HookLog {
    inner: Arc<Inner>,
}

struct Inner {
    juju: Arc<HookTools>,
    level: LevelFilter,
    streams: Option<Streams>,
    batches: Mutex<[Batch; 5]>,
    kept: Option<Mutex<Vec<(LogLevel, String)>>>,
    spans: AtomicU64,
}

/// The lines that the log keeps in addition to sending them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    Nothing,
    /// Every line is kept for the report of the run.
    Lines,
}

/// The standard output and the standard error of the hook.
pub(crate) struct Streams {
    out: Mutex<Box<dyn Write + Send>>,
    err: Mutex<Box<dyn Write + Send>>,
}

impl Streams {
    pub(crate) fn new(out: impl Write + Send + 'static, err: impl Write + Send + 'static) -> Self {
        Self { out: Mutex::new(Box::new(out)), err: Mutex::new(Box::new(err)) }
    }

    pub(crate) fn from_process() -> Self {
        Self::new(io::stdout(), io::stderr())
    }

    /// Prints a line to standard error.
    pub(crate) fn print_error(&self, line: &str) {
        print_line(&self.err, line);
    }
}

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams").finish_non_exhaustive()
    }
}

/// Prints a line. An error is ignored: a closed stream is no reason to fail a hook, and there is no
/// other place to report it.
fn print_line(stream: &Mutex<Box<dyn Write + Send>>, line: &str) {
    let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = stream
        .write_all(line.as_bytes())
        .and_then(|()| stream.write_all(b"\n"))
        .and_then(|()| stream.flush());
}

/// A batch has lines of one level that `juju-log` has not been given yet.
#[derive(Default)]
struct Batch {
    text: String,
}

impl HookLog {
    /// The size limit of one call of `juju-log` in bytes. An argument may have 128 KiB on Linux.
    const LARGEST_BATCH: usize = 100 * 1024;

    /// Makes the log of a hook. `streams` is `None` in an action.
    pub(crate) fn new(
        juju: Arc<HookTools>,
        level: LogLevel,
        streams: Option<Streams>,
        keep: Keep,
    ) -> Self {
        let level = match level {
            LogLevel::Trace => LevelFilter::TRACE,
            LogLevel::Debug => LevelFilter::DEBUG,
            LogLevel::Info => LevelFilter::INFO,
            LogLevel::Warning => LevelFilter::WARN,
            // `tracing` has no level above ERROR.
            LogLevel::Error | LogLevel::Critical => LevelFilter::ERROR,
        };
        Self {
            inner: Arc::new(Inner {
                juju,
                level,
                streams,
                batches: Mutex::default(),
                kept: (keep == Keep::Lines).then(Mutex::default),
                spans: AtomicU64::new(1),
            }),
        }
    }

    /// Returns `true` if the line is logged. A span is not: the framework uses events only.
    fn is_logged(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= self.inner.level
    }

    /// Sends the batches. The errors are sent last, so that they are the last lines of the log.
    pub(crate) fn flush(&self) {
        // The batches are taken out of the lock first, because the call of `juju-log` may itself
        // log.
        let batches =
            std::mem::take(&mut *self.inner.batches.lock().unwrap_or_else(PoisonError::into_inner));
        for (place, batch) in batches.into_iter().enumerate() {
            self.send(LEVELS.get(place).copied().unwrap_or(LogLevel::Error), &batch.text);
        }
    }

    fn send(&self, level: LogLevel, text: &str) {
        if text.is_empty() {
            return;
        }
        // The log must not fail the hook.
        if let Err(error) = self.inner.juju.log(level, text) {
            self.print_fallback(text);
            self.print_fallback(&error.to_string());
        }
    }

    fn add_to_batch(&self, level: LogLevel, line: &str) {
        let place = LEVELS.iter().position(|known| *known == level).unwrap_or(LEVELS.len() - 1);
        let full = {
            let mut batches = self.inner.batches.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(batch) = batches.get_mut(place) else { return };
            // A line that alone exceeds the limit is still sent, in a batch of its own.
            let fits =
                batch.text.is_empty() || batch.text.len() + 1 + line.len() <= Self::LARGEST_BATCH;
            let full = if fits { String::new() } else { std::mem::take(&mut batch.text) };
            if !batch.text.is_empty() {
                batch.text.push('\n');
            }
            batch.text.push_str(line);
            full
        };
        self.send(level, &full);
    }

    fn print_fallback(&self, line: &str) {
        if let Some(streams) = &self.inner.streams {
            streams.print_error(line);
        }
    }

    fn write_line(&self, level: Level, line: &str) {
        let word = match level {
            Level::ERROR => LogLevel::Error,
            Level::WARN => LogLevel::Warning,
            Level::INFO => LogLevel::Info,
            Level::DEBUG => LogLevel::Debug,
            Level::TRACE => LogLevel::Trace,
        };
        if let Some(kept) = &self.inner.kept {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push((word, line.to_owned()));
        }
        match (word, &self.inner.streams) {
            (LogLevel::Warning, Some(streams)) => streams.print_error(line),
            (LogLevel::Debug | LogLevel::Trace, Some(streams)) => print_line(&streams.out, line),
            _ => self.add_to_batch(word, line),
        }
    }

    /// Returns the lines that were kept so far and removes them.
    pub(crate) fn take_kept(&self) -> Vec<(LogLevel, String)> {
        let kept = self.inner.kept.as_ref();
        kept.map_or_else(Vec::new, |kept| {
            std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner))
        })
    }
}

const LEVELS: [LogLevel; 5] =
    [LogLevel::Trace, LogLevel::Debug, LogLevel::Info, LogLevel::Warning, LogLevel::Error];

impl Subscriber for HookLog {
    // `tracing` caches the answer for each place that logs, so a line below the level costs almost
    // nothing.
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.is_logged(metadata) || is_before_wait(metadata)
    }

    /// Returns DEBUG at least, because an event that precedes a wait must arrive here whatever the
    /// level of the log is.
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.inner.level.max(LevelFilter::DEBUG))
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        // Spans are not logged, but `tracing` needs an id for each, which must not be zero.
        Id::from_u64(self.inner.spans.fetch_add(1, Ordering::Relaxed).max(1))
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        if self.is_logged(metadata) {
            let mut line = Line::default();
            event.record(&mut line);
            self.write_line(*metadata.level(), &line.finish());
        }
        // The batches are sent before the wait, so that an operator who looks at the log during the
        // retries sees what led to them.
        if is_before_wait(metadata) {
            self.flush();
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Returns `true` for an event that precedes a wait of the client before its next attempt.
fn is_before_wait(metadata: &Metadata<'_>) -> bool {
    metadata.is_event() && metadata.target() == WAITS
}

/// A line has the message and the other fields as `name=value`.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Line {
    fn finish(mut self) -> String {
        if self.message.is_empty() {
            return self.fields.trim_start().to_owned();
        }
        self.message.push_str(&self.fields);
        self.message
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a `String` fails only if the value's own formatting fails. The rest of the
        // line is still of use, so the error is ignored.
        let _ = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.fields, " {}={value:?}", field.name())
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message.push_str(value);
        } else {
            self.record_debug(field, &value);
        }
    }
}

#[cfg(test)]
mod tests {
    use charmwright_agent::InProcessTools;

    use super::super::tests::fakes;
    use super::*;
    use crate::juju::{ToolCall, ToolError, ToolRunner};

    /// A tool that logs while it runs: that must neither block nor be lost.
    struct LogsWithin(InProcessTools);

    impl ToolRunner for LogsWithin {
        fn run(&self, call: &ToolCall<'_>) -> Result<Vec<u8>, ToolError> {
            let answer = self.0.run(call);
            tracing::info!("from within");
            answer
        }
    }

    fn logged(level: LogLevel, run: impl FnOnce(&HookLog)) -> Vec<(String, String)> {
        let tools = fakes::idle_tools();
        fakes::begin(&tools, "hooks/update-status");
        let juju = HookTools::new(Box::new(LogsWithin(tools.clone())));
        let log = HookLog::new(Arc::new(juju), level, None, Keep::Nothing);
        tracing::subscriber::with_default(log.clone(), || run(&log));
        let calls = tools.calls();
        assert!(calls.iter().all(|call| call.tool() == "juju-log"), "{calls:?}");
        fakes::lines_logged(&calls)
    }

    #[test]
    fn a_level_is_one_batch_and_errors_come_last() {
        let calls = logged(LogLevel::Warning, |log| {
            tracing::error!("one");
            tracing::warn!(attempt = 2, name = "x", "two");
            tracing::info!("three");
            tracing::error!(alone = true);
            log.flush();
            log.flush();
        });
        let expected = [("WARNING", "two attempt=2 name=\"x\""), ("ERROR", "one\nalone=true")];
        assert_eq!(calls, expected.map(|(level, text)| (level.to_owned(), text.to_owned())));
    }

    #[test]
    fn a_batch_is_at_most_a_hundred_kibibytes() {
        let line = "x".repeat(1000);
        let calls = logged(LogLevel::Error, |log| {
            (0..250).for_each(|_| tracing::error!("{line}"));
            log.flush();
        });
        assert_eq!(calls.len(), 3);
        assert!(calls.iter().all(|(_, text)| text.len() <= HookLog::LARGEST_BATCH));
        let lines: usize = calls.iter().map(|(_, text)| text.lines().count()).sum();
        assert_eq!(lines, 250);
    }

    #[test]
    fn what_is_below_the_level_is_not_even_formatted() {
        struct Never;
        impl fmt::Debug for Never {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                panic!("it was formatted");
            }
        }
        let calls = logged(LogLevel::Warning, |log| {
            tracing::info!("{:?}", Never);
            let span = tracing::error_span!("work", never = ?Never);
            span.in_scope(|| tracing::debug!(never = ?Never));
            log.flush();
        });
        assert!(calls.is_empty());
    }

    #[test]
    fn what_the_tool_logs_is_kept_for_the_next_flush() {
        let calls = logged(LogLevel::Info, |log| {
            tracing::info!("one");
            log.flush();
            log.flush();
        });
        let texts: Vec<&str> = calls.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["one", "from within"]);
    }
}
