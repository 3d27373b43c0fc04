//! `ordinaut cert self-signed`: a certificate for a network of one's own.

use crate::args::{Cert, SelfSigned};
use crate::output::answer;
use anyhow::{Context, bail};
use chrono::{Datelike, Days, Utc};
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, date_time_ymd};
use serde_json::json;
use std::fs::{OpenOptions, remove_file};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

/// Browsers take no certificate that holds for longer than about thirteen months.
const VALID: Days = Days::new(365);

/// Clocks that are slow take it too.
const EARLIER: Days = Days::new(1);

pub(crate) fn run(cert: Cert) -> anyhow::Result<ExitCode> {
    let Cert::SelfSigned(SelfSigned { names, out, format }) = cert;
    let today = Utc::now().date_naive();
    let (from, until) = (today - EARLIER, today + VALID);
    let day = |date: chrono::NaiveDate| date_time_ymd(date.year(), date.month() as u8, date.day() as u8);
    let mut params = CertificateParams::new(names.clone()).context("a --name cannot be in a certificate")?;
    (params.not_before, params.not_after) = (day(from), day(until));
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, &*names[0]);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().context("could not make a key")?;
    let signed = params.self_signed(&key).context("could not make the certificate")?;
    std::fs::create_dir_all(&out).with_context(|| format!("could not make the directory {}", out.display()))?;
    let (cert_path, key_path) = (out.join("cert.pem"), out.join("key.pem"));
    write(&key_path, 0o600, &key.serialize_pem())?;
    if let Err(error) = write(&cert_path, 0o644, &signed.pem()) {
        // A key without its certificate would be in the way of the next try.
        remove_file(&key_path).ok();
        return Err(error);
    }
    let told = json!({"cert": cert_path, "key": key_path, "names": names, "until": until});
    answer(format, &told, || {
        let (cert, key) = (cert_path.display(), key_path.display());
        format!("made {cert} and {key}, for {} until {until}\nAPI_TLS_CERT={cert} API_TLS_KEY={key}", names.join(", "))
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Never in the place of another file: it may be a key in use.
fn write(path: &Path, mode: u32, text: &str) -> anyhow::Result<()> {
    let made = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    match made.and_then(|mut file| file.write_all(text.as_bytes())) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{} is there already: move it away, or name another directory with --out", path.display())
        }
        written => written.with_context(|| format!("could not write {}", path.display())),
    }
}
