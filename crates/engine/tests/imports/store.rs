//! Stores in temporary folders, and all that they tell.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use jiff::tz::TimeZone;
use tempfile::TempDir;
use vigie_engine::{
    export::{self, Dataset},
    import::{
        self, Imported, Options, Phase, Store,
        live::{Arrival, StreamKey},
    },
    intake::{HostRule, Source},
};
use vigie_formats::{
    JournalCopy,
    mailbox::{self, CopyPlace},
};
use vigie_model::{Content, Kind, MICROS_PER_SECOND, Micros};
use vigie_testkit::{
    Reading,
    corpus::{self, Corpus},
    random::Random,
};

/// Everything that is exported, as the files that a person gets.
#[derive(Debug, PartialEq, Eq)]
pub struct Rows {
    pub journeys: String,
    pub deliveries: String,
    pub hops: String,
    pub rejections: String,
}

impl Rows {
    /// Fails with the first line that differs.
    #[track_caller]
    pub fn assert_same(&self, other: &Rows, situation: &str) {
        for (what, one, two) in [
            ("hops", &self.hops, &other.hops),
            ("rejections", &self.rejections, &other.rejections),
            ("journeys", &self.journeys, &other.journeys),
            ("deliveries", &self.deliveries, &other.deliveries),
        ] {
            let differ = one.lines().zip(two.lines()).position(|(one, two)| one != two);
            let at = differ.unwrap_or(one.lines().count().min(two.lines().count()));
            let shown = |text: &str| text.lines().nth(at).unwrap_or("(end)").to_owned();
            assert!(one == two, "{situation}: {what} differ at row {at}:\n{}\n{}", shown(one), shown(two));
        }
    }
}

/// A store and a folder for the files that are imported into it.
pub struct Place {
    dir: TempDir,
    pub store: Store,
}

impl Place {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::open(&dir.path().join("data")).expect("a store");
        Self { dir, store }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file of a host, and says how it is imported.
    pub fn file(&self, host: &str, name: &str, bytes: &[u8]) -> Source {
        let path = self.path(host).join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, bytes).expect("a file");
        source(host, &path)
    }

    pub fn import(&self, sources: &[Source]) -> Imported {
        self.import_watched(sources, &mut |_| true)
    }

    pub fn import_watched(&self, sources: &[Source], watch: &mut dyn FnMut(&Phase) -> bool) -> Imported {
        import::import(&self.store, sources, &options(HostRule::Line), watch).expect("an import")
    }

    /// With commits of few lines.
    pub fn import_in_steps(
        &self,
        sources: &[Source],
        commit_lines_max: u64,
        watch: &mut dyn FnMut(&Phase) -> bool,
    ) -> Imported {
        let options = Options { commit_lines_max, ..options(HostRule::Line) };
        import::import(&self.store, sources, &options, watch).expect("an import")
    }

    /// The host of a file counts for all of its lines.
    pub fn import_renamed(&self, sources: &[Source]) -> Imported {
        import::import(&self.store, sources, &options(HostRule::File), &mut |_| true).expect("an import")
    }

    pub fn rows(&self) -> Rows {
        let text = |dataset| {
            let mut out = Vec::new();
            export::export(&self.store, dataset, Micros::MIN / 4, Micros::MAX / 4, &mut out).expect("an export");
            String::from_utf8(out).expect("JSON is UTF-8")
        };
        Rows {
            journeys: text(Dataset::Journeys),
            deliveries: text(Dataset::Deliveries),
            hops: text(Dataset::Hops),
            rejections: text(Dataset::Rejections),
        }
    }

    /// Rows of every table.
    pub fn sizes(&self) -> Vec<(String, u64)> {
        let sizes = self.store.lake.snapshot().expect("a snapshot").sizes();
        sizes.into_iter().map(|size| (format!("{:?}", size.table), size.rows)).collect()
    }

    pub fn lines(&self) -> u64 {
        self.sizes().iter().find(|(table, _)| table == "Lines").expect("the table").1
    }
}

fn options(host_rule: HostRule) -> Options {
    let commit_lines_max = import::COMMIT_LINES_MAX;
    Options { zone: TimeZone::UTC, default_host: "here".to_owned(), host_rule, dates: None, commit_lines_max }
}

pub fn source(host: &str, path: &Path) -> Source {
    Source { path: path.to_owned(), host: Some(host.to_owned()) }
}

/// One log of the captured run.
pub struct Log {
    pub host: String,
    pub name: String,
    pub text: Vec<u8>,
}

impl Log {
    /// Of a stream that this log is sent as.
    pub fn key(&self, number: u128) -> StreamKey {
        StreamKey { sender: self.host.as_str().into(), stream: number }
    }

    /// What a collector sends of it, the bytes `from..until`.
    pub fn piece(&self, number: u128, from: usize, until: usize) -> Arrival<'_> {
        Arrival {
            key: self.key(number),
            label: &self.name,
            host: &self.host,
            offset: from as u64,
            bytes: &self.text[from..until],
            is_last: until == self.text.len(),
            after_loss: false,
        }
    }
}

/// A captured run: times without a year, and two files of one host.
pub static SHORT: LazyLock<Vec<Log>> = LazyLock::new(|| logs("postfix-chain/file-short"));
/// Another: times with a year and microseconds, one file a host.
pub static LONG: LazyLock<Vec<Log>> = LazyLock::new(|| logs("postfix-chain/iso-long"));

/// The long run, and what a journal mailbox tells of its messages: nearly in order of time, some later than others.
pub fn with_copies() -> Vec<Log> {
    let corpus = Corpus::load(&corpus::testdata().join("postfix-chain/iso-long"));
    let mut reading = Reading::of(&corpus.hosts());
    corpus.lines().into_iter().flatten().for_each(|line| reading.line(&line));
    let mut random = Random::new(20_261_123);
    let mut lines: Vec<(Micros, String)> = Vec::new();
    for (uid, hop) in (1..).zip(reading.hops().iter().filter(|hop| hop.kind == Kind::Transfer)) {
        let name = |name: &str| if uid % 5 == 0 { format!("nobody.{name}") } else { name.to_owned() };
        let copy = JournalCopy {
            queue_id: hop.queue_id.filter(|_| uid % 7 > 0),
            message_id: name(&hop.message_id).into(),
            subject: format!("copy {uid}").into(),
            content: Box::new(Content { header_from: format!("{uid}@example.com").into(), ..Content::default() }),
        };
        let place = CopyPlace { validity: 7, uid };
        let late = random.below(40) as Micros * MICROS_PER_SECOND;
        lines.push((hop.ts_in + late, mailbox::line(hop.ts_in, &hop.server, &copy, place)));
    }
    lines.sort_by_key(|(ts, _)| *ts);
    let text: String = lines.into_iter().map(|(_, line)| line + "\n").collect();
    let copies = Log { host: "journal".to_owned(), name: "mailbox".to_owned(), text: text.into_bytes() };
    let of = |log: &Log| Log { host: log.host.clone(), name: log.name.clone(), text: log.text.clone() };
    LONG.iter().map(of).chain([copies]).collect()
}

/// What one import of all of it gives.
pub static SHORT_ROWS: LazyLock<Rows> = LazyLock::new(|| at_once(&SHORT));
pub static LONG_ROWS: LazyLock<Rows> = LazyLock::new(|| at_once(&LONG));

fn logs(folder: &str) -> Vec<Log> {
    let corpus = Corpus::load(&corpus::testdata().join(folder));
    corpus.files.into_iter().map(|file| Log { host: file.host, name: file.name, text: file.text }).collect()
}

/// The second half of each long log by a clock that was set back by three hours.
pub fn set_back() -> Vec<Log> {
    let of = |log: &Log| {
        let half = line_end(&log.text, log.text.len() / 2);
        let later = String::from_utf8_lossy(&log.text[half..]).replace("T04:", "T01:");
        let text = [&log.text[..half], later.as_bytes()].concat();
        Log { host: log.host.clone(), name: log.name.clone(), text }
    };
    LONG.iter().map(of).collect()
}

pub fn at_once(logs: &[Log]) -> Rows {
    let place = Place::new();
    let sources: Vec<Source> = logs.iter().map(|log| place.file(&log.host, &log.name, &log.text)).collect();
    let imported = place.import(&sources);
    assert_eq!(imported.report.problems().count(), 0);
    assert_eq!((imported.unknown, imported.lines > 3_000), (0, true));
    place.rows()
}

/// Where the line that holds this byte ends.
pub fn line_end(text: &[u8], at: usize) -> usize {
    text[at..].iter().position(|&byte| byte == b'\n').map_or(text.len(), |offset| at + offset + 1)
}

/// The beginnings of pieces of about the same size, at line starts, and the end.
pub fn cuts(text: &[u8], pieces: usize) -> Vec<usize> {
    let mut cuts: Vec<usize> = (1..pieces).map(|piece| line_end(text, text.len() * piece / pieces)).collect();
    cuts.insert(0, 0);
    cuts.push(text.len());
    cuts
}

/// All orders of so many things.
pub fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = orders(count - 1);
    let longer = |order: &Vec<usize>, at: usize| [&order[..at], &[count - 1], &order[at..]].concat();
    shorter.iter().flat_map(|order| (0..count).map(move |at| longer(order, at))).collect()
}
