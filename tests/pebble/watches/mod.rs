//! Notices, watches and waits against the real daemon: over breaks, over restarts of services and
//! of Pebble, and to their end.

mod ends;
mod logs;
mod notices;
mod states;
mod waits;
