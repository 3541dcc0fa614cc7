//! libFuzzer's harness for the target `sendmail`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vigie_fuzz::sendmail(bytes));
