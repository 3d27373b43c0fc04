//! Where the examples find their Postgres: at `DATABASE_URL`, or without it on a private server
//! that ends with the example. A test of an example always has a server of its own.

use ordinaut_core::Client;
use ordinaut_embedded::Postgres;
use std::error::Error;

/// A client whose schema is ready. Keep the server for as long as you need the client.
pub(crate) async fn client() -> Result<(Client, Option<Postgres>), Box<dyn Error>> {
    let (url, server) = match std::env::var("DATABASE_URL") {
        Ok(url) if !cfg!(test) => (url, None),
        _ => {
            let server = Postgres::temporary()?;
            (server.url(), Some(server))
        }
    };
    let client = Client::connect(url).await?;
    client.migrate().await?;
    Ok((client, server))
}
