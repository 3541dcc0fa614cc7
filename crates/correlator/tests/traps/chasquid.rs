//! chasquid: what a captured run cannot have, or has by chance.

use vigie_testkit::{Story, log, story};

fn told(short: &str) -> Story {
    let story = story(&[("mx1", log("mx1", short))]);
    assert_eq!(story.unknown, Vec::<String>::new());
    story
}

/// The server begins to send before it logs that it queued.
#[test]
fn sent_before_it_was_queued() {
    let story = told(
        "10:00:00.001 !chasquid tcqotzRrQm0 from=a@b.example to=dev1@example.com sent
         10:00:00.001 !chasquid tcqotzRrQm0 from=a@b.example all done
         10:00:00.002 !chasquid tcqotzRrQm0 from=a@b.example queued ip=192.0.2.1:4711 to=[dev1@example.com]",
    );
    assert_eq!(story.told(), ["mail <a@b.example> mx1:tcqotzRrQm0 | dev1@example.com delivered"]);
    assert_eq!(&*story.only().client_ip, "192.0.2.1");
}

/// After 20 hours the queue lets go: the last try is no last word, and `all done` is.
#[test]
fn given_up_after_its_time_in_the_queue() {
    let story = told(
        "10:00:00 !chasquid tcqotzRrQm0 from=a@b.example queued ip=192.0.2.1:4711 to=[dev1@example.com full@example.com]
         10:00:01 !chasquid tcqotzRrQm0 from=a@b.example to=dev1@example.com sent
         10:00:01 !chasquid tcqotzRrQm0 from=a@b.example to=full@example.com failed (temporary): MDA delivery failed: exit status 75
         10:00:01 !chasquid tcqotzRrQm0 from=a@b.example completed loop, next in 1m38s
         2026-03-03T06:00:05 !chasquid tcqotzRrQm0 from=a@b.example all done",
    );
    assert_eq!(
        story.told(),
        ["mail <a@b.example> mx1:tcqotzRrQm0 | dev1@example.com delivered; full@example.com expired"]
    );
    assert!(story.only().closed);
}

/// An alias' own name never is a recipient that waits.
#[test]
fn an_alias_leaves_nobody_behind() {
    let story = told(
        "10:00:00 !chasquid tcqotzRrQm0 from=a@b.example queued ip=192.0.2.1:4711 to=[sales@example.com]
         10:00:01 !chasquid tcqotzRrQm0 from=a@b.example to=sales1@example.com sent
         10:00:01 !chasquid tcqotzRrQm0 from=a@b.example to=sales2@example.com sent
         10:00:01 !chasquid tcqotzRrQm0 from=a@b.example all done",
    );
    assert_eq!(
        story.told(),
        ["mail <a@b.example> mx1:tcqotzRrQm0 | sales1@example.com delivered; sales2@example.com delivered"]
    );
}

#[test]
fn a_login_tells_who_submitted() {
    let story = told(
        "10:00:00 !chasquid 192.0.2.1:4711 auth succeeded for ops1@example.com
         10:00:00 !chasquid tcqotzRrQm0 from=ops1@example.com queued ip=192.0.2.1:4711 to=[dev1@example.com]
         10:00:01 !chasquid tcqotzRrQm0 from=ops1@example.com to=dev1@example.com sent
         10:00:01 !chasquid tcqotzRrQm0 from=ops1@example.com all done",
    );
    assert_eq!((&*story.only().user, story.only().arrival), ("ops1@example.com", vigie_model::Arrival::User));
}
