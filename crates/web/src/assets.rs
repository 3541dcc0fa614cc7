//! The style sheet, the script and the icon: compiled in, addressed by their content, kept by browsers for a year.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

struct Asset {
    stem: &'static str,
    extension: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
}

static ASSETS: [Asset; 4] = [
    Asset {
        stem: "app",
        extension: "css",
        media_type: "text/css; charset=utf-8",
        bytes: include_bytes!("../ui/app.css"),
    },
    Asset {
        stem: "app",
        extension: "js",
        media_type: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../ui/app.js"),
    },
    Asset {
        stem: "live",
        extension: "js",
        media_type: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../ui/live.js"),
    },
    Asset { stem: "icon", extension: "svg", media_type: "image/svg+xml", bytes: include_bytes!("../ui/icon.svg") },
];

static HREFS: LazyLock<[String; 4]> =
    LazyLock::new(|| ASSETS.each_ref().map(|asset| format!("/static/{}", asset.name())));

pub fn css() -> &'static str {
    &HREFS[0]
}

pub fn js() -> &'static str {
    &HREFS[1]
}

/// The script that holds the connection of all pages.
pub fn live_js() -> &'static str {
    &HREFS[2]
}

pub fn icon() -> &'static str {
    &HREFS[3]
}

/// `GET /static/{name}`. An address with an old hash is not found, so that a new program never meets an old script.
pub async fn serve(Path(name): Path<String>) -> Response {
    match ASSETS.iter().find(|asset| asset.name() == name) {
        Some(asset) => (
            [(header::CONTENT_TYPE, asset.media_type), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")],
            asset.bytes,
        )
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

impl Asset {
    /// The hash only has to change with the content; nobody attacks it.
    fn name(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.bytes.hash(&mut hasher);
        format!("{}-{:016x}.{}", self.stem, hasher.finish(), self.extension)
    }
}
