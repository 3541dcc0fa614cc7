//! Opening a spool: one process at a time, and what a crash left is mended.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::{Condvar, Mutex};

use super::segment::{self, Segment, Trust};
use super::state::State;
use super::{SEGMENT_BYTES_MAX, SEGMENTS_OF_A_SPOOL, SPOOL_BYTES_MIN, Shared, SpoolConfig, SpoolError, SpoolEvent};
use super::{UNSYNCED_MAX, remembered};
use crate::{FeedEvent, LINE_BYTES_MAX, StreamId};

const LOCK_NAME: &str = "spool.lock";
/// The newest segments, which may not have been synced when the machine stopped: the one that was written, those that waited
/// for their sync, and the one that was just sealed.
const DOUBTFUL_MAX: usize = UNSYNCED_MAX + 2;

pub(super) fn open(config: SpoolConfig, entropy: u128) -> Result<Shared, SpoolError> {
    let config = SpoolConfig { bytes_max: config.bytes_max.max(SPOOL_BYTES_MIN), ..config };
    // Mail's lines are for their owner alone.
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&config.dir)
        .map_err(|source| SpoolError::opening(&config.dir, source))?;
    let lock = lock(&config.dir)?;
    let directory = File::open(&config.dir).map_err(|source| SpoolError::opening(&config.dir, source))?;
    let found = segments_in(&config.dir).map_err(|source| SpoolError::opening(&config.dir, source))?;
    // After the last of its segments went, the remembered line still has a higher one.
    let remembered = remembered::read(&config.dir).map_err(|source| SpoolError::opening(&config.dir, source))?;
    let newest = found.last().map(|(sequence, _)| *sequence).max(remembered.map(|line| line.sequence));
    let mut state = State::new(VecDeque::new(), newest.map_or(1, |newest| newest.saturating_add(1)));
    recover(&config.dir, found, &mut state)?;
    state.disk_bytes = disk_bytes(&config.dir);
    let smallest = 2 * (LINE_BYTES_MAX as u64 + 1);
    let segment_bytes_max = (config.bytes_max / SEGMENTS_OF_A_SPOOL).clamp(smallest, SEGMENT_BYTES_MAX);
    let (state, room) = (Mutex::new(state), Condvar::new());
    let shared = Shared { config, segment_bytes_max, entropy, directory, _lock: lock, state, room };
    shared.make_reserve();
    Ok(shared)
}

/// What the disk has left for this user. Where it does not say, the spool's own bound is all that is known.
pub(super) fn disk_bytes(dir: &Path) -> u64 {
    rustix::fs::statvfs(dir).map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn lock(dir: &Path) -> Result<File, SpoolError> {
    let path = dir.join(LOCK_NAME);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|source| SpoolError::opening(&path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SpoolError::InUse { dir: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(SpoolError::opening(&path, source)),
    }
}

fn segments_in(dir: &Path) -> io::Result<Vec<(u64, StreamId)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        found.extend(entry?.file_name().to_str().and_then(segment::parse_name));
    }
    found.sort();
    Ok(found)
}

fn recover(dir: &Path, found: Vec<(u64, StreamId)>, state: &mut State) -> Result<(), SpoolError> {
    let doubtful_from = found.len().saturating_sub(DOUBTFUL_MAX);
    for (index, (sequence, stream)) in found.into_iter().enumerate() {
        let trust = if index < doubtful_from { Trust::Body } else { Trust::Nothing };
        let path = dir.join(Segment::new(sequence, stream).name());
        let mended = mend(&path, trust).map_err(|source| SpoolError::opening(&path, source))?;
        if mended.torn_bytes > 0 {
            let path = path.clone();
            state.tell(FeedEvent::Spool(SpoolEvent::Torn { path, bytes: mended.torn_bytes }));
        }
        if mended.len == 0 {
            fs::remove_file(&path).map_err(|source| SpoolError::opening(&path, source))?;
        } else {
            state.segments.push_back(Segment::recovered(sequence, stream, mended.len));
        }
    }
    Ok(())
}

struct Mended {
    len: u64,
    torn_bytes: u64,
}

fn mend(path: &Path, trust: Trust) -> io::Result<Mended> {
    let file = File::options().read(true).write(true).open(path)?;
    let before = file.metadata()?.len();
    let len = segment::mend(&file, trust)?;
    Ok(Mended { len, torn_bytes: before - len })
}
