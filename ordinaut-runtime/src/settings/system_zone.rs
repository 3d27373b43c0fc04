//! What `TZ` means where it is given as a system has it: a name, a file of the system's zone data,
//! or rules as POSIX has them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ordinaut_core::program::is_time_zone;
use std::path::Path;

const UTC: &str = "UTC";

/// From the first of January into July.
const HALF_A_YEAR: i64 = 182 * 24 * 3600;

/// The zone that a value of `TZ` means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SystemZone {
    /// Its IANA name.
    pub(super) name: String,
    /// The value names no zone, though a system takes it: UTC stands for it.
    pub(super) is_doubtful: bool,
}

/// `None`: neither a zone nor anything that a system would take.
pub(super) fn system_zone(text: &str) -> Option<SystemZone> {
    let sure = |name: &str| Some(SystemZone { name: name.to_owned(), is_doubtful: false });
    let text = text.strip_prefix(':').unwrap_or(text);
    if is_time_zone(text) {
        return sure(text);
    }
    if text.starts_with('/') {
        // `/etc/localtime` is a link to the zone's file.
        let file = std::fs::canonicalize(text).unwrap_or_else(|_| text.into());
        return match of_file(&file) {
            Some(name) => sure(&name),
            None => Some(SystemZone { name: UTC.to_owned(), is_doubtful: true }),
        };
    }
    let rules = TimeZone::posix(text).ok()?;
    // `UTC0` is UTC: no hours from it, in winter nor in summer.
    let is_utc = [0, HALF_A_YEAR]
        .iter()
        .all(|&second| Timestamp::from_second(second).is_ok_and(|instant| rules.to_offset(instant).seconds() == 0));
    Some(SystemZone { name: UTC.to_owned(), is_doubtful: !is_utc })
}

/// The name of the zone whose file it is: what follows the directory of all zones.
fn of_file(file: &Path) -> Option<String> {
    let path = file.to_str()?;
    let name = path.rsplit_once("zoneinfo/")?.1;
    let name = ["posix/", "right/"].iter().find_map(|form| name.strip_prefix(form)).unwrap_or(name);
    is_time_zone(name).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_a_zone_is_that_zone() {
        for (text, name) in [
            ("Europe/Chisinau", "Europe/Chisinau"),
            (":Europe/Berlin", "Europe/Berlin"),
            ("/usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo"),
            (":/usr/share/zoneinfo/posix/Asia/Tokyo", "Asia/Tokyo"),
            ("UTC0", "UTC"),
            ("GMT-0", "GMT-0"),
            ("EST5EDT", "EST5EDT"),
        ] {
            let zone = system_zone(text);
            assert_eq!(zone, Some(SystemZone { name: name.to_owned(), is_doubtful: false }), "{text}");
        }
    }

    #[test]
    fn a_link_is_followed_to_the_zone() {
        let directory = std::env::temp_dir().join(uuid::Uuid::new_v4().to_string());
        let zones = directory.join("zoneinfo/Africa");
        std::fs::create_dir_all(&zones).unwrap();
        std::fs::write(zones.join("Cairo"), "").unwrap();
        let link = directory.join("localtime");
        std::os::unix::fs::symlink(zones.join("Cairo"), &link).unwrap();
        assert_eq!(system_zone(&format!(":{}", link.display())).unwrap().name, "Africa/Cairo");
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn what_names_none_is_utc_with_a_doubt_or_refused() {
        for text in ["CET-1CEST,M3.5.0,M10.5.0/3", "XYZ-5", "/nowhere/localtime", ":/etc/hostname"] {
            let zone = system_zone(text);
            assert_eq!(zone, Some(SystemZone { name: "UTC".to_owned(), is_doubtful: true }), "{text}");
        }
        for text in ["Mars/Olympus", "Europe/Chisnau", "", ":"] {
            assert_eq!(system_zone(text), None, "{text}");
        }
    }
}
