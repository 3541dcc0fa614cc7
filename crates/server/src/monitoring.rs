//! What machines ask the server about itself: `/metrics` for Prometheus, `/health/live` and `/health/ready` for whoever restarts it
//! or sends it visitors.

mod metrics;

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::pages::Pages;

/// The answers, to be shown beside the pages.
pub fn router(pages: Arc<Pages>) -> Router {
    Router::new()
        .route("/metrics", get(scrape))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .with_state(pages)
}

/// The process answers: there is no reason to restart it.
async fn live() -> Response {
    (StatusCode::OK, "ok\n").into_response()
}

/// The store can be read, and what comes can be stored.
async fn ready(State(pages): State<Arc<Pages>>) -> Response {
    let asked = tokio::task::spawn_blocking(move || pages.readiness()).await;
    match asked.unwrap_or_else(|_| Err("the look at the store was broken off by a fault of the program".to_owned())) {
        Ok(()) => (StatusCode::OK, "ok\n").into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn scrape(State(pages): State<Arc<Pages>>) -> Response {
    match tokio::task::spawn_blocking(move || metrics::text(&pages)).await {
        Ok(Ok(text)) => ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
            .into_response(),
        Ok(Err(why)) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
