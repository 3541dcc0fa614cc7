//! Vacuum and retention: files that no version lists any more, log entries that nobody replays, days that are over.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::data_file::{IsNewData, age};
use crate::delta::VACUUM_MIN;
use crate::replacement::Rewritten;
use crate::writer::{Changes, Writer};
use crate::{LakeError, Table};

/// What vacuum removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vacuumed {
    pub files: usize,
    pub bytes: u64,
}

impl Writer {
    /// Removes data files that are listed no more and older than `keep`, and expired log entries.
    ///
    /// A snapshot that was opened longer than `keep` ago may then miss files. Files younger than a minute always stay.
    pub fn vacuum(&mut self, keep: Duration) -> Result<Vacuumed, LakeError> {
        self.complete_interrupted()?;
        let mut done = Vacuumed::default();
        for table in Table::ALL {
            let files = self.files(table)?;
            let listed: HashSet<PathBuf> = files.files.iter().map(|file| files.dir.join(&file.path)).collect();
            let mut kept = Vec::new();
            for path in data_files(&files.dir)? {
                let metadata = fs::metadata(&path).map_err(|e| LakeError::file("read", &path, e))?;
                let is_old = metadata.modified().is_ok_and(|modified| age(modified) >= keep.max(VACUUM_MIN));
                if is_old && !listed.contains(&path) {
                    fs::remove_file(&path).map_err(|e| LakeError::file("remove", &path, e))?;
                    done.files += 1;
                    done.bytes += metadata.len();
                } else {
                    kept.push(path);
                }
            }
            self.inner.rollups.vacuum(table, &kept);
            let (log, version) = (self.inner.log(table), self.current.version(table));
            if version > 0 && log.has_expired_entries()? {
                self.inner.wait(log.expire(version))?;
            }
        }
        Ok(done)
    }

    /// Retention: takes every day before this one (days since 1970) out of a table. Vacuum frees the space later.
    pub fn drop_days_before(&mut self, table: Table, day: i32) -> Result<(), LakeError> {
        self.complete_interrupted()?;
        let files = self.files(table)?;
        let removed: Vec<_> = files.files.iter().filter(|file| file.day < day).cloned().collect();
        if removed.is_empty() {
            return Ok(());
        }
        let change = Rewritten { added: Vec::new(), removed };
        self.publish(Changes::from([(table, change)]), Default::default(), IsNewData::Yes)?;
        Ok(())
    }
}

/// Parquet files in the day folders of a table.
fn data_files(dir: &Path) -> Result<Vec<PathBuf>, LakeError> {
    let mut found = Vec::new();
    for folder in entries(dir)?.into_iter().filter(|path| is_day_folder(path)) {
        found.extend(entries(&folder)?.into_iter().filter(|path| path.extension().is_some_and(|e| e == "parquet")));
    }
    Ok(found)
}

fn is_day_folder(path: &Path) -> bool {
    path.is_dir() && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("day="))
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, LakeError> {
    let fail = |e| LakeError::file("list", dir, e);
    fs::read_dir(dir).map_err(fail)?.map(|entry| entry.map(|entry| entry.path()).map_err(fail)).collect()
}
