//! Two machines that call themselves by one name.

use vigie_engine::intake::Source;

use crate::store::{LONG, LONG_ROWS, Log, Place, SHORT, cuts};

/// The logs of two hosts of the captured run, which now say that they are one.
fn one_name() -> [Log; 2] {
    let renamed = |log: &Log| {
        let text = String::from_utf8_lossy(&log.text).replace(&format!(" {} ", log.host), " mail ");
        Log { host: log.host.clone(), name: log.name.clone(), text: text.into_bytes() }
    };
    let postfix: Vec<&Log> = LONG.iter().filter(|log| log.name.starts_with("mail")).collect();
    [renamed(postfix[0]), renamed(postfix[1])]
}

fn files(place: &Place, logs: &[Log]) -> Vec<Source> {
    logs.iter().map(|log| place.file(&log.host, &log.name, &log.text)).collect()
}

#[test]
fn two_machines_with_one_name_are_told_with_both_files() {
    let place = Place::new();
    let sources = files(&place, &one_name());
    let imported = place.import(&sources);
    let [found] = &imported.namesakes[..] else { panic!("{:?}", imported.namesakes) };
    assert_eq!(found.host, "mail");
    assert_eq!(found.files, [0, 1].map(|at| sources[at].path.display().to_string()));
    assert!(place.import(&sources).namesakes.is_empty(), "nothing new was read");
}

#[test]
fn the_second_machine_comes_in_a_later_import() {
    let place = Place::new();
    let sources = files(&place, &one_name());
    assert!(place.import(&sources[..1]).namesakes.is_empty());
    let imported = place.import(&sources[1..]);
    assert_eq!((imported.namesakes.len(), imported.rebuilt.len()), (1, 1));
}

/// What is advised: the file's host takes the place of the one that the lines name.
#[test]
fn names_of_their_own_take_two_machines_apart() {
    let place = Place::new();
    let [first, second] = one_name();
    let (first_host, second_host) = (first.host.clone(), second.host.clone());
    let others = LONG.iter().filter(|log| log.host != first_host && log.host != second_host);
    let mut sources = files(&place, &[first, second]);
    sources.extend(others.map(|log| place.file(&log.host, &log.name, &log.text)));
    assert!(place.import_renamed(&sources).namesakes.is_empty());
    place.rows().assert_same(&LONG_ROWS, "renamed as they were called");
    assert_eq!(place.import_renamed(&sources).lines, 0);
}

/// Rotated, overlapping and copied files, several for one host, in one import and in several.
#[test]
fn no_false_alarm() {
    for logs in [&LONG, &SHORT] {
        let place = Place::new();
        let mut sources = Vec::new();
        for log in logs.iter() {
            let cuts = cuts(&log.text, 4);
            let piece = |from: usize, until: usize| &log.text[cuts[from]..cuts[until]];
            sources.push(place.file(&log.host, &format!("{}.2", log.name), piece(0, 2)));
            sources.push(place.file(&log.host, &format!("{}.1", log.name), piece(1, 3)));
            sources.push(place.file(&log.host, &log.name, piece(2, 4)));
            sources.push(place.file(&log.host, &format!("copy-of-{}", log.name), &log.text));
            let is_bad = |line: &&str| ["warning", "deferred", "reject"].iter().any(|word| line.contains(word));
            let text = String::from_utf8_lossy(&log.text);
            let split: String = text.lines().filter(is_bad).flat_map(|line| [line, "\n"]).collect();
            sources.push(place.file(&log.host, &format!("{}.err", log.name), split.as_bytes()));
        }
        assert!(place.import(&sources).namesakes.is_empty(), "all at once");
        let place = Place::new();
        for source in sources.iter().rev() {
            assert!(place.import(std::slice::from_ref(source)).namesakes.is_empty(), "{}", source.path.display());
        }
    }
}
