//! A backup while the store is written, from one time to the next.

use std::{collections::HashSet, fs, path::Path};

use jiff::tz::TimeZone;
use vigie_engine::{
    import::{self, COMMIT_LINES_MAX, Options, Store},
    intake::{HostRule, Source},
};
use vigie_lake::Compaction;

use super::{BackupError, Manifest, Moved, check, copying, restore, take};

struct Yard {
    folder: tempfile::TempDir,
    store: Store,
}

impl Yard {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("store")).expect("a new store");
        Self { folder, store }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// One message in this minute.
    fn import(&self, minute: u32) {
        let stamp = |second: u32| format!("2026-11-22T04:{minute:02}:{second:02}+00:00 mx postfix");
        let id = format!("4abc{minute:02}");
        let text = format!(
            "{}/smtpd[7]: {id}: client=unknown[192.0.2.9]\n{}/qmgr[8]: {id}: from=<a@example.com>, size=900, nrcpt=1 (queue active)\n\
             {}/local[9]: {id}: to=<b@example.org>, relay=local, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (delivered)\n{}/qmgr[8]: {id}: removed\n",
            stamp(1),
            stamp(2),
            stamp(3),
            stamp(4)
        );
        let path = self.path(&format!("mail-{minute}.log"));
        fs::write(&path, text).expect("a log");
        let options = Options {
            zone: TimeZone::UTC,
            default_host: "mx".to_owned(),
            host_rule: HostRule::Line,
            dates: None,
            commit_lines_max: COMMIT_LINES_MAX,
        };
        let sources = [Source { path, host: None }];
        import::import(&self.store, &sources, &options, &mut |_| true).expect("imported");
    }

    /// What a writer does some minutes after a merge.
    fn merge_and_remove(&self) {
        self.store.lake.writer().expect("the lock").compact(Compaction::All).expect("merged");
        let listed = self.store.pin().expect("pinned").pin.inventory().expect("listed");
        let listed: HashSet<_> = listed.data.into_iter().map(|file| file.path).collect();
        let is_data = |path: &Path| path.extension().is_some_and(|kind| kind == "parquet");
        for path in copying::files_below(self.store.dir()).expect("listed") {
            if is_data(&path) && !listed.contains(&path) && !path.starts_with("rollups") {
                fs::remove_file(self.store.dir().join(path)).expect("removed");
            }
        }
    }

    fn restored(&self, name: &str) -> Vec<(vigie_lake::Table, u64)> {
        let data = self.path(name);
        restore(&self.path("backup"), &data, &mut |_| ()).expect("restored");
        rows(&Store::open(&data).expect("opened"))
    }
}

fn rows(store: &Store) -> Vec<(vigie_lake::Table, u64)> {
    let snapshot = store.lake.snapshot().expect("a snapshot");
    assert!(snapshot.check_footers(&mut |_, _| ()).is_empty());
    store.state().expect("a state");
    snapshot.sizes().into_iter().map(|size| (size.table, size.rows)).collect()
}

fn quiet(_: Moved) {}

#[test]
fn files_that_are_merged_and_removed_meanwhile_are_taken_from_a_newer_commit() {
    let yard = Yard::new();
    yard.import(1);
    yard.import(2);
    let mut looks = 0;
    let mut meanwhile = |_: Moved| {
        looks += 1;
        // The commit is pinned, and nothing of it is copied.
        if looks == 1 {
            yard.import(3);
            yard.merge_and_remove();
        }
    };
    let first = yard.store.pin().expect("pinned").pin.sequence();
    let report = take(&yard.store, &yard.path("backup"), &mut meanwhile).expect("backed up");
    assert!(report.manifest.sequence > first, "the commit after");
    assert_eq!(yard.restored("restored"), rows(&yard.store));
}

#[test]
fn a_second_backup_copies_what_is_new_and_removes_what_is_gone() {
    let yard = Yard::new();
    yard.import(1);
    let backup = yard.path("backup");
    let first = take(&yard.store, &backup, &mut quiet).expect("backed up");
    let data = |manifest: &Manifest| manifest.files.iter().filter(|file| file.is_data).count();
    yard.import(2);
    let second = take(&yard.store, &backup, &mut quiet).expect("backed up again");
    let others = |manifest: &Manifest| manifest.files.len() - data(manifest);
    let known: HashSet<_> = first.manifest.files.iter().filter(|file| file.is_data).map(|file| &file.path).collect();
    let new = second.manifest.files.iter().filter(|file| file.is_data && !known.contains(&file.path)).count();
    assert!(new > 0 && new < data(&second.manifest), "{new} of {}", data(&second.manifest));
    assert_eq!(second.copied_files, others(&second.manifest) + new);
    yard.merge_and_remove();
    let third = take(&yard.store, &backup, &mut quiet).expect("and again");
    let found = copying::files_below(&backup).expect("listed");
    // The manifest itself is not in it.
    assert_eq!(found.len(), third.manifest.files.len() + 1, "{found:?}");
    assert_eq!(yard.restored("restored"), rows(&yard.store));
}

#[test]
fn what_a_backup_that_was_cut_off_left_is_trusted_when_it_is_the_same() {
    let yard = Yard::new();
    yard.import(1);
    let backup = yard.path("backup");
    let first = take(&yard.store, &backup, &mut quiet).expect("backed up");
    fs::remove_file(backup.join("backup.json")).expect("as if it had not ended");
    let lines = first.manifest.files.iter().find(|file| file.path.starts_with("lines") && file.is_data).expect("lines");
    let place = first.manifest.place(&backup, lines);
    let good = fs::read(&place).expect("read");
    fs::write(&place, vec![b'x'; good.len()]).expect("written by a bad disk");
    assert!(matches!(check(&backup, &mut quiet), Err(BackupError::None { .. })));
    let second = take(&yard.store, &backup, &mut quiet).expect("backed up again");
    assert_eq!(fs::read(&place).expect("read"), good);
    let copied = second.manifest.files.iter().filter(|file| !file.is_data).count() + 1;
    assert_eq!(second.copied_files, copied, "one data file, and what is no data file");
    check(&backup, &mut quiet).expect("whole");
}

#[test]
fn secrets_come_back_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let yard = Yard::new();
    yard.import(1);
    let folder = yard.store.dir().join("collect");
    fs::create_dir(&folder).expect("made");
    for name in ["collectors.json", "collect.pem", "collectors.lock", "heard.new"] {
        fs::write(folder.join(name), name).expect("written");
    }
    take(&yard.store, &yard.path("backup"), &mut quiet).expect("backed up");
    yard.restored("restored");
    let restored = yard.path("restored/collect");
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(copying::files_below(&restored).expect("listed").len(), 2, "no locks, nothing half written");
    assert_eq!((mode(&restored), mode(&restored.join("collect.pem"))), (0o700, 0o600));
    let private = copying::files_below(&yard.path("backup")).expect("listed");
    assert!(private.iter().all(|path| mode(&yard.path("backup").join(path)) == 0o600));
}

#[test]
fn one_backup_at_a_time() {
    let yard = Yard::new();
    yard.import(1);
    let backup = yard.path("backup");
    let mut refused = 0;
    let mut meanwhile = |_: Moved| {
        let second = take(&yard.store, &backup, &mut quiet);
        refused += usize::from(matches!(second, Err(BackupError::UnderWay { .. })));
    };
    take(&yard.store, &backup, &mut meanwhile).expect("backed up");
    assert!(refused > 0);
}

#[test]
fn a_backup_that_fails_at_its_very_end_leaves_the_one_before() {
    let yard = Yard::new();
    yard.import(1);
    let backup = yard.path("backup");
    let first = take(&yard.store, &backup, &mut quiet).expect("backed up");
    yard.import(2);
    yard.merge_and_remove();
    fs::create_dir(backup.join("backup.json.new")).expect("in the manifest's way");
    assert!(matches!(take(&yard.store, &backup, &mut quiet), Err(BackupError::File { .. })));
    assert_eq!(check(&backup, &mut quiet).expect("whole"), first.manifest);
    fs::remove_dir(backup.join("backup.json.new")).expect("out of the way");
    take(&yard.store, &backup, &mut quiet).expect("backed up again");
    assert_eq!(yard.restored("restored"), rows(&yard.store));
}
