//! These tests follow logs. Each line must come once, or there must be a gap where lines may be
//! missing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use charmwright_pebble::{
    GapCause, Layer, LayerMode, LogEvent, LogFollow, LogQuery, Service, Startup,
};
use charmwright_testing::daemon::DaemonOptions;
use charmwright_testing::proxy::{Fault, Rule};
use charmwright_tests::Fixture;
use charmwright_tests::wait::within;

/// Returns the YAML of a service that writes lines `RUN N.` without end. RUN is its process id, N
/// counts from 1, and the file `<name>.written` has the same lines.
fn counter(name: &str, pause: &str) -> String {
    let script = format!(
        "n=0; while :; do n=$((n+1)); echo \"$$ $n.\"; echo \"$$ $n.\" >> {name}.written; sleep \
         {pause}; done"
    );
    format!(
        "{name}: {{override: replace, startup: enabled, command: \"/bin/sh -c '{}'\"}}",
        script.replace('"', "\\\"")
    )
}

/// An item of the log of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    /// A line: the process id of the service and the number of the line.
    Line(u32, u32),
    /// A gap, in which lines may be missing.
    Gap(GapCause),
}

/// What a follower has received so far.
#[derive(Debug, Default)]
struct Followed {
    /// The service of each item, and the item.
    items: Vec<(String, Item)>,
    /// The pieces of a line that is not complete yet, by service.
    incomplete: BTreeMap<String, String>,
}

impl Followed {
    /// Receives events until `done` returns `true`.
    async fn until(&mut self, follow: &mut LogFollow, done: impl Fn(&Self) -> bool) {
        while !done(self) {
            let event = within(follow.next()).await.expect("it goes on").unwrap();
            self.take(event);
        }
    }

    /// Adds an event. Pebble may split a line over several entries. Each line ends with a point, so
    /// the pieces are joined up to that.
    fn take(&mut self, event: LogEvent) {
        match event {
            LogEvent::Entry(entry) => {
                let begun = self.incomplete.entry(entry.service().to_owned()).or_default();
                begun.push_str(entry.message());
                let Some(line) = begun.strip_suffix('.') else { return };
                let words = line.split_once(' ');
                let numbers =
                    words.and_then(|(run, number)| Some((run.parse().ok()?, number.parse().ok()?)));
                if let Some((run, number)) = numbers {
                    self.items.push((entry.service().to_owned(), Item::Line(run, number)));
                }
                begun.clear();
            }
            LogEvent::Gap(gap) => {
                self.incomplete.remove(gap.service());
                self.items.push((gap.service().to_owned(), Item::Gap(gap.cause())));
            }
            event => panic!("{event:?}"),
        }
    }

    /// Returns the items of a service.
    fn of(&self, service: &str) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(move |(name, _)| name == service).map(|(_, item)| item)
    }

    /// Returns the process ids of the service, oldest first.
    fn runs(&self, service: &str) -> Vec<u32> {
        let mut runs: Vec<u32> = self
            .of(service)
            .filter_map(|item| match item {
                Item::Line(run, _) => Some(*run),
                Item::Gap(_) => None,
            })
            .collect();
        runs.dedup();
        runs
    }

    /// Returns the number of gaps of a service.
    fn gaps(&self, service: &str) -> usize {
        self.of(service).filter(|item| matches!(item, Item::Gap(_))).count()
    }

    /// Returns the number of the last line of a service, or 0 if it has none.
    fn last(&self, service: &str) -> u32 {
        self.of(service)
            .filter_map(|item| match item {
                Item::Line(_, number) => Some(*number),
                Item::Gap(_) => None,
            })
            .last()
            .unwrap_or(0)
    }

    /// Asserts that no line came twice and that there is a gap wherever one is missing.
    fn check(&self, service: &str) {
        let mut seen = BTreeSet::new();
        let (mut gap, mut is_truncated) = (false, false);
        let mut before: Option<(u32, u32)> = None;
        for item in self.of(service) {
            match *item {
                Item::Gap(cause) => (gap, is_truncated) = (true, cause == GapCause::Truncated),
                // After a gap of this cause the first line may lack its beginning, and with it the
                // first digits of its numbers.
                Item::Line(..) if is_truncated => is_truncated = false,
                Item::Line(run, number) => {
                    assert!(seen.insert((run, number)), "{run} {number} came twice: {self:?}");
                    let follows = match before {
                        Some((old, last)) if old == run => number == last + 1,
                        Some(_) => number == 1,
                        None => true,
                    };
                    assert!(
                        follows || gap,
                        "no mark between {before:?} and {run} {number}: {self:?}"
                    );
                    before = Some((run, number));
                    gap = false;
                }
            }
        }
    }

    /// Asserts that every line came that the service has written between the first and the last
    /// line that came, unless there was a gap.
    fn check_written(&self, fixture: &Fixture, service: &str) {
        self.check(service);
        let written = std::fs::read_to_string(fixture.file(&format!("{service}.written"))).unwrap();
        let written: Vec<(u32, u32)> = written
            .lines()
            .map(|line| {
                let (run, number) = line.strip_suffix('.').unwrap().split_once(' ').unwrap();
                (run.parse().unwrap(), number.parse().unwrap())
            })
            .collect();
        let seen: Vec<(u32, u32)> = self
            .of(service)
            .filter_map(|item| match item {
                Item::Line(run, number) => Some((*run, *number)),
                Item::Gap(_) => None,
            })
            .collect();
        let (first, last) = (seen[0], seen[seen.len() - 1]);
        let missing = written
            .iter()
            .skip_while(|line| **line != first)
            .take_while(|line| **line != last)
            .filter(|line| !seen.contains(line))
            .count();
        assert!(missing == 0 || self.gaps(service) > 0, "{missing} lines are missing: {self:?}");
    }
}

#[tokio::test]
async fn a_restart_of_a_service_loses_nothing_and_a_later_service_is_taken_up() {
    let layer = format!("services: {{{}}}", counter("one", "0.01"));
    let Some(fixture) =
        Fixture::start("a_restart_of_a_service", DaemonOptions::new().layer("one", layer))
    else {
        return;
    };
    let mut follow = fixture.client.follow_logs(&LogQuery::new().all());
    let mut seen = Followed::default();
    seen.until(&mut follow, |seen| seen.last("one") >= 20).await;
    // This service is started for the first time long after the following began.
    let layer = format!("services: {{{}}}", counter("two", "0.01"));
    let layer = Layer::from_yaml(&layer).unwrap();
    fixture.direct.add_layer("two", &layer, LayerMode::New).await.unwrap();
    fixture.direct.start(["two"]).await.unwrap();
    seen.until(&mut follow, |seen| seen.last("two") >= 100).await;
    assert_eq!(
        seen.of("two").next().map(|item| matches!(item, Item::Line(_, 1))),
        Some(true),
        "{seen:?}"
    );
    fixture.direct.restart(["one"]).await.unwrap();
    seen.until(&mut follow, |seen| seen.runs("one").len() == 2 && seen.last("one") >= 20).await;
    for service in ["one", "two"] {
        seen.check_written(&fixture, service);
        assert_eq!(seen.gaps(service), 0, "{seen:?}");
    }
    // The request that is open covers a service from its first start on, so a restart does not make
    // the client open another.
    assert!(fixture.proxy.count("GET", "/v1/logs") <= 6, "{:?}", fixture.proxy.requests());
}

#[tokio::test]
async fn breaks_lose_nothing_that_pebble_still_has() {
    let layer = format!("services: {{{}, {}}}", counter("one", "0.005"), counter("two", "0.02"));
    let Some(fixture) =
        Fixture::start("breaks_lose_nothing", DaemonOptions::new().layer("both", layer))
    else {
        return;
    };
    let mut follow = fixture.client.follow_logs(&LogQuery::new());
    let mut seen = Followed::default();
    for round in 1..=4_u32 {
        seen.until(&mut follow, |seen| {
            seen.last("one") >= 100 * round && seen.last("two") >= 20 * round
        })
        .await;
        match round {
            1 => fixture.proxy.cut_connections(),
            2 => {
                // One cut comes while the client reads the lines that it has missed, and one while
                // it follows.
                for _ in 0..2 {
                    fixture.proxy.add(Rule::new("GET", "/v1/logs", Fault::CutReplyAfter(3000)));
                }
                fixture.proxy.cut_connections();
            }
            3 => {
                fixture.proxy.add(Rule::new(
                    "GET",
                    "/v1/logs",
                    Fault::Garbage(b"{]\r\n\r\n".to_vec()),
                ));
                fixture.proxy.cut_connections();
            }
            _ => {}
        }
    }
    for service in ["one", "two"] {
        seen.check_written(&fixture, service);
        assert_eq!(seen.gaps(service), 0, "{seen:?}");
    }
}

#[tokio::test]
async fn a_restart_of_pebble_is_marked() {
    let quiet = "quiet: {override: replace, startup: enabled, command: sleep 600}";
    let layer = format!("services: {{{}, {quiet}}}", counter("one", "0.005"));
    let Some(fixture) =
        Fixture::start("a_restart_of_pebble", DaemonOptions::new().layer("one", layer))
    else {
        return;
    };
    // The client can report a gap only for a service that it has seen, so both have to run first.
    for service in ["one", "quiet"] {
        let wait =
            fixture.direct.wait_service_active(service, Duration::ZERO, Duration::from_secs(60));
        within(wait).await.unwrap();
    }
    let mut follow = fixture.client.follow_logs(&LogQuery::new());
    let mut seen = Followed::default();
    seen.until(&mut follow, |seen| seen.last("one") >= 50).await;
    fixture.restart();
    seen.until(&mut follow, |seen| seen.runs("one").len() == 2 && seen.last("one") >= 100).await;
    seen.check("one");
    assert_eq!(seen.gaps("one"), 1, "{seen:?}");
    let gap = seen.of("one").position(|item| matches!(item, Item::Gap(_))).unwrap();
    assert_eq!(seen.of("one").nth(gap), Some(&Item::Gap(GapCause::Forgotten)));
    assert!(matches!(seen.of("one").nth(gap + 1), Some(Item::Line(_, 1))), "{seen:?}");
    // This service may have written lines that are lost with the old Pebble.
    assert_eq!(seen.gaps("quiet"), 1, "{seen:?}");
}

/// Returns a layer with a service that writes the line 0, waits for the file `name`, and then
/// writes this many lines at once. It does so at each start.
fn burst(fixture: &Fixture, name: &str, lines: u32) -> Layer {
    after_file(fixture, name, "echo \"$$ 0.\"", lines)
}

/// Returns such a layer with another first command.
fn after_file(fixture: &Fixture, name: &str, first: &str, lines: u32) -> Layer {
    let go = fixture.file(name);
    let script = format!(
        "{first}; while ! test -e {}; do sleep 0.02; done; seq 1 {lines} | sed \"s/.*/$$ &./\"; \
         exec sleep 600",
        go.display()
    );
    let service =
        Service::new().command(format!("/bin/sh -c '{script}'")).startup(Startup::Enabled);
    Layer::new().service(name, service)
}

#[tokio::test]
async fn what_pebble_has_dropped_meanwhile_is_marked() {
    const LINES: u32 = 20_000;
    let Some(fixture) = Fixture::start("what_pebble_has_dropped", DaemonOptions::new().hold())
    else {
        return;
    };
    fixture
        .direct
        .add_layer("burst", &burst(&fixture, "burst", LINES), LayerMode::New)
        .await
        .unwrap();
    fixture.direct.start(["burst"]).await.unwrap();
    let mut follow = fixture.client.follow_logs(&LogQuery::new().newest(10));
    let mut seen = Followed::default();
    seen.until(&mut follow, |seen| seen.of("burst").next().is_some()).await;
    fixture.refuse_connections();
    fixture.touch("burst");
    wait_for_line(&fixture, LINES).await;
    fixture.accept_connections();
    seen.until(&mut follow, |seen| seen.last("burst") == LINES).await;
    seen.check("burst");
    assert_eq!(seen.gaps("burst"), 1);
    assert_eq!(seen.of("burst").nth(1), Some(&Item::Gap(GapCause::Forgotten)));
}

#[tokio::test]
async fn a_later_service_that_has_written_more_than_is_kept_is_marked() {
    const LINES: u32 = 20_000;
    let Some(fixture) = Fixture::start("a_later_service", DaemonOptions::new().hold()) else {
        return;
    };
    let mut follow = fixture.client.follow_logs(&LogQuery::new());
    // After the first poll the request is open. No service runs that it could cover.
    let opened = tokio::time::timeout(Duration::from_millis(200), follow.next());
    assert!(opened.await.is_err());
    let layer = burst(&fixture, "burst", LINES);
    fixture.direct.add_layer("burst", &layer, LayerMode::New).await.unwrap();
    fixture.touch("burst");
    // `start` returns when Pebble has seen the service stay up for a second. By then all lines are
    // written.
    fixture.direct.start(["burst"]).await.unwrap();
    let mut seen = Followed::default();
    seen.until(&mut follow, |seen| seen.last("burst") == LINES).await;
    seen.check("burst");
    let first: Vec<&Item> = seen.of("burst").take(2).collect();
    assert!(
        matches!(first[..], [Item::Gap(GapCause::Forgotten), Item::Line(_, number)] if *number > 0),
        "{first:?}"
    );
}

/// Waits until the newest line that Pebble has is the one with this number.
async fn wait_for_line(fixture: &Fixture, lines: u32) {
    let last = format!(" {lines}.");
    within(async {
        loop {
            let newest = fixture.direct.logs(&LogQuery::new().newest(1)).await.unwrap();
            if newest.first().is_some_and(|entry| entry.message().ends_with(&last)) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn lines_from_the_call_on_that_are_dropped_before_the_first_reading_are_marked() {
    const LINES: u32 = 20_000;
    let Some(fixture) = Fixture::start("lines_from_the_call_on", DaemonOptions::new().hold())
    else {
        return;
    };
    let layer = burst(&fixture, "burst", LINES);
    fixture.direct.add_layer("burst", &layer, LayerMode::New).await.unwrap();
    fixture.direct.start(["burst"]).await.unwrap();
    let mut follow = fixture.client.follow_logs(&LogQuery::new());
    fixture.touch("burst");
    wait_for_line(&fixture, LINES).await;
    let mut seen = Followed::default();
    seen.until(&mut follow, |seen| seen.last("burst") == LINES).await;
    seen.check("burst");
    assert_eq!(seen.gaps("burst"), 1);
    assert_eq!(seen.of("burst").next(), Some(&Item::Gap(GapCause::Forgotten)));
}

#[tokio::test]
async fn the_first_lines_of_a_service_that_are_dropped_while_nobody_reads_are_marked() {
    const LINES: u32 = 20_000;
    let Some(fixture) = Fixture::start("the_first_lines_of_a_service", DaemonOptions::new().hold())
    else {
        return;
    };
    let [one, silent] = [burst(&fixture, "one", 5), after_file(&fixture, "silent", ":", LINES)];
    fixture.direct.add_layer("one", &one, LayerMode::New).await.unwrap();
    fixture.direct.add_layer("silent", &silent, LayerMode::New).await.unwrap();
    fixture.touch("one");
    fixture.direct.start(["one", "silent"]).await.unwrap();
    wait_for_line(&fixture, 5).await;
    let mut follow = fixture.client.follow_logs(&LogQuery::new().all());
    let mut seen = Followed::default();
    // The client has begun to read Pebble's buffers, and the caller does not take the next item for
    // a while.
    seen.until(&mut follow, |seen| seen.of("one").next().is_some()).await;
    fixture.touch("silent");
    wait_for_line(&fixture, LINES).await;
    seen.until(&mut follow, |seen| seen.last("silent") == LINES).await;
    seen.check("silent");
    assert!(seen.gaps("silent") > 0);
    assert_eq!((seen.gaps("one"), seen.last("one")), (0, 5));
}

#[tokio::test]
async fn a_line_without_an_end_is_given_in_pieces_and_what_is_dropped_of_it_is_marked() {
    const HALF: usize = 150_000;
    let Some(fixture) = Fixture::start("a_line_without_an_end", DaemonOptions::new().hold()) else {
        return;
    };
    let half = format!("head -c {HALF} /dev/zero | tr \"\\000\" x");
    let wait =
        |file| format!("while ! test -e {}; do sleep 0.02; done", fixture.file(file).display());
    let (begin, go) = (wait("begin"), wait("go"));
    let script =
        format!("echo first; {begin}; {half}; {go}; {half}; echo; echo \"$$ 1.\"; exec sleep 600");
    let service = Service::new().command(format!("/bin/sh -c '{script}'"));
    let layer = Layer::new().service("endless", service);
    fixture.direct.add_layer("endless", &layer, LayerMode::New).await.unwrap();
    fixture.direct.start(["endless"]).await.unwrap();
    let mut follow = fixture.client.follow_logs(&LogQuery::new().all());
    // The following begins before the long line, since Pebble gives no piece of a line of which it
    // has neither the beginning nor the end.
    let first = within(follow.next()).await.unwrap().unwrap();
    assert!(matches!(&first, LogEvent::Entry(entry) if entry.message() == "first"), "{first:?}");
    fixture.touch("begin");
    let (mut length, mut gaps, mut broken, mut rest) = (0, 0, false, String::new());
    loop {
        match within(follow.next()).await.unwrap().unwrap() {
            LogEvent::Entry(entry) => {
                assert!(entry.message().len() <= 16 * 1024);
                let other = entry.message().trim_start_matches('x');
                length += entry.message().len() - other.len();
                rest.push_str(other);
                if rest.ends_with(" 1.") {
                    break;
                }
            }
            LogEvent::Gap(_) => gaps += 1,
            event => panic!("{event:?}"),
        }
        // The connection is cut in the middle of the line, whose beginning Pebble has dropped by
        // then. Less than the half may have come, since Pebble holds back a piece that is not full.
        if !broken && (length >= HALF / 2 || gaps > 0) {
            broken = true;
            fixture.proxy.cut_connections();
            fixture.touch("go");
        }
    }
    assert!(broken && (length == 2 * HALF || gaps > 0), "{length} bytes, {gaps} gaps");
}

#[tokio::test]
async fn what_is_not_read_in_time_is_marked() {
    // These are far more lines than Pebble's and the socket's buffers hold.
    const LINES: u32 = 300_000;
    let Some(fixture) = Fixture::start("what_is_not_read_in_time", DaemonOptions::new().hold())
    else {
        return;
    };
    fixture
        .direct
        .add_layer("burst", &burst(&fixture, "burst", LINES), LayerMode::New)
        .await
        .unwrap();
    let mut follow = fixture.direct.follow_logs(&LogQuery::new());
    fixture.direct.start(["burst"]).await.unwrap();
    let mut seen = Followed::default();
    seen.until(&mut follow, |seen| seen.of("burst").next().is_some()).await;
    // This poll opens the request. After it nothing is read for a while.
    let _ = tokio::time::timeout(Duration::from_millis(300), follow.next()).await;
    fixture.touch("burst");
    wait_for_line(&fixture, LINES).await;
    seen.until(&mut follow, |seen| seen.last("burst") == LINES).await;
    seen.check("burst");
    assert!(seen.gaps("burst") > 0);
}

#[tokio::test]
async fn it_begins_where_the_query_says() {
    let Some(fixture) = Fixture::start("it_begins_where", DaemonOptions::new().hold()) else {
        return;
    };
    for name in ["one", "two"] {
        let layer = burst(&fixture, name, 5);
        fixture.direct.add_layer(name, &layer, LayerMode::New).await.unwrap();
    }
    fixture.touch("one");
    fixture.direct.start(["one", "two"]).await.unwrap();
    // This waits for the first line of each service and the five more of `one`.
    within(async {
        while fixture.direct.logs(&LogQuery::new().all()).await.unwrap().len() < 7 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let one = || LogQuery::new().services(["one"]);
    let mut cases = vec![
        (one(), 0..0, "only what comes"),
        (one().newest(0), 0..0, "nothing that was there"),
        (one().newest(2), 4..6, "the newest two"),
        (one().all(), 0..6, "all"),
        (LogQuery::new(), 0..0, "only what comes, of all services"),
    ];
    let mut follows: Vec<(LogFollow, Followed)> = Vec::new();
    // The times of entries are in milliseconds, and a follower without old lines begins with the
    // present one. So the lines above have to be some milliseconds older.
    tokio::time::sleep(Duration::from_millis(3)).await;
    for (query, ..) in &cases {
        follows.push((fixture.client.follow_logs(query), Followed::default()));
    }
    for ((follow, seen), (_, old, _)) in follows.iter_mut().zip(&cases) {
        seen.until(follow, |seen| seen.of("one").count() == old.len()).await;
    }
    fixture.direct.restart(["one"]).await.unwrap();
    fixture.touch("two");
    for ((follow, seen), (_, old, what)) in follows.iter_mut().zip(cases.drain(..)) {
        let runs = 1 + usize::from(!old.is_empty());
        seen.until(follow, |seen| seen.runs("one").len() == runs && seen.last("one") == 5).await;
        let numbers: Vec<u32> = seen
            .of("one")
            .map(|item| match item {
                Item::Line(_, number) => *number,
                Item::Gap(cause) => panic!("{what}: {cause:?}"),
            })
            .collect();
        let expected: Vec<u32> = old.chain(0..6).collect();
        assert_eq!(numbers, expected, "{what}");
    }
    let (follow, seen) = follows.last_mut().unwrap();
    seen.until(follow, |seen| seen.last("two") == 5).await;
    let two: Vec<Item> = seen.of("two").cloned().collect();
    assert!(two.len() == 5 && matches!(two[0], Item::Line(_, 1)), "{two:?}");
    let (_, narrowed) = &follows[0];
    assert_eq!(narrowed.of("two").count(), 0);
}
