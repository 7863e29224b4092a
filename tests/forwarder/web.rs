//! A small HTTP server on a thread of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

/// What a server does with requests.
pub trait Service: Send + Sync + 'static {
    /// How long until a request is carried out, and until its answer then leaves.
    fn pauses(&self) -> (Duration, Duration) {
        (Duration::ZERO, Duration::ZERO)
    }

    /// Answers a request, or ends the connection without a word. `number` tells it from others.
    fn answer(&self, number: u64, request: &Request<Bytes>) -> Option<Response<Bytes>>;

    /// Somebody got the answer of a request: he sent another one over the same connection.
    fn seen(&self, _number: u64) {}

    /// The connection of this request ended.
    fn closed(&self, _number: u64) {}
}

#[derive(Debug)]
struct Reset;

impl std::fmt::Display for Reset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("reset")
    }
}

impl std::error::Error for Reset {}

/// Starts a server on a thread of its own; its address.
pub fn serve(service: Arc<dyn Service>) -> SocketAddr {
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
            accept(listener, service).await;
        });
    });
    receiver.recv().expect("the server starts")
}

async fn accept(listener: TcpListener, service: Arc<dyn Service>) {
    let mut number = 0;
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            number += 1;
            tokio::spawn(connection(stream, Arc::clone(&service), number << 32));
        }
    }
}

/// `first` is the number of the first request.
async fn connection(stream: TcpStream, service: Arc<dyn Service>, first: u64) {
    let own = Arc::clone(&service);
    let number = Arc::new(AtomicU64::new(first));
    let next = Arc::clone(&number);
    let service = service_fn(move |request: Request<Incoming>| {
        let service = Arc::clone(&service);
        let number = next.fetch_add(1, Ordering::Relaxed);
        async move {
            if number > first {
                service.seen(number - 1);
            }
            let (parts, body) = request.into_parts();
            // Whoever was killed while sending has sent nothing.
            let Ok(body) = body.collect().await else {
                return Err(Reset);
            };
            let request = Request::from_parts(parts, body.to_bytes());
            // What was received is carried out, even if nobody waits for it any more.
            let done = tokio::spawn(async move {
                let (before, after) = service.pauses();
                pause(before).await;
                let answer = service.answer(number, &request);
                pause(after).await;
                answer
            });
            let answer = done.await.expect("no test panics here");
            answer.map(|answer| answer.map(Full::new)).ok_or(Reset)
        }
    });
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
    own.closed(number.load(Ordering::Relaxed) - 1);
}

async fn pause(duration: Duration) {
    if !duration.is_zero() {
        tokio::time::sleep(duration).await;
    }
}

/// An answer.
pub fn answer(status: u16, body: impl Into<Bytes>) -> Option<Response<Bytes>> {
    Response::builder().status(status).body(body.into()).ok()
}
