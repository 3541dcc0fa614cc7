//! `vigie serve`: the pages.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use jiff::tz::TimeZone;
use tokio::{net::TcpListener, sync::watch};
use vigie_engine::{import::Store, ingest::Ingest};
use vigie_shipping::{Limits, Server, ServerIdentity};
use vigie_web::{AllowedHosts, Settings};

use super::files;
use crate::{
    cli::{Intake, OutputOptions, Zone},
    collect::{self, Door, roll::Roll},
    monitoring,
    output::{Hint, Outcome},
    own_log,
    pages::Pages,
    stop,
    syslog::{self, Syslog, Wanted},
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
    intake: &Intake,
) -> anyhow::Result<Outcome> {
    stop::listen();
    stop::over();
    let zone = files::zone(zone)?;
    let is_taking = Taking::is_asked(intake, data);
    if is_taking {
        // A store that is to be filled may be new.
        Store::open(data)?;
    }
    let pages = Arc::new(Pages::open(data)?);
    if let Err(error) = own_log::keep(data) {
        // A store that may only be read is shown all the same.
        tracing::debug!(%error, "no log is kept beside the store");
    }
    pages.stay_ready();
    let mut taking = is_taking.then(|| Taking::start(intake, data, &pages, zone.clone())).transpose()?;
    // Only a server that others can reach is called by names that we do not know.
    let hosts = if listen.ip().is_loopback() { AllowedHosts::Loopback } else { AllowedHosts::Any };
    let machines = monitoring::router(pages.clone());
    let router = vigie_web::router_with(pages, Settings { hosts, zone }, machines);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the server's threads")?;
    let ended = runtime.block_on(async {
        let listener = bound(listen, "--listen 127.0.0.1:8026").await?;
        let address = listener.local_addr().unwrap_or(listen);
        let doors = Doors::open(intake).await?;
        let mut syslog = taking.as_mut().map(|taking| taking.syslog.serve()).unwrap_or_default();
        doors.remark(output);
        for place in taking.iter().flat_map(|taking| taking.syslog.places()) {
            output.remark(format_args!("syslog is taken at {place}"));
        }
        if !intake.syslog.is_empty() && intake.syslog_from.is_empty() {
            output.remark(format_args!("  from everybody who reaches it; --syslog-from NETWORK sets bounds"));
        }
        output.remark(format_args!("Vigie is at http://{address}/  (Ctrl-C ends it)"));
        if !address.ip().is_loopback() {
            output.remark(format_args!(
                "  there is no sign-in yet: whoever reaches it can read everything; put a proxy with authentication in front"
            ));
        }
        let server = axum::serve(listener, router).with_graceful_shutdown(stop::wait());
        let doors = async {
            match &taking {
                Some(taking) => taking.serve(doors).await,
                None => std::future::pending().await,
            }
        };
        let ended = tokio::select! {
            ended = server => ended.context("the server stopped"),
            ended = doors => ended.context("collectors are taken no more"),
            () = too_late() => Ok(()),
        };
        // What senders of syslog have sent is to be in its spool.
        while let Some(ended) = syslog.join_next().await {
            if let Ok(Err(error)) = ended {
                tracing::error!(%error, "a socket for syslog was given up");
            }
        }
        ended
    });
    // An answer still being computed is nobody's.
    runtime.shutdown_background();
    if let Some(taking) = taking {
        taking.store_the_rest();
    }
    ended.map(|()| Outcome::Done)
}

async fn bound(listen: SocketAddr, other: &str) -> anyhow::Result<TcpListener> {
    Ok(TcpListener::bind(listen).await.map_err(|error| Hint {
        message: format!("cannot listen on {listen}: {error}"),
        hint: format!("name another address, such as {other}"),
    })?)
}

async fn too_late() {
    stop::wait().await;
    tokio::time::sleep(LAST_ANSWERS).await;
}

/// Where HTTP requests with lines come in.
struct Doors {
    collectors: Option<TcpListener>,
    otlp: Option<TcpListener>,
}

impl Doors {
    async fn open(intake: &Intake) -> anyhow::Result<Self> {
        if let Some(otlp) = intake.otlp.filter(|otlp| !otlp.ip().is_loopback()) {
            return Err(Hint {
                message: format!("OTLP in the clear is not taken at {otlp}: whoever listens on the way would have mail logs and tokens"),
                hint: "use `--collect`, which takes OTLP over HTTPS, or 127.0.0.1 behind something that ends TLS".to_owned(),
            }
            .into());
        }
        let collectors = match intake.collect {
            Some(listen) => Some(bound(listen, "--collect 0.0.0.0:8027").await?),
            None => None,
        };
        let otlp = match intake.otlp {
            Some(listen) => Some(bound(listen, "--otlp 127.0.0.1:4319").await?),
            None => None,
        };
        Ok(Self { collectors, otlp })
    }

    fn remark(&self, output: &OutputOptions) {
        let address =
            |listener: &TcpListener| listener.local_addr().map(|address| address.to_string()).unwrap_or_default();
        if let Some(collectors) = &self.collectors {
            output.remark(format_args!("collectors are taken at {}", address(collectors)));
        }
        if let Some(otlp) = &self.otlp {
            output.remark(format_args!("OTLP logs are taken at http://{}/v1/logs", address(otlp)));
        }
    }
}

/// What takes lines and stores them.
struct Taking {
    ingest: Arc<Ingest>,
    door: Arc<Door>,
    data: PathBuf,
    /// None where nothing needs one.
    identity: Option<Arc<ServerIdentity>>,
    syslog: Syslog,
    pages: Arc<Pages>,
}

impl Taking {
    /// Is there anything by which lines come, or something left of an earlier run?
    fn is_asked(intake: &Intake, data: &Path) -> bool {
        intake.collect.is_some() || intake.otlp.is_some() || !intake.syslog.is_empty() || syslog::has_lines(data)
    }

    fn start(intake: &Intake, data: &Path, pages: &Arc<Pages>, zone: TimeZone) -> anyhow::Result<Self> {
        let wanted = Wanted { places: &intake.syslog, from: &intake.syslog_from };
        let identity = if intake.collect.is_some() || wanted.has_tls() {
            let files = intake.certificate.as_deref().zip(intake.key.as_deref());
            Some(Arc::new(collect::identity(data, files)?))
        } else {
            None
        };
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
        let door = Arc::new(Door::new(ingest.clone(), roll, moved, collect::heard(data)));
        let syslog = Syslog::open(&wanted, data, identity.clone(), ingest.clone())?;
        Ok(Self { ingest, door, data: data.to_owned(), identity, syslog, pages: pages.clone() })
    }

    async fn serve(&self, doors: Doors) -> std::io::Result<()> {
        let collectors = async {
            match (doors.collectors, &self.identity) {
                (Some(listener), Some(identity)) => self.server(identity).serve(listener, stop::wait()).await,
                _ => std::future::pending().await,
            }
        };
        let otlp = async {
            match doors.otlp {
                Some(listener) => {
                    let server = Server::plain(self.door.clone(), Limits::default());
                    self.pages.watch_door(server.counters());
                    server.serve(listener, stop::wait()).await
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ended = collectors => ended,
            ended = otlp => ended,
            () = self.tell() => Ok(()),
        }
    }

    fn server(&self, identity: &Arc<ServerIdentity>) -> Server<Arc<Door>> {
        let server = Server::new(self.door.clone(), identity.clone(), Limits::default())
            .on_identity_error(|error| tracing::error!(%error, "the certificate in use stays so"));
        self.pages.watch_door(server.counters());
        server
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
        self.syslog.end();
        self.ingest.stop();
        if let Err(error) = self.door.write_heard(&self.data) {
            tracing::warn!(%error, "cannot write how the collectors are");
        }
    }
}
