//! libFuzzer's harness for the target `query`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vigie_fuzz::query(bytes));
