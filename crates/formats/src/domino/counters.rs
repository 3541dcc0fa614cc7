//! Statistics in Prometheus' text form, as the add-in `domprom` writes them.
//!
//! A statistic that is a text or a time is not in the file, and one that is not there is not zero. All of `Mail.*` begins at zero again
//! when the router restarts.

/// One line of such a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample<'a> {
    /// `Domino_Mail_Delivered`.
    pub name: &'a [u8],
    /// As it is written.
    pub value: &'a [u8],
    pub has_labels: bool,
    /// The sample's own time in milliseconds since 1970, which `domprom` does not write.
    pub millis: Option<i64>,
}

/// Reads one line; `None`: it is a comment, or no sample.
pub fn sample(line: &[u8]) -> Option<Sample<'_>> {
    let end = line.iter().position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':')))?;
    let (name, rest) = line.split_at_checked(end)?;
    let (has_labels, rest) = match rest.strip_prefix(b"{") {
        Some(labels) => (true, labels.get(memchr::memrchr(b'}', labels)? + 1..)?),
        None => (false, rest),
    };
    let mut words = rest.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
    let value = words.next()?;
    let time = words.next().map(|word| std::str::from_utf8(word).ok()?.parse::<i64>().ok());
    let is_sample = !name.is_empty()
        && !name.first().is_some_and(u8::is_ascii_digit)
        && number(value).is_some()
        && time != Some(None)
        && words.next().is_none();
    is_sample.then_some(Sample { name, value, has_labels, millis: time.flatten() })
}

/// A value, if it is a finite number.
pub fn number(value: &[u8]) -> Option<f64> {
    let first = *value.first()?;
    let value: f64 = std::str::from_utf8(value)
        .ok()
        .filter(|_| first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'.'))?
        .parse()
        .ok()?;
    value.is_finite().then_some(value)
}

/// How much a counter grew from one file to the next. One that is smaller began anew meanwhile: all that it has came since.
pub fn growth(before: f64, after: f64) -> f64 {
    if after < before { after } else { after - before }
}
