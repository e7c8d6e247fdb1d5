//! `fuzz/run digest`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::digest::run(bytes));
