//! The program itself, against a server in this process: enrol, run, status, stop, and on from there.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails them so")]

use std::collections::HashMap;
use std::fs::{OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::watch;
use vigie_milter::protocol::{command, packet};
use vigie_shipping::protocol::{Durable, HeldStream, Hello, HelloAnswer, Received, Status, StatusAnswer, WireLimits};
use vigie_shipping::{Chunk, Enrolment, Limits, Placement, Receiver, Refusal, Sender, Server, ServerIdentity, Token};
use vigie_sources::StreamId;

const DEADLINE: Duration = Duration::from_secs(30);

/// A server that makes everything durable at once.
struct Store {
    token: Token,
    streams: Mutex<HashMap<StreamId, Vec<u8>>>,
    hellos: Mutex<Vec<Hello>>,
    moved: watch::Sender<u64>,
}

impl Store {
    fn text(&self) -> String {
        self.streams.lock().unwrap().values().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
    }

    fn durable(&self) -> Vec<Durable> {
        let streams = self.streams.lock().unwrap();
        streams.iter().map(|(stream, bytes)| Durable { stream: *stream, offset: bytes.len() as u64 }).collect()
    }
}

impl Receiver for Store {
    fn authenticate(&self, token: &str) -> Option<Sender> {
        self.token.hash().matches(token).then(|| Sender { name: "mx1".into() })
    }

    fn hello(&self, _: &Sender, hello: Hello) -> Result<HelloAnswer, Refusal> {
        self.hellos.lock().unwrap().push(hello);
        let held = |known: Durable| HeldStream { stream: known.stream, durable: known.offset, received: known.offset };
        let streams = self.durable().into_iter().map(held).collect();
        Ok(HelloAnswer { protocol: 1, program: "test".into(), clock_us: 0, streams, limits: WireLimits::default() })
    }

    fn chunk(&self, _: &Sender, chunk: Chunk) -> Result<Received, Refusal> {
        let mut streams = self.streams.lock().unwrap();
        let held = streams.entry(chunk.stream).or_default();
        match chunk.placement(held.len() as u64) {
            Placement::New(bytes) => held.extend_from_slice(bytes),
            Placement::Known => panic!("sent again: {chunk:?}"),
            Placement::Gap => return Err(Refusal::Gap { expected: held.len() as u64 }),
        }
        let offset = held.len() as u64;
        Ok(Received { received: offset, durable: vec![Durable { stream: chunk.stream, offset }], wait_ms: 0 })
    }

    fn status(&self, _: &Sender, _: &Status) -> Result<StatusAnswer, Refusal> {
        Ok(StatusAnswer { clock_us: 0, durable: self.durable() })
    }

    fn durable_moved(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }
}

/// A running collector; killed when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn terminate(mut self) -> (Option<i32>, String) {
        let asked = Command::new("kill").arg(self.0.id().to_string()).status().unwrap();
        assert!(asked.success());
        let mut said = String::new();
        let mut errors = self.0.stderr.take().unwrap();
        std::io::Read::read_to_string(&mut errors, &mut said).unwrap();
        (self.0.wait().unwrap().code(), said)
    }
}

struct Machine {
    folder: tempfile::TempDir,
    log: PathBuf,
}

impl Machine {
    fn new() -> Machine {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("mail.log");
        Machine { log, folder }
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("etc/collector.conf")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vigie-collector"));
        command.args(words).arg("--config").arg(self.config());
        command
    }

    fn enrol(&self, server: &str, word: &str) -> Output {
        let state = self.folder.path().join("state");
        self.command(&["enrol", server, word, "--name", "mx1", "--state", state.to_str().unwrap()]).output().unwrap()
    }

    fn run(&self) -> Running {
        let mut command = self.command(&["run", self.log.to_str().unwrap()]);
        Running(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap())
    }

    fn append(&self, text: &str) {
        OpenOptions::new().create(true).append(true).open(&self.log).unwrap().write_all(text.as_bytes()).unwrap();
    }
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn serve(folder: &Path) -> (tokio::runtime::Runtime, Arc<Store>, String, String) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let identity = Arc::new(ServerIdentity::own(folder, "localhost").unwrap());
    let token = Token::generate().unwrap();
    let word = Enrolment { token: token.clone(), pin: identity.pin() }.word();
    let store =
        Arc::new(Store { token, streams: Mutex::default(), hellos: Mutex::default(), moved: watch::Sender::new(0) });
    let server = Server::new(store.clone(), identity, Limits::default());
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    runtime.spawn(server.serve(listener, std::future::pending()));
    (runtime, store, address, word)
}

#[test]
fn a_machine_is_enrolled_ships_stops_and_goes_on() {
    let machine = Machine::new();
    let (_runtime, store, address, word) = serve(machine.folder.path());
    assert_eq!(machine.command(&["status"]).output().unwrap().status.code(), Some(1), "it is not enrolled");
    let enrolled = machine.enrol(&address, &word);
    assert!(enrolled.status.success(), "{enrolled:?}");
    assert_eq!(std::fs::metadata(machine.config()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(machine.command(&["status"]).output().unwrap().status.code(), Some(4), "it has not run");

    machine.append("one\ntwo\nthr");
    let running = machine.run();
    until("whole lines arrive", || store.text() == "one\ntwo\n");
    until("it says so", || machine.command(&["status"]).output().unwrap().status.code() == Some(0));
    let second = machine.command(&["run"]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("another collector runs"), "{second:?}");
    machine.append("ee\n");
    until("the rest arrives", || store.text() == "one\ntwo\nthree\n");
    let (code, said) = running.terminate();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("connected to") && said.contains("stopped"), "{said}");

    machine.append("four\n");
    let running = machine.run();
    until("it goes on", || store.text() == "one\ntwo\nthree\nfour\n");
    assert_eq!(running.terminate().0, Some(0));
    let hellos = store.hellos.lock().unwrap();
    assert_eq!((hellos.len(), hellos[1].streams[0].durable, &*hellos[1].host), (2, 14, "mx1"));
}

/// Shows a message as Postfix does, and waits for the answer at its end.
fn show(place: &str, id: &str, subject: &str) -> bool {
    use std::io::Read;
    let Ok(mut stream) = std::net::TcpStream::connect(place) else { return false };
    let talk = [
        packet(command::NEGOTIATE, &[6, 0, u32::MAX].map(u32::to_be_bytes).concat()),
        packet(command::MACRO, format!("Ei\0{id}\0").as_bytes()),
        packet(command::HEADER, format!("Subject\0{subject}\0").as_bytes()),
        packet(command::END_OF_BODY, b""),
    ];
    stream.write_all(&talk.concat()).unwrap();
    let mut answers = [0; 17 + 5];
    stream.read_exact(&mut answers).unwrap();
    answers.ends_with(b"\0\0\0\x01c")
}

#[test]
fn the_milter_ships_what_mail_servers_show_beside_the_log_or_alone() {
    let machine = Machine::new();
    let (_runtime, store, address, word) = serve(machine.folder.path());
    assert!(machine.enrol(&address, &word).status.success());
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let place = free.local_addr().unwrap().to_string();
    drop(free);
    let text = std::fs::read_to_string(machine.config()).unwrap();
    std::fs::write(machine.config(), format!("{text}milter = inet:{place}\n")).unwrap();
    machine.append("2026-11-22T04:32:46+00:00 mx7 postfix/qmgr[1]: 4F1: removed\n");

    let running = machine.run();
    until("it is shown a message", || show(&place, "4F1", "one"));
    until("its line arrives", || {
        store.text().contains(r#" mx7 vigie-milter: {"v":1,"queue_id":"4F1","subject":"one"}"#)
    });
    until("and the log", || store.text().contains("4F1: removed"));
    assert_eq!(running.terminate().0, Some(0));

    machine.append("2026-11-22T04:32:46+00:00 mx7 postfix/qmgr[1]: 4F2: removed\n");
    let mut command = machine.command(&["milter", &format!("inet:{place}")]);
    let running = Running(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
    until("it is shown a message", || show(&place, "4F3", "alone"));
    until("its line arrives", || store.text().contains(r#""queue_id":"4F3","subject":"alone"}"#));
    let (code, said) = running.terminate();
    assert_eq!(code, Some(0), "{said}");
    assert!(!store.text().contains("4F2"), "the log is not its own");
}

#[test]
fn a_server_that_is_away_does_not_keep_it_from_stopping() {
    let machine = Machine::new();
    let word = Enrolment { token: Token::generate().unwrap(), pin: None }.word();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap().to_string();
    drop(nobody);
    assert!(machine.enrol(&address, &word).status.success());
    // Which authorities are trusted depends on the machine; here it is none.
    let text = std::fs::read_to_string(machine.config()).unwrap();
    let authority = machine.folder.path().join("authority.pem");
    let key = rcgen_authority();
    std::fs::write(&authority, key).unwrap();
    std::fs::write(machine.config(), format!("{text}authorities = {}\n", authority.display())).unwrap();
    machine.append("one\n");
    let running = machine.run();
    until("it says that it is away", || machine.command(&["status"]).output().unwrap().status.code() == Some(1));
    let told = machine.command(&["status"]).output().unwrap();
    assert!(String::from_utf8_lossy(&told.stdout).contains("cannot connect"), "{told:?}");
    let (code, said) = running.terminate();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("nothing is lost"), "{said}");
}

/// Any certificate will do.
fn rcgen_authority() -> String {
    let folder = tempfile::tempdir().unwrap();
    ServerIdentity::own(folder.path(), "authority").unwrap();
    let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap();
    std::fs::read_to_string(file.path()).unwrap()
}

#[test]
fn mistakes_end_with_what_to_do() {
    let machine = Machine::new();
    for (words, code, said) in [
        (vec!["enrol", "nowhere", "vigie1.AAAA"], 1, "hint: copy it again"),
        (vec!["run", "--nonsense"], 2, "--help"),
        (vec!["run"], 1, "enrol this machine first"),
    ] {
        let output = machine.command(&words).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(said), "{output:?}");
    }
    std::fs::create_dir_all(machine.config().parent().unwrap()).unwrap();
    std::fs::write(machine.config(), "wurd = x\n").unwrap();
    std::fs::set_permissions(machine.config(), Permissions::from_mode(0o600)).unwrap();
    let output = machine.command(&["run"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("`wurd`") && said.contains("`server` is missing"), "{said}");
}
