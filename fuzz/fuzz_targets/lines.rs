//! This target feeds arbitrary bytes to the decoder of the lines of a followed log.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| charmwright_pebble::fuzzing::lines(bytes));
