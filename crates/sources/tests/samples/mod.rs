//! Logs to read, and the packings they come in.
#![allow(dead_code, reason = "each test file uses its part")]

use std::io::Write;

use vigie_sources::{LogFile, SourceError};

#[derive(Clone, Copy, Debug)]
pub enum Packing {
    Gzip,
    Bzip2,
    Xz,
    Zstd,
}

impl Packing {
    pub const ALL: [Packing; 4] = [Packing::Gzip, Packing::Bzip2, Packing::Xz, Packing::Zstd];
}

pub fn pack(bytes: &[u8], packing: Packing) -> Vec<u8> {
    match packing {
        Packing::Gzip => {
            let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            writer.write_all(bytes).expect("packed");
            writer.finish().expect("packed")
        }
        Packing::Bzip2 => {
            let mut writer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            writer.write_all(bytes).expect("packed");
            writer.finish().expect("packed")
        }
        Packing::Xz => {
            let options = lzma_rust2::XzOptions::with_preset(0);
            let mut writer = lzma_rust2::XzWriter::new(Vec::new(), options).expect("packed");
            writer.write_all(bytes).expect("packed");
            writer.finish().expect("packed")
        }
        Packing::Zstd => {
            let mut writer = zstd::stream::write::Encoder::new(Vec::new(), 1).expect("packed");
            writer.include_checksum(true).expect("packed");
            writer.write_all(bytes).expect("packed");
            writer.finish().expect("packed")
        }
    }
}

/// A log of so many lines that differ enough not to vanish in compression.
pub fn log_of(lines: u64) -> Vec<u8> {
    let mut log = Vec::new();
    for line in 0..lines {
        let noise = line.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        writeln!(log, "Mar  2 10:00:00 edge1 postfix/smtpd[{line}]: {noise:X}: client=a").expect("a line");
    }
    log
}

/// All lines of the rest of a file, and the error that ended them.
pub fn read_all(file: &mut LogFile) -> (Vec<String>, Option<SourceError>) {
    let mut lines = Vec::new();
    loop {
        match file.next() {
            Ok(Some(chunk)) => {
                assert_eq!(chunk.bytes.last(), Some(&b'\n'));
                lines.extend(chunk.lines().map(|(_, line)| String::from_utf8_lossy(line).into_owned()));
            }
            Ok(None) => return (lines, None),
            Err(error) => return (lines, Some(error)),
        }
    }
}
