//! Finding the logs in folders, once each, and one problem for each bad path.

use std::fs;
use std::path::Path;

use vigie_sources::{Arranged, Found, SourceError, arrange, find_machine_logs_below};

fn write(root: &Path, name: &str, content: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    fs::write(path, content).expect("a file");
}

fn names(root: &Path, arranged: &Arranged) -> Vec<String> {
    arranged.files.iter().map(|found| found.path.strip_prefix(root).expect("below").display().to_string()).collect()
}

#[test]
fn a_folder_gives_its_mail_logs_sorted() {
    let root = tempfile::tempdir().expect("a folder");
    for name in [
        "mail.log",
        "mail.log.1",
        "mail.log.2.gz",
        "maillog-20260101.xz",
        "mail.info",
        "mail/mail.err",
        "exim4/mainlog",
        "dovecot-info.log",
        "postfix.log",
    ] {
        write(root.path(), name, "x\n");
    }
    for name in ["syslog", "auth.log", "mail.warn", ".mail.log.swp", "other/mail.log"] {
        write(root.path(), name, "x\n");
    }
    write(root.path(), "mail.log.3", "");
    let arranged = arrange([root.path()]);
    assert_eq!(
        names(root.path(), &arranged),
        [
            "dovecot-info.log",
            "exim4/mainlog",
            "mail/mail.err",
            "mail.info",
            "mail.log",
            "mail.log.1",
            "mail.log.2.gz",
            "maillog-20260101.xz",
            "postfix.log"
        ]
    );
    assert!(arranged.problems.is_empty());
}

#[test]
fn a_folder_of_hosts_gives_each_hosts_logs() {
    let root = tempfile::tempdir().expect("a folder");
    for name in ["edge1/mail.log.gz", "hub1/mail.log.gz", "hub1/config/mail.log", "mail2/maillog", "syslog"] {
        write(root.path(), name, "x\n");
    }
    let arranged = arrange([root.path()]);
    assert_eq!(names(root.path(), &arranged), ["edge1/mail.log.gz", "hub1/mail.log.gz", "mail2/maillog"]);
    let hosts: Vec<_> = arranged.files.iter().map(|found| found.host.as_deref()).collect();
    assert_eq!(hosts, [Some("edge1"), Some("hub1"), Some("mail2")]);
}

#[test]
fn a_folder_of_hosts_gives_logs_that_only_a_named_folder_has() {
    let root = tempfile::tempdir().expect("a folder");
    for name in
        ["ex1/MSGTRK2026032821-1.LOG", "ex1/notes.txt", "edge1/console.log", "edge1/console1.log", "mx1/mail.log"]
    {
        write(root.path(), name, "x\n");
    }
    // What its first lines say counts more than its name.
    let rows = "#Log-type: Message Tracking Log\n#Fields: date-time,client-ip,source,event-id,internal-message-id\n\
        2026-03-28T21:00:18.985Z,,SMTP,RECEIVE,7\n";
    write(root.path(), "ex1/export.txt", rows);
    let expected =
        ["edge1/console.log", "edge1/console1.log", "ex1/MSGTRK2026032821-1.LOG", "ex1/export.txt", "mx1/mail.log"];
    let arranged = arrange([root.path()]);
    assert_eq!(names(root.path(), &arranged), expected);
    assert_eq!(arranged.passed_over, [root.path().join("ex1/notes.txt")]);
}

#[test]
fn syslog_is_read_only_when_there_is_nothing_else() {
    let root = tempfile::tempdir().expect("a folder");
    write(root.path(), "syslog.1", "x\n");
    write(root.path(), "syslog", "x\n");
    write(root.path(), "auth.log", "x\n");
    assert_eq!(names(root.path(), &arrange([root.path()])), ["syslog", "syslog.1"]);
}

#[test]
fn one_file_under_several_names_is_read_once() {
    let root = tempfile::tempdir().expect("a folder");
    write(root.path(), "mail.log", "x\n");
    fs::hard_link(root.path().join("mail.log"), root.path().join("mail.log.same")).expect("a link");
    std::os::unix::fs::symlink("mail.log", root.path().join("maillog")).expect("a link");
    let file = root.path().join("mail.log");
    assert_eq!(arrange([file.as_path(), root.path(), file.as_path()]).files, [Found { path: file, host: None }]);
}

#[test]
fn each_bad_path_is_one_problem_and_the_good_ones_stay() {
    let root = tempfile::tempdir().expect("a folder");
    write(root.path(), "good.log", "x\n");
    write(root.path(), "empty.log", "");
    fs::create_dir(root.path().join("nothing")).expect("a folder");
    let paths = ["missing", "good.log", "empty.log", "nothing"].map(|name| root.path().join(name));
    let arranged = arrange(paths.iter().map(|path| path.as_path()).chain([Path::new("/dev/null")]));
    assert_eq!(names(root.path(), &arranged), ["good.log"]);
    assert!(matches!(
        arranged.problems.as_slice(),
        [
            SourceError::NotFound { .. },
            SourceError::Empty { .. },
            SourceError::NoMailLogs { .. },
            SourceError::NotAFile { .. }
        ]
    ));
    assert!(arranged.problems.iter().all(|problem| !problem.hint().is_empty()));
}

#[test]
fn the_logs_of_a_machine_are_in_their_usual_places() {
    let root = tempfile::tempdir().expect("a folder");
    for name in
        ["var/log/mail.log", "var/log/mail.log.1", "var/log/syslog", "var/log/mail/mail.info", "var/log/host/mail.log"]
    {
        write(root.path(), name, "x\n");
    }
    write(root.path(), "var/log/maillog", "");
    let found = find_machine_logs_below(root.path());
    let expected =
        ["var/log/mail/mail.info", "var/log/mail.log", "var/log/mail.log.1"].map(|name| root.path().join(name));
    assert_eq!(found, expected);
    assert!(find_machine_logs_below(&root.path().join("nowhere")).is_empty());
}
