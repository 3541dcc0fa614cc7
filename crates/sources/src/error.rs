//! Everything that can be wrong with a log file, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::{Compression, nearest};

/// Why a file could not be read, or not to its end. What was read before stands.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is no such file.
    #[error("{} does not exist", path.display())]
    NotFound {
        /// The path as it was given.
        path: PathBuf,
        /// A file of nearly the same name in that folder.
        nearest: Option<PathBuf>,
    },
    /// The system refuses to open it.
    #[error("no permission to read {}", path.display())]
    Denied {
        /// The file or folder.
        path: PathBuf,
    },
    /// A folder was opened as a file.
    #[error("{} is a directory", path.display())]
    Directory {
        /// The folder.
        path: PathBuf,
    },
    /// A folder was given, and nothing in it is named like a mail log.
    #[error("no mail logs in the directory {}", path.display())]
    NoMailLogs {
        /// The folder.
        path: PathBuf,
    },
    /// A pipe, socket or device.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Not one byte, after decompression.
    #[error("{} is empty", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The name promises a compression, the bytes are neither that nor text.
    #[error("{} is neither {promised} nor text", path.display())]
    NotCompressed {
        /// The file.
        path: PathBuf,
        /// What the name promises.
        promised: Compression,
    },
    /// Something other than a text log.
    #[error("{} is not a text log: it looks like {what}", path.display())]
    Binary {
        /// The file.
        path: PathBuf,
        /// What it looks like, such as `UTF-16 text`.
        what: &'static str,
    },
    /// Lines, and none has a time.
    #[error("{} is not a log that can be read: none of its lines has a time", path.display())]
    NoTimes {
        /// The file.
        path: PathBuf,
    },
    /// The compressed data end before they are complete.
    #[error("{} ends at byte {at} in the middle of its {compression} data; the lines before that were read, the rest is missing", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// What it is compressed with.
        compression: Compression,
        /// Compressed bytes read.
        at: u64,
    },
    /// The compressed data are damaged.
    #[error("{} is damaged somewhere before byte {at} of its {compression} data; what could be unpacked was read, the rest cannot be", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What it is compressed with.
        compression: Compression,
        /// Compressed bytes read.
        at: u64,
        /// What the decompressor says.
        source: io::Error,
    },
    /// A plain file became shorter than it was when opened.
    #[error("{} shrank while it was read: of its {expected} bytes only the first {at} were there", path.display())]
    Shrank {
        /// The file.
        path: PathBuf,
        /// Its size when it was opened.
        expected: u64,
        /// Where it ended.
        at: u64,
    },
    /// A feed was asked to go back to where it cannot.
    #[error("{} cannot be read again from byte {offset}: {why}", path.display())]
    NotAgain {
        /// The file or spool.
        path: PathBuf,
        /// Where in the stream.
        offset: u64,
        /// What is in the way.
        why: &'static str,
    },
    /// The system could not open it, for another reason.
    #[error("cannot open {}", path.display())]
    Open {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The system could not read on.
    #[error("cannot read {} beyond byte {at}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Bytes read of the file as it lies on disk.
        at: u64,
        /// What the system says.
        source: io::Error,
    },
}

impl SourceError {
    /// Sorts what the system says about opening a path.
    pub(crate) fn opening(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => SourceError::NotFound { nearest: nearest::nearest(&path), path },
            io::ErrorKind::PermissionDenied => SourceError::Denied { path },
            io::ErrorKind::IsADirectory => SourceError::Directory { path },
            _ => SourceError::Open { path, source },
        }
    }

    /// The file or folder it is about.
    pub fn path(&self) -> &Path {
        match self {
            SourceError::NotFound { path, .. }
            | SourceError::Denied { path }
            | SourceError::Directory { path }
            | SourceError::NoMailLogs { path }
            | SourceError::NotAFile { path }
            | SourceError::Empty { path }
            | SourceError::NotCompressed { path, .. }
            | SourceError::Binary { path, .. }
            | SourceError::NoTimes { path }
            | SourceError::Truncated { path, .. }
            | SourceError::Corrupt { path, .. }
            | SourceError::Shrank { path, .. }
            | SourceError::NotAgain { path, .. }
            | SourceError::Open { path, .. }
            | SourceError::Read { path, .. } => path,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            SourceError::NotFound { path, .. } if path.is_symlink() => {
                format!("it is a link to a file that is not there; `ls -l {}` shows which", path.display())
            }
            SourceError::NotFound { nearest: Some(nearest), .. } => format!("did you mean {}?", nearest.display()),
            SourceError::NotFound { path, .. } => format!("check the path; `ls {}` shows what is there", folder(path)),
            SourceError::Denied { .. } => {
                "run as root, or add yourself to the group that may read logs (`sudo usermod -aG adm $USER`, then log in again)".into()
            }
            SourceError::Directory { path } => format!("name a file in it, such as {}/mail.log", path.display()),
            SourceError::NoMailLogs { path } => format!("name the files themselves, such as {}/*.log", path.display()),
            SourceError::NotAFile { .. } => "write its content to a file first, and give that".into(),
            SourceError::Empty { .. } => {
                "nothing to read; the log may just have been rotated: try the file before it (.1 or .gz)".into()
            }
            SourceError::NotCompressed { promised, .. } => {
                format!("copy it again in binary mode from where it came from; a whole {promised} file begins with that format's mark")
            }
            SourceError::Binary { what, .. } => binary_hint(what).into(),
            SourceError::NoTimes { .. } => {
                "give logs as the mail server writes them, by syslog, by journalctl -o json, or Dovecot's own; their lines begin with a time".into()
            }
            SourceError::Corrupt { .. } => {
                "copy the file again from where it came from and import it into a new store (--data): what was read may hold false lines, which would stay beside the right ones".into()
            }
            SourceError::Truncated { .. } => {
                "copy the file again from where it came from and import it once more: lines already read are not counted twice".into()
            }
            SourceError::Shrank { .. } => {
                "it was rotated or emptied meanwhile: import the rotated file (.1), then this one again".into()
            }
            SourceError::NotAgain { .. } => {
                "the server and this side disagree about what is held: see whether the server's store was replaced by an older one".into()
            }
            SourceError::Open { path, .. } => format!("see whether `head -c1 {}` can open it", path.display()),
            SourceError::Read { .. } => "check the disk or network share (`dmesg` says more), then import it once more".into(),
        }
    }
}

fn binary_hint(what: &str) -> &'static str {
    match what {
        "UTF-16 text" => "convert it: `iconv -f UTF-16 -t UTF-8 FILE > mail.log`",
        "a systemd journal" => "export it: `journalctl --file FILE -o json > mail.json`, and import that",
        "a tar archive" | "a ZIP archive" | "a 7z archive" => "unpack it, and import the logs inside",
        what if what.starts_with("compressed") => "decompress it, or compress it with gzip, bzip2, xz or zstd",
        _ => "name the mail server's log, such as /var/log/mail.log",
    }
}

fn folder(path: &Path) -> String {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.display().to_string(),
        _ => ".".into(),
    }
}
