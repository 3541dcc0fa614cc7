//! libFuzzer's harness for the target `linker`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vigie_fuzz::linker(bytes));
