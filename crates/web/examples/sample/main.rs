//! The pages with invented data: `cargo run --example sample -p vigie-web`, then open http://localhost:8099/.

mod backend;

use std::sync::Arc;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or_else(|| "8099".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://localhost:{port}/");
    axum::serve(listener, vigie_web::router(Arc::new(backend::Sample::default()))).await
}
