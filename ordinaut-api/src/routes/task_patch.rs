//! What `PATCH /tasks/{id}` takes, for the document: a definition of which nothing is needed, and
//! in which null takes a field back to its default.

use ordinaut_core::schedule::Schedule;
use ordinaut_core::task::TaskDefinition;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AnyOfBuilder, Object, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

/// Nothing of it is ever made: the patch is read as it comes.
pub(crate) enum TaskPatch {}

impl PartialSchema for TaskPatch {
    fn schema() -> RefOr<Schema> {
        let mut patch = patch_of(TaskDefinition::schema());
        patch.description = Some("What is to change of a task; null takes a field back to its default.".to_owned());
        let schedule = nullable(Schema::Object(patch_of(Schedule::schema())).into());
        patch.properties.insert("schedule".to_owned(), schedule);
        // A part of each of these may be patched too.
        for field in ["backoff", "unique"] {
            let part = ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::Object, Type::Null]));
            patch.properties.insert(field.to_owned(), part.into());
        }
        Schema::Object(patch).into()
    }
}

impl ToSchema for TaskPatch {}

fn patch_of(whole: RefOr<Schema>) -> Object {
    let mut patch = match whole {
        RefOr::T(Schema::Object(object)) => object,
        _ => Object::new(),
    };
    patch.required.clear();
    for property in patch.properties.values_mut() {
        *property = nullable(std::mem::take(property));
    }
    patch
}

fn nullable(schema: RefOr<Schema>) -> RefOr<Schema> {
    let null = ObjectBuilder::new().schema_type(Type::Null);
    // Of some null is a value of their own.
    AnyOfBuilder::new().item(null).item(schema).into()
}
