//! libFuzzer's harness for the target `envelope`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vigie_fuzz::envelope(bytes));
