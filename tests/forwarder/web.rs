//! A small HTTP server on a thread of its own.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// What a server does with a request: answers it, or ends the connection without a word.
pub type Handler = dyn Fn(Request<Bytes>) -> Option<Response<Bytes>> + Send + Sync;

#[derive(Debug)]
struct Reset;

impl std::fmt::Display for Reset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("reset")
    }
}

impl std::error::Error for Reset {}

/// Starts a server; its address.
pub fn serve(handler: Arc<Handler>) -> SocketAddr {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            sender
                .send(listener.local_addr().expect("an address"))
                .expect("a receiver");
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    continue;
                };
                let handler = Arc::clone(&handler);
                tokio::spawn(async move {
                    let service = service_fn(move |request: Request<Incoming>| {
                        let handler = Arc::clone(&handler);
                        async move {
                            let (parts, body) = request.into_parts();
                            // Whoever was killed while sending has sent nothing.
                            let Ok(body) = body.collect().await else {
                                return Err(Reset);
                            };
                            let request = Request::from_parts(parts, body.to_bytes());
                            handler(request)
                                .map(|answer| answer.map(Full::new))
                                .ok_or(Reset)
                        }
                    });
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
    });
    receiver.recv().expect("the server starts")
}

/// An answer.
pub fn answer(status: u16, body: impl Into<Bytes>) -> Option<Response<Bytes>> {
    let answer: Result<_, Infallible> = Ok(Response::builder()
        .status(status)
        .body(body.into())
        .expect("an answer"));
    answer.ok()
}
