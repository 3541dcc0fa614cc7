//! Telling a log from what is no text at all.

/// The share of control bytes above which a file is no text. Random bytes have one in nine, text next to none.
const CONTROL_SHARE: usize = 16;
/// Where a tar archive says so.
const TAR_MAGIC: std::ops::Range<usize> = 257..262;

const KINDS: [(&[u8], &str); 11] = [
    (b"\xFF\xFE", "UTF-16 text"),
    (b"\xFE\xFF", "UTF-16 text"),
    (b"LPKSHHRH", "a systemd journal"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"7z\xBC\xAF", "a 7z archive"),
    (b"\x1F\x9D", "compressed with compress (.Z)"),
    (b"\x04\x22\x4D\x18", "compressed with LZ4"),
    (b"LZIP", "compressed with lzip"),
    (b"%PDF", "a PDF document"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\x7FELF", "a program"),
];

/// What a file is when its first bytes are not a log's; `None` when they may be. NULs that a crash left behind are no
/// reason, and neither are bytes above 127.
pub(crate) fn kind(head: &[u8]) -> Option<&'static str> {
    if let Some((_, kind)) = KINDS.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(kind);
    }
    if head.get(TAR_MAGIC) == Some(b"ustar") {
        return Some("a tar archive");
    }
    let (mut letters, mut controls, mut single_nuls) = (0, 0, 0);
    let mut before = 0;
    for &byte in head {
        match byte {
            0 if before == 0 => {}
            0 => single_nuls += 1,
            b'\t' | b'\n' | b'\r' | 0x1B => letters += 1,
            0..=0x1F | 0x7F => controls += 1,
            _ => letters += 1,
        }
        before = byte;
    }
    let seen = letters + controls;
    if single_nuls * 3 > seen && letters > controls {
        return Some("UTF-16 text");
    }
    ((controls + single_nuls) * CONTROL_SHARE > seen + single_nuls).then_some("binary data")
}

#[cfg(test)]
mod tests {
    use super::kind;

    #[test]
    fn logs_in_any_8_bit_encoding_are_text() {
        assert_eq!(kind(b"Mar  2 10:00:00 h p[1]: caf\xE9 \xFF\xFF\t\r\n"), None);
        assert_eq!(kind("Mar  2 10:00:00 h p[1]: 日本\n".as_bytes()), None);
        assert_eq!(kind(b"\x1B[31mMar  2 10:00:00 h p[1]: t\x1B[0m\n"), None);
    }

    #[test]
    fn nuls_left_by_a_crash_are_text() {
        let mut log = vec![0; 2000];
        log.extend_from_slice(b"Mar  2 10:00:00 h p[1]: t\n");
        log.extend_from_slice(&[0; 500]);
        log.extend_from_slice(b"Mar  2 10:00:00 h p[1]: t\n");
        assert_eq!(kind(&log), None);
        assert_eq!(kind(&[0; 4096]), None);
    }

    #[test]
    fn utf16_is_named_with_and_without_its_mark() {
        let text: Vec<u8> = "Mar  2 10:00:00 h p[1]: t\n".bytes().flat_map(|byte| [byte, 0]).collect();
        assert_eq!(kind(&text), Some("UTF-16 text"));
        assert_eq!(kind(b"\xFF\xFEM\0"), Some("UTF-16 text"));
    }

    #[test]
    fn archives_and_data_are_named() {
        assert_eq!(kind(b"LPKSHHRH\0\0\0\0"), Some("a systemd journal"));
        let mut tar = b"mail.log".to_vec();
        tar.resize(257, 0);
        tar.extend_from_slice(b"ustar");
        assert_eq!(kind(&tar), Some("a tar archive"));
        let noise: Vec<u8> = (0..4096u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        assert_eq!(kind(&noise), Some("binary data"));
    }
}
