//! What a copy of the lake consists of, as one commit left it. A copy is made beside the writer, without its lock.
//!
//! Data files and log entries never change once they are written; what a later commit replaced is removed some minutes later. So a commit
//! is pinned first, then its files are copied, and when one of them is gone by then, the copy goes on with a newer commit.

use std::path::PathBuf;
use std::sync::Arc;

use vigie_model::Micros;

use crate::lake::{Inner, Lake};
use crate::layout::Current;
use crate::snapshot::Snapshot;
use crate::{LakeError, Table};

/// A commit that was the newest when it was looked at.
pub struct Pin {
    inner: Arc<Inner>,
    current: Current,
}

/// The files of a commit. All paths are relative to the lake's folder.
#[derive(Clone, Debug)]
pub struct Inventory {
    /// Which store it is: the same in a copy of it.
    pub store: Option<String>,
    /// Number of the commit.
    pub sequence: u64,
    /// Data files: their names are never used again.
    pub data: Vec<ListedFile>,
    /// The Delta logs, as far as they are needed.
    pub logs: Vec<PathBuf>,
    /// Small files, with what is to stand in them.
    pub written: Vec<(PathBuf, Vec<u8>)>,
    /// Time of the newest line, to the millisecond.
    pub last_line: Option<Micros>,
}

/// A data file, as the log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedFile {
    pub path: PathBuf,
    pub bytes: u64,
}

impl Lake {
    /// The newest commit.
    pub fn pin(&self) -> Result<Pin, LakeError> {
        let current = self.inner.layout.current()?.ok_or_else(|| self.inner.layout.current_is_lost())?;
        Ok(Pin { inner: self.inner.clone(), current })
    }
}

impl Pin {
    /// Number of the commit.
    pub fn sequence(&self) -> u64 {
        self.current.sequence
    }

    /// Is it the newest still?
    pub fn is_newest(&self) -> Result<bool, LakeError> {
        Ok(self.inner.layout.current()?.as_ref() == Some(&self.current))
    }

    /// Its files.
    pub fn inventory(&self) -> Result<Inventory, LakeError> {
        let snapshot = Snapshot::open(self.inner.clone(), &self.current)?;
        let (mut data, mut logs) = (Vec::new(), Vec::new());
        for table in Table::ALL {
            let folder = PathBuf::from(table.name());
            let listed = snapshot.files(table).files.iter();
            data.extend(listed.map(|file| ListedFile { path: folder.join(&file.path), bytes: file.size }));
            let entries = self.inner.log(table).history(self.current.version(table))?;
            logs.extend(entries.into_iter().map(|name| folder.join("_delta_log").join(name)));
        }
        let lines = self.inner.log(Table::Lines);
        let store = self.inner.wait(lines.id_at(self.current.version(Table::Lines)))?;
        let written = self.inner.layout.small_files(&self.current)?;
        let last_line = snapshot.extent(Table::Lines).map(|lines| lines.end - 1);
        Ok(Inventory { store, sequence: self.current.sequence, data, logs, written, last_line })
    }
}
