//! The configuration: `key = value` on each line, and all mistakes told at once.

use std::fmt::{self, Write};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use vigie_formats::transcript::DateOrder;
use vigie_mailbox::MailboxPlace;
use vigie_milter::MilterPlace;
use vigie_polling::Tenant;
use vigie_shipping::{Enrolment, EnrolmentError};
use vigie_sources::listen::{ListenPlace, Protocol};

use crate::failure::Failure;

/// A configuration has some hundred bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Logs of one machine.
const FILES_MAX: usize = 64;
const KEYS: [&str; 15] = [
    "server",
    "word",
    "name",
    "file",
    "authorities",
    "state",
    "listen",
    "journal",
    "certificate",
    "key",
    "milter",
    "microsoft365",
    "folder",
    "dates",
    "mailbox",
];
/// Sockets of one collector.
const LISTENERS_MAX: usize = 16;
/// Tenants of Microsoft 365 that one collector reads.
const TENANTS_MAX: usize = 16;

/// Journal mailboxes.
const MAILBOXES_MAX: usize = 16;
/// Folders of files that do not stand for themselves: one for each server's share.
const FOLDERS_MAX: usize = 64;
/// How the orders of dates are called.
const DATE_ORDERS: [(&str, DateOrder); 3] =
    [("day-first", DateOrder::DayFirst), ("month-first", DateOrder::MonthFirst), ("year-first", DateOrder::YearFirst)];

/// A folder whose files are followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderPlace {
    /// The server that writes them, where somebody named it.
    pub host: Option<String>,
    pub path: PathBuf,
}

/// What a collector needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `HOST:PORT`.
    pub server: String,
    pub enrolment: Enrolment,
    /// What this machine is called.
    pub name: String,
    /// The logs to ship; empty for those in the usual places.
    pub files: Vec<PathBuf>,
    pub authorities: Option<PathBuf>,
    /// The folder of what has to outlive a restart.
    pub state: PathBuf,
    /// Where syslog is taken.
    pub listen: Vec<ListenPlace>,
    /// Certificate and key in PEM, shown to those that send over TLS.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// Is the mail of this machine's journal shipped?
    pub is_journal_read: bool,
    /// Where mail servers show what passes them.
    pub milter: Option<MilterPlace>,
    /// Whose message trace is read.
    pub tenants: Vec<Tenant>,
    /// Where copies of mail lie that tell what is inside.
    pub mailboxes: Vec<MailboxPlace>,
    /// Whose files are followed: Exchange's message tracking, Domino's console.
    pub folders: Vec<FolderPlace>,
    /// Which comes first in dates that do not show it.
    pub dates: Option<DateOrder>,
}

/// Name and version.
pub fn program() -> String {
    concat!("vigie-collector ", env!("CARGO_PKG_VERSION")).to_owned()
}

/// What the system calls this machine.
pub fn host_name() -> String {
    let read =
        std::fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| std::fs::read_to_string("/etc/hostname"));
    read.ok()
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".to_owned())
}

impl Config {
    pub fn load(path: &Path) -> Result<Config, Failure> {
        let mut text = String::new();
        let read = std::fs::File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text));
        read.map_err(|error| unreadable(path, &error))?;
        Config::parse(&text).map_err(|problems| {
            let problems = problems.into_iter().map(|problem| format!("{}: {problem}", path.display())).collect();
            Failure::many(problems, "`vigie-collector enrol` writes it anew")
        })
    }

    /// Reads it, or says everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Config, Vec<String>> {
        let mut read = Reading::default();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                read.line(index + 1, line);
            }
        }
        read.finish()
    }

    /// As it is written.
    pub fn text(&self) -> String {
        let mut text = String::from(
            "# Written by `vigie-collector enrol`. It holds the secret of this machine: let nobody else read it.\n\
             # Further keys: `file = /path/of/a.log`, once for each log; without any, the mail logs in the usual places are shipped.\n\
             # `listen = udp 0.0.0.0:514`, `listen = tcp 0.0.0.0:514` or `listen = tls 0.0.0.0:6514` takes syslog, the last with\n\
             # `certificate = FILE` and `key = FILE`; `journal = mail` ships the mail in the journal; `milter = inet:127.0.0.1:8893` tells\n\
             # what is inside the mail that passes Postfix or Sendmail;\n\
             # `microsoft365 = tenant=DOMAIN client=ID secret-file=/FILE` reads the message trace of a tenant of Microsoft 365;\n\
             # `mailbox = imaps://HOST user=NAME password-file=/FILE servers=NAME,NAME` tells what is inside mail of which a copy lies there;\n\
             # `folder = HOST=/path/of/a/folder` follows all message tracking logs of an Exchange server, or consoles of a Domino server, in it,\n\
             # and `dates = day-first` (or month-first) says how the latter write dates.\n",
        );
        let files = self.files.iter().map(|file| ("file", file.display().to_string()));
        let authorities = self.authorities.iter().map(|file| ("authorities", file.display().to_string()));
        let known = [("server", self.server.clone()), ("word", self.enrolment.word()), ("name", self.name.clone())];
        let certificate = self.certificate.iter().flat_map(|(certificate, key)| {
            [("certificate", certificate.display().to_string()), ("key", key.display().to_string())]
        });
        let state = [("state", self.state.display().to_string())];
        let listen = self.listen.iter().map(|listen| ("listen", listen.to_string()));
        let journal = self.is_journal_read.then(|| ("journal", "mail".to_owned()));
        let milter = self.milter.iter().map(|place| ("milter", place.to_string()));
        let tenants = self.tenants.iter().map(|tenant| ("microsoft365", tenant.to_string()));
        let mailboxes = self.mailboxes.iter().map(|mailbox| ("mailbox", mailbox.to_string()));
        let folders = self.folders.iter().map(|folder| ("folder", folder.to_string()));
        let dates = self.dates.iter().map(|dates| ("dates", name_of(*dates).to_owned()));
        let sources = files.chain(listen).chain(certificate).chain(journal).chain(milter).chain(tenants);
        let sources = sources.chain(mailboxes).chain(folders).chain(dates);
        for (key, value) in known.into_iter().chain(state).chain(authorities).chain(sources) {
            let _ = writeln!(text, "{key} = {value}");
        }
        text
    }
}

impl fmt::Display for FolderPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Some(host) => write!(formatter, "{host}={}", self.path.display()),
            None => write!(formatter, "{}", self.path.display()),
        }
    }
}

impl FromStr for FolderPlace {
    type Err = &'static str;

    /// `/path` or `HOST=/path`: a path may have `=` in it, and begins with `/`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, path) = match text.split_once('=') {
            Some((host, path)) if !text.starts_with('/') => (Some(host.trim()), path.trim()),
            _ => (None, text),
        };
        if !path.starts_with('/') {
            return Err("it is not [HOST=]/PATH, with a path from the root");
        }
        let is_letter = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.');
        if host.is_some_and(|host| host.is_empty() || !host.chars().all(is_letter)) {
            return Err("a host is a name of letters, digits, `-`, `_` and `.`");
        }
        // Places are kept under its name: a slash at its end must not make it another folder.
        Ok(FolderPlace { host: host.map(str::to_owned), path: Path::new(path).components().collect() })
    }
}

fn name_of(dates: DateOrder) -> &'static str {
    DATE_ORDERS.iter().find(|(_, order)| *order == dates).map_or("", |(name, _)| name)
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => "enrol this machine first: `vigie-collector enrol SERVER:PORT WORD`".to_owned(),
        io::ErrorKind::PermissionDenied => "run as root, or name your own file with --config".to_owned(),
        _ => format!("see what `file {}` says", path.display()),
    };
    Failure::new(format!("cannot read {}: {error}", path.display()), hint)
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    values: [Option<String>; KEYS.len()],
    files: Vec<PathBuf>,
    listen: Vec<ListenPlace>,
    milter: Option<MilterPlace>,
    tenants: Vec<Tenant>,
    mailboxes: Vec<MailboxPlace>,
    folders: Vec<FolderPlace>,
    problems: Vec<String>,
}

impl Reading {
    fn line(&mut self, number: usize, line: &str) {
        let Some((key, value)) = line.split_once('=').map(|(key, value)| (key.trim(), value.trim())) else {
            return self.problems.push(format!("line {number}: `{line}` is not `key = value`"));
        };
        match KEYS.iter().position(|known| *known == key) {
            None => {
                self.problems.push(format!("line {number}: there is no key `{key}`; there are {}", KEYS.join(", ")))
            }
            Some(_) if value.is_empty() => self.problems.push(format!("line {number}: `{key}` has no value")),
            Some(_) if key == "file" && self.files.len() < FILES_MAX => self.files.push(value.into()),
            Some(_) if key == "file" => self.problems.push(format!("line {number}: more than {FILES_MAX} files")),
            Some(_) if key == "listen" => match value.parse() {
                Ok(listen) if self.listen.len() < LISTENERS_MAX => self.listen.push(listen),
                Ok(_) => self.problems.push(format!("line {number}: more than {LISTENERS_MAX} sockets")),
                Err(no_place) => {
                    self.problems.push(format!("line {number}: `{value}` is no place to listen: {no_place}"));
                }
            },
            Some(_) if key == "milter" && self.milter.is_some() => {
                self.problems.push(format!("line {number}: `milter` is given twice"));
            }
            Some(_) if key == "milter" => match value.parse() {
                Ok(place) => self.milter = Some(place),
                Err(no_place) => {
                    self.problems.push(format!("line {number}: `{value}` is no place for a milter: {no_place}"));
                }
            },
            Some(_) if key == "microsoft365" => self.tenant(number, value),
            Some(_) if key == "mailbox" => self.mailbox(number, value),
            Some(_) if key == "folder" => self.folder(number, value),
            Some(_) if key == "dates" && DATE_ORDERS.iter().all(|(name, _)| *name != value) => {
                let names = DATE_ORDERS.map(|(name, _)| name).join(", ");
                self.problems.push(format!("line {number}: `dates` can only be one of {names}"));
            }
            Some(_) if key == "journal" && value != "mail" => {
                self.problems.push(format!("line {number}: `journal` can only be `mail`"));
            }
            Some(index) => {
                if self.values[index].replace(value.to_owned()).is_some() {
                    self.problems.push(format!("line {number}: `{key}` is given twice"));
                }
            }
        }
    }

    fn tenant(&mut self, number: usize, value: &str) {
        let problem = match value.parse::<Tenant>() {
            // Two would undo each other's places, and share what Microsoft allows.
            Ok(tenant) if self.tenants.iter().any(|known| known.tenant == tenant.tenant) => {
                format!("the tenant `{}` is given twice", tenant.tenant)
            }
            Ok(_) if self.tenants.len() >= TENANTS_MAX => format!("more than {TENANTS_MAX} tenants"),
            Ok(tenant) => return self.tenants.push(tenant),
            Err(no_tenant) => format!("`microsoft365`: {no_tenant}"),
        };
        self.problems.push(format!("line {number}: {problem}"));
    }

    fn mailbox(&mut self, number: usize, value: &str) {
        let problem = match value.parse::<MailboxPlace>() {
            // Two would send every line twice.
            Ok(mailbox) if self.mailboxes.iter().any(|known| known.label() == mailbox.label()) => {
                format!("the {} is given twice", mailbox.label())
            }
            Ok(_) if self.mailboxes.len() >= MAILBOXES_MAX => format!("more than {MAILBOXES_MAX} mailboxes"),
            Ok(mailbox) => return self.mailboxes.push(mailbox),
            Err(no_mailbox) => format!("`mailbox`: {no_mailbox}"),
        };
        self.problems.push(format!("line {number}: {problem}"));
    }

    fn folder(&mut self, number: usize, value: &str) {
        let problem = match value.parse::<FolderPlace>() {
            // Two would send every line twice.
            Ok(folder) if self.folders.iter().any(|known| known.path == folder.path) => {
                format!("the folder {} is given twice", folder.path.display())
            }
            Ok(_) if self.folders.len() >= FOLDERS_MAX => format!("more than {FOLDERS_MAX} folders"),
            Ok(folder) => return self.folders.push(folder),
            Err(no_folder) => format!("`{value}` is no folder: {no_folder}"),
        };
        self.problems.push(format!("line {number}: {problem}"));
    }

    fn finish(self) -> Result<Config, Vec<String>> {
        let [server, word, name, _, authorities, state, _, journal, certificate, key, _, _, _, dates, _] = self.values;
        let mut problems = self.problems;
        if server.is_none() {
            problems.push("`server` is missing".to_owned());
        }
        let enrolment = word.as_deref().map(Enrolment::parse);
        match &enrolment {
            None => problems.push("`word` is missing".to_owned()),
            Some(Err(error)) => problems.push(bad_word(*error)),
            Some(Ok(_)) => {}
        }
        let has_tls = self.listen.iter().any(|listen| listen.protocol == Protocol::Tls);
        if certificate.is_some() != key.is_some() || (has_tls && key.is_none()) {
            problems.push("`listen = tls …` needs both `certificate` and `key`".to_owned());
        }
        let (Some(server), Some(Ok(enrolment)), true) = (server, enrolment, problems.is_empty()) else {
            return Err(problems);
        };
        Ok(Config {
            server,
            enrolment,
            name: name.unwrap_or_else(host_name),
            files: self.files,
            authorities: authorities.map(PathBuf::from),
            state: state.map_or_else(|| "/var/lib/vigie-collector".into(), PathBuf::from),
            listen: self.listen,
            certificate: certificate.map(PathBuf::from).zip(key.map(PathBuf::from)),
            is_journal_read: journal.is_some(),
            milter: self.milter,
            tenants: self.tenants,
            mailboxes: self.mailboxes,
            folders: self.folders,
            dates: DATE_ORDERS.iter().find(|(name, _)| Some(*name) == dates.as_deref()).map(|(_, order)| *order),
        })
    }
}

fn bad_word(error: EnrolmentError) -> String {
    format!("{error}: {}", error.hint())
}

#[cfg(test)]
pub mod tests {
    use vigie_shipping::Token;

    use super::*;

    pub fn word() -> String {
        Enrolment { token: Token::generate().unwrap(), pin: None }.word()
    }

    #[test]
    fn a_configuration_is_read_as_it_was_written() {
        let config = Config {
            server: "vigie.example.org:8026".into(),
            enrolment: Enrolment { token: Token::generate().unwrap(), pin: None },
            name: "mx1".into(),
            files: vec!["/var/log/mail.log".into(), "/srv/other = odd.log".into()],
            authorities: Some("/etc/ssl/ca.pem".into()),
            state: "/tmp/state".into(),
            listen: ["udp 0.0.0.0:514", "tcp [::1]:601", "tls 0.0.0.0:6514"]
                .map(|place| place.parse().unwrap())
                .to_vec(),
            certificate: Some(("/etc/ssl/mx1.pem".into(), "/etc/ssl/mx1.key".into())),
            is_journal_read: true,
            milter: Some("unix:/run/vigie/milter.sock".parse().unwrap()),
            tenants: ["contoso.com", "fabrikam.example"]
                .map(|tenant| format!("tenant={tenant} client=4f1c secret-file=/etc/vigie/{tenant}").parse().unwrap())
                .to_vec(),
            mailboxes: ["imaps://imap.example.org", "imap://127.0.0.1:1143"]
                .map(|place| {
                    format!("{place} user=journal password-file=/etc/vigie/journal servers=mx1").parse().unwrap()
                })
                .to_vec(),
            folders: ["ex01=/mnt/ex01/MessageTracking", "/srv/odd = name"].map(|place| place.parse().unwrap()).to_vec(),
            dates: Some(DateOrder::DayFirst),
        };
        assert_eq!(Config::parse(&config.text()), Ok(config));
    }

    #[test]
    fn all_mistakes_are_told_at_once_with_their_lines() {
        let problems = Config::parse(
            "# x\nserver a:1\nwurd = x\nname =\nword = nonsense\nname = a\nname = b\nlisten = udp 514\njournal = all\ncertificate = x\nmilter = 8893\nmilter = inet:1@localhost\nmilter = inet:2@localhost\n\
             microsoft365 = tenant=a client=b\nmicrosoft365 = tenant=a client=b secret-file=/s\nmicrosoft365 = tenant=A client=c secret-file=/t\n\
             folder = logs\nfolder = e x=/logs\nfolder = /logs\nfolder = ex01=/logs\ndates = american\n\
             mailbox = imaps://h user=a\nmailbox = imaps://h user=a password-file=/p\nmailbox = imaps://H:993 user=a password-file=/q every=60\n",
        )
        .unwrap_err();
        let all = problems.join("\n");
        for words in [
            "line 2:",
            "line 3: there is no key `wurd`",
            "line 4:",
            "does not begin with",
            "line 7:",
            "line 8: `udp 514` is no place to listen",
            "line 9: `journal` can only be `mail`",
            "line 11: `8893` is no place for a milter",
            "line 13: `milter` is given twice",
            "line 14: `microsoft365`: `secret-file` is missing",
            "line 16: the tenant `a` is given twice",
            "line 17: `logs` is no folder: it is not [HOST=]/PATH",
            "line 18: `e x=/logs` is no folder: a host is",
            "line 20: the folder /logs is given twice",
            "line 21: `dates` can only be one of day-first, month-first, year-first",
            "line 22: `mailbox`: `password-file` is missing",
            "line 24: the mailbox:a@h:993/INBOX is given twice",
            "`server` is missing",
            "both `certificate` and `key`",
        ] {
            assert!(all.contains(words), "{words} in {all}");
        }
    }
}
