//! This target feeds arbitrary bytes to the decoder of the files in a response.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| charmwright_pebble::fuzzing::multipart(bytes));
