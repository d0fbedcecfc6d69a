//! This target feeds arbitrary bytes to the decoder of the text frames of an exec stream.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| charmwright_pebble::fuzzing::exec_control(bytes));
