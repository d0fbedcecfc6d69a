//! A waker lets two futures that are polled together wake each other without a way through the
//! runtime.
//!
//! The future of a request and that of its connection are polled in one task. Each step of one
//! wakes the other. With the task's own waker, each such wake would go through the runtime, which
//! looks at all sockets before it polls the task again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// The most polls in a row, after which other tasks of the runtime are let run.
const MAX_POLLS: u32 = 32;

/// A wake that comes while the futures are polled polls them once more. Only a wake from outside
/// wakes the task.
#[derive(Debug, Default)]
pub(super) struct SelfWake {
    task: Mutex<Option<Waker>>,
    polling: AtomicBool,
    woken: AtomicBool,
}

impl SelfWake {
    /// Polls until the result is ready, or until nothing has woken this waker during a poll.
    pub(super) fn poll<T>(
        self: &Arc<Self>,
        cx: &Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        {
            let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
            if !task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
                *task = Some(cx.waker().clone());
            }
        }
        let waker = Waker::from(Arc::clone(self));
        let mut inner = Context::from_waker(&waker);
        for _ in 0..MAX_POLLS {
            self.woken.store(false, Ordering::SeqCst);
            self.polling.store(true, Ordering::SeqCst);
            let result = poll(&mut inner);
            // The order matters. A waker first sets `woken` and then reads `polling`, so either
            // this loop sees `woken`, or the waker sees that nobody polls and wakes the task.
            self.polling.store(false, Ordering::SeqCst);
            if result.is_ready() || !self.woken.load(Ordering::SeqCst) {
                return result;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Wake for SelfWake {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        if self.polling.load(Ordering::SeqCst) {
            return;
        }
        if let Some(task) = &*self.task.lock().unwrap_or_else(PoisonError::into_inner) {
            task.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::atomic::AtomicU32;
    use std::time::Duration;

    use super::*;

    /// Counts how often a task is woken.
    #[derive(Default)]
    struct Count(AtomicU32);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn what_wakes_itself_is_polled_again_and_wakes_nobody() {
        let (self_wake, count) = (Arc::new(SelfWake::default()), Arc::new(Count::default()));
        let task = Waker::from(Arc::clone(&count));
        let cx = Context::from_waker(&task);
        let mut polls = 0;
        let result = self_wake.poll(&cx, |cx| {
            polls += 1;
            cx.waker().wake_by_ref();
            if polls == 3 { Poll::Ready(7) } else { Poll::Pending }
        });
        assert_eq!((result, polls, count.0.load(Ordering::SeqCst)), (Poll::Ready(7), 3, 0));
        // Futures that wake each other without end give way after the limit, and are polled again
        // later.
        let mut polls = 0;
        let result = self_wake.poll(&cx, |cx| {
            polls += 1;
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        });
        assert_eq!((result, polls, count.0.load(Ordering::SeqCst)), (Poll::Pending, MAX_POLLS, 1));
    }

    #[test]
    fn a_wake_from_outside_wakes_the_task() {
        let (self_wake, count) = (Arc::new(SelfWake::default()), Arc::new(Count::default()));
        let task = Waker::from(Arc::clone(&count));
        let mut kept = None;
        let result = self_wake.poll(&Context::from_waker(&task), |cx| {
            kept = Some(cx.waker().clone());
            Poll::<()>::Pending
        });
        assert_eq!((result, count.0.load(Ordering::SeqCst)), (Poll::Pending, 0));
        kept.unwrap().wake();
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn no_wake_of_another_thread_is_lost() {
        let self_wake = Arc::new(SelfWake::default());
        for round in 0..2_000_u32 {
            let done = Arc::new(AtomicBool::new(false));
            let mut waking = None;
            let settled = poll_fn(|cx| {
                self_wake.poll(cx, |cx| {
                    if done.load(Ordering::SeqCst) {
                        return Poll::Ready(());
                    }
                    let (waker, done) = (cx.waker().clone(), Arc::clone(&done));
                    // Some threads wake while this is still being polled, and some later.
                    waking.get_or_insert_with(|| {
                        std::thread::spawn(move || {
                            for _ in 0..round % 64 {
                                std::hint::spin_loop();
                            }
                            done.store(true, Ordering::SeqCst);
                            waker.wake();
                        })
                    });
                    Poll::Pending
                })
            });
            tokio::time::timeout(Duration::from_secs(20), settled).await.unwrap();
            waking.unwrap().join().unwrap();
        }
    }
}
