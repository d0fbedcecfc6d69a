//! This target feeds arbitrary bytes to the decoder of an RFC 3339 time.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| charmwright_pebble::fuzzing::timestamp(bytes));
