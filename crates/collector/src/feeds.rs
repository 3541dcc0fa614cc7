//! What is shipped: logs that are followed, what listeners and the milter take, the journal, and what is asked for.

use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vigie_formats::transcript::Settings;
use vigie_mailbox::{MailboxPlace, Reader};
use vigie_milter::{Milter, MilterPlace, host_in_log};
use vigie_polling::{Http, Poller, SystemClock, Tenant};
use vigie_shipping::{Places, TrustError};
use vigie_sources::journald::{JournalConfig, JournalFeed};
use vigie_sources::listen::{
    Clock, ListenConfig, ListenPlace, Listener, Protocol, Senders, TlsError, Transport, tls_config,
};
use vigie_sources::spool::{Origin, Spool, SpoolConfig};
use vigie_sources::{Feed, Folder, Follower, Start, find_machine_logs};

use crate::config::{Config, FolderPlace, host_name, program};
use crate::failure::Failure;

/// Followed when no mail log is there yet: where Debian and others will write it.
const USUAL: &str = "/var/log/mail.log";
/// These repeat lines of `mail.log` where both are written.
const REPEATING: &str = "mail.info";
/// What a file of certificates or a key may hold; chains have a few kibibytes.
const PEM_BYTES_MAX: u64 = 1 << 20;
const PACKED: [&str; 5] = ["gz", "bz2", "xz", "zst", "Z"];

/// All that this collector ships.
pub struct Sources {
    pub feeds: Vec<Box<dyn Feed>>,
    /// Sockets that fill a spool, which is one of the feeds.
    pub listeners: Vec<(Listener, Spool)>,
    /// The same for what mail servers show.
    pub milter: Option<(Milter, Spool)>,
    /// Those that ask, each for a spool, which is one of the feeds.
    pub pollers: Vec<Poller>,
    /// The same for mailboxes.
    pub readers: Vec<Reader>,
}

/// How much of the configuration is shipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    All,
    MilterAlone,
}

/// The sources of this machine, standing where the server has come to.
pub fn open(config: &Config, scope: Scope, mut places: Places) -> Result<Sources, Failure> {
    let mut sources =
        Sources { feeds: Vec::new(), listeners: Vec::new(), milter: None, pollers: Vec::new(), readers: Vec::new() };
    if let Some(place) = &config.milter {
        show_at(place, config, &mut sources)?;
    }
    if scope == Scope::MilterAlone {
        return Ok(sources);
    }
    for file in followed(config) {
        if file.is_dir() {
            let hint = format!("name a log in it, such as {}/mail.log", file.display());
            return Err(Failure::new(format!("{} is a directory", file.display()), hint));
        }
        let of_file = places.take(&file.display().to_string());
        sources.feeds.push(Box::new(Follower::new(file, of_file, Start::Beginning)));
    }
    for folder in &config.folders {
        let of_folder = places.take(&folder.path.display().to_string());
        sources.feeds.push(Box::new(Folder::new(&folder.path, settings_of(folder, config), of_folder)));
    }
    for listen in &config.listen {
        listen_at(listen, config, &mut sources)?;
    }
    if config.is_journal_read {
        let spool = config.state.join("journal");
        let feed = JournalFeed::follow(JournalConfig::new(spool), entropy());
        sources.feeds.push(Box::new(feed.map_err(|error| Failure::new(&error, error.hint()))?));
    }
    for tenant in &config.tenants {
        poll(tenant, config, &mut sources)?;
    }
    for mailbox in &config.mailboxes {
        read_copies(mailbox, config, &mut sources)?;
    }
    Ok(sources)
}

/// The logs that are named, or else the usual ones, unless something else is shipped in their place. What the milter and copies tell is
/// told besides.
pub fn followed(config: &Config) -> Vec<PathBuf> {
    let has_others =
        !config.listen.is_empty() || config.is_journal_read || !config.tenants.is_empty() || !config.folders.is_empty();
    if config.files.is_empty() && !has_others { usual_files(find_machine_logs()) } else { config.files.clone() }
}

/// What the files of a folder do not tell.
pub fn settings_of(folder: &FolderPlace, config: &Config) -> Settings {
    Settings {
        host: folder.host.clone().unwrap_or_else(|| config.name.clone()),
        dates: config.dates,
        ..Settings::default()
    }
}

fn listen_at(listen: &ListenPlace, config: &Config, sources: &mut Sources) -> Result<(), Failure> {
    let transport = match listen.protocol {
        Protocol::Udp => Transport::Udp,
        Protocol::Tcp => Transport::Tcp,
        Protocol::Tls => transport_in_tls(config)?,
    };
    let listener =
        Listener::bind(ListenConfig::new(listen.address, transport)).map_err(|error| cannot_listen(listen, &error))?;
    let dir = config.state.join(format!("spool-{}", listen.file_name()));
    let (spool, feed) = Spool::open(SpoolConfig::new(dir, format!("syslog:{listen}")), entropy())
        .map_err(|error| Failure::new(&error, error.hint()))?;
    sources.feeds.push(Box::new(feed));
    sources.listeners.push((listener, spool));
    Ok(())
}

fn show_at(place: &MilterPlace, config: &Config, sources: &mut Sources) -> Result<(), Failure> {
    let milter =
        Milter::bind(place, host_of_lines(config), Clock::default()).map_err(|error| cannot_show(place, &error))?;
    let mut spool = SpoolConfig::new(config.state.join("spool-milter"), format!("milter:{place}"));
    spool.when_full = "what is inside further messages is not told; the mail itself goes on".into();
    let (spool, feed) = Spool::open(spool, entropy()).map_err(|error| Failure::new(&error, error.hint()))?;
    sources.feeds.push(Box::new(feed));
    sources.milter = Some((milter, spool));
    Ok(())
}

/// What the mail server's lines call this machine: as its log says; a line without a host gets the collector's name. Where there is no
/// log to look at, the journal has the whole name, and rsyslog and Postfix write it up to the first dot.
fn host_of_lines(config: &Config) -> String {
    if let Some(host) = followed(config).iter().find_map(|log| host_in_log(log)) {
        return if host.is_empty() { config.name.clone() } else { host };
    }
    let name = host_name();
    if config.is_journal_read { name } else { name.split('.').next().unwrap_or_default().to_owned() }
}

fn cannot_show(place: &MilterPlace, error: &std::io::Error) -> Failure {
    let hint = match (error.kind(), place) {
        (std::io::ErrorKind::AddrInUse, _) => "see with `ss -lntxp` who has it, or use another place",
        (_, MilterPlace::Unix(_)) => "its folder must be there, and this user must be allowed to write in it",
        (_, MilterPlace::Inet(_)) => "see with `ip addr` whether this machine has the address",
    };
    Failure::new(format!("the milter cannot listen at {place}: {error}"), hint)
}

fn poll(tenant: &Tenant, config: &Config, sources: &mut Sources) -> Result<(), Failure> {
    let http = speaks_with(tenant).map_err(|error| Failure::new(&error, error.hint()))?;
    let folder = config.state.join(format!("microsoft365-{}", tenant.file_name()));
    let spool = SpoolConfig {
        when_full: "nothing is asked for, and nothing is lost for as long as Microsoft keeps it (90 days)".into(),
        ..SpoolConfig::new(folder.join("spool"), tenant.label())
    };
    let (spool, feed) = Spool::open(spool, entropy()).map_err(|error| Failure::new(&error, error.hint()))?;
    let poller =
        Poller::open(tenant.clone(), &folder.join("seen"), spool, http, Arc::new(SystemClock::default()), seed());
    sources.pollers.push(poller.map_err(|error| Failure::new(&error, error.hint()))?);
    sources.feeds.push(Box::new(feed));
    Ok(())
}

fn read_copies(mailbox: &MailboxPlace, config: &Config, sources: &mut Sources) -> Result<(), Failure> {
    let trust = vigie_mailbox::trust(mailbox).map_err(|error| Failure::new(&error, error.hint()))?;
    let spool = SpoolConfig {
        when_full: "no copies are read, and nothing is lost for as long as they stay in the mailbox".into(),
        // Its last line says how far the mailbox was read.
        origin: Origin::Resumable,
        ..SpoolConfig::new(config.state.join(mailbox.file_name()), mailbox.label())
    };
    let (spool, feed) = Spool::open(spool, entropy()).map_err(|error| Failure::new(&error, error.hint()))?;
    // A copy's line must call this machine what its own lines do.
    let servers = mailbox.servers.clone().with_here(&host_of_lines(config));
    let mailbox = MailboxPlace { servers, ..mailbox.clone() };
    let reader = Reader::open(mailbox, trust, spool, Arc::new(SystemClock::default()), seed());
    sources.readers.push(reader.map_err(|error| Failure::new(&error, error.hint()))?);
    sources.feeds.push(Box::new(feed));
    Ok(())
}

/// The system's authorities, whatever `authorities` says: that is for Vigie's own server.
pub fn speaks_with(tenant: &Tenant) -> Result<Http, TrustError> {
    Http::new(&program(), [&tenant.login, &tenant.graph].into_iter())
}

/// With the certificate of the configuration.
fn transport_in_tls(config: &Config) -> Result<Transport, Failure> {
    let Some((certificate, key)) = &config.certificate else {
        return Err(Failure::new("there is no certificate to show", "name one by `certificate` and `key`"));
    };
    let read = |file: &Path| {
        let pem = std::fs::File::open(file).and_then(|file| {
            let mut pem = Vec::new();
            file.take(PEM_BYTES_MAX).read_to_end(&mut pem).map(|_| pem)
        });
        pem.map_err(|error| {
            let hint = format!("see with `ls -l {}` whether it is there and this user may read it", file.display());
            Failure::new(format!("cannot read {}: {error}", file.display()), hint)
        })
    };
    let unusable =
        |error: TlsError| Failure::new(format!("{} cannot be used: {error}", certificate.display()), error.hint());
    let (chain, key) = (read(certificate)?, read(key)?);
    Ok(Transport::Tls(tls_config(&chain, &key, Senders::Any).map_err(unusable)?))
}

fn cannot_listen(listen: &ListenPlace, error: &std::io::Error) -> Failure {
    let hint = match error.kind() {
        std::io::ErrorKind::PermissionDenied => "ports below 1024 need root; senders can be told another port",
        std::io::ErrorKind::AddrInUse => "see with `ss -lntup` who has the port; often it is rsyslog",
        _ => "see with `ip addr` whether this machine has the address",
    };
    Failure::new(format!("cannot listen at {listen}: {error}"), hint)
}

/// The standard library's keys for hash maps are random.
fn entropy() -> u128 {
    u128::from(seed()) << 64 | u128::from(seed())
}

fn seed() -> u64 {
    RandomState::new().hash_one(std::process::id())
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
