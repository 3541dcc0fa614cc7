//! A poller, a spool and a service in one process: what happens when the spool is full, and what is kept over a restart.

use std::collections::HashMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use vigie_polling::{Examined, Http, PollCondition, Poller, SystemClock, Tenant, Trouble, examine};
use vigie_sources::spool::{SPOOL_BYTES_MIN, Spool, SpoolConfig, SpoolFeed};
use vigie_sources::{Feed, StreamId};

const ROWS: usize = 4000;
const PATIENCE: Duration = Duration::from_secs(30);

/// Gives a token, and the same rows for whatever is asked; counts how often.
async fn serve(listener: TcpListener, asked: Arc<AtomicUsize>) {
    while let Ok((socket, _)) = listener.accept().await {
        tokio::spawn(answer(socket, asked.clone()));
    }
}

async fn answer(mut socket: TcpStream, asked: Arc<AtomicUsize>) {
    let mut request = vec![0; 8192];
    let read = socket.read(&mut request).await.unwrap_or(0);
    let body = if request[..read].starts_with(b"POST") {
        r#"{"access_token":"eyJ","expires_in":3599}"#.to_owned()
    } else {
        asked.fetch_add(1, Ordering::Relaxed);
        page()
    };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    drop(socket.write_all(format!("{head}{body}").as_bytes()).await);
    drop(socket.shutdown().await);
}

fn page() -> String {
    // The same for some hours, so that the rows are.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let time = vigie_model::iso((now / 43_200 * 43_200) as i64 * 1_000_000);
    let subject = "x".repeat(400);
    let row = |at| {
        format!(
            r#"{{"id":"{at}","recipientAddress":"a@b","receivedDateTime":"{time}","subject":"{subject}","status":"delivered"}}"#
        )
    };
    let rows: Vec<String> = (0..ROWS).map(row).collect();
    format!(r#"{{"value":[{}]}}"#, rows.join(","))
}

struct Rig {
    folder: tempfile::TempDir,
    tenant: Tenant,
    asked: Arc<AtomicUsize>,
}

impl Rig {
    async fn new() -> Rig {
        let folder = tempfile::tempdir().expect("a folder");
        let secret = folder.path().join("secret");
        fs::write(&secret, "s3cret").expect("written");
        fs::set_permissions(&secret, Permissions::from_mode(0o600)).expect("a mode");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
        let at = listener.local_addr().expect("an address");
        let asked = Arc::new(AtomicUsize::new(0));
        tokio::spawn(serve(listener, asked.clone()));
        let text = format!(
            "tenant=contoso.com client=c secret-file={} every=1 history=1 requests=1000 login=http://{at} graph=http://{at}",
            secret.display()
        );
        Rig { folder, tenant: text.parse().expect("a tenant"), asked }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn http(&self) -> Http {
        Http::new("vigie-test", std::iter::empty()).expect("no authority is needed")
    }

    fn open(&self, entropy: u128) -> (Poller, SpoolFeed) {
        let config = SpoolConfig::new(self.path().join("spool"), "microsoft365:contoso.com");
        let config = SpoolConfig { bytes_max: SPOOL_BYTES_MIN, ..config };
        let (spool, feed) = Spool::open(config, entropy).expect("a spool");
        let clock = Arc::new(SystemClock::default());
        let state = self.path().join("seen");
        let poller = Poller::open(self.tenant.clone(), &state, spool, self.http(), clock, 1).expect("a poller");
        (poller, feed)
    }
}

/// A server that holds what it gets at once, and how far it has come with each stream.
#[derive(Default)]
struct Held(HashMap<StreamId, u64>);

impl Held {
    /// Takes what there is; how many lines are new. After a restart a spool gives again what was not removed yet.
    fn drain(&mut self, feed: &mut SpoolFeed) -> usize {
        let mut lines = 0;
        while let Some(piece) = feed.next().expect("a piece") {
            let held = self.0.entry(piece.stream).or_default();
            if piece.end() > *held {
                let known = usize::try_from(*held - piece.offset.min(*held)).expect("a size");
                lines += piece.bytes[known..].iter().filter(|byte| **byte == b'\n').count();
                *held = piece.end();
            }
            feed.durable(piece.stream, piece.end());
        }
        lines
    }
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("waited in vain: {what}"));
}

#[tokio::test]
async fn a_full_spool_is_waited_for_and_nothing_is_asked_meanwhile() {
    let rig = Rig::new().await;
    let (poller, mut feed) = rig.open(1);
    let standing = poller.standing();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(poller.run(async { drop(stopped.await) }));
    until("it is full", || feed.events().iter().any(|event| event.to_string().contains("is full"))).await;
    assert_eq!((rig.asked.load(Ordering::Relaxed), standing.get().rows), (1, 0), "the page is not stored yet");
    let (mut held, mut lines) = (Held::default(), 0);
    until("all lines come", || {
        lines += held.drain(&mut feed);
        lines >= ROWS
    })
    .await;
    until("it goes on asking", || rig.asked.load(Ordering::Relaxed) > 4).await;
    assert_eq!(lines + held.drain(&mut feed), ROWS, "each line once, however often its row was read");
    let PollCondition { lines, trouble, requests, durable_us, .. } = standing.get();
    assert_eq!((lines, trouble), (ROWS as u64, None));
    assert!(requests > 3 && durable_us > 0);
    drop(stop);
    running.await.expect("it ends when it is told to");
}

#[tokio::test]
async fn what_was_spooled_is_known_after_a_restart() {
    let rig = Rig::new().await;
    let mut held = Held::default();
    for (life, expected) in [(1, ROWS), (2, 0), (3, 0)] {
        let (poller, mut feed) = rig.open(life);
        let standing = poller.standing();
        let running = tokio::spawn(poller.run(std::future::pending()));
        let mut lines = 0;
        until("it has read all some times", || {
            lines += held.drain(&mut feed);
            standing.get().rows >= 3 * ROWS as u64
        })
        .await;
        // As by a kill.
        running.abort();
        drop(running.await);
        assert_eq!(lines + held.drain(&mut feed), expected, "life {life}");
    }
}

#[tokio::test]
async fn a_doctor_sees_what_a_poller_would() {
    let rig = Rig::new().await;
    let clock = SystemClock::default();
    let found = examine(&rig.tenant, &rig.http(), &clock).await.expect("all is well");
    assert_eq!(found, Examined { has_rows: true, behind_s: 0 });
    fs::set_permissions(rig.path().join("secret"), Permissions::from_mode(0o644)).expect("a mode");
    assert!(matches!(examine(&rig.tenant, &rig.http(), &clock).await, Err(Trouble::Secret(_))));
}
