//! What a session may claim beside the jobs that ask for nothing.

/// What a session may claim beside the jobs that ask for nothing, and its part of kinds of which a
/// version runs a part. Without demands and rollouts it is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Eligibility {
    /// The demands that its labels satisfy.
    pub(crate) satisfied: Vec<String>,
    /// Those in whose lines jobs wait.
    pub(crate) demands: Vec<String>,
    pub(crate) parts: Parts,
    /// Whether there are any demands or rollouts at all.
    pub(crate) needed: bool,
}

/// Of these kinds only jobs whose place, of 0 to 255, is from the lowest to the highest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) kinds: Vec<String>,
    pub(crate) lowest: Vec<i32>,
    pub(crate) highest: Vec<i32>,
}

/// That of a session which knows of nothing: a claim must borrow one.
pub(crate) static NONE: Eligibility = Eligibility::NONE;

impl Eligibility {
    /// A session without any.
    pub const NONE: Self = Self {
        satisfied: Vec::new(),
        demands: Vec::new(),
        parts: Parts { kinds: Vec::new(), lowest: Vec::new(), highest: Vec::new() },
        needed: false,
    };
}
