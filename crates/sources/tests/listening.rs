//! Listeners, with real sockets on loopback: every framing and limit, and what happens to the others meanwhile.

use std::collections::BTreeSet;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::{PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, UdpSocket};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use vigie_sources::listen::{
    Counters, Limits, ListenConfig, ListenEvent, Listener, Refusal, Senders, Tally, TlsError, Transport, tls_config,
};
use vigie_sources::spool::{SPOOL_BYTES_MIN, Spool, SpoolConfig, SpoolEvent, SpoolFeed};
use vigie_sources::{Feed, FeedEvent, LINE_BYTES_MAX};

/// Nothing here takes nearly as long; only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(30);
const HEADER: &str = "<22>Mar  2 10:00:00 h p[1]: ";

/// A listener that runs into a small spool.
struct Rig {
    address: SocketAddr,
    counters: Arc<Counters>,
    feed: SpoolFeed,
    spool: Spool,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<std::io::Result<()>>,
    _folder: tempfile::TempDir,
}

impl Rig {
    fn start(transport: Transport, limits: Limits) -> Rig {
        let folder = tempfile::tempdir().expect("a folder");
        let config =
            SpoolConfig { bytes_max: SPOOL_BYTES_MIN, ..SpoolConfig::new(folder.path().join("spool"), "syslog") };
        let (spool, feed) = Spool::open(config, 1).expect("a spool");
        let address = "127.0.0.1:0".parse().expect("an address");
        let listener = Listener::bind(ListenConfig { limits, ..ListenConfig::new(address, transport) }).expect("bound");
        let (address, counters) = (listener.local_addr(), listener.counters());
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(listener.run(spool.clone(), async move { drop(stopped.await) }));
        Rig { address, counters, feed, spool, stop: Some(stop), running, _folder: folder }
    }

    fn tcp() -> Rig {
        Rig::start(Transport::Tcp, Limits::default())
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("connected")
    }

    /// Waits until the counts are as they should become.
    async fn until(&self, what: &str, come: impl Fn(Tally) -> bool) {
        let waited = until(|| come(self.counters.tally())).await;
        assert!(waited, "{what}: {:?}", self.counters.tally());
    }

    /// The lines that are there, which the server then holds.
    fn lines(&mut self) -> Vec<String> {
        let mut bytes = Vec::new();
        while let Some(piece) = self.feed.next().expect("readable") {
            self.feed.durable(piece.stream, piece.offset + piece.bytes.len() as u64);
            bytes.extend(piece.bytes);
        }
        let text = String::from_utf8(bytes).expect("text");
        text.lines().map(ToOwned::to_owned).collect()
    }

    /// Stops it, and gives its counts, and the lines and events that nobody asked for yet.
    async fn end(mut self) -> (Tally, Vec<String>, Vec<FeedEvent>) {
        self.stop.take().expect("it runs").send(()).expect("it runs");
        tokio::time::timeout(PATIENCE, &mut self.running).await.expect("in time").expect("no panic").expect("no error");
        (self.counters.tally(), self.lines(), self.feed.events())
    }
}

async fn until(come: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while !come() {
        if Instant::now() > deadline {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    true
}

/// Whether the listener hangs up. What it sends before that (TLS alerts) does not matter.
async fn is_hung_up(stream: &mut TcpStream) -> bool {
    let hung_up = async {
        let mut buffer = [0; 256];
        while matches!(stream.read(&mut buffer).await, Ok(1..)) {}
    };
    tokio::time::timeout(PATIENCE, hung_up).await.is_ok()
}

/// Runs on one thread, as the collector does: whoever blocks there blocks all.
fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test);
}

#[test]
fn a_datagram_is_a_message() {
    run(async {
        let mut rig = Rig::start(Transport::Udp, Limits::default());
        let sender = UdpSocket::bind("127.0.0.1:0").await.expect("bound");
        let exact = format!("{HEADER}{}", "x".repeat(60_000));
        for message in [
            &format!("{HEADER}one\n"),
            &format!("{HEADER}two\nlines\r\n"),
            "",
            "\n",
            &exact,
            "postfix/smtpd[1]: no time",
        ] {
            sender.send_to(message.as_bytes(), rig.address).await.expect("sent");
        }
        rig.until("all came", |tally| tally.received == 4 && tally.empty == 2).await;
        let lines = rig.lines();
        assert_eq!(lines[..3], [format!("{HEADER}one"), format!("{HEADER}two#012lines"), exact]);
        assert!(lines[3].ends_with("+00:00 127.0.0.1 postfix/smtpd[1]: no time"), "{}", lines[3]);
        let tally = rig.counters.tally();
        assert_eq!((tally.headed, tally.cut, tally.dropped), (1, 0, 0));
        assert_eq!(tally.received_bytes, lines.iter().map(|line| line.len() as u64 + 1).sum::<u64>());
    });
}

#[test]
fn a_datagram_beyond_the_limit_is_cut_and_counted() {
    run(async {
        let mut rig = Rig::start(Transport::Udp, Limits { datagram_bytes_max: 100, ..Limits::default() });
        let sender = UdpSocket::bind("127.0.0.1:0").await.expect("bound");
        let message = format!("{HEADER}{}", "x".repeat(100));
        for bytes in [100, 101] {
            sender.send_to(&message.as_bytes()[..bytes], rig.address).await.expect("sent");
        }
        rig.until("both came", |tally| tally.received == 2).await;
        assert_eq!(rig.lines(), [&message[..100], &message[..100]]);
        assert_eq!(rig.counters.tally().cut, 1);
    });
}

#[test]
fn a_burst_of_datagrams_is_taken_or_counted_as_dropped_by_the_kernel() {
    const SENDERS: usize = 4;
    const EACH: usize = 3000;
    run(async {
        let rig = Rig::start(Transport::Udp, Limits::default());
        let address = rig.address;
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                std::thread::spawn(move || {
                    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("bound");
                    for number in 0..EACH {
                        let message = format!("{HEADER}{sender} {number}");
                        socket.send_to(message.as_bytes(), address).expect("sent");
                    }
                })
            })
            .collect();
        rig.until("all are accounted for", |tally| tally.received + tally.dropped_by_kernel == (SENDERS * EACH) as u64)
            .await;
        senders.into_iter().for_each(|sender| sender.join().expect("sent"));
        let (tally, lines, _) = rig.end().await;
        assert_eq!(lines.len() as u64, tally.received);
        let unique: BTreeSet<&String> = lines.iter().collect();
        assert_eq!(unique.len(), lines.len(), "nothing twice");
        for sender in 0..SENDERS {
            let start = format!("{HEADER}{sender} ");
            let numbers = lines.iter().filter_map(|line| line.strip_prefix(&start)?.parse::<usize>().ok());
            assert!(numbers.is_sorted(), "in order");
        }
    });
}

#[test]
fn a_stream_has_messages_by_octets_by_newlines_and_a_last_one_without() {
    run(async {
        let rig = Rig::tcp();
        let one = format!("{HEADER}one");
        let stream = format!("{} {one}{HEADER}two\r\n\n{} {one}\n{HEADER}no newline", one.len(), one.len());
        for step in [1, 7, stream.len()] {
            let mut connection = rig.connect().await;
            connection.set_nodelay(true).expect("an option");
            for part in stream.as_bytes().chunks(step) {
                connection.write_all(part).await.expect("sent");
                tokio::task::yield_now().await;
            }
        }
        rig.until("all came", |tally| tally.received == 12 && tally.connections_open == 0).await;
        let (tally, mut lines, _) = rig.end().await;
        lines.sort();
        let expected = [(&one[..], 6), (&format!("{HEADER}no newline"), 3), (&format!("{HEADER}two"), 3)];
        let mut expected: Vec<&str> = expected.iter().flat_map(|(line, count)| vec![*line; *count]).collect();
        expected.sort_unstable();
        assert_eq!(lines, expected);
        assert_eq!((tally.connections, tally.cut), (3, 0));
    });
}

#[test]
fn a_line_too_long_is_cut_and_the_next_one_is_whole() {
    run(async {
        let mut rig = Rig::tcp();
        let mut connection = rig.connect().await;
        let long = format!("{HEADER}{}", "x".repeat(3 * LINE_BYTES_MAX));
        let counted = format!("{} {long}", long.len());
        connection.write_all(format!("{long}\n{counted}{HEADER}next\n").as_bytes()).await.expect("sent");
        rig.until("all came", |tally| tally.received == 3).await;
        let lines = rig.lines();
        assert!(lines[0] == long[..LINE_BYTES_MAX] && lines[1] == lines[0]);
        assert_eq!(lines[2], format!("{HEADER}next"));
        assert_eq!(rig.counters.tally().cut, 2);
    });
}

#[test]
fn a_lying_length_ends_its_connection_and_no_other() {
    run(async {
        let mut rig = Rig::tcp();
        let (mut liar, mut honest) = (rig.connect().await, rig.connect().await);
        liar.write_all(format!("{HEADER}before\n99999999999 {HEADER}lie\n").as_bytes()).await.expect("sent");
        assert!(is_hung_up(&mut liar).await);
        honest.write_all(format!("{HEADER}honest\n").as_bytes()).await.expect("sent");
        rig.until("both came", |tally| tally.received == 2).await;
        assert_eq!(rig.lines(), [format!("{HEADER}before"), format!("{HEADER}honest")]);
        assert_eq!(rig.counters.tally().refused(Refusal::LyingLength), 1);
        let told = rig.feed.events();
        assert!(matches!(
            &told[..],
            [FeedEvent::Listener(ListenEvent::Refused { reason: Refusal::LyingLength, count: 1, .. })]
        ));
        assert!(told[0].to_string().contains("from 127.0.0.1"), "{}", told[0]);
    });
}

#[test]
fn a_thousand_connections_are_served_and_slow_ones_disturb_nobody() {
    const CONNECTIONS: usize = 1000;
    const SLOW: usize = 20;
    const EACH: usize = 5;
    run(async {
        let rig = Rig::tcp();
        let mut slow = Vec::new();
        for _ in 0..SLOW {
            let mut connection = rig.connect().await;
            connection.write_all(b"4000 <22>not").await.expect("sent");
            slow.push(connection);
        }
        let mut connections = Vec::new();
        for number in 0..CONNECTIONS {
            let socket = TcpSocket::new_v4().expect("a socket");
            let from = format!("127.0.1.{}:0", 1 + number % 200).parse().expect("an address");
            socket.bind(from).expect("bound");
            connections.push(socket.connect(rig.address).await.expect("connected"));
        }
        rig.until("all are open", |tally| tally.connections_open as usize == CONNECTIONS + SLOW).await;
        for round in 0..EACH {
            for (number, connection) in connections.iter_mut().enumerate() {
                connection.write_all(format!("{HEADER}{number} {round}\n").as_bytes()).await.expect("sent");
            }
        }
        rig.until("all came", |tally| tally.received as usize == CONNECTIONS * EACH).await;
        drop(connections);
        rig.until("all are gone", |tally| tally.connections_open as usize == SLOW).await;
        let (tally, lines, _) = rig.end().await;
        let unique: BTreeSet<&String> = lines.iter().filter(|line| line.starts_with(HEADER)).collect();
        assert_eq!(unique.len(), CONNECTIONS * EACH);
        assert_eq!(tally.cut as usize, SLOW, "what had come of the slow ones was kept");
        assert!(Refusal::ALL.iter().all(|reason| tally.refused(*reason) == 0));
    });
}

#[test]
fn connections_beyond_the_limits_are_refused_by_reason() {
    run(async {
        let limits = Limits { connections_max: 3, connections_per_address_max: 2, ..Limits::default() };
        let mut rig = Rig::start(Transport::Tcp, limits);
        let mut held = Vec::new();
        for open in 1..=2 {
            held.push(rig.connect().await);
            rig.until("it is open", |tally| tally.connections_open == open).await;
        }
        assert!(is_hung_up(&mut rig.connect().await).await);
        let connect_from = async |from: &str| {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.bind(from.parse().expect("an address")).expect("bound");
            socket.connect(rig.address).await.expect("connected")
        };
        held.push(connect_from("127.0.0.2:0").await);
        rig.until("it is open", |tally| tally.connections_open == 3).await;
        assert!(is_hung_up(&mut connect_from("127.0.0.3:0").await).await);
        let tally = rig.counters.tally();
        assert_eq!((tally.refused(Refusal::TooManyOfAddress), tally.refused(Refusal::TooMany)), (1, 1));
        drop(held.remove(0));
        rig.until("one left", |tally| tally.connections_open == 2).await;
        let mut next = rig.connect().await;
        next.write_all(format!("{HEADER}in\n").as_bytes()).await.expect("sent");
        rig.until("it came", |tally| tally.received == 1).await;
        assert_eq!(rig.feed.events().len(), 2);
    });
}

#[test]
fn a_message_that_takes_too_long_is_kept_as_far_as_it_came() {
    run(async {
        let mut rig =
            Rig::start(Transport::Tcp, Limits { message_time_max: Duration::from_millis(100), ..Limits::default() });
        let mut connection = rig.connect().await;
        let (mut reader, mut writer) = connection.split();
        writer.write_all(format!("{HEADER}whole\n{HEADER}slow").as_bytes()).await.expect("sent");
        // A byte now and then does not buy more time.
        let trickle = async {
            while writer.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let mut end = [0];
        let ended = async { drop(reader.read(&mut end).await) };
        tokio::time::timeout(PATIENCE, async {
            tokio::select! { () = trickle => {}, () = ended => {} }
        })
        .await
        .expect("in time");
        rig.until("it was refused", |tally| tally.refused(Refusal::SlowMessage) == 1 && tally.received == 2).await;
        let lines = rig.lines();
        assert_eq!(lines[0], format!("{HEADER}whole"));
        assert!(lines[1].starts_with(&format!("{HEADER}slowx")), "{}", lines[1]);
    });
}

#[test]
fn an_idle_connection_ends() {
    run(async {
        let rig = Rig::start(Transport::Tcp, Limits { idle_time_max: Duration::from_millis(50), ..Limits::default() });
        assert!(is_hung_up(&mut rig.connect().await).await);
        rig.until("it was counted", |tally| tally.refused(Refusal::Idle) == 1).await;
    });
}

#[test]
fn a_stream_waits_for_a_full_spool_and_loses_nothing() {
    const LINES: usize = 8000;
    run(async {
        // The message that waits with the full spool is not its sender's fault.
        let limits = Limits { message_time_max: Duration::from_millis(300), ..Limits::default() };
        let mut rig = Rig::start(Transport::Tcp, limits);
        let line = |number: usize| format!("{HEADER}{number:06} {}", "x".repeat(500));
        let mut connection = rig.connect().await;
        let sending = tokio::spawn(async move {
            for number in 0..LINES {
                connection.write_all(format!("{}\n", line(number)).as_bytes()).await.expect("sent");
            }
        });
        assert!(until(|| rig.spool.counters().refused_lines > 0).await, "the spool is full");
        assert!(!sending.is_finished(), "the sender waits");
        // Another sender is let in meanwhile, and waits as well.
        let mut other = rig.connect().await;
        other.write_all(format!("{HEADER}other\n").as_bytes()).await.expect("sent");
        let (mut lines, deadline) = (Vec::new(), Instant::now() + PATIENCE);
        while lines.len() < LINES + 1 && Instant::now() < deadline {
            lines.extend(rig.lines());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        sending.await.expect("all is sent");
        let at = lines.iter().position(|line| line == &format!("{HEADER}other")).expect("the other's line");
        lines.remove(at);
        assert!(lines.into_iter().eq((0..LINES).map(line)), "all lines, in order, once");
        assert_eq!((rig.counters.tally().dropped, rig.spool.counters().lost_lines), (0, 0));
        let told = rig.feed.events();
        assert!(matches!(told[0], FeedEvent::Spool(SpoolEvent::NearlyFull { .. })), "{told:?}");
        assert!(matches!(told[1], FeedEvent::Spool(SpoolEvent::Full { .. })), "{told:?}");
        assert!(told.iter().all(|event| !matches!(event, FeedEvent::Spool(SpoolEvent::Lost { .. }))), "{told:?}");
    });
}

#[test]
fn datagrams_that_a_full_spool_cannot_take_are_warned_of_and_counted() {
    run(async {
        let mut rig = Rig::start(Transport::Udp, Limits::default());
        let sender = UdpSocket::bind("127.0.0.1:0").await.expect("bound");
        let message = format!("{HEADER}{}", "x".repeat(30_000));
        let (mut sent, deadline) = (0, Instant::now() + PATIENCE);
        while rig.counters.tally().dropped < 10 && Instant::now() < deadline {
            sender.send_to(message.as_bytes(), rig.address).await.expect("sent");
            sent += 1;
            rig.until("each is accounted for", |tally| tally.received + tally.dropped == sent).await;
        }
        let tally = rig.counters.tally();
        assert_eq!((tally.dropped, rig.spool.counters().lost_lines), (10, 10));
        let told = rig.feed.events();
        assert!(
            matches!(told[0], FeedEvent::Spool(SpoolEvent::NearlyFull { .. })),
            "before anything is lost: {told:?}"
        );
        assert!(matches!(told[1], FeedEvent::Spool(SpoolEvent::Full { .. })), "{told:?}");
        assert!(matches!(told[2], FeedEvent::Spool(SpoolEvent::Lost { lines: 10, .. })), "{told:?}");
        assert_eq!(rig.lines().len() as u64, tally.received);
        sender.send_to(message.as_bytes(), rig.address).await.expect("sent");
        rig.until("there is room again", |now| now.received == tally.received + 1).await;
    });
}

#[test]
fn a_stop_takes_what_has_come() {
    run(async {
        for transport in [Transport::Udp, Transport::Tcp] {
            let is_udp = matches!(transport, Transport::Udp);
            let rig = Rig::start(transport, Limits::default());
            let count = 200;
            // No await lets the listener run until it is stopped: all of it waits in the kernel.
            let held = std::thread::spawn({
                let address = rig.address;
                move || {
                    let udp = std::net::UdpSocket::bind("127.0.0.1:0").expect("bound");
                    let mut tcp = (!is_udp).then(|| std::net::TcpStream::connect(address).expect("connected"));
                    for number in 0..count {
                        let line = format!("{HEADER}{number}\n");
                        match &mut tcp {
                            Some(tcp) => std::io::Write::write_all(tcp, line.as_bytes()).expect("sent"),
                            None => drop(udp.send_to(line.as_bytes(), address).expect("sent")),
                        }
                    }
                    tcp
                }
            })
            .join()
            .expect("sent");
            let (tally, lines, _) = rig.end().await;
            assert_eq!((tally.received, lines.len() as u64), (count, count));
            drop(held);
        }
    });
}

#[test]
fn a_stop_does_not_wait_for_a_full_spool_for_ever_and_says_what_is_lost() {
    run(async {
        let limits = Limits { stop_time_max: Duration::from_millis(100), ..Limits::default() };
        let rig = Rig::start(Transport::Tcp, limits);
        while rig.spool.append(&[b'x'; 10_000]).is_ok() {}
        let line = format!("{HEADER}{}\n", "y".repeat(10_000));
        let mut connection = rig.connect().await;
        connection.write_all(line.as_bytes()).await.expect("sent");
        assert!(until(|| rig.spool.counters().refused_lines > 1).await);
        let (tally, _, events) = rig.end().await;
        assert_eq!((tally.received, tally.dropped), (0, 1));
        assert!(events.iter().any(|event| event.to_string().contains("the listener stops")));
    });
}

/// A certificate for `localhost`, and a client that trusts it.
struct Certified {
    transport: Transport,
    certificate_pem: String,
    key_pem: String,
    roots: rustls::RootCertStore,
}

impl Certified {
    fn new() -> Certified {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let (certificate_pem, key_pem) = (made.cert.pem(), made.signing_key.serialize_pem());
        let mut roots = rustls::RootCertStore::empty();
        roots.add(made.cert.der().clone()).expect("a root");
        let config = tls_config(certificate_pem.as_bytes(), key_pem.as_bytes(), Senders::Any).expect("usable");
        Certified { transport: Transport::Tls(config), certificate_pem, key_pem, roots }
    }

    fn client(
        &self,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> rustls::ConfigBuilder<rustls::ClientConfig, rustls::client::WantsClientCert> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            rustls::ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).expect("versions");
        builder.with_root_certificates(self.roots.clone())
    }
}

async fn secured(
    rig: &Rig,
    client: rustls::ClientConfig,
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost").expect("a name");
    tokio_rustls::TlsConnector::from(Arc::new(client)).connect(name, rig.connect().await).await
}

#[test]
fn messages_come_within_tls_of_both_versions() {
    run(async {
        let certified = Certified::new();
        let rig = Rig::start(certified.transport.clone(), Limits::default());
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let client = certified.client(&[version]).with_no_client_auth();
            let mut stream = secured(&rig, client).await.expect("a handshake");
            let line = format!("{HEADER}within TLS {}", "x".repeat(40_000));
            stream.write_all(format!("{} {line}{line}\n{HEADER}last", line.len()).as_bytes()).await.expect("sent");
            stream.flush().await.expect("sent");
            // One says goodbye, the other just hangs up.
            if version == &rustls::version::TLS12 {
                stream.shutdown().await.expect("closed");
            }
        }
        rig.until("all came", |tally| tally.received == 6 && tally.connections_open == 0).await;
        let (tally, lines, _) = rig.end().await;
        assert_eq!(lines.iter().filter(|line| line.ends_with("last")).count(), 2);
        assert_eq!(lines.iter().filter(|line| line.len() > 40_000).count(), 4);
        assert!(Refusal::ALL.iter().all(|reason| tally.refused(*reason) == 0), "{tally:?}");
    });
}

#[test]
fn what_is_no_tls_or_too_slow_is_refused_and_others_are_served() {
    run(async {
        let certified = Certified::new();
        let rig = Rig::start(
            certified.transport.clone(),
            Limits { handshake_time_max: Duration::from_millis(200), ..Limits::default() },
        );
        let mut plain = rig.connect().await;
        plain.write_all(format!("{HEADER}in the clear\n").as_bytes()).await.expect("sent");
        assert!(is_hung_up(&mut plain).await);
        let mut silent = rig.connect().await;
        let mut stream =
            secured(&rig, certified.client(rustls::ALL_VERSIONS).with_no_client_auth()).await.expect("a handshake");
        stream.write_all(format!("{HEADER}within\n").as_bytes()).await.expect("sent");
        assert!(is_hung_up(&mut silent).await);
        rig.until("all is counted", |tally| {
            (tally.received, tally.refused(Refusal::Handshake), tally.refused(Refusal::SlowHandshake)) == (1, 1, 1)
        })
        .await;
        let (_, lines, _) = rig.end().await;
        assert_eq!(lines, [format!("{HEADER}within")]);
    });
}

#[test]
fn only_senders_with_a_certificate_of_the_authority_are_taken() {
    let authority_key = rcgen::KeyPair::generate().expect("a key");
    let mut authority = rcgen::CertificateParams::new(Vec::new()).expect("names");
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_pem = authority.self_signed(&authority_key).expect("a certificate").pem();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let sender_key = rcgen::KeyPair::generate().expect("a key");
    let sender = rcgen::CertificateParams::new(["sender".to_owned()]).expect("names");
    let sender = sender.signed_by(&sender_key, &issuer).expect("a certificate");
    run(async {
        let certified = Certified::new();
        let senders = Senders::CertifiedBy(authority_pem.as_bytes());
        let config =
            tls_config(certified.certificate_pem.as_bytes(), certified.key_pem.as_bytes(), senders).expect("usable");
        let rig = Rig::start(Transport::Tls(config), Limits::default());
        let nobody = certified.client(&[&rustls::version::TLS12]).with_no_client_auth();
        assert!(secured(&rig, nobody).await.is_err());
        rig.until("it is refused", |tally| tally.refused(Refusal::Handshake) == 1).await;
        let key = PrivateKeyDer::try_from(sender_key.serialize_der()).expect("a key");
        let client = certified
            .client(rustls::ALL_VERSIONS)
            .with_client_auth_cert(vec![sender.der().clone()], key)
            .expect("usable");
        let mut stream = secured(&rig, client).await.expect("a handshake");
        stream.write_all(format!("{HEADER}in\n").as_bytes()).await.expect("sent");
        rig.until("it came", |tally| tally.received == 1).await;
    });
}

#[test]
fn bad_certificates_say_what_to_do() {
    let good = Certified::new();
    let other = Certified::new();
    let made =
        |chain: &str, key: &str, senders| tls_config(chain.as_bytes(), key.as_bytes(), senders).expect_err("bad");
    let error = made("no certificate", &good.key_pem, Senders::Any);
    assert!(matches!(error, TlsError::NoCertificate("listener")) && error.hint().contains("openssl x509"), "{error}");
    assert!(matches!(made(&good.certificate_pem, "no key", Senders::Any), TlsError::Key(_)));
    assert!(matches!(made(&good.certificate_pem, &other.key_pem, Senders::Any), TlsError::Unusable(_)));
    let broken = "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
    assert!(matches!(made(broken, &good.key_pem, Senders::Any), TlsError::Certificate("listener", _)));
    let error = made(&good.certificate_pem, &good.key_pem, Senders::CertifiedBy(b""));
    assert!(matches!(error, TlsError::NoCertificate("authority")), "{error}");
}

#[test]
fn an_address_in_use_is_an_error_at_once() {
    run(async {
        let rig = Rig::tcp();
        let again = Listener::bind(ListenConfig::new(rig.address, Transport::Tcp));
        assert_eq!(again.expect_err("in use").kind(), std::io::ErrorKind::AddrInUse);
    });
}

#[tokio::test]
async fn strangers_are_refused_by_connection_and_datagram() {
    for transport in [Transport::Tcp, Transport::Udp] {
        let is_udp = matches!(transport, Transport::Udp);
        let folder = tempfile::tempdir().expect("a folder");
        let (spool, mut feed) =
            Spool::open(SpoolConfig::new(folder.path().join("spool"), "syslog"), 1).expect("a spool");
        let from = vec!["127.0.0.2".parse().expect("a network"), "2001:db8::/32".parse().expect("a network")];
        let address = "127.0.0.1:0".parse().expect("an address");
        let listener = Listener::bind(ListenConfig { from, ..ListenConfig::new(address, transport) }).expect("bound");
        let (address, counters) = (listener.local_addr(), listener.counters());
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(listener.run(spool, async move { drop(stopped.await) }));
        for sender in ["127.0.0.1:0", "127.0.0.2:0"] {
            let (sender, line) = (sender.parse::<SocketAddr>().expect("an address"), format!("{HEADER}{sender}\n"));
            if is_udp {
                let socket = UdpSocket::bind(sender).await.expect("bound");
                socket.send_to(line.as_bytes(), address).await.expect("sent");
            } else {
                let socket = TcpSocket::new_v4().expect("a socket");
                socket.bind(sender).expect("bound");
                let mut stream = socket.connect(address).await.expect("connected");
                // A stranger may have been hung up on already.
                drop(stream.write_all(line.as_bytes()).await);
            }
        }
        assert!(until(|| counters.tally().received == 1 && counters.tally().refused(Refusal::Stranger) == 1).await);
        stop.send(()).expect("it runs");
        running.await.expect("no panic").expect("no error");
        let piece = feed.next().expect("readable").expect("a line");
        assert_eq!(String::from_utf8(piece.bytes).expect("text"), format!("{HEADER}127.0.0.2:0\n"));
    }
}
