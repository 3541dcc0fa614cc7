//! The statistics that the add-in `domprom` writes for Prometheus (`domino.prom`): one line for a file, with what concerns mail and
//! replication.
//!
//! Text and time statistics are left out by the add-in itself. Counters begin at zero again when the router restarts, see
//! [`crate::domino::counters`].

use vigie_model::{Micros, iso};

use super::{
    COUNTERS,
    paper::{host_name, push_names},
};
use crate::{
    domino::counters::sample,
    transcript::{Lines, Settings, Transcriber, push_column},
};

/// Samples of one file that are kept.
const SAMPLES_MAX: usize = 2_000;
/// Names of what is kept begin so, in any case.
const KEPT: [&[u8]; 3] = [b"domino_mail_", b"domino_replica_", b"dominohealth_mail_"];

/// Takes a file in Prometheus' text form that names statistics of a Domino server, and nothing but samples and comments.
pub fn recognise(head: &[u8], settings: &Settings) -> Option<Box<dyn Transcriber>> {
    // The last line may be cut.
    let whole = memchr::memrchr(b'\n', head).and_then(|end| head.get(..end)).unwrap_or(head);
    let mut lines = whole.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let is_prometheus = lines.clone().all(|line| line.starts_with(b"#") || sample(line).is_some());
    let names_domino = lines.any(|line| {
        sample(line)
            .is_some_and(|sample| sample.name.starts_with(b"Domino_") || sample.name.starts_with(b"DominoHealth_"))
    });
    (is_prometheus && names_domino).then(|| {
        let samples = Samples { host: host_name(&settings.host), modified: settings.modified, ..Samples::default() };
        Box::new(samples) as Box<dyn Transcriber>
    })
}

#[derive(Debug, Default)]
struct Samples {
    host: Vec<u8>,
    modified: Micros,
    /// The youngest time that a sample has of its own, in microseconds.
    own_time: Option<Micros>,
    lines: Lines,
    columns: Vec<u8>,
    kept: usize,
    others: u64,
    is_timeless: bool,
}

impl Transcriber for Samples {
    fn bytes(&mut self, bytes: &[u8], _out: &mut Vec<u8>) {
        let mut lines = std::mem::take(&mut self.lines);
        lines.take(bytes, |line| self.line(line));
        self.lines = lines;
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if let Some(last) = self.lines.rest() {
            self.line(&last);
        }
        let time = self.own_time.or((self.modified != 0).then_some(self.modified));
        self.is_timeless = time.is_none() && self.kept > 0;
        let Some(time) = time.filter(|_| self.kept > 0) else { return };
        out.extend_from_slice(iso(time).as_bytes());
        push_names(&self.host, COUNTERS, out);
        out.append(&mut self.columns);
        out.push(b'\n');
    }

    fn remarks(&self) -> Vec<String> {
        let mut remarks = vec![format!(
            "{} statistics of mail and replication were read; {} others were left out",
            self.kept, self.others
        )];
        if self.is_timeless {
            remarks.push("nothing says when the statistics were written: they were left out".to_owned());
        }
        remarks
    }
}

impl Samples {
    fn line(&mut self, line: &[u8]) {
        let Some(sample) = sample(line.trim_ascii()) else { return };
        let is_kept = KEPT
            .iter()
            .any(|start| sample.name.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start)));
        if !is_kept || sample.has_labels || self.kept == SAMPLES_MAX {
            self.others += 1;
            return;
        }
        self.kept += 1;
        self.own_time = self.own_time.max(sample.millis.and_then(|millis| millis.checked_mul(1000)));
        push_column(&mut self.columns, sample.name, sample.value);
    }
}
