//! A view of all tables at one moment, and the rows in it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use vigie_model::{Attempt, Hop, Journey, MICROS_PER_DAY, Micros, QueueId, Rejection, ServerCounts, Text};

use crate::delta::FileSet;
use crate::lake::Inner;
use crate::layout::Current;
use crate::rows::{Coverage, Fact, JourneyKeys, Line, LineHash, ServerEvents, Shape, journeys_of};
use crate::scan::{Period, Rows, Scan};
use crate::{LakeError, Table};

/// Lines of one server stand in this order in every file.
const LINE_ORDER: &[&str] = &["ts", "file", "offset"];

/// All tables as one commit left them. Later commits do not change it.
#[derive(Clone)]
pub struct Snapshot {
    pub(crate) inner: Arc<Inner>,
    sequence: u64,
    files: Arc<[FileSet]>,
}

/// How much a table holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableSize {
    pub table: Table,
    pub rows: u64,
    pub files: usize,
    pub bytes: u64,
}

impl Snapshot {
    pub(crate) fn open(inner: Arc<Inner>, current: &Current) -> Result<Self, LakeError> {
        let files = inner.wait(async {
            let mut files = Vec::new();
            for table in Table::ALL {
                files.push(inner.log(table).files_at(current.version(table)).await?);
            }
            Ok::<_, LakeError>(files)
        })?;
        Ok(Snapshot { inner, sequence: current.sequence, files: files.into() })
    }

    /// Number of the newest commit in it.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Hops with `ts_in < until` and `ts_out >= from`, by (ts_in, server, instance, queue id).
    pub fn hops_overlapping(&self, from: Micros, until: Micros) -> Result<Rows<Hop>, LakeError> {
        Ok(self.facts(Table::Hops, Period::Overlapping(from, until)))
    }

    /// Messages with `first_arrival < until` and `last_seen >= from`, by (first arrival, id).
    pub fn journeys_overlapping(&self, from: Micros, until: Micros) -> Result<Rows<Journey>, LakeError> {
        Ok(self.messages(Period::Overlapping(from, until), None))
    }

    /// By what messages with `first_arrival < until` and `last_seen >= from` are known, by first arrival; one may come several times.
    pub fn journey_keys(&self, from: Micros, until: Micros) -> Result<Rows<JourneyKeys>, LakeError> {
        let files = self.files(Table::Deliveries);
        let mut scan = Scan::of(files, Period::Overlapping(from, until));
        scan.columns = Some(&JourneyKeys::COLUMNS);
        scan.keys = &["first_arrival"];
        Ok(scan.rows(files, JourneyKeys::decode))
    }

    /// Messages that arrived in this range, by (first arrival, id).
    pub fn journeys(&self, from: Micros, until: Micros) -> Result<Rows<Journey>, LakeError> {
        Ok(self.messages(Period::Beginning(from, until), None))
    }

    /// The message with this id.
    pub fn journey(&self, id: &str) -> Result<Option<Journey>, LakeError> {
        self.messages(Period::Always, Some(id)).next().transpose()
    }

    /// Refusals in this range, by time.
    pub fn rejections(&self, from: Micros, until: Micros) -> Result<Rows<Rejection>, LakeError> {
        Ok(self.facts(Table::Rejections, Period::Beginning(from, until)))
    }

    /// The server table: what each server did for the messages that arrived in this range.
    pub fn servers(&self, from: Micros, until: Micros) -> Result<BTreeMap<Text, ServerCounts>, LakeError> {
        let files = self.files(Table::Deliveries);
        let mut scan = Scan::of(files, Period::Beginning(from, until));
        scan.columns = Some(&ServerEvents::COLUMNS);
        scan.keys = &["first_arrival"];
        let mut servers: BTreeMap<Text, ServerCounts> = BTreeMap::new();
        for step in scan.rows(files, ServerEvents::decode) {
            let ServerEvents { server, counts } = step?;
            let sum = servers.entry(server).or_default();
            sum.received_from_servers += counts.received_from_servers;
            sum.received_from_local += counts.received_from_local;
            sum.local_routing += counts.local_routing;
            sum.sent_to_servers += counts.sent_to_servers;
        }
        Ok(servers)
    }

    /// Tries in this range, by time.
    pub fn attempts(&self, from: Micros, until: Micros) -> Result<Rows<Attempt>, LakeError> {
        Ok(self.facts(Table::Attempts, Period::Beginning(from, until)))
    }

    /// Lines of a server, by (ts, file, offset).
    pub fn lines_of(&self, server: &str, from: Micros, until: Micros) -> Result<Rows<Line>, LakeError> {
        Ok(self.lines_scan(server, from, until).rows(self.files(Table::Lines), Line::decode))
    }

    /// Lines of a server that name this queue id, by (ts, file, offset).
    pub fn lines_for(
        &self,
        server: &str,
        queue_id: &QueueId,
        from: Micros,
        until: Micros,
    ) -> Result<Rows<Line>, LakeError> {
        let scan = self.lines_scan(server, from, until).equal("queue_id", queue_id.as_str());
        Ok(scan.rows(self.files(Table::Lines), Line::decode))
    }

    /// Times and identities of a server's lines, by time.
    pub fn line_hashes(&self, server: &str, from: Micros, until: Micros) -> Result<Rows<LineHash>, LakeError> {
        let mut scan = self.lines_scan(server, from, until);
        scan.columns = Some(&LineHash::COLUMNS);
        Ok(scan.rows(self.files(Table::Lines), LineHash::decode))
    }

    /// Coverage of the hours that begin in this range.
    pub fn coverage(&self, from: Micros, until: Micros) -> Result<Rows<Coverage>, LakeError> {
        Ok(self.facts(Table::Coverage, Period::Beginning(from, until)))
    }

    /// Shapes of unknown lines, of the days that this range touches.
    pub fn shapes(&self, from: Micros, until: Micros) -> Result<Rows<Shape>, LakeError> {
        let from = from.div_euclid(MICROS_PER_DAY).saturating_mul(MICROS_PER_DAY);
        Ok(self.facts(Table::Shapes, Period::Beginning(from, until)))
    }

    /// First and last time in a table (the end is not included), to the millisecond, from the Delta log alone.
    pub fn extent(&self, table: Table) -> Option<Range<Micros>> {
        let files = &self.files(table).files;
        let first = files.iter().map(|file| file.start_min).min()?;
        let last = files.iter().map(|file| file.end_max.max(file.start_max)).max()?;
        Some(first..last + 1)
    }

    /// How much each table holds, from the Delta log alone.
    pub fn sizes(&self) -> Vec<TableSize> {
        let size = |set: &FileSet| TableSize {
            table: set.table,
            rows: set.files.iter().map(|file| file.rows).sum(),
            files: set.files.len(),
            bytes: set.files.iter().map(|file| file.size).sum(),
        };
        self.files.iter().map(size).collect()
    }

    pub(crate) fn files(&self, table: Table) -> &FileSet {
        &self.files[table as usize]
    }

    fn facts<T: Fact + Send + 'static>(&self, table: Table, period: Period) -> Rows<T> {
        let files = self.files(table);
        Scan::of(files, period).rows(files, T::decode)
    }

    fn lines_scan(&self, server: &str, from: Micros, until: Micros) -> Scan {
        let mut scan = Scan::of(self.files(Table::Lines), Period::Beginning(from, until)).equal("server", server);
        scan.keys = LINE_ORDER;
        scan
    }

    /// Messages with all their deliveries.
    fn messages(&self, period: Period, id: Option<&str>) -> Rows<Journey> {
        let files = self.files(Table::Deliveries);
        let scan = Scan::of(files, period);
        let scan = id.iter().fold(scan, |scan, id| scan.equal("journey_id", id));
        Rows::new(Whole { parts: scan.rows(files, journeys_of), next: None })
    }
}

/// Puts messages together whose rows came in several batches.
struct Whole {
    parts: Rows<Journey>,
    next: Option<Journey>,
}

impl Iterator for Whole {
    type Item = Result<Journey, LakeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut journey = match self.next.take() {
            Some(journey) => journey,
            None => match self.parts.next()? {
                Ok(journey) => journey,
                Err(e) => return Some(Err(e)),
            },
        };
        for part in self.parts.by_ref() {
            match part {
                Ok(part) if part.id == journey.id => journey.deliveries.extend(part.deliveries),
                Ok(part) => {
                    self.next = Some(part);
                    break;
                }
                Err(e) => return Some(Err(e)),
            }
        }
        Some(Ok(journey))
    }
}
