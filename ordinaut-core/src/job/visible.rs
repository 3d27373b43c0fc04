//! What a caller sees of the jobs, and what it may enqueue.

use crate::error::InvalidField;
use crate::job::new_job::{NewJob, OUTSIDE};

/// The part of the jobs that a caller sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sight {
    /// Only this tenant's; `None`: those of all.
    pub(crate) tenant: Option<String>,
    /// Only those of these queues; `None`: of all.
    pub(crate) queues: Option<Vec<String>>,
}

impl Sight {
    /// A job as the caller enqueues it: of its tenant, if the job names none. Another one's, or one
    /// of another queue, is marked, and so refused.
    pub(crate) fn own(&self, job: NewJob) -> NewJob {
        let tenant = job.tenant.clone().or_else(|| self.tenant.clone());
        let outside = self.outside(tenant.as_deref(), &job.queue);
        NewJob { tenant, outside, ..job }
    }

    /// Whether the caller may have something of a tenant in a queue.
    pub(crate) fn may_have(&self, tenant: Option<&str>, queue: &str) -> Result<(), InvalidField> {
        match self.outside(tenant, queue) {
            None => Ok(()),
            Some(field) => Err(InvalidField { field, reason: OUTSIDE.to_owned() }),
        }
    }

    /// The field by which something is not the caller's.
    fn outside(&self, tenant: Option<&str>, queue: &str) -> Option<&'static str> {
        if self.tenant.is_some() && tenant != self.tenant.as_deref() {
            return Some("tenant");
        }
        self.queues.as_ref().filter(|queues| !queues.iter().any(|own| own == queue)).map(|_| "queue")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_gets_its_callers_tenant_and_another_ones_is_refused_by_field() {
        let sight = Sight { tenant: Some("acme".into()), queues: Some(vec!["mail".into()]) };
        let job = || NewJob::new("k", &()).unwrap().queue("mail");
        assert_eq!(sight.own(job()).tenant.as_deref(), Some("acme"));
        let refused = |job: NewJob| sight.own(job).check().map_err(|invalid| invalid.field);
        assert_eq!(refused(job()), Ok(()));
        assert_eq!(refused(job().tenant("acme")), Ok(()));
        assert_eq!(refused(job().tenant("umbrella")), Err("tenant"));
        assert_eq!(refused(job().queue("bulk")), Err("queue"));
    }
}
