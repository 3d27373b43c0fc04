//! The key of a task as it is stored.

use crate::task::definition::TaskDefinition;

impl TaskDefinition {
    /// Its `dedupe_key` behind its tenant: two tenants that name the same hold two. Neither has a
    /// line break.
    pub(crate) fn held_key(&self) -> Option<String> {
        let key = self.dedupe_key.as_ref()?;
        Some(self.tenant.as_ref().map_or_else(|| key.clone(), |tenant| format!("{tenant}\n{key}")))
    }
}
