//! Texts: every key that the pages ask for exists, and every key that exists is asked for.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use vigie_i18n::Lang;

/// Ids, classes and header names that look like keys.
const NO_KEYS: [&str; 2] = ["hop-", "recipient-domains"];

/// All string literals of the sources that look like keys.
fn literals(folder: &Path, out: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            literals(&entry, out);
        } else {
            let text = fs::read_to_string(&entry).expect("a source");
            out.extend(
                text.split('"')
                    .filter(|part| {
                        !part.is_empty()
                            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                    })
                    .map(str::to_owned),
            );
        }
    }
}

fn sources() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The literals behind these calls are keys.
fn asked_for(folder: &Path, out: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            asked_for(&entry, out);
            continue;
        }
        let text = fs::read_to_string(&entry).expect("a source");
        for call in ["reader.t(\"", "reader.tn(\"", "reader.count(\""] {
            out.extend(text.split(call).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned));
        }
    }
}

#[test]
fn every_key_used_exists() {
    let mut used = BTreeSet::new();
    asked_for(&sources(), &mut used);
    used.extend(vigie_query::fields().iter().map(|field| format!("field-{}", field.name)));
    // Keys from tables: whatever begins like a group of keys. The parts of addresses are no keys.
    let mut written = BTreeSet::new();
    literals(&sources(), &mut written);
    let group = |key: &str| key.split_once('-').map(|(group, _)| group.to_owned());
    let groups: BTreeSet<_> = vigie_i18n::keys(Lang::En).filter_map(group).collect();
    used.extend(
        written.into_iter().filter(|word| {
            group(word).is_some_and(|group| groups.contains(&group)) && !NO_KEYS.contains(&word.as_str())
        }),
    );
    assert!(used.len() > 100, "{}", used.len());
    let missing: Vec<_> = used.iter().filter(|key| !vigie_i18n::has(Lang::En, key)).collect();
    assert_eq!(missing, Vec::<&String>::new());
}

#[test]
fn every_key_is_used() {
    let mut written = BTreeSet::new();
    literals(&sources(), &mut written);
    written.extend(vigie_query::fields().iter().map(|field| format!("field-{}", field.name)));
    let unused: Vec<_> = vigie_i18n::keys(Lang::En).filter(|key| !written.contains(*key)).collect();
    assert_eq!(unused, Vec::<&str>::new());
}
