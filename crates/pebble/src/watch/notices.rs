//! Watching notices by long polls.

use tokio::time::Instant;

use super::super::attempt::AttemptError;
use super::super::notices::{LEAST_PAUSE, Notice, NoticeQuery, SLICE};
use super::super::reader::Reader;
use super::super::timestamp::Timestamp;
use super::{Polled, ResumingStream, Source, single_attempt_client, watch_stream};
#[cfg(doc)]
use crate::ErrorKind;

/// A stream of notices, from [`Reader::watch_notices`]. It ends by being dropped.
#[derive(Debug)]
#[must_use = "a watch does nothing unless its next event is waited for"]
pub struct NoticeWatch {
    inner: ResumingStream<NoticeSource>,
    cursor: Option<Timestamp>,
}

impl NoticeWatch {
    /// How far it has got: the greatest [`Notice::last_repeated`] that it has given, else what the
    /// query was to come [`after`](NoticeQuery::after). A watch after this moment goes on where
    /// this one stood, also in another process.
    #[must_use]
    pub fn cursor(&self) -> Option<Timestamp> {
        self.cursor
    }
}

watch_stream!(NoticeWatch, Notice, |watch, notice| {
    watch.cursor = watch.cursor.max(Some(notice.last_repeated()));
});

impl Reader {
    /// Watches notices: first those that the query selects as they stand, then each one as it
    /// occurs: `GET /v1/notices` with a timeout, again and again (Pebble 1.5).
    ///
    /// To have only what comes from now on, ask for it: `query.after(Timestamp::now())`. An
    /// occurrence within the notice's own [`repeat_after`](Notice::repeat_after) does not count. A
    /// notice that occurs several times in quick succession may be given once, as it stands after
    /// the last: the last occurrence is never missed. That holds over a break, too, and over a
    /// restart of a Pebble that keeps its state. (The order is that of the daemon's clock: if it is
    /// set back, notices show again when it has caught up.)
    ///
    /// # Breaks
    /// While Pebble is away, or something else answers in its place, it tries again after 800 ms,
    /// then after twice as long each time up to 30 s, each wait shortened by up to half of it by
    /// chance; the next good answer begins that anew. The first break is logged as a warning and
    /// the recovery as information. Neither the policy nor the budget of the client counts.
    ///
    /// # Errors
    /// An error is the last item: [`ErrorKind::PermissionDenied`], [`ErrorKind::Unsupported`] from
    /// a Pebble before 1.5, [`ErrorKind::Api`] for any other refusal by a status of 400 to 499,
    /// such as 403 where the query asks for other users' notices, and [`ErrorKind::InvalidRequest`]
    /// for a path that cannot be a socket's.
    pub fn watch_notices(&self, query: NoticeQuery) -> NoticeWatch {
        NoticeWatch {
            cursor: query.cursor(),
            inner: ResumingStream::new(NoticeSource { client: single_attempt_client(self), query }),
        }
    }
}

struct NoticeSource {
    client: Reader,
    /// Its `after` is the cursor.
    query: NoticeQuery,
}

impl Source for NoticeSource {
    type Item = Notice;

    fn operation(&self) -> &'static str {
        "watch notices"
    }

    fn client(&self) -> &Reader {
        &self.client
    }

    async fn poll_source(&mut self) -> Result<Polled<Notice>, AttemptError> {
        let asked_at = Instant::now();
        let request = self.query.wait_request(self.operation(), SLICE);
        let mut notices: Vec<Notice> = self.client.read_list(&request).await?;
        let cursor = self.query.cursor();
        notices.retain(|notice| Some(notice.last_repeated()) > cursor);
        if let Some(newest) = notices.iter().map(Notice::last_repeated).max() {
            self.query = self.query.clone().after(newest);
        } else if asked_at.elapsed() < LEAST_PAUSE {
            // A daemon that does not wait as it is asked to.
            tokio::time::sleep(LEAST_PAUSE).await;
        }
        Ok(Polled { items: notices, is_healthy: true })
    }
}
