//! libFuzzer's harness for the target `filter`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vigie_fuzz::filter(bytes));
