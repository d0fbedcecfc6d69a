//! Watches notices with long polls.

use tokio::time::Instant;

use super::super::attempt::AttemptError;
use super::super::notices::{LEAST_PAUSE, Notice, NoticeQuery, SLICE};
use super::super::reader::Reader;
use super::super::timestamp::Timestamp;
use super::{Polled, ResumingStream, Source, single_attempt_client, watch_stream};
#[cfg(doc)]
use crate::ErrorKind;

/// A notice watch gives notices as they occur, from [`Reader::watch_notices`]. It ends with an
/// error, or when it is dropped.
#[derive(Debug)]
#[must_use = "a watch does nothing unless its next event is waited for"]
pub struct NoticeWatch {
    inner: ResumingStream<NoticeSource>,
    cursor: Option<Timestamp>,
}

impl NoticeWatch {
    /// Returns the position of the watch: the greatest [`Notice::last_repeated`] that it has given,
    /// or else the moment that the query was to come [`after`](NoticeQuery::after). A new watch
    /// after this moment continues where this one was, also in another process.
    #[must_use]
    pub fn cursor(&self) -> Option<Timestamp> {
        self.cursor
    }
}

watch_stream!(NoticeWatch, Notice, |watch, notice| {
    watch.cursor = watch.cursor.max(Some(notice.last_repeated()));
});

impl Reader {
    /// Watches notices: first those that exist and match the query, then each one as it occurs. The
    /// watch sends `GET /v1/notices` with a timeout again and again (Pebble 1.5).
    ///
    /// To get only new occurrences, use `query.after(Timestamp::now())`. An occurrence within the
    /// notice's own [`repeat_after`](Notice::repeat_after) does not count. A notice that occurs
    /// several times in quick succession may be given once, as it is after the last occurrence: the
    /// last one is never missed. This also holds when the connection is lost, and when a Pebble
    /// that keeps its state is restarted. (The order is that of the daemon's clock: if the clock is
    /// set back, new notices are seen once it has caught up.)
    ///
    /// # Lost connections
    /// While Pebble cannot be reached, or something else answers in its place, the watch tries
    /// again: after 800 ms, then after twice as long each time up to 30 s. Each wait is shortened
    /// at random by up to half of it. The next good answer resets the waits. The first failure is
    /// logged as a warning and the recovery as information. The client's retry policy and budget do
    /// not apply.
    ///
    /// # Errors
    /// An error is the last item of the stream:
    /// - [`ErrorKind::PermissionDenied`] if access to the socket is denied.
    /// - [`ErrorKind::Unsupported`] from a Pebble before 1.5.
    /// - [`ErrorKind::Api`] if Pebble refuses the request with another status of 400 to 499, such
    ///   as 403 if the query asks for the notices of other users.
    /// - [`ErrorKind::InvalidRequest`] if the path cannot be that of a socket.
    pub fn watch_notices(&self, query: NoticeQuery) -> NoticeWatch {
        NoticeWatch {
            cursor: query.cursor(),
            inner: ResumingStream::new(NoticeSource { client: single_attempt_client(self), query }),
        }
    }
}

struct NoticeSource {
    client: Reader,
    /// The query. Its `after` is the cursor of the source.
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
        // Pebble sends only notices later than `after`. Whatever else answers must not make the
        // watch repeat a notice, or move its cursor back.
        notices.retain(|notice| Some(notice.last_repeated()) > cursor);
        if let Some(newest) = notices.iter().map(Notice::last_repeated).max() {
            self.query = self.query.clone().after(newest);
        } else if asked_at.elapsed() < LEAST_PAUSE {
            // A daemon that does not wait for the timeout as it is asked to must not be asked in a
            // tight loop.
            tokio::time::sleep(LEAST_PAUSE).await;
        }
        Ok(Polled { items: notices, is_healthy: true })
    }
}
