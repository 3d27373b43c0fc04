//! Where Postgres is: one server, or several of which one takes writes.

use crate::error::Chain;
use crate::failure;
use crate::failure::{FailureKind, only_reads, silence};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use log::LevelFilter;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection, Row};
use std::convert::Infallible;
use std::io;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// One of several servers that says nothing for so long is passed over.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A statement that takes longer is logged, at the level debug.
const SLOW: Duration = Duration::from_secs(1);

/// Where Postgres is: one server, or several (a primary and its standbys) of which one takes
/// writes. Which one that is is asked whenever a connection is made.
///
/// ```
/// use ordinaut_core::db::ConnectOptions;
///
/// let address: ConnectOptions = "postgres://app:secret@db1:5432,db2:5432/app?target_session_attrs=read-write".parse()?;
/// # Ok::<(), ordinaut_core::db::InvalidConnectOptions>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConnectOptions(Arc<[PgConnectOptions]>);

/// What was given is no address of a Postgres. Says nothing of what it was: passwords are in there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a URL such as postgres://user:password@host:5432/database (in a password / is written %2F, ? is %3F and % is %25), \
     or with several hosts: host1:5432,host2:5432"
)]
pub struct InvalidConnectOptions;

impl From<PgConnectOptions> for ConnectOptions {
    fn from(options: PgConnectOptions) -> Self {
        Self([ours(options)].into())
    }
}

impl TryFrom<&str> for ConnectOptions {
    type Error = InvalidConnectOptions;

    fn try_from(url: &str) -> Result<Self, InvalidConnectOptions> {
        url.parse()
    }
}

impl TryFrom<String> for ConnectOptions {
    type Error = InvalidConnectOptions;

    fn try_from(url: String) -> Result<Self, InvalidConnectOptions> {
        url.parse()
    }
}

impl TryFrom<&String> for ConnectOptions {
    type Error = InvalidConnectOptions;

    fn try_from(url: &String) -> Result<Self, InvalidConnectOptions> {
        url.parse()
    }
}

/// Options that are no text are always an address.
impl From<Infallible> for InvalidConnectOptions {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl FromStr for ConnectOptions {
    type Err = InvalidConnectOptions;

    /// A URL as libpq takes it, with hosts separated by commas. `target_session_attrs` may be
    /// `read-write` or `primary`, which is what is looked for anyway.
    fn from_str(url: &str) -> Result<Self, InvalidConnectOptions> {
        let (scheme, rest) = url.split_once("://").ok_or(InvalidConnectOptions)?;
        if !matches!(scheme, "postgres" | "postgresql") {
            return Err(InvalidConnectOptions);
        }
        let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (account, hosts) = authority.rsplit_once('@').map_or(("", authority), |(account, hosts)| (account, hosts));
        let (path, parameters) = tail.split_once('?').unwrap_or((tail, ""));
        // A password that has one of the characters at which a host ends: the rest of it, and the
        // host, seem to follow.
        if path.contains('@') || parameters.split('&').any(|word| word.contains('@') && !word.contains('=')) {
            return Err(InvalidConnectOptions);
        }
        let account = encoded(account);
        let (mut kept, mut named) = (Vec::new(), vec![None]);
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("target_session_attrs", "read-write" | "primary")) => {}
                Some(("target_session_attrs", _)) => return Err(InvalidConnectOptions),
                Some(("host", hosts)) => named = hosts.split(',').map(Some).collect(),
                _ => kept.push(parameter.to_owned()),
            }
        }
        let at = if account.is_empty() { "" } else { "@" };
        let servers = hosts.split(',').flat_map(|host| named.iter().map(move |named| (host, named)));
        let parse = |(host, named): (&str, &Option<&str>)| {
            let host_parameter = named.map(|host| format!("host={host}"));
            let parameters: Vec<_> = kept.iter().cloned().chain(host_parameter).collect();
            let url = format!("{scheme}://{account}{at}{host}{path}?{}", parameters.join("&"));
            url.parse().map(ours).map_err(|_| InvalidConnectOptions)
        };
        servers.map(parse).collect::<Result<_, _>>().map(Self)
    }
}

impl ConnectOptions {
    /// The same, under a name that Postgres shows.
    #[must_use]
    pub fn application_name(self, name: &str) -> Self {
        Self(self.0.iter().map(|options| options.clone().application_name(name)).collect())
    }

    /// As [`PgConnectOptions::statement_cache_capacity`].
    pub(crate) fn statement_cache_capacity(self, capacity: usize) -> Self {
        Self(self.0.iter().map(|options| options.clone().statement_cache_capacity(capacity)).collect())
    }

    pub(crate) fn has_several(&self) -> bool {
        self.0.len() > 1
    }

    pub(crate) fn first(&self) -> &PgConnectOptions {
        &self.0[0]
    }

    /// A connection to the server that takes writes, and how it was reached. Of several, all are
    /// asked at once, so that one that does not answer costs no time.
    pub(crate) async fn connect(&self) -> sqlx::Result<(PgConnectOptions, PgConnection)> {
        if !self.has_several() {
            return Ok((self.first().clone(), connect(self.first()).await?));
        }
        let mut asked: FuturesUnordered<_> = self.0.iter().map(ask).collect();
        let mut refusals = Vec::new();
        while let Some(answer) = asked.next().await {
            match answer {
                Ok(found) => return Ok(found),
                Err(error) => refusals.push(error),
            }
        }
        if refusals.iter().all(|error| FailureKind::of(error) == FailureKind::ReadOnly) {
            return Err(only_reads(none_takes_writes(&refusals)));
        }
        if refusals.iter().any(|error| FailureKind::of(error).is_transient()) {
            return Err(io::Error::new(io::ErrorKind::HostUnreachable, none_takes_writes(&refusals)).into());
        }
        Err(refusals.pop().unwrap_or_else(|| silence(CONNECT_TIMEOUT)))
    }
}

fn none_takes_writes(refusals: &[sqlx::Error]) -> String {
    let told: Vec<_> = refusals.iter().map(|error| Chain(error).to_string()).collect();
    format!("could not connect: none of {} servers accepts writes: {}", told.len(), told.join("; "))
}

/// An account as a URL has it: what may not stand there as it is, such as `#` in a password, is
/// encoded.
fn encoded(account: &str) -> String {
    let bytes = account.as_bytes();
    let is_code = |at: usize| bytes.get(at + 1..at + 3).is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit));
    let mut encoded = String::with_capacity(account.len());
    for (at, &byte) in bytes.iter().enumerate() {
        let stays = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:".contains(&byte);
        match byte {
            _ if stays => encoded.push(char::from(byte)),
            b'%' if is_code(at) => encoded.push('%'),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// What our connections have in common. Poolers refuse the parameter for floats, and every server
/// since version 12 writes them in full without it. A slow statement is a matter for who looks for
/// it: it is a wall of SQL.
fn ours(options: PgConnectOptions) -> PgConnectOptions {
    options.extra_float_digits(None).log_slow_statements(LevelFilter::Debug, SLOW)
}

async fn connect(options: &PgConnectOptions) -> sqlx::Result<PgConnection> {
    options.connect().await.map_err(|error| unreached(options, error))
}

/// An error of the wire while a connection is made, with where it led.
pub(crate) fn unreached(options: &PgConnectOptions, error: sqlx::Error) -> sqlx::Error {
    match error {
        // One that has an error inside is ours, and says where already.
        sqlx::Error::Io(error) if error.get_ref().is_none() => {
            let place = match options.get_socket() {
                Some(socket) => socket.display().to_string(),
                None => format!("{}:{}", options.get_host(), options.get_port()),
            };
            failure::unreached(&place, &error)
        }
        error => error,
    }
}

async fn ask(options: &PgConnectOptions) -> sqlx::Result<(PgConnectOptions, PgConnection)> {
    let reach = async {
        let mut connection = connect(options).await?;
        must_take_writes(&mut connection).await?;
        Ok((options.clone(), connection))
    };
    tokio::time::timeout(CONNECT_TIMEOUT, reach).await.map_err(|_| silence(CONNECT_TIMEOUT))?
}

/// Of several servers, the one to work with takes writes: an error of one that only reads. Of the
/// one server that there is, [`Diagnostics::obstacles`](crate::client::Diagnostics::obstacles) says
/// it.
pub(crate) async fn must_take_writes(connection: &mut PgConnection) -> sqlx::Result<()> {
    // The simple protocol, which a pooler passes on as it is.
    let answer = sqlx::raw_sql(sql!("db/takes_writes")).fetch_one(connection).await?;
    if answer.try_get(0)? {
        return Ok(());
    }
    Err(only_reads("the server is read-only"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(url: &str) -> Vec<(String, u16, Option<String>)> {
        let address: ConnectOptions = url.parse().unwrap_or_else(|_| panic!("{url}"));
        let place = |options: &PgConnectOptions| {
            let socket = options.get_socket().map(|path| path.display().to_string());
            (
                socket.unwrap_or_else(|| options.get_host().to_owned()),
                options.get_port(),
                options.get_database().map(str::to_owned),
            )
        };
        address.0.iter().map(place).collect()
    }

    #[test]
    fn hosts_are_separated_by_commas() {
        let db = Some("db".to_owned());
        assert_eq!(hosts("postgres://u:p@h1/db"), [("h1".to_owned(), 5432, db.clone())]);
        assert_eq!(
            hosts("postgresql://u:a%2Cb@h1:1,h2:2/db?target_session_attrs=read-write&sslmode=disable"),
            [("h1".to_owned(), 1, db.clone()), ("h2".to_owned(), 2, db.clone())]
        );
        assert_eq!(
            hosts("postgres://u@localhost:5432/db?host=%2Ftmp%2Fa,%2Ftmp%2Fb"),
            [("/tmp/a".to_owned(), 5432, db.clone()), ("/tmp/b".to_owned(), 5432, db)]
        );
    }

    #[test]
    fn a_password_may_have_any_character_but_those_that_end_a_host() {
        for (given, password) in [
            ("12#3", "12#3"),
            ("a@b", "a@b"),
            ("a:b", "a:b"),
            ("100%", "100%"),
            ("a%23b", "a#b"),
            ("a b[c]\\\"<>^`{|}", "a b[c]\\\"<>^`{|}"),
            ("пароль", "пароль"),
            ("a%2Fb%3Fc", "a/b?c"),
        ] {
            let address: ConnectOptions = format!("postgres://me:{given}@h:1/db?application_name=a@b").parse().unwrap();
            let expected = PgConnectOptions::new_without_pgpass().username("me").password(password).host("h");
            let shown = |options: &PgConnectOptions| options.to_url_lossy().password().map(str::to_owned);
            assert_eq!(shown(address.first()), shown(&expected), "{given}");
            assert_eq!(hosts(&format!("postgres://me:{given}@h:1/db"))[0].0, "h", "{given}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for url in [
            "",
            "h1,h2",
            "mysql://h/db",
            "postgres://h1:x,h2/db",
            "postgres://h/db?target_session_attrs=standby",
            "postgres://me:1/2@h/db",
            "postgres://me:1?2@h/db",
        ] {
            assert_eq!(url.parse::<ConnectOptions>().err(), Some(InvalidConnectOptions), "{url}");
        }
    }
}
