//! libFuzzer's harness for the target `calendar`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vigie_fuzz::calendar(bytes));
