//! A file whose lines do not stand for themselves, read as lines that do: a transcriber between the decoder and whoever reads.

use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex, PoisonError};

use vigie_formats::transcript::{self, Growth, HEAD_BYTES, Settings, Transcriber};

use crate::LINE_BYTES_MAX;
use crate::decoder::Decoder;

/// Bytes of the file that are transcribed at once.
const STEP_BYTES: usize = 64 * 1024;

/// What was found out about the file, once it is read to its end.
pub(crate) type Remarks = Arc<Mutex<Vec<String>>>;

/// The decoder itself, where lines stand for themselves; else one that transcribes. An error that is met in the
/// beginning comes again once the beginning was taken.
pub(crate) fn open(mut decoder: Decoder, settings: &Settings, remarks: &Remarks) -> (Decoder, bool) {
    let mut head = Vec::new();
    let failure = (&mut decoder).take(HEAD_BYTES as u64).read_to_end(&mut head).err();
    let rest: Decoder = match failure {
        Some(error) => Box::new(Cursor::new(head.clone()).chain(Failing(Some(error)))),
        None => Box::new(Cursor::new(head.clone()).chain(decoder)),
    };
    match transcript::recognise(&head, settings) {
        Some(transcriber) => {
            let transcribed = Transcribed {
                source: rest,
                transcriber,
                is_growing: settings.growth == Growth::Growing,
                step: vec![0; STEP_BYTES].into_boxed_slice(),
                lines: Vec::new(),
                at: 0,
                is_over: false,
                remarks: remarks.clone(),
            };
            (Box::new(transcribed), true)
        }
        None => (rest, false),
    }
}

struct Transcribed {
    source: Decoder,
    transcriber: Box<dyn Transcriber>,
    /// What may still go on is not told at the end.
    is_growing: bool,
    step: Box<[u8]>,
    /// Transcribed, and taken up to `at`.
    lines: Vec<u8>,
    at: usize,
    is_over: bool,
    remarks: Remarks,
}

impl Read for Transcribed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.lines.len() && !self.is_over {
            self.lines.clear();
            self.at = 0;
            let bytes = self.source.read(&mut self.step)?;
            if bytes == 0 {
                let remarks = if self.is_growing {
                    self.transcriber.waits_for().map(str::to_owned).into_iter().collect()
                } else {
                    self.transcriber.finish(&mut self.lines);
                    self.transcriber.remarks()
                };
                self.is_over = true;
                *self.remarks.lock().unwrap_or_else(PoisonError::into_inner) = remarks;
            } else {
                self.transcriber.bytes(&self.step[..bytes], &mut self.lines);
            }
            cut_overlong(&mut self.lines);
        }
        let bytes = buffer.len().min(self.lines.len() - self.at);
        buffer[..bytes].copy_from_slice(&self.lines[self.at..self.at + bytes]);
        self.at += bytes;
        Ok(bytes)
    }
}

/// Cuts lines that nobody would read whole, so that places in what is read are places in what is given out.
fn cut_overlong(lines: &mut Vec<u8>) {
    let is_overlong = |line: &[u8]| line.len() > LINE_BYTES_MAX;
    if !lines.split(|&byte| byte == b'\n').any(is_overlong) {
        return;
    }
    let kept = lines.split_inclusive(|&byte| byte == b'\n').flat_map(|line| {
        let cut = &line[..line.len().min(LINE_BYTES_MAX)];
        [cut, if cut.ends_with(b"\n") { b"" } else { b"\n" }]
    });
    *lines = kept.collect::<Vec<_>>().concat();
}

/// An error that was met while looking ahead, in its place.
struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}
