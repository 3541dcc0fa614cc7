//! Syslog by datagrams: each is a message, and none can wait.

use std::io;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, timeout};

use super::Refusal;
use super::framing::Wholeness;
use super::intake::{Intake, Stop};
use super::kernel::Dropped;
use crate::spool::Block;

/// How often the kernel is asked what it dropped.
const DROPPED_EVERY: Duration = Duration::from_secs(1);
/// How long a socket rests that reports an error, so that it cannot keep the processor busy.
const ERROR_WAIT: Duration = Duration::from_millis(10);

/// Datagrams looked at in a row: those that nothing is kept of fill no block.
const DATAGRAMS_OF_A_TURN_MAX: usize = 4096;
/// How long a stop waits for datagrams that are there already.
const STOP_QUIET_TIME: Duration = Duration::from_millis(10);

/// What a look at the socket found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// There may be more.
    Many,
    /// All that was there.
    All,
}

pub(super) async fn serve(socket: std::net::UdpSocket, intake: Intake, stopped: watch::Receiver<()>) -> io::Result<()> {
    let mut dropped = Dropped::of(&socket);
    let socket = UdpSocket::from_std(socket)?;
    let mut stop = Stop::new(stopped, intake.config.limits.stop_time_max);
    // One more, to see that there is more.
    let mut buffer = vec![0; intake.config.limits.datagram_bytes_max.saturating_add(1)];
    let mut block = Block::new();
    let mut ticks = tokio::time::interval(DROPPED_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.until().is_none() {
        tokio::select! {
            readable = socket.readable() => {
                if readable.is_err() || take_waiting(&socket, &intake, &mut buffer, &mut block).is_err() {
                    tokio::time::sleep(ERROR_WAIT).await;
                }
                tokio::task::yield_now().await;
            }
            _ = ticks.tick() => intake.dropped_by_kernel(dropped.since()),
            () = stop.begun() => {}
        }
    }
    // The socket may have become readable since it was looked at last, which only waiting shows.
    while !stop.is_over()
        && matches!(timeout(STOP_QUIET_TIME, socket.readable()).await, Ok(Ok(())))
        && matches!(take_waiting(&socket, &intake, &mut buffer, &mut block), Ok(Found::Many))
    {}
    intake.dropped_by_kernel(dropped.since());
    Ok(())
}

/// Takes datagrams that are there, as many as make one write.
fn take_waiting(socket: &UdpSocket, intake: &Intake, buffer: &mut [u8], block: &mut Block) -> io::Result<Found> {
    let bytes_max = buffer.len() - 1;
    let mut found = Ok(Found::Many);
    for _ in 0..DATAGRAMS_OF_A_TURN_MAX {
        if block.is_ample() {
            break;
        }
        match socket.try_recv_from(buffer) {
            Ok((_, peer)) if !intake.config.admits(peer.ip()) => intake.refuse(peer.ip(), Refusal::Stranger),
            Ok((bytes, peer)) => {
                let wholeness = if bytes > bytes_max { Wholeness::Cut } else { Wholeness::Whole };
                intake.take(&buffer[..bytes.min(bytes_max)], wholeness, peer.ip(), block);
            }
            Err(error) => {
                let is_all = matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted);
                found = if is_all { Ok(Found::All) } else { Err(error) };
                break;
            }
        }
    }
    if !block.is_empty() {
        intake.deliver_now(block);
    }
    found
}
