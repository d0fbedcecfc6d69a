//! This target feeds arbitrary bytes to the decoder of Pebble's responses.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| charmwright_pebble::fuzzing::envelope(bytes));
