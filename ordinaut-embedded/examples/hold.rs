//! Holds a Postgres, temporary or in the directory that is its argument, until its standard input
//! ends.
//!
//! The tests kill it to see that nothing is left.

use std::env;
use std::io::{self, Read, Write};
use std::path::Path;

use ordinaut_embedded::Postgres;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let postgres = match env::args_os().nth(1) {
        Some(directory) => Postgres::start(Path::new(&directory))?,
        None => Postgres::temporary()?,
    };
    writeln!(io::stdout(), "{}\n{}", postgres.url(), postgres.postmaster_pid())?;
    io::stdin().read_to_end(&mut Vec::new())?;
    postgres.stop()?;
    Ok(())
}
