//! Which logs are shipped, and how they are read.

mod plain;

use std::path::{Path, PathBuf};

use vigie_shipping::Places;
use vigie_sources::{Feed, find_machine_logs};

use crate::config::Config;
use crate::failure::Failure;
use plain::PlainFile;

/// Followed when no mail log is there yet: where Debian and others will write it.
const USUAL: &str = "/var/log/mail.log";
/// These repeat lines of `mail.log` where both are written.
const REPEATING: &str = "mail.info";
const PACKED: [&str; 5] = ["gz", "bz2", "xz", "zst", "Z"];

/// The feeds of this machine, standing where the server has come to.
pub fn feeds(config: &Config, mut places: Places) -> Result<Vec<Box<dyn Feed>>, Failure> {
    let files = if config.files.is_empty() { usual_files(find_machine_logs()) } else { config.files.clone() };
    let mut feeds: Vec<Box<dyn Feed>> = Vec::new();
    for file in files {
        if file.is_dir() {
            let hint = format!("name a log in it, such as {}/mail.log", file.display());
            return Err(Failure::new(format!("{} is a directory", file.display()), hint));
        }
        let of_file = places.take(&file.display().to_string());
        feeds.push(Box::new(PlainFile::new(file, of_file)));
    }
    Ok(feeds)
}

/// Of all mail logs, those that are written now; rotated ones are not shipped.
fn usual_files(found: Vec<PathBuf>) -> Vec<PathBuf> {
    let repeats = |path: &Path| path.ends_with(REPEATING) && found.contains(&path.with_file_name("mail.log"));
    let files: Vec<PathBuf> = found.iter().filter(|path| is_live(path) && !repeats(path)).cloned().collect();
    if files.is_empty() { vec![USUAL.into()] } else { files }
}

/// Rotated logs end in a number, a date, or what they are packed with.
fn is_live(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let ending = name.rsplit(['.', '-']).next().unwrap_or_default();
    let is_number = ending.len() < name.len() && ending.bytes().all(|byte| byte.is_ascii_digit());
    !(is_number || PACKED.contains(&ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(names: &[&str]) -> Vec<PathBuf> {
        usual_files(names.iter().map(|name| Path::new("/var/log").join(name)).collect())
    }

    #[test]
    fn rotated_and_repeated_logs_are_left_out() {
        let found = ["mail.info", "mail.log", "mail.log.1", "mail.log.2.gz", "maillog-20260614", "postfix/postfix.log"];
        assert_eq!(chosen(&found), ["/var/log/mail.log", "/var/log/postfix/postfix.log"].map(PathBuf::from));
        assert_eq!(chosen(&["mail.info"]), ["/var/log/mail.info"].map(PathBuf::from));
        assert_eq!(chosen(&["maillog"]), ["/var/log/maillog"].map(PathBuf::from));
        assert_eq!(chosen(&[]), [USUAL].map(PathBuf::from));
    }
}
