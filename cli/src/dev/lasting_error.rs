//! When an error of the unit is taken as one that stays: a script that waits for something better
//! waits in vain.

use std::collections::BTreeMap;

use charmwright_agent::{Ending, Finished};

/// How often a hook has to fail in a row, with nothing changed in between. Twice is what a workload
/// that needs a moment makes of a hook.
const FAILURES_LIMIT: u32 = 3;

/// How often a hook has to be killed in a row: it runs again at once, and one that always ends so
/// never ends.
const KILLS_LIMIT: u32 = 10;

/// How often each hook has failed since it last succeeded, and since something last changed.
#[derive(Debug, Default)]
pub struct LastingError {
    failures: BTreeMap<String, Count>,
}

#[derive(Debug, Default)]
struct Count {
    failed: u32,
    killed: u32,
}

impl LastingError {
    /// Notes how a hook ended. A failed pebble-ready counts too: Juju shows nothing of it, but
    /// sends it again and again.
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

    /// Notes that something has changed that a hook could depend on: the next run may well succeed.
    pub fn clear(&mut self) {
        self.failures.clear();
    }

    /// What there is to say of the error, if it is one for good. A failed hook that runs again may
    /// succeed, so it is one only `is_between_hooks`; a killed hook runs again without a pause.
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
    use charmwright_agent::{CharmMeta, HookExit, Next, Unit, UnitSettings};
    use std::time::{Duration, Instant};

    /// Runs the next hook to this end.
    fn end(unit: &mut Unit, now: &mut Instant, exit: &HookExit, error: &mut LastingError) {
        // Longer than any wait before a failed hook runs again.
        *now += Duration::from_secs(400);
        assert!(matches!(unit.next(*now), Next::Run(_)));
        let finished = unit.finish(exit, *now, b"", b"").unwrap();
        error.note_end(&finished);
    }

    fn run(unit: &mut Unit, now: &mut Instant, exit: i32, error: &mut LastingError) {
        end(unit, now, &HookExit::Code(exit), error);
    }

    #[test]
    fn the_third_failure_in_a_row_is_for_good() {
        let meta = CharmMeta::parse("name: web\nsummary: s\ndescription: d\n", None, None).unwrap();
        let mut unit = Unit::new(meta, UnitSettings::new("web/0").unwrap());
        let (mut now, mut error) = (Instant::now(), LastingError::default());
        for _ in 0..2 {
            run(&mut unit, &mut now, 1, &mut error);
            assert_eq!(error.message(true), None);
        }
        error.clear();
        for _ in 0..2 {
            run(&mut unit, &mut now, 1, &mut error);
            assert_eq!(error.message(true), None);
        }
        run(&mut unit, &mut now, 1, &mut error);
        let message = error.message(true).unwrap();
        assert_eq!(error.message(false), None);
        assert!(message.contains("install has failed 3 times in a row"), "{message}");
        run(&mut unit, &mut now, 0, &mut error);
        assert_eq!(error.message(true), None);
        for _ in 1..KILLS_LIMIT {
            end(&mut unit, &mut now, &HookExit::Signal(9), &mut error);
            assert_eq!(error.message(true), None);
        }
        end(&mut unit, &mut now, &HookExit::Signal(9), &mut error);
        let message = error.message(true).unwrap();
        assert_eq!(error.message(false), Some(message.clone()));
        assert!(message.contains("was killed 10 times in a row"), "{message}");
    }
}
