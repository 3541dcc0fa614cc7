//! Facts recounted from the raw lines: does the store say what the logs say?
//!
//! Each host's stored lines are read anew, and what comes of them is compared with what is stored: hops, attempts, rejections, what is
//! still in a queue; then messages, linked anew; coverage and unknown shapes; the data files and roll-ups. All of it on one view of the
//! store, while others may write. Rows are compared by sums of their hashes, for each server and day; only where these differ are rows
//! looked at one by one. So memory does not grow with the store, and nobody's address is needed to say what is wrong.

mod check;
mod digest;
mod examples;
mod linked;
mod recount;

use std::{
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use vigie_lake::{LakeError, Snapshot};
use vigie_model::Text;

use self::check::Check;
use crate::import::{ImportError, State, Store};

/// Differences told with examples; of more, that they are there.
const EXPLAINED_MAX: usize = 20;
/// Examples of one difference.
const EXAMPLES_MAX: usize = 5;
/// How often it is begun again when files were replaced and removed meanwhile.
const BEGINNINGS_MAX: u32 = 3;
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(50);

/// All days.
pub const ALWAYS: RangeInclusive<i32> = i32::MIN..=i32::MAX;

/// What to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What belongs to these days (UTC, as days since 1970).
    pub days: RangeInclusive<i32>,
    /// How long to wait for an import, or for lines that came late, to be through.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { days: ALWAYS, patience: PATIENCE }
    }
}

/// What was compared, and what differs.
#[derive(Debug, Default)]
pub struct Verified {
    pub compared: Compared,
    pub differences: Vec<Difference>,
    pub remarks: Vec<Remark>,
}

/// Rows that were recounted, on the days asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Compared {
    pub lines: u64,
    pub hops: u64,
    /// What was told of copies in journal mailboxes.
    pub copies: u64,
    /// Of all these, on whichever day, those of messages that no log tells of.
    pub orphan_copies: u64,
    pub attempts: u64,
    pub rejections: u64,
    pub messages: u64,
    pub deliveries: u64,
    /// Servers and hours of coverage.
    pub hours: u64,
    pub files: u64,
    pub rollups: u64,
}

/// Something that is stored otherwise than the lines say, of one server and day.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    pub what: What,
    /// Empty for a file.
    pub server: Text,
    /// UTC day, as days since 1970.
    pub day: i32,
    pub stored: u64,
    pub recounted: u64,
    /// Some of the rows, by ids and times.
    pub examples: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    Files,
    Lines,
    Coverage,
    Shapes,
    Hops,
    Attempts,
    Rejections,
    Deliveries,
    RollUps,
}

impl What {
    pub fn as_str(self) -> &'static str {
        match self {
            What::Files => "files",
            What::Lines => "lines",
            What::Coverage => "coverage",
            What::Shapes => "unknown shapes",
            What::Hops => "hops",
            What::Attempts => "attempts",
            What::Rejections => "rejections",
            What::Deliveries => "deliveries",
            What::RollUps => "roll-ups",
        }
    }
}

/// Why something could not be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// An import is under way, or was cut off: messages are not derived yet.
    Unfinished,
    /// The clock of this server was set back so often that the order in which its lines were read is not known: what is
    /// stored of it may differ for that alone, and was not compared.
    OrderUnknown(Text),
    /// Files cannot be read, so what depends on them was not compared.
    Unreadable,
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error(transparent)]
    Store(#[from] ImportError),
    #[error("the store's files were replaced while they were read, {BEGINNINGS_MAX} times over")]
    Overtaken,
}

impl VerifyError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            VerifyError::Store(error) => error.hint(),
            VerifyError::Overtaken => {
                Some("verify at a quieter time, or while no server writes to the store".to_owned())
            }
        }
    }
}

impl From<LakeError> for VerifyError {
    fn from(error: LakeError) -> Self {
        VerifyError::Store(error.into())
    }
}

/// What it tells while it works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// An import, or lines that came late, are waited for.
    Waiting,
    Files {
        done: usize,
        of: usize,
    },
    Lines {
        done: u64,
        of: u64,
    },
    Linking {
        messages: u64,
    },
    Explaining,
    /// Files were replaced and removed while they were read: it begins anew with the store as it is now.
    Again,
}

/// Recounts everything that is stored, and compares what was asked for.
pub fn verify(store: &Store, options: &Options, watch: &mut dyn FnMut(Phase)) -> Result<Verified, VerifyError> {
    for _ in 0..BEGINNINGS_MAX {
        let (snapshot, state) = settled(store, options.patience, watch)?;
        let sequence = snapshot.sequence();
        match Check::new(snapshot, state, &options.days, watch).run() {
            Err(error) if error.is_gone() && store.lake.snapshot()?.sequence() != sequence => watch(Phase::Again),
            Err(error) => return Err(error.into()),
            Ok(verified) => return Ok(verified),
        }
    }
    Err(VerifyError::Overtaken)
}

/// A view of the store in which everything is derived, if that can be had.
fn settled(store: &Store, patience: Duration, watch: &mut dyn FnMut(Phase)) -> Result<(Snapshot, State), VerifyError> {
    let began = Instant::now();
    loop {
        let (snapshot, state) = store.with_state()?;
        let is_settled = state.touched.is_none() && state.hosts.iter().all(|host| !host.dirty);
        if is_settled || began.elapsed() > patience {
            return Ok((snapshot, state));
        }
        watch(Phase::Waiting);
        std::thread::sleep(PAUSE);
    }
}
