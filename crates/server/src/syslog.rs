//! Syslog that the server takes itself: from sockets into spools on its disk, and from these into the store.
//!
//! What is in a spool is stored, and stored once, whatever is killed: a spool names its streams, gives all that it holds again
//! after a restart, and forgets only what the store holds for good.

mod pump;

use std::{
    fs,
    hash::{BuildHasher, RandomState},
    io,
    path::Path,
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use tokio::task::JoinSet;
use vigie_engine::ingest::Ingest;
use vigie_shipping::ServerIdentity;
use vigie_sources::{
    listen::{ListenConfig, ListenPlace, Listener, Network, Protocol, Transport, tls_config_of},
    spool::{Spool, SpoolConfig, SpoolFeed},
};

use self::pump::Pump;
use crate::{collect::roll::private_folder, output::Hint, stop};

/// Sockets of one server.
const LISTENERS_MAX: usize = 64;
/// How often a renewed certificate is looked for.
const CERTIFICATE_TIME: Duration = Duration::from_secs(30);
/// Where the spools lie in the folder of the store.
pub const FOLDER: &str = "spool";

/// Sockets, and what takes their lines to the store.
pub struct Syslog {
    listeners: Vec<(Listener, Spool)>,
    places: Vec<ListenPlace>,
    pump: Pump,
    /// Shown by sockets with TLS.
    identity: Option<Arc<ServerIdentity>>,
}

/// What is asked for.
pub struct Wanted<'a> {
    pub places: &'a [ListenPlace],
    /// Networks from which senders may come; empty for all.
    pub from: &'a [Network],
}

impl Wanted<'_> {
    /// Is there a socket that needs a certificate?
    pub fn has_tls(&self) -> bool {
        self.places.iter().any(|place| place.protocol == Protocol::Tls)
    }
}

impl Syslog {
    /// Opens all sockets and spools, and begins to store what the spools hold.
    pub fn open(
        wanted: &Wanted<'_>,
        data: &Path,
        identity: Option<Arc<ServerIdentity>>,
        ingest: Arc<Ingest>,
    ) -> anyhow::Result<Self> {
        if wanted.places.len() > LISTENERS_MAX {
            let hint = "let several senders use one socket".to_owned();
            return Err(Hint { message: format!("more than {LISTENERS_MAX} sockets for syslog"), hint }.into());
        }
        let folder = data.join(FOLDER);
        let (mut listeners, mut feeds, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for place in wanted.places {
            private_folder(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
            let config = ListenConfig {
                from: wanted.from.to_vec(),
                ..ListenConfig::new(place.address, transport(place, &identity)?)
            };
            let listener = Listener::bind(config).map_err(|error| cannot_listen(place, &error))?;
            let (spool, feed) = open_spool(&folder.join(place.file_name()), &place.to_string())?;
            places.push(ListenPlace { address: listener.local_addr(), ..*place });
            listeners.push((listener, spool));
            feeds.push(feed);
        }
        feeds.extend(left_behind(&folder, wanted.places)?);
        Ok(Self { listeners, places, pump: Pump::start(feeds, ingest)?, identity })
    }

    /// Where syslog is taken.
    pub fn places(&self) -> &[ListenPlace] {
        &self.places
    }

    /// Takes syslog until a stop is asked for, and what has come by then. Call within the runtime.
    pub fn serve(&mut self) -> JoinSet<io::Result<()>> {
        let mut served = JoinSet::new();
        for (listener, spool) in self.listeners.drain(..) {
            served.spawn(listener.run(spool, stop::wait()));
        }
        if let Some(identity) = self.identity.clone() {
            tokio::spawn(renew(identity));
        }
        served
    }

    /// Hands nothing more to the store: what is left waits in the spools for the next start.
    pub fn end(self) {
        self.pump.end();
    }
}

async fn renew(identity: Arc<ServerIdentity>) {
    let mut ticks = tokio::time::interval(CERTIFICATE_TIME);
    loop {
        ticks.tick().await;
        if let Err(error) = identity.reload_if_changed() {
            tracing::error!(%error, "the certificate in use stays so");
        }
    }
}

fn transport(place: &ListenPlace, identity: &Option<Arc<ServerIdentity>>) -> anyhow::Result<Transport> {
    Ok(match (place.protocol, identity) {
        (Protocol::Udp, _) => Transport::Udp,
        (Protocol::Tcp, _) => Transport::Tcp,
        (Protocol::Tls, Some(identity)) => Transport::Tls(
            tls_config_of(identity.clone())
                .map_err(|error| Hint { message: error.to_string(), hint: error.hint().to_owned() })?,
        ),
        (Protocol::Tls, None) => anyhow::bail!("there is no certificate for {place}"),
    })
}

fn open_spool(dir: &Path, label: &str) -> anyhow::Result<(Spool, SpoolFeed)> {
    let opened = Spool::open(SpoolConfig::new(dir, label), entropy());
    opened.map_err(|error| Hint { message: error.to_string(), hint: error.hint() }.into())
}

/// Spools of sockets that are not asked for any more: what they hold is stored all the same.
fn left_behind(folder: &Path, places: &[ListenPlace]) -> anyhow::Result<Vec<SpoolFeed>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", folder.display())),
    };
    let mut feeds = Vec::new();
    for entry in entries.take(LISTENERS_MAX) {
        let entry = entry.with_context(|| format!("cannot read {}", folder.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && !places.iter().any(|place| place.file_name() == name) {
            feeds.push(open_spool(&entry.path(), &name)?.1);
        }
    }
    Ok(feeds)
}

/// Did an earlier run leave lines in its spools?
pub fn has_lines(data: &Path) -> bool {
    let inside = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_segment = |path: std::path::PathBuf| path.extension().is_some_and(|ending| ending == "lines");
    inside(&data.join(FOLDER)).any(|spool| inside(&spool).any(is_segment))
}

fn cannot_listen(place: &ListenPlace, error: &io::Error) -> Hint {
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need root, or AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit"
        }
        io::ErrorKind::AddrInUse => "see with `ss -lntup` who has the port; often it is rsyslog",
        _ => "see with `ip addr` whether this machine has the address",
    };
    Hint { message: format!("cannot take syslog at {place}: {error}"), hint: hint.to_owned() }
}

/// The standard library's keys for hash maps are random.
fn entropy() -> u128 {
    let random = || u128::from(RandomState::new().hash_one(std::process::id()));
    random() << 64 | random()
}
