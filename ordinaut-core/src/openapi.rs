//! Schemas of types that are words in JSON, for the OpenAPI document of the HTTP API.

use crate::access::Scope;
use crate::event::EventType;
use crate::schedule::Misfire;
use std::borrow::Cow;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

impl PartialSchema for Scope {
    fn schema() -> RefOr<Schema> {
        let words = Self::ALL.map(Self::as_str);
        word()
            .description(Some("One thing that an agent may do; admin is all of them."))
            .enum_values(Some(words))
            .into()
    }
}

impl ToSchema for Scope {
    fn name() -> Cow<'static, str> {
        "Scope".into()
    }
}

impl PartialSchema for Misfire {
    fn schema() -> RefOr<Schema> {
        let policies =
            "What becomes of instants that nobody fired in time: coalesce, skip, catch_up(1) to catch_up(1000).";
        word().description(Some(policies)).pattern(Some(r"^(coalesce|skip|catch_up\([0-9]{1,4}\))$")).into()
    }
}

impl ToSchema for Misfire {
    fn name() -> Cow<'static, str> {
        "Misfire".into()
    }
}

impl PartialSchema for EventType {
    /// Open: a newer process of the installation may write further ones.
    fn schema() -> RefOr<Schema> {
        let known: Vec<_> = Self::ALL.iter().map(Self::as_str).collect();
        word().description(Some(format!("What happened. This version knows {}.", known.join(", ")))).into()
    }
}

impl ToSchema for EventType {
    fn name() -> Cow<'static, str> {
        "EventType".into()
    }
}

fn word() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}
