//! Wakes all handles of an exec with one waker. A websocket remembers only one waker, that of the
//! last poll, but any of the handles may poll it.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

/// The wakers of all handles that wait for the websockets.
#[derive(Default)]
pub(super) struct Wakers(Mutex<Slots>);

#[derive(Default)]
struct Slots {
    /// The number of slots made so far, which numbers them.
    slots_made: u64,
    wakers: Vec<(u64, Waker)>,
}

/// A slot holds the waker of one handle. Dropping the slot removes the waker.
pub(super) struct WaiterSlot {
    number: u64,
    wakers: Arc<Wakers>,
}

impl Wakers {
    /// Makes a slot for one more handle.
    pub(super) fn new_slot(self: &Arc<Self>) -> WaiterSlot {
        let mut slots = self.lock();
        slots.slots_made += 1;
        WaiterSlot { number: slots.slots_made, wakers: Arc::clone(self) }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Slots> {
        // The list is valid at every step, so a panic of another thread leaves it usable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes every handle except the one with this slot. A handle that is woken and still has to
    /// wait sets its waker again when it is polled.
    fn wake_except(&self, number: Option<u64>) {
        // The lock is released before the wakers run: one may poll a handle at once, which takes
        // the lock again.
        let woken: Vec<Waker> = {
            let mut slots = self.lock();
            let (kept, woken): (Vec<_>, Vec<_>) = std::mem::take(&mut slots.wakers)
                .into_iter()
                .partition(|(slot, _)| Some(*slot) == number);
            slots.wakers = kept;
            woken.into_iter().map(|(_, waker)| waker).collect()
        };
        woken.into_iter().for_each(Waker::wake);
    }

    /// Wakes every handle.
    pub(super) fn wake_all(&self) {
        self.wake_except(None);
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_all();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_all();
    }
}

impl WaiterSlot {
    /// Sets the waker that is to be woken from now on, in place of an earlier one.
    pub(super) fn set_waker(&self, waker: &Waker) {
        let mut slots = self.wakers.lock();
        match slots.wakers.iter_mut().find(|(slot, _)| *slot == self.number) {
            Some((_, known)) => known.clone_from(waker),
            None => slots.wakers.push((self.number, waker.clone())),
        }
    }

    /// Wakes every handle except this one.
    pub(super) fn wake_others(&self) {
        self.wakers.wake_except(Some(self.number));
    }
}

impl Drop for WaiterSlot {
    fn drop(&mut self) {
        self.wakers.lock().wakers.retain(|(slot, _)| *slot != self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[derive(Default)]
    struct Count(AtomicU32);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn every_handle_is_woken_and_a_dropped_slot_is_not() {
        let wakers = Arc::new(Wakers::default());
        let counts: [Arc<Count>; 3] = std::array::from_fn(|_| Arc::default());
        let [first, second, third] = counts.each_ref().map(|count| {
            let slot = wakers.new_slot();
            slot.set_waker(&Waker::from(Arc::clone(count)));
            slot
        });
        let woken = || counts.each_ref().map(|count| count.0.load(Ordering::Relaxed));
        drop(third);
        Waker::from(Arc::clone(&wakers)).wake();
        assert_eq!(woken(), [1, 1, 0]);
        first.set_waker(&Waker::from(Arc::clone(&counts[0])));
        second.set_waker(&Waker::from(Arc::clone(&counts[1])));
        first.wake_others();
        assert_eq!(woken(), [1, 2, 0]);
        Waker::from(Arc::clone(&wakers)).wake_by_ref();
        assert_eq!(woken(), [2, 2, 0], "who was not woken still waits");
    }
}
