//! libFuzzer's harness for the target `mime`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vigie_fuzz::mime(bytes));
