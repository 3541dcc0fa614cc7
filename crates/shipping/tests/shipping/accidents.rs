//! Connections are cut, the server restarts and forgets what was not durable, it is busy, it wants other bytes, the collector is killed:
//! in the end each byte of each stream is there once, and the feeds know it.

use std::sync::{Arc, Mutex};

use tokio::time::Instant;
use vigie_shipping::Limits;
use vigie_testkit::random::Random;

use crate::feed::{FakeFeed, Log, Told};
use crate::rig::{Collector, DEADLINE, Rig};
use crate::world::Mood;

const SEEDS: std::ops::Range<u64> = 0..12;

async fn ship_through(mood: Mood, seed: u64) -> Rig {
    let mut random = Random::new(seed);
    let rig = Rig::new(mood, Limits::default(), seed).await;
    let logs: Vec<Arc<Log>> = (0..3).map(|number| Log::random(number, 3, 300_000, &mut random)).collect();
    let told = Arc::new(Mutex::new(Told::default()));
    let feeds = |round: u64, told: &Arc<Mutex<Told>>| {
        let mut places = rig.places();
        logs.iter().map(|log| FakeFeed::boxed(log, &mut places, seed ^ round, told)).collect()
    };
    let mut collector = Collector::start(rig.config(seed), feeds(0, &told));
    let mut round = 0;
    let end = Instant::now() + DEADLINE;
    while !is_all_there(&rig, &logs) {
        assert!(Instant::now() < end, "seed {seed}: not all arrived; {:?}", collector.notes.condition());
        assert!(!collector.has_failed(), "seed {seed}: the collector failed");
        tokio::select! {
            () = rig.world.kill.notified() => {
                round += 1;
                collector.kill().await;
                collector = Collector::start(rig.config(seed ^ round), feeds(round, &told));
            }
            () = tokio::time::sleep(std::time::Duration::from_millis(2)) => {}
        }
    }
    // It ends in order, too, and knows what it need not send again.
    collector.stop().await;
    println!(
        "seed {seed}: {} chunks, {} collectors, {} rewinds",
        rig.world.state.lock().unwrap().chunks,
        round + 1,
        told.lock().unwrap().rewinds
    );
    rig
}

/// Is everything durable, and equal?
fn is_all_there(rig: &Rig, logs: &[Arc<Log>]) -> bool {
    logs.iter().flat_map(|log| &log.streams).all(|(stream, text)| {
        let held = rig.world.held(*stream);
        let all = [&held.durable[..], &held.pending[..]].concat();
        assert!(text.starts_with(&all), "stream {stream:?} has bytes that were not sent so");
        held.durable == *text && held.has_ended
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_byte_arrives_once_whatever_breaks() {
    let mood = Mood { busy: 12, restart: 25, cut: 20, kill: 30, gap: 20, commit: 6 };
    for seed in SEEDS {
        let rig = ship_through(mood, seed).await;
        assert!(rig.world.state.lock().unwrap().streams.values().all(|held| held.losses.is_empty()), "seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_received_is_not_sent_again_after_a_cut() {
    let rig = ship_through(Mood { cut: 4, commit: 10, ..Mood::default() }, 1).await;
    let state = rig.world.state.lock().unwrap();
    assert!(state.hellos.len() > 1, "the connection was never cut");
    assert!(
        state.repeated <= state.hellos.len() * 4,
        "{} chunks were repeated in {} sessions",
        state.repeated,
        state.hellos.len()
    );
}
