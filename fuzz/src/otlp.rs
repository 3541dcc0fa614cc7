//! The target that reads what shippers send by OTLP.

use vigie_formats::otlp::{Batch, Encoding};

/// Any bytes as a request, and as the bodies of one: each record gives one line or none; what is damaged gives no panic.
pub fn otlp(bytes: &[u8]) {
    for encoding in [Encoding::Protobuf, Encoding::Json] {
        let _ = Batch::read(bytes, encoding, "sender").map(|batch| holds(&batch));
    }
    let bodies: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
    let mut request = request(&bodies);
    let batch = Batch::read(&request, Encoding::Protobuf, "sender").expect("a request");
    assert_eq!(batch.taken + batch.rejected, bodies.len() as u64);
    holds(&batch);
    // The same with a byte of it changed, wherever the input says.
    let sum = bytes.iter().fold(7usize, |sum, &byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
    let at = sum % request.len();
    request[at] ^= 1 << (sum % 8);
    let _ = Batch::read(&request, Encoding::Protobuf, "sender").map(|batch| holds(&batch));
}

fn holds(batch: &Batch) {
    assert_eq!(batch.lines.iter().filter(|&&byte| byte == b'\n').count() as u64, batch.taken);
    assert!(batch.lines.is_empty() || batch.lines.ends_with(b"\n"));
    assert!(!batch.lines.starts_with(b"\n") && !batch.lines.windows(2).any(|two| two == b"\n\n"));
    assert_eq!(batch.rejection.is_some(), batch.rejected > 0);
}

/// Records with these bodies: as text, as bytes, and as the message of a map, in turn.
fn request(bodies: &[&[u8]]) -> Vec<u8> {
    let mut records = Vec::new();
    for (at, body) in bodies.iter().enumerate() {
        let value = match at % 3 {
            0 => field(1, body),
            1 => field(7, body),
            _ => field(6, &field(1, &[field(1, b"MESSAGE"), field(2, &field(1, body))].concat())),
        };
        let mut record = vec![1 << 3 | 1];
        record.extend(1_795_339_800_000_001_000u64.to_le_bytes());
        record.extend(field(5, &value));
        records.extend(field(2, &record));
    }
    let host = [field(1, b"host.name"), field(2, &field(1, b"mx1"))].concat();
    field(1, &[field(1, &field(1, &host)), field(2, &records)].concat())
}

/// A field of protobuf that holds bytes.
fn field(number: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = value.len();
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend_from_slice(value);
    bytes
}
