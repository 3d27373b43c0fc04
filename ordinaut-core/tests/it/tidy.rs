//! Taste, as far as a machine can check it: which feature may use which, sizes, first lines,
//! nothing left over.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Where a word must not stand, and why.
const FORBIDDEN: &[(&str, &[&str], &str)] = &[
    ("ordinaut-api/src", DOORS, "programs use the library's public face"),
    ("ordinaut-scheduler/src", DOORS, "programs use the library's public face"),
    ("ordinaut-worker/src", DOORS, "programs use the library's public face"),
    ("ordinaut-cli/src", DOORS, "programs use the library's public face"),
    ("ordinaut-runtime/src", DOORS, "programs use the library's public face"),
];

/// What runs a person's statements in a person's database, which is none of the library's business.
const OTHER_DATABASES: &str = "ordinaut-worker/src/executors/sql/";

/// The features of the library, each of which may use those before it. `client.rs` stands outside:
/// what every feature is asked through, and what holds the pool.
const FEATURES: &[&str] = &[
    "seconds",
    "backoff",
    "failure",
    "error",
    "name",
    "json",
    "loops",
    "host",
    "db",
    "notify",
    "placement",
    "node",
    "job",
    "lease",
    "queue",
    "limit",
    "target",
    "step",
    "report",
    "schedule",
    "task",
    "policy",
    "alert",
    "event",
    "access",
    "tool",
    "webhook",
    "bulk",
    "batch",
    "fleet",
    "command",
    "stat",
    "explain",
    "maintenance",
    "worker",
    "testing",
    "openapi",
];

/// What a file that only decides must not name: `now` and chance are its arguments.
const ACTS: &[&str] =
    &["tokio", "sqlx", "fred", "Utc::now", "Instant::now", "SystemTime", "rand::", "std::fs", "std::env"];

const DOORS: &[&str] = &["sqlx::query", "fred"];

/// A statement.
const SQL: &[&str] = &["sqlx::query", "sqlx::raw_sql", "sql!(", "\"select ", "\"insert ", "\"update ", "\"delete "];

const LEFT_OVER: &[&str] = &["todo!", "dbg!", "unimplemented!", "TODO", "FIXME", "XXX"];

const MAX_LINES_OF_RUST: usize = 400;

/// Columns of a line of prose in a comment; code in a fence is as wide as code.
const MAX_COLUMNS_OF_PROSE: usize = 100;

/// Comments aside.
const MAX_LINES_OF_SQL: usize = 58;

/// Of a function in SQL, comments aside.
const MAX_LINES_OF_A_FUNCTION: usize = 120;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The path as a person in the repository would type it.
pub(crate) fn relative(file: &Path) -> String {
    file.strip_prefix(root()).unwrap().display().to_string()
}

/// All files below a directory of the repository; none if it is not there.
pub(crate) fn files(directory: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![root().join(directory)];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            // A feature of the library has that name too.
            let left_out = path.is_symlink()
                || path == root().join("target")
                || path.file_name().is_some_and(|name| name == ".git");
            if path.is_dir() && !left_out {
                directories.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Fails with every remark at once.
fn check(remarks: Vec<String>) {
    assert!(remarks.is_empty(), "\n{}", remarks.join("\n"));
}

/// A remark for each file below a directory that `look` finds fault with.
fn look_at(directory: &str, extension: &str, look: impl Fn(&str, &str) -> Vec<String>) -> Vec<String> {
    let files = files(directory, extension);
    files.iter().flat_map(|file| look(&relative(file), &fs::read_to_string(file).unwrap())).collect()
}

/// A file of a crate: its path below `src`, the feature that it belongs to, and its code without
/// tests and comments.
struct Source {
    path: String,
    feature: String,
    code: String,
}

impl Source {
    /// The library's.
    fn all() -> Vec<Self> {
        Self::below("ordinaut-core/src")
    }

    fn below(home: &str) -> Vec<Self> {
        let sources = files(home, "rs").into_iter().map(|file| {
            let path = file.strip_prefix(root().join(home)).unwrap().to_str().unwrap().to_owned();
            let feature = path.split(['/', '.']).next().unwrap().to_owned();
            let text = fs::read_to_string(file).unwrap();
            let text = text.split("\n#[cfg(test)]\nmod tests").next().unwrap();
            let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let code = lines.collect::<Vec<_>>().join("\n");
            Self { path, feature, code }
        });
        sources.filter(|source| source.path != "lib.rs").collect()
    }

    /// `crate::job::store`, for `job/store.rs` and for `job/store/mod.rs`.
    fn module(&self) -> String {
        let path = self.path.trim_end_matches(".rs").trim_end_matches("/mod");
        format!("crate::{}", path.replace('/', "::"))
    }

    fn is_store(&self) -> bool {
        self.feature == "db" || self.path.contains("/store/") || self.path.ends_with("/store.rs")
    }

    /// Whether its name says that it acts: it waits, looks at a clock, or talks to another process.
    fn acts(&self) -> bool {
        let outside = ["client", "host", "loops", "maintenance", "notify", "worker", "testing"];
        let runs = self.path.contains("/run/") || self.path.ends_with("/run.rs") || self.path.ends_with("/redis.rs");
        // An error may hold the one that it was made of, and somebody has to judge that.
        let error = self.path.ends_with("error.rs") || self.feature == "failure";
        outside.contains(&&*self.feature) || runs || error || self.is_store()
    }

    /// The modules of the library that it names.
    fn uses<'a>(&self, modules: &'a BTreeSet<String>) -> BTreeSet<&'a String> {
        let mut named = BTreeSet::new();
        for found in self.code.split("crate::").skip(1) {
            let end = found.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(found.len());
            let (path, rest) = (found[..end].trim_end_matches(':'), &found[end..]);
            match rest.strip_prefix('{').and_then(|group| group.split_once('}')) {
                Some((group, _)) => {
                    named.extend(group.split(',').map(|item| format!("crate::{path}::{}", item.trim())));
                }
                None => {
                    named.insert(format!("crate::{path}"));
                }
            }
        }
        let module = self.module();
        let longest = named.iter().filter_map(|path| {
            let steps: Vec<_> = path.split("::").collect();
            (1..=steps.len()).rev().find_map(|length| modules.get(&steps[..length].join("::")))
        });
        longest.filter(|used| **used != module).collect()
    }
}

#[test]
fn programs_use_the_public_face() {
    let remarks = FORBIDDEN.iter().flat_map(|(place, words, why)| {
        look_at(place, "rs", |name, text| {
            let is_open = |word: &str| word == "sqlx::query" && name.starts_with(OTHER_DATABASES);
            let named = words.iter().filter(|word| text.contains(**word) && !is_open(word));
            named.map(|word| format!("{name} names {word}: {why}")).collect()
        })
    });
    check(remarks.collect());
}

#[test]
fn the_name_of_a_file_says_what_it_may_do() {
    let mut remarks = Vec::new();
    for source in Source::all() {
        let Source { path, feature, code } = &source;
        let named = |words: &[&'static str]| words.iter().copied().find(|word| code.contains(word));
        // Tests of programs ask Postgres what they like, and the pool is made in client.rs.
        if !source.is_store() && !["testing", "client"].contains(&&**feature) {
            remarks.extend(named(SQL).map(|word| format!("{path} has {word}: statements live in a store")));
        }
        if !source.acts() {
            remarks.extend(named(ACTS).map(|word| format!("{path} names {word}: it is pure, or belongs below run/")));
        }
        if !["notify/redis/", "event/redis.rs"].iter().any(|home| path.starts_with(home)) {
            remarks.extend(named(&["fred::"]).map(|_| format!("{path} talks to Redis")));
        }
    }
    check(remarks);
}

#[test]
fn features_use_only_those_before_them() {
    let place = |feature: &str| FEATURES.iter().position(|known| *known == feature);
    let mut remarks = Vec::new();
    for source in Source::all() {
        let Source { path, feature, code } = &source;
        if ["client", "program"].contains(&&**feature) {
            continue;
        }
        let Some(own) = place(feature) else {
            remarks.push(format!("{path}: FEATURES does not say where {feature} stands"));
            continue;
        };
        let named = code.split("crate::").skip(1).filter_map(|rest| rest.split([':', ';', ',', ' ']).next());
        let later = named.filter(|used| place(used).is_some_and(|at| at > own));
        remarks.extend(later.map(|used| format!("{path} uses {used}, which stands above {feature}")));
    }
    check(remarks);
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    check(circles("ordinaut-core/src", 300));
    check(circles("ordinaut-runtime/src", 40));
}

/// What is in or above a circle, of a crate in which at least so many uses of one file by another
/// are to be found.
fn circles(home: &str, least: usize) -> Vec<String> {
    let sources = Source::below(home);
    let modules: BTreeSet<String> = sources.iter().map(Source::module).collect();
    let mut uses: BTreeMap<String, BTreeSet<&String>> =
        sources.iter().map(|source| (source.module(), source.uses(&modules))).collect();
    assert!(uses.values().map(BTreeSet::len).sum::<usize>() >= least, "the uses in {home} were not found");
    // Whatever uses nothing that is left is in no circle.
    loop {
        let free: Vec<String> =
            uses.iter().filter(|(_, uses)| uses.is_empty()).map(|(module, _)| module.clone()).collect();
        if free.is_empty() {
            break;
        }
        uses.retain(|module, _| !free.contains(module));
        uses.values_mut().for_each(|uses| uses.retain(|used| !free.contains(used)));
    }
    let remark = |(module, uses)| format!("{home}: {module} is in or above a circle: it uses {uses:?}");
    uses.iter().map(remark).collect()
}

#[test]
fn every_file_says_what_it_is_for_and_fits_in_one_head() {
    check(look_at(".", "rs", |name, text| {
        let mut remarks = Vec::new();
        let crate_doc = text.starts_with("#![doc = include_str!(");
        if !text.starts_with("//!") && !crate_doc {
            remarks.push(format!("{name} must begin with //! and say what it is for"));
        }
        let lines = text.lines().count();
        if lines > MAX_LINES_OF_RUST && !name.contains("/tests/") {
            remarks.push(format!("{name} has {lines} lines, of {MAX_LINES_OF_RUST} at most"));
        }
        remarks
    }));
}

#[test]
fn comments_are_as_wide_as_prose_is_read() {
    let look = |name: &str, text: &str| -> Vec<String> {
        let (mut in_code, mut remarks) = (false, Vec::new());
        for (number, line) in text.lines().enumerate() {
            let trimmed = line.trim_start();
            let Some(prose) = ["///", "//!", "//", "--"].iter().find_map(|mark| trimmed.strip_prefix(mark)) else {
                continue;
            };
            in_code ^= prose.trim_start().starts_with("```");
            if !in_code && line.chars().count() > MAX_COLUMNS_OF_PROSE {
                remarks.push(format!("{name}:{} is wider than {MAX_COLUMNS_OF_PROSE} columns", number + 1));
            }
        }
        remarks
    };
    check([look_at(".", "rs", look), look_at(".", "sql", look)].concat());
}

#[test]
fn no_setting_and_no_stored_length_of_time_is_added_to_an_instant() {
    // It panics where the sum cannot be told: compare what has elapsed, or use checked_add.
    const SUM: &str = "Instant::now() + ";
    let look = |name: &str, text: &str| -> Vec<String> {
        let is_constant = |sum: &&str| sum.starts_with(|c: char| c.is_ascii_uppercase());
        let sums = text.split(SUM).skip(1).filter(|sum| !is_constant(sum));
        sums.map(|sum| format!("{name} adds {} to an instant", sum.lines().next().unwrap_or_default())).collect()
    };
    check(look_at("ordinaut-core/src", "rs", look));
}

#[test]
fn one_file_says_what_a_failure_of_postgres_means() {
    const JUDGEMENTS: [&str; 4] = ["as_database_error", "sqlx::Error::Database", "PoolTimedOut", ".code()"];
    let judge = |name: &str, text: &str| -> Vec<String> {
        // The exit code of a process has the same name, and so has that of a mail server's answer.
        // What a person's own database said is told in its words.
        let homes = ["src/failure.rs", "failure/driver.rs", "email/server.rs", "executors/sql/ask.rs"];
        let is_judge = name.contains("/tests/") || homes.iter().any(|file| name.ends_with(file));
        let words = JUDGEMENTS.iter().filter(|word| !is_judge && text.contains(**word));
        words.map(|word| format!("{name} names {word}: ask FailureKind in failure.rs")).collect()
    };
    let homes = ["core", "runtime", "api", "cli", "scheduler", "worker"];
    check(homes.iter().flat_map(|home| look_at(&format!("ordinaut-{home}/src"), "rs", judge)).collect());
}

#[test]
fn nothing_is_left_over() {
    let this_file = Path::new(file!()).file_name().unwrap().to_str().unwrap();
    let look = |name: &str, text: &str| -> Vec<String> {
        let words = LEFT_OVER.iter().filter(|word| !name.ends_with(this_file) && text.contains(**word));
        words.map(|word| format!("{name} has a {word} left")).collect()
    };
    let mut remarks = look_at(".", "rs", look);
    remarks.extend(look_at(".", "sql", look));
    check(remarks);
}

#[test]
fn every_statement_says_why_it_is_there_and_is_short() {
    check(look_at("ordinaut-core/sql", "sql", |name, text| {
        let mut remarks = Vec::new();
        if !text.starts_with("-- ") {
            remarks.push(format!("{name} must begin with a comment"));
        }
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("--")).count();
        let most = if name.contains("/functions/") { MAX_LINES_OF_A_FUNCTION } else { MAX_LINES_OF_SQL };
        if lines > most {
            remarks.push(format!("{name} has {lines} lines of code, of {most} at most"));
        }
        remarks
    }));
}

#[test]
fn a_migration_is_ascii_and_says_what_its_tables_are() {
    check(look_at("migrations", "sql", |name, text| {
        let mut remarks = Vec::new();
        if !text.is_ascii() {
            remarks.push(format!("{name} must be ASCII, to be read in any encoding"));
        }
        let text = &format!("\n{text}");
        for kind in ["table", "view"] {
            let create = format!("\ncreate {kind} ");
            let made = text.split(&create).skip(1).filter_map(|rest| rest.split(' ').next());
            for new in made.filter(|new| !new.ends_with("_default")) {
                if !text.contains(&format!("comment on {kind} {new} is")) {
                    remarks.push(format!("{name} makes {new} without a comment"));
                }
            }
        }
        if text.contains("create function") || text.contains("create or replace function") {
            remarks.push(format!("{name} makes a function: its place is ordinaut-core/sql/functions"));
        }
        let number: u32 = name.trim_start_matches("migrations/")[..4].parse().unwrap();
        let last = format!("\nupdate schema_version set version = {number};\n");
        if number > 1 && !text.ends_with(&last) {
            remarks.push(format!("{name} must end with{last}"));
        }
        remarks
    }));
}

#[test]
fn nothing_becomes_free_in_place() {
    let look = |name: &str, text: &str| -> Vec<String> {
        let words: Vec<_> = text.split_whitespace().collect();
        let freed = words.join(" ").replace("session=", "session =").contains("session = null");
        freed.then(|| format!("{name} frees a lease in place: workers' floors have passed it")).into_iter().collect()
    };
    let mut remarks = look_at("ordinaut-core/sql", "sql", look);
    remarks.extend(look_at("migrations", "sql", look));
    check(remarks);
}
