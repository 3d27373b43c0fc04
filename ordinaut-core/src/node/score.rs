//! Which machine is the best for the next job.

use crate::node::level::NodeLevel;
use serde::Serialize;

/// Weights of the parts of a score. Together they are 1.
const CPU: f64 = 0.4;
const MEMORY: f64 = 0.3;
const LOAD: f64 = 0.2;
const HEALTH: f64 = 0.1;

/// How good a machine is for the next job, with the parts of the sum. Each part is from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct NodeScore {
    /// 0.4 of the part of its processors that is free, 0.3 of that of its memory, 0.2 of that of
    /// its workers' slots, and 0.1 of its health.
    pub total: f64,
    /// Part of the processors that is free.
    pub cpu: f64,
    /// Part of the memory that is free.
    pub memory: f64,
    /// Part of its workers' slots that runs nothing; 0 without a worker.
    pub load: f64,
    /// 1 if it is healthy, 0.5 at a warning, else 0.
    pub health: f64,
}

impl NodeScore {
    /// Of percents in use, jobs that run, slots, and a level.
    pub(crate) fn of(cpu: f32, memory: f32, running: i64, slots: i64, level: NodeLevel) -> Self {
        let free = |percent: f32| (1.0 - f64::from(percent) / 100.0).clamp(0.0, 1.0);
        let load = if slots > 0 { (1.0 - running as f64 / slots as f64).clamp(0.0, 1.0) } else { 0.0 };
        let (cpu, memory, health) = (free(cpu), free(memory), level.health());
        Self { total: CPU * cpu + MEMORY * memory + LOAD * load + HEALTH * health, cpu, memory, load, health }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_what_a_hand_computes() {
        let score = NodeScore::of(50.0, 20.0, 3, 4, NodeLevel::Warning);
        // 0.4 * 0.5 + 0.3 * 0.8 + 0.2 * 0.25 + 0.1 * 0.5
        assert!((score.total - 0.54).abs() < 1e-6, "{score:?}");
        assert!((NodeScore::of(0.0, 0.0, 0, 4, NodeLevel::Healthy).total - 1.0).abs() < 1e-9);
        assert!(NodeScore::of(100.0, 100.0, 0, 0, NodeLevel::Critical).total.abs() < 1e-9);
    }
}
