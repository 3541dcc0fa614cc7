//! The folder that a mail server logs to, and what rotates there. It remembers what was written into each file.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::samples::{Packing, pack};

/// How rotated files are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    Numbers,
    Dates,
}

pub struct Yard {
    folder: tempfile::TempDir,
    naming: Naming,
    /// What was written between two rotations, in order. Each is to become one stream.
    pub generations: Vec<Vec<u8>>,
    /// The file that was renamed last, and its generation, for a server that goes on writing to it.
    renamed: Option<(File, usize)>,
    rotations: u32,
    lines: u64,
}

impl Yard {
    pub fn new(naming: Naming) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Yard { folder, naming, generations: vec![Vec::new()], renamed: None, rotations: 0, lines: 0 }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("mail.log")
    }

    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A line that no other equals, nor begins like half of it.
    pub fn line(&mut self) -> String {
        self.lines += 1;
        let noise = self.lines.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        format!("{noise:016X} Nov 22 10:00:00 mx1 postfix/smtpd[{}]: client=a\n", self.lines)
    }

    pub fn append(&mut self, text: &str) {
        let file = OpenOptions::new().append(true).create(true).open(self.path());
        file.expect("the log").write_all(text.as_bytes()).expect("written");
        self.generations.last_mut().expect("a generation").extend_from_slice(text.as_bytes());
    }

    pub fn append_lines(&mut self, count: usize) {
        let text: String = (0..count).map(|_| self.line()).collect();
        self.append(&text);
    }

    /// What a server writes that has not reopened its log.
    pub fn append_to_renamed(&mut self, text: &str) -> bool {
        let Some((file, generation)) = &mut self.renamed else { return false };
        file.write_all(text.as_bytes()).expect("written");
        self.generations[*generation].extend_from_slice(text.as_bytes());
        true
    }

    /// logrotate's `nocreate`: the log is renamed, and nothing stands in its place.
    pub fn rename(&mut self) -> PathBuf {
        let to = self.make_room();
        let file = OpenOptions::new().append(true).create(true).open(self.path()).expect("the log");
        fs::rename(self.path(), &to).expect("renamed");
        self.renamed = Some((file, self.generations.len() - 1));
        self.generations.push(Vec::new());
        to
    }

    /// logrotate's `create`.
    pub fn rotate(&mut self) -> PathBuf {
        let to = self.rename();
        File::create(self.path()).expect("created");
        to
    }

    /// The first half of logrotate's `copytruncate`.
    pub fn copy(&mut self) -> PathBuf {
        let to = self.make_room();
        OpenOptions::new().append(true).create(true).open(self.path()).expect("the log");
        fs::copy(self.path(), &to).expect("copied");
        to
    }

    /// Its second half, and what an administrator does with `> mail.log`.
    pub fn truncate(&mut self) {
        OpenOptions::new().write(true).open(self.path()).and_then(|file| file.set_len(0)).expect("emptied");
        self.renamed = None;
        self.generations.push(Vec::new());
    }

    pub fn copytruncate(&mut self) -> PathBuf {
        let to = self.copy();
        self.truncate();
        to
    }

    /// The rotated files, the newest first.
    pub fn rotated(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.path()).expect("listed").flatten().map(|entry| entry.path());
        let mut paths: Vec<PathBuf> = entries.filter(|path| *path != self.path()).collect();
        match self.naming {
            Naming::Numbers => paths.sort_by_key(|path| number(path)),
            Naming::Dates => paths.sort_by(|one, other| other.cmp(one)),
        }
        paths
    }

    /// Makes the name free that the log is rotated to.
    fn make_room(&mut self) -> PathBuf {
        self.rotations += 1;
        if self.naming == Naming::Dates {
            return self.beside(&format!("mail.log-2026{:04}", 1000 + self.rotations));
        }
        for path in self.rotated().into_iter().rev() {
            let ending = path.extension().filter(|ending| ending.to_string_lossy().parse::<u64>().is_err());
            let ending = ending.map(|ending| format!(".{}", ending.to_string_lossy())).unwrap_or_default();
            let to = self.beside(&format!("mail.log.{}{ending}", number(&path) + 1));
            fs::rename(&path, to).expect("shifted");
        }
        self.beside("mail.log.1")
    }
}

fn number(path: &Path) -> u64 {
    let name = path.file_name().expect("a name").to_string_lossy().into_owned();
    name.split('.').find_map(|part| part.parse().ok()).expect("a number")
}

/// Packs a file as gzip does: under another name, with the time it had, and the file is gone.
pub fn compress(path: &Path, packing: Packing) -> PathBuf {
    let ending = match packing {
        Packing::Gzip => "gz",
        Packing::Bzip2 => "bz2",
        Packing::Xz => "xz",
        Packing::Zstd => "zst",
    };
    let to = PathBuf::from(format!("{}.{ending}", path.display()));
    fs::write(&to, pack(&fs::read(path).expect("read"), packing)).expect("packed");
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified()).expect("a time");
    File::options().write(true).open(&to).and_then(|file| file.set_modified(modified)).expect("a time");
    fs::remove_file(path).expect("removed");
    to
}

pub fn is_packed(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ["gz", "bz2", "xz", "zst"].iter().any(|packed| ending == *packed))
}
