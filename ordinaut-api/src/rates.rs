//! The bounds of each agent's calls, by class of route.

use crate::problem::Problem;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use ordinaut_runtime::settings::api::{RateLimit, RouteClass};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Calls between two looks for agents that call no more.
const FORGET: u32 = 100_000;

type Limiter = RateLimiter<Arc<str>, DefaultKeyedStateStore<Arc<str>>, DefaultClock, StateInformationMiddleware>;

/// Each agent's calls, counted by this process alone.
#[derive(Default)]
pub(crate) struct Rates {
    limiters: HashMap<RouteClass, (RateLimit, Limiter)>,
    calls: AtomicU32,
}

impl Rates {
    pub(crate) fn new(limits: &[RateLimit]) -> Self {
        let limiter = |limit: &RateLimit| {
            let apart = limit.period / limit.calls.get();
            let quota = Quota::with_period(apart)?.allow_burst(limit.calls);
            Some((limit.class, (*limit, RateLimiter::keyed(quota).with_middleware())))
        };
        Self { limiters: limits.iter().filter_map(limiter).collect(), calls: AtomicU32::new(0) }
    }

    /// Counts a call, and returns the headers that say what is left, and why it is refused, if it
    /// is.
    pub(crate) fn take(&self, class: RouteClass, agent: &Arc<str>) -> (HeaderMap, Option<Problem>) {
        let Some((limit, limiter)) = self.limiters.get(&class) else { return (HeaderMap::new(), None) };
        if self.calls.fetch_add(1, Ordering::Relaxed) % FORGET == FORGET - 1 {
            limiter.retain_recent();
        }
        match limiter.check_key(agent) {
            Ok(state) => {
                let left = state.remaining_burst_capacity();
                let reset = limit.period.mul_f64(1.0 - f64::from(left) / f64::from(limit.calls.get()));
                (headers(limit, left, reset.as_secs_f64()), None)
            }
            Err(not_until) => {
                let wait = not_until.wait_time_from(DefaultClock::default().now()).as_secs_f64().ceil().max(1.0);
                let detail = format!(
                    "this agent has made the {} calls of class {} that it may make in {} s",
                    limit.calls,
                    limit.class.as_str(),
                    limit.period.as_secs()
                );
                (headers(limit, 0, wait), Some(Problem::too_many(detail, wait as u32)))
            }
        }
    }
}

fn headers(limit: &RateLimit, left: u32, reset: f64) -> HeaderMap {
    let numbers = [(LIMIT, limit.calls.get()), (REMAINING, left), (RESET, reset.ceil() as u32)];
    numbers.into_iter().map(|(name, number)| (name, HeaderValue::from(number))).collect()
}
