//! What other programs put around a mail server's text: Solaris' message id, rsyslog's repetition, a container's header.

use super::digits::{number, space_from};
use super::stamp::Second;
use super::{Envelope, Stamp, syslog};

/// Takes the wrappings off: `[ID 801593 mail.info] `, `message repeated …`, and a full header inside a container's.
#[inline]
pub(super) fn unwrap(envelope: Envelope<'_>) -> Envelope<'_> {
    match envelope.text {
        [b'[', b'I', b'D', b' ', ..] | [b'm', b'e', b's', b's', ..] | [b'l', b'a', b's', b't', ..] => wrapped(envelope),
        text if looks_like_header(text) => contained(envelope),
        _ => envelope,
    }
}

#[cold]
fn wrapped(envelope: Envelope<'_>) -> Envelope<'_> {
    let mut envelope = envelope;
    if let Some(text) = after_solaris_id(envelope.text) {
        envelope.text = text;
    }
    if let Some((times, text)) = repetition(envelope.text) {
        envelope.repeated = times.max(1);
        envelope.text = text;
    }
    if looks_like_header(envelope.text) { contained(envelope) } else { envelope }
}

/// Solaris' syslogd writes `[ID 801593 mail.info] ` after the tag.
fn after_solaris_id(text: &[u8]) -> Option<&[u8]> {
    let rest = text.strip_prefix(b"[ID ")?;
    let end = space_from(rest, 0);
    number(&rest[..end])?;
    let close = rest.iter().take(64).position(|&byte| byte == b']')?;
    let rest = &rest[close + 1..];
    Some(rest.strip_prefix(b" ").unwrap_or(rest))
}

/// rsyslog's `message repeated 2 times: [ … ]` gives the inner text; `last message repeated 2 times` stays as it is.
fn repetition(text: &[u8]) -> Option<(u32, &[u8])> {
    let (counted, whole) = match text.strip_prefix(b"message repeated ") {
        Some(counted) => (counted, false),
        None => (text.strip_prefix(b"last message repeated ")?, true),
    };
    let end = space_from(counted, 0);
    let times = number(&counted[..end])?;
    if whole {
        return counted[end..].starts_with(b" time").then_some((times, text));
    }
    let inner = counted[end..].strip_prefix(b" times: [")?;
    let inner = inner.strip_prefix(b" ").unwrap_or(inner);
    let inner = inner.strip_suffix(b"]").unwrap_or(inner);
    Some((times, inner.strip_suffix(b" ").unwrap_or(inner)))
}

/// A cheap look: `May  2 20:56:17 `, `2026-05-02T20:56:17`, `<22>…`.
#[inline]
fn looks_like_header(text: &[u8]) -> bool {
    match text.first_chunk::<14>() {
        Some(head) => {
            (head[3] == b' ' && head[9] == b':' && head[12] == b':')
                || (head[4] == b'-' && head[7] == b'-' && head[13] == b':')
                || (head[0] == b'<' && head[1].is_ascii_digit())
        }
        None => false,
    }
}

/// A container's output with a header of its own: two clocks and two zones, and the inner one is the mail server's
/// (docker-mailserver #969). Only for known container runtimes: any other program may quote foreign text.
#[cold]
fn contained(outer: Envelope<'_>) -> Envelope<'_> {
    if !is_container(outer.program) {
        return outer;
    }
    let Some(inner) = syslog::parse(outer.text, &mut Second::default()).filter(|inner| !inner.program.is_empty())
    else {
        return outer;
    };
    let mut inner = inner;
    if let Some((times, text)) = repetition(inner.text) {
        inner.repeated = times.max(1);
        inner.text = text;
    } else if let Some(text) = after_solaris_id(inner.text) {
        inner.text = text;
    }
    Envelope {
        stamp: if inner.stamp == Stamp::None { outer.stamp } else { inner.stamp },
        host: if inner.host.is_empty() { outer.host } else { inner.host },
        repeated: outer.repeated.saturating_mul(inner.repeated),
        ..inner
    }
}

/// Docker's syslog and journald drivers tag lines with `docker/NAME`, or with the first 12 hex digits of the container.
fn is_container(program: &[u8]) -> bool {
    const RUNTIMES: [&[u8]; 8] =
        [b"docker", b"containerd", b"podman", b"conmon", b"crio", b"cri-o", b"k3s", b"kubelet"];
    RUNTIMES.iter().any(|runtime| program.starts_with(runtime))
        || (program.len() == 12 && program.iter().all(u8::is_ascii_hexdigit))
}
