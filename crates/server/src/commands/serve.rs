//! `vigie serve`: the pages.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use vigie_web::{AllowedHosts, Settings};

use super::files;
use crate::{
    cli::{OutputOptions, Zone},
    output::{Hint, Outcome},
    pages::Pages,
    stop,
};

/// How long answers under way may take once a stop was asked for.
const LAST_ANSWERS: Duration = Duration::from_secs(3);

/// The zone is that of readers whose browser tells none.
pub fn run(output: &OutputOptions, data: &Path, zone: &Zone, listen: SocketAddr) -> anyhow::Result<Outcome> {
    stop::listen();
    stop::over();
    let zone = files::zone(zone)?;
    let pages = Arc::new(Pages::open(data)?);
    pages.stay_ready();
    // Only a server that others can reach is called by names that we do not know.
    let hosts = if listen.ip().is_loopback() { AllowedHosts::Loopback } else { AllowedHosts::Any };
    let router = vigie_web::router_with(pages, Settings { hosts, zone });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the server's threads")?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(listen).await.map_err(|error| Hint {
            message: format!("cannot listen on {listen}: {error}"),
            hint: "name another address with --listen, such as --listen 127.0.0.1:8026".to_owned(),
        })?;
        let address = listener.local_addr().unwrap_or(listen);
        output.remark(format_args!("Vigie is at http://{address}/  (Ctrl-C ends it)"));
        let server = axum::serve(listener, router).with_graceful_shutdown(stop::wait());
        tokio::select! {
            ended = server => ended.context("the server stopped"),
            () = too_late() => Ok(()),
        }
    })?;
    // An answer still being computed is nobody's.
    runtime.shutdown_background();
    Ok(Outcome::Done)
}

async fn too_late() {
    stop::wait().await;
    tokio::time::sleep(LAST_ANSWERS).await;
}
