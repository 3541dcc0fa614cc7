//! Whom collectors believe.

use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use vigie_shipping::protocol::Reason;
use vigie_shipping::{Enrolment, Limits, Places, ServerIdentity, ShipConfig, ShipEvent, Token};
use vigie_testkit::random::Random;

use crate::feed::{FakeFeed, Log, Told};
use crate::rig::{Collector, Rig, until};
use crate::world::Mood;

fn pem(host: &str, key: &KeyPair, until_year: i32) -> String {
    let mut certificate = CertificateParams::new(vec![host.to_owned()]).unwrap();
    certificate.not_before = date_time_ymd(2001, 1, 1);
    certificate.not_after = date_time_ymd(until_year, 1, 1);
    certificate.self_signed(key).unwrap().pem()
}

async fn rig_with(host: &str, until_year: i32) -> (Rig, KeyPair) {
    let (folder, key) = (tempfile::tempdir().unwrap(), KeyPair::generate().unwrap());
    let path = folder.path().join("server.pem");
    std::fs::write(&path, format!("{}{}", pem(host, &key, until_year), key.serialize_pem())).unwrap();
    let identity = Arc::new(ServerIdentity::from_files(&path, &path).unwrap());
    (Rig::with_identity(folder, identity, Mood::default(), Limits::default(), 1).await, key)
}

fn collector(config: ShipConfig) -> Collector {
    let log = Log::random(1, 1, 1000, &mut Random::new(1));
    let told = Arc::new(std::sync::Mutex::new(Told::default()));
    Collector::start(config, vec![FakeFeed::boxed(&log, &mut Places::default(), 1, &told)])
}

fn away(collector: &Collector, words: &str) -> bool {
    collector.notes.has(|event| matches!(event, ShipEvent::Away { why, .. } if why.contains(words)))
}

/// A server that starts, and somebody who enrols its first collector meanwhile.
#[test]
fn of_several_that_make_the_first_certificate_at_once_all_have_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let pins: Vec<_> = std::thread::scope(|scope| {
        let make = || ServerIdentity::own(folder.path(), "vigie").map(|identity| identity.pin());
        let all: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
        all.into_iter().map(|one| one.join().unwrap().unwrap().unwrap()).collect()
    });
    assert!(pins.iter().all(|pin| *pin == pins[0]));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
}

#[tokio::test]
async fn an_expired_certificate_is_refused_and_counted() {
    let (rig, _) = rig_with("vigie.example.org", 2002).await;
    let collector = collector(rig.config(1));
    until("it is refused", || away(&collector, "not valid at this time")).await;
    until("it is counted", || rig.counters.refused(Reason::Handshake) > 0).await;
    assert!(rig.world.state.lock().unwrap().hellos.is_empty());
}

#[tokio::test]
async fn a_server_with_another_key_is_refused() {
    let (rig, _) = rig_with("vigie.example.org", 2100).await;
    let (other, _) = rig_with("vigie.example.org", 2100).await;
    let mut config = rig.config(1);
    config.enrolment = Enrolment { pin: other.identity.pin(), ..config.enrolment };
    let collector = collector(config);
    until("it is refused", || away(&collector, "another key")).await;
    assert!(rig.world.state.lock().unwrap().hellos.is_empty());
}

#[tokio::test]
async fn an_authority_vouches_for_a_name() {
    let (rig, key) = rig_with("127.0.0.1", 2100).await;
    let authority = rig.folder.path().join("authority.pem");
    std::fs::write(&authority, pem("127.0.0.1", &key, 2100)).unwrap();
    let mut config = rig.config(1);
    config.enrolment.pin = None;
    config.authorities = Some(authority);
    let believing = collector(config.clone());
    until("it is let in", || believing.notes.condition().is_connected).await;
    // The same authority, for another name.
    let (other, _) = rig_with("mx.example.org", 2100).await;
    config.server = other.wire.to_string();
    let doubting = collector(config);
    until("it is refused", || away(&doubting, "no secure connection")).await;
}

#[tokio::test]
async fn a_renewed_certificate_is_used_without_a_restart() {
    let (rig, key) = rig_with("vigie.example.org", 2002).await;
    let collector = collector(rig.config(1));
    until("it is refused", || away(&collector, "not valid at this time")).await;
    let path = rig.folder.path().join("server.pem");
    std::fs::write(&path, "nonsense").unwrap();
    // Nonsense is told, and what was read before stays in use.
    assert!(rig.identity.reload_if_changed().is_err());
    assert!(rig.identity.pin().is_some());
    let renewed = format!("{}{}", pem("vigie.example.org", &key, 2100), key.serialize_pem());
    std::fs::write(&path, renewed).unwrap();
    // File times have steps of some milliseconds.
    let mut is_read = false;
    until("it is read", || {
        is_read = is_read || rig.identity.reload_if_changed().unwrap();
        is_read
    })
    .await;
    until("it is let in", || collector.notes.condition().is_connected).await;
}

#[test]
fn the_own_certificate_is_made_once_and_for_nobody_else_to_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let first = ServerIdentity::own(folder.path(), "vigie.example.org").unwrap();
    let again = ServerIdentity::own(folder.path(), "vigie.example.org").unwrap();
    assert!(first.pin().is_some());
    assert_eq!(first.pin(), again.pin());
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let word = Enrolment { token: Token::generate().unwrap(), pin: first.pin() }.word();
    assert!(word.starts_with("vigie1.") && word.len() < 100 && !word.contains(char::is_whitespace));
}

#[test]
fn a_key_of_another_certificate_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| folder.path().join(name));
    std::fs::write(&certificate, pem("vigie.example.org", &KeyPair::generate().unwrap(), 2100)).unwrap();
    std::fs::write(&key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let error = ServerIdentity::from_files(&certificate, &key).unwrap_err();
    assert!(error.to_string().contains("does not belong"), "{error}");
    assert!(!error.hint().is_empty());
}
