//! Corpora: folders with `HOST/*.log.gz` and the truth beside them.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};
use jiff::tz::TimeZone;
use serde_json::Value;
use vigie_formats::transcript::{HEAD_BYTES, Settings, recognise};
use vigie_model::Micros;

use crate::{TimedLine, timed};

/// One captured run.
#[derive(Clone, Debug)]
pub struct Corpus {
    pub name: String,
    pub dir: PathBuf,
    pub files: Vec<LogText>,
}

/// One log of it, decompressed.
#[derive(Clone, Debug)]
pub struct LogText {
    pub host: String,
    /// `mail.log`, `dovecot.log`.
    pub name: String,
    pub text: Vec<u8>,
}

/// The project's test data.
pub fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata")
}

/// Every corpus with a truth directly below `folder` of the test data, by name.
pub fn below(folder: &str) -> Vec<Corpus> {
    let mut dirs: Vec<PathBuf> = entries(&testdata().join(folder));
    dirs.retain(|dir| dir.join("ground-truth.json.gz").is_file());
    dirs.iter().map(|dir| Corpus::load(dir)).collect()
}

/// Every corpus with a truth, wherever it lies in the test data, by the names of its folders: whoever adds one adds no Rust.
pub fn everywhere() -> Vec<Corpus> {
    let mut corpora = Vec::new();
    let mut folders = vec![testdata()];
    while let Some(folder) = folders.pop() {
        if folder.join("ground-truth.json.gz").is_file() {
            corpora.push(Corpus::load(&folder));
        } else {
            folders.extend(entries(&folder).into_iter().filter(|path| path.is_dir()));
        }
    }
    corpora.sort_by(|a, b| a.dir.cmp(&b.dir));
    corpora
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut paths: Vec<PathBuf> = listed.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

/// A file's content, decompressed.
pub fn gunzip(path: &Path) -> Vec<u8> {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut bytes = Vec::new();
    MultiGzDecoder::new(file).read_to_end(&mut bytes).expect("a whole gzip file");
    bytes
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    std::io::Write::write_all(&mut encoder, bytes).expect("a vector takes all");
    encoder.finish().expect("a vector takes all")
}

impl Corpus {
    pub fn load(dir: &Path) -> Self {
        let mut corpus = Self::as_written(dir);
        for file in &mut corpus.files {
            file.text = transcribed(std::mem::take(&mut file.text));
        }
        corpus
    }

    /// With files as their servers wrote them, where their lines do not stand for themselves.
    pub fn as_written(dir: &Path) -> Self {
        let hosts = entries(dir).into_iter().filter(|path| path.is_dir());
        let files = hosts.flat_map(|host| entries(&host).into_iter().map(move |path| log_text(&host, &path)));
        Self { name: file_name(dir), dir: dir.to_owned(), files: files.collect() }
    }

    /// The truth, as the program wrote it that sent the mail and looked for it.
    pub fn truth(&self) -> Value {
        serde_json::from_slice(&gunzip(&self.dir.join("ground-truth.json.gz"))).expect("the truth is JSON")
    }

    /// Its files do not say all: a truth with a `zone` has the settings that a person would give at an import.
    pub fn needs_settings(&self) -> bool {
        !self.truth()["zone"].is_null()
    }

    /// The messages that were kept, by the names of their files.
    pub fn messages(&self) -> Vec<(String, Vec<u8>)> {
        let archive = self.dir.join("eml.tar.gz");
        if archive.is_file() { files_in_tar(&gunzip(&archive)) } else { Vec::new() }
    }

    /// Names of the hosts, each once.
    pub fn hosts(&self) -> Vec<&str> {
        let mut hosts: Vec<&str> = self.files.iter().map(|file| &*file.host).collect();
        hosts.dedup();
        hosts
    }

    /// The same run without the files of that name.
    pub fn without(mut self, name: &str) -> Self {
        self.files.retain(|file| file.name != name);
        self
    }

    /// The lines of each file with their times; hosts as places in [`Corpus::hosts`]. A line of one host that stands in several files is
    /// one line (Exim writes refusals into two logs); as often as in the file that has it most.
    pub fn lines(&self) -> Vec<Vec<TimedLine>> {
        // The rigs' zone, and a time after all of them.
        const WRITTEN_UNTIL: Micros = 1_798_761_599_000_000;
        let hosts = self.hosts();
        let place = |name: &str| hosts.iter().position(|host| *host == name).unwrap_or_default();
        let mut known = HashMap::new();
        let file = |file: &LogText| {
            let mut met = HashMap::new();
            let mut lines = timed(place(&file.host), &file.text, &TimeZone::UTC, WRITTEN_UNTIL);
            lines.retain(|line| {
                let identity = (line.host, line.raw.clone());
                let times = met.entry(identity.clone()).or_insert(0);
                *times += 1;
                let kept = known.entry(identity).or_insert(0);
                let is_new = *times > *kept;
                *kept = *times.max(kept);
                is_new
            });
            lines
        };
        self.files.iter().map(file).collect()
    }
}

/// The files of an archive as GNU tar writes it, without their folders.
fn files_in_tar(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    const BLOCK: usize = 512;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_matches(['\0', ' ']).to_owned();
    let mut files = Vec::new();
    let mut at = 0;
    while let Some(header) = archive.get(at..at + BLOCK)
        && header[0] != 0
    {
        let size = usize::from_str_radix(&text(&header[124..136]), 8).expect("a size");
        at += BLOCK;
        let name = text(&header[..100]);
        if !name.ends_with('/') {
            let name = name.rsplit('/').next().unwrap_or_default().to_owned();
            files.push((name, archive[at..at + size].to_vec()));
        }
        at += size.div_ceil(BLOCK) * BLOCK;
    }
    files
}

fn log_text(host: &Path, path: &Path) -> LogText {
    LogText { host: file_name(host), name: file_name(path).trim_end_matches(".gz").to_owned(), text: gunzip(path) }
}

/// A file's lines, where they do not stand for themselves; nobody says which host wrote it.
pub fn transcribed(bytes: Vec<u8>) -> Vec<u8> {
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    let Some(mut transcriber) = recognise(head, &Settings::default()) else { return bytes };
    let mut lines = Vec::new();
    transcriber.bytes(&bytes, &mut lines);
    transcriber.finish(&mut lines);
    lines
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into()
}
