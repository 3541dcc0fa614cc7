//! UTF-16 as UTF-8, in pieces that are cut anywhere.

/// Text without a mark is looked at so far.
const LOOKED_AT_BYTES: usize = 512;

#[derive(Clone, Debug)]
pub struct Utf16 {
    is_big_endian: bool,
    /// The first byte of a unit that was cut.
    half: Option<u8>,
    /// The first half of a pair that was cut.
    high: Option<u16>,
}

impl Utf16 {
    /// By the mark at the beginning; or, without one, by the zeros that every other byte of Latin text is.
    pub fn of(head: &[u8]) -> Option<Self> {
        let is_big_endian = match head {
            [0xFF, 0xFE, ..] => false,
            [0xFE, 0xFF, ..] => true,
            _ => {
                let looked_at = &head[..head.len().min(LOOKED_AT_BYTES) & !1];
                let zeros = |at: usize| looked_at.iter().skip(at).step_by(2).filter(|&&byte| byte == 0).count();
                let most = looked_at.len() * 2 / 5;
                match (zeros(0), zeros(1)) {
                    (0, odd) if odd > most => false,
                    (even, 0) if even > most => true,
                    _ => return None,
                }
            }
        };
        Some(Self { is_big_endian, half: None, high: None })
    }

    /// Appends the text. Marks are left out, and halves of pairs that stand alone become U+FFFD.
    pub fn decode(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for &byte in bytes {
            let Some(first) = self.half.take() else {
                self.half = Some(byte);
                continue;
            };
            let unit = if self.is_big_endian { [first, byte] } else { [byte, first] };
            self.unit(u16::from_be_bytes(unit), out);
        }
    }

    fn unit(&mut self, unit: u16, out: &mut Vec<u8>) {
        let units = [self.high.take(), Some(unit)];
        if units[0].is_none() && (0xD800..0xDC00).contains(&unit) {
            self.high = Some(unit);
            return;
        }
        for decoded in char::decode_utf16(units.into_iter().flatten()) {
            let letter = match decoded {
                Ok('\u{FEFF}') => continue,
                Ok(letter) => letter,
                // Another pair may begin with the second of two.
                Err(alone) if alone.unpaired_surrogate() == unit && (0xD800..0xDC00).contains(&unit) => {
                    self.high = Some(unit);
                    continue;
                }
                Err(_) => char::REPLACEMENT_CHARACTER,
            };
            out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str, is_big_endian: bool) -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|unit| if is_big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() })
            .collect()
    }

    #[test]
    fn text_comes_back_from_any_pieces() {
        let text = "\u{FEFF}Straße, \u{1F4E7} 日本\r\n";
        for (is_big_endian, size) in [(false, 1), (false, 3), (true, 1), (true, 2), (true, 100)] {
            let bytes = encoded(text, is_big_endian);
            let mut decoder = Utf16::of(&bytes).expect("a mark");
            let mut out = Vec::new();
            bytes.chunks(size).for_each(|piece| decoder.decode(piece, &mut out));
            assert_eq!(String::from_utf8_lossy(&out), &text[3..]);
        }
    }

    #[test]
    fn text_without_a_mark_is_known_by_its_zeros() {
        assert!(Utf16::of(&encoded("date_time_utc,client_ip", false)).is_some_and(|found| !found.is_big_endian));
        assert!(Utf16::of(&encoded("date_time_utc,client_ip", true)).is_some_and(|found| found.is_big_endian));
        for other in [&b""[..], b"a", b"date_time_utc,client_ip", &[0; 100], "Straße".as_bytes()] {
            assert!(Utf16::of(other).is_none(), "{other:?}");
        }
    }

    #[test]
    fn halves_of_pairs_become_marks_of_what_is_missing() {
        let units = [0xDC00u16, 0x61, 0xD800, 0xD83D, 0xDCE7, 0xD800, 0x62];
        let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        let mut out = Vec::new();
        Utf16 { is_big_endian: true, half: None, high: None }.decode(&bytes, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), "\u{FFFD}a\u{FFFD}\u{1F4E7}\u{FFFD}b");
    }
}
