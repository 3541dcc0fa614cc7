//! OTLP at the door: answered when it is durable, and refused such that shippers send again what can be taken later.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use vigie_formats::otlp::Batch;
use vigie_shipping::protocol::{Hello, HelloAnswer, Received, Status, StatusAnswer};
use vigie_shipping::{Chunk, Limits, Receiver, Refusal, Sender, Server, Standing};

const BODY: &str = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1795339800000000000","body":{"stringValue":"x"}}]}]}]}"#;

/// Takes batches, and says of each what it is told to.
struct Desk {
    says: Mutex<Result<Standing, Refusal>>,
    seen: Mutex<Vec<u128>>,
    moved: watch::Sender<u64>,
}

impl Receiver for Desk {
    fn authenticate(&self, token: &str) -> Option<Sender> {
        (token == "right").then(|| Sender { name: "intake".into() })
    }

    fn hello(&self, _: &Sender, _: Hello) -> Result<HelloAnswer, Refusal> {
        Err(Refusal::Unknown)
    }

    fn chunk(&self, _: &Sender, _: Chunk) -> Result<Received, Refusal> {
        Err(Refusal::Unknown)
    }

    fn status(&self, _: &Sender, _: &Status) -> Result<StatusAnswer, Refusal> {
        Err(Refusal::Unknown)
    }

    fn durable_moved(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }

    fn batch(&self, sender: &Sender, batch: &Batch) -> Result<Standing, Refusal> {
        assert_eq!((&*sender.name, batch.taken), ("intake", 1));
        self.seen.lock().unwrap().push(batch.hash);
        self.says.lock().unwrap().clone()
    }
}

async fn served(says: Result<Standing, Refusal>, limits: Limits) -> (Arc<Desk>, SocketAddr) {
    let desk = Arc::new(Desk { says: Mutex::new(says), seen: Mutex::default(), moved: watch::Sender::new(0) });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(Server::plain(desk.clone(), limits).serve(listener, std::future::pending()));
    (desk, address)
}

async fn post(address: SocketAddr, headers: &str, body: &str) -> String {
    let mut wire = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST /v1/logs HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    wire.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    wire.read_to_string(&mut answer).await.unwrap();
    answer
}

const RIGHT: &str = "authorization: Bearer right\r\ncontent-type: application/json\r\n";

#[tokio::test]
async fn the_answer_comes_when_the_batch_is_durable() {
    let (desk, address) = served(Ok(Standing::Taken), Limits::default()).await;
    let answer = tokio::spawn(post(address, RIGHT, BODY));
    crate::rig::until("the batch is taken", || !desk.seen.lock().unwrap().is_empty()).await;
    assert!(!answer.is_finished());
    desk.moved.send_modify(|moved| *moved += 1);
    crate::rig::until("it is asked again", || desk.seen.lock().unwrap().len() > 1).await;
    assert!(!answer.is_finished(), "another's batch became durable");
    *desk.says.lock().unwrap() = Ok(Standing::Durable);
    desk.moved.send_modify(|moved| *moved += 1);
    let answer = answer.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n{}"), "{answer}");
    let seen = desk.seen.lock().unwrap();
    assert!(seen.iter().all(|hash| *hash == seen[0]));
}

#[tokio::test]
async fn what_has_no_room_now_is_to_come_again() {
    let (_, address) = served(Err(Refusal::Busy { wait_ms: 1500 }), Limits::default()).await;
    let answer = post(address, RIGHT, BODY).await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 2\r\n"), "{answer}");
    assert!(answer.contains("\r\n\r\n{\"message\":\""), "{answer}");
}

#[tokio::test]
async fn more_at_once_than_one_may_have_are_to_come_again() {
    let (desk, address) = served(Ok(Standing::Taken), Limits { batches_of_sender: 1, ..Limits::default() }).await;
    let first = tokio::spawn(post(address, RIGHT, BODY));
    crate::rig::until("the first is taken", || !desk.seen.lock().unwrap().is_empty()).await;
    let answer = post(address, RIGHT, BODY).await;
    assert!(answer.starts_with("HTTP/1.1 429 ") && answer.contains("retry-after: 1\r\n"), "{answer}");
    *desk.says.lock().unwrap() = Ok(Standing::Durable);
    desk.moved.send_modify(|moved| *moved += 1);
    assert!(first.await.unwrap().starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn nobody_without_a_token_is_heard() {
    let (desk, address) = served(Ok(Standing::Durable), Limits::default()).await;
    for headers in ["", "authorization: Bearer wrong\r\n", "authorization: Basic right\r\n"] {
        let answer = post(address, &format!("{headers}content-type: application/json\r\n"), BODY).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    }
    assert!(desk.seen.lock().unwrap().is_empty());
    assert!(post(address, RIGHT, BODY).await.starts_with("HTTP/1.1 200 "));
}
