//! The text files of the checkout, read once for all rules.

use std::io;
use std::path::{Path, PathBuf};

/// What is made or fetched, not written. (`.git` is a file in a worktree.)
const SKIPPED: [&str; 4] = [".git", "target", "node_modules", "__pycache__"];

pub struct File {
    /// Below the top, with `/` between folders.
    pub path: String,
    pub text: String,
}

pub struct Tree {
    pub top: PathBuf,
    pub files: Vec<File>,
}

impl Tree {
    pub fn load() -> io::Result<Self> {
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
        let mut files = Vec::new();
        collect(&top, &top, &mut files)?;
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Self { top, files })
    }

    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    pub fn with_ending<'a>(&'a self, ending: &'a str) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |file| file.path.ends_with(ending))
    }

    /// The names of the folders in a folder of the checkout.
    pub fn folders_in(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.top.join(folder)) else { return Vec::new() };
        let folders = entries.flatten().filter(|entry| entry.path().is_dir());
        let mut names: Vec<String> = folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| !SKIPPED.contains(&name.as_str()));
        names.sort();
        names
    }
}

/// Reads all files that are UTF-8; others (logs packed with gzip, pictures) have no words to check.
fn collect(top: &Path, folder: &Path, files: &mut Vec<File>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if SKIPPED.contains(&name.as_ref()) {
            continue;
        }
        if path.is_dir() {
            collect(top, &path, files)?;
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            let below = path.strip_prefix(top).unwrap_or(&path);
            files.push(File { path: below.to_string_lossy().replace('\\', "/"), text });
        }
    }
    Ok(())
}
