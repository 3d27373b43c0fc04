//! Labels: what a worker has, and what a job asks for.

/// Maximum number of labels in a list of a job.
pub(crate) const MAX_LABELS: usize = 8;

/// The longest label, in octets.
pub(crate) const LONGEST: usize = 100;

/// What is wrong with a label, such as `gpu` or `zone=a`; `None`: nothing.
pub fn label_fault(label: &str) -> Option<String> {
    let name = label.split_once('=').map_or(label, |(name, _)| name);
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let value = label.split_once('=').map(|(_, value)| value);
    if label.len() > LONGEST {
        return Some(format!("{label:?} is longer than {LONGEST} octets"));
    }
    if name.is_empty() || !name.chars().all(plain) {
        return Some(format!(
            "{label:?} must begin with a name of letters, digits, '.', '_' and '-', as in gpu or zone=a"
        ));
    }
    value
        .is_some_and(|value| value.is_empty() || value.chars().any(char::is_control))
        .then(|| format!("{label:?} must have a value after '=', without control characters"))
}

/// What is wrong with a list of what a job asks for, in which `!` before a label means that the
/// worker must not have it.
pub(crate) fn list_fault(labels: &[String]) -> Option<String> {
    if labels.len() > MAX_LABELS {
        return Some(format!("must be at most {MAX_LABELS}"));
    }
    // Its "!" counts, as in placement_fault().
    if let Some(label) = labels.iter().find(|label| label.len() > LONGEST) {
        return label_fault(label);
    }
    let fault = labels.iter().find_map(|label| label_fault(label.strip_prefix('!').unwrap_or(label)));
    let both =
        labels.iter().filter_map(|label| label.strip_prefix('!')).find(|label| labels.iter().any(|one| one == label));
    fault.or_else(|| both.map(|label| format!("asks for {label:?} and for its absence")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_label_is_named() {
        for good in ["gpu", "zone=a", "python=3.12", "node=a.b-c_d", "worker=ann's machine"] {
            assert_eq!(label_fault(good), None);
        }
        for bad in ["", "=a", "zone=", "zo ne", "zone=a\n", "ö", &"x".repeat(101)] {
            assert!(label_fault(bad).is_some(), "{bad:?}");
        }
        assert_eq!(list_fault(&["!spot".to_owned(), "gpu".to_owned()]), None);
        assert!(list_fault(&["!!spot".to_owned()]).is_some());
        let never = list_fault(&["!spot".to_owned(), "gpu".to_owned(), "spot".to_owned()]);
        assert_eq!(never.as_deref(), Some("asks for \"spot\" and for its absence"));
        assert!(list_fault(&vec!["gpu".to_owned(); MAX_LABELS + 1]).is_some());
        assert_eq!(list_fault(&["x".repeat(LONGEST)]), None);
        assert!(list_fault(&[format!("!{}", "x".repeat(LONGEST))]).is_some());
    }
}
