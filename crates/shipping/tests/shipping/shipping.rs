//! What a collector does when nothing, or one thing, goes wrong.

use std::sync::{Arc, Mutex};

use vigie_shipping::protocol::Reason;
use vigie_shipping::{Limits, Places, ShipEvent};
use vigie_sources::{FeedEvent, StreamId};
use vigie_testkit::random::Random;

use crate::feed::{FakeFeed, Log, Told, place};
use crate::rig::{Collector, Rig, until};
use crate::world::{Held, Mood};

fn log() -> Arc<Log> {
    Log::random(1, 2, 100_000, &mut Random::new(7))
}

fn told() -> Arc<Mutex<Told>> {
    Arc::default()
}

#[tokio::test]
async fn a_feed_forgets_only_what_is_durable() {
    let rig = Rig::new(Mood { commit: usize::MAX, ..Mood::default() }, Limits::default(), 1).await;
    let (log, told) = (log(), told());
    let collector = Collector::start(rig.config(1), vec![FakeFeed::boxed(&log, &mut Places::default(), 1, &told)]);
    let bytes: u64 = log.streams.iter().map(|(_, text)| text.len() as u64).sum();
    let received = || log.streams.iter().map(|(stream, _)| rig.world.held(*stream).received()).sum::<u64>();
    until("all is received", || received() == bytes).await;
    assert_eq!(told.lock().unwrap().durable_bytes, 0);
    rig.world.commit();
    until("all is durable", || told.lock().unwrap().durable_bytes == bytes).await;
    until("all streams are over", || told.lock().unwrap().ended == 2).await;
    collector.stop().await;
}

#[tokio::test]
async fn a_stop_ships_what_is_there() {
    let rig = Rig::new(Mood::default(), Limits::default(), 1).await;
    let log = Log::random(1, 1, 2_000_000, &mut Random::new(3));
    let collector = Collector::start(rig.config(1), vec![FakeFeed::boxed(&log, &mut Places::default(), 1, &told())]);
    until("something is received", || rig.world.held(log.streams[0].0).received() > 0).await;
    let condition = collector.stop().await;
    assert!(!condition.is_connected && condition.sent_bytes > 0);
    assert_eq!(condition.sent_bytes, rig.world.held(log.streams[0].0).received());
    assert_eq!(condition.backlog_bytes, condition.feeds[0].backlog_bytes);
    let mut places = rig.places();
    assert!(!places.take(&log.label).is_empty(), "the places were not saved");
}

#[tokio::test]
async fn a_stop_waits_until_what_was_sent_is_durable() {
    let rig = Rig::new(Mood { commit: usize::MAX, ..Mood::default() }, Limits::default(), 1).await;
    let (log, told) = (log(), told());
    let collector = Collector::start(rig.config(1), vec![FakeFeed::boxed(&log, &mut Places::default(), 1, &told)]);
    let bytes: u64 = log.streams.iter().map(|(_, text)| text.len() as u64).sum();
    let received = || log.streams.iter().map(|(stream, _)| rig.world.held(*stream).received()).sum::<u64>();
    until("all is received", || received() == bytes).await;
    let world = rig.world.clone();
    let commit = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        world.commit();
    };
    tokio::join!(collector.stop(), commit);
    assert_eq!(told.lock().unwrap().durable_bytes, bytes);
}

#[tokio::test]
async fn a_server_that_lost_its_store_is_told_what_is_gone() {
    let rig = Rig::new(Mood::default(), Limits::default(), 1).await;
    let log = Log::random(1, 1, 200_000, &mut Random::new(3));
    let (stream, text) = &log.streams[0];
    let offset = 1 + text.iter().position(|byte| *byte == b'\n').unwrap() as u64;
    let place = place(*stream, offset);
    let feed = FakeFeed::new(&log, vec![place], 1, told());
    let collector = Collector::start(rig.config(1), vec![Box::new(feed)]);
    until("the rest arrives", || rig.world.held(*stream).received() == text.len() as u64).await;
    assert_eq!(rig.world.held(*stream).losses, [(0, offset)]);
    assert_eq!(rig.world.held(*stream).durable, text[offset as usize..]);
    assert!(collector.notes.has(|event| matches!(event, ShipEvent::ServerForgot { from: 0, to, .. } if *to == offset)));
    assert_eq!(collector.stop().await.lost_bytes, offset);
}

#[tokio::test]
async fn losses_and_troubles_reach_the_server() {
    let rig = Rig::new(Mood::default(), Limits::default(), 1).await;
    let lost = FeedEvent::Lost { stream: StreamId(9), from: 0, bytes: Some(77), why: "it was removed".into() };
    let feed = FakeFeed::new(&log(), Vec::new(), 1, told()).with_event(lost);
    let collector = Collector::start(rig.config(1), vec![Box::new(feed)]);
    let is_told = || {
        let state = rig.world.state.lock().unwrap();
        state
            .statuses
            .iter()
            .any(|status| status.lost_bytes == 77 && status.losses == 1 && status.events.contains_key("loss"))
    };
    until("the loss is told", is_told).await;
    assert!(collector.notes.has(|event| matches!(event, ShipEvent::Feed { is_loss: true, .. })));
}

#[tokio::test]
async fn a_server_that_is_away_is_said_so_once_and_then_from_time_to_time() {
    let rig = Rig::new(Mood::default(), Limits::default(), 1).await;
    let mut config = rig.config(1);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    config.server = nobody.local_addr().unwrap().to_string();
    drop(nobody);
    let collector = Collector::start(config, vec![FakeFeed::boxed(&log(), &mut Places::default(), 1, &told())]);
    until("it is still away", || collector.notes.has(|event| matches!(event, ShipEvent::StillAway { .. }))).await;
    let away = collector.notes.events().iter().filter(|event| matches!(event, ShipEvent::Away { .. })).count();
    assert_eq!(away, 1);
    let text = collector.notes.events().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(
        text.contains("cannot connect") && text.contains("nothing is lost") && text.contains("will be lost"),
        "{text}"
    );
    collector.stop().await;
}

#[tokio::test]
async fn a_log_that_begins_waits_until_its_place_is_kept() {
    let rig = Rig::new(Mood::default(), Limits::default(), 1).await;
    let mut config = rig.config(1);
    config.places = rig.folder.path().join("missing/places.json");
    let (log, told) = (log(), told());
    let collector = Collector::start(config, vec![FakeFeed::boxed(&log, &mut Places::default(), 1, &told)]);
    until("it is said", || collector.notes.has(|event| matches!(event, ShipEvent::PlacesNotSaved { .. }))).await;
    until("it is connected", || collector.notes.has(|event| matches!(event, ShipEvent::Connected { .. }))).await;
    let sent = rig.world.state.lock().unwrap().chunks;
    assert_eq!((sent, told.lock().unwrap().ended), (0, 0), "nothing leaves under a number that a crash would forget");
    std::fs::create_dir(rig.folder.path().join("missing")).unwrap();
    until("all is over", || told.lock().unwrap().ended == 2).await;
    collector.stop().await;
}

#[tokio::test]
async fn the_place_of_a_log_is_kept_while_the_server_is_away() {
    let rig = Rig::new(Mood::default(), Limits::default(), 1).await;
    let mut config = rig.config(1);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    config.server = nobody.local_addr().unwrap().to_string();
    drop(nobody);
    let places = config.places.clone();
    let log = log();
    let collector = Collector::start(config, vec![FakeFeed::boxed(&log, &mut Places::default(), 1, &told())]);
    until("it is away", || collector.notes.has(|event| matches!(event, ShipEvent::Away { .. }))).await;
    until("its place is kept", || Places::load(&places).is_ok_and(|mut kept| !kept.take(&log.label).is_empty())).await;
    collector.stop().await;
}

#[tokio::test]
async fn a_clock_that_is_hours_off_is_told_and_refused_by_nobody() {
    let rig = Rig::new(Mood::default(), Limits::default(), 1).await;
    // The rig's server would have to be hours off: its world's clock stands still, so a collector is told when it was made long ago.
    let (log, told) = (log(), told());
    let world = crate::world::World::new(&[(&rig.token, "mx1")], Mood::default(), 1);
    let mut world = Arc::into_inner(world).unwrap();
    world.clock_us -= 5 * 3600 * 1_000_000;
    let server = vigie_shipping::Server::new(Arc::new(world), rig.identity.clone(), Limits::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = rig.config(1);
    config.server = listener.local_addr().unwrap().to_string();
    let serving = tokio::spawn(server.serve(listener, std::future::pending()));
    let collector = Collector::start(config, vec![FakeFeed::boxed(&log, &mut Places::default(), 1, &told)]);
    until("all is over", || told.lock().unwrap().ended == 2).await;
    let hours =
        |event: &ShipEvent| matches!(event, ShipEvent::ClockOff { seconds } if (18_000..18_100).contains(seconds));
    assert!(collector.notes.has(hours));
    assert!(collector.stop().await.clock_ahead_ms >= 18_000_000);
    serving.abort();
}

#[tokio::test]
async fn a_feed_that_is_refused_is_told_once_and_holds_up_no_other() {
    let rig = Rig::new(Mood::default(), Limits::default(), 1).await;
    let [refused, other] = [1, 2].map(|number| Log::random(number, 2, 100_000, &mut Random::new(7)));
    let held = Held { owner: "mx2".into(), ..Held::default() };
    rig.world.state.lock().unwrap().streams.insert(refused.streams[0].0, held);
    let (told_refused, told_other) = (told(), told());
    let feed = |log: &Arc<Log>, told: &Arc<Mutex<Told>>| FakeFeed::boxed(log, &mut Places::default(), 1, told);
    let collector = Collector::start(rig.config(1), vec![feed(&refused, &told_refused), feed(&other, &told_other)]);
    until("the other is over", || told_other.lock().unwrap().ended == 2).await;
    until("it was refused again and again", || rig.counters.refused(Reason::Foreign) > 3).await;
    let is_refusal = |event: &&ShipEvent| matches!(event, ShipEvent::Refused { label, .. } if *label == refused.label);
    assert_eq!(collector.notes.events().iter().filter(is_refusal).count(), 1);
    assert_eq!(told_refused.lock().unwrap().durable_bytes, 0);
    // Sorted out at the server, it goes on.
    rig.world.state.lock().unwrap().streams.clear();
    until("it is over, too", || told_refused.lock().unwrap().ended == 2).await;
}

#[tokio::test]
async fn a_label_that_is_too_long_is_cut_and_not_refused() {
    let rig = Rig::new(Mood::default(), Limits::default(), 1).await;
    let Log { streams, .. } = Arc::into_inner(log()).unwrap();
    let (log, told) = (Arc::new(Log { label: format!("/{}", "é".repeat(1000)), streams }), told());
    let mut config = rig.config(1);
    config.host = "h".repeat(1000);
    let collector = Collector::start(config, vec![FakeFeed::boxed(&log, &mut Places::default(), 1, &told)]);
    until("all is over", || told.lock().unwrap().ended == 2).await;
    collector.stop().await;
    assert_eq!(rig.counters.refused(Reason::TooLarge), 0);
}
