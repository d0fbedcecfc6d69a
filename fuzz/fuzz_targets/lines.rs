#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| charmwright::pebble::decoders::lines(bytes));
