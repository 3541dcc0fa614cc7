//! libFuzzer's harness for the target `otlp`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vigie_fuzz::otlp(bytes));
