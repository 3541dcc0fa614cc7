//! libFuzzer's harness for the target `domino`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vigie_fuzz::domino(bytes));
