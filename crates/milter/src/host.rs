//! What the mail server's own lines call this machine: the milter's lines must say the same, so that both are about one message.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use vigie_formats::envelope::{self, Scratch};

/// Looked at of a log's end. A line of some kilobytes is rare.
const TAIL_BYTES: u64 = 64 * 1024;

/// The host in the newest line of a log that can be read; empty where its lines name none. `None`: there is no line.
pub fn host_in_log(path: &Path) -> Option<String> {
    let file = File::open(path).ok()?;
    let len = file.metadata().ok()?.len();
    let tail_len = len.min(TAIL_BYTES);
    let mut tail = vec![0; tail_len as usize];
    file.read_exact_at(&mut tail, len - tail_len).ok()?;
    let whole = tail.get(..memchr::memrchr(b'\n', &tail)?)?;
    let start = memchr::memrchr(b'\n', whole).map_or(0, |newline| newline + 1);
    let mut scratch = Scratch::default();
    let envelope = envelope::parse(whole.get(start..)?, &mut scratch)?;
    Some(String::from_utf8_lossy(envelope.host).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_line_says_the_host() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("mail.log");
        for (text, host) in [
            ("", None),
            ("Mar  2 10:00:00 half a line", None),
            ("Mar  2 10:00:00 old postfix/qmgr[1]: x\nMar  2 10:00:01 mx1 postfix/qmgr[1]: x\nMar  2", Some("mx1")),
            ("2026-03-02T10:00:00Z mx1.example.com postfix/qmgr[1]: x\n", Some("mx1.example.com")),
            ("2026-03-02 10:00:00 1abcde-000001-AB Completed\n", Some("")),
        ] {
            std::fs::write(&log, text).unwrap();
            assert_eq!(host_in_log(&log).as_deref(), host, "{text}");
        }
        assert_eq!(host_in_log(folder.path()), None);
        assert_eq!(host_in_log(&folder.path().join("nothing")), None);
    }
}
