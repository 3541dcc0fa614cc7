//! Does a snapshot have all its files, and are they what the log says?

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use parquet::file::metadata::ParquetMetaDataReader;

use crate::data_file::DataFile;
use crate::{Snapshot, Table};

/// A data file that is not what the log says.
#[derive(Debug)]
pub struct FooterFault {
    pub table: Table,
    pub path: PathBuf,
    pub fault: FooterFaultKind,
}

/// What is wrong with a data file.
#[derive(Debug)]
pub enum FooterFaultKind {
    /// It is not there.
    Missing,
    /// It cannot be read.
    Unreadable(io::Error),
    /// It is shorter or longer.
    Size { found: u64, listed: u64 },
    /// Its footer, which says where everything is, makes no sense.
    Footer(String),
    /// It holds more or fewer rows.
    Rows { found: u64, listed: u64 },
}

impl fmt::Display for FooterFaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FooterFaultKind::Missing => f.write_str("is missing"),
            FooterFaultKind::Unreadable(error) => write!(f, "cannot be read: {error}"),
            FooterFaultKind::Size { found, listed } => write!(f, "has {found} bytes instead of {listed}"),
            FooterFaultKind::Footer(why) => write!(f, "has a damaged footer: {why}"),
            FooterFaultKind::Rows { found, listed } => write!(f, "has {found} rows instead of {listed}"),
        }
    }
}

impl Snapshot {
    /// Looks at each data file: is it there, as long as the log says, with a footer that can be read and as many rows? Values are not
    /// read. `watch` hears how many of how many are done.
    pub fn check_footers(&self, watch: &mut dyn FnMut(usize, usize)) -> Vec<FooterFault> {
        let sets = Table::ALL.map(|table| self.files(table));
        let all = sets.iter().map(|set| set.files.len()).sum();
        let mut faults = Vec::new();
        let files = sets.iter().flat_map(|set| set.files.iter().map(move |file| (set, file)));
        for (done, (set, file)) in files.enumerate() {
            watch(done, all);
            let path = set.dir.join(&file.path);
            if let Some(fault) = fault_of(&path, file) {
                faults.push(FooterFault { table: set.table, path, fault });
            }
        }
        faults
    }

    /// Bytes of data files by day (days since 1970), over all tables, from the Delta log alone.
    pub fn bytes_by_day(&self) -> BTreeMap<i32, u64> {
        let mut days: BTreeMap<i32, u64> = BTreeMap::new();
        for file in Table::ALL.into_iter().flat_map(|table| self.files(table).files.iter()) {
            *days.entry(file.day).or_default() += file.size;
        }
        days
    }
}

fn fault_of(path: &Path, listed: &DataFile) -> Option<FooterFaultKind> {
    let (file, found) = match File::open(path).and_then(|file| file.metadata().map(|of| (file, of.len()))) {
        Ok(opened) => opened,
        Err(error) if error.kind() == ErrorKind::NotFound => return Some(FooterFaultKind::Missing),
        Err(error) => return Some(FooterFaultKind::Unreadable(error)),
    };
    if found != listed.size {
        return Some(FooterFaultKind::Size { found, listed: listed.size });
    }
    match ParquetMetaDataReader::new().parse_and_finish(&file) {
        Err(error) => Some(FooterFaultKind::Footer(error.to_string())),
        Ok(footer) => {
            let found = u64::try_from(footer.file_metadata().num_rows()).unwrap_or(0);
            (found != listed.rows).then_some(FooterFaultKind::Rows { found, listed: listed.rows })
        }
    }
}
