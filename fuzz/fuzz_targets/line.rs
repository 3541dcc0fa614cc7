//! libFuzzer's harness for the target `line`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vigie_fuzz::line(bytes));
