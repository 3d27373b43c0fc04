//! `cert self-signed`, and an API that speaks TLS with it.

use crate::home::Home;
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_certificate_is_made_once_and_serves_an_api_that_health_finds() {
    let home = Home::new();
    let made = home.json("cert self-signed --name localhost --name 127.0.0.1 --out tls");
    assert_eq!(made["names"], serde_json::json!(["localhost", "127.0.0.1"]));
    let key = home.path("tls/key.pem");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let before = fs::read(&key).unwrap();
    let again = home.run("cert self-signed --out tls");
    assert!(again.bad_line(1).starts_with("tls/key.pem is there already"), "{again:?}");
    assert_eq!(fs::read(&key).unwrap(), before);

    let dev = home.dev("--api-tls-cert tls/cert.pem --api-tls-key tls/key.pem --api-socket api.sock");
    assert!(dev.api.starts_with("https://"), "{}", dev.api);
    let port = dev.api.rsplit(':').next().unwrap();
    let plain = home.run(&format!("health api --api-port {port}"));
    assert!(plain.code == Some(1) && plain.out.contains("this port speaks https"), "{plain:?}");
    let secure = home.run(&format!("health api --api-port {port} --api-tls-cert x --api-tls-key y"));
    assert!(secure.good().ends_with(&format!("the API on port {port} is ready")), "{secure:?}");
    let served = format!("health api --api-port {port} --api-tls-cert x --api-tls-key y");
    for trust in ["--ca tls/cert.pem", "--ca tls/cert.pem --name localhost"] {
        let trusted = home.run(&format!("{served} {trust}"));
        assert!(trusted.good().ends_with(&format!("the API on port {port} is ready")), "{trust}: {trusted:?}");
    }
    home.json("cert self-signed --name localhost --out other");
    for (trust, said) in [
        ("--ca other/cert.pem", "certificate"),
        ("--ca tls/cert.pem --name example.org", "certificate"),
        ("--ca tls/none.pem", "tls/none.pem (--ca)"),
    ] {
        let strange = home.run(&format!("{served} {trust}"));
        assert!(strange.code == Some(1) && strange.out.contains(said), "{trust}: {strange:?}");
    }
    let socket = home.run("health api --api-socket api.sock");
    assert!(socket.good().ends_with("the API on the Unix socket api.sock is ready"), "{socket:?}");
}

#[test]
fn a_name_that_no_certificate_can_have_is_refused() {
    let home = Home::new();
    let refused = home.run("cert self-signed --name ö");
    assert!(refused.bad_line(1).contains("--name"), "{refused:?}");
    assert!(!home.path("key.pem").exists());
}
