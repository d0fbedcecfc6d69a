//! Decides when an error of the unit counts as lasting, so that a script does not wait in vain.

use std::collections::BTreeMap;

use charmwright_agent::{Ending, Finished};

/// The number of failures in a row, with no change in between, after which the error counts as
/// lasting. A workload that needs a moment makes a hook fail twice.
const FAILURES_LIMIT: u32 = 3;

/// The number of kills in a row after which the error counts as lasting. A killed hook runs again
/// at once, so a hook that is always killed would run for ever.
const KILLS_LIMIT: u32 = 10;

/// Counts the failures of each hook since its last success and since the last change.
#[derive(Debug, Default)]
pub struct LastingError {
    failures: BTreeMap<String, Count>,
}

#[derive(Debug, Default)]
struct Count {
    /// The number of failures in a row.
    failed: u32,
    /// The number of kills in a row.
    killed: u32,
}

impl LastingError {
    /// Counts the end of a hook. A failed pebble-ready counts too: Juju reports no error for it,
    /// but sends it again and again (reference `juju-agent.md`, 7).
    pub fn note_end(&mut self, finished: &Finished) {
        match finished.ending() {
            Ending::Failed { .. } | Ending::Dropped { .. } => {
                let count = self.failures.entry(finished.name().to_owned()).or_default();
                count.failed = count.failed.saturating_add(1);
            }
            Ending::Requeued => {
                let count = self.failures.entry(finished.name().to_owned()).or_default();
                count.killed = count.killed.saturating_add(1);
            }
            _ => {
                self.failures.remove(finished.name());
            }
        }
    }

    /// Forgets all failures, because something has changed that a hook may depend on and its next
    /// run may succeed.
    pub fn clear(&mut self) {
        self.failures.clear();
    }

    /// Returns the text about the lasting error, if there is one. A hook that runs again may still
    /// succeed, so failures count only if `is_between_hooks`. Kills count at any time, because a
    /// killed hook runs again without a pause.
    pub fn message(&self, is_between_hooks: bool) -> Option<String> {
        let (name, ended, count) = self.failures.iter().find_map(|(name, count)| match count {
            Count { failed, .. } if is_between_hooks && *failed >= FAILURES_LIMIT => {
                Some((name, "has failed", failed))
            }
            Count { killed, .. } if *killed >= KILLS_LIMIT => Some((name, "was killed", killed)),
            _ => None,
        })?;
        Some(format!(
            "in error for good: {name} {ended} {count} times in a row, and nothing has changed \
             in between"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use charmwright_agent::{CharmMeta, Deployment, HookExit, Model, ModelSettings, Next};
    use std::time::{Duration, Instant};

    /// Runs the next hook until it ends in this way.
    fn end(model: &mut Model, now: &mut Instant, exit: &HookExit, error: &mut LastingError) {
        // A failed hook runs again after at most 300 s, so it is due after this time.
        *now += Duration::from_secs(400);
        let unit = "web/0".parse().unwrap();
        assert!(matches!(model.next(&unit, *now), Ok(Next::Run(_))));
        let finished = model.finish(&unit, exit, *now, b"", b"").unwrap();
        error.note_end(&finished);
    }

    fn run(model: &mut Model, now: &mut Instant, exit: i32, error: &mut LastingError) {
        end(model, now, &HookExit::Code(exit), error);
    }

    #[test]
    fn the_third_failure_in_a_row_is_for_good() {
        let meta = CharmMeta::parse("name: web\nsummary: s\ndescription: d\n", None, None).unwrap();
        let mut model = Model::new(ModelSettings::new());
        model.deploy("web", Deployment::charm(meta)).unwrap();
        let (mut now, mut error) = (Instant::now(), LastingError::default());
        for _ in 0..2 {
            run(&mut model, &mut now, 1, &mut error);
            assert_eq!(error.message(true), None);
        }
        error.clear();
        for _ in 0..2 {
            run(&mut model, &mut now, 1, &mut error);
            assert_eq!(error.message(true), None);
        }
        run(&mut model, &mut now, 1, &mut error);
        let message = error.message(true).unwrap();
        assert_eq!(error.message(false), None);
        assert!(message.contains("install has failed 3 times in a row"), "{message}");
        run(&mut model, &mut now, 0, &mut error);
        assert_eq!(error.message(true), None);
        for _ in 1..KILLS_LIMIT {
            end(&mut model, &mut now, &HookExit::Signal(9), &mut error);
            assert_eq!(error.message(true), None);
        }
        end(&mut model, &mut now, &HookExit::Signal(9), &mut error);
        let message = error.message(true).unwrap();
        assert_eq!(error.message(false), Some(message.clone()));
        assert!(message.contains("was killed 10 times in a row"), "{message}");
    }
}
