//! The stream of events: each under its number, so that Redis itself refuses a repeat.

use crate::event::record::Event;
use crate::notify::redis::{Connection, RedisError};
use fred::interfaces::{ClientLike, KeysInterface, StreamsInterface};
use fred::prelude::Error;
use fred::types::{ClusterHash, CustomCommand, SetOptions, Value};
use std::fmt::Display;
use uuid::Uuid;

/// The stream's key for the schema that is the default; another one's is `events:SCHEMA`.
const KEY: &str = "events";
const DEFAULT_SCHEMA: &str = "ordinaut";

/// Seconds after which a draft goes whose writer died.
const DRAFT: i64 = 600;

/// Renames a draft to the stream, unless that has a higher number than the draft's last. One
/// script, because another publisher may write between a look and a rename.
const REPLACE: &str = "
    local top = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
    if top[1] and tonumber(string.match(top[1][1], '^%d+')) > tonumber(ARGV[1]) then return 0 end
    redis.call('RENAME', KEYS[1], KEYS[2])
    return 1";

/// What the stream of a Redis holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamStatus {
    /// The number of its first event; 0 if it is empty.
    pub first: i64,
    /// The number of its last event; 0 if it is empty.
    pub last: i64,
    /// The number of its events.
    pub length: i64,
    /// The installation that writes it, once one does.
    pub installation: Option<Uuid>,
}

impl StreamStatus {
    /// Whether numbers are missing between its first and its last one. The log of events itself
    /// lacks some after a restore.
    pub fn has_gap(&self) -> bool {
        self.length > 0 && self.length != self.last - self.first + 1
    }
}

/// What the stream of a schema in a Redis holds. Waits 5 seconds at most for an answer.
///
/// # Errors
///
/// [`RedisError::Unreachable`] if the URL is none or nothing answers there in 5 seconds,
/// [`RedisError::Refused`] if Redis answers with an error, and [`RedisError::ForeignId`] if
/// somebody else writes to the stream.
pub async fn stream_in_redis(url: &str, schema: &impl Display) -> Result<StreamStatus, RedisError> {
    Stream::connect(url, schema).await?.status().await
}

pub(crate) struct Stream {
    connection: Connection,
    key: String,
}

impl Stream {
    /// About as many events as the stream keeps.
    pub(crate) const LENGTH: i64 = 10_000;

    pub(crate) async fn connect(url: &str, schema: &impl Display) -> Result<Self, RedisError> {
        let schema = schema.to_string();
        let key = if schema == DEFAULT_SCHEMA { KEY.to_owned() } else { format!("{KEY}:{schema}") };
        Connection::open(url).await.map(|connection| Self { connection, key })
    }

    /// Names the installation that writes here, unless another one did, and returns the one that is
    /// named.
    pub(crate) async fn claim(&self, installation: Uuid) -> Result<Option<Uuid>, RedisError> {
        let (client, key) = (&self.connection.client, self.beside("installation"));
        let named = client.set(&key, installation.to_string(), None, Some(SetOptions::NX), false).await;
        let _: Value = named.map_err(RedisError::Refused)?;
        self.installation().await
    }

    pub(crate) async fn status(&self) -> Result<StreamStatus, RedisError> {
        let installation = self.installation().await?;
        let info: Result<Value, Error> = self.connection.client.xinfo_stream(&self.key, false, None).await;
        let info = match info {
            Ok(info) => info.into_array(),
            Err(error) if error.details().contains("no such key") => Vec::new(),
            Err(error) => return Err(RedisError::Refused(error)),
        };
        let number_of = |entry: &str| match field(&info, entry) {
            Some(Value::Array(entry)) => entry.first().map_or(Ok(0), number),
            _ => Ok(0),
        };
        let length = field(&info, "length").and_then(Value::as_i64).unwrap_or(0);
        Ok(StreamStatus { first: number_of("first-entry")?, last: number_of("last-entry")?, length, installation })
    }

    /// Adds an event under its number. One that is there already is a repeat, which Redis itself
    /// refuses.
    pub(crate) async fn publish(&self, event: &Event) -> Result<(), RedisError> {
        self.add(&self.key, event).await
    }

    /// Adds an event to a draft, which is another key until it replaces the stream.
    pub(crate) async fn draft(&self, draft: Uuid, event: &Event) -> Result<(), RedisError> {
        self.add(&self.beside(&draft.to_string()), event).await
    }

    /// Lets a draft go by itself if its writer dies.
    pub(crate) async fn may_go(&self, draft: Uuid) -> Result<(), RedisError> {
        let key = self.beside(&draft.to_string());
        let _: Value = self.connection.client.expire(key, DRAFT, None).await.map_err(RedisError::Refused)?;
        Ok(())
    }

    /// Puts a draft that ends with event `last` in the stream's place, unless the stream has later
    /// ones by now: another publisher was faster, and its readers would miss what the draft lacks.
    /// Groups of consumers go on where they were; what they had read and not acknowledged is theirs
    /// to look for.
    pub(crate) async fn replace_by(&self, draft: Uuid, last: i64) -> Result<bool, RedisError> {
        let (client, draft) = (&self.connection.client, self.beside(&draft.to_string()));
        for (group, last) in self.groups().await? {
            let _: Value = client.xgroup_create(&draft, group, last, false).await.map_err(RedisError::Refused)?;
        }
        let _: Value = client.persist(&draft).await.map_err(RedisError::Refused)?;
        let arguments = [REPLACE.to_owned(), "2".to_owned(), draft.clone(), self.key.clone(), last.to_string()];
        let command = CustomCommand::new_static("EVAL", ClusterHash::Offset(2), false);
        let replaced: i64 = client.custom(command, arguments.to_vec()).await.map_err(RedisError::Refused)?;
        if replaced == 0 {
            let _: Value = client.del(&draft).await.map_err(RedisError::Refused)?;
        }
        Ok(replaced == 1)
    }

    async fn add(&self, key: &str, event: &Event) -> Result<(), RedisError> {
        let mut fields = vec![
            ("type", event.r#type.to_string()),
            ("at", event.at.to_rfc3339()),
            ("queue", event.queue.clone()),
            ("kind", event.kind.clone()),
            ("jobs", serde_json::to_string(&event.jobs)?),
        ];
        fields.extend(event.level.map(|level| ("level", level.to_string())));
        fields.extend(event.subject.clone().map(|subject| ("subject", subject)));
        let bound = ("MAXLEN", "~", Self::LENGTH);
        let added: Result<Value, Error> =
            self.connection.client.xadd(key, false, bound, format!("{}-0", event.n), fields).await;
        match added {
            Ok(_) => Ok(()),
            Err(error) if error.details().contains("equal or smaller") => Ok(()),
            Err(error) => Err(RedisError::Refused(error)),
        }
    }

    /// Each group of consumers with the last id that it was given.
    async fn groups(&self) -> Result<Vec<(String, String)>, RedisError> {
        let groups: Result<Value, Error> = self.connection.client.xinfo_groups(&self.key).await;
        let groups = match groups {
            Ok(groups) => groups.into_array(),
            Err(error) if error.details().contains("no such key") => Vec::new(),
            Err(error) => return Err(RedisError::Refused(error)),
        };
        let text = |group: &[Value], name| field(group, name).and_then(Value::as_string);
        let of = |group: Value| {
            let group = group.into_array();
            Some((text(&group, "name")?, text(&group, "last-delivered-id")?))
        };
        Ok(groups.into_iter().filter_map(of).collect())
    }

    async fn installation(&self) -> Result<Option<Uuid>, RedisError> {
        let named: Option<String> =
            self.connection.client.get(self.beside("installation")).await.map_err(RedisError::Refused)?;
        Ok(named.and_then(|named| named.parse().ok()))
    }

    /// A key on the stream's own shard, which no stream of a schema can have.
    fn beside(&self, what: &str) -> String {
        format!("{{{}}}:{what}", self.key)
    }
}

/// A field of an answer that lists names and values by turns.
fn field<'a>(answer: &'a [Value], name: &str) -> Option<&'a Value> {
    answer.chunks_exact(2).find(|pair| pair[0].as_str().is_some_and(|found| found == name)).map(|pair| &pair[1])
}

fn number(id: &Value) -> Result<i64, RedisError> {
    let id = id.as_string().unwrap_or_default();
    id.strip_suffix("-0").and_then(|n| n.parse().ok()).ok_or(RedisError::ForeignId(id))
}
