#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| charmwright_pebble::fuzzing::duration(bytes));
