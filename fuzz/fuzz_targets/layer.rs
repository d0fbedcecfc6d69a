//! This target feeds arbitrary bytes to the decoder of a layer and of a plan.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| charmwright_pebble::fuzzing::layer(bytes));
