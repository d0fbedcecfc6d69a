//! These tests watch a real Pebble: its notices, services, checks and logs, across broken
//! connections and restarts, to the last item of a watch.

mod ends;
mod logs;
mod notices;
mod states;
mod waits;
