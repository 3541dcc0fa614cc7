//! libFuzzer's harness for the target `mailbox`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vigie_fuzz::mailbox(bytes));
