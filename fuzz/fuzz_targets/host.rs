//! libFuzzer's harness for the target `host`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vigie_fuzz::host(bytes));
