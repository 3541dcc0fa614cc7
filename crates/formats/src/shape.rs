//! The shape of a line nobody understood: its words, without the parts that change from line to line.

/// A shape longer than this says nothing more.
const SHAPE_BYTES_MAX: usize = 120;

/// Digits become `N`, bracketed and quoted parts are emptied, words with digits become `X`.
pub fn shape(text: &[u8]) -> String {
    let mut shape = String::with_capacity(SHAPE_BYTES_MAX);
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        if shape.len() >= SHAPE_BYTES_MAX {
            shape.push('…');
            break;
        }
        let closing = match first {
            b'<' => Some((b'>', "<>")),
            b'[' => Some((b']', "[]")),
            b'"' => Some((b'"', "\"\"")),
            _ => None,
        };
        if let Some((close, word)) = closing
            && let Some(end) = memchr::memchr(close, tail)
        {
            shape.push_str(word);
            rest = &tail[end + 1..];
        } else if first.is_ascii_alphanumeric() {
            let end = rest.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(rest.len());
            push_word(&mut shape, &rest[..end]);
            rest = &rest[end..];
        } else {
            shape.push(if first.is_ascii_graphic() || first == b' ' { char::from(first) } else { '?' });
            rest = tail;
        }
    }
    shape
}

fn push_word(shape: &mut String, word: &[u8]) {
    if word.iter().all(u8::is_ascii_digit) {
        shape.push('N');
    } else if word.iter().any(u8::is_ascii_digit) && word.len() > 4 {
        shape.push('X');
    } else {
        let room = SHAPE_BYTES_MAX.saturating_sub(shape.len());
        shape.extend(word.iter().take(room).map(|&b| char::from(b)));
    }
}

#[cfg(test)]
mod tests {
    use super::shape;

    #[test]
    fn lines_that_differ_in_ids_and_addresses_share_a_shape() {
        let one = shape(b"4jXGQ503wXz1Y5Q7: odd thing <a@b.c> after 17 s from h[192.0.2.1]");
        assert_eq!(one, shape(b"4jXGR93bh2z1Y58C: odd thing <x@y> after 3 s from h[::1]"));
        assert_eq!(one, "X: odd thing <> after N s from h[]");
    }

    #[test]
    fn a_shape_is_bounded_and_printable_for_any_bytes() {
        let text: Vec<u8> = (0..=255u8).cycle().take(100_000).collect();
        let shape = shape(&text);
        assert!(shape.len() < 200 && shape.chars().all(|c| !c.is_control()));
    }
}
