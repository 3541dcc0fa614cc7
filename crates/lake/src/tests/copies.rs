//! A copy made of an inventory is a lake; a file that is not what the log says is found.

use std::fs;
use std::path::Path;

use super::samples::*;
use crate::{FooterFaultKind, Lake, Pin, Table};

fn fill(lake: &Lake, commits: std::ops::Range<u64>) {
    let mut writer = lake.writer().expect("a writer");
    for n in commits {
        let ts = DAY0 + n as i64 * HOUR;
        let hop = vigie_model::Hop { server: "mx2".into(), ts_in: ts, ts_out: ts, ..Default::default() };
        store(&mut writer, |commit| {
            commit.hops(&[hop]).transaction("source", n as i64);
        });
    }
}

fn copied(pin: &Pin, from: &Path) -> tempfile::TempDir {
    let inventory = pin.inventory().expect("an inventory");
    let to = tempfile::tempdir().expect("a folder");
    let put = |path: &Path, bytes: &[u8]| {
        let path = to.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, bytes).expect("written");
    };
    for path in inventory.data.iter().map(|file| &file.path).chain(&inventory.logs) {
        put(path, &fs::read(from.join(path)).expect("there"));
    }
    inventory.written.iter().for_each(|(path, bytes)| put(path, bytes));
    to
}

fn hops(lake: &Lake) -> usize {
    all(lake.snapshot().expect("a snapshot").hops_overlapping(ALWAYS.0, ALWAYS.1)).len()
}

#[test]
fn a_copy_is_the_lake_as_the_pinned_commit_left_it() {
    let (dir, lake) = lake();
    // The log of hops is shortened at its 93rd entry.
    for (until, entries) in [(3, 4), (95, 4)] {
        let done = hops(&lake) as u64;
        fill(&lake, done..until);
        let pin = lake.pin().expect("pinned");
        fill(&lake, until..until + 1);
        assert!(!pin.is_newest().expect("read"));
        let inventory = pin.inventory().expect("an inventory");
        let log = inventory.logs.iter().filter(|path| path.starts_with("hops")).count();
        assert_eq!(log, entries, "{:?}", inventory.logs);
        let to = copied(&pin, dir.path());
        let copy = Lake::open(to.path()).expect("a lake");
        assert_eq!((hops(&copy) as u64, hops(&lake) as u64), (until, until + 1));
        // It can be written, and is the same store.
        fill(&copy, until..until + 2);
        assert_eq!(hops(&copy) as u64, until + 2);
        let again = Lake::open(to.path()).expect("a lake").pin().expect("pinned").inventory().expect("an inventory");
        let original =
            Lake::open(dir.path()).expect("the lake").pin().expect("pinned").inventory().expect("an inventory");
        assert!(original.store.is_some() && again.store == original.store);
    }
}

#[test]
fn files_that_are_not_what_the_log_says_are_found() {
    let (dir, lake) = lake();
    fill(&lake, 0..4);
    let snapshot = lake.snapshot().expect("a snapshot");
    assert!(snapshot.check_footers(&mut |_, _| ()).is_empty());
    let inventory = lake.pin().expect("pinned").inventory().expect("an inventory");
    let files: Vec<_> = inventory.data.iter().map(|file| dir.path().join(&file.path)).collect();
    fs::remove_file(&files[0]).expect("removed");
    fs::write(&files[1], "short").expect("written");
    let mut bytes = fs::read(&files[2]).expect("read");
    let end = bytes.len();
    bytes[end - 60..end - 8].fill(0xFF);
    fs::write(&files[2], bytes).expect("written");
    let faults = snapshot.check_footers(&mut |_, _| ());
    let of = |path: &Path| faults.iter().find(|fault| fault.path.ends_with(path.file_name().expect("a name")));
    assert!(matches!(of(&files[0]).expect("found").fault, FooterFaultKind::Missing));
    assert!(matches!(of(&files[1]).expect("found").fault, FooterFaultKind::Size { found: 5, .. }));
    assert!(matches!(of(&files[2]).expect("found").fault, FooterFaultKind::Footer(_)));
    assert!(of(&files[3]).is_none() && faults.iter().all(|fault| fault.table == Table::Hops));
}
