//! This target feeds arbitrary bytes to the decoder of a Go duration.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| charmwright_pebble::fuzzing::duration(bytes));
