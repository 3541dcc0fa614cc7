//! `doctor`: what keeps this collector from shipping, and what to do.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use vigie_mailbox::MailboxPlace;
use vigie_milter::MilterPlace;
use vigie_polling::{Examined, SystemClock, Tenant};
use vigie_sources::machine::{is_denied, reading_group, space};
use vigie_sources::{SourceError, examine_folder};

use crate::config::{Config, FolderPlace};
use crate::failure::Failure;
use crate::{feeds, log, run, status};

/// Less than this is soon used up by a spool.
const FREE_WARNING_BYTES: u64 = 256 << 20;
const FREE_ERROR_BYTES: u64 = 16 << 20;
const CLOCK_WARNING_US: i64 = 2_000_000;
const CLOCK_ERROR_US: i64 = 60_000_000;
const OTHERS: u32 = 0o077;
const MILTER_TIME_MAX: Duration = Duration::from_secs(2);
const FAILED: u8 = 1;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Ok,
    Warning,
    Error,
}

/// What was found, and what to do.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    verdict: Verdict,
    found: String,
    advice: String,
}

impl Finding {
    fn ok(found: impl Into<String>) -> Finding {
        Finding { verdict: Verdict::Ok, found: found.into(), advice: String::new() }
    }

    fn warning(found: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { verdict: Verdict::Warning, found: found.into(), advice: advice.into() }
    }

    fn error(found: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { verdict: Verdict::Error, ..Finding::warning(found, advice) }
    }
}

pub fn examine(path: &Path) -> Result<ExitCode, Failure> {
    let config = Config::load(path)?;
    let mut findings = vec![privacy(path)];
    findings.extend(server(&config));
    findings.extend(logs(&config));
    findings.extend(config.folders.iter().flat_map(|folder| folder_of(folder, &config)));
    findings.extend(config.milter.iter().map(milter));
    findings.extend(config.tenants.iter().map(trace_of));
    findings.extend(config.mailboxes.iter().map(copies_in));
    findings.extend(state(&config.state));
    findings.push(progress(&config));
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let (errors, warnings) = (count(Verdict::Error), count(Verdict::Warning));
    let answer = match (errors, warnings) {
        (0, 0) => format!("All is well with the collector {}.", config.name),
        (0, _) => format!("The collector {} can ship; {warnings} warnings.", config.name),
        (_, _) => {
            format!("Something is wrong with the collector {}: {errors} errors, {warnings} warnings.", config.name)
        }
    };
    log::say(&format!("{answer}\n\n{}", findings.iter().map(told).collect::<String>()));
    Ok(if errors > 0 { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

fn told(finding: &Finding) -> String {
    let word = match finding.verdict {
        Verdict::Ok => "ok",
        Verdict::Warning => "warning",
        Verdict::Error => "error",
    };
    let plain = |text: &str| text.replace(char::is_control, " ");
    let mut text = format!("{word:8}{}\n", plain(&finding.found));
    if !finding.advice.is_empty() {
        text.push_str(&format!("        → {}\n", plain(&finding.advice)));
    }
    text
}

fn privacy(path: &Path) -> Finding {
    match fs::metadata(path) {
        Ok(of) if of.mode() & OTHERS != 0 => Finding::error(
            format!(
                "others may read {}, which holds this machine's secret: its mode is {:04o}",
                path.display(),
                of.mode() & 0o7777
            ),
            format!("chmod 0600 {}; if others used this machine, enrol it anew", path.display()),
        ),
        _ => Finding::ok(format!("{} can be read, and by its owner alone", path.display())),
    }
}

/// Greets the server, and compares clocks.
fn server(config: &Config) -> Vec<Finding> {
    let reached = match run::greet(config) {
        Ok(reached) => reached,
        Err(error) => return vec![Finding::error(error.to_string(), error.hint())],
    };
    let (least, most) = reached.clock_ahead_us;
    let mut findings =
        vec![Finding::ok(format!("{} answers and lets this machine in ({})", config.server, reached.program))];
    // The way there and back may explain a difference of either sign.
    let off = if least > 0 { least } else { most.min(0) };
    let way = if off > 0 { "ahead of" } else { "behind" };
    let found = format!("this machine's clock is {} s {way} the server's", off.unsigned_abs() / 1_000_000);
    let advice = "let both machines set their clocks by NTP: timedatectl set-ntp true";
    findings.push(match off.saturating_abs() {
        off if off > CLOCK_ERROR_US => Finding::error(found, advice),
        off if off > CLOCK_WARNING_US => Finding::warning(found, advice),
        _ => Finding::ok("this machine's clock and the server's agree"),
    });
    findings
}

/// Every log that is followed: may it be read?
fn logs(config: &Config) -> Vec<Finding> {
    feeds::followed(config).iter().map(|path| log_of(path)).collect()
}

fn log_of(path: &Path) -> Finding {
    let name = path.display();
    match File::open(path) {
        Ok(_) => Finding::ok(format!("{name} can be read")),
        Err(error) if error.kind() == ErrorKind::NotFound => Finding::warning(
            format!("{name} is not there (yet)"),
            "it is followed once it is; see where the mail server writes, and name that log in the configuration: file = PATH",
        ),
        Err(_) if is_denied(path) => {
            let advice = match reading_group(Path::new("/"), path) {
                Some(group) => {
                    format!("let the collector's user join its group: usermod -aG {group} USER, then start it again")
                }
                None => "let a group read it, or run the collector as root".to_owned(),
            };
            Finding::error(format!("{name} may not be read by this user"), advice)
        }
        Err(error) => Finding::error(format!("{name} cannot be read: {error}"), format!("see `ls -l {name}`")),
    }
}

/// A folder that is followed: is it there, and is something in it that can be read?
fn folder_of(folder: &FolderPlace, config: &Config) -> Vec<Finding> {
    let name = folder.path.display();
    let examined = match examine_folder(&folder.path, &feeds::settings_of(folder, config)) {
        Ok(examined) => examined,
        Err(SourceError::NotFound { .. }) => {
            let advice = "see whether the share is mounted (`findmnt`); it is followed once it is there";
            return vec![Finding::error(format!("the folder {name} is not there"), advice)];
        }
        Err(error) => return vec![Finding::error(error.to_string(), error.hint())],
    };
    let (looked_into, followed) = (examined.looked_into, examined.followed);
    let mut findings: Vec<Finding> =
        examined.problems.iter().map(|error| Finding::error(error.to_string(), error.hint())).collect();
    let what = "message tracking logs of Exchange and consoles of Domino (not packed)";
    if examined.files == 0 {
        findings.push(Finding::warning(
            format!("nothing lies in the folder {name}"),
            "see whether the share is mounted (`findmnt`), and where the mail server writes",
        ));
    } else if followed == 0 && findings.is_empty() {
        let found = format!("of the {looked_into} files in {name} that were changed last, none is followed");
        findings.push(Finding::warning(found, format!("{what} are; import other files")));
    } else if followed > 0 {
        let found = format!("{name} has {} files; {followed} of the last {looked_into} are followed", examined.files);
        findings.push(Finding::ok(found));
    }
    if let Some(first) = examined.gaps.first() {
        let found = format!("in {name} files are missing, in {} hours: {first}", examined.gaps.len());
        let advice = "if they were removed before they were read, let the server keep them longer (MessageTrackingLogMaxDirectorySize)";
        findings.push(Finding::warning(found, advice));
    }
    findings
}

/// Whether mail servers are heard, and only those of this machine.
fn milter(place: &MilterPlace) -> Finding {
    let answers = match place {
        MilterPlace::Inet(address) => TcpStream::connect_timeout(address, MILTER_TIME_MAX).map(drop),
        MilterPlace::Unix(path) => UnixStream::connect(path).map(drop),
    };
    match answers {
        Err(error) => Finding::error(
            format!("nobody answers at {place}, where mail servers are to show what passes them: {error}"),
            "start it: systemctl start vigie-collector; mail goes on meanwhile, if milter_default_action is accept",
        ),
        Ok(()) if place.is_open_to_others() => Finding::warning(
            format!("the milter answers at {place}, where other machines can tell it of mail that there is not"),
            "let it listen at 127.0.0.1, or let a firewall admit nobody but the mail servers",
        ),
        Ok(()) => Finding::ok(format!("the milter answers at {place}")),
    }
}

/// A tenant's message trace: secret, token and one question.
fn trace_of(tenant: &Tenant) -> Finding {
    let label = tenant.label();
    let http = match feeds::speaks_with(tenant) {
        Ok(http) => http,
        Err(error) => return Finding::error(format!("{label}: {error}"), error.hint()),
    };
    let runtime = match run::runtime() {
        Ok(runtime) => runtime,
        Err(error) => return Finding::error(format!("{label}: cannot ask: {error}"), "see `ulimit -a`"),
    };
    match runtime.block_on(vigie_polling::examine(tenant, &http, &SystemClock::default())) {
        Err(trouble) => Finding::error(format!("{label}: {trouble}"), trouble.hint()),
        Ok(Examined { has_rows: true, .. }) => {
            Finding::ok(format!("{label}: a token is given, and the message trace can be read"))
        }
        Ok(Examined { has_rows: false, .. }) => Finding::warning(
            format!("{label}: a token is given, and the message trace has no mail of the last day"),
            "if the tenant has mail, see whether `tenant` is the right one",
        ),
    }
}

/// A mailbox of copies: password, connection, folder, and whether something can be told of what is in it.
fn copies_in(mailbox: &MailboxPlace) -> Finding {
    let label = mailbox.label();
    let trust = match vigie_mailbox::trust(mailbox) {
        Ok(trust) => trust,
        Err(error) => return Finding::error(format!("{label}: {error}"), error.hint()),
    };
    let runtime = match run::runtime() {
        Ok(runtime) => runtime,
        Err(error) => return Finding::error(format!("{label}: cannot ask: {error}"), "see `ulimit -a`"),
    };
    match runtime.block_on(vigie_mailbox::examine(mailbox, trust.as_ref())) {
        Err(trouble) => Finding::error(format!("{label}: {trouble}"), trouble.hint()),
        Ok(found) if found.looked_at == 0 => Finding::warning(
            format!("{label}: the folder can be read, and nothing is in it"),
            "let the mail server deliver a copy of each message into it",
        ),
        Ok(found) if found.told == 0 => Finding::warning(
            format!("{label}: none of the first {} copies passed a server that is named", found.looked_at),
            "see whether `servers` has the servers as their lines in Vigie have them, or NAME:HOST with the name behind `by` in Received",
        ),
        Ok(found) => Finding::ok(format!(
            "{label}: the folder can be read (UIDVALIDITY {}), and {} of its first {} copies tell what is inside",
            found.validity, found.told, found.looked_at
        )),
    }
}

/// Where it is kept how far the server has come, and spools.
fn state(folder: &Path) -> Vec<Finding> {
    let name = folder.display();
    if let Err(error) = can_write(folder) {
        let advice = format!("let the collector's user own it (chown -R USER {name}), or run this as that user");
        return vec![Finding::error(format!("{name} cannot be written: {error}"), advice)];
    }
    let free = space(folder).map_or(u64::MAX, |space| space.free_bytes);
    let found = format!("{name} can be written, {} MiB are free", free >> 20);
    let advice = "make room there: lines that listeners and the journal give have nowhere else to wait";
    vec![match free {
        free if free < FREE_ERROR_BYTES => Finding::error(found, advice),
        free if free < FREE_WARNING_BYTES => Finding::warning(found, advice),
        _ => Finding::ok(found),
    }]
}

fn can_write(folder: &Path) -> io::Result<()> {
    let path = folder.join(format!("doctor-{}.new", std::process::id()));
    File::options().write(true).create_new(true).open(&path)?;
    fs::remove_file(path)
}

/// What the running collector last wrote of itself.
fn progress(config: &Config) -> Finding {
    let start = "start it: systemctl start vigie-collector";
    let Some((status::Report { condition, .. }, age_s)) = status::read(config) else {
        return Finding::error("it has not run yet", start);
    };
    if age_s > status::STALE_S {
        return Finding::error(format!("it does not run: it was heard {age_s} s ago"), start);
    }
    let open: u64 = condition.feeds.iter().map(|feed| feed.undurable_bytes).sum();
    let found = format!("it runs; {} bytes wait, {open} are sent and not stored yet", condition.backlog_bytes);
    match (condition.losses, condition.is_connected) {
        (0, true) => Finding::ok(found),
        (0, false) => Finding::warning(
            format!("{found}; it is not connected: {}", condition.trouble.unwrap_or_default()),
            "it tries again every half minute",
        ),
        (losses, _) => Finding::error(
            format!("{found}; lost {losses} times, {} bytes known", condition.lost_bytes),
            "see its log (journalctl -u vigie-collector)",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_or_written_is_said() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(log_of(&folder.path().join("mail.log")).verdict, Verdict::Warning);
        fs::write(folder.path().join("mail.log"), "").unwrap();
        assert_eq!(log_of(&folder.path().join("mail.log")).verdict, Verdict::Ok);
        assert_eq!(state(&folder.path().join("nothing"))[0].verdict, Verdict::Error);
        assert_ne!(state(folder.path())[0].verdict, Verdict::Error);
        // Looking leaves nothing.
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_without_logs_is_said() {
        let work = tempfile::tempdir().unwrap();
        let config = Config::parse(&format!("server=a:1\nword={}", crate::config::tests::word())).unwrap();
        let verdicts = |path: &Path| -> Vec<Verdict> {
            let folder = FolderPlace { host: None, path: path.to_owned() };
            folder_of(&folder, &config).iter().map(|finding| finding.verdict).collect()
        };
        assert_eq!(verdicts(&work.path().join("nothing")), [Verdict::Error]);
        assert_eq!(verdicts(work.path()), [Verdict::Warning]);
        fs::write(work.path().join("readme.txt"), "hello\n").unwrap();
        assert_eq!(verdicts(work.path()), [Verdict::Warning]);
        let console = "[1D44:001E-B812] 05/16/2026 07:59:59.11 AM Opened session for Jane Doe/Acme (Release 14.0)\n";
        fs::write(work.path().join("console1.log"), console).unwrap();
        assert_eq!(verdicts(work.path()), [Verdict::Ok]);
        fs::write(work.path().join("MSGTRK2026030210-2.LOG"), "x").unwrap();
        assert_eq!(verdicts(work.path()), [Verdict::Ok, Verdict::Warning]);
    }

    #[test]
    fn a_text_of_the_server_stays_on_its_line() {
        let text = told(&Finding::error("a\nok      b", "c"));
        assert_eq!(text, "error   a ok      b\n        → c\n");
    }
}
