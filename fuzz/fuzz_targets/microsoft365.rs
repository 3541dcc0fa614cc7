//! libFuzzer's harness for the target `microsoft365`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vigie_fuzz::microsoft365(bytes));
