//! A web server whose requests enqueue jobs, with the worker and the scheduler in the same process,
//! and one shutdown for all.
//!
//! Run it: `cargo run -p ordinaut-core --example axum_server`. It prints:
//!
//! ```text
//! the server answered: HTTP/1.1 202 Accepted
//! order 7 is shipped
//! server, worker and scheduler have ended
//! ```

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod setup;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use ordinaut_core::{Client, Context, Job, JobError, Scheduler, Worker};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

#[derive(Serialize, Deserialize)]
struct Ship {
    order: u32,
}

impl Job for Ship {
    const KIND: &'static str = "ship";
}

/// A request that was answered with 202 has a job. A request that was not may be repeated: make its
/// job unique.
async fn accept(State(client): State<Client>, Json(order): Json<Ship>) -> StatusCode {
    match order.enqueue(&client).await {
        Ok(_) => StatusCode::ACCEPTED,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The state is what ends this example; a server passes `tokio::signal::ctrl_c()` or SIGTERM to all
/// three instead.
async fn ship(job: Ship, ctx: Context<CancellationToken>) -> Result<(), JobError> {
    println!("order {} is shipped", job.order);
    ctx.state.cancel();
    Ok(())
}

/// What a client of the server sends; returns the first line of the answer.
async fn send_order(address: SocketAddr) -> Result<String, Box<dyn Error>> {
    let request = "POST /orders HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Type: application/json\r\n\
                   Content-Length: 11\r\n\r\n{\"order\":7}";
    let (mut connection, mut answer) = (TcpStream::connect(address).await?, String::new());
    connection.write_all(request.as_bytes()).await?;
    connection.read_to_string(&mut answer).await?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, _server) = setup::client().await?;
    let end = CancellationToken::new();

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let app = Router::new().route("/orders", post(accept)).with_state(client.clone());
    let server = axum::serve(listener, app).with_graceful_shutdown(end.clone().cancelled_owned());
    let server = tokio::spawn(async { server.await });
    println!("the server answered: {}", send_order(address).await?);

    let worker = Worker::new(client.clone(), end.clone()).handle(ship).run(end.cancelled());
    let (worked, ()) = tokio::join!(worker, Scheduler::new(client).run(end.cancelled()));
    worked?;
    server.await??;
    println!("server, worker and scheduler have ended");
    Ok(())
}
