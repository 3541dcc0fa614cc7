//! A folder with a clock in hand, a server that checks what it gets, and places on a disk.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use vigie_formats::transcript::Settings;
use vigie_sources::{Feed, FeedEvent, Folder, LogFile, PIECE_BYTES_MAX, Piece, Place, SourceError, StreamId};

const DAY_S: u64 = 24 * 3600;

/// What the server holds of a stream.
#[derive(Clone, Debug, Default)]
pub struct Held {
    pub start: u64,
    pub bytes: Vec<u8>,
    pub durable: u64,
    pub is_ended: bool,
    /// What the folder was told to be durable in this run: nothing below may come again.
    told: u64,
}

impl Held {
    pub fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

pub struct Rig {
    work: tempfile::TempDir,
    pub folder: Folder,
    pub settings: Settings,
    pub server: BTreeMap<StreamId, Held>,
    pub order: Vec<StreamId>,
    pub events: Vec<FeedEvent>,
    saved: String,
    clock: Arc<AtomicU64>,
    runs: u128,
}

impl Rig {
    pub fn new(settings: Settings) -> Self {
        let work = tempfile::tempdir().expect("a folder");
        let path = work.path().join("logs");
        fs::create_dir(&path).expect("a folder");
        let clock = Arc::new(AtomicU64::new(0));
        let folder = folder(&path, &settings, Vec::new(), &clock, 1);
        let (server, order, events) = Default::default();
        Rig { work, folder, settings, server, order, events, saved: "[]".into(), clock, runs: 1 }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.work.path().join("logs").join(name)
    }

    pub fn append(&self, name: &str, bytes: &[u8]) {
        let mut file = OpenOptions::new().append(true).create(true).open(self.path(name)).expect("a file");
        file.write_all(bytes).expect("written");
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).expect("written");
    }

    /// Lets a file look as if it had been changed so long ago.
    pub fn age(&self, name: &str, seconds: u64) {
        let file = File::options().write(true).open(self.path(name)).expect("a file");
        file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).expect("a time");
    }

    /// The same file under another number.
    pub fn renumber(&self, name: &str) {
        let (path, copy) = (self.path(name), self.path(".copy"));
        fs::copy(&path, &copy).expect("copied");
        let modified = fs::metadata(&path).and_then(|metadata| metadata.modified()).expect("a time");
        File::options().write(true).open(&copy).and_then(|file| file.set_modified(modified)).expect("a time");
        fs::rename(copy, path).expect("renamed");
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("removed");
    }

    /// The share is not there; with an empty folder in its place where it is mounted, or none.
    pub fn unmount(&self, leaves_folder: bool) {
        fs::rename(self.path(""), self.work.path().join("away")).expect("renamed");
        if leaves_folder {
            fs::create_dir(self.path("")).expect("a folder");
        }
    }

    pub fn mount(&self) {
        let _ = fs::remove_dir(self.path(""));
        fs::rename(self.work.path().join("away"), self.path("")).expect("renamed");
    }

    pub fn pass(&self, seconds: u64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
    }

    pub fn poll(&mut self) -> usize {
        self.poll_some(usize::MAX)
    }

    pub fn poll_some(&mut self, pieces_max: usize) -> usize {
        let mut pieces = 0;
        while pieces < pieces_max
            && let Some(piece) = self.folder.next().expect("a feed that never fails")
        {
            self.accept(piece);
            pieces += 1;
        }
        self.events.extend(self.folder.events());
        pieces
    }

    fn accept(&mut self, piece: Piece) {
        assert!(piece.bytes.len() <= PIECE_BYTES_MAX);
        assert!(!piece.bytes.is_empty() || piece.is_last, "an empty piece that is not the last");
        assert!(piece.bytes.is_empty() || piece.bytes.ends_with(b"\n"), "half a line");
        if !self.server.contains_key(&piece.stream) {
            self.save();
            self.order.push(piece.stream);
            self.server.insert(piece.stream, Held { start: piece.offset, ..Held::default() });
        }
        let held = self.server.get_mut(&piece.stream).expect("just made");
        assert!(piece.offset >= held.told, "{} comes again below durable {}", piece.offset, held.told);
        assert!(piece.offset <= held.end(), "a gap from {} to {}", held.end(), piece.offset);
        let known = (piece.offset - held.start) as usize;
        let again = (held.bytes.len() - known).min(piece.bytes.len());
        let (had, has) = (&held.bytes[known..known + again], &piece.bytes[..again]);
        assert!(had == has, "other bytes at {}", piece.offset);
        held.bytes.extend_from_slice(&piece.bytes[again..]);
        held.is_ended |= piece.is_last;
    }

    pub fn save(&mut self) {
        self.saved = serde_json::to_string(&self.folder.places()).expect("text");
    }

    pub fn durable(&mut self, stream: StreamId, offset: u64) {
        let held = self.server.get_mut(&stream).expect("a stream");
        assert!(offset <= held.end());
        held.durable = held.durable.max(offset);
        held.told = held.durable;
        self.folder.durable(stream, held.durable);
    }

    pub fn durable_all(&mut self) {
        for stream in self.order.clone() {
            self.durable(stream, self.server[&stream].end());
        }
    }

    pub fn durable_all_of_last(&mut self) {
        if let Some(stream) = self.order.last().copied() {
            self.durable(stream, self.server[&stream].end());
        }
    }

    pub fn rewind(&mut self, stream: StreamId, offset: u64) -> Result<(), SourceError> {
        let held = self.server.get_mut(&stream).expect("a stream");
        self.folder.rewind(stream, offset)?;
        held.bytes.truncate((offset - held.start) as usize);
        held.is_ended = false;
        Ok(())
    }

    /// Kills the collector, which goes on from the places on its disk. The server keeps what it got.
    pub fn restart(&mut self) {
        self.events.extend(self.folder.events());
        self.runs += 1;
        let places: Vec<Place> = serde_json::from_str(&self.saved).expect("places");
        self.server.values_mut().for_each(|held| held.told = 0);
        self.folder = folder(&self.path(""), &self.settings, places, &self.clock, self.runs);
    }

    pub fn stop_and_start(&mut self) {
        self.save();
        self.restart();
    }

    /// Reads all that is there, and lets it become durable.
    pub fn settle(&mut self) {
        let mut quiet = 0;
        for _ in 0..10_000 {
            quiet = if self.poll() == 0 { quiet + 1 } else { 0 };
            self.durable_all();
            self.pass(5);
            if quiet > 30 {
                return;
            }
        }
        panic!("it never comes to an end");
    }

    /// The same, and a day passes: all files come to their end.
    pub fn end(&mut self) {
        self.settle();
        self.pass(DAY_S + 1);
        self.settle();
    }

    pub fn streams(&self) -> Vec<String> {
        let texts = self.order.iter().map(|id| String::from_utf8_lossy(&self.server[id].bytes).into_owned());
        texts.filter(|text| !text.is_empty()).collect()
    }

    /// What each of these files is as one import reads it.
    pub fn whole(&self, names: &[&str]) -> Vec<String> {
        names.iter().map(|name| whole(&self.path(name), &self.settings)).filter(|text| !text.is_empty()).collect()
    }

    /// Demands each file as one stream, byte for byte, with nothing lost and nothing else.
    pub fn expect_each(&mut self, names: &[&str]) {
        self.end();
        let (mut streams, mut wanted) = (self.streams(), self.whole(names));
        streams.sort();
        wanted.sort();
        let short = |texts: &[String]| -> Vec<String> {
            texts.iter().map(|text| format!("{} bytes: {:.90}", text.len(), text)).collect()
        };
        assert!(streams == wanted, "{:#?}\nwanted {:#?}\n{:#?}", short(&streams), short(&wanted), self.events);
        assert_eq!(self.losses(), Vec::<FeedEvent>::new());
        assert!(self.order.iter().all(|id| self.server[id].is_ended), "streams have no end");
        assert_eq!(self.folder.backlog_bytes(), 0);
    }

    pub fn losses(&self) -> Vec<FeedEvent> {
        let is_loss = |event: &&FeedEvent| matches!(event, FeedEvent::Lost { .. } | FeedEvent::Overwritten { .. });
        self.events.iter().filter(is_loss).cloned().collect()
    }

    pub fn told(&self, wanted: impl Fn(&FeedEvent) -> bool) -> usize {
        self.events.iter().filter(|event| wanted(event)).count()
    }

    pub fn notices(&self) -> Vec<String> {
        let text = |event: &FeedEvent| match event {
            FeedEvent::Notice { text } => Some(text.clone()),
            _ => None,
        };
        self.events.iter().filter_map(text).collect()
    }
}

/// The lines of a file, as one import reads them.
pub fn whole(path: &Path, settings: &Settings) -> String {
    let mut log = LogFile::open_as(path, settings).expect("a log");
    let mut text = Vec::new();
    while let Some(chunk) = log.next().expect("a good file") {
        text.extend_from_slice(chunk.bytes);
    }
    String::from_utf8(text).expect("text")
}

/// A file of the corpora, unpacked.
pub fn made(path: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(path).with_extension("LOG.gz");
    let path = if path.exists() { path } else { path.with_extension("").with_extension("log.gz") };
    let mut bytes = Vec::new();
    let packed = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).expect("gzip");
    bytes
}

/// A tracking log of that server, by its service and hour.
pub fn exchange(name: &str) -> Vec<u8> {
    made(&format!("exchange/made/dag/ex19a/{name}"))
}

/// Many hours of it as one large file, in which the header is repeated.
pub fn large_exchange() -> Vec<u8> {
    let hours = [
        "2821-1", "2821-2", "2821-3", "2822-1", "2822-2", "2823-1", "2823-2", "2900-1", "2900-2", "2901-1", "2901-2",
        "2902-1", "2902-2", "2902-3", "2903-1", "2903-2", "2903-3", "2904-1", "2904-2", "2905-1", "2905-2", "2905-3",
    ];
    hours.iter().flat_map(|hour| exchange(&format!("MSGTRK202603{hour}"))).collect()
}

fn folder(path: &Path, settings: &Settings, places: Vec<Place>, clock: &Arc<AtomicU64>, run: u128) -> Folder {
    let clock = clock.clone();
    Folder::new(path, settings.clone(), places)
        .with_clock(move || Duration::from_secs(clock.load(Ordering::Relaxed)))
        .with_seed(run)
}
