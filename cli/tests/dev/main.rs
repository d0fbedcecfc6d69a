//! `charmwright dev` with real processes: charms that are shell scripts, real hook tools, a real Pebble.

mod containers;
mod contract;
mod ends;
mod lines;
mod support;
