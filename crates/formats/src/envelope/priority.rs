//! `<22>` before a line that was forwarded raw: facility and severity, which say nothing a mail log needs.

/// Facility 23, severity 7: the largest priority of RFC 3164 and RFC 5424.
const PRIORITY_MAX: u32 = 191;

/// The line behind its `<PRI>`; `None` when it does not begin with one.
pub(crate) fn strip(line: &[u8]) -> Option<&[u8]> {
    let inside = line.strip_prefix(b"<")?;
    let end = inside.iter().take(4).position(|&byte| byte == b'>')?;
    let priority = super::digits::number(&inside[..end])?;
    (priority <= PRIORITY_MAX).then(|| &inside[end + 1..])
}
