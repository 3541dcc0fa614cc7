//! libFuzzer's harness for the target `exim`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vigie_fuzz::exim(bytes));
