//! The port for operators: `/metrics`, `/livez` and `/readyz`, over plain HTTP.

use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::health::Health;
use crate::metrics::Scraped;

/// The content type of metrics.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Serves until dropped.
pub(crate) async fn serve_operators(listener: TcpListener, scraped: Scraped, health: Health) {
    let scraped = Arc::new(scraped);
    let router = Router::new()
        .route("/metrics", get(move || scrape(scraped)))
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(move || ready(health)))
        .method_not_allowed_fallback(async || StatusCode::NOT_FOUND);
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "no longer serving metrics and probes");
    }
}

async fn scrape(scraped: Arc<Scraped>) -> Response {
    match scraped.text() {
        Ok(text) => ([(header::CONTENT_TYPE, TEXT)], text).into_response(),
        Err(std::fmt::Error) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn ready(health: Health) -> (StatusCode, &'static str) {
    if health.is_serving() {
        (StatusCode::OK, "ok\n")
    } else {
        let why = "not serving: the server is stopping or cannot use the database\n";
        (StatusCode::SERVICE_UNAVAILABLE, why)
    }
}
