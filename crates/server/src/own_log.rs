//! The program's own log: to standard error always, and for a server also into two files of its store, which never grow beyond their bound.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// One of the two files: the one that is written, and the one before it.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// The files, once a command has a place for them.
static FILES: OnceLock<Arc<Mutex<Files>>> = OnceLock::new();

/// Begins to write to standard error what `VIGIE_LOG` lets through; by default what went wrong.
pub fn begin() {
    let filter = EnvFilter::try_from_env("VIGIE_LOG").unwrap_or_else(|_| "error,vigie=warn".into());
    let is_terminal = io::IsTerminal::is_terminal(&io::stderr());
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(is_terminal).with_writer(Both).init();
}

/// From now on also into `log/` of the store's folder.
pub fn keep(data: &Path) -> io::Result<()> {
    let files = Files::open(&data.join("log"), FILE_BYTES_MAX)?;
    let _ = FILES.set(Arc::new(Mutex::new(files)));
    Ok(())
}

/// Where lines of the log go.
struct Both;

impl<'a> MakeWriter<'a> for Both {
    type Writer = Tee;

    fn make_writer(&'a self) -> Tee {
        Tee
    }
}

struct Tee;

impl Write for Tee {
    /// Gets a line at a time. A log that cannot be written is no reason to stop.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let _ = io::stderr().write_all(line);
        if let Some(files) = FILES.get() {
            let _ = files.lock().unwrap_or_else(PoisonError::into_inner).write(&plain(line));
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Without the colours of a terminal.
fn plain(line: &[u8]) -> Vec<u8> {
    anstream::adapter::strip_bytes(line).flatten().copied().collect()
}

struct Files {
    path: PathBuf,
    file: File,
    bytes: u64,
    bytes_max: u64,
}

impl Files {
    fn open(folder: &Path, bytes_max: u64) -> io::Result<Self> {
        crate::collect::roll::private_folder(folder)?;
        let path = folder.join("vigie.log");
        let file = append(&path)?;
        Ok(Self { bytes: file.metadata()?.len(), path, file, bytes_max })
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.bytes + line.len() as u64 > self.bytes_max {
            fs::rename(&self.path, self.path.with_extension("log.1"))?;
            (self.file, self.bytes) = (append(&self.path)?, 0);
        }
        self.file.write_all(line)?;
        self.bytes += line.len() as u64;
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_files_hold_the_newest_lines_and_no_more() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut files = Files::open(folder.path(), 100).expect("opened");
        for number in 0..1_000 {
            files.write(format!("line {number}\n").as_bytes()).expect("written");
        }
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("there");
        let (older, newer) = (read("vigie.log.1"), read("vigie.log"));
        assert!(newer.ends_with("line 999\n") && older.len() <= 100 && newer.len() <= 100);
        assert!(older.lines().count() >= 9, "{older}");
        // Who opens them again goes on.
        Files::open(folder.path(), 100).expect("opened").write(b"last\n").expect("written");
        assert!(read("vigie.log").ends_with("last\n"));
    }

    #[test]
    fn colours_stay_on_the_terminal() {
        assert_eq!(plain(b"\x1b[31mERROR\x1b[0m text\n"), b"ERROR text\n");
    }
}
