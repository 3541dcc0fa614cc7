//! Which address leads to which page.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::get;
use jiff::tz::TimeZone;
use tower_http::compression::CompressionLayer;

use crate::asked::Asked;
use crate::backend::{Backend, Failure, PageRequest, Sort};
use crate::guard::{AllowedHosts, guard};
use crate::layout::{Page, Place};
use crate::{assets, csv, live, pages, words};

/// What the operator of the server decides.
#[derive(Debug, Clone)]
pub struct Settings {
    pub hosts: AllowedHosts,
    /// The zone of a reader whose browser has not told one.
    pub zone: TimeZone,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { hosts: AllowedHosts::default(), zone: TimeZone::UTC }
    }
}

#[derive(Clone)]
pub(crate) struct App {
    pub backend: Arc<dyn Backend>,
    pub settings: Arc<Settings>,
    pub watchers: live::Watchers,
}

/// All pages, for a server on loopback.
pub fn router(backend: Arc<dyn Backend>) -> Router {
    router_with(backend, Settings::default())
}

pub fn router_with(backend: Arc<dyn Backend>, settings: Settings) -> Router {
    let app = App { backend, settings: Arc::new(settings), watchers: live::Watchers::default() };
    Router::new()
        .route("/", get(overview))
        .route("/search", get(search))
        .route("/search.csv", get(search_csv))
        .route("/message/{id}", get(message))
        .route("/coverage", get(coverage))
        .route("/servers", get(servers))
        .route("/rejections", get(rejections))
        .route("/top/{dimension}", get(ranking))
        .route("/tail", get(tail))
        .route("/queues", get(queues))
        .route("/sources", get(sources))
        .route("/live", get(live::events))
        .route("/help", get(help))
        .route("/static/{name}", get(assets::serve))
        .fallback(not_found)
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(app.clone(), guard))
        .with_state(app)
}

async fn overview(State(app): State<App>, asked: Asked) -> Response {
    let answer = app.backend.overview(&asked.scope()).await;
    respond(&asked, Place::Overview, answer, pages::overview::page)
}

async fn search(State(app): State<App>, asked: Asked) -> Response {
    let answer = app.backend.search(&asked.scope(), &asked.page_request()).await;
    respond(&asked, Place::Search, answer, pages::search::page)
}

async fn search_csv(State(app): State<App>, asked: Asked) -> Response {
    match csv::download(app.backend, asked.scope(), asked.sort).await {
        Ok(response) => response,
        Err(failure) => pages::failure::failed(&asked.on_search(), Place::Search, failure),
    }
}

async fn message(State(app): State<App>, Path(id): Path<String>, asked: Asked) -> Response {
    match app.backend.message(&id).await {
        Ok(Some(message)) => asked.respond(StatusCode::OK, pages::message::page(&asked, message)),
        Ok(None) => pages::failure::no_such_message(&asked),
        Err(failure) => pages::failure::failed(&asked, Place::Search, failure),
    }
}

async fn coverage(State(app): State<App>, asked: Asked) -> Response {
    let answer = app.backend.coverage(&asked.scope()).await;
    respond(&asked, Place::Coverage, answer, pages::coverage::page)
}

async fn servers(State(app): State<App>, asked: Asked) -> Response {
    let answer = app.backend.servers(&asked.scope()).await;
    respond(&asked, Place::Servers, answer, pages::servers::page)
}

async fn tail(State(app): State<App>, asked: Asked) -> Response {
    let scope = pages::tail::scope(&asked, app.backend.now());
    let request = PageRequest { sort: Sort::Newest, after: None, limit: pages::tail::ROWS };
    let answer = app.backend.search(&scope, &request).await;
    respond(&asked, Place::Tail, answer, pages::tail::page)
}

async fn queues(State(app): State<App>, asked: Asked) -> Response {
    let answer = app.backend.queues(&asked.scope()).await;
    respond(&asked, Place::Queues, answer, pages::queues::page)
}

async fn sources(State(app): State<App>, asked: Asked) -> Response {
    let answer = app.backend.sources(&asked.scope()).await;
    respond(&asked, Place::Sources, answer, pages::sources::page)
}

async fn rejections(State(app): State<App>, asked: Asked) -> Response {
    let answer = app.backend.rejections(&asked.scope(), &asked.page_request()).await;
    respond(&asked, Place::Rejections, answer, pages::rejections::page)
}

async fn ranking(State(app): State<App>, Path(dimension): Path<String>, asked: Asked) -> Response {
    let Some(by) = words::dimension_from_path(&dimension) else { return pages::failure::no_such_page(&asked) };
    let answer = app.backend.ranking(&asked.scope(), by).await;
    respond(&asked, Place::Overview, answer, pages::ranking::page)
}

async fn help(asked: Asked) -> Response {
    asked.respond(StatusCode::OK, pages::help::page(&asked))
}

async fn not_found(asked: Asked) -> Response {
    pages::failure::no_such_page(&asked)
}

fn respond<T>(
    asked: &Asked,
    place: Place,
    answer: Result<T, Failure>,
    page: impl FnOnce(&Asked, T) -> Page,
) -> Response {
    match answer {
        Ok(answer) => asked.respond(StatusCode::OK, page(asked, answer)),
        Err(failure) => pages::failure::failed(asked, place, failure),
    }
}
