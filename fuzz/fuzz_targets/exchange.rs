//! libFuzzer's harness for the target `exchange`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vigie_fuzz::exchange(bytes));
