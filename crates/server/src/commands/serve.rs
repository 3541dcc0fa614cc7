//! `vigie serve`: the pages.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use jiff::tz::TimeZone;
use tokio::sync::watch;
use vigie_engine::{import::Store, ingest::Ingest};
use vigie_shipping::{Limits, ServerIdentity};
use vigie_web::{AllowedHosts, Settings};

use super::files;
use crate::{
    cli::{Collect, OutputOptions, Zone},
    collect::{self, Door, roll::Roll},
    output::{Hint, Outcome},
    pages::Pages,
    stop,
};

/// How long answers under way may take once a stop was asked for.
const LAST_ANSWERS: Duration = Duration::from_secs(3);

/// How often it is written how the collectors are.
const HEARD_TIME: Duration = Duration::from_secs(5);

/// The zone is that of readers whose browser tells none, and of lines that name none.
pub fn run(
    output: &OutputOptions,
    data: &Path,
    zone: &Zone,
    listen: SocketAddr,
    collect: Option<&Collect>,
) -> anyhow::Result<Outcome> {
    stop::listen();
    stop::over();
    let zone = files::zone(zone)?;
    if collect.is_some() {
        // A store that collectors are to fill may be new.
        Store::open(data)?;
    }
    let pages = Arc::new(Pages::open(data)?);
    pages.stay_ready();
    let taking = collect.map(|collect| Taking::start(collect, data, &pages, zone.clone())).transpose()?;
    // Only a server that others can reach is called by names that we do not know.
    let hosts = if listen.ip().is_loopback() { AllowedHosts::Loopback } else { AllowedHosts::Any };
    let router = vigie_web::router_with(pages, Settings { hosts, zone });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the server's threads")?;
    let ended = runtime.block_on(async {
        let listener = bound(listen, "--listen 127.0.0.1:8026").await?;
        let address = listener.local_addr().unwrap_or(listen);
        let collectors = match &taking {
            Some(taking) => Some(bound(taking.listen, "--collect 0.0.0.0:8027").await?),
            None => None,
        };
        if let Some(collectors) = &collectors {
            output.remark(format_args!("collectors are taken at {}", collectors.local_addr().unwrap_or(listen)));
        }
        output.remark(format_args!("Vigie is at http://{address}/  (Ctrl-C ends it)"));
        let server = axum::serve(listener, router).with_graceful_shutdown(stop::wait());
        let doors = async {
            match (taking.as_ref(), collectors) {
                (Some(taking), Some(listener)) => taking.serve(listener).await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            ended = server => ended.context("the server stopped"),
            ended = doors => ended.context("collectors are taken no more"),
            () = too_late() => Ok(()),
        }
    });
    // An answer still being computed is nobody's.
    runtime.shutdown_background();
    if let Some(taking) = taking {
        taking.store_the_rest();
    }
    ended.map(|()| Outcome::Done)
}

async fn bound(listen: SocketAddr, other: &str) -> anyhow::Result<tokio::net::TcpListener> {
    Ok(tokio::net::TcpListener::bind(listen).await.map_err(|error| Hint {
        message: format!("cannot listen on {listen}: {error}"),
        hint: format!("name another address, such as {other}"),
    })?)
}

async fn too_late() {
    stop::wait().await;
    tokio::time::sleep(LAST_ANSWERS).await;
}

/// What takes lines from collectors and stores them.
struct Taking {
    listen: SocketAddr,
    ingest: Arc<Ingest>,
    door: Arc<Door>,
    data: PathBuf,
    identity: Arc<ServerIdentity>,
}

impl Taking {
    fn start(collect: &Collect, data: &Path, pages: &Pages, zone: TimeZone) -> anyhow::Result<Self> {
        let files = collect.certificate.as_deref().zip(collect.key.as_deref());
        let identity = Arc::new(collect::identity(data, files)?);
        let roll = Roll::open(&collect::folder(data))
            .map_err(|error| Hint { message: error.to_string(), hint: error.hint() })?;
        let (moved, _) = watch::channel(0u64);
        let stored = moved.clone();
        let on_change = pages.on_change();
        let ingest = Ingest::start(pages.store(), zone, "localhost".to_owned(), move || {
            stored.send_modify(|commits| *commits += 1);
            on_change();
        })?;
        let ingest = Arc::new(ingest);
        pages.watch(ingest.clone());
        let door = Arc::new(Door::new(ingest.clone(), roll, moved));
        Ok(Self { listen: collect.listen, ingest, door, data: data.to_owned(), identity })
    }

    async fn serve(&self, listener: tokio::net::TcpListener) -> std::io::Result<()> {
        let served = vigie_shipping::Server::new(self.door.clone(), self.identity.clone(), Limits::default())
            .on_identity_error(|error| tracing::error!(%error, "the certificate in use stays so"))
            .serve(listener, stop::wait());
        tokio::select! {
            ended = served => ended,
            () = self.tell() => Ok(()),
        }
    }

    /// Writes how the collectors are, again and again.
    async fn tell(&self) {
        let mut ticks = tokio::time::interval(HEARD_TIME);
        loop {
            ticks.tick().await;
            let (door, data) = (self.door.clone(), self.data.clone());
            let written = tokio::task::spawn_blocking(move || door.write_heard(&data)).await;
            if let Ok(Err(error)) = written {
                tracing::warn!(%error, "cannot write how the collectors are");
            }
        }
    }

    fn store_the_rest(self) {
        self.ingest.stop();
        if let Err(error) = self.door.write_heard(&self.data) {
            tracing::warn!(%error, "cannot write how the collectors are");
        }
    }
}
