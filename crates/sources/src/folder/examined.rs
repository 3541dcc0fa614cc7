//! A folder at one glance, for somebody who wants to know what keeps it from being followed.

use std::path::Path;

use vigie_formats::transcript::{Growth, Settings, exchange};

use super::listing::{listing, youngest};
use crate::{Compression, LogFile, SourceError};

/// Files that are looked into: those that were changed last.
const FILES_MAX: usize = 8;

/// What lies in a folder that is to be followed.
#[derive(Debug, Default)]
pub struct ExaminedFolder {
    /// Files in it.
    pub files: usize,
    /// Of those that were changed last, how many were looked into.
    pub looked_into: usize,
    /// How many of these are of a kind that is followed.
    pub followed: usize,
    /// Numbered files of which others show that they existed, one sentence for each hour.
    pub gaps: Vec<String>,
    /// Files that cannot be read.
    pub problems: Vec<SourceError>,
}

/// Looks into the files of a folder that were changed last.
pub fn examine_folder(path: &Path, settings: &Settings) -> Result<ExaminedFolder, SourceError> {
    let there = listing(path).map_err(|error| SourceError::opening(path, error))?;
    let settings = Settings { growth: Growth::Growing, ..settings.clone() };
    let mut examined = ExaminedFolder { files: there.len(), ..ExaminedFolder::default() };
    examined.gaps = exchange::missing(there.keys().filter_map(|path| path.file_name()?.to_str()));
    for path in youngest(&there, FILES_MAX) {
        examined.looked_into += 1;
        match LogFile::open_as(path, &settings) {
            Ok(log) => {
                let is_followed = log.is_transcribed() && log.compression() == Compression::Plain;
                examined.followed += usize::from(is_followed);
            }
            Err(error @ (SourceError::Denied { .. } | SourceError::Open { .. } | SourceError::Read { .. })) => {
                examined.problems.push(error);
            }
            Err(_) => {}
        }
    }
    Ok(examined)
}
