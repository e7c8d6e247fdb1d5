//! `fuzz/run framing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::framing::run(bytes));
