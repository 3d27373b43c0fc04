//! Places of rows, as Postgres writes them.

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef};
use sqlx::{Decode, Encode, Postgres, Type};

/// Where a row is in its table, until it is changed: the number of its page, and its own on the
/// page (Postgres' `ctid`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ctid {
    pub(crate) page: u32,
    pub(crate) line: u16,
}

const TID: Oid = Oid(27);

const TID_ARRAY: Oid = Oid(1010);

impl Type<Postgres> for Ctid {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TID)
    }

    fn compatible(info: &PgTypeInfo) -> bool {
        info.oid() == Some(TID)
    }
}

impl PgHasArrayType for Ctid {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TID_ARRAY)
    }
}

impl Encode<'_, Postgres> for Ctid {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(&self.page.to_be_bytes());
        buffer.extend_from_slice(&self.line.to_be_bytes());
        Ok(IsNull::No)
    }
}

impl Decode<'_, Postgres> for Ctid {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        let [a, b, c, d, e, f] = value.as_bytes()?.try_into()?;
        Ok(Self { page: u32::from_be_bytes([a, b, c, d]), line: u16::from_be_bytes([e, f]) })
    }
}
