//! The beginning of a transaction on a connection of the pool, which comes to its end although
//! nobody waits for it any more.
//!
//! A future of sqlx 0.9 that is dropped while it begins one leaves that open, on a connection that
//! goes back to the pool: what comes by that connection next is answered, and committed by nobody.
//! A client that hangs up, a time limit and a handler that is stopped all drop futures.

use futures_util::future::BoxFuture;
use sqlx::{PgPool, Postgres, Transaction};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::runtime::Handle;

type Begun = sqlx::Result<Transaction<'static, Postgres>>;

/// A transaction that is being begun. When it is dropped before it has an answer, a task waits for
/// that, and rolls the transaction back.
pub(crate) struct Begin(Option<BoxFuture<'static, Begun>>);

impl Begin {
    pub(crate) fn on(pool: &PgPool, statement: &'static str) -> Self {
        let pool = pool.clone();
        Self(Some(Box::pin(async move { pool.begin_with(statement).await })))
    }
}

impl Future for Begin {
    type Output = Begun;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Begun> {
        let Some(begun) = &mut self.0 else { return Poll::Pending };
        let answer = begun.as_mut().poll(cx);
        if answer.is_ready() {
            self.0 = None;
        }
        answer
    }
}

impl Drop for Begin {
    fn drop(&mut self) {
        if let (Some(begun), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(begun);
        }
    }
}
